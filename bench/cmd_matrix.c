/* fanbench matrix: every defect against every check, from the runs of a folder. */
#include <errno.h>
#include <fts.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/report/matrix.h"

const char cmd_matrix_help[] =
    "usage: fanbench matrix DIR... [--json]\n"
    "Reads the reports of runs with defects below DIR and prints what every check said of every\n"
    "defect. Exit 1 if a defect is not convicted by the check that must, a check convicts that\n"
    "nobody expects to, or a run without the defect fails.\n"
    "\n"
    "examples:\n"
    "  fanbench run scenarios/defects --mode sim -j 2 --out out\n"
    "  fanbench matrix out\n"
    "  fanbench run scenarios/defects --mode sim --seeds 1..20 -j 2 --out out && fanbench matrix "
    "out\n";

enum { OPT_JSON = 1000 };
static const struct option options[] = {
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

static int by_name(const FTSENT **a, const FTSENT **b) {
  return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int take_all(struct matrix *matrix, char **dirs) {
  char err[512];
  int rc = CMD_OK;
  FTS *tree = fts_open(dirs, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
  if (tree == NULL)
    return CMD_BAD_INPUT;
  for (FTSENT *at; (at = fts_read(tree)) != NULL;) {
    if (at->fts_info == FTS_NS || at->fts_info == FTS_ERR || at->fts_info == FTS_DNR) {
      fprintf(stderr, "fanbench: %s: %s\n", at->fts_path, strerror(at->fts_errno));
      rc = CMD_BAD_INPUT;
    }
    if (at->fts_info != FTS_F || strcmp(at->fts_name, "report.json") != 0)
      continue;
    if (matrix_add(matrix, at->fts_path, err, sizeof err) < 0) {
      fprintf(stderr, "fanbench: %s\n", err);
      rc = CMD_BAD_INPUT;
    }
  }
  fts_close(tree);
  return rc;
}

int cmd_matrix(int argc, char **argv) {
  bool json = false;
  int opt;
  while ((opt = cmd_getopt(argc, argv, ":", options)) != -1) {
    if (opt == '?')
      return CMD_BAD_INPUT;
    json = true;
  }
  if (optind == argc)
    return cmd_usage("matrix", "expected the folder of runs with defects, found none");
  struct matrix *matrix = matrix_new();
  if (matrix == NULL) {
    fputs("fanbench: no memory\n", stderr);
    return CMD_LACKING;
  }
  int rc = take_all(matrix, argv + optind);
  if (rc == CMD_OK && matrix_rows(matrix) == 0)
    rc = cmd_usage("matrix", "expected runs with defects below %s, found none", argv[optind]);
  if (matrix_rows(matrix) > 0) {
    if (json)
      matrix_json(matrix, stdout);
    else
      matrix_print(matrix, stdout);
    if (rc == CMD_OK && !matrix_is_full(matrix))
      rc = CMD_NOT_EXPECTED;
  }
  matrix_free(matrix);
  return rc;
}
