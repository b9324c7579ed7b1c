/* The texts of --help: of all of quicpcap, and of one command. */
#ifndef FANBENCH_PCAP_CLI_HELP_H
#define FANBENCH_PCAP_CLI_HELP_H

#include <stdio.h>

void qp_help(FILE *to);
/* command: one that exists. */
void qp_help_command(const char *command, FILE *to);

#endif
