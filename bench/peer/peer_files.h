/* The files of one endpoint in the run directory: NODE-objects.jsonl, its lines
 * of keys.log, a trace of each connection in qlog/ (NODE.sqlog, NODE-2.sqlog,
 * ...), received/NODE-TRACK, and the files it publishes (mapped, read-only).
 *
 * A node that the timeline ends and starts again goes on with the same files:
 * all are appended to. The journal is written in whole lines, so that a process
 * that is killed leaves no piece of one.
 *
 * Trouble with writing is remembered, not told at once: peer_files_close() says
 * whether all went well. */
#ifndef FANBENCH_PEER_FILES_H
#define FANBENCH_PEER_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "bench/scenario/plan.h"

struct peer_files;

/* dir: the run directory, there already. NULL with a sentence in err. */
struct peer_files *peer_files_open(const struct plan *plan, int node, const char *dir, char *err,
                                   size_t err_len);
/* Writes what is left. Returns 0, or -1 with a sentence in err. NULL is fine. */
int peer_files_close(struct peer_files *files, char *err, size_t err_len);

/* arg: the struct peer_files; for struct journal. */
void peer_files_journal(void *arg, const char *line, size_t len);

/* For struct peer_outside. */
void peer_files_keylog(struct peer_files *files, const char *line);
void peer_files_qlog(struct peer_files *files, uint32_t connection, const void *data, size_t len);
void peer_files_received(struct peer_files *files, const struct plan_track *track, uint64_t offset,
                         const uint8_t *data, size_t len);
const uint8_t *peer_files_map(struct peer_files *files, const struct plan_track *track,
                              size_t *len);

/* What was written so far goes to the system: others may read it. */
void peer_files_flush(struct peer_files *files);

#endif
