/* NODE-copies.jsonl of a relay: which packet numbers of which connection are
 * copies made by the datapath, of which packets, and what else it decided.
 * Decisions are opaque text except "send". Lines that name a slot nobody is in
 * are kept apart: a check asks for them. */
#ifndef FANBENCH_PCAP_TRACK_COPIES_H
#define FANBENCH_PCAP_TRACK_COPIES_H

#include "pcap-tools/track/by_id.h"
#include "pcap-tools/track/ranges.h"

/* One decision about one (packet, frame, subscriber). Indexes are into `conns`. */
struct qp_copy {
  uint32_t conn, up;
  uint64_t pn; /* valid if `send` */
  uint64_t up_pn, t;
  uint64_t sid, off;   /* upstream stream; 0 for a datagram */
  uint32_t len, frame; /* frame: among the packet's fan-out frames, from 0 */
  uint32_t line;
  bool send, datagram, fin, has_down;
  uint64_t down_sid;
};

struct qp_copies {
  /* One relay's word about one connection: between two relays it stands in the records of
   * both, downstream in one and upstream in the other. */
  struct qp_copies_conn {
    struct qp_cid odcid;
    uint32_t relay; /* who wrote: index of the node */
    char *file; /* where it is named, relative to the run directory; NULL: only as an upstream */
    struct qp_ranges fast;   /* numbers of copies that were sent */
    struct qp_ranges failed; /* of these, never emitted */
    struct qp_decision_count {
      char name[32];
      uint64_t n;
    } * decisions; /* others than "send" */
    size_t n_decisions, decisions_room;
  } * conns;
  size_t n_conns, conns_room;
  struct qp_by_id conn_at; /* by relay and ID */
  struct qp_by_id named;   /* by ID: the first that has a file */
  struct qp_slot {
    uint64_t slot, gen, t, line;
    uint32_t conn;
    char remote[64], local[64];
  } * slots;
  size_t n_slots, slots_room;
  struct qp_map slot_at; /* the newest of a relay's slot and generation */
  struct qp_copy *items;
  size_t n_items, items_room;
  /* chains through items: by (conn, pn) of sends, and by (conn, up, up_pn) of all */
  struct qp_map by_number, by_packet;
  uint32_t *next_number, *next_packet;
  size_t number_room, packet_room;
  uint64_t lines, stray_line; /* stray_line: the first copy of a slot nobody is in; 0 = none */
};

/* Adds DIR/FILE, written by that relay. Returns 0; 1 if there is no such file; -1 with a message. */
int qp_copies_load(struct qp_copies *copies, uint32_t relay, const char *dir, const char *file,
                   char *err, size_t err_len);
const struct qp_copies_conn *qp_copies_find(const struct qp_copies *copies, uint32_t relay,
                                            const struct qp_cid *odcid);
/* The word of the relay that makes copies for this connection. */
const struct qp_copies_conn *qp_copies_downstream(const struct qp_copies *copies,
                                                  const struct qp_cid *odcid);
/* The first decision to send with that number; NULL = the number is no copy. */
const struct qp_copy *qp_copies_number(const struct qp_copies *copies,
                                       const struct qp_copies_conn *conn, uint64_t pn);
/* The next one with the same number, or NULL. */
const struct qp_copy *qp_copies_next(const struct qp_copies *copies, const struct qp_copy *copy);
/* The decision for the same subscriber about a frame of the same packet: a stream
 * frame by its place, a datagram by its position; NULL = there is none. */
const struct qp_copy *qp_copies_frame(const struct qp_copies *copies, const struct qp_copy *copy,
                                      const struct qp_copy *frame);
/* Is any copy made of that packet? */
bool qp_copies_source(const struct qp_copies *copies, const struct qp_copies_conn *up,
                      uint64_t up_pn);
/* A decision that is the last word about a frame: the subscriber goes without. */
bool qp_copies_is_drop(const char *decision);
void qp_copies_clear(struct qp_copies *copies);

#endif
