/* Whose an address is: every address of every node, sorted. Nodes are numbers here.
 *
 * Order of calls: qp_owners_add() for each, qp_owners_sort(), then the others.
 * Zero-initialised = empty. */
#ifndef FANBENCH_PCAP_READ_OWNERS_H
#define FANBENCH_PCAP_READ_OWNERS_H

#include "pcap-tools/read/udp.h"

#define QP_NOBODY UINT32_MAX

struct qp_owners {
  struct qp_owner {
    struct qp_end end;
    uint32_t node;
  } * items;
  size_t n, room;
};

void qp_owners_add(struct qp_owners *owners, const struct qp_end *end, uint32_t node);
void qp_owners_sort(struct qp_owners *owners);
/* The first node with this address and port, or QP_NOBODY. */
uint32_t qp_owners_find(const struct qp_owners *owners, const struct qp_end *end);
/* The node with this address, whatever the port; QP_NOBODY also if several share it. */
uint32_t qp_owners_alone(const struct qp_owners *owners, const struct qp_end *end);
void qp_owners_clear(struct qp_owners *owners);

#endif
