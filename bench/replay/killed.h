/* Why a journal may lack its end. */
#ifndef FANBENCH_REPLAY_KILLED_H
#define FANBENCH_REPLAY_KILLED_H

#include <stdbool.h>

/* Whether faults.jsonl beside DIR/NODE-LIFE.journal says that this life of the relay was ended by a
 * kill or a restart. False also if there is no such file. */
bool killed_by_fault(const char *journal);

#endif
