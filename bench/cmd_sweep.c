/* fanbench sweep: the command line of a sweep. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cmd.h"
#include "bench/run/sweep.h"
#include "bench/scenario/limits.h"
#include "bench/scenario/unit.h"

const char cmd_sweep_help[] =
    "usage: fanbench sweep FILE [OPTION]...\n"
    "Runs a scenario with every choice of values and every seed, and compares the values by\n"
    "pairs of one seed. FILE is YAML:\n"
    "\n"
    "  scenario: camera.yaml\n"
    "  seeds: 1..20\n"
    "  vary:\n"
    "    nodes.relay.policy: [none, deadline, skip-to-group]\n"
    "    links.1.rate: [1mbit, 2mbit]\n"
    "  on_time: 200ms        how old an object may be to be of use [its delivery_timeout]\n"
    "  who: [phone]          subscribers to look at [all]\n"
    "\n"
    "  --mode live|sim      as for fanbench run; without it: live as root, else sim\n"
    "  --seeds A..B         instead of the file's\n"
    "  --out DIR            sweep.csv, differences.csv, sweep.html, journal.jsonl [runs/NAME]\n"
    "  -j N                 runs at a time [1]\n"
    "  --keep all|failing   which run directories stay, in DIR/runs [failing]\n"
    "  --json               the table as one JSON object a line\n"
    "\n"
    "Ended at any time, the same command goes on where it was.\n"
    "\n"
    "examples:\n"
    "  fanbench sweep scenarios/sweeps/camera-policies.yaml --mode sim -j 2\n"
    "  fanbench sweep scenarios/sweeps/camera-policies.yaml --mode sim --seeds 1..3 --json\n";

enum { OPT_MODE = 1000, OPT_SEEDS, OPT_OUT, OPT_KEEP, OPT_JSON };

static const struct option options[] = {
    {"mode", required_argument, NULL, OPT_MODE}, {"seeds", required_argument, NULL, OPT_SEEDS},
    {"out", required_argument, NULL, OPT_OUT},   {"keep", required_argument, NULL, OPT_KEEP},
    {"json", no_argument, NULL, OPT_JSON},       {NULL, 0, NULL, 0},
};

struct seeds {
  bool given;
  uint64_t first, last;
};

static int parse_seeds(const char *text, struct seeds *seeds) {
  seeds->given = true;
  if (plan_unit_range(text, plan_unit_count, &seeds->first, &seeds->last) == NULL &&
      seeds->last - seeds->first < PLAN_MAX_SWEEP_SEEDS)
    return 0;
  return cmd_usage("sweep", "--seeds: expected A..B with A <= B, at most %d seeds, found \"%s\"",
                   PLAN_MAX_SWEEP_SEEDS, text);
}

static int parse(int argc, char **argv, struct sweep_request *request, struct seeds *seeds) {
  int opt, rc = 0;
  while (rc == 0 && (opt = cmd_getopt(argc, argv, ":j:", options)) != -1) {
    switch (opt) {
    case OPT_MODE:
      rc = cmd_mode("sweep", optarg, &request->mode);
      break;
    case OPT_SEEDS:
      rc = parse_seeds(optarg, seeds);
      break;
    case OPT_OUT:
      request->out = optarg;
      break;
    case OPT_KEEP:
      rc = cmd_keep("sweep", optarg, &request->keep);
      break;
    case OPT_JSON:
      request->json = true;
      break;
    case 'j':
      rc = cmd_at_a_time("sweep", optarg, &request->at_a_time);
      break;
    default:
      rc = CMD_BAD_INPUT;
    }
  }
  if (rc == 0 && optind + 1 != argc)
    rc = cmd_usage("sweep", "expected one sweep file, found %d", argc - optind);
  return rc;
}

static int play(struct sweep_request *request, const char *file, const struct seeds *seeds) {
  struct plan_error why = {0};
  char *out = NULL;
  struct plan_sweep *plan = plan_sweep_load(file, &why);
  if (plan == NULL) {
    plan_error_print(stderr, &why);
    plan_error_free(&why);
    return CMD_BAD_INPUT;
  }
  if (seeds->given) {
    plan->seed_first = seeds->first;
    plan->seed_last = seeds->last;
  }
  int rc = CMD_LACKING;
  if (asprintf(&out, "runs/%s", plan->name) >= 0) {
    request->plan = plan;
    request->out = request->out != NULL ? request->out : out;
    rc = sweep_play(request);
    free(out);
  }
  plan_sweep_free(plan);
  return rc;
}

int cmd_sweep(int argc, char **argv) {
  struct sweep_request request = {.at_a_time = 1, .bindir = cmd_bindir(), .results = stdout};
  struct seeds seeds = {0};
  int rc = parse(argc, argv, &request, &seeds);
  if (rc == 0)
    rc = cmd_choose_mode("sweep", &request.mode);
  return rc != 0 ? rc : play(&request, argv[optind], &seeds);
}
