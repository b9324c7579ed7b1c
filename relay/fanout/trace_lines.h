/* The relay's own record as JSON Lines, one set for copies and one for numbers, and its qlog
 * (formats: README "Run directory"). Formatting only: whoever has the streams opens,
 * flushes and closes them, and asks ferror() in the end. */
#ifndef FANBENCH_RELAY_FANOUT_TRACE_LINES_H
#define FANBENCH_RELAY_FANOUT_TRACE_LINES_H

#include <stdio.h>

#include "relay/fanout/trace.h"

struct trace_lines {
  FILE *copies, *ledger;
  FILE *qlog; /* NULL = none; see trace_qlog.h */
};

/* For relay_config.trace; the argument is a struct trace_lines. */
extern const struct trace_ops trace_lines_ops;

#endif
