/* The wire process on virtual time: packet N meets what bench/fate says of index N, leaves
 * when it is due, and the timeline takes effect to the nanosecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>
#include <unistd.h>

#include "bench/fate/from_plan.h"
#include "bench/net/wire/control.h"
#include "bench/net/wire/wire.h"
#include "bench/t/scenario_text.h"
#include "bench/t/wire_frame.h"

#define MS UINT64_C(1000000)
#define T0 (1000 * MS)

static struct plan *plan;
static struct topology net;
static struct wire wire;
static FILE *journal;
static char *text;
static size_t text_len;

static void open_wire(const char *links, const char *timeline) {
  char scenario[4096], err[256];
  snprintf(scenario, sizeof scenario, "%s%s%s%s%s%s", TOP, NODES_CLEAR, links, TRACKS,
           SUBSCRIPTIONS, timeline);
  plan = text_plan(scenario);
  assert_int_equal(topology_plan(plan, &net, err, sizeof err), 0);
  journal = open_memstream(&text, &text_len);
  assert_non_null(journal);
  if (wire_open(&wire, plan, &net, journal, err, sizeof err) != 0)
    fail_msg("%s", err);
}

static void close_wire(void) {
  wire_free(&wire);
  fclose(journal);
  free(text);
  topology_free(&net);
  plan_free(plan);
}

static size_t lines_with(const char *part) {
  size_t n = 0;
  fflush(journal);
  for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
    n++;
  return n;
}

/* Three times, so that one turned bit does not hide it. */
static void fill(uint8_t payload[500], uint32_t number) {
  memset(payload, 0, 500);
  for (size_t i = 0; i < 3; i++)
    memcpy(payload + i * sizeof number, &number, sizeof number);
}

static uint32_t number_in(const uint8_t *payload) {
  uint32_t n[3];
  memcpy(n, payload, sizeof n);
  return (n[0] & n[1]) | (n[0] & n[2]) | (n[1] & n[2]);
}

static void arrive(int in, uint32_t number, uint64_t now_ns) {
  uint8_t payload[500], frame[WIRE_FRAME_ROOM];
  fill(payload, number);
  wire_in(&wire, in, frame, wire_frame_ipv4(frame, payload, sizeof payload), now_ns);
}

/* --- by chance -------------------------------------------------------------------------- */

#define PACKETS 4000u
#define GAP_NS  50000u

struct expected {
  struct fate fate;
  unsigned left; /* copies that came out */
};

static void expect_fates(struct expected *all, const struct wire_way *way, const char *from,
                         const char *to, const struct plan_impair *impair) {
  struct fate_link link;
  const struct fate_packet packet = {.len = 528, .payload_len = 500};
  const struct fate_params params = FATE_PARAMS_OF(impair);
  char name[64];
  snprintf(name, sizeof name, "%s>%s", from, to);
  assert_string_equal(way->fate.name, name);
  assert_null(fate_link_open(&link, plan->seed, from, to, &params, NULL, 0));
  for (uint32_t i = 0; i < PACKETS; i++)
    all[i] = (struct expected){.fate = fate_decide(&link, &packet, T0 + i * GAP_NS)};
}

/* The frame that it should be, when it should be, hurt only as it should be. */
static void check_left(struct expected *all, const struct queued *frame) {
  uint8_t payload[500];
  const uint32_t number = number_in(frame->bytes + WIRE_FRAME_IPV4);
  assert_true(number < PACKETS);
  struct expected *e = &all[number];
  fill(payload, number);
  if (e->fate.corrupt)
    payload[e->fate.corrupt_bit / 8] ^= (uint8_t)(1u << (e->fate.corrupt_bit & 7));
  assert_memory_equal(frame->bytes + WIRE_FRAME_IPV4, payload, sizeof payload);
  assert_true(e->fate.copies > 0);
  assert_true(frame->due_ns == e->fate.deliver_at_ns[0] ||
              (e->fate.copies == 2 && frame->due_ns == e->fate.deliver_at_ns[1]));
  e->left++;
}

static void packet_n_meets_the_fate_of_index_n(void **state) {
  (void)state;
  static struct expected there[PACKETS], back[PACKETS];
  open_wire(
      "links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub], delay: 10ms, "
      "jitter: 1ms, loss: 1%, duplicate: 2%, corrupt: 1%, reorder: { share: 3%, by: 4ms }, "
      "rate: 70mbit, queue: 8KiB, burst: { enter: 1%, leave: 30%, loss: 90% } }\n",
      "");
  const struct plan_link *link = &plan->links[2]; /* relay - sub[1] */
  const struct topology_link *ends = &net.links[2];
  assert_int_equal(wire.n_ways, 6);
  expect_fates(there, &wire.ways[2], "relay", "sub[1]", &link->forward);
  expect_fates(back, &wire.ways[3], "sub[1]", "relay", &link->backward);
  for (uint32_t i = 0; i <= PACKETS; i++) {
    int out;
    const struct queued *frame;
    const uint64_t now_ns = i < PACKETS ? T0 + i * GAP_NS : WIRE_NEVER - 1;
    while ((frame = wire_first(&wire, now_ns, &out)) != NULL) {
      assert_true(frame->due_ns <= now_ns);
      assert_true(out == ends->inner_b.ifindex || out == ends->inner_a.ifindex);
      check_left(out == ends->inner_b.ifindex ? there : back, frame);
      wire_left(&wire, frame->due_ns + i % 1000, true);
    }
    if (i < PACKETS) {
      arrive(ends->inner_a.ifindex, i, now_ns);
      arrive(ends->inner_b.ifindex, i, now_ns);
    }
  }
  uint64_t drops[2] = {0};
  for (uint32_t i = 0; i < PACKETS; i++) {
    assert_int_equal(there[i].left, there[i].fate.copies);
    assert_int_equal(back[i].left, back[i].fate.copies);
    drops[0] += there[i].fate.copies == 0;
    drops[1] += back[i].fate.copies == 0;
  }
  assert_true(drops[0] > 0 && drops[1] > 0);
  assert_int_equal(lines_with("\"drop\":\""), drops[0] + drops[1]);
  assert_int_equal(wire.ways[2].fate.total.passed, PACKETS - drops[0]);
  assert_true(wire.ways[2].fate.total.dropped[FATE_DROP_QUEUE] > 0);
  assert_true(wire.ways[2].late.max_ns <= 999);
  assert_int_equal(wire_deadline(&wire), WIRE_NEVER);
  close_wire();
}

/* --- by content ------------------------------------------------------------------------------ */

/* Null-protected packets to sub[0], whose IDs have 8 bytes. */
static void send_frames(const char *frames, size_t len) {
  uint8_t payload[64] = {0x40}, frame[WIRE_FRAME_ROOM];
  memcpy(payload + 10, frames, len);
  wire_in(&wire, net.links[1].inner_a.ifindex, frame,
          wire_frame_ipv6(frame, payload, 10 + len + 16), T0);
}

static void the_nth_packet_with_a_frame_is_hit(void **state) {
  (void)state;
  open_wire(
      "links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub], forward: { faults: "
      "[{ do: drop, frame: PING, nth: 2 }, { do: delay, frame: STREAM, by: 7ms }] } }\n",
      "");
  struct wire_way *way = &wire.ways[0];
  assert_string_equal(way->fate.name, "relay>sub[0]");
  send_frames("\x01", 1);
  send_frames("\x10\x05", 2);
  assert_int_equal(way->fate.total.dropped[FATE_DROP_FAULT], 0);
  send_frames("\x10\x05\x01", 3);
  assert_int_equal(way->fate.total.dropped[FATE_DROP_FAULT], 1);
  send_frames("\x01", 1);
  assert_int_equal(way->fate.total.dropped[FATE_DROP_FAULT], 1);
  send_frames("\x08\x03hello", 7);
  assert_int_equal(lines_with("\"index\":2,\"drop\":\"fault\""), 1);
  assert_int_equal(lines_with("\"index\":4,\"drop\":null,\"copies\":1,\"delay_ns\":[7000000]"), 1);
  assert_int_equal(lines_with("\"ev\":\"packet\""), 2);
  close_wire();
}

/* An ID of the relay tells its length by its first bit. */
static void ids_of_the_relay_tell_their_length(void **state) {
  (void)state;
  uint8_t payload[64], frame[WIRE_FRAME_ROOM];
  open_wire(
      "links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub], backward: { faults: "
      "[{ do: drop, frame: PING }] } }\n",
      "");
  for (unsigned dial = 0; dial < 2; dial++) {
    const size_t at = 2 + (dial ? 17 : 20);
    memset(payload, 0xff, sizeof payload); /* no frame where another length would look */
    payload[0] = 0x40;
    payload[1] = dial ? 0x80 : 0;
    payload[at] = 0x01;
    wire_in(&wire, net.links[1].inner_b.ifindex, frame,
            wire_frame_ipv4(frame, payload, at + 1 + 16), T0);
    assert_int_equal(wire.ways[1].fate.total.dropped[FATE_DROP_FAULT], dial + 1);
  }
  close_wire();
}

/* --- everything else --------------------------------------------------------------------------- */

static void what_is_no_datagram_passes_uncounted(void **state) {
  (void)state;
  uint8_t frame[60] = "";
  int out;
  open_wire(
      "links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub], delay: 5ms, "
      "loss: 100% }\n",
      "");
  frame[12] = 0x08;
  frame[13] = 0x06;
  wire_in(&wire, net.links[1].inner_b.ifindex, frame, sizeof frame, T0);
  const struct queued *first = wire_first(&wire, T0, &out);
  assert_non_null(first);
  assert_int_equal(out, net.links[1].inner_a.ifindex);
  assert_int_equal(first->len, sizeof frame);
  assert_memory_equal(first->bytes, frame, sizeof frame);
  wire_left(&wire, T0 + 42, true);
  assert_int_equal(wire.ways[1].late.max_ns, 42);
  wire_in(&wire, 9999, frame, sizeof frame, T0); /* from nowhere */
  assert_int_equal(wire.queue.n, 0);
  arrive(net.links[1].inner_b.ifindex, 0, T0);
  assert_int_equal(wire.ways[1].fate.link.index, 1);
  assert_int_equal(wire.ways[1].fate.total.dropped[FATE_DROP_LOSS], 1);
  close_wire();
}

static void events_hit_what_came_after_them(void **state) {
  (void)state;
  open_wire("links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub], delay: 5ms }\n",
            "timeline:\n"
            "  - { at: 100ms, node: \"sub[0]\", set: { priority_limit: 3 } }\n"
            "  - { at: 100ms, link: [relay, \"sub[0]\"], do: down }\n"
            "  - { at: 200ms, link: [relay, \"sub[0]\"], do: up }\n"
            "  - { at: 200ms, link: [\"sub[0]\", relay], set: { forward: { delay: 9ms } } }\n");
  const int in = net.links[1].inner_a.ifindex;
  const struct wire_way *way = &wire.ways[0];
  assert_int_equal(wire_deadline(&wire), WIRE_NEVER);
  wire_begin(&wire, T0);
  assert_int_equal(wire_deadline(&wire), T0 + 100 * MS);
  wire_turn(&wire, T0 + 100 * MS - 1);
  assert_int_equal(wire.events, 0);
  arrive(in, 0, T0 + 100 * MS - 1);
  arrive(in, 1, T0 + 100 * MS); /* nobody turned in between */
  assert_int_equal(wire.events, 1);
  assert_int_equal(way->fate.total.passed, 1);
  assert_int_equal(way->fate.total.dropped[FATE_DROP_DOWN], 1);
  wire_turn(&wire, T0 + 201 * MS); /* late: both of 200 ms at once */
  assert_int_equal(wire.events, 3);
  arrive(in, 2, T0 + 201 * MS);
  assert_int_equal(way->fate.total.passed, 2);
  arrive(net.links[1].inner_b.ifindex, 3, T0 + 201 * MS);
  assert_int_equal(wire.queue.n, 3);
  free(queue_take(&wire.queue));
  assert_int_equal(wire_deadline(&wire), T0 + 206 * MS); /* relay>sub[0] kept its delay */
  free(queue_take(&wire.queue));
  assert_int_equal(wire_deadline(&wire), T0 + 210 * MS);
  assert_int_equal(lines_with("\"t\":1100000000,\"link\":\"relay>sub[0]\",\"what\":\"down\""), 1);
  assert_int_equal(lines_with("\"link\":\"sub[0]>relay\",\"what\":\"set\""), 1);
  assert_int_equal(lines_with("\"ev\":\"link\""), 6);
  close_wire();
}

static void what_the_kernel_refused_is_counted(void **state) {
  (void)state;
  int out;
  open_wire("links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub], delay: 5ms }\n",
            "");
  arrive(net.links[1].inner_a.ifindex, 0, T0);
  assert_null(wire_first(&wire, T0 + 5 * MS - 1, &out));
  assert_non_null(wire_first(&wire, T0 + 5 * MS, &out));
  wire_left(&wire, T0 + 6 * MS, false);
  assert_int_equal(wire.ways[0].fate.total.no_room, 1);
  assert_int_equal(wire.ways[0].late.max_ns, 0);
  wire_close(&wire, T0 + 7 * MS);
  assert_int_equal(lines_with("\"ev\":\"total\""), 6);
  assert_int_equal(lines_with("\"packets\":1,\"passed\":1"), 1);
  assert_int_equal(lines_with("\"no_room\":1"), 1);
  close_wire();
}

/* --- control ------------------------------------------------------------------------------------- */

static enum control_do parse(const char *message, uint64_t *t0_ns) {
  return control_parse(message, strlen(message), t0_ns);
}

static void commands_are_understood(void **state) {
  (void)state;
  uint64_t t0_ns = 0;
  assert_int_equal(parse("{\"do\":\"start\",\"t0\":12345}", &t0_ns), CONTROL_START);
  assert_int_equal(t0_ns, 12345);
  assert_int_equal(parse("{\"do\":\"poll\"}", &t0_ns), CONTROL_POLL);
  assert_int_equal(parse("{\"do\":\"stop\"}", &t0_ns), CONTROL_STOP);
  static const char *const wrong[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"do\":1}",
                                      "{\"do\":\"start\"}",
                                      "{\"do\":\"start\",\"t0\":-1}",
                                      "{\"do\":\"dance\"}"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_int_equal(parse(wrong[i], &t0_ns), CONTROL_WRONG);
}

static void a_closed_channel_says_stop(void **state) {
  (void)state;
  int fds[2];
  uint64_t t0_ns;
  char heard[256];
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
  assert_int_equal(control_hear(fds[0], &t0_ns), CONTROL_NOTHING);
  assert_int_equal(send(fds[1], "{\"do\":\"poll\"}", 13, 0), 13);
  assert_int_equal(control_hear(fds[0], &t0_ns), CONTROL_POLL);
  control_say_state(fds[0], 77);
  ssize_t n = recv(fds[1], heard, sizeof heard - 1, 0);
  assert_true(n > 0);
  heard[n] = '\0';
  assert_string_equal(heard, "{\"ev\":\"state\",\"backlog\":77}");
  close(fds[1]);
  assert_int_equal(control_hear(fds[0], &t0_ns), CONTROL_STOP);
  close(fds[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packet_n_meets_the_fate_of_index_n),
      cmocka_unit_test(the_nth_packet_with_a_frame_is_hit),
      cmocka_unit_test(ids_of_the_relay_tell_their_length),
      cmocka_unit_test(what_is_no_datagram_passes_uncounted),
      cmocka_unit_test(events_hit_what_came_after_them),
      cmocka_unit_test(what_the_kernel_refused_is_counted),
      cmocka_unit_test(commands_are_understood),
      cmocka_unit_test(a_closed_channel_says_stop),
  };
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
