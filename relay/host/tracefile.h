/* The relay's own record as JSON Lines: NAME-copies.jsonl and NAME-ledger.jsonl
 * (formats: README "Run directory"). Lines are gathered in memory and written
 * in large pieces; tracefile_flush() writes what is there. */
#ifndef FANBENCH_RELAY_HOST_TRACEFILE_H
#define FANBENCH_RELAY_HOST_TRACEFILE_H

#include "relay/fanout/trace_lines.h"

/* Creates both files in dir. NULL with errno set. */
struct trace_lines *tracefile_open(const char *dir, const char *name);
/* Flushes and closes. Returns 0, or -1 if anything could not be written. */
int tracefile_close(struct trace_lines *trace);
void tracefile_flush(struct trace_lines *trace);

#endif
