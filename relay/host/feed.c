#include "relay/host/feed.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* Made under the lock at a time: about 50 us. */
#define STEP 32
/* Rings of 64 with a quarter of them left alone last 48 packets: a subscriber that gets 48 in
 * this time is sent 500 Mbit/s. */
#define NAP_NS   1000000
#define BLOCK_NS 100000000

struct feed {
  struct feeder *feeder;
  pthread_t thread;
  atomic_bool stop;
};

static void *work(void *arg) {
  struct feed *feed = arg;
  while (!atomic_load(&feed->stop)) {
    if (feeder_step(feed->feeder, STEP))
      continue;
    feeder_wait(feed->feeder, BLOCK_NS);
    nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
  }
  return NULL;
}

/* Signals are the event loop's. */
static int start(struct feed *feed) {
  const struct sched_param normal = {0};
  pthread_attr_t attr;
  sigset_t all, before;
  pthread_attr_init(&attr);
  pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
  pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
  pthread_attr_setschedparam(&attr, &normal);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&feed->thread, &attr, work, feed);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
  return error;
}

struct feed *feed_open(const struct plane *plane) {
  struct feed *feed = calloc(1, sizeof *feed);
  if (!feed)
    return NULL;
  feed->feeder = feeder_new(plane);
  const int error = feed->feeder ? start(feed) : ENOMEM;
  if (!error)
    return feed;
  feeder_free(feed->feeder);
  free(feed);
  errno = error;
  return NULL;
}

void feed_close(struct feed *feed) {
  if (!feed)
    return;
  atomic_store(&feed->stop, true);
  pthread_join(feed->thread, NULL);
  feeder_free(feed->feeder);
  free(feed);
}

struct feeder *feed_feeder(struct feed *feed) {
  return feed->feeder;
}
