/* For how long a process has run, as far as the captures and its own log show.
 *
 * On a busy machine a process waits for its turn, and what waits with it (an ACK, a
 * reduction of its window) is no fault of its own. So some checks measure a sender's
 * delay in time that it demonstrably ran: each packet that its user space sends, on
 * whatever connection, and each ACK line of its ledger is a sign of life. Time between
 * two signs counts in full up to QP_AWAKE_GAP_NS; a longer silence counts only that
 * much. The figure is a lower bound: a process without signs of life stands still.
 *
 * What the datapath copies is no sign: the kernel does it.
 *
 * Zero-initialised = empty. Times are those of captures, and come in order. */
#ifndef FANBENCH_PCAP_CHECK_AWAKE_H
#define FANBENCH_PCAP_CHECK_AWAKE_H

#include "pcap-tools/check/per_conn.h"
#include "pcap-tools/check/check.h"

#define QP_AWAKE_GAP_NS 2000000u

struct qp_awake_clock {
  uint64_t last_ns;  /* the last sign of life; 0: none yet */
  uint64_t awake_ns; /* summed up to it */
  /* ACK lines of its ledger, sorted, not yet passed: acks[next..n) */
  uint64_t *acks;
  size_t n, room, next;
  bool gathered;
  /* the clock's course: awake_at[i] was reached at time_at[i] */
  uint64_t *time_at, *awake_at;
  size_t n_steps, time_room, awake_room;
};

struct qp_awake {
  struct qp_awake_clock *nodes; /* one for each of the manifest's */
  size_t n_nodes;
  struct qp_per_conn ends[2]; /* struct qp_awake_end */
};

/* One end of a connection. */
struct qp_awake_end {
  struct qp_awake_clock *clock; /* its node's, or its own */
  struct qp_awake_clock own;    /* no node of a manifest is here */
};

/* The clock of the process at that end of a connection. */
struct qp_awake_clock *qp_awake_clock(struct qp_awake *a, const struct qp_evidence *e,
                                      const struct qp_conn *conn, unsigned side);
/* A packet passes: a sign of life of its sender's, if it is one. */
void qp_awake_packet(struct qp_awake *a, const struct qp_evidence *e, const struct qp_seen *s);
/* How long the process has run up to now, since its first sign of life. */
uint64_t qp_awake_until(struct qp_awake_clock *clock, uint64_t now_ns);
/* The same for any time in the past, when all packets have passed. */
uint64_t qp_awake_back_at(const struct qp_awake_clock *clock, uint64_t time_ns);
void qp_awake_clear(struct qp_awake *a);

#endif
