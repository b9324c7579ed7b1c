/* One line of progress on stderr, only if that is a terminal. */
#ifndef FANBENCH_RUN_PROGRESS_H
#define FANBENCH_RUN_PROGRESS_H

void progress_say(const char *name, const char *phase);

/* Takes the line away, before something else is printed. */
void progress_clear(void);

#endif
