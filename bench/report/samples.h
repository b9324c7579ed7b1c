/* Latency samples of a run: one for each object a subscriber delivered, from
 * the endpoints' NODE-objects.jsonl (RUNDIR format). Published to delivered,
 * application to application, on the run's one clock.
 *
 * Subscribers in the order of the plan, samples in the order of their file.
 * An object delivered twice has two samples. */
#ifndef FANBENCH_REPORT_SAMPLES_H
#define FANBENCH_REPORT_SAMPLES_H

#include "bench/scenario/plan.h"

struct report_sample {
  int node, track; /* indexes in the plan */
  uint64_t group, object;
  uint64_t published_ns, latency_ns;
  size_t of; /* index in objects */
};

/* An object that was published; of two in one place the first. */
struct report_object {
  int track;
  uint64_t group, object;
  uint64_t published_ns, size;
  uint8_t priority;
};

/* A subscription that was answered: the first group it gets. Of several for one node and
 * track (it came back) the first. */
struct report_start {
  int node, track;
  uint64_t group;
};

struct report_samples {
  struct report_sample *list;
  size_t n;
  struct report_object *objects; /* in the order of the publishers' files */
  size_t n_objects;
  struct report_start *starts;
  size_t n_starts;
  uint64_t unpublished; /* delivered, and nobody published it: no sample */
  uint64_t backwards;   /* delivered before it was published: no sample */
  uint64_t unreadable;  /* lines that are no such record (the last of a killed process) */
  uint64_t missing;     /* endpoints without a file */
};

/* Returns 0, or -1 with errno if memory ran out or a file that is there could
 * not be read; *samples is then empty. */
int report_samples_load(const char *dir, const struct plan *plan, struct report_samples *samples);
void report_samples_free(struct report_samples *samples);

#endif
