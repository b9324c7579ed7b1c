/* The ledger against a model that keeps every number for ever and looks at all
 * of them at each step. Random records, ACKs, failures and timers; fixed seeds. */
#include "relay/fanout/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/t/seeded.h"

#define MS   1000000ull
#define MOST 16384
#define NONE UINT64_MAX

struct mark {
  struct ledger_number n;
  bool taken, late, entered, given_up, by_packets, received;
  uint64_t seen_ns;
  unsigned spurious;
};

struct model {
  struct mark mark[MOST];
  uint64_t end, base, floor, largest, threshold, now, floor_due;
  uint64_t srtt, var, min_rtt, latest, last_sent, last_probe, path_from;
  bool has_rtt;
  unsigned pto_count, probes;
};

/* What the ledger told. */
struct told {
  struct ledger_number n[MOST];
  unsigned settled[MOST], spurious[MOST], probes;
};

static void on_settled(void *arg, const struct ledger_number *n) {
  struct told *t = arg;

  t->n[n->pn] = *n;
  t->settled[n->pn]++;
}

static void on_spurious(void *arg, const struct ledger_number *n) {
  ((struct told *)arg)->spurious[n->pn]++;
}

static void on_probe(void *arg, unsigned count) {
  ((struct told *)arg)->probes += count;
}

static const struct ledger_ops ops = {
    .settled = on_settled, .spurious = on_spurious, .probe = on_probe};

/* ---- the model ---- */

static uint64_t most(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static bool ours(const struct mark *k) {
  return k->n.origin != LEDGER_OWN && k->n.origin != LEDGER_BURNED;
}

static bool inflight(const struct mark *k) {
  return k->entered && k->n.fate == LEDGER_OUTSTANDING && k->n.ack_eliciting;
}

static uint64_t loss_delay(const struct model *m) {
  uint64_t rtt = most(m->srtt, m->latest);
  return most(rtt + rtt / 8, MS);
}

static uint64_t pto(const struct model *m) {
  return m->srtt + most(4 * m->var, MS) + 25 * MS;
}

static void reach(struct model *m, uint64_t pn, uint64_t now) {
  for (; m->end <= pn; m->end++)
    m->mark[m->end].seen_ns = now;
}

static void settle(struct model *m, uint64_t pn, enum ledger_fate fate, uint64_t now) {
  m->mark[pn].n.fate = fate;
  m->mark[pn].n.fate_ns = now;
}

static uint64_t due(const struct model *m, uint64_t pn) {
  const struct mark *k = &m->mark[pn];
  bool below = m->largest != NONE && pn < m->largest;
  uint64_t wait = k->entered ? 3 * pto(m) : most(3 * pto(m), LEDGER_RECORD_WAIT_NS);
  uint64_t from = k->entered ? k->n.sent_ns : k->seen_ns;

  if (inflight(k))
    return NONE;
  if (below && m->largest - pn > LEDGER_PATIENCE)
    return 0;
  if (below || (k->entered && !k->n.ack_eliciting && m->end - pn > LEDGER_UNASKED))
    return from + wait;
  return NONE;
}

static void move_floor(struct model *m, uint64_t now) {
  m->floor_due = NONE;
  for (m->floor = 0; m->floor < m->end; m->floor++) {
    struct mark *k = &m->mark[m->floor];
    if (k->entered ? k->n.fate != LEDGER_OUTSTANDING : k->given_up)
      continue;
    m->floor_due = due(m, m->floor);
    if (m->floor_due > now)
      break;
    m->floor_due = NONE;
    if (k->entered)
      settle(m, m->floor, LEDGER_LOST, m->now);
    else
      k->given_up = true;
  }
  for (; m->base < m->floor; m->base++) {
    const struct mark *k = &m->mark[m->base];
    if (k->entered && (k->n.fate == LEDGER_LOST || k->n.fate == LEDGER_NEVER_SENT) &&
        m->floor - m->base <= LEDGER_HISTORY && m->now < k->n.fate_ns + 3 * pto(m))
      break;
  }
}

static void detect(struct model *m, uint64_t now) {
  for (uint64_t pn = 0; pn < m->end && m->largest != NONE && pn < m->largest; pn++) {
    struct mark *k = &m->mark[pn];
    bool far = pn + m->threshold <= m->largest;
    if (!inflight(k))
      continue;
    k->by_packets = far;
    if (far || k->n.sent_ns + loss_delay(m) <= now)
      settle(m, pn, LEDGER_LOST, now);
  }
}

static void model_enter(struct model *m, const struct ledger_number *n) {
  struct mark *k = &m->mark[n->pn];
  enum ledger_fate early = LEDGER_OUTSTANDING;
  uint64_t early_ns;

  m->now = most(m->now, n->sent_ns);
  early_ns = m->now;
  if (n->pn >= m->base) {
    reach(m, n->pn, n->sent_ns);
    early = k->n.fate;
    if (early != LEDGER_OUTSTANDING)
      early_ns = k->n.fate_ns;
  }
  if (early == LEDGER_OUTSTANDING && n->origin == LEDGER_BURNED)
    early = LEDGER_NEVER_SENT;
  if (early == LEDGER_OUTSTANDING && k->given_up)
    early = LEDGER_LOST;
  k->n = *n;
  k->n.fate = early;
  k->n.fate_ns = early_ns;
  k->entered = true;
  if (n->pn < m->base)
    return;
  if (n->ack_eliciting)
    m->last_sent = most(m->last_sent, n->sent_ns);
  move_floor(m, 0);
}

static void model_rtt(struct model *m, uint64_t sent, uint64_t delay_raw, uint64_t now) {
  uint64_t delay = least(delay_raw * 8000, 25 * MS), adjusted;

  m->latest = now > sent ? now - sent : 1;
  if (!m->has_rtt) {
    m->has_rtt = true;
    m->srtt = m->min_rtt = m->latest;
    m->var = m->latest / 2;
    return;
  }
  m->min_rtt = least(m->min_rtt, m->latest);
  adjusted = m->latest >= m->min_rtt + delay ? m->latest - delay : m->latest;
  m->var = (3 * m->var + (m->srtt > adjusted ? m->srtt - adjusted : adjusted - m->srtt)) / 4;
  m->srtt = (7 * m->srtt + adjusted) / 8;
}

static void model_ack(struct model *m, const struct shim_range *r, size_t n, uint64_t delay_raw,
                      uint64_t now) {
  uint64_t before = m->largest, top = r[0].hi, sent = 0;
  bool any = false, eliciting = false, fresh = false;

  m->now = most(m->now, now);
  reach(m, top, now);
  m->largest = before == NONE ? top : most(before, top);
  for (uint64_t pn = m->base; pn <= top; pn++) {
    struct mark *k = &m->mark[pn];
    bool covered = false;
    for (size_t i = 0; i < n; i++)
      covered |= r[i].lo <= pn && pn <= r[i].hi;
    if (!covered || k->n.fate == LEDGER_ACKED)
      continue;
    if (k->entered && k->n.fate != LEDGER_OUTSTANDING) {
      if (k->n.fate == LEDGER_LOST && k->by_packets && before != NONE && before > pn)
        m->threshold = most(m->threshold, least(before - pn + 1, LEDGER_MAX_THRESHOLD));
      k->spurious++;
    } else {
      any = true;
      eliciting |= k->entered && k->n.ack_eliciting;
      if (pn == top && k->entered && pn >= m->path_from) {
        fresh = true;
        sent = k->n.sent_ns;
      }
    }
    settle(m, pn, LEDGER_ACKED, now);
  }
  if (fresh && eliciting)
    model_rtt(m, sent, delay_raw, now);
  if (any)
    m->pto_count = 0;
  detect(m, now);
  move_floor(m, now);
}

static void model_failed(struct model *m, uint64_t pn, uint64_t now) {
  m->now = most(m->now, now);
  if (pn < m->base)
    return;
  reach(m, pn, now);
  if (m->mark[pn].n.fate != LEDGER_OUTSTANDING)
    return;
  settle(m, pn, LEDGER_NEVER_SENT, now);
  move_floor(m, now);
}

static void model_new_path(struct model *m, uint64_t from, uint64_t rtt) {
  m->path_from = most(m->path_from, from);
  m->has_rtt = false;
  m->latest = 0;
  m->srtt = rtt;
  m->var = rtt / 2;
  m->pto_count = 0;
  detect(m, m->now);
  move_floor(m, m->now);
}

static uint64_t count(const struct model *m, uint64_t *bytes, uint64_t *eliciting) {
  uint64_t n = 0;

  *bytes = *eliciting = 0;
  for (uint64_t pn = 0; pn < m->end; pn++)
    if (inflight(&m->mark[pn])) {
      n += ours(&m->mark[pn]);
      *bytes += pn < m->path_from ? 0 : m->mark[pn].n.bytes;
      *eliciting += ours(&m->mark[pn]);
    }
  return n;
}

static uint64_t model_timer(const struct model *m, bool *is_loss) {
  uint64_t t = NONE, bytes, eliciting;

  for (uint64_t pn = 0; m->largest != NONE && pn < m->largest; pn++)
    if (inflight(&m->mark[pn]))
      t = least(t, m->mark[pn].n.sent_ns + loss_delay(m));
  *is_loss = t != NONE;
  count(m, &bytes, &eliciting);
  if (t == NONE && eliciting)
    t = most(m->last_sent, m->last_probe) + (pto(m) << m->pto_count);
  return t;
}

static void model_expiry(struct model *m, uint64_t now) {
  bool is_loss;
  uint64_t t = model_timer(m, &is_loss), bytes, eliciting;

  m->now = most(m->now, now);
  if (is_loss) {
    detect(m, now);
  } else if (t <= now) {
    count(m, &bytes, &eliciting);
    m->probes += eliciting > 1 ? 2 : 1;
    m->last_probe = now;
    m->pto_count++;
  }
  move_floor(m, now);
}

/* ---- both together ---- */

struct pair {
  struct model m;
  struct told t;
  struct ledger *l;
  uint64_t seed, now, next, step_ns;
  unsigned lost_records;
};

static void compare(struct pair *p, bool all) {
  uint64_t bytes, eliciting, n = count(&p->m, &bytes, &eliciting), missing = 0;

  assert_int_equal(ledger_inflight(p->l), n);
  assert_int_equal(ledger_inflight_bytes(p->l), bytes);
  assert_int_equal(ledger_floor(p->l), p->m.floor);
  assert_true(ledger_largest_acked(p->l) == p->m.largest);
  assert_int_equal(p->t.probes, p->m.probes);
  assert_int_equal(ledger_smoothed_rtt(p->l), p->m.has_rtt ? p->m.srtt : 0);
  for (uint64_t pn = 0; pn < p->m.end; pn++)
    missing += p->m.mark[pn].given_up && !p->m.mark[pn].entered;
  assert_int_equal(ledger_missing(p->l), missing);
  for (uint64_t pn = 0; all && pn < p->m.end; pn++) {
    const struct mark *k = &p->m.mark[pn];
    bool settled = k->entered && k->n.fate != LEDGER_OUTSTANDING;
    assert_int_equal(p->t.settled[pn], settled);
    assert_int_equal(p->t.spurious[pn], k->spurious);
    if (settled && !k->spurious) {
      assert_int_equal(p->t.n[pn].fate, k->n.fate);
      assert_int_equal(p->t.n[pn].fate_ns, k->n.fate_ns);
      assert_int_equal(p->t.n[pn].origin, k->n.origin);
    }
  }
}

static void compare_deadline(struct pair *p) {
  bool is_loss;
  uint64_t want = least(model_timer(&p->m, &is_loss), p->m.floor_due);

  assert_true(ledger_deadline(p->l) == want);
}

static void enter(struct pair *p, uint64_t pn) {
  struct mark *k = &p->m.mark[pn];
  struct ledger_number n = k->n;
  bool twice = k->entered;

  if (twice) {
    assert_int_equal(ledger_enter(p->l, &n), -1);
    return;
  }
  n.sent_ns = k->late ? p->now - seeded_below(&p->seed, 3 * MS) : p->now;
  assert_int_equal(ledger_enter(p->l, &n), 0);
  /* Fate of a mark without a record is what came early: keep it. */
  model_enter(&p->m, &n);
}

static void take(struct pair *p) {
  static const enum ledger_origin origins[] = {LEDGER_FAST, LEDGER_FAST, LEDGER_FAST, LEDGER_SLOW,
                                               LEDGER_OWN,  LEDGER_OWN,  LEDGER_PROBE};
  struct mark *k = &p->m.mark[p->next];

  k->taken = true;
  k->n.pn = p->next;
  k->n.origin = seeded_chance(&p->seed, 2) ? LEDGER_BURNED : origins[seeded_below(&p->seed, 7)];
  k->n.bytes = 40 + (uint32_t)seeded_below(&p->seed, 1200);
  k->n.ack_eliciting =
      k->n.origin == LEDGER_OWN ? seeded_chance(&p->seed, 50) : k->n.origin != LEDGER_BURNED;
  k->late = seeded_chance(&p->seed, 10);
  k->received = seeded_chance(&p->seed, 90);
  if (!k->late)
    enter(p, p->next);
  p->next++;
}

static void ack(struct pair *p) {
  struct shim_range r[64];
  uint64_t top = p->next, bottom = p->next > 400 ? p->next - 400 : 0;
  size_t n = 0;

  for (uint64_t i = seeded_below(&p->seed, 30); top > bottom && i > 0; i--)
    top--; /* the newest are still on their way */
  if (seeded_chance(&p->seed, 5))
    bottom = 0;
  for (uint64_t pn = top; pn > bottom && n < 64; pn--) {
    struct mark *k = &p->m.mark[pn - 1];
    k->received |= seeded_chance(&p->seed, 1); /* reordered, or resent ACK state */
    if (!k->received)
      continue;
    if (n && r[n - 1].lo == pn)
      r[n - 1].lo = pn - 1;
    else
      r[n++] = (struct shim_range){pn - 1, pn - 1};
  }
  if (n) {
    uint64_t delay = seeded_below(&p->seed, 4000);
    model_ack(&p->m, r, n, delay, p->now);
    ledger_ack(p->l, r, n, delay, p->now);
    compare_deadline(p);
  }
}

static void expire(struct pair *p) {
  uint64_t deadline = ledger_deadline(p->l);
  bool is_loss;

  if (deadline == NONE)
    return;
  if (seeded_chance(&p->seed, 70) && deadline > p->now && deadline - p->now < 500 * p->step_ns)
    p->now = deadline;
  if (model_timer(&p->m, &is_loss) != NONE || p->m.floor_due != NONE) {
    model_expiry(&p->m, p->now);
    ledger_expiry(p->l, p->now);
    compare_deadline(p);
  }
}

static void step(struct pair *p) {
  uint64_t what = seeded_below(&p->seed, 100), pn = p->next ? seeded_below(&p->seed, p->next) : 0;

  p->now += seeded_below(&p->seed, p->step_ns);
  if (what < 60 || p->next < 5) {
    take(p);
  } else if (what < 80) {
    ack(p);
  } else if (what < 92) { /* late records, and second ones */
    for (uint64_t i = 0; i < 40 && pn + i < p->next; i++)
      if (p->m.mark[pn + i].late && !seeded_chance(&p->seed, p->lost_records)) {
        enter(p, pn + i);
        p->m.mark[pn + i].late = false;
      }
    enter(p, pn % 2 ? p->next - 1 : pn);
  } else if (what == 92 && seeded_chance(&p->seed, 5)) {
    model_new_path(&p->m, p->next, 20 * MS);
    ledger_new_path(p->l, p->next, 20 * MS);
  } else if (what < 94) {
    model_failed(&p->m, pn, p->now);
    ledger_failed(p->l, pn, p->now);
  } else {
    expire(p);
  }
}

static void play(uint64_t seed, unsigned steps, uint64_t step_ns, unsigned lost_records) {
  struct pair *p = calloc(1, sizeof(*p));
  const struct ledger_config config = {.ops = &ops,
                                       .arg = &p->t,
                                       .initial_rtt_ns = 50 * MS,
                                       .max_ack_delay_ns = 25 * MS,
                                       .ack_delay_exponent = 3};

  p->l = ledger_new(&config);
  p->seed = seed;
  p->now = 100 * MS;
  p->step_ns = step_ns;
  p->lost_records = lost_records;
  p->m.largest = p->m.floor_due = NONE;
  p->m.threshold = LEDGER_PACKET_THRESHOLD;
  p->m.srtt = 50 * MS;
  p->m.var = 25 * MS;
  for (unsigned i = 0; i < steps; i++) {
    step(p);
    if (i % 8 == 0)
      compare(p, i % 64 == 0);
  }
  compare(p, true);
  ledger_free(p->l);
  free(p);
}

static void short_runs(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 60; seed++)
    play(seed, 600, (seed % 3 + 1) * MS, seed % 2 ? 0 : 50);
}

static void slow_senders_give_up_by_time(void **state) {
  (void)state;
  for (uint64_t seed = 100; seed < 110; seed++)
    play(seed, 1500, 40 * MS, 90);
}

static void fast_senders_give_up_by_distance(void **state) {
  (void)state;
  play(7, 14000, MS / 500, 99);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(short_runs),
      cmocka_unit_test(slow_senders_give_up_by_time),
      cmocka_unit_test(fast_senders_give_up_by_distance),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
