/* Strategies: what a subscriber that lags behind loses, and what that means for a subgroup. */
#include "bpf/t/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A timeout of ten hours: lags in hours, and no clock matters. */
#define HOUR_MS 3600000u
#define TIMEOUT (10 * HOUR_MS)

static uint64_t next_pn;

/* Subscriber 0 may lose something, subscriber 1 may not. */
static void begin(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 2);
  struct fb_subscription v = world_subscription(0);
  v.delivery_timeout_ms = TIMEOUT;
  w->ops->set_subscription(w, 0, 0, &v);
  next_pn = 0;
}

/* Both have something queued in user space; the oldest came `hours` ago. */
static void behind(struct world *w, unsigned hours) {
  for (uint32_t slot = 0; slot < 2; slot++) {
    counters_of(w, slot)->hold = 1;
    world_lag(w, slot, (uint64_t)hours * HOUR_MS);
  }
}

static void newest(struct world *w, uint64_t group) {
  w->ops->tracks(w)[0].newest_group = group;
}

/* What subscriber 0 gets. The other one gets everything, by one path or the other. */
static enum fb_decision send_one(struct world *w, struct piece frame) {
  assert_int_equal(send_packet(w, PACKET(.pn = next_pn++, FRAMES(frame))), FB_PKT_FANNED);
  enum fb_decision other = decided(w, 1, 0);
  assert_true(other == FB_DEC_SEND || other > FB_DEC_LAST_FINAL);
  enum fb_decision d = decided(w, 0, 0);
  assert_int_equal(copy_for(w, 0) != NULL, d == FB_DEC_SEND);
  return d;
}
#define expect(w, frame, decision) assert_int_equal(send_one(w, frame), FB_DEC_##decision)

/* 20 bytes. */
static struct piece subgroup_at(uint64_t id, uint64_t group, uint8_t priority) {
  return stream(id, 0, cat(subgroup_of(1, 1, group, priority), bytes(16, 0)));
}
/* Priority 128, the track's. */
static struct piece dg(uint64_t group) {
  return datagram(cat(object(1, 0, group, 4), text("hi")));
}

/* `none`: a lag of any length. */
static void none(struct world *w) {
  begin(w);
  behind(w, 1000);
  newest(w, 9);
  expect(w, dg(3), HELD);
  expect(w, subgroup_at(2, 3, 255), HELD);
}

static void priority_limit(struct world *w) {
  begin(w);
  expect(w, dg(3), SEND); /* it keeps up */
  world_lag(w, 0, TIMEOUT);
  expect(w, dg(3), SEND); /* nothing is in the way: no lag that counts */
  behind(w, 2);           /* an eighth is 1.25 hours: 127 */
  expect(w, dg(3), POLICY);
  assert_int_equal(recorded(w, 0)->sent, 0);
  assert_int_equal(counters_of(w, 0)->decisions[FB_DEC_POLICY], 1);
  assert_int_equal(counters_of(w, 0)->hold, 1); /* nobody waits for it: no refusal */
  assert_int_equal(counters_of(w, 1)->hold, 2);
  expect(w, subgroup_at(2, 3, 127), HELD);
  expect(w, subgroup_at(6, 3, 128), POLICY);
  behind(w, 9); /* 1 */
  expect(w, subgroup_at(10, 3, 2), POLICY);
  expect(w, subgroup_at(14, 3, 1), HELD);
  behind(w, 11); /* 0 */
  expect(w, subgroup_at(18, 3, 1), POLICY);
  expect(w, subgroup_at(22, 3, 0), HELD);
}

/* Each refusal that makes a subscriber lag counts, not the first alone. */
static void whatever_holds_it(struct world *w) {
  begin(w);
  world_lag(w, 0, 9 * HOUR_MS);
  counters_of(w, 0)->credit = 0;
  expect(w, dg(3), POLICY);
  counters_of(w, 0)->credit = 1u << 30;
  counters_of(w, 0)->pn_limit = 0;
  expect(w, dg(3), POLICY);
  counters_of(w, 0)->pn_limit = 5000;
  expect(w, dg(3), SEND);
}

/* A subgroup that was dropped is never opened: no ordinal, and no later frame of it. */
static void never_opened(struct world *w) {
  begin(w);
  behind(w, 2);
  expect(w, subgroup_at(2, 3, 200), POLICY);
  assert_int_equal(recorded(w, 0)->down[0], 0);
  assert_int_equal(counters_of(w, 0)->next_stream, 3);
  assert_int_equal(counters_of(w, 1)->next_stream, 4);
  expect(w, stream(2, 20, text("tail")), SKIPPED);
  counters_of(w, 0)->hold = 0; /* it has caught up */
  expect(w, stream(2, 24, text("tail")), SKIPPED);
  expect(w, subgroup_at(6, 3, 200), SEND);
  assert_int_equal(recorded(w, 0)->down[0], 4); /* ordinals stay dense */
}

/* Of an open subgroup the tail goes, once and for all; user space learns where. */
static void tail(struct world *w) {
  begin(w);
  expect(w, subgroup_at(2, 3, 200), SEND);
  expect(w, stream(2, 20, text("more")), SEND);
  behind(w, 2);
  expect(w, stream(2, 24, text("tail")), POLICY);
  assert_int_equal(recorded(w, 0)->down[0], 4); /* of the stream to reset, plus 1 */
  assert_int_equal(recorded(w, 0)->charged, 0);
  assert_int_equal(down_of(w, 0, 0)->id & FB_DOWN_MASK, FB_DOWN_SKIPPED);
  assert_int_equal(down_of(w, 0, 0)->charged, 1ull << 48 | 24);
  expect(w, stream(2, 28, text("tail")), SKIPPED);
  counters_of(w, 0)->hold = 0;
  expect(w, stream_fin(2, 32, text("tail")), SKIPPED);
  assert_int_equal(counters_of(w, 0)->decisions[FB_DEC_POLICY], 1);
}

/* What is no new data is not asked about: user space knows what lacks. */
static void resends(struct world *w) {
  begin(w);
  expect(w, subgroup_at(2, 3, 200), SEND);
  behind(w, 2);
  expect(w, subgroup_at(2, 3, 200), BELOW_FRONTIER);
  expect(w, stream(6, 20, text("no header yet")), NO_HEADER);
  assert_int_not_equal(down_of(w, 0, 0)->id & FB_DOWN_MASK, FB_DOWN_SKIPPED);
}

/* PRIORITY_FILTER comes first, and holds whatever the strategy says. */
static void filter_first(struct world *w) {
  begin(w);
  struct fb_subscription v = world_subscription(0);
  v.delivery_timeout_ms = TIMEOUT;
  v.priority_hi = 100;
  w->ops->set_subscription(w, 0, 0, &v);
  struct piece all = subgroup_at(2, 3, 101);
  expect(w, all, FILTERED);
  behind(w, 2);
  expect(w, subgroup_at(6, 3, 101), FILTERED);
  expect(w, subgroup_at(10, 3, 100), HELD);
}

/* What comes of an object whose header came long ago is too old, though nothing is in its way;
 * what is behind that object has just come. */
static void deadline_by_age(struct world *w) {
  begin(w);
  expect(w, subgroup_at(2, 3, 200), SEND); /* 20 bytes */
  world_object(w, 0, 30, 9 * HOUR_MS);
  expect(w, stream(2, 20, text("more")), SEND); /* not yet the timeout */
  world_object(w, 0, 30, 11 * HOUR_MS);
  expect(w, stream(2, 30, text("next")), SEND); /* behind its end */
  world_object(w, 0, 40, 11 * HOUR_MS);
  expect(w, stream(2, 34, text("late, and more")), POLICY);
  assert_int_equal(recorded(w, 0)->down[0], 4); /* of the stream to reset, plus 1 */
  assert_int_equal(counters_of(w, 0)->hold, 0); /* nobody waits for it */
  expect(w, stream_fin(2, 48, text("end")), SKIPPED);
  /* A new owner of the slot, with the claim of the old one. */
  expect(w, subgroup_at(6, 3, 200), SEND);
  w->ops->objects(w)[1] = (struct fb_object){.end = 1ull << FB_CLAIM_SHIFT | 1000, .since_ns = 1};
  expect(w, datagram(cat(object(1, 0, 3, 4), text("hi"))), SEND);
  expect(w, subgroup_at(10, 3, 200), SEND);
  w->ops->objects(w)[3] = (struct fb_object){.end = 1ull << FB_CLAIM_SHIFT | 1000, .since_ns = 1};
  expect(w, subgroup_at(14, 3, 200), SEND);
  expect(w, stream(14, 20, text("more")), SEND);
  w->ops->objects(w)[3].end = 2ull << FB_CLAIM_SHIFT | 1000; /* not this owner's */
  expect(w, stream(14, 24, text("more")), SEND);
}

/* Objects that come are of no age: user space keeps the deadline of those that wait. */
static void deadline(struct world *w) {
  begin(w);
  expect(w, dg(3), SEND);
  behind(w, 1000);
  newest(w, 9);
  expect(w, dg(3), HELD);
  expect(w, subgroup_at(2, 3, 255), HELD);
}

static void skip_to_group(struct world *w) {
  begin(w);
  newest(w, 4);
  expect(w, subgroup_at(2, 3, 0), SEND); /* an older group, but it keeps up */
  behind(w, 4);
  expect(w, dg(3), HELD); /* not yet half the timeout */
  behind(w, 6);
  expect(w, dg(3), POLICY);
  expect(w, dg(4), HELD);
  expect(w, dg(5), HELD);                         /* user space has not told yet */
  expect(w, stream(2, 20, text("tail")), POLICY); /* the open one is left behind */
  expect(w, stream(2, 24, text("tail")), SKIPPED);
  expect(w, subgroup_at(6, 3, 0), POLICY);  /* priority does not matter */
  expect(w, subgroup_at(10, 4, 255), HELD); /* the newest is whole from its start */
  newest(w, 5);
  expect(w, stream(10, 20, text("tail")), POLICY);
  expect(w, datagram(cat(object(2, 0, 1, 4), text("hi"))), HELD); /* another track, no timeout */
}

const struct fixture fixtures_none[] = {{"none", none}, {NULL, NULL}};
const struct fixture fixtures_priority_limit[] = {{"priority-limit", priority_limit},
                                                  {"whatever holds it", whatever_holds_it},
                                                  {"never opened", never_opened},
                                                  {"tail", tail},
                                                  {"resends", resends},
                                                  {"filter first", filter_first},
                                                  {NULL, NULL}};
const struct fixture fixtures_deadline[] = {
    {"deadline", deadline}, {"deadline by age", deadline_by_age}, {NULL, NULL}};
const struct fixture fixtures_skip_to_group[] = {{"skip-to-group", skip_to_group}, {NULL, NULL}};
