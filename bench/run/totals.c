#include "bench/run/totals.h"

#include <inttypes.h>
#include <stdlib.h>

static struct totals_check *check_at(struct totals *totals, const struct judge_report *judged,
                                     size_t i) {
  if (totals->checks == NULL) {
    totals->checks = calloc(judged->n_checks + 1, sizeof *totals->checks);
    totals->n_checks = totals->checks != NULL ? judged->n_checks : 0;
  }
  if (i >= totals->n_checks) /* every report has the whole catalogue */
    return NULL;
  totals->checks[i].name = judged->checks[i].name;
  return &totals->checks[i];
}

static void count(struct totals_check *to, const struct report_check *check, uint64_t examined) {
  switch (check->result) {
  case JUDGE_PASS:
    to->passed++;
    break;
  case JUDGE_FAIL:
    if (check->as_expected)
      to->convicted++;
    else
      to->failed++;
    break;
  case JUDGE_SKIP:
    to->skipped++;
    return;
  }
  to->examined += examined;
}

void totals_add(struct totals *totals, const struct judge_report *judged,
                const struct report_outcome *outcome) {
  totals->runs++;
  if (outcome->verdict == REPORT_INCONCLUSIVE) {
    totals->inconclusive++;
    return;
  }
  for (size_t i = 0; judged != NULL && i < judged->n_checks && i < outcome->n_checks; i++) {
    struct totals_check *to = check_at(totals, judged, i);
    if (to != NULL)
      count(to, &outcome->checks[i], judged->checks[i].examined);
  }
}

void totals_again(struct totals *totals) {
  totals->again++;
}

/* 1234567 -> "1,234,567" */
static const char *group_digits(uint64_t n, char buf[32]) {
  char *at = buf + 31;
  *at = '\0';
  for (int digits = 0;; digits++) {
    if (digits > 0 && digits % 3 == 0)
      *--at = ',';
    *--at = (char)('0' + n % 10);
    n /= 10;
    if (n == 0)
      return at;
  }
}

void totals_print(FILE *to, const struct totals *totals) {
  uint64_t examined = 0;
  char buf[32];
  if (totals->n_checks == 0)
    return;
  fprintf(to, "\n%-24s %7s %7s %7s %9s %16s\n", "check", "passed", "skipped", "FAILED", "convicted",
          "items examined");
  for (size_t i = 0; i < totals->n_checks; i++) {
    const struct totals_check *c = &totals->checks[i];
    examined += c->examined;
    fprintf(to, "%-24s %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %9" PRIu64 " %16s\n", c->name,
            c->passed, c->skipped, c->failed, c->convicted, group_digits(c->examined, buf));
  }
  fprintf(to, "%-24s %7s %7s %7s %9s %16s\n", "all", "", "", "", "", group_digits(examined, buf));
  fprintf(to,
          "%" PRIu64 " runs judged, %" PRIu64 " of them inconclusive; tried again %" PRIu64
          " times\n",
          totals->runs, totals->inconclusive, totals->again);
}

json_t *totals_json(const struct totals *totals) {
  json_t *checks = json_array();
  for (size_t i = 0; i < totals->n_checks; i++) {
    const struct totals_check *c = &totals->checks[i];
    json_array_append_new(checks,
                          json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "name", c->name, "passed",
                                    (json_int_t)c->passed, "skipped", (json_int_t)c->skipped,
                                    "failed", (json_int_t)c->failed, "convicted",
                                    (json_int_t)c->convicted, "examined", (json_int_t)c->examined));
  }
  return json_pack("{s:I, s:I, s:I, s:o}", "runs", (json_int_t)totals->runs, "inconclusive",
                   (json_int_t)totals->inconclusive, "tried_again", (json_int_t)totals->again,
                   "checks", checks);
}

void totals_free(struct totals *totals) {
  free(totals->checks);
  *totals = (struct totals){0};
}
