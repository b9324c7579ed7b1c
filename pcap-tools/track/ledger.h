/* NODE-ledger.jsonl of a relay: its own word about every joint number, and about
 * every ACK: what arrived and what ngtcp2 was told.
 *
 * Zero-initialised = empty. Indexes and pointers stay valid once all is loaded. */
#ifndef FANBENCH_PCAP_TRACK_LEDGER_H
#define FANBENCH_PCAP_TRACK_LEDGER_H

#include "pcap-tools/track/by_id.h"
#include "pcap-tools/track/ranges.h"

enum qp_origin {
  QP_ORIGIN_OWN,  /* ngtcp2's packet */
  QP_ORIGIN_FAST, /* the datapath's */
  QP_ORIGIN_SLOW, /* the relay's own builder's */
  QP_ORIGIN_PROBE,
  QP_ORIGIN_BURNED, /* ngtcp2 skipped its number */
  QP_ORIGIN_UNKNOWN,
};

enum qp_fate { QP_FATE_OUTSTANDING, QP_FATE_ACKED, QP_FATE_LOST, QP_FATE_NEVER, QP_FATE_UNKNOWN };

struct qp_ledger_number {
  uint64_t pn, own, sent_t, line;
  uint64_t content; /* sum of qp_content_...() of its pieces */
  uint8_t origin, fate;
  bool has_own;
  bool again; /* a second line has the same number */
};

struct qp_ledger_ack {
  uint64_t t, line;
  struct qp_ranges joint, own;
};

struct qp_ledger {
  struct qp_ledger_conn { /* a connection between two relays stands in both ones' ledgers */
    struct qp_cid odcid;
    uint32_t relay; /* whose ledger: index of the node */
    char *file;     /* relative to the run directory */
    struct qp_ledger_number *numbers;
    size_t n, room;
    size_t life;      /* processes of the relay before the one whose lines these are */
    struct qp_map at; /* number -> index */
    struct qp_ledger_ack *acks;
    size_t n_acks, acks_room;
  } * conns;
  size_t n_conns, conns_room;
  struct qp_by_id conn_at; /* by relay and ID */
};

/* When processes began, in the order of time. */
struct qp_starts {
  const uint64_t *at;
  size_t n;
};

/* Adds DIR/FILE, written by that relay, whose next processes began at these times: what one writes
 * about a connection replaces what the one before it wrote, who answered the same Initial.
 * Returns 0; 1 if there is no such file; -1 with a message. */
int qp_ledger_load(struct qp_ledger *ledger, uint32_t relay, const struct qp_starts *starts,
                   const char *dir, const char *file, char *err, size_t err_len);
const struct qp_ledger_conn *qp_ledger_find(const struct qp_ledger *ledger, uint32_t relay,
                                            const struct qp_cid *odcid);
/* The line of that number, or NULL. */
const struct qp_ledger_number *qp_ledger_number(const struct qp_ledger_conn *conn, uint64_t pn);
void qp_ledger_clear(struct qp_ledger *ledger);

/* Content as a sum over pieces, so that their order does not matter. */
uint64_t qp_content_stream(uint64_t sid, uint64_t off, uint64_t len, bool fin);
uint64_t qp_content_datagram(uint64_t len);
uint64_t qp_content_reset(uint64_t sid);

const char *qp_origin_name(unsigned origin);
const char *qp_fate_name(unsigned fate);

#endif
