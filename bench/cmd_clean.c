/* fanbench clean: files of held runs whose process is gone. Nothing else can be
 * left behind: namespaces, interfaces and BPF programs end with the run's process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cmd.h"
#include "bench/run/held.h"

const char cmd_clean_help[] =
    "usage: fanbench clean\n"
    "Removes the files that `fanbench run --hold` left when it was killed. Run directories\n"
    "are yours and stay; namespaces, interfaces and BPF programs end with the run itself.\n"
    "\n"
    "example:\n"
    "  sudo fanbench clean\n";

static const struct option options[] = {{NULL, 0, NULL, 0}};

int cmd_clean(int argc, char **argv) {
  char err[512];
  struct held *all;
  size_t n;
  int rc = CMD_OK;
  if (cmd_getopt(argc, argv, ":", options) != -1)
    return CMD_BAD_INPUT;
  if (optind != argc)
    return cmd_usage("clean", "expected no argument, found \"%s\"", argv[optind]);
  if (held_list(&all, &n, err, sizeof err) != 0) {
    fprintf(stderr, "fanbench: %s\n", err);
    return CMD_LACKING;
  }
  for (size_t i = 0; i < n; i++) {
    if (!all[i].stale)
      continue;
    if (unlink(all[i].path) == 0)
      printf("removed %s\n", all[i].path);
    else {
      fprintf(stderr, "fanbench: cannot remove %s: %s\n", all[i].path, strerror(errno));
      rc = CMD_LACKING;
    }
  }
  held_free(all, n);
  return rc;
}
