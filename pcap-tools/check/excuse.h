/* Excuses: what the timeline really did (faults.jsonl) to a connection. A bare
 * capture has none. Times: those of captures unless said otherwise. */
#ifndef FANBENCH_PCAP_CHECK_EXCUSE_H
#define FANBENCH_PCAP_CHECK_EXCUSE_H

#include "pcap-tools/check/check.h"

/* Time of the first event that broke an end of this connection while it lived: it
 * may end without a close, and leave streams behind. UINT64_MAX: none did. */
uint64_t qp_broken_at(const struct qp_evidence *e, const struct qp_conn *conn);
bool qp_excused(const struct qp_evidence *e, const struct qp_conn *conn);
/* The first such event of a node at or after t (CLOCK_MONOTONIC, as in logs);
 * *unflushed: it also lost what the node had not written yet. UINT64_MAX: none. */
uint64_t qp_node_broken_at(const struct qp_evidence *e, const char *node, uint64_t t,
                           bool *unflushed);
/* That end breaks the rules on request (kind `rogue` in faults.jsonl): what it sends, what it does
 * not take, and how the connection ends are its own doing. */
bool qp_is_rogue(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side);
/* qp_found() about what `side` sends: false, and nothing is counted, if it is a rogue. */
bool qp_found_of(struct qp_judged *self, const struct qp_conn *conn, unsigned side);
/* The track of that name is published by a rogue: its objects may be anything. */
bool qp_is_rogue_track(const struct qp_evidence *e, const char *track);
/* The track that a stream or datagram with this alias, sent by `side`, belongs to, is. */
bool qp_is_rogue_alias(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side,
                       uint64_t alias, uint64_t time_ns);
/* The next event of that kind (NULL: of any) behind `last` (NULL: the first) that happened to the
 * node, or to all of its group; NULL: no more. */
const struct qp_fault *qp_next_fault(const struct qp_evidence *e, const char *node,
                                     const char *kind, const struct qp_fault *last);
/* The process is over with it: what it knew is gone. */
bool qp_ends_process(const struct qp_fault *fault);
/* An event of that kind happened to the node. */
bool qp_happened(const struct qp_evidence *e, const char *node, const char *kind);
/* The node's process stood still (stall, until its resume) at some time in
 * [from, to]; what it then owed may come a turn after the resume. */
bool qp_stalled(const struct qp_evidence *e, const char *node, uint64_t from, uint64_t to);
/* When the node's process can look at what comes at t: t, or the end of the stall it is in. */
uint64_t qp_resumed_at(const struct qp_evidence *e, const char *node, uint64_t t);
/* CLOCK_MONOTONIC to the clock of captures. UINT64_MAX stays. */
uint64_t qp_capture_time(const struct qp_evidence *e, uint64_t monotonic_ns);
/* The run was cut short by the runner. */
bool qp_timed_out(const struct qp_evidence *e);
/* All links are plain: nothing is lost on purpose. */
bool qp_lossless(const struct qp_manifest *m);

/* How much a process that is killed may have seen and not yet written. */
#define QP_UNFLUSHED_NS 500000000u
/* How long a packet may wait for its turn: at a process, in a queue. */
#define QP_TURN_NS 100000000u

#endif
