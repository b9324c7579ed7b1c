/* The run directory: an old run's artefacts go, everything else stays. Also the
 * search for scenario files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/run/find.h"
#include "bench/run/rundir.h"
#include "bench/t/scratch.h"

static char err[512];

static const char *at(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", scratch, name);
  return path;
}

static void touch(const char *name) {
  FILE *f = fopen(at(name), "w");
  assert_non_null(f);
  fclose(f);
}

static int there(const char *name) {
  return access(at(name), F_OK) == 0;
}

static void parents_and_folders_are_made(void **state) {
  (void)state;
  assert_int_equal(rundir_make(at("a/b/c"), err, sizeof err), 0);
  assert_true(there("a/b/c/capture"));
  assert_true(there("a/b/c/log"));
}

static void artefacts_go_and_strangers_stay(void **state) {
  (void)state;
  assert_int_equal(rundir_make(at("old"), err, sizeof err), 0);
  static const char *const artefacts[] = {"old/scenario.yaml", "old/sub.1-objects.jsonl",
                                          "old/capture/relay-pub.pcapng", "old/log/relay.txt",
                                          "old/report.json"};
  for (size_t i = 0; i < 5; i++)
    touch(artefacts[i]);
  touch("old/notes.txt");
  assert_int_equal(mkdir(at("old/on"), 0755), 0);
  touch("old/on/report.json");
  assert_int_equal(rundir_make(at("old"), err, sizeof err), 0);
  for (size_t i = 0; i < 5; i++)
    assert_false(there(artefacts[i]));
  assert_true(there("old/notes.txt"));
  assert_true(there("old/on/report.json"));
}

static void other_directories_are_refused(void **state) {
  (void)state;
  assert_int_equal(mkdir(at("home"), 0755), 0);
  touch("home/report.json"); /* a name of ours does not make it one */
  touch("home/letter.txt");
  assert_int_equal(rundir_make(at("home"), err, sizeof err), -1);
  assert_non_null(strstr(err, "letter.txt"));
  assert_true(there("home/report.json"));
}

static void a_file_in_the_way_is_named(void **state) {
  (void)state;
  touch("file");
  assert_int_equal(rundir_make(at("file"), err, sizeof err), -1);
  assert_non_null(strstr(err, "/file"));
  assert_int_equal(rundir_make(at("file/below"), err, sizeof err), -1);
}

static void scenarios_are_found_in_order(void **state) {
  (void)state;
  struct find_list list = {0};
  static const char *const folders[] = {"s", "s/b", "s/a", "s/empty", "s/bad", "s/sweeps"};
  for (size_t i = 0; i < 6; i++)
    assert_int_equal(mkdir(at(folders[i]), 0755), 0);
  static const char *const files[] = {"s/c.yaml",     "s/b/2.yaml",     "s/b/1.yaml",
                                      "s/a/x.yaml",   "s/a/x.csv",      "s/.hidden.yaml",
                                      "s/bad/y.yaml", "s/sweeps/z.yaml"};
  for (size_t i = 0; i < 8; i++)
    touch(files[i]);
  assert_int_equal(find_scenarios(&list, at("s"), err, sizeof err), 0);
  static const char *const expected[] = {"s/a/x.yaml", "s/b/1.yaml", "s/b/2.yaml", "s/c.yaml"};
  assert_int_equal(list.n, 4);
  for (size_t i = 0; i < 4; i++)
    assert_string_equal(list.paths[i], at(expected[i]));
  find_free(&list);
  assert_int_equal(find_scenarios(&list, at("s/sweeps"), err, sizeof err), 0); /* asked for */
  assert_int_equal(list.n, 1);
  find_free(&list);
  assert_int_equal(find_scenarios(&list, at("s/empty"), err, sizeof err), -1);
  assert_non_null(strstr(err, "holds no scenario"));
  assert_int_equal(find_scenarios(&list, at("s/missing"), err, sizeof err), -1);
  /* a file is taken as it is, whatever its name */
  assert_int_equal(find_scenarios(&list, at("s/a/x.csv"), err, sizeof err), 0);
  assert_int_equal(list.n, 1);
  find_free(&list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parents_and_folders_are_made),
      cmocka_unit_test(artefacts_go_and_strangers_stay),
      cmocka_unit_test(other_directories_are_refused),
      cmocka_unit_test(a_file_in_the_way_is_named),
      cmocka_unit_test(scenarios_are_found_in_order),
  };
  return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
