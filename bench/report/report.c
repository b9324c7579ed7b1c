#include "bench/report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/report/files.h"

static void quote_argument(FILE *to, const char *arg) {
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
      "0123456789_-./=:,+@%";
  if (*arg && !arg[strspn(arg, plain)]) {
    fputs(arg, to);
    return;
  }
  fputc('\'', to);
  for (; *arg; arg++) {
    if (*arg == '\'')
      fputs("'\\''", to);
    else
      fputc(*arg, to);
  }
  fputc('\'', to);
}

char *report_replay_line(const char *const *args, size_t n_args) {
  char *line = NULL;
  size_t len = 0;
  FILE *to = open_memstream(&line, &len);
  if (!to)
    return NULL;
  fputs("fanbench run", to);
  for (size_t i = 0; i < n_args; i++) {
    fputc(' ', to);
    quote_argument(to, args[i]);
  }
  bool failed = ferror(to);
  if (fclose(to) || failed) {
    free(line);
    return NULL;
  }
  return line;
}

/* Behind "fanbench run": the first argument that is a file of a run directory. */
static bool names_plan(const char *file, size_t len) {
  return (len == 13 && memcmp(file, "scenario.yaml", len) == 0) ||
         (len == 19 && memcmp(file, "../on/scenario.yaml", len) == 0);
}

char *report_replay_outside(const char *line, const char *dir) {
  static const char start[] = "fanbench run ";
  const char *file = line + strlen(start);
  char *made = NULL;
  size_t len = 0;
  if (strncmp(line, start, strlen(start)) != 0 || !names_plan(file, strcspn(file, " ")))
    return strdup(line);
  char *path = NULL;
  FILE *to = open_memstream(&made, &len);
  if (to && asprintf(&path, "%s/%.*s", dir, (int)strcspn(file, " "), file) >= 0) {
    fputs(start, to);
    quote_argument(to, path);
    fputs(file + strcspn(file, " "), to);
  }
  bool failed = !to || !path || ferror(to);
  free(path);
  if ((to && fclose(to)) || failed) {
    free(made);
    return NULL;
  }
  return made;
}

int report_exit_code(enum report_verdict verdict) {
  return verdict == REPORT_PASS ? 0 : verdict == REPORT_INCONCLUSIVE ? 4 : 1;
}

bool report_wants_colour(FILE *to) {
  const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
  if (no_colour && *no_colour)
    return false;
  if (term && !strcmp(term, "dumb"))
    return false;
  return isatty(fileno(to));
}

static int write_file(const char *dir, const char *name, report_file_fn *write,
                      const struct report_view *view, char *err, size_t err_len) {
  struct report_file file;
  size_t room = strlen(dir) + strlen(name) + 2;
  char *path = malloc(room);
  int rc = -1;
  if (path) {
    snprintf(path, room, "%s/%s", dir, name);
    errno = 0;
    rc = report_file_open(&file, path);
  }
  if (!rc) {
    write(file.to, view);
    rc = report_file_commit(&file);
  }
  if (rc)
    snprintf(err, err_len, "%s/%s: cannot be written: %s", dir, name, strerror(errno));
  free(path);
  return rc;
}

/* What the reader of samples.csv must know and no number says. */
static int note_samples(struct report_outcome *outcome, const struct report_samples *samples) {
  const struct {
    uint64_t n;
    const char *what;
  } left_out[] = {{samples->unpublished, "deliveries of objects nobody published"},
                  {samples->backwards, "deliveries before their object was published"},
                  {samples->unreadable, "unreadable lines"},
                  {samples->missing, "endpoints without a file"}};
  char *text = NULL;
  size_t len = 0;
  const char *before = "samples.csv leaves out: ";
  if (!samples->unpublished && !samples->backwards && !samples->unreadable && !samples->missing)
    return 0;
  FILE *to = open_memstream(&text, &len);
  if (!to)
    return -1;
  for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
    if (!left_out[i].n)
      continue;
    fprintf(to, "%s%" PRIu64 " %s", before, left_out[i].n, left_out[i].what);
    before = ", ";
  }
  struct report_note *grown = realloc(outcome->notes, (outcome->n_notes + 1) * sizeof *grown);
  if (grown)
    outcome->notes = grown;
  if (fclose(to) || !grown) {
    free(text);
    return -1;
  }
  outcome->notes[outcome->n_notes++] = (struct report_note){.text = text};
  return 0;
}

int report_write(const char *dir, const struct plan *plan, const struct judge_report *judged,
                 const struct report_run *run, struct report_outcome *outcome, char *err,
                 size_t err_len) {
  static const struct {
    const char *name;
    report_file_fn *write;
  } files[] = {
      {"metrics.csv", report_file_metrics}, {"samples.csv", report_file_samples},
      {"report.json", report_file_json},    {"report.tap", report_file_tap},
      {"junit.xml", report_file_junit},     {"report.html", report_file_html},
  };
  struct report_samples samples = {0};
  int rc = 0;
  if (report_outcome_make(plan, judged, run->twin, run->died, outcome)) {
    snprintf(err, err_len, "no memory to weigh the checks");
    return -1;
  }
  if (report_samples_load(dir, plan, &samples)) {
    snprintf(err, err_len, "%s: the objects of its endpoints cannot be read: %s", dir,
             strerror(errno));
    return -1;
  }
  struct report_view view = report_view_make(plan, judged, run, outcome);
  view.samples = &samples;
  if (note_samples(outcome, &samples)) {
    snprintf(err, err_len, "no memory for a note");
    rc = -1;
  }
  for (size_t i = 0; !rc && i < sizeof files / sizeof files[0]; i++)
    rc = write_file(dir, files[i].name, files[i].write, &view, err, err_len);
  report_samples_free(&samples);
  return rc;
}
