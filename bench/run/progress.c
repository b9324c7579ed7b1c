#include "bench/run/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool shown;

static bool wanted(void) {
  const char *term = getenv("TERM");
  return isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

void progress_say(const char *name, const char *phase) {
  if (!wanted() || *phase == '\0')
    return;
  fprintf(stderr, "\r\033[K%.60s: %.60s", name, phase);
  fflush(stderr);
  shown = true;
}

void progress_clear(void) {
  if (!shown)
    return;
  fputs("\r\033[K", stderr);
  fflush(stderr);
  shown = false;
}
