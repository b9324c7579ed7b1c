#include "bench/sim/remains.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *const remains_kinds[] = {"processes", "datapath",    "frames",
                                     "commands",  "descriptors", NULL};

/* Open ones, that of the folder included each time; -1: it cannot be told. */
static long count_descriptors(void) {
  DIR *dir = opendir("/proc/self/fd");
  long n = dir != NULL ? 0 : -1;
  while (dir != NULL && readdir(dir) != NULL)
    n++;
  if (dir != NULL)
    closedir(dir);
  return n;
}

void remains_begin(struct remains *remains) {
  *remains = (struct remains){.descriptors = count_descriptors()};
}

void remains_left(struct remains *remains, const char *fmt, ...) {
  char *line = NULL;
  char **bigger = realloc(remains->left, (remains->n + 1) * sizeof *bigger);
  va_list ap;
  va_start(ap, fmt);
  if (bigger != NULL)
    remains->left = bigger;
  if (bigger != NULL && vasprintf(&line, fmt, ap) >= 0)
    remains->left[remains->n++] = line;
  else
    remains->failed = true;
  va_end(ap);
}

static void count_left(struct remains *remains, long n, const char *what) {
  if (n != 0)
    remains_left(remains, "%ld %s", n, what);
}

void remains_end(struct remains *remains, long frames, long commands) {
  const long descriptors = count_descriptors();
  count_left(remains, frames, "frames");
  count_left(remains, commands, "commands");
  if (remains->descriptors < 0 || descriptors < 0)
    remains_left(remains, "descriptors that cannot be counted: /proc/self/fd is not readable");
  else
    count_left(remains, descriptors - remains->descriptors, "descriptors");
}

void remains_free(struct remains *remains) {
  for (size_t i = 0; i < remains->n; i++)
    free(remains->left[i]);
  free(remains->left);
  *remains = (struct remains){0};
}
