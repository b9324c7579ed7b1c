/* Pages that explain a check, a defect or a decision: fanbench explain NAME.
 *
 * A defect is known by its name, its number, or the name of its scenario; a decision by the name
 * in counters and copy records, that of a packet or of a frame. */
#ifndef FANBENCH_EXPLAIN_EXPLAIN_H
#define FANBENCH_EXPLAIN_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bench/explain/page.h"

/* A kind of subject. */
struct explain_subject {
  const char *kind;                       /* "check" "defect" "decision" */
  const char *(*name)(size_t i);          /* NULL: no more */
  bool (*is)(size_t i, const char *text); /* another name of it; NULL: there is none */
  /* A page, or NULL with a sentence in why. */
  struct page *(*page)(size_t i, char *why, size_t why_len);
};

extern const struct explain_subject explain_checks, explain_defects, explain_decisions;
/* All of them, in the order of lists; ends with NULL. */
extern const struct explain_subject *const explain_subjects[];

/* One of the subjects has that name: its index in *i. NULL: none. */
const struct explain_subject *explain_find(const char *name, size_t *i);

/* Names that look like it, closest first, with blanks between, at most 5; "" if none does. */
void explain_near(const char *name, char *names, size_t len);

#endif
