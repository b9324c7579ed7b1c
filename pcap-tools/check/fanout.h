/* Who should have got what: every object that reached a relay, held against
 * every subscription of its track there. Made once, when all packets have
 * passed; copy-count and payload-identical read it.
 *
 * A relay is a node (in bare captures: a server port) that both asks for a track
 * and is asked for it. */
#ifndef FANBENCH_PCAP_CHECK_FANOUT_H
#define FANBENCH_PCAP_CHECK_FANOUT_H

#include "pcap-tools/check/check.h"

enum qp_claim {
  QP_CLAIM_DUE,    /* must have been sent */
  QP_CLAIM_EITHER, /* may have been dropped: `excuse` says why */
};

/* One (object, subscription) the subscriber is entitled to by place and filter. */
struct qp_due {
  const struct qp_object *in; /* as it reached the relay */
  int in_priority;
  const struct qp_conn *conn; /* downstream */
  const struct qp_request *request;
  enum qp_claim claim;
  const char *excuse;
  const struct qp_object *out;    /* the best copy as it left the relay; NULL: none */
  uint32_t copies;                /* datagrams: how often; streams: on how many live streams */
  const struct qp_object *second; /* a further copy, if copies > 1 */
  int out_priority;
};

struct qp_fanout {
  struct qp_due *due;
  size_t n, room;
};

struct qp_fanout *qp_fanout_make(const struct qp_evidence *e);
void qp_fanout_free(struct qp_fanout *fanout);

/* "video group 3 subgroup 0 object 2", "chat group 3 object 2". */
char *qp_object_text(const struct qp_evidence *e, const struct qp_due *due);

#endif
