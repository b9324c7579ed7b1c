/* Any bytes as a scenario file: a plan that is written and read again, or one
 * placed line of error. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/plan.h"

/* The name of a run directory's scenario fits every `scenario:`. */
static const char path[] = "/nowhere/scenario.yaml";

static void must(int holds, const char *what) {
  if (holds)
    return;
  fprintf(stderr, "plan_fuzz: expected %s\n", what);
  abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct plan_error err;
  struct plan *plan = plan_parse((const char *)bytes, len, path, NULL, 0, &err);
  if (!plan) {
    must(err.text[0] && !strchr(err.text, '\n'), "one line of text");
    must(err.line && err.column, "a place");
    plan_error_free(&err);
    return 0;
  }
  char *text = NULL;
  size_t text_len = 0;
  FILE *to = open_memstream(&text, &text_len);
  must(to && plan_write(plan, to) == 0, "to write the plan");
  fclose(to);
  plan_free(plan);
  plan = plan_parse(text, text_len, path, NULL, 0, &err);
  if (!plan)
    plan_error_print(stderr, &err);
  must(plan != NULL, "to read what was written");
  plan_free(plan);
  free(text);
  return 0;
}
