/* Everything a person or a CI system reads about a run. This is the header for
 * the runner; the other headers of this folder are its parts.
 *
 * One run:
 *   struct report_outcome outcome;
 *   report_write(dir, plan, judged, &run, &outcome);        report files into dir
 *   report_print_table(stdout, plan, judged, &run, &outcome, report_wants_colour(stdout));
 *   code = report_exit_code(outcome.verdict);
 *   report_outcome_free(&outcome);
 *
 * Several scenarios (TAP on stdout, one JUnit file, a last line on stderr):
 *   report_stream_open(&stream, stdout, "out/junit.xml");
 *   report_stream_run(...) or report_stream_skip(...) for each
 *   report_stream_close(stream, stderr, &code);
 *
 * Nothing here reads a clock, an environment variable (but NO_COLOR in
 * report_wants_colour) or the network. Files hold nothing about the machine
 * unless the caller puts it into `kept` or `died`: the same run gives the
 * same bytes. Every text may hold anything: quotes, control characters and
 * broken UTF-8 are made harmless in each format. */
#ifndef FANBENCH_REPORT_REPORT_H
#define FANBENCH_REPORT_REPORT_H

#include <stdio.h>

#include "bench/report/outcome.h"

/* What the runner knows and the judge does not. Nothing is owned. */
struct report_run {
  const char *mode;    /* "live" "sim" */
  const char *out_dir; /* as a person may type it; shown, never written to a file */
  uint32_t tries;      /* runs made to get this one, from 1 */
  enum report_twin twin;
  const char *replay; /* "fanbench run ..."; report_replay_line() makes it. For who reads now */
  const char *kept;   /* the same from inside the run directory, wherever that is moved: "fanbench
                         run scenario.yaml ...". For the files in it */
  const char *died;   /* why the run ended early, or why it could not be judged; NULL */
};

/* "fanbench run ARG..." quoted for a POSIX shell; free() it. NULL: no memory. */
char *report_replay_line(const char *const *args, size_t n_args);

/* A line that was made for the inside of a run directory, "fanbench run scenario.yaml ...",
 * for who is outside: free() it. NULL: no memory. Any other line is copied. */
char *report_replay_outside(const char *line, const char *dir);

/* What an earlier report_write() into dir was told. For `verify` and `report`,
 * which have only the directory. Strings are owned by the struct. */
struct report_saved {
  uint32_t tries;
  enum report_twin twin;
  char *mode, *kept, *died; /* died may be NULL */
};
/* 0; 1 if there is no report.json (saved: one try, single, mode and kept NULL);
 * -1 with a message if it is not readable as one. */
int report_saved_load(const char *dir, struct report_saved *saved, char *err, size_t err_len);
void report_saved_free(struct report_saved *saved);

/* Judges the expectations into *outcome and writes report.json report.tap
 * junit.xml metrics.csv samples.csv report.html into dir. Each file appears
 * whole or not at all. Reads NODE-objects.jsonl of publishers and subscribers.
 * judged may be NULL if run->died says why.
 * Returns 0, or -1: err names the file and the cause; *outcome is valid in both
 * cases (on -1 maybe without notes), free it with report_outcome_free(). */
int report_write(const char *dir, const struct plan *plan, const struct judge_report *judged,
                 const struct report_run *run, struct report_outcome *outcome, char *err,
                 size_t err_len);

/* Section 10 of the design: 0 pass, 1 fail, 4 inconclusive. */
int report_exit_code(enum report_verdict verdict);

/* True if `to` is a terminal, NO_COLOR is unset or empty, and TERM is not dumb. */
bool report_wants_colour(FILE *to);

/* The readable table of one run. */
void report_print_table(FILE *to, const struct plan *plan, const struct judge_report *judged,
                        const struct report_run *run, const struct report_outcome *outcome,
                        bool colour);

/* Names of the checks that are not as expected, with blanks between; "died" in front if the
 * run did. free() it. NULL: no memory. */
char *report_unmet(const struct judge_report *judged, const struct report_run *run,
                   const struct report_outcome *outcome);

/* A run that is not as expected in two lines, the second one its replay. */
void report_print_brief(FILE *to, const char *name, const char *unmet, const struct report_run *run,
                        const struct report_outcome *outcome, bool colour);

/* Several scenarios. Calls come one after the other, in any order of scenarios. */
struct report_stream;

/* tap: where TAP 14 goes, or NULL. junit_path: the file, or NULL; it appears
 * when the stream is closed. Returns 0, or -1 with errno. */
int report_stream_open(struct report_stream **stream, FILE *tap, const char *junit_path);

/* One run. `name` is what the line says ("chat-with-loss", "chat-with-loss/on",
 * "chat-with-loss/seed-7"). */
void report_stream_run(struct report_stream *stream, const char *name, const struct plan *plan,
                       const struct judge_report *judged, const struct report_run *run,
                       const struct report_outcome *outcome);
/* A scenario that is not for this mode. */
void report_stream_skip(struct report_stream *stream, const char *name, const char *reason);
/* A scenario that could not be run at all: a bad file (code 2) or a machine that
 * lacks something (code 3). */
void report_stream_refused(struct report_stream *stream, const char *name, int code,
                           const char *reason);

/* Writes plan line and JUnit file, says one summary line to `say` (or NULL), gives
 * everything back. *code: 2, 3, 1, 4 or 0, the first that applies.
 * Returns 0, or -1 with errno if an output could not be written. */
int report_stream_close(struct report_stream *stream, FILE *say, int *code);

#endif
