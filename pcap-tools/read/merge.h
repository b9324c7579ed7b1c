/* Several captures of one run as one sequence in order of time. Frames of equal
 * time come in the order of their files.
 *
 * A damaged capture ends early: its frames in front of the damage come, then it
 * is silent and qp_merge_damage() names it. */
#ifndef FANBENCH_PCAP_READ_MERGE_H
#define FANBENCH_PCAP_READ_MERGE_H

#include <stdbool.h>

#include "pcap-tools/read/capture.h"

struct qp_merge;

/* A file that cannot be opened at all is damaged from its first byte on. secrets: see
 * qp_capture_open(). */
struct qp_merge *qp_merge_open(const char *const *paths, size_t n, qp_secrets_fn *secrets,
                               void *arg);
/* False: file i could not be opened; qp_merge_damage() says why. */
bool qp_merge_opened(const struct qp_merge *merge, size_t i);
/* The next frame, or NULL at the end. Valid until the next call. */
const struct qp_frame *qp_merge_next(struct qp_merge *merge);
/* Message about file i's damage, NULL if it was whole (so far). */
const char *qp_merge_damage(const struct qp_merge *merge, size_t i);
/* Frames read from file i so far. */
uint64_t qp_merge_frames(const struct qp_merge *merge, size_t i);
/* What else file i says, as far as it is read; NULL: it could not be opened. */
const struct qp_blocks *qp_merge_blocks(const struct qp_merge *merge, size_t i);
void qp_merge_close(struct qp_merge *merge);

#endif
