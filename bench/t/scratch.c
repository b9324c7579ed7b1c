#include "bench/t/scratch.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME "fanbench-scratch.XXXXXX"

char scratch[64];

int scratch_make(void **state) {
  const char *tmp = getenv("TMPDIR");
  (void)state;
  int len = snprintf(scratch, sizeof scratch, "%s/" NAME, tmp && *tmp ? tmp : "/tmp");
  if (len >= (int)sizeof scratch)
    snprintf(scratch, sizeof scratch, "/tmp/" NAME);
  return mkdtemp(scratch) ? 0 : -1;
}

int scratch_remove(void **state) {
  char command[80];
  (void)state;
  snprintf(command, sizeof command, "rm -rf '%s'", scratch);
  return system(command) == 0 ? 0 : -1;
}
