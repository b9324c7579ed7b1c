/* The thread that makes keystreams for the datapath in the kernel (relay/fanout/feeder.h), at
 * normal priority whatever the relay's own is: what it does not make in time, the datapath
 * computes. It sleeps a fraction of what a ring lasts, and blocks while there is no line. */
#ifndef FANBENCH_RELAY_HOST_FEED_H
#define FANBENCH_RELAY_HOST_FEED_H

#include "relay/fanout/feeder.h"

struct feed;

/* plane: outlives it. NULL with errno set. */
struct feed *feed_open(const struct plane *plane);
void feed_close(struct feed *feed); /* ends the thread and wipes all; NULL is fine */
struct feeder *feed_feeder(struct feed *feed);

#endif
