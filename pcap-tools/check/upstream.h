/* The streams that brought a relay what it sends on: those of the same track and subgroup on the
 * connections on which the relay asked for the track. */
#ifndef FANBENCH_PCAP_CHECK_UPSTREAM_H
#define FANBENCH_PCAP_CHECK_UPSTREAM_H

#include "pcap-tools/check/check.h"

/* The side of `up` on which the relay that sends on `down` asked for that track; -1: none. */
int qp_upstream_asker(const struct qp_evidence *e, const struct qp_conn *up,
                      const struct qp_conn *down, unsigned relay, uint32_t track);

/* Is the subgroup of a stream known? Of one whose ID is that of its first object not before that
 * comes. */
bool qp_upstream_is_named(const struct qp_half *half);

/* Zero-initialised = at the beginning. */
struct qp_upstream_walk {
  size_t conn, half;
  const struct qp_conn *up; /* the one that the last stream is of */
  int relay;                /* qp_upstream_asker() of that one */
};
/* The next stream that brought the subgroup of `half`, which the relay sends on `down`; NULL: no
 * more. Where one of the two has no name yet, all of the group. */
const struct qp_half *qp_upstream_next(const struct qp_evidence *e, const struct qp_conn *down,
                                       const struct qp_half *half, uint32_t track,
                                       struct qp_upstream_walk *walk);

/* Had the relay all of the subgroup at that time? Also if nothing shows where it had it from. */
bool qp_upstream_whole(const struct qp_evidence *e, const struct qp_conn *down,
                       const struct qp_half *half, uint32_t track, uint64_t time_ns);
/* When its first packet was on the way to the relay; if nothing shows that, when it left there. */
uint64_t qp_upstream_came(const struct qp_evidence *e, const struct qp_conn *down,
                          const struct qp_half *half, uint32_t track);
/* Does the relay still wait, at the end of the capture, for the rest of the subgroup from a
 * publisher that the plan took away without a word? It learns of that by its idle timeout. */
bool qp_upstream_awaited(const struct qp_evidence *e, const struct qp_conn *down,
                         const struct qp_half *half, uint32_t track);

/* How many subgroups came, or went on coming, to the node of that side of `down` after that time,
 * whatever track they are of. 0: nothing shows where they came from. */
uint64_t qp_upstream_since(const struct qp_evidence *e, const struct qp_conn *down, unsigned relay,
                           uint64_t time_ns);

#endif
