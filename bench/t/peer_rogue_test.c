/* Rogues against a plain ngtcp2 server in memory: what they do wrong is on the wire, a server that
 * keeps the rules answers with the right error, and they come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/peer/rogue.h"
#include "bench/t/peer_rig.h"
#include "bpf/wire/frame.h"
#include "bpf/wire/short_header.h"

#define SERVER_CID 20
#define TAG        16

/* What the rogue's 1-RTT packets held. */
static struct {
  const struct rig *rig;
  uint64_t acks, ranges, largest, modest, max_data, prior_to, fins_again;
  uint64_t ended[64];
  size_t n_ended;
} wire;

static void see_fin(uint64_t sid) {
  for (size_t i = 0; i < wire.n_ended; i++)
    if (wire.ended[i] == sid) {
      wire.fins_again++;
      return;
    }
  if (wire.n_ended < 64)
    wire.ended[wire.n_ended++] = sid;
}

static void see(const struct wire_frame *f) {
  if (f->type == WIRE_ACK) {
    wire.acks++;
    wire.ranges += f->ranges.v + 1;
    wire.largest = f->largest.v > wire.largest ? f->largest.v : wire.largest;
    wire.modest += f->first_range.v < 63 && f->first_range.v < f->largest.v;
  } else if (f->type == WIRE_MAX_DATA) {
    wire.max_data = f->limit.v;
  } else if (f->type == WIRE_NEW_CONNECTION_ID && f->retire_prior_to.v > wire.prior_to) {
    wire.prior_to = f->retire_prior_to.v;
  } else if (wire_is_stream(f->type) && f->fin) {
    see_fin(f->id.v);
  }
}

/* Nothing is encrypted; the tag is 16 bytes of zeros. */
static bool look(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  const struct rig *rig = wire.rig;
  (void)arg;
  if ((data[0] & 0x80) ||
      path->local.in.sin_port != rig->net.nodes[rig->peer_node].addr.in.sin_port)
    return true;
  const size_t at = 1 + SERVER_CID + wire_short_pn_len(data[0]);
  struct wire_cursor c = wire_cursor(data + at, 0, len - at - TAG);
  struct wire_frame f;
  while (wire_frame_next(&c, &f) == WIRE_FRAME_OK)
    see(&f);
  return true;
}

static void watch(struct rig *rig) {
  memset(&wire, 0, sizeof wire);
  wire.rig = rig;
  rig->net.tap = look;
}

static struct rig *open_rogue(const char *does, bool publishes) {
  static char yaml[2000];
  snprintf(yaml, sizeof yaml,
           "scenario: s\nduration: 4s\nseed: 7\nnodes:\n"
           "  relay: { role: relay, protection: none }\n  pub: { role: publisher }\n"
           "  sub: { role: subscriber }\n  rogue: { role: rogue, does: %s }\nlinks:\n"
           "  - { between: [pub, relay] }\n  - { between: [relay, sub] }\n"
           "  - { between: [relay, rogue] }\ntracks:\n"
           "  chat: { from: %s, as: subgroups, subgroup: group, every: 20ms, size: 600, "
           "group: 5 }\n  more: { from: pub, as: datagrams, every: 20ms, size: 100 }\n"
           "subscriptions:\n  - { who: %s, tracks: [chat] }\n",
           does, publishes ? "rogue" : "pub", publishes ? "sub" : "rogue");
  struct rig *rig = rig_open(&(struct rig_shape){.yaml = yaml, .node = "rogue"});
  if (publishes)
    rig_await(rig, PEER_ANNOUNCED, 1);
  else
    rig_run(rig, 100 * RIG_MS);
  return rig;
}

static void subscribe(struct rig *rig) {
  struct moqt_params params;
  struct moqt_name name;
  moqt_params_init(&params);
  moqt_name_set(&name, "rogue", "chat");
  moqt_subscribe(rig->session, &name, &params);
}

/* Runs on for a second, with its track asked for or answered, and what is sent to it. */
static void run_rogue(struct rig *rig, bool publishes) {
  static const uint8_t stream[3000] = {0x50, 5, 1, 1, 0, 0x8b, 0xb1}; /* one object of 2993 bytes */
  struct moqt_params params;
  uint64_t asked = 0, since = 0;
  moqt_params_init(&params);
  if (!publishes)
    moqt_subscribe_accept(rig->session, rig->requests[0].req, 5, &params, (struct moqt_bytes){0});
  rig_start(rig, 0);
  for (uint64_t i = 0; i < 100; i++) {
    if (rig->connections > asked && publishes && ++since > 3) { /* it has announced itself */
      subscribe(rig);
      asked = rig->connections;
      since = 0;
    }
    const int64_t sid = publishes || rig->closed ? -1 : qc_open_uni(rig->conn);
    if (sid >= 0 && i < 60)
      assert_int_equal(qc_stream_send(rig->conn, sid, stream, sizeof stream, true), 0);
    rig_run(rig, 10 * RIG_MS);
  }
}

/* ---- deeds that end a connection ------------------------------------------------------- */

static const struct {
  const char *deed, *space;
  int code;
  bool of_subscriber, of_publisher;
} ends[] = {
    {"ack-unsent", "transport", 0x0a, true, true},   {"bad-frame", "transport", 0x07, true, true},
    {"stream-limit", "transport", 0x04, true, true}, {"flow-limit", "transport", 0x03, true, true},
    {"other-size", "transport", 0x06, false, true},  {"cut-moqt", "application", 3, true, true},
    {"bad-length", "application", 3, true, true},
};

static void check_end(size_t k, bool publishes) {
  struct rig *rig = open_rogue(ends[k].deed, publishes);
  rig->expels = true;
  run_rogue(rig, publishes);
  json_t *all = rig_all(rig, "closed");
  size_t right = 0;
  for (size_t i = 0; i < json_array_size(all); i++) {
    const char *by = NULL, *space = NULL;
    int code = -1;
    assert_int_equal(json_unpack(json_array_get(all, i), "{s:s, s?s, s?i}", "by", &by, "space",
                                 &space, "code", &code),
                     0);
    if (strcmp(by, "peer") != 0)
      continue;
    if (strcmp(space, ends[k].space) != 0 || code != ends[k].code)
      fail_msg("%s: closed with %s %d", ends[k].deed, space, code);
    right++;
  }
  if (right < 2)
    fail_msg("%s: %zu closes of %zu connections: %.*s", ends[k].deed, right,
             (size_t)rig->connections, (int)rig->journal_len, rig->journal);
  assert_true(rig->connections >= 3); /* it came back */
  assert_int_equal(rig_count(rig, PEER_FAILED), 0);
  json_decref(all);
  rig_close(rig);
}

static void the_right_error_for_each(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
    if (ends[k].of_subscriber)
      check_end(k, false);
    if (ends[k].of_publisher)
      check_end(k, true);
  }
}

/* ---- deeds that a connection lives with -------------------------------------------------- */

static struct rig *go_on(const char *does, bool publishes) {
  struct rig *rig = open_rogue(does, publishes);
  watch(rig);
  run_rogue(rig, publishes);
  assert_int_equal(rig->connections, 1);
  assert_false(rig->closed);
  assert_int_equal(rig_count(rig, PEER_FAILED), 0);
  return rig;
}

static void acks_never_and_too_often(void **state) {
  (void)state;
  rig_close(go_on("double-fin", false)); /* a subscriber has no stream to end: an honest one */
  const uint64_t honest = wire.acks;
  assert_in_range(honest, 20, 100);
  rig_close(go_on("never-ack", false));
  assert_int_equal(wire.acks, 0);
  rig_close(go_on("ack-flood", false));
  assert_true(wire.acks > 5 * honest); /* as many as its own window has room for */
  assert_true(wire.ranges > 10 * wire.acks);
}

static void retires_its_ids(void **state) {
  (void)state;
  rig_close(go_on("retire-prior-to", false));
  assert_true(wire.prior_to > 20);
}

static void ends_its_streams_again(void **state) {
  (void)state;
  struct rig *rig = go_on("double-fin", true);
  assert_true(wire.n_ended >= 2);
  assert_true(wire.fins_again > 10);
  assert_true(rig->n_streams >= 2);
  rig_close(rig);
}

static void reads_slowly_or_bytewise(void **state) {
  (void)state;
  struct rig *rig = go_on("slow-reader", false);
  assert_in_range(wire.max_data, 4096 + 100, 4096 + 200);
  rig_close(rig);
  rig = go_on("tiny-window", false);
  assert_in_range(wire.max_data, 100, 100000); /* a byte at a time */
  rig_close(rig);
}

/* A server whose packets are lost hears that they arrived, till it skips a number. */
static void acknowledges_what_was_lost(void **state) {
  (void)state;
  struct rig *rig = open_rogue("optimistic-ack", false);
  watch(rig);
  rig->net.loss_ppm = 200000;
  run_rogue(rig, false);
  assert_true(wire.acks > 0);
  assert_int_equal(wire.ranges, wire.acks); /* no gap */
  rig_close(rig);
}

/* Also where its own ACKs have a byte for their range, which ends at 63. */
static void acknowledges_all_that_fits(void **state) {
  (void)state;
  struct rig *rig = open_rogue("optimistic-ack", false);
  watch(rig);
  run_rogue(rig, false);
  assert_true(wire.largest > 128);
  assert_int_equal(wire.modest, 0);
  rig_close(rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(acknowledges_all_that_fits), cmocka_unit_test(the_right_error_for_each),
      cmocka_unit_test(acks_never_and_too_often),   cmocka_unit_test(retires_its_ids),
      cmocka_unit_test(ends_its_streams_again),     cmocka_unit_test(reads_slowly_or_bytewise),
      cmocka_unit_test(acknowledges_what_was_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
