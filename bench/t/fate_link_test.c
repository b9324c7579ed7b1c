/* What a link does by chance: exact counts for a seed, and that packet N meets
 * the same fate however it is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bench/fate/fate.h"

#define MS UINT64_C(1000000)
#define N  100000u

static const struct fate_packet full = {.len = 1228, .payload_len = 1200};

/* relay>sub[0] with seed 7. */
static struct fate_link opened(struct fate_params params) {
  struct fate_link link;
  const char *wrong = fate_link_open(&link, 7, "relay", "sub[0]", &params, NULL, 0);
  if (wrong)
    fail_msg("%s", wrong);
  return link;
}

static const struct fate_params mixed = {
    .delay_ns = 10 * MS,
    .jitter_ns = 2 * MS,
    .loss_ppm = 10000,
    .duplicate_ppm = 5000,
    .corrupt_ppm = 20000,
    .reorder_ppm = 2500,
    .reorder_by_ns = 3 * MS,
    .rate_bps = 14000000,
    .queue_bytes = 16384,
    .burst = true,
    .burst_enter_ppm = 10000,
    .burst_leave_ppm = 300000,
    .burst_loss_ppm = 900000,
};

static void plain_wire_does_nothing(void **state) {
  (void)state;
  struct fate_link link = opened((struct fate_params){0});
  for (uint64_t i = 0; i < 1000; i++) {
    struct fate fate = fate_decide(&link, &full, i * 10);
    assert_int_equal(fate.index, i);
    assert_int_equal(fate.drop, FATE_PASSES);
    assert_int_equal(fate.copies, 1);
    assert_int_equal(fate.deliver_at_ns[0], i * 10);
    assert_false(fate.corrupt || fate.reordered);
  }
}

/* The counts come from a second implementation, in another language. */
static void counts_for_a_seed(void **state) {
  (void)state;
  unsigned lost = 0, doubled = 0, corrupted = 0, reordered = 0;
  struct fate_link lossy = opened((struct fate_params){.loss_ppm = 10000});
  struct fate_link rest = opened((struct fate_params){
      .duplicate_ppm = 5000, .corrupt_ppm = 20000, .reorder_ppm = 2500, .reorder_by_ns = 1});
  for (unsigned i = 0; i < N; i++) {
    struct fate fate = fate_decide(&lossy, &full, 0);
    lost += fate.drop == FATE_DROP_LOSS;
    assert_int_equal(fate.copies, fate.drop == FATE_PASSES);
    fate = fate_decide(&rest, &full, 0);
    doubled += fate.copies == 2;
    corrupted += fate.corrupt;
    reordered += fate.reordered;
    assert_int_equal(fate.deliver_at_ns[0], fate.reordered);
  }
  assert_int_equal(lost, 985);
  assert_int_equal(doubled, 529);
  assert_int_equal(corrupted, 1932);
  assert_int_equal(reordered, 228);
}

static void none_and_all(void **state) {
  (void)state;
  struct fate_link all = opened((struct fate_params){.loss_ppm = FATE_PPM});
  struct fate_link least = opened((struct fate_params){.loss_ppm = 1});
  unsigned lost = 0;
  for (unsigned i = 0; i < N; i++) {
    assert_int_equal(fate_decide(&all, &full, 0).drop, FATE_DROP_LOSS);
    lost += fate_decide(&least, &full, 0).drop == FATE_DROP_LOSS;
  }
  assert_true(lost < 3);
}

static void first_losses(void **state) {
  (void)state;
  static const uint64_t expected[] = {22, 185, 193, 234, 428};
  struct fate_link link = opened((struct fate_params){.loss_ppm = 10000});
  size_t n = 0;
  for (uint64_t i = 0; i <= 428; i++)
    if (fate_at(&link, i).drop == FATE_DROP_LOSS)
      assert_int_equal(i, expected[n++]);
  assert_int_equal(n, 5);
}

static uint64_t folded(uint64_t hash, uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8)
    hash = (hash ^ (value >> shift & 255)) * UINT64_C(0x100000001b3);
  return hash;
}

/* All of it together, against the second implementation: one number for every
 * compiler and machine. */
static void digest_of_everything(void **state) {
  (void)state;
  struct fate_link link = opened(mixed);
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  unsigned dropped[FATE_DROP_QUEUE + 1] = {0};
  for (uint32_t i = 0; i < 20000; i++) {
    const uint32_t len = 228 + i * 37 % 1000;
    const struct fate_packet packet = {.len = len, .payload_len = len - 28};
    struct fate fate = fate_decide(&link, &packet, i * UINT64_C(400000));
    dropped[fate.drop]++;
    hash = folded(hash, fate.drop);
    if (fate.drop != FATE_PASSES)
      continue;
    hash = folded(hash, (uint64_t)fate.copies);
    for (int copy = 0; copy < fate.copies; copy++)
      hash = folded(hash, fate.deliver_at_ns[copy]);
    hash = folded(hash, fate.corrupt ? 1 + fate.corrupt_bit : 0);
  }
  assert_int_equal(dropped[FATE_DROP_LOSS], 197);
  assert_int_equal(dropped[FATE_DROP_BURST], 649);
  assert_int_equal(dropped[FATE_DROP_QUEUE], 18);
  assert_int_equal(dropped[FATE_DROP_DOWN] + dropped[FATE_DROP_FAULT], 0);
  assert_int_equal(hash, UINT64_C(0x13450b8a6d27091e));
}

static void assert_same(const struct fate_chance *a, const struct fate_chance *b, uint64_t index) {
  if (a->drop != b->drop || a->duplicate != b->duplicate || a->corrupt != b->corrupt ||
      a->reordered != b->reordered || a->corrupt_draw != b->corrupt_draw ||
      a->delay_ns[0] != b->delay_ns[0] || a->delay_ns[1] != b->delay_ns[1])
    fail_msg("packet %llu differs", (unsigned long long)index);
}

static void order_of_questions_is_nothing(void **state) {
  (void)state;
  enum { COUNT = 3000 };
  static struct fate_chance forward[COUNT];
  struct fate_link link = opened(mixed);
  for (unsigned i = 0; i < COUNT; i++)
    forward[i] = fate_at(&link, i);
  for (unsigned i = COUNT; i-- > 0;) {
    struct fate_chance chance = fate_at(&link, i);
    assert_same(&chance, &forward[i], i);
  }
  for (unsigned i = 0; i < COUNT; i++) { /* 1,009 is prime to 3,000: each once */
    unsigned index = i * 1009 % COUNT;
    struct fate_chance chance = fate_at(&link, index);
    assert_same(&chance, &forward[index], index);
  }
}

/* In order, without a line that could be busy: exactly what chance says. And a
 * jump to any packet, back too. */
static void deciding_is_asking(void **state) {
  (void)state;
  struct fate_params params = mixed;
  params.rate_bps = 0;
  struct fate_link link = opened(params);
  for (unsigned i = 0; i < 5000; i++) {
    if (i % 7 == 0)
      link.index = (uint64_t)i * i % 4999;
    struct fate_chance chance = fate_at(&link, link.index);
    const uint64_t now_ns = i * 13u;
    struct fate fate = fate_decide(&link, &full, now_ns);
    assert_int_equal(fate.drop, chance.drop);
    if (chance.drop != FATE_PASSES)
      continue;
    assert_int_equal(fate.copies, chance.duplicate ? 2 : 1);
    assert_int_equal(fate.deliver_at_ns[0], now_ns + chance.delay_ns[0]);
    if (chance.duplicate)
      assert_int_equal(fate.deliver_at_ns[1], now_ns + chance.delay_ns[1]);
    assert_int_equal(fate.corrupt, chance.corrupt);
    if (chance.corrupt)
      assert_int_equal(fate.corrupt_bit, fate_corrupt_bit(chance.corrupt_draw, 1200));
  }
}

/* Timing, sizes and other impairments do not choose who is lost. */
static void losses_stay_whatever_else_happens(void **state) {
  (void)state;
  struct fate_params busy = mixed;
  busy.burst = false;
  busy.queue_bytes = 0;
  struct fate_link alone = opened((struct fate_params){.loss_ppm = 10000});
  struct fate_link among = opened(busy);
  for (uint64_t i = 0; i < 20000; i++) {
    const struct fate_packet small = {.len = 40 + (uint32_t)(i % 1000), .payload_len = 12};
    assert_int_equal(fate_decide(&alone, &full, 0).drop, fate_decide(&among, &small, i * i).drop);
  }
}

static void more_loss_is_the_same_and_more(void **state) {
  (void)state;
  struct fate_link some = opened((struct fate_params){.loss_ppm = 10000});
  struct fate_link more = opened((struct fate_params){.loss_ppm = 200000});
  unsigned lost = 0;
  for (unsigned i = 0; i < N; i++) {
    enum fate_drop drop = fate_at(&more, i).drop;
    lost += drop == FATE_DROP_LOSS;
    if (fate_at(&some, i).drop == FATE_DROP_LOSS)
      assert_int_equal(drop, FATE_DROP_LOSS);
  }
  assert_int_equal(lost, 19678);
}

/* Two links, two directions, two seeds: a quarter lost in both by chance alone. */
static void links_are_independent(void **state) {
  (void)state;
  static const struct {
    uint64_t seed;
    const char *from, *to;
  } others[] = {{7, "sub[0]", "relay"}, {7, "relay", "sub[1]"}, {8, "relay", "sub[0]"}};
  const struct fate_params half = {.loss_ppm = FATE_PPM / 2};
  struct fate_link link = opened(half);
  for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
    struct fate_link other;
    unsigned both = 0;
    assert_null(
        fate_link_open(&other, others[k].seed, others[k].from, others[k].to, &half, NULL, 0));
    for (unsigned i = 0; i < 10000; i++)
      both += fate_at(&link, i).drop == FATE_DROP_LOSS && fate_at(&other, i).drop == FATE_DROP_LOSS;
    assert_in_range(both, 2300, 2700);
  }
}

static void jitter_covers_its_range(void **state) {
  (void)state;
  struct fate_link link = opened((struct fate_params){.delay_ns = 1, .jitter_ns = 1});
  unsigned count[3] = {0};
  for (unsigned i = 0; i < 3000; i++)
    count[fate_decide(&link, &full, 0).deliver_at_ns[0]]++;
  assert_int_equal(count[0], 944);
  assert_int_equal(count[1], 1001);
  assert_int_equal(count[2], 1055);
}

static void copy_has_its_own_jitter(void **state) {
  (void)state;
  struct fate_link link = opened((struct fate_params){.delay_ns = 10 * MS,
                                                      .jitter_ns = MS,
                                                      .duplicate_ppm = FATE_PPM,
                                                      .reorder_ppm = FATE_PPM,
                                                      .reorder_by_ns = 5 * MS,
                                                      .rate_bps = 8000000});
  unsigned same = 0;
  for (uint64_t i = 0; i < 1000; i++) {
    /* 1,228 us a packet: a copy takes none of it. */
    struct fate fate = fate_decide(&link, &full, 0);
    const uint64_t leaves_ns = (i + 1) * 1228000;
    assert_int_equal(fate.copies, 2);
    assert_in_range(fate.deliver_at_ns[0], leaves_ns + 14 * MS, leaves_ns + 16 * MS);
    assert_in_range(fate.deliver_at_ns[1], leaves_ns + 9 * MS, leaves_ns + 11 * MS);
    same += fate.deliver_at_ns[0] == fate.deliver_at_ns[1] + 5 * MS;
  }
  assert_true(same < 10);
}

static void lost_packets_take_no_room(void **state) {
  (void)state;
  struct fate_link link =
      opened((struct fate_params){.loss_ppm = 500000, .rate_bps = 8000000, .queue_bytes = 0});
  uint64_t passed = 0;
  for (unsigned i = 0; i < 1000; i++) {
    struct fate fate = fate_decide(&link, &full, 0);
    passed += fate.drop == FATE_PASSES;
    if (fate.drop == FATE_PASSES)
      assert_int_equal(fate.deliver_at_ns[0], passed * 1228000);
  }
  assert_in_range(passed, 400, 600);
}

static void queue_drops_are_named(void **state) {
  (void)state;
  struct fate_link link = opened((struct fate_params){.rate_bps = 8000000, .queue_bytes = 2456});
  assert_int_equal(fate_decide(&link, &full, 0).drop, FATE_PASSES);
  assert_int_equal(fate_decide(&link, &full, 0).drop, FATE_PASSES);
  struct fate fate = fate_decide(&link, &full, 0);
  assert_int_equal(fate.drop, FATE_DROP_QUEUE);
  assert_int_equal(fate.copies, 0);
  assert_int_equal(fate.index, 2);
  assert_int_equal(fate_decide(&link, &full, 1228000).drop, FATE_PASSES);
}

static void corrupts_a_bit_of_the_payload(void **state) {
  (void)state;
  struct fate_link link = opened((struct fate_params){.corrupt_ppm = FATE_PPM});
  const struct fate_packet empty = {.len = 28}, one = {.len = 29, .payload_len = 1};
  unsigned seen = 0;
  for (unsigned i = 0; i < 200; i++) {
    struct fate fate = fate_decide(&link, &one, 0);
    assert_true(fate.corrupt);
    assert_in_range(fate.corrupt_bit, 0, 7);
    seen |= 1u << fate.corrupt_bit;
  }
  assert_int_equal(seen, 0xff);
  assert_false(fate_decide(&link, &empty, 0).corrupt);
  assert_int_equal(fate_corrupt_bit(UINT64_MAX, 1200), 9599);
  assert_int_equal(fate_corrupt_bit(0, 1200), 0);
  assert_int_equal(fate_corrupt_bit(UINT64_MAX, 65535), 65535 * 8 - 1);
}

static void down_drops_and_counts(void **state) {
  (void)state;
  struct fate_link link = opened(mixed), quiet = opened(mixed);
  for (uint64_t i = 0; i < 3000; i++) {
    if (i == 1000)
      fate_link_down(&link);
    if (i == 2000)
      fate_link_up(&link);
    struct fate fate = fate_decide(&link, &full, i * 10 * MS);
    struct fate undisturbed = fate_decide(&quiet, &full, i * 10 * MS);
    if (i >= 1000 && i < 2000) {
      assert_int_equal(fate.drop, FATE_DROP_DOWN);
      assert_int_equal(fate.copies, 0);
    } else {
      assert_int_equal(fate.drop, undisturbed.drop);
      assert_int_equal(fate.deliver_at_ns[0], undisturbed.deliver_at_ns[0]);
    }
  }
}

static void set_changes_the_next_packet(void **state) {
  (void)state;
  struct fate_link link = opened((struct fate_params){.delay_ns = 5 * MS, .rate_bps = 8000000});
  const struct fate_params slower = {.delay_ns = 7 * MS, .rate_bps = 4000000};
  assert_int_equal(fate_decide(&link, &full, 0).deliver_at_ns[0], 6228000);
  assert_null(fate_link_set(&link, &slower, 228000)); /* 1,000 bytes are left for 1 ms */
  assert_int_equal(fate_bottleneck_backlog(&link.line, 228000), 1000);
  assert_int_equal(fate_bottleneck_backlog(&link.line, 728000), 500);
  assert_int_equal(fate_decide(&link, &full, 228000).deliver_at_ns[0], 1228000 + 2456000 + 7 * MS);
  struct fate_params lossy = {.loss_ppm = 200000};
  struct fate_link always = opened(lossy);
  assert_null(fate_link_set(&link, &lossy, 10 * MS));
  for (uint64_t i = 2; i < 1000; i++)
    assert_int_equal(fate_decide(&link, &full, 10 * MS).drop, fate_at(&always, i).drop);
}

static void refused_params(void **state) {
  (void)state;
  static const struct {
    const char *names;
    struct fate_params params;
  } cases[] = {
      {"shares", {.loss_ppm = FATE_PPM + 1}},
      {"shares", {.duplicate_ppm = FATE_PPM + 1}},
      {"shares", {.corrupt_ppm = FATE_PPM + 1}},
      {"shares", {.reorder_ppm = UINT32_MAX}},
      {"shares", {.burst_enter_ppm = FATE_PPM + 1}},
      {"shares", {.burst_leave_ppm = FATE_PPM + 1}},
      {"shares", {.burst_loss_ppm = FATE_PPM + 1}},
      {"jitter", {.jitter_ns = 1}},
      {"jitter", {.delay_ns = MS, .jitter_ns = MS + 1}},
      {"delays", {.delay_ns = FATE_MAX_NS + 1}},
      {"delays", {.reorder_by_ns = UINT64_MAX}},
      {"rate", {.rate_bps = FATE_MAX_RATE_BPS + 1}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct fate_link link, good = opened(mixed), before;
    memcpy(&before, &good, sizeof good); /* padding too */
    const char *wrong = fate_link_open(&link, 7, "a", "b", &cases[i].params, NULL, 0);
    if (!wrong || !strstr(wrong, cases[i].names))
      fail_msg("case %zu: \"%s\"", i, wrong ? wrong : "accepted");
    assert_string_equal(fate_link_set(&good, &cases[i].params, 5), wrong);
    assert_memory_equal(&good, &before, sizeof good);
  }
  const struct fate_params most = {.delay_ns = FATE_MAX_NS,
                                   .jitter_ns = FATE_MAX_NS,
                                   .loss_ppm = FATE_PPM,
                                   .rate_bps = FATE_MAX_RATE_BPS,
                                   .queue_bytes = UINT64_MAX,
                                   .reorder_by_ns = FATE_MAX_NS};
  opened(most);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_wire_does_nothing),
      cmocka_unit_test(counts_for_a_seed),
      cmocka_unit_test(none_and_all),
      cmocka_unit_test(first_losses),
      cmocka_unit_test(digest_of_everything),
      cmocka_unit_test(order_of_questions_is_nothing),
      cmocka_unit_test(deciding_is_asking),
      cmocka_unit_test(losses_stay_whatever_else_happens),
      cmocka_unit_test(more_loss_is_the_same_and_more),
      cmocka_unit_test(links_are_independent),
      cmocka_unit_test(jitter_covers_its_range),
      cmocka_unit_test(copy_has_its_own_jitter),
      cmocka_unit_test(lost_packets_take_no_room),
      cmocka_unit_test(queue_drops_are_named),
      cmocka_unit_test(corrupts_a_bit_of_the_payload),
      cmocka_unit_test(down_drops_and_counts),
      cmocka_unit_test(set_changes_the_next_packet),
      cmocka_unit_test(refused_params),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
