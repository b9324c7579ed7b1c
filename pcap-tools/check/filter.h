/* What the filters of a subscription let through, as its SUBSCRIBE and each REQUEST_UPDATE set them.
 * Between a change and its answer either of two may be in force. Times: those of captures.
 *
 * Source: MoQT draft, Subscription Filters, REQUEST_UPDATE. */
#ifndef FANBENCH_PCAP_CHECK_FILTER_H
#define FANBENCH_PCAP_CHECK_FILTER_H

#include "pcap-tools/track/conn.h"

/* Did the subscription ever have a filter by priority, or forwarding off? */
bool qp_has_filter(const struct qp_request *request);
/* Does any filter that may be in force at time t admit the priority? */
bool qp_admitted(const struct qp_request *request, int priority, uint64_t t);
/* Does any filter that may be in force about time t keep the object out? */
bool qp_filtered(const struct qp_request *request, const struct qp_object *object, int priority,
                 uint64_t t);
/* When a change that keeps the priority out was first asked for behind t and before `until`;
 * UINT64_MAX: never. */
uint64_t qp_narrowed_at(const struct qp_request *request, int priority, uint64_t t, uint64_t until);

#endif
