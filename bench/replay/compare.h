/* What two did is compared: a run and an executor, or the executors. Each difference is counted; the
 * first ones are told with packet and field. */
#ifndef FANBENCH_REPLAY_COMPARE_H
#define FANBENCH_REPLAY_COMPARE_H

#include "bench/replay/executor.h"

/* Differences that are told; the others are counted. */
#define COMPARE_TOLD 10

struct compare {
  FILE *tell;
  struct journal_array arrays[JOURNAL_ARRAYS]; /* their names and sizes */
  bool own_counts;     /* the run counts keystreams its own way: datapath `user` */
  uint64_t packet, ns; /* what it is about: number and time of the packet */
  bool unrun;          /* one that came after it, and went up unrun */
  uint64_t differences;
};

__attribute__((format(printf, 2, 3))) void compare_differ(struct compare *c, const char *fmt, ...);

/* Reason and copies: `was` is the run's. */
void compare_outcome(struct compare *c, const char *was_name, const struct outcome *was,
                     const char *is_name, const struct outcome *is);
void compare_records(struct compare *c, const char *a_name, const struct outcome *a,
                     const char *b_name, const struct outcome *b);
/* Bytes of an array. is: NULL = cannot be read, a difference. */
void compare_bytes(struct compare *c, uint32_t array, size_t offset, size_t len,
                   const char *was_name, const uint8_t *was, const char *is_name,
                   const uint8_t *is);

#endif
