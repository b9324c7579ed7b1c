/* What a simulated relay writes: its log, its trace (copies, ledger, qlog). A relay that is
 * started again goes on with the files of its life before. */
#ifndef FANBENCH_SIM_RELAY_FILES_H
#define FANBENCH_SIM_RELAY_FILES_H

#include <stdio.h>

#include "bench/sim/world.h"
#include "relay/fanout/trace_lines.h"

/* Lines are gathered: a simulation writes many a millisecond. */
#define RELAY_FILES_BUFFER (64u << 10)

/* Zero-initialised = closed. Stays where it is while open. */
struct relay_files {
  FILE *log;
  struct trace_lines trace;
  char buffers[3][RELAY_FILES_BUFFER]; /* of the traces */
};

/* 0, or -1 with errno set; relay_files_close() then closes what is open. */
int relay_files_open(struct relay_files *files, const struct node *node);
/* 0, or -1 with errno set: something could not be written. */
int relay_files_close(struct relay_files *files);
/* From here on nothing is written any more, though the owner goes on. 0, or -1. */
int relay_files_mute(struct relay_files *files);

#endif
