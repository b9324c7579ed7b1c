/* Decisions: who gets a frame, and what keeps it from going now. */
#include "bpf/t/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next_pn;

static void begin(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  next_pn = 0;
}

static enum fb_decision send_one(struct world *w, struct piece frame) {
  assert_int_equal(send_packet(w, PACKET(.pn = next_pn++, FRAMES(frame))), FB_PKT_FANNED);
  enum fb_decision d = decided(w, 0, 0);
  assert_int_equal(copy_for(w, 0) != NULL, d == FB_DEC_SEND);
  assert_int_equal(recorded(w, 0)->sent, d == FB_DEC_SEND);
  return d;
}
#define expect(w, frame, decision) assert_int_equal(send_one(w, frame), FB_DEC_##decision)

static struct piece group(uint64_t id, uint64_t g) {
  return stream(id, 0, cat(subgroup(1, g), bytes(17, 0)));
}
static struct piece dg(uint64_t g) {
  return datagram(cat(object(1, 0, g, 4), text("hi")));
}

static void want(struct world *w, const struct fb_subscription *v) {
  w->ops->set_subscription(w, 0, 0, v);
}

static void subscription(struct world *w) {
  begin(w);
  struct fb_subscription v = world_subscription(0);
  v.on = 0;
  want(w, &v);
  expect(w, dg(3), NOT_SUBSCRIBED);
  v.on = 1;
  v.gen = 99; /* of the slot's former owner */
  want(w, &v);
  expect(w, dg(3), NOT_SUBSCRIBED);
  v.gen = 100;
  v.forward = 0;
  want(w, &v);
  expect(w, dg(3), NOT_FORWARDED);
  v.forward = 1;
  v.start_group = 4;
  want(w, &v);
  expect(w, dg(3), BEFORE_START);
  expect(w, dg(4), SEND);
  v.priority_lo = 100;
  v.priority_hi = 127;
  want(w, &v);
  expect(w, dg(4), FILTERED); /* the track's priority is 128 */
  expect(w, stream(2, 0, subgroup_of(1, 1, 4, 100)), SEND);
  expect(w, stream(6, 0, subgroup_of(1, 1, 4, 127)), SEND);
  expect(w, stream(10, 0, subgroup_of(1, 1, 4, 99)), FILTERED);
  assert_int_equal(counters_of(w, 0)->decisions[FB_DEC_FILTERED], 2);
  expect(w, datagram(object(50, 0, 3, 4)), UNKNOWN_ALIAS);
}

/* A delivery timeout lets the strategy be asked; `none` drops nothing. */
static void delivery_timeout(struct world *w) {
  begin(w);
  struct fb_subscription v = world_subscription(0);
  v.delivery_timeout_ms = 1;
  want(w, &v);
  expect(w, dg(3), SEND);
  counters_of(w, 0)->credit = 0;
  expect(w, dg(3), CREDIT);
}

/* A subgroup that was not opened stays closed, whatever the filter says later. */
static void skipped(struct world *w) {
  begin(w);
  struct fb_subscription v = world_subscription(0);
  v.priority_hi = 50;
  want(w, &v);
  expect(w, group(2, 9), FILTERED);
  assert_int_equal(recorded(w, 0)->down[0], 0);
  assert_int_equal(counters_of(w, 0)->next_stream, 3);
  expect(w, stream(2, 20, text("tail")), FILTERED);
  v.priority_hi = 255;
  want(w, &v);
  expect(w, stream(2, 24, text("tail")), SKIPPED);
  expect(w, group(6, 10), SEND);
  /* user space reset the stream: it says so */
  down_of(w, 1, 0)->id |= FB_DOWN_SKIPPED;
  expect(w, stream(6, 20, text("tail")), SKIPPED);
}

/* Somebody who was not there when the stream began: user space looks after it. */
static void came_later(struct world *w) {
  begin(w);
  expect(w, group(2, 9), SEND);
  world_join(w, 1, 1);
  expect(w, stream(2, 20, text("tail")), SEND);
  assert_int_equal(decided(w, 1, 0), FB_DEC_NO_HEADER);
  struct fb_subscription v = world_subscription(1);
  v.start_group = 10;
  w->ops->set_subscription(w, 1, 0, &v);
  expect(w, stream(2, 24, text("tail")), SEND);
  assert_int_equal(decided(w, 1, 0), FB_DEC_BEFORE_START);
}

static void states(struct world *w) {
  begin(w);
  struct fb_subscriber v = world_subscriber(0, 4);
  v.state = FB_SUB_JOINING;
  w->ops->set_subscriber(w, 0, &v);
  expect(w, dg(3), JOINING);
  expect(w, group(2, 9), JOINING); /* its ordinal is taken */
  assert_int_equal(recorded(w, 0)->down[0], 4);
  assert_int_equal(counters_of(w, 0)->next_stream, 4);
  assert_int_equal(counters_of(w, 0)->hold, 2); /* what comes later waits behind them */
  v.state = FB_SUB_CLOSING;
  w->ops->set_subscriber(w, 0, &v);
  assert_int_equal(send_packet(w, PACKET(.pn = 10, FRAMES(dg(3), dg(4)))), FB_PKT_NO_FANOUT);
  assert_int_equal(counters_of(w, 0)->decisions[FB_DEC_INACTIVE], 2);
  v.state = FB_SUB_FREE;
  w->ops->set_subscriber(w, 0, &v);
  assert_int_equal(send_packet(w, PACKET(.pn = 11, FRAMES(dg(3)))), FB_PKT_NO_FANOUT);
  assert_int_equal(counters_of(w, 0)->decisions[FB_DEC_INACTIVE], 2); /* nobody's counter */
  v.state = FB_SUB_ACTIVE;
  w->ops->set_subscriber(w, 0, &v);
  next_pn = 12;
  expect(w, stream(2, 20, text("x")), HELD);
  counters_of(w, 0)->hold = 0;
  expect(w, stream(2, 21, text("y")), SEND);
}

/* Once user space has something queued, all that is new waits behind it. */
static void held(struct world *w) {
  begin(w);
  expect(w, group(2, 9), SEND);
  counters_of(w, 0)->hold = 1;
  expect(w, dg(3), HELD);
  assert_int_equal(counters_of(w, 0)->hold, 2); /* so user space sees that it is late */
  expect(w, stream(2, 20, text("x")), HELD);
  expect(w, group(6, 10), HELD);
  assert_int_equal(recorded(w, 0)->down[0], 5);
  assert_int_equal(counters_of(w, 0)->hold, 4);
  assert_int_equal(counters_of(w, 0)->data_used, 20); /* user space charges what it sends */
  struct fb_subscription off = world_subscription(0);
  off.on = 0;
  want(w, &off);
  expect(w, dg(3), NOT_SUBSCRIBED); /* not deferred: nothing to wait for */
  assert_int_equal(counters_of(w, 0)->hold, 4);
  want(w, &(struct fb_subscription){.gen = 100, .on = 1, .forward = 1, .priority_hi = 255});
  counters_of(w, 0)->hold = 0;
  expect(w, stream(6, 20, text("x")), SEND); /* with what user space had to send before */
}

static void number_limit(struct world *w) {
  begin(w);
  counters_of(w, 0)->pn_limit = 1002;
  expect(w, dg(3), SEND);
  expect(w, dg(3), SEND);
  assert_int_equal(recorded(w, 0)->pn, 1001);
  expect(w, dg(3), PN_LIMIT);
  assert_int_equal(counters_of(w, 0)->next_pn, 1002);
  assert_int_equal(counters_of(w, 0)->hold, 1);
  counters_of(w, 0)->pn_limit = 2000;
  expect(w, dg(3), HELD);
  counters_of(w, 0)->hold = 0;
  expect(w, dg(3), SEND);
}

static void credit(struct world *w) {
  begin(w);
  size_t len = packet_payload(PACKET(FRAMES(dg(3)))).len;
  counters_of(w, 0)->credit = 2 * len;
  expect(w, dg(3), SEND);
  expect(w, dg(3), SEND);
  assert_int_equal(counters_of(w, 0)->sent_bytes, 2 * len);
  expect(w, dg(3), CREDIT);
  assert_int_equal(counters_of(w, 0)->hold, 1);
  assert_int_equal(counters_of(w, 0)->sent_bytes, 2 * len);
}

static void stream_limit(struct world *w) {
  begin(w);
  counters_of(w, 0)->max_streams = 4;
  expect(w, group(2, 9), SEND); /* ordinal 3 */
  expect(w, group(6, 10), STREAM_LIMIT);
  assert_int_equal(recorded(w, 0)->down[0], 5);
  assert_int_equal(counters_of(w, 0)->next_stream, 5);
  assert_int_equal(counters_of(w, 0)->hold, 0); /* other streams go on */
  expect(w, stream(6, 20, text("x")), STREAM_LIMIT);
  expect(w, stream(2, 20, text("x")), SEND);
  counters_of(w, 0)->max_streams = 5;
  expect(w, stream(6, 21, text("x")), SEND);
}

/* To the byte, both limits. */
static void flow_control(struct world *w) {
  begin(w);
  counters_of(w, 0)->max_data = 100;
  expect(w, group(2, 9), SEND);                 /* 20 */
  expect(w, stream(2, 20, bytes(30, 0)), SEND); /* 50 */
  expect(w, group(6, 9), SEND);                 /* 70 */
  expect(w, stream(2, 60, bytes(20, 0)), SEND); /* 100: the hole counts */
  assert_int_equal(counters_of(w, 0)->data_used, 100);
  expect(w, stream(6, 20, bytes(1, 0)), FLOW_CONTROL);
  assert_int_equal(counters_of(w, 0)->data_used, 100); /* given back */
  assert_int_equal(recorded(w, 0)->charged, 0);
  assert_int_equal(counters_of(w, 0)->hold, 1);
  assert_int_equal(down_of(w, 1, 0)->charged, 1ull << 48 | 20);
  expect(w, stream(6, 21, bytes(1, 0)), HELD);
  counters_of(w, 0)->hold = 0;
  expect(w, stream_fin(6, 22, nothing()), FLOW_CONTROL); /* even without a byte: it ends at 22 */
  counters_of(w, 0)->hold = 0;
  expect(w, dg(3), SEND); /* datagrams are not flow controlled */
}

static void stream_flow_control(struct world *w) {
  begin(w);
  struct fb_subscriber v = world_subscriber(0, 4);
  v.initial_max_stream_data = 30;
  w->ops->set_subscriber(w, 0, &v);
  expect(w, group(2, 9), SEND);
  expect(w, stream(2, 20, bytes(10, 0)), SEND);
  expect(w, stream(2, 30, bytes(1, 0)), FLOW_CONTROL);
  assert_int_equal(counters_of(w, 0)->data_used, 30);
  counters_of(w, 0)->hold = 0;
  down_of(w, 0, 0)->limit = 1ull << 48 | 40; /* MAX_STREAM_DATA came */
  expect(w, stream(2, 31, bytes(9, 0)), SEND);
  expect(w, stream(2, 40, bytes(1, 0)), FLOW_CONTROL);
  counters_of(w, 0)->hold = 0;
  down_of(w, 0, 0)->limit = 2ull << 48 | 4000; /* of another owner of the slot */
  expect(w, stream(2, 41, bytes(1, 0)), FLOW_CONTROL);
  counters_of(w, 0)->hold = 0;
  /* what user space has charged itself is not charged again */
  down_of(w, 0, 0)->limit = 1ull << 48 | 100;
  down_of(w, 0, 0)->charged = 1ull << 48 | 62;
  counters_of(w, 0)->data_used = 62;
  expect(w, stream(2, 42, bytes(18, 0)), SEND);
  assert_int_equal(counters_of(w, 0)->data_used, 62);
  expect(w, stream(2, 60, bytes(5, 0)), SEND);
  assert_int_equal(counters_of(w, 0)->data_used, 65);
}

/* A refusal in the middle of a packet holds what comes behind, not what came before. */
static void refused_in_the_middle(struct world *w) {
  begin(w);
  counters_of(w, 0)->max_data = 45;
  assert_int_equal(
      send_packet(w,
                  PACKET(.pn = 0, FRAMES(group(2, 9), group(6, 9),
                                         stream(10, 0, cat(subgroup(1, 9), bytes(17, 0))), dg(3)))),
      FB_PKT_FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_SEND);
  assert_int_equal(decided(w, 0, 1), FB_DEC_SEND);
  assert_int_equal(decided(w, 0, 2), FB_DEC_FLOW_CONTROL);
  assert_int_equal(decided(w, 0, 3), FB_DEC_HELD);
  assert_int_equal(recorded(w, 0)->charged, 3);
  assert_int_equal(recorded(w, 0)->down[2], 6);
  assert_int_equal(recorded(w, 0)->n_taken, 3);
  assert_int_equal(counters_of(w, 0)->data_used, 40);
  assert_int_equal(counters_of(w, 0)->next_pn, 1001);
  assert_non_null(copy_for(w, 0));
}

static void sizes_and_families(struct world *w) {
  begin(w);
  struct fb_subscriber v = world_subscriber(0, 4);
  size_t len = packet_payload(PACKET(FRAMES(dg(3)))).len;
  v.max_payload = (__u16)(len - 1);
  w->ops->set_subscriber(w, 0, &v);
  expect(w, dg(3), TOO_BIG);
  v.max_payload = (__u16)len;
  w->ops->set_subscriber(w, 0, &v);
  expect(w, dg(3), SEND);
  v.max_datagram = (__u16)(dg(3).len - 1);
  w->ops->set_subscriber(w, 0, &v);
  expect(w, dg(3), TOO_BIG);
  v.max_datagram = (__u16)dg(3).len;
  w->ops->set_subscriber(w, 0, &v);
  expect(w, dg(3), SEND);
  v.protection = FB_PROTECT_AES128GCM;
  w->ops->set_subscriber(w, 0, &v);
  expect(w, dg(3), NO_KEY);
  struct fb_subscriber six = world_subscriber(0, 6);
  w->ops->set_subscriber(w, 0, &six);
  expect(w, dg(3), OTHER_FAMILY);
  assert_int_equal(counters_of(w, 0)->next_pn, 1002);
}

/* Frames that nobody gets are recorded for everybody all the same. */
static void counted(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 3);
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(group(2, 9), datagram(object(99, 0, 1, 1)),
                                                         stream(6, 7, text("?"))))),
                   FB_PKT_FANNED);
  for (uint32_t slot = 0; slot < 3; slot++) {
    const struct fb_counters *c = counters_of(w, slot);
    assert_int_equal(c->decisions[FB_DEC_SEND], 1);
    assert_int_equal(c->decisions[FB_DEC_UNKNOWN_ALIAS], 1);
    assert_int_equal(c->decisions[FB_DEC_NO_HEADER], 1);
    assert_int_equal(c->copies, 1);
    uint64_t sum = 0;
    for (unsigned d = 0; d < 32; d++)
      sum += c->decisions[d];
    assert_int_equal(sum, 3);
  }
}

/* If no frame goes to a subscriber, there is neither a copy nor a number. */
static void nothing_to_send(struct world *w) {
  begin(w);
  expect(w, group(2, 9), SEND);
  assert_int_equal(
      send_packet(w, PACKET(.pn = 50, FRAMES(group(2, 9), datagram(object(99, 0, 1, 1))))),
      FB_PKT_FANNED);
  assert_int_equal(w->n_copies, 0);
  assert_int_equal(recorded(w, 0)->sent, 0);
  assert_int_equal(counters_of(w, 0)->next_pn, 1001);
}

const struct fixture fixtures_choose[] = {{"subscription", subscription},
                                          {"delivery timeout", delivery_timeout},
                                          {"skipped", skipped},
                                          {"came later", came_later},
                                          {"states", states},
                                          {"held", held},
                                          {"number limit", number_limit},
                                          {"credit", credit},
                                          {"stream limit", stream_limit},
                                          {"flow control", flow_control},
                                          {"flow control of a stream", stream_flow_control},
                                          {"refused in the middle", refused_in_the_middle},
                                          {"sizes and families", sizes_and_families},
                                          {"counted", counted},
                                          {"nothing to send", nothing_to_send},
                                          {NULL, NULL}};
