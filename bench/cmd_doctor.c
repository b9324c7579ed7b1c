/* fanbench doctor: what this machine has and lacks for live runs. */
#include <stdlib.h>

#include <jansson.h>

#include "bench/cmd.h"
#include "bench/run/probe.h"

const char cmd_doctor_help[] =
    "usage: fanbench doctor [--json]\n"
    "Tries what a live run needs and says what is missing and what to do. Exit 3 if\n"
    "anything needed is missing.\n"
    "\n"
    "example:\n"
    "  sudo fanbench doctor\n";

enum { OPT_JSON = 1000 };
static const struct option options[] = {{"json", no_argument, NULL, OPT_JSON}, {NULL, 0, NULL, 0}};

static void put_json(const struct probe *p) {
  json_t *o = json_pack("{s:s, s:b, s:b, s:s, s:s}", "name", p->name, "ok", (int)p->ok, "needed",
                        (int)p->needed, "found", p->found, "todo", p->todo);
  json_dumpf(o, stdout, JSON_COMPACT);
  putchar('\n');
  json_decref(o);
}

static void put(const struct probe *p) {
  printf("%-7s  %-15s %s\n", p->ok ? "ok" : p->needed ? "MISSING" : "advice", p->name, p->found);
  if (!p->ok)
    printf("%-7s  %-15s what to do: %s\n", "", "", p->todo);
}

int cmd_doctor(int argc, char **argv) {
  bool json = false;
  int opt;
  while ((opt = cmd_getopt(argc, argv, ":", options)) != -1) {
    if (opt != OPT_JSON)
      return CMD_BAD_INPUT;
    json = true;
  }
  if (optind != argc)
    return cmd_usage("doctor", "expected no argument, found \"%s\"", argv[optind]);
  struct probe probes[PROBE_MAX];
  size_t n = probe_all(cmd_bindir(), probes);
  for (size_t i = 0; i < n; i++) {
    if (json)
      put_json(&probes[i]);
    else
      put(&probes[i]);
  }
  return probe_missing(probes, n) != NULL ? CMD_LACKING : CMD_OK;
}
