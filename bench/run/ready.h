/* What the machine needs for live runs, looked at once before the first of them. */
#ifndef FANBENCH_RUN_READY_H
#define FANBENCH_RUN_READY_H

/* Probes everything, and raises net.core.netdev_max_backlog if it is low. 0, or 3 after it
 * said on stderr what is missing and what to do. */
int ready_machine(const char *bindir);

#endif
