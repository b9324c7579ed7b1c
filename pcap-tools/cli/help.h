/* The texts of --help: of all of quicpcap, and of one command. */
#ifndef FANBENCH_PCAP_CLI_HELP_H
#define FANBENCH_PCAP_CLI_HELP_H

#include <stdio.h>

#include "pcap-tools/cli/options.h"

/* command: NULL = all. */
void qp_help(const struct qp_command *command, FILE *to);

#endif
