/* fanbench compare: the same objects at two subscribers, of one run or of two. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cmd.h"
#include "bench/report/compare.h"

const char cmd_compare_help[] =
    "usage: fanbench compare DIR[:NODE] DIR[:NODE] [--csv FILE] [--json]\n"
    "Pairs the objects that two subscribers got, and says how much later they came at the second:\n"
    "two of one run, or of two runs. NODE is one (sub[0]) or all of a name (sub); without it all\n"
    "subscribers of the run. The first is held against the first, and so on. :NODE alone is of\n"
    "the directory in front. DIR is a run directory.\n"
    "\n"
    "  --csv FILE   a row a pair: track,group,object,a,b,a_ns,b_ns,difference_ns\n"
    "  --json       the table as an object a line\n"
    "\n"
    "examples:\n"
    "  fanbench run scenarios/studies/dual-path.yaml && fanbench compare runs/dual-path:a :b\n"
    "  fanbench compare runs/quickstart runs/quickstart-user --csv differences.csv\n";

enum { OPT_CSV = 1000, OPT_JSON };
static const struct option options[] = {
    {"csv", required_argument, NULL, OPT_CSV},
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

/* One operand, loaded. */
struct side {
  char *dir;
  const char *node; /* NULL: all subscribers */
  struct plan *plan;
  struct report_samples samples;
  int *nodes;
  size_t n_nodes;
};

static void side_free(struct side *s) {
  free(s->dir);
  free(s->nodes);
  report_samples_free(&s->samples);
  if (s->plan)
    plan_free(s->plan);
}

/* The node follows the last colon, unless the operand as a whole is a directory. */
static int split(struct side *s, const char *operand, const char *dir_before) {
  const char *colon = access(operand, F_OK) ? strrchr(operand, ':') : NULL;
  s->node = colon ? colon + 1 : NULL;
  if (colon == operand && !dir_before)
    return cmd_usage("compare", "expected a run directory in front of :%s, found none", s->node);
  if (colon == operand)
    s->dir = strdup(dir_before);
  else
    s->dir = colon ? strndup(operand, (size_t)(colon - operand)) : strdup(operand);
  return s->dir ? CMD_OK : CMD_LACKING;
}

static bool is_meant(const struct plan *plan, size_t i, const char *name) {
  const struct plan_node *node = &plan->nodes[i];
  if (!name)
    return node->role == PLAN_SUBSCRIBER;
  return !strcmp(node->name, name) || !strcmp(node->group, name);
}

static int choose_nodes(struct side *s) {
  s->nodes = malloc((s->plan->n_nodes + 1) * sizeof *s->nodes);
  if (!s->nodes)
    return CMD_LACKING;
  for (size_t i = 0; i < s->plan->n_nodes; i++) {
    if (!is_meant(s->plan, i, s->node))
      continue;
    if (plan_part(s->plan, (int)i) != PLAN_SUBSCRIBER)
      return cmd_usage("compare", "expected a subscriber of %s, found %s, a %s", s->dir,
                       s->plan->nodes[i].name, plan_role_name(s->plan->nodes[i].role));
    s->nodes[s->n_nodes++] = (int)i;
  }
  if (s->n_nodes)
    return CMD_OK;
  return s->node
             ? cmd_usage("compare", "expected a subscriber of %s, found \"%s\"", s->dir, s->node)
             : cmd_usage("compare", "expected a run with subscribers, found none in %s", s->dir);
}

static int load(struct side *s, const char *operand, const char *dir_before) {
  struct plan_error why = {0};
  char *path = NULL;
  int rc = split(s, operand, dir_before);
  if (rc)
    return rc;
  if (asprintf(&path, "%s/scenario.yaml", s->dir) < 0)
    return CMD_LACKING;
  if (access(path, R_OK)) {
    fprintf(stderr, "fanbench: %s is no run directory: it has no readable scenario.yaml\n", s->dir);
    free(path);
    return CMD_BAD_INPUT;
  }
  s->plan = plan_load(path, NULL, 0, &why);
  free(path);
  if (!s->plan) {
    plan_error_print(stderr, &why);
    plan_error_free(&why);
    return CMD_BAD_INPUT;
  }
  if (report_samples_load(s->dir, s->plan, &s->samples)) {
    fprintf(stderr, "fanbench: %s: the objects cannot be read: %s\n", s->dir, strerror(errno));
    return CMD_BAD_INPUT;
  }
  return choose_nodes(s);
}

static int write_csv(const struct compare *c, const char *path) {
  FILE *to = fopen(path, "w");
  bool written = false;
  if (to) {
    compare_csv(c, to);
    written = !ferror(to);
    written = fclose(to) == 0 && written;
  }
  if (!written) {
    fprintf(stderr, "fanbench: %s: %s\n", path, strerror(errno));
    return CMD_BAD_INPUT;
  }
  return CMD_OK;
}

static int show(const struct side *a, const struct side *b, char **operands, const char *csv,
                bool json) {
  struct compare c;
  struct compare_view of_a = {operands[0], a->plan, &a->samples, a->nodes, a->n_nodes};
  struct compare_view of_b = {operands[1], b->plan, &b->samples, b->nodes, b->n_nodes};
  int rc = CMD_OK;
  if (compare_make(&c, &of_a, &of_b))
    rc = CMD_LACKING;
  if (!rc && csv)
    rc = write_csv(&c, csv);
  if (!rc && (json ? compare_json(&c, stdout) : compare_print(&c, stdout)))
    rc = CMD_LACKING;
  if (rc == CMD_LACKING)
    fputs("fanbench: no memory\n", stderr);
  if (!rc && !c.n) {
    fputs("fanbench: expected objects that both got, found none\n", stderr);
    rc = CMD_NOT_EXPECTED;
  }
  compare_free(&c);
  return rc;
}

int cmd_compare(int argc, char **argv) {
  const char *csv = NULL;
  bool json = false;
  int opt;
  while ((opt = cmd_getopt(argc, argv, ":", options)) != -1) {
    if (opt == '?')
      return CMD_BAD_INPUT;
    if (opt == OPT_CSV)
      csv = optarg;
    else
      json = true;
  }
  if (argc - optind != 2)
    return cmd_usage("compare", "expected two of DIR[:NODE], found %d", argc - optind);
  struct side a = {0}, b = {0};
  int rc = load(&a, argv[optind], NULL);
  if (!rc)
    rc = load(&b, argv[optind + 1], a.dir);
  if (!rc && a.n_nodes != b.n_nodes)
    rc = cmd_usage("compare", "expected as many subscribers on both sides, found %zu and %zu",
                   a.n_nodes, b.n_nodes);
  if (!rc)
    rc = show(&a, &b, argv + optind, csv, json);
  side_free(&a);
  side_free(&b);
  return rc;
}
