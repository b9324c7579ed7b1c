/* A tape with two connections, as setup and teardown of a test: *state is a struct stage, until the
 * teardown. */
#ifndef FANBENCH_PCAP_T_TWO_CLIENTS_H
#define FANBENCH_PCAP_T_TWO_CLIENTS_H

#include "pcap-tools/t/tape.h"

struct stage {
  struct tape *t;
  struct tape_conn c, d; /* their handshakes are said, d's last */
};

int two_clients(void **state);
int two_clients_gone(void **state);

#endif
