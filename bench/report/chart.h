/* The latency of each subscriber as an inline SVG: p50, p99 and maximum on one
 * logarithmic axis. Colours come from the classes of the page around it. */
#ifndef FANBENCH_REPORT_CHART_H
#define FANBENCH_REPORT_CHART_H

#include "pcap-tools/judge.h"

#include <stdio.h>

/* Rows drawn at most; of more subscribers the slowest by p99. */
#define REPORT_CHART_ROWS 32

/* Writes nothing if nobody has a latency. */
void report_chart_latency(FILE *to, const struct judge_report *judged);

#endif
