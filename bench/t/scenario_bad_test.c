/* Every file of scenarios/bad is refused with the place and text that it names.
 *
 * The first line of each is "# expect: LINE:COL: TEXT", or "# expect:
 * FILE:LINE:COL: TEXT" when another file is to blame; where a comment cannot
 * come first it stands in NAME.expect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/plan.h"
#include "bench/t/scenario_text.h"

#define MIN_FILES 40

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* First line of a file without its end. */
static void first_line(const char *path, char *line, size_t size) {
  FILE *file = fopen(path, "rb");
  line[0] = 0;
  if (!file)
    return;
  if (!fgets(line, (int)size, file))
    line[0] = 0;
  line[strcspn(line, "\n")] = 0;
  fclose(file);
}

static void expectation(const char *path, char *line, size_t size) {
  static const char mark[] = "# expect: ";
  char other[600];
  first_line(path, line, size);
  if (strncmp(line, mark, strlen(mark)) != 0) {
    snprintf(other, sizeof other, "%.*s.expect", (int)(strlen(path) - strlen(".yaml")), path);
    first_line(other, line, size);
  }
  if (strncmp(line, mark, strlen(mark)) != 0)
    fail_msg("%s: no '# expect: ' in its first line, nor in that of %s", path, other);
  memmove(line, line + strlen(mark), strlen(line) - strlen(mark) + 1);
}

static void check_one(const char *path) {
  char expected[700], found[700];
  struct plan_error err;
  expectation(path, expected, sizeof expected);
  struct plan *plan = plan_load(path, NULL, 0, &err);
  if (plan) {
    plan_free(plan);
    fail_msg("%s loads; expected %s", path, expected);
  }
  const char *file = base_name(err.file);
  bool own = strcmp(file, base_name(path)) == 0;
  snprintf(found, sizeof found, "%s%s%u:%u: %s", own ? "" : file, own ? "" : ":", err.line,
           err.column, err.text);
  plan_error_free(&err);
  if (strcmp(found, expected) != 0)
    fail_msg("%s\n  expected: %s\n  found:    %s", path, expected, found);
}

static void every_bad_file(void **state) {
  (void)state;
  glob_t files;
  assert_int_equal(glob(text_source("scenarios/bad/*.yaml"), 0, NULL, &files), 0);
  assert_true(files.gl_pathc >= MIN_FILES);
  for (size_t i = 0; i < files.gl_pathc; i++)
    check_one(files.gl_pathv[i]);
  globfree(&files);
}

static void printed_with_place(void **state) {
  (void)state;
  char *text = NULL;
  size_t len = 0;
  struct plan_error err;
  assert_null(plan_load(text_source("scenarios/bad/zero-count.yaml"), NULL, 0, &err));
  FILE *to = open_memstream(&text, &len);
  plan_error_print(to, &err);
  fclose(to);
  const char *place =
      strstr(text, "scenarios/bad/zero-count.yaml:8:37: error: expected at least 1");
  assert_non_null(place);
  free(text);
  plan_error_free(&err);
}

static void files_that_cannot_be_read(void **state) {
  (void)state;
  struct plan_error err;
  assert_null(plan_load("/nowhere/at-all.yaml", NULL, 0, &err));
  assert_string_equal(err.file, "/nowhere/at-all.yaml");
  assert_string_equal(err.text, "cannot read the file: No such file or directory");
  assert_int_equal(err.line, 0);
  plan_error_free(&err);
  assert_null(plan_load("/tmp", NULL, 0, &err));
  assert_string_equal(err.text, "cannot read the file: it is a folder");
  plan_error_free(&err);
  assert_null(plan_load("/dev/zero", NULL, 0, &err));
  assert_string_equal(err.text, "cannot read the file: it is no regular file");
  plan_error_free(&err);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_bad_file),
      cmocka_unit_test(printed_with_place),
      cmocka_unit_test(files_that_cannot_be_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
