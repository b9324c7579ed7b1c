/* The relay's own record: NAME-copies.jsonl, NAME-ledger.jsonl and qlog/NAME.sqlog
 * (formats: README "Run directory", trace_qlog.h). Lines are gathered in memory and written
 * in large pieces; tracefile_flush() writes what is there. */
#ifndef FANBENCH_RELAY_HOST_TRACEFILE_H
#define FANBENCH_RELAY_HOST_TRACEFILE_H

#include "relay/fanout/trace_lines.h"

/* Creates the files in dir. NULL with errno set. */
struct trace_lines *tracefile_open(const char *dir, const char *name);
/* Flushes and closes. Returns 0, or -1 if anything could not be written. */
int tracefile_close(struct trace_lines *trace);
void tracefile_flush(struct trace_lines *trace);

#endif
