/* fanbench explore: the command line. */
#include <stdlib.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/run/explore.h"
#include "bench/scenario/unit.h"

#define DEFAULT_FOR 60000000000ull

const char cmd_explore_help[] =
    "usage: fanbench explore [OPTION]...\n"
    "Makes scenarios by chance, each from a seed, runs them on virtual time and judges them: "
    "topologies,\n"
    "loads and timelines of faults that nobody thought of. A failure stays as DIR/seed-N, with "
    "the\n"
    "scenario as a person would write it and the command that runs it again.\n"
    "\n"
    "  --seeds A..B          these; or from --seed N [1] on:\n"
    "  --count N             so many\n"
    "  --for TIME            what is begun in this time [60s, without --count]\n"
    "  --failures N          stop after so many failures\n"
    "  --defect NAME[=VALUE] puts a known bug back, repeatable\n"
    "  --out DIR             where failures go [explored]\n"
    "  -j N                  runs at a time [1]\n"
    "  --json                one JSON object a run on stdout, the table on stderr\n"
    "\n"
    "Exit 1 if one failed.\n"
    "\n"
    "examples:\n"
    "  fanbench explore --for 5min -j 2\n"
    "  fanbench explore --seeds 1..10000 -j 2 --out found\n"
    "  fanbench explore --defect two-counters --failures 1\n";

enum {
  OPT_SEED = 1000,
  OPT_SEEDS,
  OPT_COUNT,
  OPT_FOR,
  OPT_FAILURES,
  OPT_DEFECT,
  OPT_OUT,
  OPT_JSON
};

static const struct option options[] = {
    {"seed", required_argument, NULL, OPT_SEED},
    {"seeds", required_argument, NULL, OPT_SEEDS},
    {"count", required_argument, NULL, OPT_COUNT},
    {"for", required_argument, NULL, OPT_FOR},
    {"failures", required_argument, NULL, OPT_FAILURES},
    {"defect", required_argument, NULL, OPT_DEFECT},
    {"out", required_argument, NULL, OPT_OUT},
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

/* What was given of the bounds. */
struct bounds {
  const char *seed, *seeds;
  uint64_t count; /* 0: not given */
};

static int parse_count(const char *option, const char *text, uint64_t *n) {
  if (plan_unit_count(text, n) == NULL && *n > 0)
    return 0;
  return cmd_usage("explore", "%s: expected a number from 1, found \"%s\"", option, text);
}

static int parse_for(const char *text, uint64_t *ns) {
  if (plan_unit_time(text, ns) == NULL && *ns > 0)
    return 0;
  return cmd_usage("explore", "--for: expected a time such as 60s, found \"%s\"", text);
}

static int settle_bounds(const struct bounds *b, struct explore_request *request) {
  if (b->seeds != NULL && (b->seed != NULL || b->count > 0))
    return cmd_usage("explore", "expected --seeds, or --seed and --count, found both");
  if (b->seeds != NULL) {
    if (strstr(b->seeds, "..") == NULL ||
        plan_unit_range(b->seeds, plan_unit_count, &request->first, &request->last) != NULL)
      return cmd_usage("explore", "--seeds: expected A..B with A <= B, found \"%s\"", b->seeds);
    return 0;
  }
  request->first = 1;
  if (b->seed != NULL && plan_unit_count(b->seed, &request->first) != NULL)
    return cmd_usage("explore", "--seed: expected a number, found \"%s\"", b->seed);
  request->last = UINT64_MAX;
  if (b->count > 0 && __builtin_add_overflow(request->first, b->count - 1, &request->last))
    return cmd_usage("explore", "--count: expected seeds below 2^64, found %s from %s on", "more",
                     b->seed);
  if (b->count == 0 && request->for_ns == 0)
    request->for_ns = DEFAULT_FOR;
  return 0;
}

static int parse(int argc, char **argv, struct explore_request *request,
                 struct plan_defect *defects) {
  struct bounds bounds = {0};
  int opt, rc = 0;
  while (rc == 0 && (opt = cmd_getopt(argc, argv, ":j:", options)) != -1) {
    switch (opt) {
    case OPT_SEED:
      bounds.seed = optarg;
      break;
    case OPT_SEEDS:
      bounds.seeds = optarg;
      break;
    case OPT_COUNT:
      rc = parse_count("--count", optarg, &bounds.count);
      break;
    case OPT_FOR:
      rc = parse_for(optarg, &request->for_ns);
      break;
    case OPT_FAILURES:
      rc = parse_count("--failures", optarg, &request->most_failures);
      break;
    case OPT_DEFECT:
      rc = cmd_defect("explore", optarg, &defects[request->n_defects++]);
      break;
    case OPT_OUT:
      request->out = optarg;
      break;
    case OPT_JSON:
      request->json = true;
      break;
    case 'j':
      rc = cmd_at_a_time("explore", optarg, &request->at_a_time);
      break;
    default:
      rc = CMD_BAD_INPUT;
    }
  }
  if (rc == 0 && optind < argc)
    rc = cmd_usage("explore", "expected options alone, found \"%s\"", argv[optind]);
  return rc != 0 ? rc : settle_bounds(&bounds, request);
}

int cmd_explore(int argc, char **argv) {
  struct explore_request request = {
      .out = "explored", .bindir = cmd_bindir(), .at_a_time = 1, .results = stdout};
  struct plan_defect *defects = calloc((size_t)argc, sizeof *defects);
  if (defects == NULL) {
    fputs("fanbench: no memory\n", stderr);
    return CMD_LACKING;
  }
  request.defects = defects;
  int rc = parse(argc, argv, &request, defects);
  if (rc == 0)
    rc = explore_play(&request);
  free(defects);
  return rc;
}
