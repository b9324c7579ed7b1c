#include "bench/run/suite.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/run/find.h"
#include "bench/run/interleavings.h"

#define DEFAULT_OUT "runs"

/* What distinguishes the jobs of one file. */
struct variant {
  uint64_t seed;
  enum report_twin twin;
};

static struct suite_job *add_job(struct suite *suite) {
  if (suite->n_jobs == suite->room) {
    size_t room = suite->room * 2 + 16;
    struct suite_job *bigger = realloc(suite->jobs, room * sizeof *bigger);
    if (bigger == NULL)
      return NULL;
    suite->jobs = bigger;
    suite->room = room;
  }
  struct suite_job *job = &suite->jobs[suite->n_jobs++];
  *job = (struct suite_job){.run = {.cage = {.fd = -1}}};
  return job;
}

/* "a/b/chat.yaml" -> "chat" */
static char *stem(const char *path) {
  const char *slash = strrchr(path, '/'), *from = slash != NULL ? slash + 1 : path;
  const char *dot = strrchr(from, '.');
  return strndup(from, dot != NULL && dot != from ? (size_t)(dot - from) : strlen(from));
}

static int name_job(struct suite *suite, struct suite_job *job, const char *scenario,
                    const struct variant *v) {
  const struct suite_request *request = suite->request;
  char seed[32] = "";
  const char *twin = v->twin == REPORT_ON ? "/on" : v->twin == REPORT_OFF ? "/off" : "";
  if (request->has_seeds && request->seed_first != request->seed_last)
    snprintf(seed, sizeof seed, "/seed-%" PRIu64, v->seed);
  if (asprintf(&job->name, "%s%s%s", scenario, seed, twin) < 0) {
    job->name = NULL;
    return -1;
  }
  bool itself = request->out != NULL && suite->n_files == 1 && seed[0] == '\0';
  int rc = itself ? asprintf(&job->dir, "%s%s", request->out, twin)
                  : asprintf(&job->dir, "%s/%s", request->out != NULL ? request->out : DEFAULT_OUT,
                             job->name);
  if (rc < 0)
    job->dir = NULL;
  return rc < 0 ? -1 : 0;
}

/* file with the first n_sets of the request, and that list of interleavings or NULL. */
static char *replay_line(const struct suite_request *request, const struct suite_job *job,
                         const char *file, size_t n_sets, const char *interleave) {
  size_t n = 0;
  const char **args = calloc(10 + 2 * (n_sets + request->n_defects), sizeof *args);
  char **made = calloc(1 + n_sets + request->n_defects, sizeof *made);
  size_t n_made = 0;
  char *line = NULL;
  if (args == NULL || made == NULL)
    goto out;
  args[n++] = file;
  args[n++] = "--mode";
  args[n++] = request->mode;
  args[n++] = "--seed";
  if (asprintf(&made[n_made], "%" PRIu64, job->view.seed) < 0)
    goto out;
  args[n++] = made[n_made++];
  for (size_t i = 0; i < n_sets; i++) {
    args[n++] = "--set";
    if (asprintf(&made[n_made], "%s=%s", request->sets[i].path, request->sets[i].value) < 0)
      goto out;
    args[n++] = made[n_made++];
  }
  for (size_t i = 0; i < request->n_defects; i++) {
    const struct plan_defect *d = &request->defects[i];
    args[n++] = "--defect";
    if (asprintf(&made[n_made], "%s%s%s", d->name, d->value != NULL ? "=" : "",
                 d->value != NULL ? d->value : "") < 0)
      goto out;
    args[n++] = made[n_made++];
  }
  if (interleave != NULL) {
    args[n++] = "--interleave";
    args[n++] = interleave;
  }
  line = report_replay_line(args, n);
out:
  while (made != NULL && n_made > 0)
    free(made[--n_made]);
  free(made);
  free(args);
  return line;
}

/* One that the file has already gets the command line's value: a replay from a run
 * directory names what its scenario.yaml has. */
static void set_defect(struct plan *view, const struct plan_defect *defect) {
  size_t i = 0;
  while (i < view->n_defects && strcmp(view->defects[i].name, defect->name) != 0)
    i++;
  view->defects[i] = *defect;
  view->n_defects += i == view->n_defects;
}

static int view_defects(struct suite_job *job, const struct suite_request *request) {
  struct plan *view = &job->view;
  if (job->twin == REPORT_OFF) {
    view->n_defects = 0;
    return 0;
  }
  if (request->n_defects == 0)
    return 0;
  job->defects = calloc(view->n_defects + request->n_defects, sizeof *job->defects);
  if (job->defects == NULL)
    return -1;
  if (view->n_defects > 0)
    memcpy(job->defects, view->defects, view->n_defects * sizeof *job->defects);
  view->defects = job->defects;
  for (size_t i = 0; i < request->n_defects; i++)
    set_defect(view, &request->defects[i]);
  return 0;
}

/* Whether the scenario wants this mode; else why not. */
static void judge_mode(struct suite_job *job, const char *mode) {
  const bool live = strcmp(mode, "live") == 0;
  if (live ? job->plan->mode_live : job->plan->mode_sim)
    return;
  if (asprintf(&job->skip, "for %s mode only", live ? "sim" : "live") < 0)
    job->skip = NULL;
}

static int add_variant(struct suite *suite, size_t file, const struct variant *v) {
  struct suite_job *job = add_job(suite);
  if (job == NULL)
    return -1;
  job->file = suite->files[file];
  job->plan = suite->plans[file];
  job->view = *job->plan;
  job->view.seed = v->seed;
  job->twin = v->twin;
  if (name_job(suite, job, job->plan->name, v) != 0 || view_defects(job, suite->request) != 0)
    return -1;
  const struct suite_request *request = suite->request;
  job->replay = replay_line(request, job, job->file, request->n_sets, request->interleave);
  /* what was set stands in the plan there; without its defects that is no twin any more */
  job->kept = replay_line(suite->request, job,
                          v->twin == REPORT_OFF ? "../on/scenario.yaml" : "scenario.yaml", 0,
                          request->interleave != NULL ? INTERLEAVINGS_FILE : NULL);
  judge_mode(job, suite->request->mode);
  return 0;
}

static int add_twins(struct suite *suite, size_t file, uint64_t seed) {
  const struct plan *plan = suite->plans[file];
  if (plan->n_defects == 0 || suite->request->n_defects > 0)
    return add_variant(suite, file, &(struct variant){seed, REPORT_SINGLE});
  if (add_variant(suite, file, &(struct variant){seed, REPORT_ON}) != 0)
    return -1;
  return add_variant(suite, file, &(struct variant){seed, REPORT_OFF});
}

static int add_refused(struct suite *suite, size_t file, const struct plan_error *why) {
  struct suite_job *job = add_job(suite);
  if (job == NULL)
    return -1;
  plan_error_print(stderr, why);
  job->file = suite->files[file];
  job->name = stem(job->file);
  job->refused_code = 2;
  int rc = why->line > 0 ? asprintf(&job->refused, "%s:%" PRIu32 ":%" PRIu32 ": %s", why->file,
                                    why->line, why->column, why->text)
                         : asprintf(&job->refused, "%s: %s", why->file, why->text);
  if (rc < 0)
    job->refused = NULL;
  return job->name != NULL && job->refused != NULL ? 0 : -1;
}

static int add_file(struct suite *suite, size_t file) {
  const struct suite_request *request = suite->request;
  struct plan_error why = {0};
  suite->plans[file] = plan_load(suite->files[file], request->sets, request->n_sets, &why);
  if (suite->plans[file] == NULL) {
    int rc = add_refused(suite, file, &why);
    plan_error_free(&why);
    return rc;
  }
  if (!request->has_seeds)
    return add_twins(suite, file, suite->plans[file]->seed);
  for (uint64_t seed = request->seed_first;; seed++) {
    if (add_twins(suite, file, seed) != 0)
      return -1;
    if (seed == request->seed_last)
      return 0;
  }
}

/* Two scenarios of one name would write into one directory. */
static int refuse_same_dirs(const struct suite *suite, char *err, size_t err_len) {
  for (size_t i = 0; i < suite->n_files; i++)
    for (size_t j = 0; j < i; j++) {
      const struct plan *a = suite->plans[j], *b = suite->plans[i];
      if (a == NULL || b == NULL || strcmp(a->name, b->name) != 0)
        continue;
      snprintf(err, err_len,
               "%s and %s are both called %s; run them apart, each with its own --out",
               suite->files[j], suite->files[i], b->name);
      return 2;
    }
  return 0;
}

/* A list names accesses of one run. */
static int read_interleavings(struct suite *suite, char *err, size_t err_len) {
  if (suite->n_jobs != 1) {
    snprintf(err, err_len, "--interleave FILE is for one run, found %zu", suite->n_jobs);
    return 2;
  }
  if (suite->jobs[0].plan == NULL)
    return 0; /* refused already */
  return interleavings_read(suite->request->interleave, suite->jobs[0].plan, &suite->interleavings,
                            err, err_len) == 0
             ? 0
             : 2;
}

int suite_prepare(struct suite *suite, const struct suite_request *request, char *err,
                  size_t err_len) {
  *suite = (struct suite){.request = request};
  struct find_list found = {0};
  for (size_t i = 0; i < request->n_paths; i++)
    if (find_scenarios(&found, request->paths[i], err, err_len) != 0) {
      find_free(&found);
      return 2;
    }
  suite->files = found.paths;
  suite->n_files = found.n;
  suite->plans = calloc(found.n + 1, sizeof(struct plan *));
  int rc = suite->plans != NULL ? 0 : -1;
  for (size_t i = 0; rc == 0 && i < suite->n_files; i++)
    rc = add_file(suite, i);
  if (rc == 0 && request->interleave != NULL)
    return read_interleavings(suite, err, err_len);
  if (rc == 0)
    return refuse_same_dirs(suite, err, err_len);
  snprintf(err, err_len, "no memory for %zu scenarios", found.n);
  return 2;
}

void suite_free(struct suite *suite) {
  for (size_t i = 0; i < suite->n_jobs; i++) {
    struct suite_job *job = &suite->jobs[i];
    char *texts[] = {job->name,   job->dir,  job->skip, job->refused,
                     job->replay, job->kept, job->unmet};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
      free(texts[t]);
    free(job->defects);
    live_free(&job->run);
  }
  for (size_t i = 0; i < suite->n_files; i++) {
    if (suite->plans != NULL && suite->plans[i] != NULL)
      plan_free(suite->plans[i]);
    free(suite->files[i]);
  }
  free(suite->plans);
  free(suite->files);
  free(suite->jobs);
  totals_free(&suite->totals);
  nest_list_free(&suite->interleavings);
  *suite = (struct suite){0};
}
