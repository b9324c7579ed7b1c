/* The clocks of a run. All times are CLOCK_MONOTONIC nanoseconds, the same
 * clock for every process; captures alone are stamped with CLOCK_REALTIME. */
#ifndef FANBENCH_RUN_CLOCK_H
#define FANBENCH_RUN_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_MS UINT64_C(1000000)
#define CLOCK_S  UINT64_C(1000000000)

static inline uint64_t clock_read(clockid_t id) {
  struct timespec ts;
  clock_gettime(id, &ts);
  return (uint64_t)ts.tv_sec * CLOCK_S + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_now(void) {
  return clock_read(CLOCK_MONOTONIC);
}

#endif
