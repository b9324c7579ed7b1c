/* A defect shown on virtual time: its scenario is played with the switch on and off, in a
 * folder of its own that goes again.
 *
 *   struct trial trial;
 *   trial_play(&trial, "06-two-counters", text, why, sizeof why)
 *   trial.on, trial.off           what the judge says of both
 *   trial_rows(&trial, ...)       packets of their captures
 *   trial_clear(&trial)           always, also after a failure
 */
#ifndef FANBENCH_EXPLAIN_TRIAL_H
#define FANBENCH_EXPLAIN_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "bench/explain/source.h"
#include "pcap-tools/judge.h"

struct trial {
  char dir[512]; /* "" = none */
  struct judge_report *on, *off;
};

/* 0, or -1 with a sentence in why: no room for files, or the runs did not end as expected. */
int trial_play(struct trial *trial, const char *name, struct source scenario, char *why,
               size_t why_len);
void trial_clear(struct trial *trial);

/* Rows of `quicpcap packets --json` of that capture, of packets first to last (in the file, from
 * 1): an array, maybe empty; json_decref() it. */
json_t *trial_rows(const struct trial *trial, bool on, const char *capture, uint64_t first,
                   uint64_t last);
/* A line of that file of the run, from 1, without its end; free() it. NULL: there is none. */
char *trial_line(const struct trial *trial, bool on, const char *file, uint64_t number);

#endif
