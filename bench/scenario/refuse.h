/* Saying no: fills in a plan_error with the place and one line of text.
 *
 * Every function returns false, so that a reader ends with `return
 * plan_refuse(...)`. The first refusal wins; readers stop at it. */
#ifndef FANBENCH_SCENARIO_REFUSE_H
#define FANBENCH_SCENARIO_REFUSE_H

#include "bench/scenario/plan.h"

#include <stdarg.h>

struct plan_tree;

/* At a value of the file, or at the --set that put it there. */
bool plan_refuse(struct plan_error *err, const struct plan_tree *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* At a place of err->file; line and column from 1, 0 = no place. */
bool plan_refuse_at(struct plan_error *err, uint32_t line, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The error speaks of this file from now on. The name is copied. */
void plan_error_set_file(struct plan_error *err, const char *file);

/* A value as an error shows it: in quotes, cut after PLAN_MAX_QUOTED_BYTES,
 * control bytes as '?'. */
struct plan_quoted {
  char text[80];
};
struct plan_quoted plan_quote(const char *text);

/* "; did you mean 'X'?" for the candidate nearest to `found`, or "" if none is
 * near. Offer candidates one by one, then print. */
struct plan_guess {
  const char *found;
  const char *best;
  size_t distance;
  char text[96];
};
void plan_guess_start(struct plan_guess *guess, const char *found);
void plan_guess_offer(struct plan_guess *guess, const char *candidate);
const char *plan_guess_text(struct plan_guess *guess);

#endif
