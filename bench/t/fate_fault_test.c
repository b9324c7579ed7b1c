/* Faults: which packets they choose, what they do to them, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "bench/fate/fate.h"

#define MS         UINT64_C(1000000)
#define BIT(frame) ((fate_frames)1 << FATE_FRAME_##frame)
/* Not chosen by index; not chosen by frame. */
/* NOLINTBEGIN(bugprone-macro-parentheses): designators, no expressions */
#define ANY_INDEX .index_lo = 1, .index_hi = 0
#define ANY_FRAME .frame = -1
/* NOLINTEND(bugprone-macro-parentheses) */

static struct fate_link with(const struct fate_params *params, const struct fate_fault *faults,
                             size_t n) {
  struct fate_link link;
  const char *wrong = fate_link_open(&link, 7, "relay", "sub[0]", params, faults, n);
  if (wrong)
    fail_msg("%s", wrong);
  return link;
}

static struct fate next(struct fate_link *link, fate_frames frames) {
  const struct fate_packet packet = {.len = 1228, .payload_len = 1200, .frames = frames};
  return fate_decide(link, &packet, 0);
}

static const struct fate_params plain;

static void third_ack(void **state) {
  (void)state;
  const struct fate_fault fault = {FATE_FAULT_DROP, .frame = FATE_FRAME_ACK, .nth = 3, ANY_INDEX};
  struct fate_link link = with(&plain, &fault, 1);
  assert_int_equal(link.asked, BIT(ACK));
  for (unsigned i = 0; i < 40; i++) { /* ACKs in packets 0, 5, 10, ... */
    fate_frames frames = BIT(STREAM) | BIT(PADDING) | (i % 5 == 0 ? BIT(ACK) : 0);
    assert_int_equal(next(&link, frames).drop, i == 10 ? FATE_DROP_FAULT : FATE_PASSES);
  }
  assert_int_equal(link.seen[FATE_FRAME_ACK], 8);
  assert_int_equal(link.seen[FATE_FRAME_STREAM], 0); /* nobody asked */
}

static void every_ack(void **state) {
  (void)state;
  const struct fate_fault fault = {FATE_FAULT_DROP, .frame = FATE_FRAME_ACK, ANY_INDEX};
  struct fate_link link = with(&plain, &fault, 1);
  for (unsigned i = 0; i < 40; i++)
    assert_int_equal(next(&link, i % 3 == 0 ? BIT(ACK) | BIT(PING) : BIT(PING)).drop,
                     i % 3 == 0 ? FATE_DROP_FAULT : FATE_PASSES);
}

static void index_range_is_inclusive(void **state) {
  (void)state;
  const struct fate_fault fault = {FATE_FAULT_DELAY, ANY_FRAME, .index_lo = 40, .index_hi = 60,
                                   .by_ns = 3 * MS};
  const struct fate_params params = {.delay_ns = MS};
  struct fate_link link = with(&params, &fault, 1);
  assert_int_equal(link.asked, 0);
  for (uint64_t i = 0; i < 100; i++) {
    const uint64_t expected = i >= 40 && i <= 60 ? 4 * MS : MS;
    assert_int_equal(fate_at(&link, i).delay_ns[0], expected);
    assert_int_equal(next(&link, 0).deliver_at_ns[0], expected);
  }
}

static void frame_and_index_must_both_fit(void **state) {
  (void)state;
  const struct fate_fault fault = {FATE_FAULT_DROP, .frame = FATE_FRAME_DATAGRAM, .index_lo = 2,
                                   .index_hi = 4};
  struct fate_link link = with(&plain, &fault, 1);
  const fate_frames frames[] = {BIT(DATAGRAM), BIT(DATAGRAM), BIT(DATAGRAM),
                                BIT(STREAM),   BIT(DATAGRAM), BIT(DATAGRAM)};
  for (uint64_t i = 0; i < 6; i++) {
    assert_int_equal(fate_at(&link, i).drop, FATE_PASSES); /* not by chance */
    assert_int_equal(next(&link, frames[i]).drop, i == 2 || i == 4 ? FATE_DROP_FAULT : FATE_PASSES);
  }
}

/* What else becomes of a packet does not change whose turn it is. */
static void lost_packets_are_counted(void **state) {
  (void)state;
  const struct fate_fault faults[] = {
      {FATE_FAULT_DROP, ANY_FRAME, .index_lo = 0, .index_hi = 0},
      {FATE_FAULT_DROP, .frame = FATE_FRAME_PING, .nth = 4, ANY_INDEX},
  };
  struct fate_link link = with(&plain, faults, 2);
  assert_int_equal(next(&link, BIT(PING)).drop, FATE_DROP_FAULT);
  fate_link_down(&link);
  assert_int_equal(next(&link, BIT(PING)).drop, FATE_DROP_DOWN);
  fate_link_up(&link);
  assert_int_equal(next(&link, BIT(PING)).drop, FATE_PASSES);
  assert_int_equal(next(&link, BIT(ACK)).drop, FATE_PASSES);
  assert_int_equal(next(&link, BIT(PING)).drop, FATE_DROP_FAULT);
  assert_int_equal(next(&link, BIT(PING)).drop, FATE_PASSES);
}

static void each_frame_counts_alone(void **state) {
  (void)state;
  const struct fate_fault faults[] = {
      {FATE_FAULT_DROP, .frame = FATE_FRAME_ACK, .nth = 2, ANY_INDEX},
      {FATE_FAULT_DUPLICATE, .frame = FATE_FRAME_STREAM, .nth = 2, ANY_INDEX},
      {FATE_FAULT_CORRUPT, .frame = FATE_FRAME_STREAM, .nth = 3, ANY_INDEX},
  };
  struct fate_link link = with(&plain, faults, 3);
  assert_int_equal(link.asked, BIT(ACK) | BIT(STREAM));
  assert_int_equal(next(&link, BIT(ACK) | BIT(STREAM)).copies, 1);
  struct fate fate = next(&link, BIT(STREAM) | BIT(DATAGRAM));
  assert_int_equal(fate.copies, 2);
  assert_false(fate.corrupt);
  fate = next(&link, BIT(STREAM));
  assert_int_equal(fate.copies, 1);
  assert_true(fate.corrupt);
  assert_int_equal(fate.corrupt_bit, fate_corrupt_bit(fate_at(&link, 2).corrupt_draw, 1200));
  assert_int_equal(next(&link, BIT(ACK)).drop, FATE_DROP_FAULT);
}

static void faults_add_up(void **state) {
  (void)state;
  const struct fate_fault faults[] = {
      {FATE_FAULT_DELAY, ANY_FRAME, .index_lo = 0, .index_hi = 9, .by_ns = 2 * MS},
      {FATE_FAULT_DELAY, .frame = FATE_FRAME_ACK, ANY_INDEX, .by_ns = 5 * MS},
      {FATE_FAULT_DUPLICATE, ANY_FRAME, .index_lo = 1, .index_hi = 1},
  };
  const struct fate_params params = {.delay_ns = MS, .duplicate_ppm = FATE_PPM};
  struct fate_link link = with(&params, faults, 3);
  for (int i = 0; i < 2; i++) { /* by chance and by fault: still two */
    struct fate fate = next(&link, BIT(ACK));
    assert_int_equal(fate.copies, 2);
    assert_int_equal(fate.deliver_at_ns[0], 8 * MS);
    assert_int_equal(fate.deliver_at_ns[1], 8 * MS);
  }
}

static void fault_is_named_before_chance(void **state) {
  (void)state;
  const struct fate_fault faults[] = {
      {FATE_FAULT_DROP, ANY_FRAME, .index_lo = 0, .index_hi = 0},
      {FATE_FAULT_DROP, .frame = FATE_FRAME_ACK, ANY_INDEX},
  };
  const struct fate_params params = {
      .loss_ppm = FATE_PPM, .burst = true, .burst_enter_ppm = FATE_PPM, .burst_loss_ppm = FATE_PPM};
  struct fate_link link = with(&params, faults, 2);
  assert_int_equal(next(&link, 0).drop, FATE_DROP_FAULT);
  assert_int_equal(next(&link, BIT(ACK)).drop, FATE_DROP_FAULT);
  assert_int_equal(next(&link, 0).drop, FATE_DROP_BURST);
}

static void refused_faults(void **state) {
  (void)state;
  static const struct {
    const char *names;
    struct fate_fault fault;
  } cases[] = {
      {"neither", {FATE_FAULT_DROP, ANY_FRAME, ANY_INDEX}},
      {"no frame", {FATE_FAULT_DROP, ANY_FRAME, .nth = 1, .index_hi = 3}},
      {"frame of RFC", {FATE_FAULT_DROP, .frame = FATE_N_FRAMES, ANY_INDEX}},
      {"frame of RFC", {FATE_FAULT_DROP, .frame = -2, .index_hi = 3}},
      {"delays", {FATE_FAULT_DELAY, ANY_FRAME, .index_hi = 3, .by_ns = FATE_MAX_NS + 1}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct fate_fault faults[] = {{FATE_FAULT_DROP, .frame = FATE_FRAME_ACK, ANY_INDEX},
                                        cases[i].fault};
    struct fate_link link;
    const char *wrong = fate_link_open(&link, 7, "a", "b", &plain, faults, 2);
    if (!wrong || !strstr(wrong, cases[i].names))
      fail_msg("case %zu: \"%s\"", i, wrong ? wrong : "accepted");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(third_ack),
      cmocka_unit_test(every_ack),
      cmocka_unit_test(index_range_is_inclusive),
      cmocka_unit_test(frame_and_index_must_both_fit),
      cmocka_unit_test(lost_packets_are_counted),
      cmocka_unit_test(each_frame_counts_alone),
      cmocka_unit_test(faults_add_up),
      cmocka_unit_test(fault_is_named_before_chance),
      cmocka_unit_test(refused_faults),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
