/* SIGINT and SIGTERM, for commands that run many things and must leave none behind: they end the
 * loop, which then ends what it began. One a process. */
#ifndef FANBENCH_RUN_INTERRUPT_H
#define FANBENCH_RUN_INTERRUPT_H

#include <stdbool.h>

/* What waits in poll() is woken, with EINTR. */
void interrupt_watch(void);
bool interrupt_seen(void);
void interrupt_forget(void); /* it was for something that is over now */

#endif
