/* Addresses of people: reading them, and which one of this host's leads there. */
#ifndef FANBENCH_RELAY_HOST_ADDRESS_H
#define FANBENCH_RELAY_HOST_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/quic/conn.h"

/* "10.0.1.1:4433" or "[fd00::1]:4433". False: it is neither. */
bool address_parse(const char *text, struct qc_addr *out);

/* The address that packets to `remote` leave with, and this port (host order). False:
 * there is no route. */
bool address_local(const struct qc_addr *remote, uint16_t port, struct qc_addr *local);

#endif
