/* What `fanbench shrink` leaves: the file with a paragraph about the failure, and a table of what
 * it was and what it is.
 *
 * Ownership: layer, field and the texts of take() are the page's; the rest is only looked at. */
#ifndef FANBENCH_RUN_SHRINK_PAGE_H
#define FANBENCH_RUN_SHRINK_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/run/ask.h"
#include "bench/shrink/reduce.h"

struct shrink_page {
  const struct plan *plan; /* seed and defects */
  const char *file, *out;  /* read, written */
  const char *check;
  char *layer, *field;              /* that a finding must have; NULL: any */
  char *where, *expected, *actual;  /* the first finding of the last run; NULL: it died */
  struct reduce_size before, after; /* lines: of the same writer */
  uint64_t asked, took_ns;
  bool minimal;
};

/* What the run of the smallest scenario showed. */
void shrink_page_take(struct shrink_page *page, const struct ask *ask, const struct ask_seen *seen);
/* Writes page->out: `text`, whose `about` is empty, with one. 0, or -1 with errno. */
int shrink_page_write(const struct shrink_page *page, const char *out, const char *text);
void shrink_page_print(const struct shrink_page *page, FILE *to, bool json);
void shrink_page_free(struct shrink_page *page);

#endif
