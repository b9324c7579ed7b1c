#include "relay/t/ledger_owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void on_settled(void *arg, const struct ledger_number *number) {
  struct owner *o = arg;

  assert_true(number->pn < MOST);
  assert_int_not_equal(number->fate, LEDGER_OUTSTANDING);
  o->settled[number->pn] = *number;
  if (number->n_pieces)
    o->first_piece[number->pn] = number->pieces[number->n_pieces - 1];
  o->n_settled[number->pn]++;
  o->settled_calls++;
}

static void on_spurious(void *arg, const struct ledger_number *number) {
  struct owner *o = arg;

  assert_int_equal(number->fate, LEDGER_ACKED);
  o->n_spurious[number->pn]++;
  o->spurious_calls++;
  o->spurious_old += number->other_path;
}

static void on_probe(void *arg, unsigned count) {
  struct owner *o = arg;

  o->probe_calls++;
  o->probes += count;
  while (o->enter_probes && count--) {
    struct ledger_number n = {.pn = o->next++,
                              .origin = LEDGER_PROBE,
                              .sent_ns = o->probe_ns,
                              .bytes = 30,
                              .ack_eliciting = true};
    assert_int_equal(ledger_enter(o->ledger, &n), 0);
  }
}

static const struct ledger_ops ops = {
    .settled = on_settled, .spurious = on_spurious, .probe = on_probe};

int owner_setup(void **state) {
  struct owner *o = calloc(1, sizeof(*o));
  const struct ledger_config config = {.ops = &ops,
                                       .arg = o,
                                       .initial_rtt_ns = 100 * MS,
                                       .max_ack_delay_ns = 25 * MS,
                                       .ack_delay_exponent = 3};

  o->ledger = ledger_new(&config);
  *state = o;
  return o->ledger ? 0 : -1;
}

int owner_teardown(void **state) {
  struct owner *o = *state;

  ledger_free(o->ledger);
  free(o);
  return 0;
}

struct ledger_number owner_number(uint64_t pn, enum ledger_origin origin, uint64_t sent_ns) {
  const bool eliciting = origin != LEDGER_BURNED;

  return (struct ledger_number){.pn = pn,
                                .own = pn,
                                .origin = origin,
                                .sent_ns = sent_ns,
                                .bytes = 1000,
                                .ack_eliciting = eliciting};
}

void owner_enter(struct owner *o, uint64_t pn, enum ledger_origin origin, uint64_t sent_ns) {
  struct ledger_number n = owner_number(pn, origin, sent_ns);

  assert_int_equal(ledger_enter(o->ledger, &n), 0);
}

void owner_enter_unasked(struct owner *o, uint64_t pn) {
  struct ledger_number n = owner_number(pn, LEDGER_OWN, 0);

  n.ack_eliciting = false;
  assert_int_equal(ledger_enter(o->ledger, &n), 0);
}

void owner_enter_all(struct owner *o, uint64_t lo, uint64_t hi, enum ledger_origin origin,
                     uint64_t sent_ns) {
  for (uint64_t pn = lo; pn <= hi; pn++)
    owner_enter(o, pn, origin, sent_ns);
}

void owner_ack(struct owner *o, uint64_t lo, uint64_t hi, uint64_t now_ns) {
  struct shim_range range = {lo, hi};

  ledger_ack(o->ledger, &range, 1, 0, now_ns);
}

void owner_fate(const struct owner *o, uint64_t lo, uint64_t hi, enum ledger_fate fate) {
  for (uint64_t pn = lo; pn <= hi; pn++) {
    assert_int_equal(o->n_settled[pn], fate != LEDGER_OUTSTANDING);
    assert_int_equal(o->settled[pn].fate, fate);
  }
}
