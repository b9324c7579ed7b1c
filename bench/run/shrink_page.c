#include "bench/run/shrink_page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bench/report/report.h"
#include "bench/run/clock.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/unit.h"

#define WIDTH       98 /* of the paragraph */
#define MOST_QUOTED 300

void shrink_page_take(struct shrink_page *page, const struct ask *ask,
                      const struct ask_seen *seen) {
  const struct judge_finding *f = ask_finding(ask, seen);
  if (!f) {
    page->actual = plan_copy_text(seen->died);
    return;
  }
  if (asprintf(&page->where, "%s %s", f->layer, f->field) < 0)
    page->where = NULL;
  page->expected = plan_copy_text(f->expected);
  page->actual = plan_copy_text(f->actual);
}

void shrink_page_free(struct shrink_page *page) {
  free(page->layer);
  free(page->field);
  free(page->where);
  free(page->expected);
  free(page->actual);
  *page = (struct shrink_page){0};
}

/* The command that shows it; free() it. NULL: no memory. */
static char *replay(const struct shrink_page *page, const char *file) {
  const struct plan *plan = page->plan;
  const char **args = plan_new(5 + 2 * plan->n_defects, sizeof *args);
  char **made = plan_new(plan->n_defects + 1, sizeof *made), seed[24];
  size_t n = 0;
  snprintf(seed, sizeof seed, "%" PRIu64, plan->seed);
  args[n++] = file;
  args[n++] = "--mode";
  args[n++] = "sim";
  args[n++] = "--seed";
  args[n++] = seed;
  for (size_t i = 0; i < plan->n_defects; i++) {
    const struct plan_defect *d = &plan->defects[i];
    if (asprintf(&made[i], "%s%s%s", d->name, d->value ? "=" : "", d->value ? d->value : "") < 0)
      abort(); /* as plan_new() does */
    args[n++] = "--defect";
    args[n++] = made[i];
  }
  char *line = report_replay_line(args, n);
  for (size_t i = 0; i < plan->n_defects; i++)
    free(made[i]);
  free(made);
  free(args);
  return line;
}

/* ---- the file ----------------------------------------------------------------------------------- */

static const char *base_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* Words in lines of a folded block: whatever is no plain character becomes a blank. */
static void fold(FILE *to, const char *text) {
  size_t column = 0;
  while (*text) {
    size_t len = 0;
    while (text[len] && (unsigned char)text[len] > ' ')
      len++;
    if (len && column + len > WIDTH)
      column = 0;
    if (len) {
      fputs(column ? " " : "\n  ", to);
      fwrite(text, 1, len, to);
      column += len + (column ? 1 : 2);
    }
    text += len + (text[len] != '\0');
  }
  fputc('\n', to);
}

static char *paragraph(const struct shrink_page *page) {
  char *text = NULL, *line = replay(page, base_of(page->out));
  size_t len;
  FILE *to = open_memstream(&text, &len);
  if (!to)
    abort();
  fprintf(to, "Fails by %s", page->check);
  if (page->where)
    fprintf(to, " (%s): expected %.*s, found %.*s.", page->where, MOST_QUOTED, page->expected,
            MOST_QUOTED, page->actual);
  else
    fprintf(to, ": %.*s.", MOST_QUOTED, page->actual ? page->actual : "");
  fprintf(to, " Shows it: %s", line ? line : "");
  fprintf(to, " (made smaller by fanbench shrink from %s.)", base_of(page->file));
  fclose(to);
  free(line);
  return text;
}

int shrink_page_write(const struct shrink_page *page, const char *out, const char *text) {
  static const char empty[] = "about: \"\"\n";
  const char *at = strstr(text, empty);
  FILE *to = fopen(out, "w");
  if (!to)
    return -1;
  const size_t head = at ? (size_t)(at - text) : 0;
  fwrite(text, 1, head, to);
  if (at) {
    char *about = paragraph(page);
    fputs("about: >-", to);
    fold(to, about);
    free(about);
  }
  fputs(at ? at + strlen(empty) : text, to);
  const bool failed = ferror(to) != 0;
  return fclose(to) != 0 || failed ? -1 : 0;
}

/* ---- the table ---------------------------------------------------------------------------------- */

static void put_row(FILE *to, const char *what, size_t before, size_t after) {
  if (before || after)
    fprintf(to, "  %-14s %8zu %8zu\n", what, before, after);
}

static json_t *size_json(const struct reduce_size *s) {
  return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "nodes", (json_int_t)s->nodes,
                   "links", (json_int_t)s->links, "tracks", (json_int_t)s->tracks, "subscriptions",
                   (json_int_t)s->subscriptions, "events", (json_int_t)s->events, "faults",
                   (json_int_t)s->faults, "duration_ns", (json_int_t)s->duration_ns, "lines",
                   (json_int_t)s->lines);
}

static void print_json(const struct shrink_page *page, FILE *to, const char *line) {
  json_t *o = json_pack("{s:s, s:s?, s:s?, s:s?, s:o, s:o, s:I, s:b, s:s, s:s?}", "check",
                        page->check, "where", page->where, "expected", page->expected, "actual",
                        page->actual, "before", size_json(&page->before), "after",
                        size_json(&page->after), "runs", (json_int_t)page->asked, "minimal",
                        (int)page->minimal, "file", page->out, "replay", line);
  json_dumpf(o, to, JSON_COMPACT);
  fputc('\n', to);
  json_decref(o);
}

void shrink_page_print(const struct shrink_page *page, FILE *to, bool json) {
  const struct reduce_size *b = &page->before, *a = &page->after;
  char *line = replay(page, page->out);
  if (json) {
    print_json(page, to, line);
    free(line);
    return;
  }
  fprintf(to, "SHRINK  %s: fails by %s%s%s%s\n", page->file, page->check, page->where ? " (" : "",
          page->where ? page->where : "", page->where ? ")" : "");
  if (page->expected)
    fprintf(to, "  expected  %s\n  found     %s\n", page->expected, page->actual);
  else
    fprintf(to, "  found     %s\n", page->actual ? page->actual : "");
  fprintf(to, "\n  %-14s %8s %8s\n", "", "was", "is");
  put_row(to, "nodes", b->nodes, a->nodes);
  put_row(to, "links", b->links, a->links);
  put_row(to, "tracks", b->tracks, a->tracks);
  put_row(to, "subscriptions", b->subscriptions, a->subscriptions);
  put_row(to, "events", b->events, a->events);
  put_row(to, "packet faults", b->faults, a->faults);
  fprintf(to, "  %-14s %8s ", "duration", plan_unit_time_text(b->duration_ns).text);
  fprintf(to, "%8s\n", plan_unit_time_text(a->duration_ns).text);
  put_row(to, "lines", b->lines, a->lines);
  fprintf(to, "%" PRIu64 " runs in %" PRIu64 ".%" PRIu64 " s; %s\n", page->asked,
          page->took_ns / CLOCK_S, page->took_ns / (CLOCK_S / 10) % 10,
          page->minimal ? "no single step makes it smaller"
                        : "a bound ended it: it may get smaller (--for, --runs)");
  fprintf(to, "written: %s\nreplay: %s\n", page->out, line ? line : "");
  free(line);
}
