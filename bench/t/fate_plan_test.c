/* A plan's impairments, faults and frame names mean the same to a link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "bench/fate/fate.h"
#include "bench/fate/from_plan.h"
#include "bench/scenario/plan.h"
#include "bench/scenario/words.h"
#include "bpf/wire/frame.h"

static void frames_have_the_same_names(void **state) {
  (void)state;
  for (unsigned i = 0; i < FATE_N_FRAMES; i++) {
    assert_non_null(plan_words_frame[i]);
    assert_int_equal(fate_frame_find(plan_words_frame[i]), i);
  }
  assert_null(plan_words_frame[FATE_N_FRAMES]);
  assert_int_equal(fate_frame_find("ack"), FATE_N_FRAMES);
  assert_int_equal(fate_frame_find(""), FATE_N_FRAMES);
}

/* The datapath's parser knows a type exactly if there is a bit for it. */
static void frame_types(void **state) {
  (void)state;
  static const struct {
    uint64_t type;
    const char *name;
  } cases[] = {{0x00, "PADDING"},
               {0x01, "PING"},
               {0x02, "ACK"},
               {0x03, "ACK"},
               {0x06, "CRYPTO"},
               {0x08, "STREAM"},
               {0x0f, "STREAM"},
               {0x10, "MAX_DATA"},
               {0x13, "MAX_STREAMS"},
               {0x17, "STREAMS_BLOCKED"},
               {0x1d, "CONNECTION_CLOSE"},
               {0x1e, "HANDSHAKE_DONE"},
               {0x30, "DATAGRAM"},
               {0x31, "DATAGRAM"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(fate_frame_bit(cases[i].type),
                     (fate_frames)1 << fate_frame_find(cases[i].name));
  fate_frames all = 0;
  for (unsigned type = 0; type < 0x40; type++) {
    uint8_t byte[64] = {(uint8_t)type};
    struct wire_cursor cursor = wire_cursor(byte, 0, sizeof byte);
    struct wire_frame frame;
    bool known = wire_frame_next(&cursor, &frame) != WIRE_FRAME_UNKNOWN;
    if (known != (fate_frame_bit(type) != 0))
      fail_msg("type 0x%02x", type);
    all |= fate_frame_bit(type);
  }
  assert_int_equal(all, ((fate_frames)1 << FATE_N_FRAMES) - 1);
  assert_int_equal(fate_frame_bit(0x40), 0);
  assert_int_equal(fate_frame_bit(UINT64_C(0x100000002)), 0);
}

static void impairments_convert(void **state) {
  (void)state;
  const struct plan_impair impair = {.delay_ns = 2,
                                     .jitter_ns = 1,
                                     .loss_ppm = 3,
                                     .duplicate_ppm = 4,
                                     .corrupt_ppm = 5,
                                     .reorder_ppm = 6,
                                     .reorder_by_ns = 7,
                                     .rate_bps = 8,
                                     .queue_bytes = 9,
                                     .burst = true,
                                     .burst_enter_ppm = 10,
                                     .burst_leave_ppm = 11,
                                     .burst_loss_ppm = 12};
  const struct fate_params params = FATE_PARAMS_OF(&impair);
  assert_int_equal(params.delay_ns, 2);
  assert_int_equal(params.jitter_ns, 1);
  assert_int_equal(params.loss_ppm, 3);
  assert_int_equal(params.duplicate_ppm, 4);
  assert_int_equal(params.corrupt_ppm, 5);
  assert_int_equal(params.reorder_ppm, 6);
  assert_int_equal(params.reorder_by_ns, 7);
  assert_int_equal(params.rate_bps, 8);
  assert_int_equal(params.queue_bytes, 9);
  assert_true(params.burst);
  assert_int_equal(params.burst_enter_ppm, 10);
  assert_int_equal(params.burst_leave_ppm, 11);
  assert_int_equal(params.burst_loss_ppm, 12);
}

static const char scenario[] =
    "scenario: faults\n"
    "duration: 1s\n"
    "nodes: { pub: { role: publisher }, relay: { role: relay, protection: none }, sub: { role: "
    "subscriber } }\n"
    "links:\n"
    "  - { between: [pub, relay] }\n"
    "  - between: [relay, sub]\n"
    "    faults:\n"
    "      - { do: drop, frame: ACK, nth: 3 }\n"
    "      - { do: delay, index: 40..60, by: 7ms }\n"
    "      - { do: duplicate, frame: STREAM, index: 5 }\n"
    "      - { do: corrupt, frame: DATAGRAM }\n"
    "tracks: { chat: { from: pub, as: datagrams, every: 20ms, size: 200 } }\n"
    "subscriptions: [{ who: sub, tracks: [chat] }]\n";

static void faults_convert(void **state) {
  (void)state;
  static const struct fate_fault expected[] = {
      {FATE_FAULT_DROP, FATE_FRAME_ACK, 3, 1, 0, 0},
      {FATE_FAULT_DELAY, -1, 0, 40, 60, 7000000},
      {FATE_FAULT_DUPLICATE, FATE_FRAME_STREAM, 0, 5, 5, 0},
      {FATE_FAULT_CORRUPT, FATE_FRAME_DATAGRAM, 0, 1, 0, 0},
  };
  struct plan_error err = {0};
  struct plan *plan =
      plan_parse(scenario, sizeof scenario - 1, "/nowhere/faults.yaml", NULL, 0, &err);
  if (!plan) {
    fail_msg("%u:%u: %s", err.line, err.column, err.text);
    return;
  }
  const struct plan_link *link = &plan->links[1];
  assert_int_equal(link->n_forward_faults, 4);
  struct fate_fault found[4];
  for (size_t i = 0; i < 4; i++) {
    found[i] = FATE_FAULT_OF(&link->forward_faults[i]);
    assert_int_equal(found[i].what, expected[i].what);
    assert_int_equal(found[i].frame, expected[i].frame);
    assert_int_equal(found[i].nth, expected[i].nth);
    assert_int_equal(found[i].index_lo, expected[i].index_lo);
    assert_int_equal(found[i].index_hi, expected[i].index_hi);
    assert_int_equal(found[i].by_ns, expected[i].by_ns);
  }
  struct fate_link opened;
  const struct fate_params params = FATE_PARAMS_OF(&link->forward);
  assert_null(fate_link_open(&opened, plan->seed, "relay", "sub", &params, found, 4));
  plan_free(plan);
}

/* A frame nobody knows is refused, never taken for "any". */
static void unknown_frame_is_refused(void **state) {
  (void)state;
  char name[] = "NONSENSE";
  const struct plan_fault fault = {.what = PLAN_FAULT_DROP, .frame = name, .index_hi = 9};
  const struct fate_fault found = FATE_FAULT_OF(&fault);
  const struct fate_params params = {0};
  struct fate_link link;
  assert_non_null(fate_link_open(&link, 7, "a", "b", &params, &found, 1));
}

static void drops_have_names(void **state) {
  (void)state;
  static const char *const names[] = {"passes", "down", "fault", "burst", "loss", "queue"};
  for (int i = 0; i <= FATE_DROP_QUEUE; i++)
    assert_string_equal(fate_drop_name((enum fate_drop)i), names[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_have_the_same_names), cmocka_unit_test(frame_types),
      cmocka_unit_test(impairments_convert),        cmocka_unit_test(faults_convert),
      cmocka_unit_test(unknown_frame_is_refused),   cmocka_unit_test(drops_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
