/* A second thread, on another CPU, that does the wire's work when the first is held up.
 *
 * A virtual CPU stands still for a millisecond or more now and then: whatever its priority, a
 * sleeper there wakes late. Of two CPUs that seldom happens to both at once. The stand-in
 * sleeps until what is due should long have left, and works if it has not; and it looks every
 * now and then for what may have arrived.
 *
 * Order of calls: stand_in_start(); the first thread works between stand_in_lock() and
 * stand_in_unlock(); stand_in_stop(). Whoever works says with stand_in_note() what comes next.
 * With a single CPU nobody stands in, and the calls do no more than they must. */
#ifndef FANBENCH_NET_WIRE_STAND_IN_H
#define FANBENCH_NET_WIRE_STAND_IN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct stand_in {
  void (*work)(void *arg); /* under the lock */
  void *arg;
  pthread_mutex_t lock;
  pthread_t thread;
  bool runs;
  _Atomic bool over;
  _Atomic uint64_t due_ns, worked_ns; /* CLOCK_MONOTONIC; due: UINT64_MAX = nothing is */
  uint64_t times; /* it did what was overdue; the lock's, or after stand_in_stop() */
};

/* Pins the calling thread to the CPU it is on. The struct must not move until the end. */
void stand_in_start(struct stand_in *stand_in, void (*work)(void *arg), void *arg);

void stand_in_lock(struct stand_in *stand_in);
void stand_in_unlock(struct stand_in *stand_in);

/* Under the lock: there was work at now_ns, and the next is due at due_ns. */
void stand_in_note(struct stand_in *stand_in, uint64_t now_ns, uint64_t due_ns);

/* Not under the lock. */
void stand_in_stop(struct stand_in *stand_in);

#endif
