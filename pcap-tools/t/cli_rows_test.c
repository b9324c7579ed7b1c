/* Tables on a terminal and in a pipe: what is shortened, and by which width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "pcap-tools/cli/rows.h"

static const struct qp_column columns[] = {
    {"TRACK", "track", -10},
    {"KIND", "kind", -6},
    {"SIZE", "size", 4},
    {"ABOUT", "about", -1},
};

/* One row, into what `to` is. */
static void table(FILE *to, const char *track, const char *about) {
  struct qp_rows r;
  qp_rows_open(&r, to, false, columns, sizeof columns / sizeof *columns);
  qp_rows_begin(&r);
  qp_rows_text(&r, track);
  qp_rows_text(&r, "kind-of-it");
  qp_rows_number(&r, 1234567);
  qp_rows_text(&r, about);
  qp_rows_end(&r);
  fflush(to);
}

/* A terminal of that many columns; *screen reads what is written to it. */
static FILE *terminal(unsigned short columns_wide, int *screen) {
  struct winsize size = {.ws_row = 24, .ws_col = columns_wide};
  *screen = posix_openpt(O_RDWR | O_NOCTTY);
  if (*screen < 0 || grantpt(*screen) || unlockpt(*screen))
    skip();
  int fd = open(ptsname(*screen), O_RDWR | O_NOCTTY);
  assert_true(fd >= 0);
  assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
  return fdopen(fd, "w");
}

/* The second of the two next lines on the screen, which may come in pieces. */
static const char *row_on(int screen, char text[1024]) {
  char *row = NULL;
  for (size_t len = 0; !row || !strchr(row + 1, '\n'); row = strchr(text, '\n')) {
    ssize_t n = read(screen, text + len, 1023 - len);
    assert_true(n > 0);
    len += (size_t)n;
    text[len] = 0;
  }
  row[1 + strcspn(row + 1, "\r")] = 0;
  return row + 1;
}

static void a_pipe_loses_nothing(void **state) {
  (void)state;
  char *text = NULL;
  size_t n;
  setenv("COLUMNS", "30", 1);
  FILE *f = open_memstream(&text, &n);
  table(f, "a-rather-long-track-name", "something to say that is longer than thirty columns");
  fclose(f);
  assert_non_null(strstr(text,
                         "a-rather-long-track-name  kind-of-it  1234567  something to say "
                         "that is longer than thirty columns\n"));
  free(text);
  unsetenv("COLUMNS");
}

static void a_terminal_is_not_overrun(void **state) {
  (void)state;
  char text[1024];
  int screen;
  unsetenv("COLUMNS");
  FILE *f = terminal(40, &screen);
  table(f, "a-rather-long-track-name", "something to say");
  const char *row = row_on(screen, text);
  assert_string_equal(row, "a-rat~name  kind-of-it  1234567  someth+");
  assert_int_equal(strlen(row), 40);
  table(f, "short", "fits");
  assert_string_equal(row_on(screen, text), "short       kind-of-it  1234567  fits");
  setenv("COLUMNS", "60", 1);
  table(f, "a-rather-long-track-name", "something to say");
  assert_string_equal(row_on(screen, text), "a-rat~name  kind-of-it  1234567  something to say");
  unsetenv("COLUMNS");
  fclose(f);
  close(screen);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_pipe_loses_nothing),
      cmocka_unit_test(a_terminal_is_not_overrun),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
