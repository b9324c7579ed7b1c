/* Figures of a run for the report: per subscriber what arrived, how it travelled
 * and how long it took. */
#ifndef FANBENCH_PCAP_CHECK_METRICS_H
#define FANBENCH_PCAP_CHECK_METRICS_H

#include "pcap-tools/check/check.h"

/* Fills the subscribers and sums of *report from the evidence of a run
 * directory; of bare captures, only the sums. */
void qp_metrics(const struct qp_evidence *e, struct judge_report *report);

#endif
