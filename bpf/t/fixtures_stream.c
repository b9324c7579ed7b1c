/* Which STREAM frames are new, and who owns a stream slot. */
#include "bpf/t/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* One subscriber, slot 0; each packet has one frame. */
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
  return d;
}
#define expect(w, frame, decision) assert_int_equal(send_one(w, frame), FB_DEC_##decision)

static struct fb_stream slot_of(struct world *w, uint64_t id) {
  struct fb_stream st;
  w->ops->get_stream(w, (uint32_t)(id / 4 % WORLD_STREAMS), &st);
  return st;
}

/* A stream with a header of 3 bytes and `n` bytes in its first frame. */
static struct piece opening(uint64_t id, size_t n) {
  return stream(id, 0, cat(subgroup(1, 9), bytes(n - 3, 0)));
}

static void frontier(struct world *w) {
  begin(w);
  expect(w, opening(2, 100), SEND);
  expect(w, opening(2, 100), BELOW_FRONTIER);
  expect(w, stream(2, 50, bytes(20, 0)), BELOW_FRONTIER);
  expect(w, stream(2, 80, bytes(20, 0)), BELOW_FRONTIER);
  expect(w, stream(2, 80, bytes(30, 0)), PARTIAL); /* user space sends these */
  assert_int_equal(slot_of(w, 2).frontier, 110);
  expect(w, stream(2, 100, bytes(10, 0)), BELOW_FRONTIER); /* a resend of them, cut elsewhere */
  expect(w, stream(2, 100, bytes(20, 0)), PARTIAL);
  expect(w, stream(2, 120, bytes(30, 0)), SEND);
  assert_int_equal(slot_of(w, 2).frontier, 150);
  assert_int_equal(recorded_frame(w, 0)->track, 0);
  assert_int_equal(recorded_frame(w, 0)->header, 0);
}

/* A frame above a hole is copied at once; the hole, when it comes, is the slow path's. */
static void hole(struct world *w) {
  begin(w);
  expect(w, opening(2, 100), SEND);
  expect(w, stream(2, 300, bytes(100, 0)), SEND);
  assert_int_equal(counters_of(w, 0)->data_used, 400); /* the growth, not the length */
  expect(w, stream(2, 100, bytes(200, 0)), BELOW_FRONTIER);
  expect(w, stream(2, 400, bytes(1, 0)), SEND);
  assert_int_equal(counters_of(w, 0)->data_used, 401);
}

static void final_frame(struct world *w) {
  begin(w);
  expect(w, opening(2, 100), SEND);
  expect(w, stream(2, 100, nothing()), BELOW_FRONTIER); /* says nothing */
  expect(w, stream_fin(2, 100, nothing()), SEND);       /* the FIN alone, once */
  assert_int_equal(slot_of(w, 2).used, FB_STREAM_FIN);
  expect(w, stream_fin(2, 100, nothing()), BELOW_FRONTIER);
  expect(w, stream_fin(2, 50, bytes(50, 0)), BELOW_FRONTIER);
  expect(w, stream(2, 100, bytes(5, 0)), BELOW_FRONTIER); /* behind the end: the peer errs */
  expect(w, stream_fin(6, 0, cat(subgroup(1, 9), bytes(5, 0))), SEND);
  assert_int_equal(slot_of(w, 6).used, FB_STREAM_FIN);
  /* old bytes that bring a new FIN are for user space */
  expect(w, opening(10, 100), SEND);
  expect(w, stream_fin(10, 50, bytes(50, 0)), PARTIAL);
  assert_int_equal(slot_of(w, 10).used, FB_STREAM_FIN);
  expect(w, stream_fin(10, 100, nothing()), BELOW_FRONTIER);
}

/* Two frames of one stream in one packet. */
static void two_frames(struct world *w) {
  begin(w);
  assert_int_equal(
      send_packet(w, PACKET(.pn = 0, FRAMES(opening(2, 20), stream_fin(2, 20, bytes(10, 3)),
                                            opening(6, 10)))),
      FB_PKT_FANNED);
  for (uint32_t f = 0; f < 3; f++)
    assert_int_equal(decided(w, 0, f), FB_DEC_SEND);
  assert_int_equal(recorded(w, 0)->down[0], 4);
  assert_int_equal(recorded(w, 0)->down[1], 4);
  assert_int_equal(recorded(w, 0)->down[2], 5);
  assert_int_equal(recorded(w, 0)->n_taken, 2);
  assert_int_equal(counters_of(w, 0)->data_used, 40);
}

static void unknown_streams(struct world *w) {
  begin(w);
  expect(w, stream(2, 5, text("no header seen")), NO_HEADER);
  assert_int_equal(recorded_frame(w, 0)->track, FB_NO_TRACK);
  assert_int_equal(recorded_frame(w, 0)->claim, 0);
  /* the header may still come, and the stream is followed from there */
  expect(w, opening(2, 5), SEND);
  expect(w, stream(2, 19, text("next")), SEND);
}

/* What came before the header goes the slow way; the publisher's resend of it, behind
 * the header, is no new data. */
static void overtaken_header(struct world *w) {
  begin(w);
  expect(w, stream(2, 100, bytes(100, 0)), NO_HEADER);
  expect(w, stream(2, 300, bytes(100, 0)), NO_HEADER);
  assert_int_equal(slot_of(w, 2).used, FB_STREAM_EARLY);
  assert_int_equal(recorded_frame(w, 0)->claim, 0);
  assert_int_equal(recorded_frame(w, 0)->track, FB_NO_TRACK);
  expect(w, opening(2, 100), SEND);
  assert_int_equal(slot_of(w, 2).used, FB_STREAM_OPEN);
  assert_int_equal(slot_of(w, 2).frontier, 400);
  expect(w, stream(2, 100, bytes(100, 0)), BELOW_FRONTIER); /* resent */
  expect(w, stream(2, 200, bytes(100, 0)), BELOW_FRONTIER); /* a hole: user space's */
  expect(w, stream(2, 350, bytes(100, 0)), PARTIAL);
  expect(w, stream(2, 450, bytes(50, 0)), SEND);
  /* the FIN came early too */
  expect(w, stream_fin(6, 100, bytes(10, 0)), NO_HEADER);
  expect(w, opening(6, 100), SEND);
  assert_int_equal(slot_of(w, 6).used, FB_STREAM_FIN);
  expect(w, stream_fin(6, 100, bytes(10, 0)), BELOW_FRONTIER);
  expect(w, stream_fin(6, 110, nothing()), BELOW_FRONTIER);
  /* a header that cannot be followed ends the waiting */
  expect(w, stream(10, 100, bytes(10, 0)), NO_HEADER);
  expect(w, stream(10, 0, subgroup(99, 1)), UNKNOWN_ALIAS);
  assert_int_equal(slot_of(w, 10).used, FB_STREAM_SLOW);
}

/* What began on the slow path stays there, or it would go out twice. */
static void slow_streams(struct world *w) {
  begin(w);
  expect(w, stream(2, 0, hex("70 05")), NO_HEADER); /* not whole */
  expect(w, opening(2, 100), NO_HEADER);            /* the resend has it whole */
  expect(w, stream(2, 100, text("x")), NO_HEADER);
  expect(w, stream(6, 0, nothing()), NO_HEADER);
  expect(w, stream(10, 0, subgroup(99, 1)), UNKNOWN_ALIAS);
  struct fb_alias_key key = {.alias = 99, .upstream = 0, .upstream_gen = 1};
  w->ops->set_alias(w, &key, &(struct fb_alias_value){.track = 1, .out_alias = 7});
  expect(w, stream(10, 0, subgroup(99, 1)), UNKNOWN_ALIAS); /* learnt too late for this one */
  expect(w, stream(14, 0, subgroup(99, 1)), SEND);
  expect(w, stream(18, 0, hex("76 05 01")), NO_HEADER); /* invalid flags */
  w->ops->set_alias(w, &key, &(struct fb_alias_value){.track = 63, .out_alias = 7});
  expect(w, stream(22, 0, subgroup(99, 1)), UNKNOWN_ALIAS); /* no such track here */
  struct piece far = stream(26, (1ull << 48) - 1, text("x"));
  expect(w, opening(26, 5), SEND);
  expect(w, far, NO_HEADER); /* beyond what a word can hold */
  assert_int_equal(counters_of(w, 0)->next_stream, 5);
}

/* Control streams and the like that go on behind their first frame. */
static void subgroup_by_object(struct world *w) {
  begin(w);
  expect(w, stream(2, 0, hex("72 01 03 05 02 aabb")), SEND); /* ID of the first object: 5 */
  assert_int_equal(recorded_frame(w, 0)->subgroup, FB_SUBGROUP_BY_OBJECT);
  expect(w, stream(6, 0, hex("54 01 03 09 11")), SEND);
  assert_int_equal(recorded_frame(w, 0)->subgroup, 9);
  assert_int_equal(recorded_frame(w, 0)->priority, 0x11);
  expect(w, stream(10, 0, subgroup(2, 3)), SEND);
  assert_int_equal(recorded_frame(w, 0)->subgroup, 0);
  assert_int_equal(recorded_frame(w, 0)->priority, 10); /* the track's */
}

/* 16 slots here: stream 66 has the slot of stream 2. */
static void slot_reuse(struct world *w) {
  begin(w);
  expect(w, opening(2, 50), SEND);
  assert_int_equal(slot_of(w, 2).claim, 1);
  expect(w, opening(66, 20), SEND); /* newer: takes it */
  assert_int_equal(slot_of(w, 2).claim, 2);
  assert_int_equal(recorded_frame(w, 0)->claim, 2);
  expect(w, stream(2, 50, text("late")), NO_HEADER);
  expect(w, opening(2, 50), NO_HEADER); /* older: never comes back */
  expect(w, stream(66, 20, text("goes on")), SEND);
  assert_int_equal(counters_of(w, 0)->data_used, 50 + 27);
}

/* The claim number comes round after 65,535 owners; nothing old may count then. */
static void claim_wraps(struct world *w) {
  begin(w);
  world_join(w, 1, 1);
  expect(w, opening(2, 50), SEND);
  struct fb_stream st = slot_of(w, 2);
  st.claim = FB_CLAIM_MAX;
  w->ops->set_stream(w, 0, &st);
  struct fb_subscription off = world_subscription(1);
  off.on = 0;
  w->ops->set_subscription(w, 1, 0, &off);
  for (uint32_t slot = 0; slot < 2; slot++) { /* what an owner with claim 1 had left */
    down_of(w, 0, slot)->id = 1ull << 48 | 77;
    down_of(w, 0, slot)->charged = 1ull << 48 | 500;
    down_of(w, 0, slot)->limit = 1ull << 48 | 1;
  }
  expect(w, opening(66, 20), SEND);
  assert_int_equal(slot_of(w, 2).claim, 1);
  assert_int_equal(counters_of(w, 0)->data_used, 70);
  assert_int_equal(down_of(w, 0, 0)->id, 1ull << 48 | 4);
  assert_int_equal(down_of(w, 0, 0)->limit, 0);
  assert_int_equal(down_of(w, 0, 1)->id, 1ull << 48 | FB_DOWN_SKIPPED);
  assert_int_equal(down_of(w, 0, 1)->charged, 0);
}

/* Two publishers share the table: a finished stream makes room, an open one does not, and
 * those of a connection that is gone do. */
static void two_publishers(struct world *w) {
  static const struct fb_cid_key cid = {.len = 20, .data = {0x33, 1, 2, 3}};
  begin(w);
  struct fb_upstream other = {.gen = 9, .active = 1, .path = publisher_path(4)};
  w->ops->set_upstream(w, 1, &other);
  w->ops->set_cid(w, &cid, &(struct fb_cid_value){.upstream = 1, .gen = 9});
  struct fb_alias_key key = {.alias = 1, .upstream = 1, .upstream_gen = 9};
  w->ops->set_alias(w, &key,
                    &(struct fb_alias_value){.track = 1, .out_alias = 6, .default_priority = 1});
  expect(w, opening(2, 50), SEND);
  expect(w, opening(10, 50), SEND);
  /* the same ordinal from the other publisher has a slot of its own: 1 */
  assert_int_equal(send_packet(w, PACKET(.pn = 0, .cid = &cid, FRAMES(opening(2, 30)))),
                   FB_PKT_FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_SEND);
  assert_int_equal(slot_of(w, 6).upstream, 1);
  /* ordinals 15 and 31 have the one of the first one's 0 */
  assert_int_equal(send_packet(w, PACKET(.pn = 1, .cid = &cid, FRAMES(opening(62, 30)))),
                   FB_PKT_FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_NO_HEADER);
  expect(w, stream_fin(2, 50, text("end")), SEND);
  assert_int_equal(send_packet(w, PACKET(.pn = 2, .cid = &cid, FRAMES(opening(126, 30)))),
                   FB_PKT_FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_SEND);
  assert_int_equal(recorded_frame(w, 0)->track, 1);
  expect(w, stream_fin(2, 50, text("end")), NO_HEADER); /* whose slot is gone */
  /* the first publisher comes again: its old streams hold nothing */
  struct fb_upstream again = {.gen = 2, .active = 1, .path = publisher_path(4)};
  w->ops->set_upstream(w, 0, &again);
  assert_int_equal(send_packet(w, PACKET(.pn = 3, .cid = &cid, FRAMES(opening(6, 30)))),
                   FB_PKT_FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_SEND);
}

/* A new connection in the same upstream slot starts from ordinal 0 again. */
static void new_generation(struct world *w) {
  begin(w);
  expect(w, opening(66, 50), SEND);
  struct fb_upstream again = {.gen = 2, .active = 1, .path = publisher_path(4)};
  w->ops->set_upstream(w, 0, &again);
  w->ops->set_cid(w, &publisher_cid, &(struct fb_cid_value){.upstream = 0, .gen = 2});
  expect(w, opening(2, 50), UNKNOWN_ALIAS); /* aliases belong to the connection as well */
  struct fb_alias_key key = {.alias = 1, .upstream = 0, .upstream_gen = 2};
  w->ops->set_alias(w, &key, &(struct fb_alias_value){.track = 0, .out_alias = 5});
  expect(w, opening(6, 50), SEND);
}

/* User space marks a stream as its own before it opens it downstream. */
static void taken(struct world *w) {
  begin(w);
  struct fb_take take = {.upstream = 0, .upstream_gen = 1, .ordinal = 0};
  w->ops->take_stream(w, &take);
  assert_int_equal(take.result, FB_TAKE_OURS);
  expect(w, opening(2, 50), NO_HEADER);
  w->ops->take_stream(w, &take); /* once more */
  assert_int_equal(take.result, FB_TAKE_OURS);
  expect(w, opening(6, 50), SEND);
  take.ordinal = 1;
  w->ops->take_stream(w, &take);
  assert_int_equal(take.result, FB_TAKE_FOLLOWED);
  expect(w, stream(6, 50, text("x")), SEND);
  expect(w, opening(70, 50), SEND); /* takes the slot of 6 */
  w->ops->take_stream(w, &take);
  assert_int_equal(take.result, FB_TAKE_OURS); /* an older one never gets it */
  expect(w, stream(70, 50, text("x")), SEND);
  take.upstream = 1; /* another upstream's stream 0 has this slot, while the holder is open */
  take.ordinal = 0;
  w->ops->take_stream(w, &take);
  assert_int_equal(take.result, FB_TAKE_OURS);
  expect(w, stream(70, 51, text("x")), SEND);
}

/* Bytes that came past the datapath are user space's: a resend of them is not copied. */
static void taken_in_part(struct world *w) {
  begin(w);
  expect(w, opening(2, 50), SEND);
  struct fb_take take = {.upstream = 0, .upstream_gen = 1, .ordinal = 0, .frontier = 100};
  w->ops->take_stream(w, &take);
  assert_int_equal(take.result, FB_TAKE_FOLLOWED);
  assert_int_equal(slot_of(w, 2).frontier, 100);
  expect(w, stream(2, 50, bytes(50, 0)), BELOW_FRONTIER);
  expect(w, stream(2, 100, bytes(50, 0)), SEND);
  w->ops->take_stream(w, &take); /* not back */
  assert_int_equal(slot_of(w, 2).frontier, 150);
  take.frontier = 200;
  take.fin = 1;
  w->ops->take_stream(w, &take);
  assert_int_equal(slot_of(w, 2).used, FB_STREAM_FIN);
  expect(w, stream_fin(2, 150, bytes(50, 0)), BELOW_FRONTIER);
}

/* A second publisher, in upstream slot 1: its stream 2 (ordinal 0) shares the slot of the first
 * one's 6 (ordinal 1). */
static const struct fb_cid_key second_cid = {.len = 20, .data = {0x20, 1, 2, 3, 4, 5, 6, 7, 8, 9}};

static void second_publisher(struct world *w) {
  struct fb_upstream up = {.gen = 5, .active = 1, .path = publisher_path(4)};
  w->ops->set_upstream(w, 1, &up);
  w->ops->set_cid(w, &second_cid, &(struct fb_cid_value){.upstream = 1, .gen = 5});
  struct fb_alias_key key = {.alias = 1, .upstream = 1, .upstream_gen = 5};
  w->ops->set_alias(w, &key, &(struct fb_alias_value){.track = 1, .out_alias = 5});
}

/* What the datapath does with a frame of the second publisher. */
static enum fb_decision second(struct world *w, uint64_t pn, struct piece frame) {
  assert_int_equal(send_packet(w, PACKET(.pn = pn, .cid = &second_cid, FRAMES(frame))),
                   FB_PKT_FANNED);
  return decided(w, 0, 0);
}

/* User space opens a stream downstream while another publisher's has its slot. That one ends, and
 * the header comes again because its ACK was lost: no second stream may be opened. */
static void taken_while_busy(struct world *w) {
  begin(w);
  second_publisher(w);
  expect(w, opening(6, 50), SEND);
  assert_int_equal(second(w, 0, opening(2, 30)), FB_DEC_NO_HEADER);
  struct fb_take take = {.upstream = 1, .upstream_gen = 5, .ordinal = 0, .result = 77};
  w->ops->take_stream(w, &take);
  assert_int_equal(take.result, FB_TAKE_OURS);
  expect(w, stream_fin(6, 50, text("end")), SEND);
  assert_int_equal(second(w, 1, opening(2, 30)), FB_DEC_NO_HEADER);
  assert_int_equal(second(w, 2, stream(2, 30, text("x"))), FB_DEC_NO_HEADER);
  assert_int_equal(second(w, 3, opening(66, 30)), FB_DEC_SEND); /* the next one of the slot */
}

/* A stream that was copied to its end, whose slot two others have had since: its header again. */
static void late_header(struct world *w) {
  begin(w);
  second_publisher(w);
  expect(w, stream_fin(6, 0, cat(subgroup(1, 9), bytes(5, 0))), SEND);
  assert_int_equal(second(w, 0, stream_fin(2, 0, cat(subgroup(1, 9), bytes(5, 0)))), FB_DEC_SEND);
  expect(w, stream_fin(6, 0, cat(subgroup(1, 9), bytes(5, 0))), NO_HEADER);
  assert_int_equal(second(w, 1, stream_fin(2, 0, cat(subgroup(1, 9), bytes(5, 0)))),
                   FB_DEC_BELOW_FRONTIER);
  expect(w, opening(70, 50), SEND);
}

const struct fixture fixtures_stream[] = {{"frontier", frontier},
                                          {"hole", hole},
                                          {"overtaken_header", overtaken_header},
                                          {"final frame", final_frame},
                                          {"two frames of a stream", two_frames},
                                          {"unknown streams", unknown_streams},
                                          {"slow streams", slow_streams},
                                          {"subgroup IDs", subgroup_by_object},
                                          {"slot reuse", slot_reuse},
                                          {"claim wraps", claim_wraps},
                                          {"two publishers", two_publishers},
                                          {"new generation", new_generation},
                                          {"taken by user space", taken},
                                          {"taken in part", taken_in_part},
                                          {"taken while busy", taken_while_busy},
                                          {"late header", late_header},
                                          {NULL, NULL}};
