/* fanbench shrink: the command line. */
#include <stdlib.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/run/shrink.h"
#include "bench/scenario/unit.h"
#include "pcap-tools/judge.h"

#define DEFAULT_FOR 60000000000ull

const char cmd_shrink_help[] =
    "usage: fanbench shrink DIR|FILE [OPTION]...\n"
    "Finds the smallest scenario that still fails by the same check: nodes, tracks,\n"
    "subscriptions, events and packet faults go, times, sizes and shares come down, keys go back\n"
    "to their defaults. All runs are on virtual time. It writes DIR/shrunk.yaml (of a FILE,\n"
    "./shrunk.yaml) with what fails and the command that shows it.\n"
    "\n"
    "  --out FILE            writes this file\n"
    "  --check NAME          the check that must go on failing; \"died\": the run ends early\n"
    "  --field               and at the same field as its first finding\n"
    "  --defect NAME[=VALUE] puts a known bug back, repeatable\n"
    "  --seed N              instead of the scenario's\n"
    "  --for TIME            ends with the smallest found in this time [60s]\n"
    "  --runs N              or in so many runs\n"
    "  -j N                  runs at a time [1]; the result is the same\n"
    "  --json                one JSON object instead of the table\n"
    "\n"
    "Exit 0 it is written, 1 the input does not fail, 4 it does not fail every time.\n"
    "\n"
    "examples:\n"
    "  fanbench shrink explored/seed-17\n"
    "  fanbench shrink runs/chat-with-loss --check pn-unique -j 2\n"
    "  fanbench shrink scenarios/first/quickstart.yaml --defect two-counters --out small.yaml\n";

enum { OPT_OUT = 1000, OPT_CHECK, OPT_FIELD, OPT_DEFECT, OPT_SEED, OPT_FOR, OPT_RUNS, OPT_JSON };

static const struct option options[] = {
    {"out", required_argument, NULL, OPT_OUT},
    {"check", required_argument, NULL, OPT_CHECK},
    {"field", no_argument, NULL, OPT_FIELD},
    {"defect", required_argument, NULL, OPT_DEFECT},
    {"seed", required_argument, NULL, OPT_SEED},
    {"for", required_argument, NULL, OPT_FOR},
    {"runs", required_argument, NULL, OPT_RUNS},
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

static int parse_check(const char *text, struct shrink_request *request) {
  size_t n;
  const struct judge_info *all = judge_catalogue(&n);
  request->check = text;
  if (strcmp(text, "died") == 0)
    return 0;
  for (size_t i = 0; i < n; i++)
    if (strcmp(all[i].name, text) == 0)
      return 0;
  return cmd_usage("shrink", "--check: there is no check \"%s\"; fanbench list --checks has them",
                   text);
}

static int parse_number(const char *option, const char *text, unsigned least, uint64_t *to) {
  if (plan_unit_count(text, to) == NULL && *to >= least)
    return 0;
  return cmd_usage("shrink", "%s: expected a number from %u, found \"%s\"", option, least, text);
}

static int parse_option(int opt, struct shrink_request *request, struct plan_defect *defects) {
  switch (opt) {
  case OPT_OUT:
    request->out = optarg;
    return 0;
  case OPT_CHECK:
    return parse_check(optarg, request);
  case OPT_FIELD:
    request->same_field = true;
    return 0;
  case OPT_DEFECT:
    return cmd_defect("shrink", optarg, &defects[request->n_defects++]);
  case OPT_SEED:
    request->has_seed = true;
    return parse_number("--seed", optarg, 0, &request->seed);
  case OPT_FOR:
    if (plan_unit_time(optarg, &request->for_ns) == NULL && request->for_ns > 0)
      return 0;
    return cmd_usage("shrink", "--for: expected a time such as 60s, found \"%s\"", optarg);
  case OPT_RUNS:
    return parse_number("--runs", optarg, 1, &request->most_runs);
  case OPT_JSON:
    request->json = true;
    return 0;
  case 'j':
    return cmd_at_a_time("shrink", optarg, &request->at_a_time);
  default:
    return CMD_BAD_INPUT;
  }
}

static int parse(int argc, char **argv, struct shrink_request *request,
                 struct plan_defect *defects) {
  int opt, rc = 0;
  while (rc == 0 && (opt = cmd_getopt(argc, argv, ":j:", options)) != -1)
    rc = parse_option(opt, request, defects);
  if (rc == 0 && optind + 1 != argc)
    rc = cmd_usage("shrink", "expected one run directory or scenario, found %d", argc - optind);
  if (rc == 0)
    request->path = argv[optind];
  return rc;
}

int cmd_shrink(int argc, char **argv) {
  struct shrink_request request = {
      .for_ns = DEFAULT_FOR, .at_a_time = 1, .bindir = cmd_bindir(), .results = stdout};
  struct plan_defect *defects = calloc((size_t)argc, sizeof *defects);
  if (defects == NULL) {
    fputs("fanbench: no memory\n", stderr);
    return CMD_LACKING;
  }
  request.defects = defects;
  int rc = parse(argc, argv, &request, defects);
  if (rc == 0)
    rc = shrink_play(&request);
  free(defects);
  return rc;
}
