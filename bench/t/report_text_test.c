#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/report/text.h"

static void assert_decodes(const char *s, unsigned len, uint32_t want) {
  uint32_t cp = 0;
  assert_int_equal(report_text_decode(s, &cp), len);
  if (len)
    assert_int_equal(cp, want);
}

static void decodes_utf8_and_nothing_else(void **state) {
  (void)state;
  assert_decodes("a", 1, 'a');
  assert_decodes("\xc2\x80", 2, 0x80);
  assert_decodes("\xe2\x82\xac", 3, 0x20ac);
  assert_decodes("\xf4\x8f\xbf\xbf", 4, 0x10ffff);
  assert_decodes("\x80", 0, 0);             /* continuation without a start */
  assert_decodes("\xc0\x80", 0, 0);         /* NUL in two bytes */
  assert_decodes("\xe0\x9f\xbf", 0, 0);     /* not the shortest form */
  assert_decodes("\xed\xa0\x80", 0, 0);     /* surrogate */
  assert_decodes("\xf4\x90\x80\x80", 0, 0); /* above U+10FFFF */
  assert_decodes("\xff", 0, 0);
  assert_decodes("\xe2\x82", 0, 0); /* cut by the end of the string */
}

static char *written(void (*write)(FILE *, const char *), const char *s) {
  char *text = NULL;
  size_t len = 0;
  FILE *to = open_memstream(&text, &len);
  assert_non_null(to);
  write(to, s);
  fclose(to);
  return text;
}

static void terminal(FILE *to, const char *s) {
  report_text_terminal(to, s);
}

static void assert_written(void (*write)(FILE *, const char *), const char *s, const char *want) {
  char *text = written(write, s);
  assert_string_equal(text, want);
  free(text);
}

static void terminal_shows_control_characters(void **state) {
  (void)state;
  assert_written(terminal, "caf\xc3\xa9 \xe2\x82\xac", "caf\xc3\xa9 \xe2\x82\xac");
  assert_written(terminal, "a\x1b[31m\n\x7f", "a\\u{1b}[31m\\n\\u{7f}");
  assert_written(terminal,
                 "\xc2\x9b"
                 "2J",
                 "\\u{9b}2J"); /* CSI in one character */
  assert_written(terminal, "\xe2\x80\xae", "\\u{202e}");
  assert_written(terminal,
                 "\xff"
                 "a",
                 "\\xffa");
  assert_written(terminal, NULL, "");
  assert_int_equal(report_text_terminal(NULL, "caf\xc3\xa9\n"), 6);
}

static void each_format_escapes_its_own(void **state) {
  (void)state;
  assert_written(report_text_json, "a\"\\\n\x01\xff", "\"a\\\"\\\\\\n\\u0001\\ufffd\"");
  assert_written(report_text_xml, "<a b='\"&'>\x02\xff",
                 "&lt;a b=&#39;&quot;&amp;&#39;&gt;\\u{2}\\xff");
  assert_written(report_text_csv, "plain", "plain");
  assert_written(report_text_csv, "a,b", "\"a,b\"");
  assert_written(report_text_csv, "a\"b\nc", "\"a\"\"b\\nc\"");
  assert_written(report_text_tap, "a # SKIP \\ b\nok", "a \\# SKIP \\\\ b\\nok");
}

static void numbers_for_people(void **state) {
  (void)state;
  char buf[REPORT_TEXT_NUMBER];
  assert_string_equal(report_text_count(buf, 0), "0");
  assert_string_equal(report_text_count(buf, 999), "999");
  assert_string_equal(report_text_count(buf, 1234567), "1,234,567");
  assert_string_equal(report_text_count(buf, UINT64_MAX), "18,446,744,073,709,551,615");
  assert_string_equal(report_text_duration(buf, 0), "0 ns");
  assert_string_equal(report_text_duration(buf, 999), "999 ns");
  assert_string_equal(report_text_duration(buf, 1234), "1.23 us");
  assert_string_equal(report_text_duration(buf, 45199), "45.1 us");
  assert_string_equal(report_text_duration(buf, 151999999), "151 ms");
  assert_string_equal(report_text_duration(buf, 2000000000), "2.00 s");
  assert_string_equal(report_text_percent(buf, 999999), "99.99 %");
  assert_string_equal(report_text_percent(buf, 1000000), "100.00 %");
  assert_string_equal(report_text_percent(buf, 500), "0.05 %");
  assert_string_equal(report_text_share(buf, 976500), "0.976500");
  assert_string_equal(report_text_share(buf, 5), "0.000005");
  assert_string_equal(report_text_share(buf, 1000000), "1.000000");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decodes_utf8_and_nothing_else),
      cmocka_unit_test(terminal_shows_control_characters),
      cmocka_unit_test(each_format_escapes_its_own),
      cmocka_unit_test(numbers_for_people),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
