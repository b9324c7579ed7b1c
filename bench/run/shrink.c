#include "bench/run/shrink.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/report/report.h"
#include "bench/run/ask.h"
#include "bench/run/clock.h"
#include "bench/run/defects.h"
#include "bench/run/interrupt.h"
#include "bench/run/progress.h"
#include "bench/run/shrink_page.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/unit.h"
#include "bench/shrink/reduce.h"

#define EXIT_INTERRUPTED 130
#define BESIDE           "shrunk.yaml"

struct shrinking {
  const struct shrink_request *request;
  char *file, *out;  /* read, written */
  struct plan *plan; /* until the model has it */
  struct model *model;
  struct ask ask;
  struct shrink_page page;
  char *tail;
  uint64_t started_ns;
};

__attribute__((format(printf, 2, 3))) static int refuse(int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  progress_clear();
  fputs("fanbench: shrink: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  return code;
}

static char *join(const char *dir, const char *name) {
  char *path = NULL;
  if (asprintf(&path, "%s/%s", dir, name) < 0)
    abort(); /* as plan_new() does */
  return path;
}

/* ---- the input -------------------------------------------------------------------------------- */

/* One that is there already gets the new value. */
static void add_defect(struct plan *plan, const char *name, const char *value) {
  size_t i = 0;
  while (i < plan->n_defects && strcmp(plan->defects[i].name, name) != 0)
    i++;
  if (i == plan->n_defects) {
    plan->defects = plan_grow(plan->defects, plan->n_defects, sizeof *plan->defects);
    plan->defects[plan->n_defects++] = (struct plan_defect){.name = plan_copy_text(name)};
  }
  if (!value)
    return;
  free(plan->defects[i].value);
  plan->defects[i].value = plan_copy_text(value);
}

/* `fanbench explore` says with which defects it ran in the command that it left. */
static void add_defects_of_replay(struct plan *plan, const char *dir) {
  char *path = join(dir, "replay.txt"), line[4096], *at = NULL;
  FILE *from = fopen(path, "r");
  bool next = false;
  if (from && fgets(line, sizeof line, from))
    for (char *word = strtok_r(line, " \n", &at); word; word = strtok_r(NULL, " \n", &at)) {
      char *equals = strchr(word, '=');
      if (next && equals)
        *equals = '\0';
      if (next)
        add_defect(plan, word, equals ? equals + 1 : NULL);
      next = strcmp(word, "--defect") == 0;
    }
  if (from)
    fclose(from);
  free(path);
}

static bool is_file(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The scenario of a run directory; of a scenario with defects, of the run that has them. */
static char *scenario_in(const char *dir) {
  char *file = join(dir, "scenario.yaml");
  if (is_file(file))
    return file;
  free(file);
  file = join(dir, "on/scenario.yaml");
  if (is_file(file))
    return file;
  free(file);
  return NULL;
}

static int find_files(struct shrinking *s) {
  struct stat st;
  const struct shrink_request *r = s->request;
  if (stat(r->path, &st))
    return refuse(2, "%s: %s", r->path, strerror(errno));
  const bool dir = S_ISDIR(st.st_mode);
  s->file = dir ? scenario_in(r->path) : plan_copy_text(r->path);
  if (!s->file)
    return refuse(2, "%s is no run directory: it has no readable scenario.yaml", r->path);
  s->out = r->out ? plan_copy_text(r->out) : dir ? join(r->path, BESIDE) : plan_copy_text(BESIDE);
  char *is = realpath(s->file, NULL), *will = realpath(s->out, NULL);
  const bool same = is && will && strcmp(is, will) == 0;
  free(is);
  free(will);
  return same ? refuse(2, "%s would be overwritten; expected another --out FILE", s->out) : 0;
}

static int load(struct shrinking *s) {
  const struct shrink_request *r = s->request;
  struct plan_error why = {0};
  int rc = find_files(s);
  if (rc)
    return rc;
  s->plan = plan_load(s->file, NULL, 0, &why);
  if (!s->plan) {
    plan_error_print(stderr, &why);
    plan_error_free(&why);
    return 2;
  }
  char *dir = plan_copy_text(s->file);
  add_defects_of_replay(s->plan, dirname(dir));
  free(dir);
  for (size_t i = 0; i < r->n_defects; i++)
    add_defect(s->plan, r->defects[i].name, r->defects[i].value);
  if (r->has_seed)
    s->plan->seed = r->seed;
  return 0;
}

/* ---- which failure ------------------------------------------------------------------------------ */

static const char *failing(const struct ask_seen *seen, const char *name) {
  const struct judge_check *check = ask_check(seen, name);
  return check && check->result == JUDGE_FAIL ? check->name : NULL;
}

/* A name that lives as long as the program; NULL: nothing fails. */
static const char *choose(const struct plan *plan, const struct ask_seen *seen) {
  const char *check = NULL;
  struct report_outcome outcome;
  for (size_t i = 0; !check && i < plan->n_convict; i++)
    check = failing(seen, plan->convict[i]);
  for (size_t i = 0; !check && i < plan->n_defects; i++) {
    const struct defect *defect = defects_find(plan->defects[i].name);
    check = defect ? failing(seen, defect->convicted) : NULL;
  }
  if (check || seen->died[0])
    return check ? check : ASK_DIED;
  if (report_outcome_make(plan, seen->judged, REPORT_SINGLE, NULL, &outcome))
    return NULL;
  for (size_t i = 0; !check && seen->judged && i < seen->judged->n_checks; i++)
    if (!outcome.checks[i].as_expected && outcome.checks[i].result == JUDGE_FAIL)
      check = seen->judged->checks[i].name;
  report_outcome_free(&outcome);
  return check;
}

/* The failing checks, with blanks between; free() it. */
static char *all_failing(const struct ask_seen *seen) {
  char *names = plan_copy_text("");
  for (size_t i = 0; seen->judged && i < seen->judged->n_checks; i++) {
    char *longer;
    if (seen->judged->checks[i].result != JUDGE_FAIL)
      continue;
    if (asprintf(&longer, "%s%s%s", names, *names ? " " : "", seen->judged->checks[i].name) < 0)
      abort();
    free(names);
    names = longer;
  }
  return names;
}

static int set_target(struct shrinking *s, const struct ask_seen *seen) {
  const struct shrink_request *r = s->request;
  struct ask *ask = &s->ask;
  char *names = all_failing(seen);
  int rc = 0;
  ask->check = choose(s->plan, seen);
  if (r->check) {
    const bool died = strcmp(r->check, ASK_DIED) == 0;
    ask->check = died ? (seen->died[0] ? ASK_DIED : NULL) : failing(seen, r->check);
  }
  ask->may_die = seen->died[0] != '\0';
  if (!ask->check)
    rc = refuse(1,
                "%s does not fail%s%s on virtual time with seed %" PRIu64 "%s%s: nothing to shrink",
                s->file, r->check ? " by " : "", r->check ? r->check : "", s->plan->seed,
                *names ? "; what fails: " : "", names);
  free(names);
  const struct judge_finding *finding = ask->check ? ask_finding(ask, seen) : NULL;
  if (r->same_field && finding) {
    ask->layer = s->page.layer = plan_copy_text(finding->layer);
    ask->field = s->page.field = plan_copy_text(finding->field);
  }
  return rc;
}

static int first_run(struct shrinking *s) {
  char err[512];
  struct ask_seen seen;
  progress_say("shrink", "the run as it is");
  int rc = ask_play(&s->ask, s->plan, &seen, err, sizeof err);
  if (rc > 0)
    refuse(rc, "%s", err);
  else if (rc < 0)
    rc = interrupt_seen() ? EXIT_INTERRUPTED
                          : refuse(4, "the run did not end in time; expected a longer --for");
  else
    rc = set_target(s, &seen);
  ask_seen_free(&seen);
  return rc;
}

/* ---- the search ----------------------------------------------------------------------------------- */

static void on_smaller(void *arg, const struct reduce_size *size, uint64_t asked) {
  const struct shrinking *s =
      (const struct shrinking *)((char *)arg - offsetof(struct shrinking, ask));
  char text[160];
  snprintf(text, sizeof text,
           "%" PRIu64 " runs, %" PRIu64 " s: %zu nodes, %zu tracks, %zu events, %s", asked,
           (clock_now() - s->started_ns) / CLOCK_S, size->nodes, size->tracks, size->events,
           plan_unit_time_text(size->duration_ns).text);
  progress_say("shrink", text);
}

static void put_budgets(FILE *to, const struct plan_expect *e) {
  const char *between = "";
  const struct {
    const char *name;
    uint64_t ns;
  } budgets[] = {{"p50", e->p50_ns}, {"p99", e->p99_ns}, {"max", e->max_ns}};
  fputs("expect:\n  latency: { ", to);
  for (size_t k = 0; k < sizeof budgets / sizeof *budgets; k++) {
    if (!budgets[k].ns)
      continue;
    fprintf(to, "%s%s: %s", between, budgets[k].name, plan_unit_time_text(budgets[k].ns).text);
    between = ", ";
  }
  fputs(" }\n", to);
}

/* The errors that must come; each node is named as model_text() names it: "sub[1]" as sub-1. */
static void put_closes(FILE *to, const struct plan *plan) {
  fputs(plan->n_closes ? "expect:\n  closes: { " : "", to);
  for (size_t i = 0; i < plan->n_closes; i++) {
    fputs(i ? ", " : "", to);
    for (const char *c = plan->nodes[plan->closes[i].node].name; *c; c++)
      if (*c != ']')
        fputc(*c == '[' ? '-' : *c, to);
    fprintf(to, ": %s", plan->closes[i].error);
  }
  fputs(plan->n_closes ? " }\n" : "", to);
}

/* What of `expect` the check needs in order to fail. */
static char *tail_of(const struct plan *plan, const char *check) {
  char *tail = NULL;
  size_t len;
  FILE *to = open_memstream(&tail, &len);
  if (!to)
    abort(); /* as plan_new() does */
  for (size_t i = 0; strcmp(check, "latency") == 0 && i < plan->n_expects; i++)
    if (strcmp(plan->expects[i].check, check) == 0)
      put_budgets(to, &plan->expects[i]);
  if (strcmp(check, "close-clean") == 0)
    put_closes(to, plan);
  fclose(to);
  return tail;
}

/* Sources below the folder of the file are named from there. */
static void shorten_paths(struct plan *plan, const char *out, size_t *cut_trace, size_t *cut_file) {
  char *copy = plan_copy_text(out), *dir = realpath(dirname(copy), NULL);
  const size_t len = dir ? strlen(dir) : 0;
  for (size_t i = 0; dir && i < plan->n_tracks; i++) {
    struct plan_track *t = &plan->tracks[i];
    cut_trace[i] =
        t->trace_path && strncmp(t->trace_path, dir, len) == 0 && t->trace_path[len] == '/'
            ? len + 1
            : 0;
    cut_file[i] = t->file && strncmp(t->file, dir, len) == 0 && t->file[len] == '/' ? len + 1 : 0;
    t->trace_path = cut_trace[i] ? t->trace_path + cut_trace[i] : t->trace_path;
    t->file = cut_file[i] ? t->file + cut_file[i] : t->file;
  }
  free(dir);
  free(copy);
}

/* The file read back. NULL, and it is said why: it is no scenario, or no memory. */
static struct plan *plan_of(const struct shrinking *s, const struct reduction *reduction) {
  struct plan_error why = {0};
  size_t len;
  char *text = reduce_text(reduction, "", &len);
  struct plan *plan = text ? plan_parse(text, len, s->out, NULL, 0, &why) : NULL;
  free(text);
  if (!plan) {
    plan_error_print(stderr, &why);
    plan_error_free(&why);
  }
  return plan;
}

/* The file, its last run and the page about both. */
static int conclude(struct shrinking *s, const struct reduction *reduction) {
  char err[512];
  struct ask_seen seen;
  struct plan *plan = plan_of(s, reduction);
  if (!plan)
    return 3;
  s->ask.until_ns = 0;
  int rc = ask_play(&s->ask, plan, &seen, err, sizeof err);
  plan_free(plan);
  if (rc > 0)
    refuse(rc, "%s", err);
  else if (rc < 0)
    rc = EXIT_INTERRUPTED;
  else if (!ask_matches(&s->ask, &seen))
    rc = refuse(4, "the smallest scenario failed by %s, and then it did not", s->ask.check);
  else
    shrink_page_take(&s->page, &s->ask, &seen);
  ask_seen_free(&seen);
  return rc;
}

static int write_out(struct shrinking *s, const struct reduction *reduction) {
  struct plan *plan = s->model->plan;
  size_t *cut_trace = plan_new(plan->n_tracks + 1, sizeof *cut_trace);
  size_t *cut_file = plan_new(plan->n_tracks + 1, sizeof *cut_file);
  size_t len;
  shorten_paths(plan, s->out, cut_trace, cut_file);
  char *text = reduce_text(reduction, "", &len);
  for (size_t i = 0; i < plan->n_tracks; i++) {
    struct plan_track *t = &plan->tracks[i];
    t->trace_path = cut_trace[i] ? t->trace_path - cut_trace[i] : t->trace_path;
    t->file = cut_file[i] ? t->file - cut_file[i] : t->file;
  }
  free(cut_trace);
  free(cut_file);
  const int rc = text ? shrink_page_write(&s->page, s->out, text) : -1;
  free(text);
  return rc ? refuse(2, "cannot write %s: %s", s->out, strerror(errno)) : 0;
}

static int end(struct shrinking *s, struct reduction *reduction, enum reduce_result result) {
  if (interrupt_seen())
    return EXIT_INTERRUPTED;
  if (result == REDUCE_PASSES)
    return refuse(
        4, "%s fails by %s as it is, but not written out with each node on a host of its own",
        s->file, s->ask.check);
  if (result == REDUCE_FLAKY)
    return refuse(4, "%s failed by %s, and then it did not: flaky", s->file, s->ask.check);
  s->page.minimal = result == REDUCE_MINIMAL;
  s->page.after = reduce_size(reduction);
  s->page.asked = reduce_asked(reduction);
  int rc = conclude(s, reduction);
  s->page.took_ns = clock_now() - s->started_ns;
  if (!rc)
    rc = write_out(s, reduction);
  progress_clear();
  if (!rc)
    shrink_page_print(&s->page, s->request->results, s->request->json);
  return rc;
}

/* It may be no scenario only because of its name. */
static int check_name(const struct shrinking *s, const struct reduction *reduction) {
  struct plan *plan = plan_of(s, reduction);
  if (!plan)
    return refuse(2, "%s cannot be a scenario of that name, or not with a host for each node",
                  s->out);
  plan_free(plan);
  return 0;
}

static int search(struct shrinking *s) {
  s->tail = tail_of(s->plan, s->ask.check);
  s->model = model_of(s->plan);
  s->plan = NULL;
  const struct reduce_asker asker = {.arg = &s->ask,
                                     .at_once = s->ask.at_a_time,
                                     .first = ask_first,
                                     .smaller = on_smaller,
                                     .path = s->out,
                                     .tail = s->tail};
  struct reduction *reduction = reduce_new(s->model, &asker, s->request->most_runs);
  s->page.plan = s->model->plan;
  s->page.file = s->file;
  s->page.out = s->out;
  s->page.check = s->ask.check;
  s->page.before = reduce_size(reduction);
  int rc = check_name(s, reduction);
  if (!rc)
    rc = end(s, reduction, reduce_run(reduction));
  reduce_free(reduction);
  return rc;
}

int shrink_play(const struct shrink_request *request) {
  char err[512];
  struct shrinking s = {.request = request, .started_ns = clock_now()};
  int rc = load(&s);
  if (!rc) {
    s.ask = (struct ask){.bindir = request->bindir,
                         .path = s.out,
                         .at_a_time = request->at_a_time,
                         .until_ns = request->for_ns ? s.started_ns + request->for_ns : 0};
    rc = ask_open(&s.ask, err, sizeof err) ? refuse(3, "%s", err) : first_run(&s);
  }
  if (!rc)
    rc = search(&s);
  progress_clear();
  ask_close(&s.ask);
  shrink_page_free(&s.page);
  model_free(s.model);
  if (s.plan)
    plan_free(s.plan);
  free(s.tail);
  free(s.file);
  free(s.out);
  return rc;
}
