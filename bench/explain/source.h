/* What explanations take from the sources themselves, linked in by ci/explain.sh: the text of
 * each scenario with a defect, where its switch is asked, what opens the file of a check, the
 * conviction matrix. Nothing here is owned by the caller unless said. */
#ifndef FANBENCH_EXPLAIN_SOURCE_H
#define FANBENCH_EXPLAIN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct source {
  const char *text; /* not ended by a NUL */
  size_t len;
};

/* The section of that kind ("scenario" "switch" "check" "matrix") and name ("" for matrix).
 * text NULL: there is none. */
struct source source_find(const char *kind, const char *name);

/* The next line of it, without its end, into *line; false: no more. */
bool source_line(struct source *rest, struct source *line);

/* What follows a word that begins a paragraph ("Vantage:"), with blanks for line ends, up to the
 * next empty line; of a text on one line up to the next of `words`. word "": what comes before
 * the first of `words`. free() it; NULL: the word is not there, or no memory. words ends with
 * NULL. */
char *source_part(struct source text, const char *word, const char *const *words);

#endif
