/* Finds what belongs to a connection: from the first ID its client chose and a number, to
 * an index of the caller's. The number tells apart what stands in several files about one
 * connection: whose word it is.
 *
 * Zero-initialised = empty. */
#ifndef FANBENCH_PCAP_TRACK_BY_ID_H
#define FANBENCH_PCAP_TRACK_BY_ID_H

#include "pcap-tools/dissect/packet.h"
#include "pcap-tools/track/map.h"

struct qp_by_id {
  struct qp_map map;
  struct qp_by_id_entry {
    struct qp_cid id;
    uint32_t whose, value;
  } * entries;
  size_t n, room;
};

/* QP_MAP_NONE: it is not there. */
uint32_t qp_by_id_get(const struct qp_by_id *by_id, uint32_t whose, const struct qp_cid *id);
/* Adds it, or changes its value. */
void qp_by_id_set(struct qp_by_id *by_id, uint32_t whose, const struct qp_cid *id, uint32_t value);
void qp_by_id_clear(struct qp_by_id *by_id);

#endif
