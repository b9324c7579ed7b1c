#include "pcap-tools/judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/check/evidence.h"
#include "pcap-tools/check/fanout.h"
#include "pcap-tools/check/metrics.h"
#include "pcap-tools/check/passing.h"

static void conclude(struct judge_check *c, const struct qp_check *check, bool bare) {
  const char *reason = !check->info.built         ? "not built"
                       : bare && check->needs_run ? "needs a run directory"
                       : !c->examined             ? "nothing examined"
                                                  : NULL;
  c->result = c->findings_total ? JUDGE_FAIL : reason ? JUDGE_SKIP : JUDGE_PASS;
  if (c->result == JUDGE_SKIP)
    c->reason = qp_copy_text(reason);
}

static void run_checks(struct qp_evidence *e, struct qp_judged *judged, struct judge_report *r) {
  size_t n;
  const struct qp_check *const *checks = qp_checks(&n);
  if (e->passing)
    qp_passing_finish(e->passing);
  qp_fanout_make(e, e->fanout);
  for (size_t i = 0; i < n; i++) {
    bool skipped = !e->manifest && checks[i]->needs_run;
    if (checks[i]->finish && !skipped)
      checks[i]->finish(&judged[i]);
    conclude(&r->checks[i], checks[i], !e->manifest);
  }
}

static struct judge_report *new_report(const struct qp_evidence *e) {
  struct judge_report *r = qp_alloc(1, sizeof *r);
  const struct qp_check *const *checks = qp_checks(&r->n_checks);
  r->checks = qp_alloc(r->n_checks, sizeof *r->checks);
  for (size_t i = 0; i < r->n_checks; i++)
    r->checks[i].name = checks[i]->info.name;
  r->scenario = qp_copy_text(e->manifest ? e->manifest->scenario : "");
  r->mode = qp_copy_text(e->manifest ? e->manifest->mode : "");
  r->commit = qp_copy_text(e->manifest ? e->manifest->commit : "");
  r->seed = e->manifest ? e->manifest->seed : 0;
  return r;
}

static int judge(struct qp_evidence *e, struct judge_report **out, char *err, size_t err_len) {
  struct judge_report *r = new_report(e);
  e->fanout = qp_fanout_new();
  e->passing = e->manifest ? NULL : qp_passing_new(e);
  size_t n_checks;
  const struct qp_check *const *checks = qp_checks(&n_checks);
  struct qp_judged *judged = qp_alloc(n_checks, sizeof *judged);
  for (size_t i = 0; i < n_checks; i++) {
    struct qp_watcher w = {.arg = &judged[i]};
    judged[i] = (struct qp_judged){.evidence = e, .out = &r->checks[i]};
    if (checks[i]->state)
      judged[i].state = qp_alloc(1, checks[i]->state);
    if (!checks[i]->watch || (!e->manifest && checks[i]->needs_run))
      continue;
    checks[i]->watch(&judged[i], &w);
    qp_tracker_watch(e->tracker, &w);
  }
  int got = qp_evidence_read(e, err, err_len);
  if (got) {
    judge_report_free(r);
  } else {
    run_checks(e, judged, r);
    qp_metrics(e, r);
    for (size_t i = 0; i < e->n_files && !r->damage; i++)
      r->damage = e->damage[i] ? qp_copy_text(e->damage[i]) : NULL;
    if (!r->damage && e->key_trouble)
      r->damage = qp_copy_text(e->key_trouble);
    *out = r;
  }
  for (size_t i = 0; i < n_checks; i++) {
    if (checks[i]->clear)
      checks[i]->clear(&judged[i]);
    free(judged[i].state);
  }
  free(judged);
  return got;
}

int judge_run_dir(const char *dir, struct judge_report **out, char *err, size_t err_len) {
  struct qp_evidence e;
  int got = qp_evidence_of_run(&e, dir, NULL, err, err_len);
  if (!got)
    got = judge(&e, out, err, err_len);
  qp_evidence_clear(&e);
  return got;
}

int judge_captures(const char *const *files, size_t n_files, const char *keylog,
                   struct judge_report **out, char *err, size_t err_len) {
  struct qp_evidence e;
  int got = qp_evidence_of_files(&e, files, n_files, keylog, err, err_len);
  if (!got)
    got = judge(&e, out, err, err_len);
  qp_evidence_clear(&e);
  return got;
}

static void free_check(struct judge_check *c) {
  for (size_t i = 0; i < c->n_findings; i++) {
    struct judge_finding *f = &c->findings[i];
    free(f->file), free(f->layer), free(f->field);
    free(f->expected), free(f->actual), free(f->explain);
  }
  free(c->findings);
  free(c->reason);
}

void judge_report_free(struct judge_report *r) {
  if (!r)
    return;
  for (size_t i = 0; i < r->n_checks; i++)
    free_check(&r->checks[i]);
  for (size_t i = 0; i < r->n_subscribers; i++) {
    struct judge_subscriber *s = &r->subscribers[i];
    for (size_t k = 0; k < s->n_drops; k++)
      free(s->drops[k].reason);
    free(s->drops);
    free(s->node);
  }
  free(r->checks), free(r->subscribers);
  free(r->scenario), free(r->mode), free(r->commit), free(r->damage);
  free(r);
}
