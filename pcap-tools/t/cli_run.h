/* quicpcap's command line for tests: runs it in this process and keeps what it
 * says. */
#ifndef FANBENCH_PCAP_T_CLI_RUN_H
#define FANBENCH_PCAP_T_CLI_RUN_H

#include "pcap-tools/t/scene.h"

/* Of the last call; valid until the next one. */
extern char *cli_out, *cli_talk;

/* Words separated by blanks, e.g. "quicpcap packets x.pcapng". The exit code. */
int cli_run(const char *line);
/* Writes the tape's captures (one file for each of `n_files`) and puts their
 * paths behind the command, then runs it. */
int cli_run_tape(const char *command, const struct tape *t, unsigned n_files);
/* Lines of the output. */
size_t cli_lines(void);
/* Lines that are JSON objects whose string member `key` holds `text`; every line
 * has to be an object. */
size_t cli_json_rows(const char *key, const char *text);
/* The number `key` of the first JSON line that has it; fails the test if none has. */
long long cli_json_number(const char *key);
/* Fails the test unless the output, or the talk, holds the text. */
void cli_says(const char *text);
void cli_talks(const char *text);
/* At the end of the program. */
void cli_free(void);

#endif
