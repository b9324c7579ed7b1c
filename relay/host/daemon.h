/* The relay as a process: sockets, clock, files and the datapath around the
 * sans-IO core. */
#ifndef FANBENCH_RELAY_HOST_DAEMON_H
#define FANBENCH_RELAY_HOST_DAEMON_H

#include "relay/host/options.h"

/* Runs until it is told to stop. Returns the exit code. */
int daemon_run(const struct options *options);

#endif
