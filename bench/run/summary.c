#include "bench/run/summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Ranges of seeds that are named, then "..." */
#define RANGES_MAX 20
/* Checks of the catalogue, and "died". */
#define NAMES_MAX 128

/* Jobs of one file and twin: the seeds in order. */
struct seeds {
  const struct suite *suite;
  const char *file;
  enum report_twin twin;
};

static bool belongs(const struct seeds *seeds, const struct suite_job *job) {
  return job->file == seeds->file && job->twin == seeds->twin && job->plan != NULL;
}

static void put_ranges(FILE *to, const struct seeds *seeds) {
  uint64_t first = 0, last = 0;
  unsigned ranges = 0;
  bool open = false;
  for (size_t i = 0; i <= seeds->suite->n_jobs; i++) {
    const struct suite_job *job = i < seeds->suite->n_jobs ? &seeds->suite->jobs[i] : NULL;
    if (job != NULL && !belongs(seeds, job))
      continue;
    if (job != NULL && job->failed) {
      first = open ? first : job->view.seed;
      last = job->view.seed;
      open = true;
    } else if (open) {
      open = false;
      if (++ranges > RANGES_MAX) {
        fputs(" ...", to);
        return;
      }
      fprintf(to, " %" PRIu64, first);
      if (last > first)
        fprintf(to, "%s%" PRIu64, last > first + 1 ? ".." : " ", last);
    }
  }
}

struct tally_name {
  const char *name;
  size_t len, n;
};

static int compare_names(const void *a, const void *b) {
  const struct tally_name *x = a, *y = b;
  if (x->n != y->n)
    return x->n < y->n ? 1 : -1;
  const size_t len = x->len < y->len ? x->len : y->len;
  const int order = memcmp(x->name, y->name, len);
  return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static void count_names(struct tally_name *names, size_t *n, const char *unmet) {
  for (size_t len, i; (unmet += strspn(unmet, " "), len = strcspn(unmet, " ")) > 0; unmet += len) {
    for (i = 0; i < *n && (names[i].len != len || memcmp(names[i].name, unmet, len) != 0);)
      i++;
    if (i == NAMES_MAX)
      continue;
    if (i == *n)
      names[(*n)++] = (struct tally_name){.name = unmet, .len = len};
    names[i].n++;
  }
}

static void put_names(FILE *to, const struct seeds *seeds) {
  struct tally_name names[NAMES_MAX];
  size_t n = 0;
  for (size_t i = 0; i < seeds->suite->n_jobs; i++) {
    const struct suite_job *job = &seeds->suite->jobs[i];
    if (belongs(seeds, job) && job->failed && job->unmet != NULL)
      count_names(names, &n, job->unmet);
  }
  qsort(names, n, sizeof *names, compare_names);
  for (size_t i = 0; i < n; i++)
    fprintf(to, "%s %.*s %zu", i > 0 ? " " : "", (int)names[i].len, names[i].name, names[i].n);
}

static void put_seeds(FILE *to, const struct seeds *seeds) {
  size_t run = 0, failed = 0;
  const struct suite_job *first = NULL;
  for (size_t i = 0; i < seeds->suite->n_jobs; i++) {
    const struct suite_job *job = &seeds->suite->jobs[i];
    if (!belongs(seeds, job))
      continue;
    run += job->passed || job->failed;
    failed += job->failed;
    first = first == NULL && job->failed ? job : first;
  }
  if (failed == 0)
    return;
  fprintf(to, "%s%s%s: %zu of %zu seeds not as expected:", first->plan->name,
          seeds->twin == REPORT_SINGLE ? "" : "/",
          seeds->twin == REPORT_SINGLE ? "" : report_twin_name(seeds->twin), failed, run);
  put_ranges(to, seeds);
  fputs("\n  by", to);
  put_names(to, seeds);
  fprintf(to, "\n  first: %s\n", first->replay != NULL ? first->replay : "");
}

void summary_print(FILE *to, const struct suite *suite) {
  if (!suite->request->has_seeds || suite->request->seed_first == suite->request->seed_last)
    return;
  for (size_t f = 0; f < suite->n_files; f++)
    for (enum report_twin twin = REPORT_SINGLE; twin <= REPORT_OFF; twin++)
      put_seeds(to, &(struct seeds){suite, suite->files[f], twin});
}
