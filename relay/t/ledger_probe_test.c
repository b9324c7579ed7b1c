/* Two who probe one path: the ledger and ngtcp2 (RFC 9002 6.2.4: two packets a timeout). */
#include "relay/fanout/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
/* 100 + 4 * 50 + 25 */
#define PTO (325 * MS)

struct owner {
  struct ledger *ledger;
  unsigned probes;
};

static void on_settled(void *arg, const struct ledger_number *number) {
  (void)arg;
  (void)number;
}

static void on_probe(void *arg, unsigned count) {
  ((struct owner *)arg)->probes += count;
}

static const struct ledger_ops ops = {
    .settled = on_settled, .spurious = on_settled, .probe = on_probe};

static void begin(struct owner *o) {
  o->ledger = ledger_new(&(struct ledger_config){.ops = &ops,
                                                 .arg = o,
                                                 .initial_rtt_ns = 100 * MS,
                                                 .max_ack_delay_ns = 25 * MS,
                                                 .ack_delay_exponent = 3});
  assert_non_null(o->ledger);
}

static void enter(struct owner *o, uint64_t pn, enum ledger_origin origin, uint64_t now_ns) {
  const struct ledger_number number = {.pn = pn,
                                       .own = origin == LEDGER_OWN ? pn : LEDGER_NO_OWN,
                                       .origin = origin,
                                       .sent_ns = now_ns,
                                       .bytes = 100,
                                       .ack_eliciting = true};
  assert_int_equal(ledger_enter(o->ledger, &number), 0);
}

static void slack_is_part_of_the_timeout(void **state) {
  struct owner o = {0};
  (void)state;
  begin(&o);
  assert_int_equal(ledger_slack(o.ledger), 0); /* nothing is due */
  enter(&o, 0, LEDGER_FAST, 10 * MS);
  assert_int_equal(ledger_slack(o.ledger), PTO / 8);
  ledger_expiry(o.ledger, 10 * MS + PTO);
  assert_int_equal(ledger_slack(o.ledger), 2 * PTO / 8); /* backs off with it */
  /* a loss timer waits for nobody */
  enter(&o, 1, LEDGER_FAST, 400 * MS);
  const struct shim_range range = {1, 1};
  ledger_ack(o.ledger, &range, 1, 0, 401 * MS);
  assert_int_equal(ledger_slack(o.ledger), 0);
  ledger_free(o.ledger);
}

/* ngtcp2 probes when the ledger's timeout is due: the ledger leaves it at that, and backs off. */
static void somebody_elses_probe_counts(void **state) {
  struct owner o = {0};
  const uint64_t due = 10 * MS + PTO;
  (void)state;
  begin(&o);
  enter(&o, 0, LEDGER_FAST, 10 * MS);
  ledger_probed(o.ledger, due - 1); /* not due: a packet like any other */
  assert_int_equal(ledger_deadline(o.ledger), due);
  for (uint64_t pn = 1; pn <= 2; pn++) {
    ledger_probed(o.ledger, due + MS);
    enter(&o, pn, LEDGER_OWN, due + MS);
  }
  ledger_expiry(o.ledger, due + MS);
  assert_int_equal(o.probes, 0);
  assert_int_equal(ledger_deadline(o.ledger), due + MS + 2 * PTO);
  ledger_expiry(o.ledger, due + MS + 2 * PTO);
  assert_int_equal(o.probes, 1); /* one number of its own is in flight */
  ledger_free(o.ledger);
}

/* ngtcp2 counts its timeout from its own last packet, which may long be overtaken: nothing is due. When
 * it is, two may leave. */
static void a_probe_over_the_window_waits_for_the_joint_timeout(void **state) {
  struct owner o = {0};
  const uint64_t due = 200 * MS + PTO;
  (void)state;
  begin(&o);
  enter(&o, 0, LEDGER_OWN, 10 * MS);
  enter(&o, 1, LEDGER_FAST, 200 * MS);
  assert_false(ledger_may_probe(o.ledger, 10 * MS + PTO));
  ledger_probed(o.ledger, 10 * MS + PTO); /* the window had room for it */
  assert_false(ledger_may_probe(o.ledger, 10 * MS + PTO));
  assert_false(ledger_may_probe(o.ledger, due - 1));
  assert_true(ledger_may_probe(o.ledger, due));
  ledger_probed(o.ledger, due);
  enter(&o, 2, LEDGER_OWN, due);
  assert_true(ledger_may_probe(o.ledger, due));
  enter(&o, 3, LEDGER_OWN, due);
  assert_false(ledger_may_probe(o.ledger, due + 1));
  assert_false(ledger_may_probe(o.ledger, due + PTO));
  assert_true(ledger_may_probe(o.ledger, due + 2 * PTO));
  ledger_free(o.ledger);
}

/* With nothing of the ledger's in flight its timeout is not armed; ngtcp2's packets may fill the window. */
static void a_probe_for_ngtcp2s_own_packets_may_leave(void **state) {
  struct owner o = {0};
  (void)state;
  begin(&o);
  enter(&o, 0, LEDGER_OWN, 10 * MS);
  assert_int_equal(ledger_deadline(o.ledger), UINT64_MAX);
  assert_false(ledger_may_probe(o.ledger, 10 * MS + PTO - 1));
  assert_true(ledger_may_probe(o.ledger, 10 * MS + PTO));
  ledger_probed(o.ledger, 10 * MS + PTO);
  enter(&o, 1, LEDGER_OWN, 10 * MS + PTO);
  assert_true(ledger_may_probe(o.ledger, 10 * MS + PTO)); /* the second of two */
  assert_false(ledger_may_probe(o.ledger, 11 * MS + PTO));
  ledger_free(o.ledger);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(slack_is_part_of_the_timeout),
      cmocka_unit_test(somebody_elses_probe_counts),
      cmocka_unit_test(a_probe_over_the_window_waits_for_the_joint_timeout),
      cmocka_unit_test(a_probe_for_ngtcp2s_own_packets_may_leave),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
