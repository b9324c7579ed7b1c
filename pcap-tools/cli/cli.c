#include "pcap-tools/cli/commands.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pcap-tools/cli/completion.h"
#include "pcap-tools/cli/help.h"

bool qp_cli_is_dir(const struct qp_options *o) {
  struct stat st;
  return o->n_files == 1 && !stat(o->files[0], &st) && S_ISDIR(st.st_mode);
}

int qp_cli_open(const struct qp_options *o, struct qp_evidence *e) {
  char err[1024] = "";
  int got = qp_cli_is_dir(o)
                ? qp_evidence_of_run(e, o->files[0], o->keys, err, sizeof err)
                : qp_evidence_of_files(e, o->files, o->n_files, o->keys, err, sizeof err);
  if (!got)
    return 0;
  fprintf(o->talk, "quicpcap: %s\n", err);
  qp_evidence_clear(e);
  return 2;
}

static bool forget_object(void *arg, struct qp_conn *conn, unsigned side, struct qp_object *o) {
  (void)arg, (void)conn, (void)side, (void)o;
  return true;
}

void qp_cli_keep_little(struct qp_evidence *e) {
  qp_tracker_pass_on(e->tracker, forget_object, NULL);
}

int qp_cli_read(const struct qp_options *o, struct qp_evidence *e,
                const struct qp_watcher *watcher) {
  char err[1024] = "";
  qp_tracker_watch(e->tracker, watcher);
  if (!qp_evidence_read(e, err, sizeof err))
    return 0;
  fprintf(o->talk, "quicpcap: %s\n", err);
  return 2;
}

bool qp_cli_talk(const struct qp_options *o, const struct qp_evidence *e) {
  const struct qp_counts *c = qp_tracker_counts(e->tracker);
  bool damaged = false;
  for (size_t i = 0; i < e->n_files; i++) {
    if (e->damage[i])
      fprintf(o->talk, "quicpcap: %s\n", e->damage[i]);
    damaged |= e->damage[i] != NULL;
  }
  if (e->key_trouble)
    fprintf(o->talk, "quicpcap: %s\n", e->key_trouble);
  if (c->packets > c->opened)
    fprintf(o->talk, "quicpcap: %llu of %llu QUIC packets could not be opened%s\n",
            (unsigned long long)(c->packets - c->opened), (unsigned long long)c->packets,
            e->keylog.n ? "" : "; no keys are known, give some with --keys FILE");
  if (c->packets > c->opened && e->late_secrets)
    fprintf(o->talk,
            "quicpcap: secrets stand behind packets that need them, and a file of over "
            "64 MiB or a pipe is read only once; put them in front with editcap "
            "--inject-secrets, or give them with --keys FILE\n");
  if (c->fragments)
    fprintf(o->talk, "quicpcap: %llu IP fragments left out; fragments are not put together\n",
            (unsigned long long)c->fragments);
  if (c->strangers)
    fprintf(o->talk, "quicpcap: %llu UDP datagrams of no known QUIC connection left out\n",
            (unsigned long long)c->strangers);
  return damaged || e->key_trouble;
}

static bool wants_help(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
      return true;
  return false;
}

int qp_cli(int argc, char **argv, FILE *out, FILE *talk) {
  struct qp_options o = {.out = out, .talk = talk};
  const struct qp_command *command = argc > 1 ? qp_command_find(argv[1]) : NULL;
  if (wants_help(argc, argv)) {
    qp_help(command, out);
    return 0;
  }
  if (argc < 2) {
    qp_help(NULL, talk);
    return 2;
  }
  if (!strcmp(argv[1], "completion"))
    return qp_completion(argc > 2 ? argv[2] : "", out, talk);
  if (!command) {
    fprintf(talk, "quicpcap: unknown command \"%s\"; try quicpcap --help\n", argv[1]);
    return 2;
  }
  int bad = qp_options_read(command, argv + 2, argc - 2, &o);
  return bad ? bad : command->run(&o);
}

int judge_command(int argc, char **argv, FILE *out, FILE *talk) {
  return qp_cli(argc, argv, out, talk);
}
