#include "pcap-tools/cli/commands.h"

#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "quicpcap: what a QUIC and MoQT capture says\n"
    "\n"
    "usage: quicpcap COMMAND [--keys FILE] [--json] FILE...\n"
    "\n"
    "  packets   one row a QUIC packet, decrypted, at its sender's interface\n"
    "  streams   one row for each direction of each stream\n"
    "  verify    every check; also takes a run directory\n"
    "\n"
    "FILE is pcap or pcapng; several captures of one run are merged by time. Keys come\n"
    "from the capture itself (pcapng) or from an NSS key log; connections without packet\n"
    "protection (a laboratory mode of fanbench) need none.\n"
    "\n"
    "  --keys FILE   NSS key log (SSLKEYLOGFILE)\n"
    "  --json        one JSON object a line\n"
    "  --help        this text\n"
    "\n"
    "exit code: 0 as expected, 1 a check failed, 2 bad command line or input, 4 inconclusive\n"
    "\n"
    "examples:\n"
    "  quicpcap packets run/capture/relay-pub.pcapng\n"
    "  quicpcap streams --keys keys.log client.pcap server.pcap\n"
    "  quicpcap verify --json run/\n";

static const struct {
  const char *name;
  int (*run)(const struct qp_options *);
} commands[] = {
    {"packets", qp_cmd_packets},
    {"streams", qp_cmd_streams},
    {"verify", qp_cmd_verify},
    {"summary", NULL},
    {"acks", NULL},
    {"objects", NULL},
    {"explain", NULL},
    {"follow", NULL},
    {"diff", NULL},
    {"qlog", NULL},
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

bool qp_cli_talk(const struct qp_options *o, const struct qp_evidence *e) {
  const struct qp_counts *c = qp_tracker_counts(e->tracker);
  bool damaged = false;
  for (size_t i = 0; i < e->n_files; i++) {
    if (e->damage[i])
      fprintf(o->talk, "quicpcap: %s\n", e->damage[i]);
    damaged |= e->damage[i] != NULL;
  }
  if (c->packets > c->opened)
    fprintf(o->talk, "quicpcap: %llu of %llu QUIC packets could not be opened%s\n",
            (unsigned long long)(c->packets - c->opened), (unsigned long long)c->packets,
            e->keylog.n ? "" : "; no keys are known, give some with --keys FILE");
  if (c->fragments)
    fprintf(o->talk, "quicpcap: %llu IP fragments left out; fragments are not put together\n",
            (unsigned long long)c->fragments);
  if (c->strangers)
    fprintf(o->talk, "quicpcap: %llu UDP datagrams of no known QUIC connection left out\n",
            (unsigned long long)c->strangers);
  return damaged;
}

/* Options may stand anywhere behind the command; argv is put in order in place. */
static int parse(int argc, char **argv, struct qp_options *o) {
  int n = 0;
  for (int i = 2; i < argc; i++) {
    if (!strcmp(argv[i], "--json")) {
      o->json = true;
    } else if (!strcmp(argv[i], "--keys")) {
      if (i + 1 == argc) {
        fprintf(o->talk, "quicpcap: --keys needs a file\n");
        return 2;
      }
      o->keys = argv[++i];
    } else if (argv[i][0] == '-' && argv[i][1]) {
      fprintf(o->talk, "quicpcap: unknown option %s; try quicpcap --help\n", argv[i]);
      return 2;
    } else {
      argv[2 + n++] = argv[i];
    }
  }
  o->files = (const char *const *)argv + 2;
  o->n_files = (size_t)n;
  if (n)
    return 0;
  fprintf(o->talk, "quicpcap %s: expected a capture file; try quicpcap --help\n", argv[1]);
  return 2;
}

int qp_cli(int argc, char **argv, FILE *out, FILE *talk) {
  struct qp_options o = {.out = out, .talk = talk};
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
      fputs(usage, out);
      return 0;
    }
  }
  if (argc < 2) {
    fputs(usage, talk);
    return 2;
  }
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    if (strcmp(argv[1], commands[i].name) != 0)
      continue;
    if (!commands[i].run) {
      fprintf(talk, "quicpcap %s: not built yet; there are packets, streams and verify\n", argv[1]);
      return 2;
    }
    int bad = parse(argc, argv, &o);
    return bad ? bad : commands[i].run(&o);
  }
  fprintf(talk, "quicpcap: unknown command \"%s\"; try quicpcap --help\n", argv[1]);
  return 2;
}
