#include "bench/scenario/trace.h"

#include "bench/scenario/bytes.h"
#include "bench/scenario/limits.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/unit.h"

#include <stdlib.h>
#include <string.h>

static const char header[] = "time_us,size,type,group,priority";
enum { N_FIELDS = 5 };

struct line {
  uint32_t number;        /* from 1 */
  char text[100];         /* longer lines are refused */
  size_t field[N_FIELDS]; /* where each begins in text; a NUL ends it */
};

static const char *field_of(const struct line *line, int field) {
  return line->text + line->field[field];
}

static bool refuse_field(struct plan_error *err, const struct line *line, int field,
                         const char *expected) {
  const char *found = field_of(line, field);
  return plan_refuse_at(err, line->number, (uint32_t)line->field[field] + 1,
                        "expected %s, found %s", expected,
                        *found ? plan_quote(found).text : "nothing");
}

/* Cuts line->text at its commas. */
static bool split(struct plan_error *err, struct line *line) {
  size_t at = 0;
  for (int i = 0; i < N_FIELDS; i++) {
    size_t end = at + strcspn(line->text + at, ",");
    bool comma = line->text[end] == ',';
    if (comma != (i < N_FIELDS - 1))
      return plan_refuse_at(err, line->number, (uint32_t)end + 1,
                            "expected %d fields (%s), found %s", N_FIELDS, header,
                            comma ? "more" : "fewer");
    line->text[end] = 0;
    line->field[i] = at;
    at = end + 1;
  }
  return true;
}

static bool read_number(struct plan_error *err, const struct line *line, int field, uint64_t max,
                        uint64_t *out) {
  if (plan_unit_count(field_of(line, field), out) || *out > max) {
    char expected[60];
    snprintf(expected, sizeof expected, "a whole number of at most %llu", (unsigned long long)max);
    return refuse_field(err, line, field, expected);
  }
  return true;
}

static bool read_row(struct plan_error *err, struct line *line, uint64_t max_size,
                     const struct plan_trace_row *before, struct plan_trace_row *row) {
  char expected[80];
  uint64_t time_us, priority;
  if (!split(err, line) || !read_number(err, line, 0, PLAN_MAX_DURATION_NS / 1000, &time_us) ||
      !read_number(err, line, 1, max_size, &row->size) ||
      !read_number(err, line, 3, PLAN_MAX_TRACE_ROWS, &row->group) ||
      !read_number(err, line, 4, 255, &priority))
    return false;
  row->time_ns = time_us * 1000;
  row->priority = (uint8_t)priority;
  const char *type = field_of(line, 2);
  row->type = type[0];
  if (row->size == 0)
    return refuse_field(err, line, 1, "a size of at least 1");
  if (!row->type || !strchr("IPB-", row->type) || type[1])
    return refuse_field(err, line, 2, "the type I, P, B or -");
  if (before && row->time_ns < before->time_ns) {
    snprintf(expected, sizeof expected, "a time of at least %llu, the one before",
             (unsigned long long)(before->time_ns / 1000));
    return refuse_field(err, line, 0, expected);
  }
  uint64_t last = before ? before->group : 0, next = before ? last + 1 : 0;
  if (row->group < last || row->group > next) {
    snprintf(expected, sizeof expected, before ? "group %llu or %llu" : "group %llu first",
             (unsigned long long)last, (unsigned long long)next);
    return refuse_field(err, line, 3, expected);
  }
  return true;
}

/* Takes the next line, without its end, out of bytes[*at...]. */
static bool next_line(struct plan_error *err, const char *bytes, size_t len, size_t *at,
                      struct line *line) {
  const char *from = bytes + *at;
  const char *end = memchr(from, '\n', len - *at);
  size_t n = end ? (size_t)(end - from) : len - *at;
  *at += n + (end != NULL);
  line->number++;
  if (n > 0 && from[n - 1] == '\r')
    n--;
  if (n >= sizeof line->text)
    return plan_refuse_at(err, line->number, 1, "expected a line of at most %zu bytes, found %zu",
                          sizeof line->text - 1, n);
  const char *nul = memchr(from, 0, n);
  if (nul)
    return plan_refuse_at(err, line->number, (uint32_t)(nul - from) + 1,
                          "expected text, found a NUL byte");
  memcpy(line->text, from, n);
  line->text[n] = 0;
  return true;
}

struct plan_trace_row *plan_trace_parse(const char *bytes, size_t len, uint64_t max_size, size_t *n,
                                        struct plan_error *err) {
  struct plan_trace_row *rows = NULL;
  struct line line = {0};
  size_t at = 0;
  *n = 0;
  bool ok = next_line(err, bytes, len, &at, &line);
  if (ok && strcmp(line.text, header) != 0)
    ok = plan_refuse_at(err, 1, 1, "expected the header %s, found %s", header,
                        *line.text ? plan_quote(line.text).text : "nothing");
  while (ok && at < len) {
    ok = next_line(err, bytes, len, &at, &line);
    if (ok && *n == PLAN_MAX_TRACE_ROWS)
      ok = plan_refuse_at(err, line.number, 1, "expected at most %d frames, found more",
                          PLAN_MAX_TRACE_ROWS);
    if (!ok)
      break;
    rows = plan_grow(rows, *n, sizeof *rows);
    ok = read_row(err, &line, max_size, *n ? &rows[*n - 1] : NULL, &rows[*n]);
    ++*n;
  }
  if (ok && *n == 0)
    ok = plan_refuse_at(err, line.number + 1, 1, "expected at least one frame, found none");
  if (!ok) {
    free(rows);
    rows = NULL;
  }
  return rows;
}

struct plan_trace_row *plan_trace_load(const char *path, uint64_t max_size, size_t *n,
                                       struct plan_error *err) {
  size_t len;
  char *bytes = plan_bytes_read(path, PLAN_MAX_TRACE_BYTES, &len, err);
  if (!bytes)
    return NULL;
  struct plan_trace_row *rows = plan_trace_parse(bytes, len, max_size, n, err);
  if (!rows)
    plan_error_set_file(err, path);
  free(bytes);
  return rows;
}
