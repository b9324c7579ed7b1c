/* fanbench explain: a page about a check, a defect or a decision. */
#include "bench/cmd.h"
#include "bench/explain/explain.h"

const char cmd_explain_help[] =
    "usage: fanbench explain NAME [--json]\n"
    "A page about a check, a defect or a decision of the datapath. That of a defect plays its\n"
    "scenario on virtual time, with the bug and without, and shows the packets that convict it.\n"
    "fanbench list --checks and --defects have the names; a defect's number does, too.\n"
    "\n"
    "examples:\n"
    "  fanbench explain racy-pn\n"
    "  fanbench explain pn-unique\n"
    "  fanbench explain below-frontier --json\n";

enum { OPT_JSON = 1000 };
static const struct option options[] = {{"json", no_argument, NULL, OPT_JSON}, {NULL, 0, NULL, 0}};

static int unknown(const char *name) {
  char near[400];
  explain_near(name, near, sizeof near);
  fprintf(stderr, "fanbench explain: expected a check, a defect or a decision, found \"%s\"\n",
          name);
  if (*near)
    fprintf(stderr, "  near it: %s\n", near);
  fputs("  what to do: fanbench list --checks, fanbench list --defects, README: Decisions\n",
        stderr);
  return CMD_BAD_INPUT;
}

int cmd_explain(int argc, char **argv) {
  bool json = false;
  int opt;
  while ((opt = cmd_getopt(argc, argv, ":", options)) != -1) {
    if (opt != OPT_JSON)
      return CMD_BAD_INPUT;
    json = true;
  }
  if (argc - optind != 1)
    return cmd_usage("explain", "expected one name, found %d", argc - optind);
  size_t i;
  const struct explain_subject *subject = explain_find(argv[optind], &i);
  if (!subject)
    return unknown(argv[optind]);
  char why[1024];
  struct page *page = subject->page(i, why, sizeof why);
  if (!page) {
    fprintf(stderr, "fanbench explain: %s\n", why);
    return CMD_LACKING;
  }
  const bool done = json ? page_json(page, stdout) : page_print(page, stdout);
  page_free(page);
  if (!done)
    fputs("fanbench explain: no memory, or nobody takes the page\n", stderr);
  return done ? CMD_OK : CMD_LACKING;
}
