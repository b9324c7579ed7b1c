#include "bench/report/outcome.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* State of one evaluation. no_memory: nothing that was made counts. */
struct making {
  const struct plan *plan;
  const struct judge_report *judged; /* may be NULL */
  bool twin_off;
  struct report_outcome *out;
  bool no_memory;
};

static char *format(struct making *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static char *format(struct making *m, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  int len = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  size_t room = len < 0 ? 0 : (size_t)len + 1;
  char *text = room ? malloc(room) : NULL;
  if (!text) {
    m->no_memory = true;
    return NULL;
  }
  va_start(args, fmt);
  vsnprintf(text, room, fmt, args);
  va_end(args);
  return text;
}

/* Takes text over, NULL included. */
static void add_note(struct making *m, bool fails, char *text) {
  struct report_outcome *out = m->out;
  struct report_note *grown = text ? realloc(out->notes, (out->n_notes + 1) * sizeof *grown) : NULL;
  if (!grown) {
    free(text);
    m->no_memory = true;
    return;
  }
  out->notes = grown;
  out->notes[out->n_notes++] = (struct report_note){.text = text, .fails = fails};
  if (fails)
    out->unexpected++;
}

static bool names(char *const *list, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++)
    if (!strcmp(list[i], name))
      return true;
  return false;
}

static const struct plan_expect *find_expect(const struct plan *plan, const char *name) {
  for (size_t i = 0; i < plan->n_expects; i++)
    if (!strcmp(plan->expects[i].check, name))
      return &plan->expects[i];
  return NULL;
}

static enum report_expected what_is_expected(const struct making *m, const char *name,
                                             const struct plan_expect *expect) {
  if (!m->twin_off && names(m->plan->convict, m->plan->n_convict, name))
    return REPORT_EXPECT_FAIL;
  if (expect && expect->skip)
    return REPORT_EXPECT_SKIP;
  if (!m->twin_off && names(m->plan->also, m->plan->n_also, name))
    return REPORT_EXPECT_EITHER;
  return REPORT_EXPECT_PASS;
}

static uint64_t demanded(const struct plan *plan, const char *name) {
  uint64_t most = 0;
  for (size_t i = 0; i < plan->n_examined; i++)
    if (!strcmp(plan->examined[i].check, name) && plan->examined[i].at_least > most)
      most = plan->examined[i].at_least;
  return most;
}

/* The result after `skip: reason`, and after the rule that nothing examined is
 * a skip. */
static void settle_result(struct making *m, const struct judge_check *from,
                          const struct plan_expect *expect, struct report_check *to) {
  to->result = from->result;
  if (expect && expect->skip) {
    to->result = JUDGE_SKIP;
    to->reason = format(m, "the scenario skips it: %s",
                        expect->skip_reason && *expect->skip_reason ? expect->skip_reason
                                                                    : "no reason given");
  } else if (from->result == JUDGE_SKIP) {
    to->reason = format(m, "%s", from->reason && *from->reason ? from->reason : "no reason given");
  } else if (from->result == JUDGE_PASS && !from->examined) {
    to->result = JUDGE_SKIP;
    to->reason = format(m, "nothing examined");
  }
}

/* One sentence if the check is not as expected, else NULL. */
static char *find_fault(struct making *m, const struct judge_check *from,
                        const struct report_check *check) {
  const char *reason = check->reason ? check->reason : "";
  if (check->expected == REPORT_EXPECT_FAIL && check->result == JUDGE_SKIP)
    return format(m, "expected fail (convict), found skip: %s", reason);
  if (check->expected == REPORT_EXPECT_FAIL && check->result == JUDGE_PASS)
    return format(m, "expected fail (convict), found pass: what it must catch went by");
  if (check->expected == REPORT_EXPECT_PASS && check->result == JUDGE_FAIL)
    return format(m, "expected pass, found fail: %" PRIu64 " finding%s", from->findings_total,
                  from->findings_total == 1 ? "" : "s");
  if (check->examined_at_least && check->result == JUDGE_SKIP)
    return format(m, "expected at least %" PRIu64 " examined, found skip: %s",
                  check->examined_at_least, reason);
  if (from->examined < check->examined_at_least)
    return format(m, "expected at least %" PRIu64 " examined, found %" PRIu64,
                  check->examined_at_least, from->examined);
  return NULL;
}

static void weigh_check(struct making *m, size_t i) {
  const struct judge_check *from = &m->judged->checks[i];
  struct report_check *check = &m->out->checks[i];
  const struct plan_expect *expect = find_expect(m->plan, from->name);
  check->expected = what_is_expected(m, from->name, expect);
  check->examined_at_least = demanded(m->plan, from->name);
  settle_result(m, from, expect, check);
  check->why_not = find_fault(m, from, check);
  check->as_expected = !check->why_not;
  m->out->unexpected += !check->as_expected;
  if (check->result == JUDGE_SKIP)
    m->out->skipped++;
  else
    m->out->examined += from->examined;
  m->out->passed += check->result == JUDGE_PASS;
  m->out->failed += check->result == JUDGE_FAIL;
  if (expect && check->result == JUDGE_SKIP && (expect->p50_ns || expect->p99_ns || expect->max_ns))
    add_note(m, false,
             format(m, "the budget of %s was not judged: %s", from->name,
                    check->reason ? check->reason : ""));
}

/* The scenario reader cannot know the names of the checks; here a wrong one
 * must not pass for an expectation that is met. */
static void demand_name(struct making *m, const char *place, const char *name) {
  for (size_t i = 0; i < m->judged->n_checks; i++)
    if (!strcmp(m->judged->checks[i].name, name))
      return;
  add_note(m, true,
           format(m, "expect: %s%s names no check the judge has (`fanbench list --checks`)", place,
                  name));
}

static void demand_names(struct making *m) {
  const struct plan *plan = m->plan;
  for (size_t i = 0; i < plan->n_expects; i++)
    demand_name(m, "", plan->expects[i].check);
  for (size_t i = 0; i < plan->n_convict; i++)
    demand_name(m, "convict: ", plan->convict[i]);
  for (size_t i = 0; i < plan->n_also; i++)
    demand_name(m, "also: ", plan->also[i]);
  for (size_t i = 0; i < plan->n_examined; i++)
    demand_name(m, "examined: ", plan->examined[i].check);
}

static void weigh_checks(struct making *m) {
  struct report_outcome *out = m->out;
  if (!m->judged->n_checks) {
    add_note(m, true, format(m, "no check was judged: the judge's report is empty"));
    return;
  }
  out->checks = calloc(m->judged->n_checks, sizeof *out->checks);
  if (!out->checks) {
    m->no_memory = true;
    return;
  }
  out->n_checks = m->judged->n_checks;
  for (size_t i = 0; i < out->n_checks; i++)
    weigh_check(m, i);
  if (out->skipped == out->n_checks)
    add_note(m, true, format(m, "nothing was proven: every check was skipped"));
  demand_names(m);
}

static const struct judge_subscriber *find_subscriber(const struct making *m, const char *node) {
  for (size_t i = 0; i < m->judged->n_subscribers; i++)
    if (!strcmp(m->judged->subscribers[i].node, node))
      return &m->judged->subscribers[i];
  return NULL;
}

#define PERCENT         "%" PRIu32 ".%02" PRIu32 " %%"
#define AS_PERCENT(ppm) (ppm) / 10000, (ppm) / 100 % 100

/* What `subscribers` of `expect` asks of one of them. */
static void weigh_figures(struct making *m, const struct plan_figures *figures) {
  const char *name = m->plan->nodes[figures->node].name;
  const struct judge_subscriber *sub = find_subscriber(m, name);
  bool any_share = figures->fast_path_lo_ppm == 0 && figures->fast_path_hi_ppm == 1000000;
  if (!sub || (!any_share && !sub->first_bytes_all)) {
    add_note(m, true,
             format(m, "expected figures of %s, found none: nothing was sent to it", name));
    return;
  }
  if (sub->fast_path_ppm < figures->fast_path_lo_ppm ||
      sub->fast_path_ppm > figures->fast_path_hi_ppm)
    add_note(m, true,
             format(m,
                    "expected a fast path share of %s from " PERCENT " to " PERCENT
                    ", found " PERCENT,
                    name, AS_PERCENT(figures->fast_path_lo_ppm),
                    AS_PERCENT(figures->fast_path_hi_ppm), AS_PERCENT(sub->fast_path_ppm)));
  if (sub->sendings < figures->sendings)
    add_note(m, true,
             format(m,
                    "expected a byte that was sent to %s at least %" PRIu64
                    " times, found at most %" PRIu32,
                    name, figures->sendings, sub->sendings));
}

static bool load_was_dishonest(const struct making *m) {
  for (size_t i = 0; i < m->out->n_checks; i++)
    if (!strcmp(m->judged->checks[i].name, "load-honest"))
      return m->out->checks[i].result == JUDGE_FAIL;
  return false;
}

int report_outcome_make(const struct plan *plan, const struct judge_report *report,
                        enum report_twin twin, const char *died, struct report_outcome *out) {
  struct making m = {.plan = plan, .judged = report, .twin_off = twin == REPORT_OFF, .out = out};
  *out = (struct report_outcome){.verdict = REPORT_FAIL};
  if (died)
    add_note(&m, true, format(&m, "%s", *died ? died : "the run ended early; no cause is known"));
  if (report)
    weigh_checks(&m);
  else if (!died)
    add_note(&m, true, format(&m, "the judge could not read the run"));
  for (size_t i = 0; report && twin != REPORT_ON && i < plan->n_figures; i++)
    weigh_figures(&m, &plan->figures[i]);
  if (!died && load_was_dishonest(&m)) {
    out->verdict = REPORT_INCONCLUSIVE;
    add_note(&m, false,
             format(&m,
                    "load-honest failed: the load or the captures are not what the "
                    "scenario asks for, so the other checks prove nothing"));
  } else {
    out->verdict = out->unexpected ? REPORT_FAIL : REPORT_PASS;
  }
  if (m.no_memory) {
    report_outcome_free(out);
    errno = ENOMEM;
    return -1;
  }
  return 0;
}

void report_outcome_free(struct report_outcome *outcome) {
  if (!outcome)
    return;
  for (size_t i = 0; i < outcome->n_checks; i++) {
    free(outcome->checks[i].reason);
    free(outcome->checks[i].why_not);
  }
  for (size_t i = 0; i < outcome->n_notes; i++)
    free(outcome->notes[i].text);
  free(outcome->checks);
  free(outcome->notes);
  *outcome = (struct report_outcome){.verdict = REPORT_FAIL};
}

const char *report_verdict_name(enum report_verdict verdict) {
  switch (verdict) {
  case REPORT_PASS:
    return "pass";
  case REPORT_INCONCLUSIVE:
    return "inconclusive";
  case REPORT_FAIL:
    break;
  }
  return "fail";
}

const char *report_expected_name(enum report_expected expected) {
  switch (expected) {
  case REPORT_EXPECT_PASS:
    return "pass";
  case REPORT_EXPECT_FAIL:
    return "fail";
  case REPORT_EXPECT_EITHER:
    return "pass or fail";
  case REPORT_EXPECT_SKIP:
    break;
  }
  return "skip";
}

const char *report_result_name(enum judge_result result) {
  switch (result) {
  case JUDGE_PASS:
    return "pass";
  case JUDGE_FAIL:
    return "fail";
  case JUDGE_SKIP:
    break;
  }
  return "skip";
}

const char *report_twin_name(enum report_twin twin) {
  switch (twin) {
  case REPORT_ON:
    return "on";
  case REPORT_OFF:
    return "off";
  case REPORT_SINGLE:
    break;
  }
  return "single";
}
