#include "bench/run/sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/report/files.h"
#include "bench/report/report.h"
#include "bench/report/sweep.h"
#include "bench/run/interrupt.h"
#include "bench/run/live.h"
#include "bench/run/progress.h"
#include "bench/run/ready.h"
#include "bench/run/rundir.h"
#include "bench/run/sweep_journal.h"
#include "bench/scenario/limits.h"
#include "pcap-tools/judge.h"
#include "version.h"

#define MAX_TRIES        3 /* one, and two more if it was inconclusive */
#define EXIT_INTERRUPTED 130

/* A run that is under way. */
struct slot {
  bool running;
  size_t row;
  uint32_t tries;
  struct plan view; /* the setting's, with the seed */
  char *dir;
  struct live_run run;
};

struct sweeping {
  const struct sweep_request *request;
  struct report_sweep table;
  struct sweep_journal journal;
  struct slot *slots;
  size_t next; /* row to look at next */
  size_t done, failed, started_with;
  uint64_t started_s;
  int code; /* of something that ends the sweep; 0 = nothing */
};

static uint64_t now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec;
}

/* ---- talk --------------------------------------------------------------------------------- */

static void tell_progress(const struct sweeping *s) {
  char text[120], left[60] = "";
  size_t measured = s->done - s->started_with, rest = s->table.n_rows - s->done;
  uint64_t spent = now_s() - s->started_s;
  if (measured > 0) {
    uint64_t seconds = (spent * rest + measured - 1) / measured;
    if (seconds >= 3600)
      snprintf(left, sizeof left, ", %" PRIu64 " h %02" PRIu64 " min left", seconds / 3600,
               seconds / 60 % 60);
    else
      snprintf(left, sizeof left, ", %" PRIu64 " min %02" PRIu64 " s left", seconds / 60,
               seconds % 60);
  }
  snprintf(text, sizeof text, "%zu of %zu runs, %zu not passed%s", s->done, s->table.n_rows,
           s->failed, left);
  progress_say(s->request->plan->name, text);
}

/* "fanbench run SCENARIO ..." of one row; free() it. */
static char *replay_line(const struct sweeping *s, const struct slot *slot) {
  const struct plan_sweep *plan = s->request->plan;
  const char *args[5 + 2 * PLAN_MAX_SWEEP_PATHS];
  char *sets[PLAN_MAX_SWEEP_PATHS] = {0}, seed[24], *line = NULL;
  size_t n = 0;
  bool ok = true;
  snprintf(seed, sizeof seed, "%" PRIu64, slot->view.seed);
  args[n++] = plan->scenario;
  args[n++] = "--mode";
  args[n++] = s->request->mode;
  args[n++] = "--seed";
  args[n++] = seed;
  for (size_t p = 0; p < plan->n_paths; p++) {
    size_t v = plan_sweep_value(plan, slot->row / s->table.n_seeds, p);
    ok = ok && asprintf(&sets[p], "%s=%s", plan->paths[p].path, plan->paths[p].values[v]) >= 0;
    args[n++] = "--set";
    args[n++] = sets[p];
  }
  if (ok)
    line = report_replay_line(args, n);
  for (size_t p = 0; p < plan->n_paths; p++)
    free(sets[p]);
  return line;
}

/* ---- one run -------------------------------------------------------------------------------- */

static int measure_row(struct sweeping *s, const struct slot *slot,
                       const struct judge_report *judged) {
  struct sweep_row *row = &s->table.rows[slot->row];
  size_t setting = slot->row / s->table.n_seeds;
  struct measure_priority priorities[256];
  struct report_samples samples;
  bool *who = calloc(slot->view.n_nodes + 1, sizeof *who);
  int rc = -1;
  for (size_t i = 0; who != NULL && i < slot->view.n_nodes; i++)
    who[i] = plan_sweep_watches(s->request->plan, setting, (int)i);
  if (who != NULL && report_samples_load(slot->dir, &slot->view, &samples) == 0) {
    const struct measure_request of = {.plan = &slot->view,
                                       .samples = &samples,
                                       .judged = judged,
                                       .who = who,
                                       .on_time_ns = s->request->plan->on_time_ns};
    rc = measure_run(&of, &row->figures, priorities);
    for (size_t i = 0; i < s->table.n_priorities; i++)
      row->priorities[i] = priorities[s->table.priorities[i]];
    report_samples_free(&samples);
  }
  free(who);
  return rc;
}

/* The report files of a run that stays; one that did not pass is named with what it failed. */
static void keep(const struct slot *slot, const struct judge_report *judged,
                 const struct report_run *run) {
  char err[512];
  struct report_outcome outcome;
  if (report_write(slot->dir, &slot->view, judged, run, &outcome, err, sizeof err) != 0)
    fprintf(stderr, "fanbench: %s\n", err);
  if (outcome.verdict != REPORT_PASS) {
    progress_clear();
    fprintf(stderr, "fanbench: %s: %s", slot->dir, report_verdict_name(outcome.verdict));
    for (size_t i = 0; judged != NULL && i < outcome.n_checks; i++)
      if (!outcome.checks[i].as_expected)
        fprintf(stderr, "; %s: %s", judged->checks[i].name, outcome.checks[i].why_not);
    for (size_t i = 0; i < outcome.n_notes; i++)
      if (outcome.notes[i].fails)
        fprintf(stderr, "; %s", outcome.notes[i].text);
    fprintf(stderr, "\n  replay: %s\n", run->replay);
  }
  report_outcome_free(&outcome);
}

/* Judges and measures. Returns true if the run should be tried again. */
static bool judge(struct sweeping *s, struct slot *slot) {
  char err[512], died[1024];
  struct judge_report *judged = NULL;
  struct report_outcome outcome = {0};
  struct sweep_row *row = &s->table.rows[slot->row];
  snprintf(died, sizeof died, "%s", slot->run.died);
  if (judge_run_dir(slot->dir, &judged, err, sizeof err) != 0) {
    size_t len = strlen(died);
    snprintf(died + len, sizeof died - len, "%s%s", len > 0 ? "; " : "", err);
  }
  char *replay = replay_line(s, slot);
  const struct report_run run = {.mode = s->request->mode,
                                 .out_dir = slot->dir,
                                 .tries = slot->tries,
                                 .twin = REPORT_SINGLE,
                                 .replay = replay,
                                 .died = died[0] != '\0' ? died : NULL};
  int rc = report_outcome_make(&slot->view, judged, REPORT_SINGLE, run.died, &outcome);
  row->verdict = rc == 0 ? outcome.verdict : REPORT_FAIL;
  bool again = row->verdict == REPORT_INCONCLUSIVE && !slot->run.virtual_time &&
               slot->tries < MAX_TRIES && !interrupt_seen();
  if (!again && judged != NULL && measure_row(s, slot, judged) != 0) {
    fprintf(stderr, "fanbench: %s: cannot be measured: %s\n", slot->dir, strerror(errno));
    row->verdict = REPORT_FAIL;
  }
  if (!again && (row->verdict != REPORT_PASS || s->request->keep))
    keep(slot, judged, &run);
  report_outcome_free(&outcome);
  if (judged != NULL)
    judge_report_free(judged);
  free(replay);
  return again;
}

static void end_sweep(struct sweeping *s, int code, const char *why) {
  progress_clear();
  fprintf(stderr, "fanbench: %s: %s\n", s->request->plan->name, why);
  s->code = code;
}

static void start(struct sweeping *s, struct slot *slot) {
  char err[512];
  const struct live_options options = {.dir = slot->dir,
                                       .bindir = s->request->bindir,
                                       .virtual_time = strcmp(s->request->mode, "sim") == 0};
  slot->tries++;
  int rc = live_start(&slot->run, &slot->view, &options, err, sizeof err);
  slot->running = rc == 0;
  if (rc != 0)
    end_sweep(s, rc, err);
}

static void begin_row(struct sweeping *s, struct slot *slot, size_t row) {
  size_t setting = row / s->table.n_seeds;
  *slot = (struct slot){.row = row, .view = *s->request->plan->settings[setting]};
  slot->view.seed = s->request->plan->seed_first + row % s->table.n_seeds;
  if (asprintf(&slot->dir, "%s/runs/%zu/seed-%" PRIu64, s->request->out, setting, slot->view.seed) <
      0) {
    slot->dir = NULL;
    end_sweep(s, 3, "no memory");
    return;
  }
  start(s, slot);
}

static void finish(struct sweeping *s, struct slot *slot) {
  struct sweep_row *row = &s->table.rows[slot->row];
  live_finish(&slot->run);
  slot->running = false;
  if (slot->run.code != 0) {
    end_sweep(s, slot->run.code, slot->run.died);
  } else if (judge(s, slot)) {
    live_free(&slot->run);
    start(s, slot);
    return;
  } else {
    row->done = true;
    s->done++;
    s->failed += row->verdict != REPORT_PASS;
    /* Before its line is there: whoever is killed in between runs it again, into the same place. */
    if (row->verdict == REPORT_PASS && !s->request->keep)
      rundir_remove(slot->dir, s->request->out);
    if (sweep_journal_add(&s->journal, &s->table, slot->row) != 0)
      end_sweep(s, 3, strerror(errno));
    tell_progress(s);
  }
  live_free(&slot->run);
  free(slot->dir);
  slot->dir = NULL;
}

/* ---- all of them ------------------------------------------------------------------------------ */

static size_t fill_slots(struct sweeping *s) {
  size_t running = 0;
  for (size_t i = 0; i < s->request->at_a_time; i++) {
    struct slot *slot = &s->slots[i];
    while (!slot->running && s->code == 0 && s->next < s->table.n_rows) {
      size_t row = s->next++;
      if (!s->table.rows[row].done)
        begin_row(s, slot, row);
    }
    running += slot->running;
  }
  return running;
}

static void follow(struct sweeping *s, struct pollfd *fds) {
  nfds_t n = 0;
  for (size_t i = 0; i < s->request->at_a_time; i++)
    if (s->slots[i].running)
      fds[n++] = (struct pollfd){.fd = s->slots[i].run.cage.fd, .events = POLLIN};
  if (poll(fds, n, -1) <= 0)
    return;
  for (size_t i = 0; i < s->request->at_a_time; i++) {
    struct slot *slot = &s->slots[i];
    if (!slot->running)
      continue;
    live_follow(&slot->run);
    if (slot->run.over)
      finish(s, slot);
  }
}

static void kill_all(struct sweeping *s) {
  for (size_t i = 0; i < s->request->at_a_time; i++) {
    struct slot *slot = &s->slots[i];
    if (slot->running) {
      cage_kill(&slot->run.cage);
      cage_wait(&slot->run.cage);
      live_free(&slot->run);
    }
    free(slot->dir);
    *slot = (struct slot){0};
  }
}

static int write_file(const char *dir, const char *name,
                      void (*put)(FILE *to, const struct report_sweep *sweep),
                      const struct report_sweep *table) {
  struct report_file file;
  char *path = NULL;
  int rc = -1;
  if (asprintf(&path, "%s/%s", dir, name) < 0)
    return -1;
  if (report_file_open(&file, path) == 0) {
    put(file.to, table);
    rc = report_file_commit(&file);
  }
  if (rc != 0)
    fprintf(stderr, "fanbench: %s: cannot be written: %s\n", path, strerror(errno));
  free(path);
  return rc;
}

/* The sweep is over: its files and its table. */
static int conclude(struct sweeping *s) {
  const struct sweep_request *request = s->request;
  bool failed = false, inconclusive = false;
  if (sweep_journal_settle(&s->journal, &s->table) != 0 ||
      write_file(request->out, "sweep.csv", report_sweep_csv, &s->table) != 0 ||
      write_file(request->out, "differences.csv", report_sweep_differences, &s->table) != 0 ||
      write_file(request->out, "sweep.html", report_sweep_html, &s->table) != 0)
    return 3;
  if (request->json)
    report_sweep_json(request->results, &s->table);
  else
    report_sweep_text(request->results, &s->table, report_wants_colour(request->results));
  fflush(request->results);
  fprintf(stderr, "fanbench: report: %s/sweep.html\n", request->out);
  for (size_t i = 0; i < s->table.n_rows; i++) {
    failed |= s->table.rows[i].verdict == REPORT_FAIL;
    inconclusive |= s->table.rows[i].verdict == REPORT_INCONCLUSIVE;
  }
  return failed ? 1 : inconclusive ? 4 : 0;
}

static int play(struct sweeping *s) {
  struct pollfd *fds = calloc(s->request->at_a_time + 1, sizeof *fds);
  s->slots = calloc(s->request->at_a_time, sizeof *s->slots);
  if (fds == NULL || s->slots == NULL) {
    free(fds);
    end_sweep(s, 3, "no memory");
    return 3;
  }
  interrupt_watch();
  tell_progress(s);
  while (!interrupt_seen() && s->code == 0 && fill_slots(s) > 0)
    follow(s, fds);
  progress_clear();
  kill_all(s);
  free(fds);
  if (s->code != 0)
    return s->code;
  if (!interrupt_seen())
    return conclude(s);
  fprintf(stderr,
          "fanbench: interrupted; %zu of %zu runs are kept in %s, the same command goes on\n",
          s->done, s->table.n_rows, s->request->out);
  return EXIT_INTERRUPTED;
}

/* What no run of a setting could do is said before any runs. */
static int check_settings(const struct sweep_request *request) {
  bool live = strcmp(request->mode, "live") == 0;
  for (size_t i = 0; i < request->plan->n_settings; i++) {
    const struct plan *plan = request->plan->settings[i];
    if (live ? !plan->mode_live : !plan->mode_sim) {
      fprintf(stderr, "fanbench: %s is for %s mode only\n", plan->name, live ? "sim" : "live");
      return 2;
    }
  }
  return live ? ready_machine(request->bindir) : 0;
}

int sweep_play(const struct sweep_request *request) {
  struct sweeping s = {.request = request, .started_s = now_s()};
  char err[512];
  int code = check_settings(request);
  if (code != 0)
    return code;
  if (rundir_mkdirs(request->out) != 0) {
    fprintf(stderr, "fanbench: cannot make %s: %s\n", request->out, strerror(errno));
    return 2;
  }
  if (report_sweep_open(&s.table, request->plan, request->mode, FANBENCH_COMMIT) != 0) {
    fputs("fanbench: no memory for the runs of this sweep\n", stderr);
    return 3;
  }
  if (sweep_journal_open(&s.journal, request->out, &s.table, &s.done, err, sizeof err) != 0) {
    fprintf(stderr, "fanbench: %s\n", err);
    code = 2;
  } else {
    s.started_with = s.done;
    for (size_t i = 0; i < s.table.n_rows; i++)
      s.failed += s.table.rows[i].done && s.table.rows[i].verdict != REPORT_PASS;
    if (s.done > 0)
      fprintf(stderr, "fanbench: %zu of %zu runs are there already\n", s.done, s.table.n_rows);
    code = play(&s);
    sweep_journal_close(&s.journal);
  }
  free(s.slots);
  report_sweep_close(&s.table);
  return code;
}
