/* NODE-copies.jsonl of a relay: which packet numbers of which connection are
 * copies made by the datapath, and what else it decided. Decisions are opaque
 * text except "send". */
#ifndef FANBENCH_PCAP_TRACK_COPIES_H
#define FANBENCH_PCAP_TRACK_COPIES_H

#include "pcap-tools/dissect/packet.h"
#include "pcap-tools/track/ranges.h"

struct qp_copies {
  struct qp_copies_conn {
    struct qp_cid odcid;
    struct qp_ranges fast; /* numbers of copies that were sent */
    struct qp_decision_count {
      char name[32];
      uint64_t n;
    } * decisions; /* others than "send" */
    size_t n_decisions, decisions_room;
  } * conns;
  size_t n_conns, conns_room;
  struct qp_slot {
    uint64_t slot, gen;
    uint32_t conn;
  } * slots;
  size_t n_slots, slots_room;
  uint64_t lines;
};

/* Adds DIR/FILE. Returns 0; 1 if there is no such file; -1 with a message. */
int qp_copies_load(struct qp_copies *copies, const char *path, char *err, size_t err_len);
const struct qp_copies_conn *qp_copies_find(const struct qp_copies *copies,
                                            const struct qp_cid *odcid);
/* A decision that is the last word about a frame: the subscriber goes without. */
bool qp_copies_is_drop(const char *decision);
void qp_copies_clear(struct qp_copies *copies);

#endif
