/* fanbench run: the command line of a suite. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/run/suite.h"
#include "bench/scenario/unit.h"

#define MAX_SEEDS 100000

const char cmd_run_help[] =
    "usage: fanbench run FILE|DIR... [OPTION]...\n"
    "Runs scenarios and judges them. A directory gives every *.yaml in and below it.\n"
    "\n"
    "  --mode live|sim      live: real kernel, needs root; sim: virtual time, needs nothing, the\n"
    "                       same bytes for the same seed; without it: live as root, else sim\n"
    "  --seed N             instead of the scenario's seed\n"
    "  --seeds A..B         every seed from A to B\n"
    "  --out DIR            of one scenario the run directory itself, of several DIR/NAME\n"
    "                       [runs/NAME]\n"
    "  --set PATH=VALUE     sets one value of the scenario, repeatable\n"
    "  --defect NAME[=VALUE] puts a known bug back, repeatable\n"
    "  -j N                 runs at a time [1]\n"
    "  --interleave N|FILE  mode sim: interrupt datapath and relay, one access to what they share\n"
    "                       in N (try 24); or replay the interleavings.jsonl of a run\n"
    "  --journal[=SIZE]     relays keep what reaches their datapath, for fanbench replay; of each\n"
    "                       life of each the first part, about SIZE [4GiB]\n"
    "  --keep all|failing   which run directories stay [all]\n"
    "  --hold               keep the run open until Enter, for fanbench enter\n"
    "  --json               one JSON object a run on stdout, instead of TAP\n"
    "\n"
    "TAP 14 goes to stdout; one run on a terminal shows its table there.\n"
    "\n"
    "examples:\n"
    "  sudo fanbench run scenarios/first/quickstart.yaml\n"
    "  sudo fanbench run scenarios/first/quickstart.yaml --set nodes.relay.datapath=stock\n"
    "  sudo fanbench run scenarios/ --out out -j 2 >out.tap\n"
    "  fanbench run scenarios/first/quickstart.yaml --mode sim --seeds 1..200 -j 2 --keep failing\n"
    "  fanbench run scenarios/first/quickstart.yaml --mode sim --interleave 24 --seeds 1..50\n";

enum {
  OPT_MODE = 1000,
  OPT_SEED,
  OPT_SEEDS,
  OPT_OUT,
  OPT_SET,
  OPT_DEFECT,
  OPT_INTERLEAVE,
  OPT_JOURNAL,
  OPT_KEEP,
  OPT_HOLD,
  OPT_JSON
};

static const struct option options[] = {
    {"mode", required_argument, NULL, OPT_MODE},
    {"seed", required_argument, NULL, OPT_SEED},
    {"seeds", required_argument, NULL, OPT_SEEDS},
    {"out", required_argument, NULL, OPT_OUT},
    {"set", required_argument, NULL, OPT_SET},
    {"defect", required_argument, NULL, OPT_DEFECT},
    {"interleave", required_argument, NULL, OPT_INTERLEAVE},
    {"journal", optional_argument, NULL, OPT_JOURNAL},
    {"keep", required_argument, NULL, OPT_KEEP},
    {"hold", no_argument, NULL, OPT_HOLD},
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

static int parse_seeds(const char *text, struct suite_request *request) {
  if (strstr(text, "..") == NULL ||
      plan_unit_range(text, plan_unit_count, &request->seed_first, &request->seed_last) != NULL ||
      request->seed_last - request->seed_first >= MAX_SEEDS)
    return cmd_usage("run", "--seeds: expected A..B with A <= B, at most %d seeds, found \"%s\"",
                     MAX_SEEDS, text);
  request->has_seeds = true;
  return 0;
}

static int parse_seed(const char *text, struct suite_request *request) {
  if (plan_unit_count(text, &request->seed_first) != NULL)
    return cmd_usage("run", "--seed: expected a number, found \"%s\"", text);
  request->seed_last = request->seed_first;
  request->has_seeds = true;
  return 0;
}

/* Cuts "PATH=VALUE" in two, in place. */
static int parse_set(char *text, struct suite_request *request, struct plan_override *sets) {
  char *equals = strchr(text, '=');
  if (equals == NULL || equals == text)
    return cmd_usage("run", "--set: expected PATH=VALUE, found \"%s\"", text);
  *equals = '\0';
  sets[request->n_sets++] = (struct plan_override){.path = text, .value = equals + 1};
  return 0;
}

/* A number is the scenario's key, anything else a list. */
static void parse_interleave(const char *text, struct suite_request *request,
                             struct plan_override *sets) {
  if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0')
    sets[request->n_sets++] = (struct plan_override){.path = "interleave", .value = text};
  else
    request->interleave = text;
}

static int parse_journal(const char *size, struct suite_request *request) {
  request->journal = true;
  if (size != NULL &&
      (plan_unit_size(size, &request->journal_size) != NULL || request->journal_size == 0))
    return cmd_usage("run", "--journal: expected a size such as 64MiB, found \"%s\"", size);
  return 0;
}

static int parse(int argc, char **argv, struct suite_request *request, struct plan_override *sets,
                 struct plan_defect *defects) {
  bool all;
  int opt, rc = 0;
  while (rc == 0 && (opt = cmd_getopt(argc, argv, ":j:", options)) != -1) {
    switch (opt) {
    case OPT_MODE:
      rc = cmd_mode("run", optarg, &request->mode);
      break;
    case OPT_SEED:
      rc = parse_seed(optarg, request);
      break;
    case OPT_SEEDS:
      rc = parse_seeds(optarg, request);
      break;
    case OPT_OUT:
      request->out = optarg;
      break;
    case OPT_SET:
      rc = parse_set(optarg, request, sets);
      break;
    case OPT_DEFECT:
      rc = cmd_defect("run", optarg, &defects[request->n_defects++]);
      break;
    case OPT_INTERLEAVE:
      parse_interleave(optarg, request, sets);
      break;
    case OPT_JOURNAL:
      rc = parse_journal(optarg, request);
      break;
    case OPT_KEEP:
      rc = cmd_keep("run", optarg, &all);
      request->keep_failing = !all;
      break;
    case OPT_HOLD:
      request->hold = true;
      break;
    case OPT_JSON:
      request->json = true;
      break;
    case 'j':
      rc = cmd_at_a_time("run", optarg, &request->at_a_time);
      break;
    default:
      rc = CMD_BAD_INPUT;
    }
  }
  if (rc == 0 && optind == argc)
    rc = cmd_usage("run", "expected a scenario file or a directory of them");
  request->paths = (const char *const *)argv + optind;
  request->n_paths = (size_t)(argc - optind);
  return rc;
}

static int play(const struct suite_request *request) {
  struct suite suite;
  char err[512];
  int rc = suite_prepare(&suite, request, err, sizeof err);
  if (rc != 0)
    fprintf(stderr, "fanbench: %s\n", err);
  else if (request->hold && strcmp(request->mode, "sim") == 0)
    rc = cmd_usage("run", "--hold is for mode live: there is nothing to look into in mode sim");
  else if (request->interleave != NULL && strcmp(request->mode, "live") == 0)
    rc = cmd_usage("run",
                   "--interleave FILE is for mode sim: nothing says when live is interrupted");
  else if (request->hold && suite.n_jobs != 1)
    rc = cmd_usage("run", "--hold is for one run, found %zu", suite.n_jobs);
  else
    rc = suite_play(&suite);
  suite_free(&suite);
  return rc;
}

int cmd_run(int argc, char **argv) {
  struct suite_request request = {.at_a_time = 1, .bindir = cmd_bindir(), .results = stdout};
  struct plan_override *sets = calloc((size_t)argc, sizeof *sets);
  struct plan_defect *defects = calloc((size_t)argc, sizeof *defects);
  int rc;
  if (sets == NULL || defects == NULL) {
    fputs("fanbench: no memory\n", stderr);
    rc = CMD_LACKING;
  } else
    rc = parse(argc, argv, &request, sets, defects);
  request.sets = sets;
  request.defects = defects;
  if (rc == 0)
    rc = cmd_choose_mode("run", &request.mode);
  if (rc == 0)
    rc = play(&request);
  free(sets);
  free(defects);
  return rc;
}
