#include "pcap-tools/cli/commands.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pcap-tools/cli/help.h"

struct command {
  const char *name;
  int (*run)(const struct qp_options *); /* NULL: not built yet */
  unsigned selects;                      /* set of enum qp_select_by */
};

static const struct command commands[] = {
    {"summary", qp_cmd_summary, QP_BY_CONN},
    {"explain", qp_cmd_explain, QP_BY_CONN},
    {"packets", qp_cmd_packets, QP_BY_ALL},
    {"acks", qp_cmd_acks, QP_BY_CONN | QP_BY_FROM | QP_BY_NUMBER | QP_BY_TIME},
    {"streams", qp_cmd_streams, QP_BY_CONN | QP_BY_FROM | QP_BY_STREAM},
    {"objects", qp_cmd_objects, QP_BY_CONN | QP_BY_FROM | QP_BY_STREAM | QP_BY_TIME},
    {"follow", qp_cmd_follow, QP_BY_CONN | QP_BY_FROM | QP_BY_STREAM},
    {"diff", qp_cmd_diff, 0},
    {"verify", qp_cmd_verify, 0},
    {"mutate", qp_cmd_mutate, 0},
    {"qlog", NULL, 0},
};

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

/* An option of mutate. Words taken, 0 = not one, -1 after a message. */
static int mutate_option(const char *name, const char *value, struct qp_options *o) {
  struct qp_mutate_options *m = &o->mutate;
  bool number = !strcmp(name, "--places") || !strcmp(name, "--seed");
  char *end;
  if (!number && strcmp(name, "--operator") != 0 && strcmp(name, "--out") != 0)
    return 0;
  unsigned long long n = number && value ? strtoull(value, &end, 10) : 0;
  if (!value || (number && (*end || !*value || (name[2] == 'p' && !n)))) {
    fprintf(o->talk, "quicpcap: %s: expected %s, found \"%s\"\n", name,
            number ? "a number" : "a name", value ? value : "nothing");
    return -1;
  }
  if (!strcmp(name, "--places"))
    m->places = (size_t)n;
  else if (!strcmp(name, "--seed"))
    m->seed = n;
  else if (!strcmp(name, "--operator"))
    m->name = value;
  else
    m->out = value;
  m->given = m->given ? m->given : name;
  return 2;
}

/* One option. Words taken, 0 = not an option, -1 after a message. */
static int option(char **words, struct qp_options *o) {
  const char *name = words[0], *value = words[1];
  if (name[0] != '-' || !name[1])
    return 0;
  if (!strcmp(name, "--json")) {
    o->json = true;
    return 1;
  }
  if (!strcmp(name, "--hex")) {
    o->hex = true;
    return 1;
  }
  if (!strcmp(name, "--keys")) {
    o->keys = value;
    if (!value)
      fprintf(o->talk, "quicpcap: --keys needs a file\n");
    return value ? 2 : -1;
  }
  int mutates = mutate_option(name, value, o);
  if (mutates)
    return mutates;
  int got = qp_select_option(&o->select, name, value, o->talk);
  if (got)
    return got > 0 ? 2 : -1;
  fprintf(o->talk, "quicpcap: unknown option %s; try quicpcap --help\n", name);
  return -1;
}

/* Options may stand anywhere behind the command; argv is put in order in place. */
static int parse(int argc, char **argv, const struct command *command, struct qp_options *o) {
  int n = 0;
  for (int i = 2; i < argc;) {
    int taken = option(&argv[i], o);
    if (taken < 0)
      return 2;
    if (!taken)
      argv[2 + n++] = argv[i];
    i += taken ? taken : 1;
  }
  const char *env = getenv("SSLKEYLOGFILE");
  if (!o->keys && env && !access(env, R_OK))
    o->keys = env;
  o->files = (const char *const *)argv + 2;
  o->n_files = (size_t)n;
  const char *refused = qp_select_refused(&o->select, command->selects);
  if (!refused && o->hex && command->run != qp_cmd_follow)
    refused = "--hex";
  if (!refused && command->run != qp_cmd_mutate)
    refused = o->mutate.given;
  if (refused) {
    fprintf(o->talk, "quicpcap %s: %s changes nothing here; try quicpcap %s --help\n",
            command->name, refused, command->name);
    return 2;
  }
  if (n)
    return 0;
  fprintf(o->talk, "quicpcap %s: expected a capture file; try quicpcap %s --help\n", command->name,
          command->name);
  return 2;
}

static const struct command *find(const char *name) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (!strcmp(name, commands[i].name))
      return &commands[i];
  return NULL;
}

static bool wants_help(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
      return true;
  return false;
}

int qp_cli(int argc, char **argv, FILE *out, FILE *talk) {
  struct qp_options o = {.out = out, .talk = talk};
  const struct command *command = argc > 1 ? find(argv[1]) : NULL;
  if (wants_help(argc, argv)) {
    qp_help_command(command ? command->name : "", out);
    return 0;
  }
  if (argc < 2) {
    qp_help(talk);
    return 2;
  }
  if (!command) {
    fprintf(talk, "quicpcap: unknown command \"%s\"; try quicpcap --help\n", argv[1]);
    return 2;
  }
  if (!command->run) {
    fprintf(talk, "quicpcap %s: not built yet; try quicpcap --help\n", argv[1]);
    return 2;
  }
  int bad = parse(argc, argv, command, &o);
  return bad ? bad : command->run(&o);
}

int judge_command(int argc, char **argv, FILE *out, FILE *talk) {
  return qp_cli(argc, argv, out, talk);
}
