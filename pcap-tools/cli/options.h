/* Options and commands of quicpcap, each in one table. The parser, --help and the completions
 * of the shells are made from these tables, so that they cannot disagree. */
#ifndef FANBENCH_PCAP_CLI_OPTIONS_H
#define FANBENCH_PCAP_CLI_OPTIONS_H

#include "pcap-tools/cli/commands.h"

/* Bits behind those of enum qp_select_by. */
enum qp_option_bit {
  QP_O_KEYS = 128,
  QP_O_JSON = 256,
  QP_O_HEX = 512,
  QP_O_PLACES = 1024,
  QP_O_SEED = 2048,
  QP_O_OPERATOR = 4096,
  QP_O_OUT = 8192,
  QP_O_QLOG = 16384,
  QP_O_NDJSON = 32768,
  QP_O_VANTAGE = 65536,
};

struct qp_option {
  unsigned bit;
  const char *name;  /* "--conn" */
  const char *value; /* "N"; NULL: takes none */
  const char *help;
  const char *words; /* values to choose from, with blanks between; NULL: others */
  bool file;         /* the value is a file or folder */
};

struct qp_command {
  const char *name;
  int (*run)(const struct qp_options *);
  unsigned options;     /* set of bits */
  const char *operands; /* "FILE..." */
  const char *about;    /* a few words */
  const char *text;     /* lines of --help */
  const char *example;
};

const struct qp_option *qp_option_table(size_t *n);
const struct qp_command *qp_command_table(size_t *n);
/* The command, or NULL. */
const struct qp_command *qp_command_find(const char *name);

/* Reads the words behind the command: options anywhere, `--` ends them; the files are
 * gathered at the front of words[]. 0, or 2 after a message. */
int qp_options_read(const struct qp_command *command, char **words, int n_words,
                    struct qp_options *o);

#endif
