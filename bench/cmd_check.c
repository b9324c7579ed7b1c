/* fanbench check: reads scenario files, runs nothing. */
#include <stdlib.h>

#include "bench/cmd.h"
#include "bench/run/find.h"
#include "bench/scenario/plan.h"

const char cmd_check_help[] =
    "usage: fanbench check FILE|DIR...\n"
    "Reads scenario files and says what is wrong, with line and column. Exit 2 if anything is.\n"
    "\n"
    "examples:\n"
    "  fanbench check my.yaml\n"
    "  fanbench check scenarios/\n";

static const struct option options[] = {{NULL, 0, NULL, 0}};

static int check_file(const char *path) {
  struct plan_error why = {0};
  struct plan *plan = plan_load(path, NULL, 0, &why);
  if (plan == NULL) {
    plan_error_print(stderr, &why);
    plan_error_free(&why);
    return CMD_BAD_INPUT;
  }
  printf("%s: ok, %zu nodes on %u hosts, %zu links, %zu tracks\n", path, plan->n_nodes,
         plan->n_hosts, plan->n_links, plan->n_tracks);
  plan_free(plan);
  return 0;
}

int cmd_check(int argc, char **argv) {
  struct find_list list = {0};
  char err[512];
  int rc = 0;
  if (cmd_getopt(argc, argv, ":", options) != -1)
    return CMD_BAD_INPUT;
  if (optind == argc)
    return cmd_usage("check", "expected a scenario file or a directory of them");
  for (int i = optind; i < argc; i++)
    if (find_scenarios(&list, argv[i], err, sizeof err) != 0) {
      fprintf(stderr, "fanbench: %s\n", err);
      rc = CMD_BAD_INPUT;
    }
  for (size_t i = 0; i < list.n; i++)
    if (check_file(list.paths[i]) != 0)
      rc = CMD_BAD_INPUT;
  find_free(&list);
  return rc;
}
