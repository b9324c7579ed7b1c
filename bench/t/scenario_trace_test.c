/* Frame traces: what is read, and what is refused where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/limits.h"
#include "bench/scenario/trace.h"
#include "bench/t/scenario_text.h"

#define HEAD     "time_us,size,type,group,priority\n"
#define MAX_SIZE 100000

static struct plan_trace_row *parse(const char *csv, size_t *n, struct plan_error *err) {
  *err = (struct plan_error){0};
  return plan_trace_parse(csv, strlen(csv), MAX_SIZE, n, err);
}

static void good(void **state) {
  (void)state;
  struct plan_error err;
  size_t n;
  struct plan_trace_row *rows =
      parse(HEAD "0,70111,I,0,0\n40000,9883,P,0,2\r\n40000,1,B,0,255\n80000,7,-,1,1", &n, &err);
  assert_non_null(rows);
  assert_int_equal(n, 4);
  assert_int_equal(rows[0].size, 70111);
  assert_int_equal(rows[0].type, 'I');
  assert_int_equal(rows[1].time_ns, 40000000);
  assert_int_equal(rows[1].priority, 2);
  assert_int_equal(rows[2].priority, 255);
  assert_int_equal(rows[3].group, 1);
  assert_int_equal(rows[3].type, '-');
  free(rows);
}

/* The committed one is what its name says. */
static void of_the_tree(void **state) {
  (void)state;
  struct plan_error err = {0};
  size_t n;
  struct plan_trace_row *rows =
      plan_trace_load(text_source("scenarios/traces/720p25.csv"), PLAN_MAX_OBJECT_BYTES, &n, &err);
  assert_non_null(rows);
  assert_int_equal(n, 300);
  uint64_t bytes = 0, largest = 0;
  for (size_t i = 0; i < n; i++) {
    bool intra = i % 25 == 0;
    assert_int_equal(rows[i].time_ns, i * 40000000);
    assert_int_equal(rows[i].group, i / 25);
    assert_int_equal(rows[i].type, intra ? 'I' : 'P');
    assert_int_equal(rows[i].priority, intra ? 0 : 2);
    bytes += rows[i].size;
    largest = rows[i].size > largest ? rows[i].size : largest;
  }
  /* Between 2 and 4 Mbit/s, and frames that do not fit a packet. */
  assert_in_range(bytes * 8 / 12, 2000000, 4000000);
  assert_true(largest > 20000);
  free(rows);
}

static void bad(void **state) {
  (void)state;
  static const struct {
    const char *csv, *expected;
  } rows[] = {
      {"", "1:1: expected the header time_us,size,type,group,priority, found nothing"},
      {"0,1,I,0,0\n",
       "1:1: expected the header time_us,size,type,group,priority, found '0,1,I,0,0'"},
      {HEAD, "2:1: expected at least one frame, found none"},
      {HEAD "\n", "2:1: expected 5 fields (time_us,size,type,group,priority), found fewer"},
      {HEAD "0,1,I,0\n", "2:8: expected 5 fields (time_us,size,type,group,priority), found fewer"},
      {HEAD "0,1,I,0,0,0\n",
       "2:10: expected 5 fields (time_us,size,type,group,priority), found more"},
      {HEAD "x,1,I,0,0\n", "2:1: expected a whole number of at most 86400000000, found 'x'"},
      {HEAD "86400000001,1,I,0,0\n",
       "2:1: expected a whole number of at most 86400000000, found '86400000001'"},
      {HEAD "0,,I,0,0\n", "2:3: expected a whole number of at most 100000, found nothing"},
      {HEAD "0,0,I,0,0\n", "2:3: expected a size of at least 1, found '0'"},
      {HEAD "0,100001,I,0,0\n", "2:3: expected a whole number of at most 100000, found '100001'"},
      {HEAD "0,1,K,0,0\n", "2:5: expected the type I, P, B or -, found 'K'"},
      {HEAD "0,1,IP,0,0\n", "2:5: expected the type I, P, B or -, found 'IP'"},
      {HEAD "0,1,,0,0\n", "2:5: expected the type I, P, B or -, found nothing"},
      {HEAD "0,1,I,1,0\n", "2:7: expected group 0 first, found '1'"},
      {HEAD "0,1,I,0,256\n", "2:9: expected a whole number of at most 255, found '256'"},
      {HEAD "5,1,I,0,0\n4,1,P,0,0\n",
       "3:1: expected a time of at least 5, the one before, found '4'"},
      {HEAD "0,1,I,0,0\n0,1,I,1,0\n0,1,I,0,0\n", "4:7: expected group 1 or 2, found '0'"},
      {HEAD "0,1,I,0,0\n0,1,I,2,0\n", "3:7: expected group 0 or 1, found '2'"},
      {HEAD "0,1,I,0,0\n\n",
       "3:1: expected 5 fields (time_us,size,type,group,priority), found fewer"},
      {HEAD
       "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
       "0000000000,1,I,0,0\n",
       "2:1: expected a line of at most 99 bytes, found 106"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct plan_error err;
    char found[600];
    size_t n;
    assert_null(parse(rows[i].csv, &n, &err));
    snprintf(found, sizeof found, "%u:%u: %s", err.line, err.column, err.text);
    assert_string_equal(found, rows[i].expected);
  }
}

static void nul_byte(void **state) {
  (void)state;
  static const char csv[] = HEAD "0,1\0,I,0,0\n";
  struct plan_error err = {0};
  size_t n;
  assert_null(plan_trace_parse(csv, sizeof csv - 1, MAX_SIZE, &n, &err));
  assert_string_equal(err.text, "expected text, found a NUL byte");
  assert_int_equal(err.column, 4);
}

static void too_many(void **state) {
  (void)state;
  static const char row[] = "0,1,-,0,0\n";
  size_t len = strlen(HEAD) + (PLAN_MAX_TRACE_ROWS + 1) * strlen(row);
  char *csv = malloc(len + 1);
  assert_non_null(csv);
  strcpy(csv, HEAD);
  for (size_t at = strlen(HEAD); at < len; at += strlen(row))
    memcpy(csv + at, row, strlen(row));
  struct plan_error err = {0};
  size_t n;
  assert_null(plan_trace_parse(csv, len, MAX_SIZE, &n, &err));
  assert_string_equal(err.text, "expected at most 360000 frames, found more");
  assert_int_equal(err.line, PLAN_MAX_TRACE_ROWS + 2);
  struct plan_trace_row *rows = plan_trace_parse(csv, len - strlen(row), MAX_SIZE, &n, &err);
  assert_non_null(rows);
  assert_int_equal(n, PLAN_MAX_TRACE_ROWS);
  free(rows);
  free(csv);
}

/* Cut anywhere, it is read or refused, and nothing else happens. */
static void cut_anywhere(void **state) {
  (void)state;
  static const char csv[] = HEAD "0,70111,I,0,0\n40000,9883,P,0,2\r\n40000,1,B,0,255\n";
  size_t read = 0;
  for (size_t len = 0; len < sizeof csv; len++) {
    struct plan_error err = {0};
    size_t n;
    char *copy = malloc(len ? len : 1);
    memcpy(copy, csv, len);
    struct plan_trace_row *rows = plan_trace_parse(copy, len, MAX_SIZE, &n, &err);
    assert_true(rows ? n > 0 : err.line > 0);
    read += rows != NULL;
    free(rows);
    free(copy);
  }
  assert_in_range(read, 3, 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good),     cmocka_unit_test(of_the_tree), cmocka_unit_test(bad),
      cmocka_unit_test(nul_byte), cmocka_unit_test(too_many),    cmocka_unit_test(cut_anywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
