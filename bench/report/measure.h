/* What a run was worth to those who watched: the figures of one row of a sweep, from the
 * endpoints' logs and the judge's counts.
 *
 * An object is *due* to a subscriber if it was published in a track it is subscribed to, in or
 * behind the first group it gets, within its priority_limit. It is *on time* if it was
 * delivered within the budget: the subscription's delivery timeout, or the same for all
 * if one is given. Published to delivered, application to application.
 *
 * A track *stalls* at a subscriber while nothing on time has come for longer than the budget and
 * the largest gap between two of its objects together: a run where all is on time never
 * stalls. Judged from the budget behind the first object to the budget behind the last.
 *
 * Integers alone: the same run gives the same figures everywhere. */
#ifndef FANBENCH_REPORT_MEASURE_H
#define FANBENCH_REPORT_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/report/samples.h"
#include "pcap-tools/judge.h"

struct measure_priority {
  uint64_t due, delivered, on_time;
};

struct measure {
  uint64_t due, delivered, on_time; /* (object, subscriber) */
  uint32_t on_time_ppm;             /* of what was due; nothing due: 1,000,000 */
  uint32_t stall_ppm;               /* of the time judged, over all tracks and subscribers */
  bool has_latency;
  uint64_t latency_p50_ns, latency_p99_ns; /* of what was delivered, late or not */
  uint64_t goodput_bps; /* payload on time, by the time of publishing; mean of subscribers */
  /* fan-out bytes that left the relay, less the payload on time: headers, resends, what
   * came late, what was cut off */
  uint64_t wasted_bytes;
  uint32_t jain_ppm; /* of the subscribers' goodput */
};

struct measure_request {
  const struct plan *plan;
  const struct report_samples *samples;
  const struct judge_report *judged;
  const bool *who;     /* by node: whom to look at; NULL: all subscribers */
  uint64_t on_time_ns; /* 0: the delivery timeout of each subscription */
};

/* priorities[p]: what of it was of priority p. 0, or -1: no memory. */
int measure_run(const struct measure_request *request, struct measure *out,
                struct measure_priority priorities[256]);

#endif
