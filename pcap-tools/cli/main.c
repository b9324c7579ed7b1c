/* quicpcap: the judge on the command line. */
#include "pcap-tools/cli/commands.h"

int main(int argc, char **argv) {
  return qp_cli(argc, argv, stdout, stderr);
}
