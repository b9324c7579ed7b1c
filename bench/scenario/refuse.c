#include "bench/scenario/refuse.h"

#include "bench/scenario/limits.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/tree.h"

#include <stdlib.h>
#include <string.h>

static void put_text(struct plan_error *err, size_t at, const char *format, va_list args) {
  vsnprintf(err->text + at, sizeof err->text - at, format, args);
  /* One line, whatever a file brought in. */
  for (char *c = err->text; *c; c++) {
    if ((unsigned char)*c < 0x20 || *c == 0x7f)
      *c = ' ';
  }
}

bool plan_refuse(struct plan_error *err, const struct plan_tree *at, const char *format, ...) {
  va_list args;
  size_t used = 0;
  err->line = at->line;
  err->column = at->column;
  if (at->override) {
    int n = snprintf(err->text, sizeof err->text, "--set %s: ", plan_quote(at->override).text);
    used = n > 0 ? (size_t)n : 0;
  }
  va_start(args, format);
  put_text(err, used, format, args);
  va_end(args);
  return false;
}

bool plan_refuse_at(struct plan_error *err, uint32_t line, uint32_t column, const char *format,
                    ...) {
  va_list args;
  err->line = line;
  err->column = column;
  va_start(args, format);
  put_text(err, 0, format, args);
  va_end(args);
  return false;
}

void plan_error_set_file(struct plan_error *err, const char *file) {
  free(err->file);
  err->file = plan_copy_text(file);
}

void plan_error_free(struct plan_error *err) {
  free(err->file);
  *err = (struct plan_error){0};
}

void plan_error_print(FILE *to, const struct plan_error *err) {
  const char *file = err->file ? err->file : "scenario";
  if (err->line)
    fprintf(to, "%s:%u:%u: error: %s\n", file, err->line, err->column, err->text);
  else
    fprintf(to, "%s: error: %s\n", file, err->text);
}

struct plan_quoted plan_quote(const char *text) {
  struct plan_quoted quoted;
  size_t len = strlen(text);
  bool cut = len > PLAN_MAX_QUOTED_BYTES;
  if (cut) {
    len = PLAN_MAX_QUOTED_BYTES;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
      len--; /* never inside a UTF-8 character */
  }
  size_t at = 0;
  quoted.text[at++] = '\'';
  for (size_t i = 0; i < len; i++) {
    bool control = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
    quoted.text[at++] = control ? '?' : text[i];
  }
  snprintf(quoted.text + at, sizeof quoted.text - at, "%s'", cut ? "..." : "");
  return quoted;
}

/* Edit distance, with exchanged neighbours as one step: the usual slips of a
 * hand. Both at most PLAN_MAX_NAME_BYTES long. */
static size_t edit_distance(const char *a, const char *b) {
  size_t rows[3][PLAN_MAX_NAME_BYTES + 1];
  size_t *before = rows[0], *above = rows[1], *row = rows[2];
  size_t la = strlen(a), lb = strlen(b);
  for (size_t j = 0; j <= lb; j++)
    above[j] = j;
  for (size_t i = 1; i <= la; i++) {
    row[0] = i;
    for (size_t j = 1; j <= lb; j++) {
      size_t d = above[j - 1] + (a[i - 1] != b[j - 1]);
      if (above[j] + 1 < d)
        d = above[j] + 1;
      if (row[j - 1] + 1 < d)
        d = row[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < d)
        d = before[j - 2] + 1;
      row[j] = d;
    }
    size_t *spare = before;
    before = above;
    above = row;
    row = spare;
  }
  return above[lb];
}

void plan_guess_start(struct plan_guess *guess, const char *found) {
  *guess = (struct plan_guess){.found = found};
  /* A third of the letters may be wrong, one in a short word. */
  size_t len = strlen(found);
  guess->distance = len < 4 ? 2 : len / 3 + 1;
}

void plan_guess_offer(struct plan_guess *guess, const char *candidate) {
  if (strlen(guess->found) > PLAN_MAX_NAME_BYTES || strlen(candidate) > PLAN_MAX_NAME_BYTES)
    return;
  size_t d = edit_distance(guess->found, candidate);
  if (d < guess->distance) {
    guess->distance = d;
    guess->best = candidate;
  }
}

const char *plan_guess_text(struct plan_guess *guess) {
  guess->text[0] = 0;
  if (guess->best)
    snprintf(guess->text, sizeof guess->text, "; did you mean '%s'?", guess->best);
  return guess->text;
}
