/* Runs the jobs of a suite; see suite.h. */
#include "bench/run/suite.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "bench/run/held.h"
#include "bench/run/interrupt.h"
#include "bench/run/progress.h"
#include "bench/run/ready.h"
#include "bench/run/rundir.h"
#include "bench/run/summary.h"
#include "pcap-tools/judge.h"

#define MAX_TRIES        3 /* one, and two more if it was inconclusive */
#define EXIT_INTERRUPTED 130
/* Of many runs so many show their whole table, the others are brief. */
#define TABLES_MAX 3

/* A single run shows its table; of several only those that are not as expected do. */
static bool single(const struct suite *suite) {
  return suite->n_jobs == 1;
}

static bool table_is_result(const struct suite *suite) {
  return single(suite) && !suite->request->json && isatty(fileno(suite->request->results));
}

static int open_stream(struct suite *suite) {
  const struct suite_request *request = suite->request;
  char *junit = NULL;
  FILE *tap = request->json || table_is_result(suite) ? NULL : request->results;
  if (!single(suite)) { /* one run has its own junit.xml in its directory */
    const char *out = request->out != NULL ? request->out : "runs";
    if (rundir_mkdirs(out) != 0 || asprintf(&junit, "%s/junit.xml", out) < 0) {
      fprintf(stderr, "fanbench: cannot make %s: %s\n", out, strerror(errno));
      return -1;
    }
  }
  int rc = report_stream_open(&suite->stream, tap, junit);
  if (rc != 0)
    fprintf(stderr, "fanbench: cannot open the report: %s\n", strerror(errno));
  free(junit);
  return rc;
}

static void put_json(const struct suite *suite, const struct suite_job *job, const char *verdict,
                     const char *reason) {
  if (!suite->request->json)
    return;
  json_t *o =
      json_pack("{s:s, s:s, s:s?, s:s?, s:I, s:s, s:i}", "name", job->name, "verdict", verdict,
                "dir", job->dir, "reason", reason, "seed", (json_int_t)job->view.seed, "twin",
                report_twin_name(job->twin), "tries", (int)job->tries);
  json_dumpf(o, suite->request->results, JSON_COMPACT);
  fputc('\n', suite->request->results);
  fflush(suite->request->results);
  json_decref(o);
}

static void put_totals(const struct suite *suite) {
  if (single(suite))
    return;
  totals_print(stderr, &suite->totals);
  if (!suite->request->json)
    return;
  json_t *o = json_pack("{s:o}", "totals", totals_json(&suite->totals));
  json_dumpf(o, suite->request->results, JSON_COMPACT);
  fputc('\n', suite->request->results);
  json_decref(o);
}

static void settle(struct suite *suite, struct suite_job *job) {
  job->done = true;
  suite->n_done++;
  suite->n_failed += job->failed;
  while (suite->first < suite->n_jobs && suite->jobs[suite->first].done)
    suite->first++;
}

static void refuse(struct suite *suite, struct suite_job *job, int code, const char *reason) {
  progress_clear();
  if (job->plan != NULL) /* a file that is wrong was named when it was read */
    fprintf(stderr, "fanbench: %s: %s\n", job->name, reason);
  report_stream_refused(suite->stream, job->name, code, reason);
  put_json(suite, job, "refused", reason);
  settle(suite, job);
}

static void start(struct suite *suite, struct suite_job *job) {
  char err[512];
  const struct suite_request *request = suite->request;
  if (job->skip != NULL) {
    fprintf(stderr, "fanbench: %s: skipped, %s\n", job->name, job->skip);
    report_stream_skip(suite->stream, job->name, job->skip);
    put_json(suite, job, "skip", job->skip);
    settle(suite, job);
    return;
  }
  if (job->refused != NULL) {
    refuse(suite, job, job->refused_code, job->refused);
    return;
  }
  const struct live_options options = {
      .dir = job->dir,
      .bindir = request->bindir,
      .hold = request->hold,
      .virtual_time = strcmp(request->mode, "sim") == 0,
      .interleavings = request->interleave != NULL ? &suite->interleavings : NULL,
      .journal = request->journal,
      .journal_size = request->journal_size};
  job->tries++;
  int rc = live_start(&job->run, &job->view, &options, err, sizeof err);
  if (rc != 0) {
    refuse(suite, job, rc, err);
    return;
  }
  job->running = true;
}

static void show(struct suite *suite, const struct suite_job *job,
                 const struct judge_report *judged, const struct report_run *run,
                 const struct report_outcome *outcome) {
  FILE *to = table_is_result(suite) ? suite->request->results : stderr;
  progress_clear();
  if (!single(suite) && outcome->verdict == REPORT_PASS)
    return;
  if (suite->shown++ < TABLES_MAX)
    report_print_table(to, &job->view, judged, run, outcome, report_wants_colour(to));
  else
    report_print_brief(to, job->name, job->unmet != NULL ? job->unmet : "", run, outcome,
                       report_wants_colour(to));
  fflush(to);
}

/* Whether its directory may go; a half of a twin replays from the other's. */
static bool may_go(const struct suite *suite, const struct suite_job *job) {
  const struct suite_job *other = job->twin == REPORT_ON    ? job + 1
                                  : job->twin == REPORT_OFF ? job - 1
                                                            : job;
  return suite->request->keep_failing && job->passed && other->passed;
}

static void tidy(const struct suite *suite, const struct suite_job *job) {
  if (!may_go(suite, job))
    return;
  rundir_remove(job->dir, suite->request->out);
  if (job->twin != REPORT_SINGLE)
    rundir_remove(job->twin == REPORT_ON ? job[1].dir : job[-1].dir, suite->request->out);
}

/* Judges and reports. Returns true if it should be tried again. */
static bool report(struct suite *suite, struct suite_job *job) {
  char err[512], died[1024];
  struct judge_report *judged = NULL;
  struct report_outcome outcome;
  snprintf(died, sizeof died, "%s", job->run.died);
  progress_say(job->name, "judging");
  if (judge_run_dir(job->dir, &judged, err, sizeof err) != 0) {
    size_t len = strlen(died);
    snprintf(died + len, sizeof died - len, "%s%s", len > 0 ? "; " : "", err);
  }
  const struct report_run run = {.mode = suite->request->mode,
                                 .out_dir = job->dir,
                                 .tries = job->tries,
                                 .twin = job->twin,
                                 .replay = job->replay,
                                 .kept = job->kept,
                                 .died = died[0] != '\0' ? died : NULL};
  if (report_write(job->dir, &job->view, judged, &run, &outcome, err, sizeof err) != 0)
    fprintf(stderr, "fanbench: %s\n", err);
  bool again = outcome.verdict == REPORT_INCONCLUSIVE && !job->run.virtual_time &&
               job->tries < MAX_TRIES && !interrupt_seen(); /* a simulation would say it again */
  if (again) {
    progress_clear();
    fprintf(stderr, "fanbench: %s: inconclusive, trying again\n", job->name);
    totals_again(&suite->totals);
  } else {
    job->passed = outcome.verdict == REPORT_PASS;
    job->failed = !job->passed;
    job->unmet = job->failed ? report_unmet(judged, &run, &outcome) : NULL;
    show(suite, job, judged, &run, &outcome);
    totals_add(&suite->totals, judged, &outcome);
    report_stream_run(suite->stream, job->name, &job->view, judged, &run, &outcome);
    put_json(suite, job, report_verdict_name(outcome.verdict), run.died);
  }
  report_outcome_free(&outcome);
  if (judged != NULL)
    judge_report_free(judged);
  return again;
}

static void finish(struct suite *suite, struct suite_job *job) {
  live_finish(&job->run);
  job->running = false;
  if (job->run.code != 0)
    refuse(suite, job, job->run.code, job->run.died);
  else if (!report(suite, job)) {
    settle(suite, job);
    tidy(suite, job);
  }
  live_free(&job->run);
}

/* Until Enter or Ctrl-C. */
static void hold(struct suite_job *job) {
  char err[512], *file = NULL;
  struct live_run *run = &job->run;
  progress_clear();
  if (held_write(run->cage.pid, job->dir, run->held, &file, err, sizeof err) != 0)
    fprintf(stderr, "fanbench: %s\n", err);
  fprintf(stderr,
          "fanbench: %s is held. Look inside from another terminal:\n"
          "  fanbench enter relay -- ss -uanp\n"
          "Press Enter here to go on.\n",
          job->name);
  while (!interrupt_seen() && !run->over) {
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = run->cage.fd, .events = POLLIN}};
    char buf[256];
    if (poll(fds, 2, -1) < 0)
      continue;
    if (fds[1].revents != 0)
      live_follow(run);
    if (fds[0].revents != 0 && read(STDIN_FILENO, buf, sizeof buf) >= 0)
      break;
  }
  interrupt_forget(); /* it ended the hold, not the run */
  live_release(run);
  if (file != NULL)
    unlink(file);
  free(file);
}

/* One line on a terminal: of several runs also how far all are. */
static void tell_progress(const struct suite *suite, const struct suite_job *job,
                          const char *phase) {
  char text[160];
  if (single(suite)) {
    progress_say(job->name, phase);
    return;
  }
  snprintf(text, sizeof text, "%zu/%zu done, %zu failed; %s", suite->n_done, suite->n_jobs,
           suite->n_failed, phase);
  progress_say(job->name, text);
}

static size_t start_some(struct suite *suite) {
  size_t running = 0;
  for (size_t i = suite->first; i < suite->begun; i++)
    running += suite->jobs[i].running;
  for (size_t i = suite->first; i < suite->n_jobs && running < suite->request->at_a_time; i++) {
    struct suite_job *job = &suite->jobs[i];
    if (i >= suite->begun)
      suite->begun = i + 1;
    if (job->done || job->running)
      continue;
    start(suite, job);
    running += job->running;
  }
  return suite->n_jobs - suite->n_done;
}

static void follow(struct suite *suite, struct pollfd *fds) {
  nfds_t n = 0;
  for (size_t i = suite->first; i < suite->begun; i++)
    if (suite->jobs[i].running)
      fds[n++] = (struct pollfd){.fd = suite->jobs[i].run.cage.fd, .events = POLLIN};
  if (n > 0 && poll(fds, n, -1) <= 0)
    return;
  for (size_t i = suite->first; i < suite->begun; i++) {
    struct suite_job *job = &suite->jobs[i];
    if (!job->running)
      continue;
    live_follow(&job->run);
    tell_progress(suite, job, job->run.phase);
    if (job->run.holding)
      hold(job);
    if (job->run.over)
      finish(suite, job);
  }
}

static void kill_all(struct suite *suite) {
  for (size_t i = suite->first; i < suite->begun; i++) {
    struct suite_job *job = &suite->jobs[i];
    if (!job->running)
      continue;
    cage_kill(&job->run.cage);
    cage_wait(&job->run.cage);
    job->running = false;
    if (suite->request->keep_failing)
      rundir_remove(job->dir, suite->request->out);
  }
}

/* 0, or the exit code. */
static int ready(const struct suite *suite) {
  bool any = false;
  if (strcmp(suite->request->mode, "live") != 0)
    return 0;
  for (size_t i = 0; i < suite->n_jobs; i++)
    any = any || (suite->jobs[i].skip == NULL && suite->jobs[i].refused == NULL);
  return any ? ready_machine(suite->request->bindir) : 0;
}

int suite_play(struct suite *suite) {
  int code = ready(suite);
  if (code != 0)
    return code;
  struct pollfd *fds = calloc(suite->n_jobs + 1, sizeof *fds);
  if (fds == NULL || open_stream(suite) != 0) {
    free(fds);
    return 3;
  }
  interrupt_watch();
  while (!interrupt_seen() && start_some(suite) > 0)
    follow(suite, fds);
  progress_clear();
  free(fds);
  if (interrupt_seen()) {
    kill_all(suite);
    if (!suite->request->json && !table_is_result(suite))
      fputs("Bail out! interrupted\n", suite->request->results);
    fputs("fanbench: interrupted; the runs that were under way are gone\n", stderr);
  }
  summary_print(stderr, suite);
  put_totals(suite);
  int closed = report_stream_close(suite->stream, single(suite) ? NULL : stderr, &code);
  suite->stream = NULL;
  if (closed != 0) {
    fprintf(stderr, "fanbench: a report could not be written: %s\n", strerror(errno));
    return 3;
  }
  return interrupt_seen() ? EXIT_INTERRUPTED : code;
}
