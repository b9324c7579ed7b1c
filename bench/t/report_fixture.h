/* What the tests of bench/report share: a plan and a judge's report built by
 * hand, writers into memory, and small strict readers for TAP and XML. */
#ifndef FANBENCH_T_REPORT_FIXTURE_H
#define FANBENCH_T_REPORT_FIXTURE_H

#include "bench/report/files.h"

/* Quotes, markup, a comment sign, escapes of a terminal, broken UTF-8 (a lone
 * byte, a cut sequence), right-to-left override, a non-character. */
#define REPORT_NASTY                                                                               \
  "a\"b'<i>&amp; #\\ \x1b[31m\x07\r\n\t\xff\xe2\x82 \xe2\x80\xae\xef\xbf\xbf \xc3\xa9,;"

enum { FIXTURE_CHECKS = 5 };

/* One publisher, one relay, two subscribers, two tracks; five checks:
 * pn-unique and copy-count pass (10 and 20 examined), close-clean is skipped
 * ("not built"), isolated passes (5), load-honest passes (3). A test changes
 * what it is about. Nothing of it is freed: all is static or in the struct. */
struct report_fixture {
  struct plan plan;
  struct plan_node nodes[4];
  struct plan_track tracks[2];
  struct plan_subscription subscriptions[1];
  struct plan_expect expects[2];
  struct plan_examined examined[1];
  char *convict[1], *also[1];
  struct judge_report judged;
  struct judge_check checks[FIXTURE_CHECKS];
  struct judge_finding findings[2];
  struct judge_subscriber subscribers[2];
  struct judge_drop drops[2];
  struct report_run run;
};

void report_fixture_make(struct report_fixture *fixture);
/* The named check fails with both findings of the fixture. */
void report_fixture_fail(struct report_fixture *fixture, const char *check);
struct judge_check *report_fixture_check(struct report_fixture *fixture, const char *check);
/* Every text that may come from outside becomes REPORT_NASTY. */
void report_fixture_make_nasty(struct report_fixture *fixture);

/* The file as text; free() it. The outcome is made from the fixture. */
char *report_fixture_write(struct report_fixture *fixture, report_file_fn *write);

/* TAP 14: version, plan, numbers in sequence, subtests indented by 4 with their
 * own plan and a point after them, closed YAML blocks, nothing else. Returns the
 * number of top-level points, *not_ok how many of them are; -1 if it is not TAP. */
int report_fixture_read_tap(const char *text, int *not_ok);

/* XML well-formedness as far as our files go: one root, tags nest, attributes
 * are quoted and differ, entities are known, characters are those of XML 1.0,
 * UTF-8 is well formed. Returns the number of elements called `count`, or -1. */
int report_fixture_read_xml(const char *text, const char *count);

#endif
