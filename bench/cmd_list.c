/* fanbench list: what there is. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bench/cmd.h"
#include "bench/run/defects.h"
#include "bench/run/find.h"
#include "bench/scenario/plan.h"
#include "bench/scenario/words.h"
#include "pcap-tools/judge.h"

const char cmd_list_help[] =
    "usage: fanbench list [FILE|DIR]... [--checks|--defects|--policies|--deeds] [--json]\n"
    "Lists scenarios (of scenarios/ without an argument), or what the option names.\n"
    "\n"
    "examples:\n"
    "  fanbench list\n"
    "  fanbench list --checks\n"
    "  fanbench list --defects --json     # also: convicted by which check, held by which test\n"
    "  fanbench list scenarios/first --json\n";

enum { OPT_CHECKS = 1000, OPT_DEFECTS, OPT_POLICIES, OPT_DEEDS, OPT_JSON };
static const struct option options[] = {
    {"checks", no_argument, NULL, OPT_CHECKS},     {"defects", no_argument, NULL, OPT_DEFECTS},
    {"policies", no_argument, NULL, OPT_POLICIES}, {"deeds", no_argument, NULL, OPT_DEEDS},
    {"json", no_argument, NULL, OPT_JSON},         {NULL, 0, NULL, 0},
};

/* One line, or one object. built < 0: it makes no difference. */
static void put(bool json, const char *name, const char *what, const char *text, int built) {
  if (!json) {
    printf("%-26s %s%s\n", name, text, built == 0 ? " (not built yet)" : "");
    return;
  }
  json_t *o = json_pack("{s:s, s:s}", "name", name, what, text);
  if (built >= 0)
    json_object_set_new(o, "built", json_boolean(built));
  json_dumpf(o, stdout, JSON_COMPACT);
  putchar('\n');
  json_decref(o);
}

static int list_checks(bool json) {
  size_t n;
  const struct judge_info *all = judge_catalogue(&n);
  const char *group = "";
  for (size_t i = 0; i < n; i++) {
    if (!json && strcmp(group, all[i].group) != 0)
      printf("%s%s:\n", i > 0 ? "\n" : "", all[i].group);
    group = all[i].group;
    put(json, all[i].name, "proves", all[i].proves, all[i].built);
  }
  return CMD_OK;
}

static int list_defects(bool json) {
  for (size_t i = 0; i < defects_n; i++) {
    const struct defect *d = &defects_all[i];
    if (!json) {
      put(json, d->name, "bug", d->bug, -1);
      continue;
    }
    json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "name", d->name, "bug", d->bug, "convicted_by",
                          d->convicted, "held_by", d->held);
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
  }
  return CMD_OK;
}

static int list_policies(bool json) {
  for (size_t i = 0; plan_words_policy[i] != NULL; i++)
    put(json, plan_words_policy[i], "does", plan_words_policy_does[i], true);
  return CMD_OK;
}

static int list_deeds(bool json) {
  for (size_t i = 0; plan_words_deed[i] != NULL; i++)
    put(json, plan_words_deed[i], "does", plan_words_deed_does[i], true);
  return CMD_OK;
}

static int list_scenario(bool json, const char *path) {
  struct plan_error why = {0};
  struct plan *plan = plan_load(path, NULL, 0, &why);
  if (plan == NULL) {
    plan_error_print(stderr, &why);
    plan_error_free(&why);
    return CMD_BAD_INPUT;
  }
  if (json) {
    json_t *o = json_pack("{s:s, s:s, s:s, s:b, s:b}", "name", plan->name, "file", path, "about",
                          plan->about, "live", (int)plan->mode_live, "sim", (int)plan->mode_sim);
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
  } else
    printf("%-26s %s\n%-26s   %s\n", plan->name, plan->about, "", path);
  plan_free(plan);
  return CMD_OK;
}

static int list_scenarios(bool json, char **paths, int n) {
  struct find_list found = {0};
  char err[512];
  int rc = CMD_OK;
  static char *const standard[] = {(char *)"scenarios"};
  if (n == 0) {
    paths = (char **)standard;
    n = 1;
  }
  for (int i = 0; i < n; i++)
    if (find_scenarios(&found, paths[i], err, sizeof err) != 0) {
      fprintf(stderr, "fanbench: %s\n", err);
      rc = CMD_BAD_INPUT;
    }
  for (size_t i = 0; i < found.n; i++)
    if (list_scenario(json, found.paths[i]) != CMD_OK)
      rc = CMD_BAD_INPUT;
  find_free(&found);
  return rc;
}

int cmd_list(int argc, char **argv) {
  int opt, what = 0;
  bool json = false;
  while ((opt = cmd_getopt(argc, argv, ":", options)) != -1) {
    if (opt == OPT_JSON)
      json = true;
    else if (opt == '?')
      return CMD_BAD_INPUT;
    else if (what != 0)
      return cmd_usage("list", "expected one of --checks, --defects, --policies, --deeds");
    else
      what = opt;
  }
  if (what != 0 && optind != argc)
    return cmd_usage("list", "expected no file beside an option, found \"%s\"", argv[optind]);
  switch (what) {
  case OPT_CHECKS:
    return list_checks(json);
  case OPT_DEFECTS:
    return list_defects(json);
  case OPT_POLICIES:
    return list_policies(json);
  case OPT_DEEDS:
    return list_deeds(json);
  default:
    return list_scenarios(json, argv + optind, argc - optind);
  }
}
