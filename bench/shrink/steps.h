/* The steps of a reduction: each looks at the model as it is now, and tries what could go.
 * Inside bench/shrink/ only. */
#ifndef FANBENCH_SHRINK_STEPS_H
#define FANBENCH_SHRINK_STEPS_H

#include "bench/shrink/edit.h"
#include "bench/shrink/reduce.h"

/* A list of edits, all of the model as it is. */
struct edits {
  struct edit *all;
  size_t n;
};

/* An empty one more; valid until the next. */
struct edit *edits_add(struct edits *edits);
void edits_free(struct edits *edits);

struct model *reduction_model(struct reduction *r);

/* The first edit, in order, after which it still fails stays. Its index, or edits->n. */
size_t reduction_first(struct reduction *r, struct edits *edits);
/* Delta debugging: as many of the edits as can be, together, in halves, in quarters, ... Frees
 * them. */
void reduction_most(struct reduction *r, struct edits *edits);

/* parts.c: what can be left out */
void steps_leave_out(struct reduction *r);
/* lists.c: elements of lists within a part, and nodes that only pass things on */
void steps_lists(struct reduction *r);
void steps_merge(struct reduction *r);
/* plain.c: keys back to what they are if nobody writes them */
void steps_plain(struct reduction *r);
/* numbers.c */
void steps_duration(struct reduction *r);
void steps_numbers(struct reduction *r);

#endif
