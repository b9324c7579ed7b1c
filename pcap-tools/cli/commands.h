/* The subcommands of quicpcap. Each returns an exit code: 0, 1 not as expected,
 * 2 bad command line or input, 4 inconclusive. */
#ifndef FANBENCH_PCAP_CLI_COMMANDS_H
#define FANBENCH_PCAP_CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "pcap-tools/check/evidence.h"
#include "pcap-tools/cli/select.h"
#include "pcap-tools/qlog/dialect.h"

struct qp_options {
  bool json;
  const char *keys;         /* key log file, or NULL */
  const char *const *files; /* captures, or one run directory */
  size_t n_files;
  FILE *out, *talk; /* results; everything else */
  struct qp_select select;
  bool hex; /* follow */
  struct qp_mutate_options {
    size_t places; /* 0: the default */
    uint64_t seed;
    const char *name, *out; /* NULL: all operators; nothing is kept */
  } mutate;
  struct qp_qlog_options {
    enum qp_dialect dialect;
    bool lines;      /* NDJSON */
    const char *out; /* folder, or NULL */
    int vantage;     /* enum qp_qlog_at + 1; 0: whatever the captures show */
  } qlog;
};

int qp_cmd_summary(const struct qp_options *o);
int qp_cmd_acks(const struct qp_options *o);
int qp_cmd_objects(const struct qp_options *o);
int qp_cmd_follow(const struct qp_options *o);
int qp_cmd_explain(const struct qp_options *o);
int qp_cmd_diff(const struct qp_options *o);
int qp_cmd_packets(const struct qp_options *o);
int qp_cmd_streams(const struct qp_options *o);
int qp_cmd_verify(const struct qp_options *o);
int qp_cmd_mutate(const struct qp_options *o);
int qp_cmd_qlog(const struct qp_options *o);

/* The whole command line: quicpcap COMMAND ... */
int qp_cli(int argc, char **argv, FILE *out, FILE *talk);

/* Opens what the options name. 0, or 2 after a message. */
int qp_cli_open(const struct qp_options *o, struct qp_evidence *e);
/* For commands that list neither streams nor objects: neither is kept, so that memory
 * does not follow the length of the capture. */
void qp_cli_keep_little(struct qp_evidence *e);
/* Watches and reads what was opened. 0, or 2 after a message; in any case the
 * caller ends with qp_evidence_clear(). */
int qp_cli_read(const struct qp_options *o, struct qp_evidence *e,
                const struct qp_watcher *watcher);
/* Says what was damaged or could not be opened. True if anything was damaged. */
bool qp_cli_talk(const struct qp_options *o, const struct qp_evidence *e);
/* True if the only argument is a directory. */
bool qp_cli_is_dir(const struct qp_options *o);

#endif
