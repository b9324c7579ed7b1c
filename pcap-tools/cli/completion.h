/* Completion of quicpcap's words in shells, made from the tables of cli/options.h. */
#ifndef FANBENCH_PCAP_CLI_COMPLETION_H
#define FANBENCH_PCAP_CLI_COMPLETION_H

#include <stdio.h>

/* Writes the script of that shell, "bash" or "zsh", to out. 0, or 2 after a message. */
int qp_completion(const char *shell, FILE *out, FILE *talk);

#endif
