/* The congestion envelope: what a correct sender does stays inside, what no correct
 * sender does is beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/check/envelope.h"

enum { LEN = 1200 };
#define MS  UINT64_C(1000000)
#define RTT (20 * MS)

/* A sender at work: awake all the time unless `asleep`. */
struct flow {
  struct qp_envelope v;
  uint64_t now, awake, pn;
  bool asleep;
  uint64_t unread; /* so long do ACKs wait for it */
};

static struct flow flow(void) {
  return (struct flow){.now = 1000 * MS, .v = {.max_ack_delay_ns = 25 * MS}};
}

static void pass(struct flow *f, uint64_t ns) {
  f->now += ns;
  f->awake += f->asleep ? 0 : ns;
}

static uint64_t send_len(struct flow *f, uint32_t len) {
  return qp_envelope_sent(&f->v, f->pn++, len, f->now, f->awake);
}

/* Sends n packets; true: all were allowed. */
static bool sends(struct flow *f, unsigned n) {
  bool all = true;
  for (unsigned i = 0; i < n; i++)
    all &= send_len(f, LEN) == 0;
  return all;
}

static void put(uint8_t **p, uint64_t value) {
  for (int i = 7; i >= 0; i--)
    *(*p)++ = (uint8_t)((value >> (8 * i)) | (i == 7 ? 0xc0 : 0));
}

/* An ACK of lo..hi and, if it is not all one, of 0..below. */
static void ack(struct flow *f, uint64_t lo, uint64_t hi, bool any_below, uint64_t below) {
  uint8_t bytes[64], *p = bytes;
  const char *why;
  struct qp_quic_frame frame;
  *p++ = 0x02;
  put(&p, hi);
  put(&p, 0);
  put(&p, any_below);
  put(&p, hi - lo);
  if (any_below) {
    put(&p, lo - below - 2);
    put(&p, below);
  }
  struct qp_cur c = qp_cur(bytes, (size_t)(p - bytes));
  assert_int_equal(qp_quic_frame_next(&c, &frame, &why), 1);
  qp_envelope_acked(&f->v, &frame, f->now, f->awake, f->now + f->unread);
}

static void ack_all(struct flow *f) {
  ack(f, 0, f->pn - 1, false, 0);
}

static void an_initial_window_is_allowed(void **state) {
  (void)state;
  struct flow f = flow();
  assert_true(sends(&f, (14720 + 2 * LEN) / LEN));
  qp_envelope_clear(&f.v);
}

static void more_than_an_initial_window_is_beyond(void **state) {
  (void)state;
  struct flow f = flow();
  sends(&f, (14720 + 2 * LEN) / LEN);
  assert_false(sends(&f, 1));
  qp_envelope_clear(&f.v);
}

static void what_is_acknowledged_doubles_in_slow_start(void **state) {
  (void)state;
  struct flow f = flow();
  sends(&f, 12);
  pass(&f, RTT);
  ack_all(&f);
  assert_true(sends(&f, 24));
  assert_false(sends(&f, 5));
  qp_envelope_clear(&f.v);
}

/* RFC 9002 7.8 */
static void a_window_that_is_not_used_does_not_grow(void **state) {
  (void)state;
  struct flow f = flow();
  for (unsigned i = 0; i < 1000; i++) {
    sends(&f, 1);
    pass(&f, RTT);
    ack_all(&f);
  }
  assert_true(sends(&f, 3 * 14720 / LEN));
  assert_false(sends(&f, 4));
  qp_envelope_clear(&f.v);
}

/* Twelve packets of which the third is lost; RTT later the window is to be halved.
 * Returns when the latest correct sender knows. */
static struct flow lost_one(bool cubic) {
  struct flow f = flow();
  f.v.cubic = cubic;
  sends(&f, 12);
  pass(&f, RTT);
  ack(&f, 3, 11, true, 1);
  pass(&f, 100 * MS);
  return f;
}

static unsigned allowed_now(struct flow *f) {
  unsigned n = 0;
  f->v.last_sent_ns = f->now; /* no probes */
  while (sends(f, 1))
    n++;
  return n;
}

static void a_loss_halves(void **state) {
  (void)state;
  struct flow f = lost_one(false);
  uint64_t had = f.v.window;
  unsigned n = allowed_now(&f);
  assert_int_equal(f.v.reductions, 1);
  assert_int_equal(n, (had / 2 + 2 * LEN) / LEN);
  qp_envelope_clear(&f.v);
}

static void a_loss_leaves_cubic_seven_tenths(void **state) {
  (void)state;
  struct flow f = lost_one(true);
  uint64_t had = f.v.window;
  unsigned n = allowed_now(&f);
  assert_int_equal(n, (had / 10 * 7 + 2 * LEN) / LEN);
  qp_envelope_clear(&f.v);
}

static void a_process_without_a_turn_need_not_know(void **state) {
  (void)state;
  struct flow f = flow();
  sends(&f, 12);
  pass(&f, RTT);
  ack(&f, 3, 11, true, 1);
  f.asleep = true;
  pass(&f, 100 * MS);
  sends(&f, 1);
  assert_int_equal(f.v.reductions, 0);
  f.asleep = false;
  pass(&f, 10 * MS);
  sends(&f, 1);
  assert_int_equal(f.v.reductions, 1);
  qp_envelope_clear(&f.v);
}

static void a_late_packet_is_no_loss(void **state) {
  (void)state;
  struct flow f = flow();
  sends(&f, 12);
  pass(&f, RTT);
  ack(&f, 3, 11, true, 1);
  pass(&f, 20 * MS);
  ack_all(&f);
  pass(&f, 500 * MS);
  sends(&f, 1);
  assert_int_equal(f.v.reductions, 0);
  assert_int_equal(f.v.in_flight, LEN);
  qp_envelope_clear(&f.v);
}

static void a_loss_that_was_none_is_taken_back(void **state) {
  (void)state;
  struct flow f = lost_one(false);
  uint64_t had = f.v.window;
  sends(&f, 1);
  assert_true(f.v.window < had);
  ack_all(&f);
  assert_true(f.v.window >= had);
  qp_envelope_clear(&f.v);
}

static void losses_of_one_window_halve_once(void **state) {
  (void)state;
  struct flow f = flow();
  sends(&f, 12);
  pass(&f, RTT);
  ack(&f, 11, 11, true, 1);
  pass(&f, 100 * MS);
  sends(&f, 1);
  assert_int_equal(f.v.reductions, 1);
  qp_envelope_clear(&f.v);
}

static void a_later_loss_halves_again(void **state) {
  (void)state;
  struct flow f = lost_one(false);
  sends(&f, 1);
  pass(&f, MS);
  sends(&f, 3); /* 13 to 15 */
  pass(&f, RTT);
  ack(&f, 14, 15, true, 1);
  pass(&f, 100 * MS);
  sends(&f, 1);
  assert_int_equal(f.v.reductions, 2);
  qp_envelope_clear(&f.v);
}

/* What is acknowledged between the loss and the latest time to know of it may have
 * let the reduced window grow. */
static void growth_since_the_loss_is_kept(void **state) {
  (void)state;
  struct flow f = flow();
  sends(&f, 12);
  pass(&f, RTT);
  ack(&f, 3, 11, true, 1);
  uint64_t halved = f.v.shadow;
  for (unsigned i = 0; i < 4; i++) {
    sends(&f, 6);
    pass(&f, 5 * MS);
    ack(&f, 3, f.pn - 1, true, 1);
  }
  assert_true(f.v.shadow > halved);
  pass(&f, 100 * MS);
  sends(&f, 1);
  assert_int_equal(f.v.reductions, 1);
  assert_true(f.v.window > halved);
  qp_envelope_clear(&f.v);
}

static void avoidance_adds_a_datagram_a_window(void **state) {
  (void)state;
  struct flow f = lost_one(false);
  sends(&f, 1);
  uint64_t window = f.v.window;
  sends(&f, (unsigned)(window / LEN) - 1);
  pass(&f, RTT);
  ack(&f, 3, f.pn - 1, true, 1);
  assert_true(f.v.window > window);
  assert_true(f.v.window <= window + LEN + LEN / 2);
  qp_envelope_clear(&f.v);
}

static void a_probe_of_the_mtu_is_no_loss(void **state) {
  (void)state;
  struct flow f = flow();
  sends(&f, 2);
  send_len(&f, 1452);
  sends(&f, 9);
  pass(&f, RTT);
  ack(&f, 3, 11, true, 1);
  pass(&f, 100 * MS);
  sends(&f, 1);
  assert_int_equal(f.v.reductions, 0);
  qp_envelope_clear(&f.v);
}

/* RFC 9002 7.6: nothing of more than a second and a half arrives. */
static struct flow long_outage(bool one_arrives) {
  struct flow f = flow();
  uint64_t from, middle = 0;
  sends(&f, 2);
  pass(&f, RTT);
  ack_all(&f);
  from = f.pn;
  for (unsigned i = 0; i < 10; i++) {
    pass(&f, 250 * MS);
    middle = i == 5 ? f.pn : middle;
    sends(&f, 1);
  }
  pass(&f, RTT);
  sends(&f, 1);
  pass(&f, RTT);
  if (one_arrives)
    ack(&f, middle, middle, true, from - 1);
  ack(&f, f.pn - 1, f.pn - 1, true, from - 1);
  pass(&f, 200 * MS);
  f.v.last_sent_ns = f.now;
  sends(&f, 1);
  return f;
}

static void persistent_congestion_leaves_two_datagrams(void **state) {
  (void)state;
  struct flow f = long_outage(false);
  assert_int_equal(f.v.window, 2 * LEN + LEN); /* and what the ACK that showed it acknowledges */
  qp_envelope_clear(&f.v);
}

/* The sender gave all up at once, and went on; only when nobody can say that it need not have
 * known, is the window that of then. */
static void growth_since_persistent_congestion_is_kept(void **state) {
  (void)state;
  struct flow f = long_outage(false);
  assert_int_equal(f.v.window, 3 * LEN);
  struct flow g = flow();
  sends(&g, 2);
  pass(&g, RTT);
  ack_all(&g);
  for (unsigned i = 0; i < 10; i++) {
    pass(&g, 250 * MS);
    sends(&g, 1);
  }
  g.asleep = true;
  for (unsigned i = 1; i < 4; i++) { /* 1, 2, 3 packets a round trip */
    sends(&g, i);
    pass(&g, RTT);
    ack(&g, 12, g.pn - 1, true, 1);
  }
  pass(&g, 10 * MS);
  assert_int_equal(g.v.reductions, 0);
  g.asleep = false;
  pass(&g, 10 * MS);
  sends(&g, 1);
  assert_int_equal(g.v.reductions, 1);
  assert_int_equal(g.v.window, (2 + 1 + 2 + 3) * LEN);
  qp_envelope_clear(&f.v);
  qp_envelope_clear(&g.v);
}

/* ACKs lie a while where a stalled process does not look: its round trip is longer, and what it
 * gives a packet up after. */
static void a_stalled_sender_gives_up_later(void **state) {
  (void)state;
  for (uint64_t stall = 0; stall <= 200 * MS; stall += 200 * MS) {
    struct flow f = flow();
    sends(&f, 12);
    pass(&f, RTT);
    f.unread = stall;
    ack(&f, 3, 11, true, 1);
    pass(&f, 100 * MS);
    sends(&f, 1);
    assert_int_equal(f.v.reductions, stall == 0);
    pass(&f, 200 * MS);
    sends(&f, 1);
    assert_int_equal(f.v.reductions, 1);
    qp_envelope_clear(&f.v);
  }
}

static void one_that_arrived_is_no_persistent_congestion(void **state) {
  (void)state;
  struct flow f = long_outage(true);
  assert_true(f.v.window > 2 * LEN);
  qp_envelope_clear(&f.v);
}

/* Two senders of one number sequence: a lower number leaves a moment after a higher one, and both
 * are lost with the one before. */
static void losses_that_left_in_another_order_are_one(void **state) {
  (void)state;
  struct flow f = flow();
  sends(&f, 1);
  pass(&f, RTT);
  ack_all(&f);
  sends(&f, 1);
  assert_int_equal(qp_envelope_sent(&f.v, 3, LEN, f.now, f.awake), 0);
  pass(&f, MS);
  assert_int_equal(qp_envelope_sent(&f.v, 2, LEN, f.now, f.awake), 0);
  f.pn = 4;
  sends(&f, 4);
  pass(&f, RTT);
  ack(&f, 4, 7, true, 0);
  pass(&f, 10 * RTT);
  sends(&f, 1);
  assert_int_equal(f.v.reductions, 1);
  assert_true(f.v.window > 2 * LEN);
  qp_envelope_clear(&f.v);
}

static void a_silence_allows_two_probes(void **state) {
  (void)state;
  struct flow f = flow();
  sends(&f, 1);
  pass(&f, RTT);
  ack_all(&f);
  allowed_now(&f);
  pass(&f, RTT + 24 * MS);
  assert_false(sends(&f, 1));
  pass(&f, RTT + 25 * MS);
  assert_true(sends(&f, 2));
  assert_false(sends(&f, 1));
  qp_envelope_clear(&f.v);
}

/* The handshake may have shown a short round trip. */
static void without_a_sample_a_probe_comes_early(void **state) {
  (void)state;
  struct flow f = flow();
  allowed_now(&f);
  pass(&f, 24 * MS);
  assert_false(sends(&f, 1));
  pass(&f, 25 * MS);
  assert_true(sends(&f, 2));
  assert_false(sends(&f, 1));
  qp_envelope_clear(&f.v);
}

static void another_path_begins_anew(void **state) {
  (void)state;
  struct flow f = lost_one(false);
  allowed_now(&f);
  qp_envelope_moved(&f.v, f.now);
  assert_int_equal(f.v.in_flight, 0);
  assert_true(sends(&f, 12));
  qp_envelope_clear(&f.v);
}

/* What was lost on the old path reduces nothing on the new one. */
static void losses_of_the_old_path_do_not_count(void **state) {
  (void)state;
  struct flow f = flow();
  sends(&f, 2);
  pass(&f, RTT);
  ack_all(&f);
  for (unsigned i = 0; i < 10; i++) {
    pass(&f, 250 * MS);
    sends(&f, 1);
  }
  qp_envelope_moved(&f.v, f.now);
  pass(&f, MS);
  sends(&f, 1);
  pass(&f, RTT);
  ack(&f, f.pn - 1, f.pn - 1, true, 1);
  pass(&f, 200 * MS);
  sends(&f, 1);
  assert_int_equal(f.v.reductions, 0);
  assert_true(f.v.window >= 14720);
  qp_envelope_clear(&f.v);
}

static void numbers_out_of_order_are_the_same_flight(void **state) {
  (void)state;
  struct flow f = flow();
  static const uint64_t order[] = {0, 3, 1, 2, 5, 4};
  for (size_t i = 0; i < 6; i++)
    assert_int_equal(qp_envelope_sent(&f.v, order[i], LEN, f.now, f.awake), 0);
  f.pn = 6;
  assert_int_equal(f.v.in_flight, 6 * LEN);
  pass(&f, RTT);
  ack(&f, 4, 5, true, 1);
  assert_int_equal(f.v.in_flight, 0); /* 2 and 3 are a round trip behind */
  assert_int_equal(f.v.suspects, 2);
  qp_envelope_clear(&f.v);
}

static void handshake_packets_count_as_acknowledged(void **state) {
  (void)state;
  struct flow f = flow();
  qp_envelope_handshake(&f.v, 2 * LEN);
  assert_true(sends(&f, 16));
  qp_envelope_clear(&f.v);
}

/* The list stays as long as the flight, however many packets pass. */
static void memory_follows_the_flight(void **state) {
  (void)state;
  struct flow f = flow();
  for (unsigned i = 0; i < 100000; i++) {
    assert_true(sends(&f, 1));
    pass(&f, MS);
    if (i >= 10)
      ack(&f, 0, f.pn - 10, false, 0);
  }
  assert_true(f.v.room <= 2048);
  assert_int_equal(f.v.in_flight, 9 * LEN);
  qp_envelope_clear(&f.v);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_initial_window_is_allowed),
      cmocka_unit_test(more_than_an_initial_window_is_beyond),
      cmocka_unit_test(what_is_acknowledged_doubles_in_slow_start),
      cmocka_unit_test(a_window_that_is_not_used_does_not_grow),
      cmocka_unit_test(a_loss_halves),
      cmocka_unit_test(a_loss_leaves_cubic_seven_tenths),
      cmocka_unit_test(a_process_without_a_turn_need_not_know),
      cmocka_unit_test(a_late_packet_is_no_loss),
      cmocka_unit_test(a_loss_that_was_none_is_taken_back),
      cmocka_unit_test(losses_of_one_window_halve_once),
      cmocka_unit_test(a_later_loss_halves_again),
      cmocka_unit_test(growth_since_the_loss_is_kept),
      cmocka_unit_test(avoidance_adds_a_datagram_a_window),
      cmocka_unit_test(a_probe_of_the_mtu_is_no_loss),
      cmocka_unit_test(persistent_congestion_leaves_two_datagrams),
      cmocka_unit_test(one_that_arrived_is_no_persistent_congestion),
      cmocka_unit_test(growth_since_persistent_congestion_is_kept),
      cmocka_unit_test(a_stalled_sender_gives_up_later),
      cmocka_unit_test(losses_that_left_in_another_order_are_one),
      cmocka_unit_test(a_silence_allows_two_probes),
      cmocka_unit_test(without_a_sample_a_probe_comes_early),
      cmocka_unit_test(another_path_begins_anew),
      cmocka_unit_test(losses_of_the_old_path_do_not_count),
      cmocka_unit_test(numbers_out_of_order_are_the_same_flight),
      cmocka_unit_test(handshake_packets_count_as_acknowledged),
      cmocka_unit_test(memory_follows_the_flight),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
