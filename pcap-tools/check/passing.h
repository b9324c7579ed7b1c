/* Objects judged as they pass, so that memory does not follow the length of a bare
 * capture. What reaches a relay is kept until every subscription has it; what leaves
 * it in order is counted and marked at its subscription (qp_request.got), and is gone.
 * Whatever is not in order stays and is judged at the end as in a run directory, or
 * after OVERDUE_NS if it gets old.
 *
 * Order of calls: qp_passing_new() before the first frame, qp_passing_finish() behind
 * the last one, then the readers; qp_passing_free(). All readers take NULL: nothing was
 * judged in passing. */
#ifndef FANBENCH_PCAP_CHECK_PASSING_H
#define FANBENCH_PCAP_CHECK_PASSING_H

#include "pcap-tools/check/fanout.h"

struct qp_passing;

/* Hooks itself into the tracker of *e, whose fanout must be there. */
struct qp_passing *qp_passing_new(const struct qp_evidence *e);
void qp_passing_finish(struct qp_passing *p);
void qp_passing_free(struct qp_passing *p);

/* Was the object sent in order under that subscription? */
bool qp_passing_got(const struct qp_passing *p, const struct qp_placed *placed,
                    const struct qp_request *request);

/* Objects at the entrance of a relay (a server port) that are still here. Start with zero. */
struct qp_passing_walk {
  size_t intake, entry;
};
const struct qp_placed *qp_passing_next(const struct qp_passing *p, struct qp_passing_walk *walk,
                                        uint16_t relay);

/* The largest objects of the track at that relay, among those that are gone, as the
 * subscription must have met them. */
struct qp_largest qp_passing_largest(const struct qp_passing *p, const struct qp_conn *conn,
                                     const struct qp_request *request);

#endif
