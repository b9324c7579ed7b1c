/* fanbench verify and fanbench report: a run directory, judged again. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "bench/cmd.h"
#include "bench/report/report.h"
#include "bench/scenario/plan.h"
#include "pcap-tools/judge.h"

const char cmd_verify_help[] =
    "usage: fanbench verify DIR [--json]\n"
    "Judges a run directory again and shows the table. It needs nothing but the directory.\n"
    "\n"
    "examples:\n"
    "  fanbench verify runs/quickstart\n"
    "  fanbench verify runs/quickstart --json | jq .verdict\n";

const char cmd_report_help[] =
    "usage: fanbench report DIR\n"
    "Judges a run directory again, writes its report files and says where they are.\n"
    "\n"
    "example:\n"
    "  fanbench report runs/quickstart\n";

enum { OPT_JSON = 1000 };
static const struct option verify_options[] = {{"json", no_argument, NULL, OPT_JSON},
                                               {NULL, 0, NULL, 0}};
static const struct option no_options[] = {{NULL, 0, NULL, 0}};

struct judged {
  const char *dir;
  struct plan *plan;
  struct judge_report *report; /* NULL: could not be judged */
  struct report_saved saved;
  struct report_run run;
  struct report_outcome outcome;
  char died[512];
};

static void judged_free(struct judged *j) {
  report_outcome_free(&j->outcome);
  if (j->report != NULL)
    judge_report_free(j->report);
  report_saved_free(&j->saved);
  if (j->plan != NULL)
    plan_free(j->plan);
}

static int load_plan(struct judged *j) {
  char *path = NULL;
  struct plan_error why = {0};
  if (asprintf(&path, "%s/scenario.yaml", j->dir) < 0)
    return CMD_LACKING;
  if (access(path, R_OK) != 0) {
    fprintf(stderr, "fanbench: %s is no run directory: it has no readable scenario.yaml\n", j->dir);
    free(path);
    return CMD_BAD_INPUT;
  }
  j->plan = plan_load(path, NULL, 0, &why);
  if (j->plan == NULL)
    plan_error_print(stderr, &why);
  plan_error_free(&why);
  free(path);
  return j->plan != NULL ? 0 : CMD_BAD_INPUT;
}

/* Loads, judges, writes the report files. 0 or the exit code, with the reason said. */
static int judge(struct judged *j) {
  char err[512];
  int rc = load_plan(j);
  if (rc != 0)
    return rc;
  if (report_saved_load(j->dir, &j->saved, err, sizeof err) < 0) {
    fprintf(stderr, "fanbench: %s\n", err);
    return CMD_BAD_INPUT;
  }
  j->run = (struct report_run){.mode = j->saved.mode != NULL ? j->saved.mode : "live",
                               .out_dir = j->dir,
                               .tries = j->saved.tries,
                               .twin = j->saved.twin,
                               .kept = j->saved.kept,
                               .died = j->saved.died};
  if (judge_run_dir(j->dir, &j->report, err, sizeof err) != 0) {
    snprintf(j->died, sizeof j->died, "%s", err);
    j->run.died = j->died;
  }
  if (report_write(j->dir, j->plan, j->report, &j->run, &j->outcome, err, sizeof err) != 0) {
    fprintf(stderr, "fanbench: %s\n", err);
    return CMD_LACKING;
  }
  return 0;
}

/* report.json, on one line. */
static int put_json(const char *dir) {
  char *path = NULL;
  json_error_t where = {.text = "no memory"};
  json_t *o = NULL;
  if (asprintf(&path, "%s/report.json", dir) >= 0)
    o = json_load_file(path, 0, &where);
  if (o == NULL)
    fprintf(stderr, "fanbench: cannot read %s/report.json: %s\n", dir, where.text);
  else {
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
  }
  free(path);
  int rc = o != NULL ? 0 : CMD_LACKING;
  json_decref(o);
  return rc;
}

static void put_table(const struct judged *j) {
  struct report_run run = j->run;
  char *replay = run.kept != NULL ? report_replay_outside(run.kept, j->dir) : NULL;
  run.replay = replay;
  report_print_table(stdout, j->plan, j->report, &run, &j->outcome, report_wants_colour(stdout));
  free(replay);
}

static int one_directory(const char *command, int argc, char **argv, const char **dir) {
  if (argc - optind != 1)
    return cmd_usage(command, "expected one run directory, found %d arguments", argc - optind);
  *dir = argv[optind];
  return 0;
}

int cmd_verify(int argc, char **argv) {
  struct judged j = {0};
  bool json = false;
  int opt;
  while ((opt = cmd_getopt(argc, argv, ":", verify_options)) != -1) {
    if (opt != OPT_JSON)
      return CMD_BAD_INPUT;
    json = true;
  }
  int rc = one_directory("verify", argc, argv, &j.dir);
  if (rc == 0)
    rc = judge(&j);
  if (rc == 0) {
    if (json)
      rc = put_json(j.dir);
    else
      put_table(&j);
    if (rc == 0)
      rc = report_exit_code(j.outcome.verdict);
  }
  judged_free(&j);
  return rc;
}

int cmd_report(int argc, char **argv) {
  static const char *const files[] = {"report.html", "report.json", "report.tap",
                                      "junit.xml",   "metrics.csv", "samples.csv"};
  struct judged j = {0};
  if (cmd_getopt(argc, argv, ":", no_options) != -1)
    return CMD_BAD_INPUT;
  int rc = one_directory("report", argc, argv, &j.dir);
  if (rc == 0)
    rc = judge(&j);
  for (size_t i = 0; rc == 0 && i < sizeof files / sizeof *files; i++)
    printf("%s/%s\n", j.dir, files[i]);
  judged_free(&j);
  return rc;
}
