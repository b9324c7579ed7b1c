#include "bench/t/scenario_text.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/fanbench-scenario-XXXXXX";
static const char letters[] = "XXXXXX";

int text_setup(void **state) {
  (void)state;
  memcpy(dir + sizeof dir - sizeof letters, letters, sizeof letters);
  return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

int text_teardown(void **state) {
  (void)state;
  return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *text_dir(void) {
  return dir;
}

const char *text_file(const char *name, const char *bytes, size_t len) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
  return path;
}

#define MAX_SETS 8

struct plan *text_load(const char *bytes, size_t len, const char *const *sets,
                       struct plan_error *err) {
  struct plan_override overrides[MAX_SETS];
  char *copies[MAX_SETS];
  size_t n = 0;
  for (; sets && sets[n]; n++) {
    assert_true(n < MAX_SETS);
    copies[n] = strdup(sets[n]);
    assert_non_null(copies[n]);
    char *equals = strchr(copies[n], '=');
    assert_non_null(equals);
    *equals = 0;
    overrides[n] = (struct plan_override){copies[n], equals + 1};
  }
  struct plan *plan = plan_load(text_file("scenario.yaml", bytes, len), overrides, n, err);
  while (n)
    free(copies[--n]);
  return plan;
}

struct plan *text_plan_set(const char *text, const char *const *sets) {
  struct plan_error err;
  struct plan *plan = text_load(text, strlen(text), sets, &err);
  if (!plan) {
    plan_error_print(stderr, &err);
    fail();
  }
  return plan;
}

struct plan *text_plan(const char *text) {
  return text_plan_set(text, NULL);
}

static void refused(const char *text, const char *const *sets, const char *expected) {
  struct plan_error err;
  char found[600];
  struct plan *plan = text_load(text, strlen(text), sets, &err);
  if (plan) {
    plan_free(plan);
    fail_msg("loaded, expected: %s", expected);
  }
  if (err.line)
    snprintf(found, sizeof found, "%u:%u: %s", err.line, err.column, err.text);
  else
    snprintf(found, sizeof found, "%s", err.text);
  plan_error_free(&err);
  assert_string_equal(found, expected);
}

void text_refused(const char *text, const char *expected) {
  refused(text, NULL, expected);
}

void text_refused_set(const char *text, const char *set, const char *expected) {
  refused(text, (const char *const[]){set, NULL}, expected);
}

const char *text_source(const char *path) {
  static char full[1024];
  const char *root = getenv("SRCDIR");
  snprintf(full, sizeof full, "%s/%s", root ? root : ".", path);
  return full;
}
