/* fanbench replay: the executors of the datapath, compared. */
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/replay/replay.h"

const char cmd_replay_help[] =
    "usage: fanbench replay DIR|FILE...\n"
    "Plays journals (fanbench run --journal) into the datapath compiled natively and into the "
    "kernel's\n"
    "program by BPF_PROG_TEST_RUN, and compares both with the run: reasons, every byte of every "
    "copy,\n"
    "decisions, numbers, charges, shared words. A directory gives every *.journal in and below "
    "it.\n"
    "Also told: interrupted, runs in whose middle something else happened (run --interleave),\n"
    "compared like the others; unrun, packets that found the datapath busy with its journal\n"
    "(live) and went up, tried in both executors, of which nothing stays; left out, what came\n"
    "when a journal was full.\n"
    "Needs root. Exit 1: they differ; 2: a journal is cut or damaged; 3: this machine cannot, or "
    "a\n"
    "journal does not know the order of its packets.\n"
    "\n"
    "examples:\n"
    "  sudo fanbench run scenarios/first --mode sim --journal --out out && sudo fanbench replay "
    "out\n";

static const struct option options[] = {{NULL, 0, NULL, 0}};

static struct {
  char **paths;
  size_t n;
} found; /* nftw() has no argument to hand on */

static int on_file(const char *path, const struct stat *status, int kind, struct FTW *where) {
  const size_t len = strlen(path), end = strlen(".journal");
  (void)status;
  if (kind != FTW_F || (where->level > 0 && (len < end || strcmp(path + len - end, ".journal"))))
    return 0;
  char **grown = realloc(found.paths, (found.n + 1) * sizeof *grown);
  if (grown == NULL)
    return -1;
  found.paths = grown;
  found.paths[found.n] = strdup(path);
  return found.paths[found.n++] != NULL ? 0 : -1;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static int replay_one(const char *path, struct replay_result *sum) {
  struct replay_result r;
  char err[512];
  const int rc = replay_journal(path, stdout, &r, err, sizeof err);
  if (rc != 0) {
    fprintf(stderr, "fanbench replay: %s\n", err);
    return rc == 2 ? CMD_BAD_INPUT : CMD_LACKING;
  }
  printf("%s: %" PRIu64 " packets, %" PRIu64 " copies of %" PRIu64 " bytes, %" PRIu64
         " records, %" PRIu64 " words, %" PRIu64 " streams taken, %" PRIu64 " interrupted, %" PRIu64
         " unrun (%" PRIu64 " tried), %" PRIu64 " left out, %" PRIu64 " differences%s\n",
         path, r.packets, r.copies, r.bytes, r.records, r.words, r.takes, r.interrupted, r.declined,
         r.tried, r.left_out, r.differences, r.killed ? "; to where its relay was killed" : "");
  sum->packets += r.packets;
  sum->copies += r.copies;
  sum->bytes += r.bytes;
  sum->interrupted += r.interrupted;
  sum->declined += r.declined;
  sum->tried += r.tried;
  sum->left_out += r.left_out;
  sum->differences += r.differences;
  return r.differences > 0 ? CMD_NOT_EXPECTED : CMD_OK;
}

static int replay_all(void) {
  struct replay_result sum = {0};
  int worst = CMD_OK;
  qsort(found.paths, found.n, sizeof *found.paths, by_name);
  for (size_t i = 0; i < found.n; i++) {
    const int rc = replay_one(found.paths[i], &sum);
    worst = rc > worst ? rc : worst;
    if (rc == CMD_LACKING)
      return rc; /* nothing was compared: no sum */
  }
  printf("%zu journals: %" PRIu64 " packets, %" PRIu64 " copies of %" PRIu64
         " bytes, run, native and TEST_RUN; %" PRIu64 " interrupted, %" PRIu64
         " packets unrun (%" PRIu64 " tried), %" PRIu64 " left out, %" PRIu64 " differences\n",
         found.n, sum.packets, sum.copies, sum.bytes, sum.interrupted, sum.declined, sum.tried,
         sum.left_out, sum.differences);
  return worst;
}

int cmd_replay(int argc, char **argv) {
  if (cmd_getopt(argc, argv, ":", options) != -1)
    return CMD_BAD_INPUT;
  if (optind == argc)
    return cmd_usage("replay", "expected a run directory or a journal");
  int rc = CMD_OK;
  for (int i = optind; i < argc && rc == CMD_OK; i++)
    if (nftw(argv[i], on_file, 16, FTW_PHYS) != 0)
      rc = cmd_usage("replay", "cannot read %s", argv[i]);
  if (rc == CMD_OK && found.n == 0)
    rc = cmd_usage("replay", "no journal there; fanbench run --journal keeps them");
  if (rc == CMD_OK)
    rc = replay_all();
  for (size_t i = 0; i < found.n; i++)
    free(found.paths[i]);
  free(found.paths);
  return rc;
}
