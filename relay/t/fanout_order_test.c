/* What waits for a subscriber is in MoQT's order, however it became known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/fanout/core.h"
#include "relay/fanout/ordinal.h"
#include "relay/t/fanout_bench.h"

#define GROUP 7
/* Streams of the publisher that it never opens itself. */
#define SID_OF(n) ((int64_t)(4 * (1000 + (n)) + 2))

/* The publisher's connection, and the first subscriber's. */
static struct client *find(struct bench *b, bool publisher) {
  for (uint32_t slot = 0; slot < b->relay->n_slots; slot++) {
    struct client *client = b->relay->clients[slot];
    if (client && (client->upstream >= 0) == publisher && (publisher || client->started))
      return client;
  }
  fail_msg("no such client");
  return NULL;
}

/* As a record of the datapath makes a stream known, which reads no objects. */
static struct leg *known(struct client *up, struct client *sub, int n) {
  struct stream *stream = stream_get(up, SID_OF(n), true);
  assert_non_null(stream);
  struct track *track = NULL;
  for (unsigned i = 0; i < FB_MAX_TRACKS && !track; i++)
    track = up->relay->tracks[i];
  assert_non_null(track);
  stream_place(stream, track, GROUP, FB_SUBGROUP_BY_OBJECT, 128);
  struct leg *leg = leg_get(stream, sub, true);
  assert_non_null(leg);
  return leg;
}

/* Its header, the first object of this ID and a byte of it: `len` bytes of these, at most. */
static void comes(struct client *up, int n, uint8_t object, uint64_t from, size_t len) {
  const uint8_t bytes[] = {0x52, 5, GROUP, 128, object, 1, 'x'}; /* subgroup by first object */
  size_t rest = sizeof bytes - from;
  len = len < rest ? len : rest;
  stream_data(up, SID_OF(n), from, bytes + from, len, from + len == sizeof bytes);
}

static struct bench *begin(void) {
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  bench_subscribe_all(b);
  bench_publish(b, 0, 5, 100, false);
  return b;
}

/* Another CPU's record comes later than those behind it. */
static void who_became_known_late_is_not_sent_late(void **state) {
  (void)state;
  struct bench *b = begin();
  struct client *up = find(b, true), *sub = find(b, false);
  struct leg *later = known(up, sub, 2), *first = known(up, sub, 1);
  comes(up, 2, 29, 0, 100);
  comes(up, 1, 28, 0, 100);
  assert_true(first->queued && later->queued);
  assert_ptr_equal(sub->pending[0], first);
  bench_close(b);
}

/* Its header waits already when its first object names the subgroup. */
static void a_subgroup_named_while_it_waits_moves(void **state) {
  (void)state;
  struct bench *b = begin();
  struct client *up = find(b, true), *sub = find(b, false);
  struct leg *later = known(up, sub, 2), *first = known(up, sub, 1);
  comes(up, 2, 29, 0, 4);
  comes(up, 1, 28, 0, 4);
  assert_true(first->queued && later->queued);
  comes(up, 1, 28, 4, 100);
  assert_ptr_equal(sub->pending[0], first);
  comes(up, 2, 29, 4, 100);
  assert_ptr_equal(sub->pending[0], first);
  bench_close(b);
}

/* Two that wait as after a backlog: the datapath gave each an ordinal as its header came, the
 * unimportant one first, and MAX_STREAMS lets one more stream open. */
struct two {
  struct bench *b;
  struct client *sub;
  struct leg *first, *later;
  uint64_t low;
};

static struct two two_wait(void) {
  struct two t = {.b = begin()};
  struct client *up = find(t.b, true);
  t.sub = find(t.b, false);
  struct fb_counters *counters = client_counters(t.sub);
  const struct plane *plane = t.b->relay->cfg.plane;
  t.low = plane_add(plane, &counters->next_stream, 2);
  plane_store(plane, &counters->max_streams, t.low + 1);
  t.later = known(up, t.sub, 2), t.first = known(up, t.sub, 1);
  leg_open(t.later, t.low), leg_open(t.first, t.low + 1);
  comes(up, 2, 29, 0, 100);
  comes(up, 1, 28, 0, 100);
  assert_true(t.first->order < t.later->order);
  return t;
}

static void who_goes_first_opens_first(void **state) {
  (void)state;
  struct two t = two_wait();
  slow_run(t.sub);
  assert_int_equal(t.first->ordinal, t.low);
  assert_true(t.first->fin_sent);
  assert_int_equal(t.later->ordinal, t.low + 1);
  assert_true(t.later->parked);
  assert_ptr_equal(joint_leg(t.sub, t.low << 2 | 3), t.first);
  assert_ptr_equal(joint_leg(t.sub, (t.low + 1) << 2 | 3), t.later);
  bench_close(t.b);
}

/* The datapath has skipped it, as its subscription had not entered yet: user space sends it. */
static void who_was_skipped_opens_first_too(void **state) {
  (void)state;
  struct two t = two_wait();
  const struct plane *plane = t.b->relay->cfg.plane;
  t.first->stream->claim = 77;
  size_t slot =
      fb_stream_slot(t.first->stream->upstream, (uint64_t)SID_OF(1) >> 2, FB_STREAM_SLOTS);
  plane_store(plane, &plane->downs[slot * plane->max_subscribers + t.sub->slot].id,
              (__u64)77 << FB_CLAIM_SHIFT | FB_DOWN_SKIPPED);
  assert_non_null(leg_down(t.first));
  slow_run(t.sub);
  assert_int_equal(t.first->ordinal, t.low);
  assert_true(t.first->fin_sent && t.later->parked);
  assert_int_equal(plane_load(plane, &leg_down(t.first)->id) & FB_DOWN_MASK, FB_DOWN_SKIPPED);
  bench_close(t.b);
}

/* Of a subscription that is over, with RESET_STREAM due: whoever waits opens in its place, and it
 * is reset when the limit lets out the other one. */
static void who_is_only_reset_gives_its_place(void **state) {
  (void)state;
  struct two t = two_wait();
  const struct plane *plane = t.b->relay->cfg.plane;
  t.later->sub = NULL;
  leg_reset(t.later, MOQT_RESET_CANCELLED);
  assert_true(ordinal_is_spare(t.later));
  slow_run(t.sub);
  assert_int_equal(t.first->ordinal, t.low);
  assert_true(t.first->fin_sent);
  assert_int_equal(t.later->ordinal, t.low + 1);
  assert_false(t.later->reset_sent);
  plane_store(plane, &client_counters(t.sub)->max_streams, t.low + 2);
  slow_run(t.sub);
  assert_true(t.later->reset_sent);
  bench_close(t.b);
}

/* The subscriber knows it by its number. */
static void a_stream_that_has_begun_keeps_its_ordinal(void **state) {
  (void)state;
  struct two t = two_wait();
  ranges_add(&t.later->sent, 0, 1);
  assert_false(ordinal_exchange(t.first));
  assert_int_equal(t.later->ordinal, t.low);
  bench_close(t.b);
  t = two_wait();
  t.later->charged = 1;
  assert_false(ordinal_exchange(t.first));
  bench_close(t.b);
}

static void the_less_important_is_given_nothing(void **state) {
  (void)state;
  struct two t = two_wait();
  plane_store(t.b->relay->cfg.plane, &client_counters(t.sub)->max_streams, t.low + 2);
  assert_false(ordinal_exchange(t.later));
  assert_int_equal(t.first->ordinal, t.low + 1);
  bench_close(t.b);
}

/* Whose ordinal it is that MAX_STREAMS allows is settled when it comes. */
static void a_raised_limit_is_for_who_goes_first(void **state) {
  (void)state;
  struct two t = two_wait();
  pending_park(t.sub, t.first);
  pending_park(t.sub, t.later);
  pending_unpark(t.sub);
  slow_run(t.sub);
  assert_int_equal(t.first->ordinal, t.low);
  assert_true(t.first->fin_sent && !t.later->fin_sent);
  bench_close(t.b);
}

/* Important ones are parked, with far ordinals; those that the new limit allows belong to others,
 * which have not had a turn since. */
static void a_raised_limit_is_for_who_was_parked_first(void **state) {
  (void)state;
  struct two t = two_wait();
  pending_park(t.sub, t.first);
  assert_false(t.later->parked);
  pending_unpark(t.sub);
  assert_false(t.first->parked);
  assert_ptr_equal(t.sub->pending[0], t.first);
  bench_close(t.b);
}

/* MAX_STREAMS of the subscriber comes. Returns whether the datapath is held then. */
static bool raised_holds(struct client *sub, uint8_t times) {
  uint8_t frame[] = {0x13, 0x80, times, 0, 0}; /* 65,536 times as many */
  const struct plane *plane = sub->relay->cfg.plane;
  uint64_t error = 0;
  plane_store(plane, &client_counters(sub)->hold, 0);
  assert_int_equal(joint_protect.opened(sub, 1000u + times, frame, sizeof frame, &error), 0);
  assert_int_equal(sub->max_streams, times << 16);
  return plane_load(plane, &client_counters(sub)->hold) != 0;
}

/* What a limit has stopped goes before what comes new when it is raised: parked legs, and what the
 * datapath has refused since. If it has stopped nothing, nothing waits. */
static void a_raised_limit_holds_what_is_new(void **state) {
  (void)state;
  struct two t = two_wait();
  assert_false(raised_holds(t.sub, 1));
  pending_park(t.sub, t.first);
  assert_true(raised_holds(t.sub, 2));
  assert_false(t.first->parked);
  assert_false(raised_holds(t.sub, 3));
  plane_add(t.b->relay->cfg.plane, &client_counters(t.sub)->decisions[FB_DEC_STREAM_LIMIT], 1);
  assert_true(raised_holds(t.sub, 4));
  assert_false(raised_holds(t.sub, 5));
  bench_close(t.b);
}

/* When it was parked nobody was there to give it a place: its turn comes before the other one's. */
static void who_was_parked_gets_the_place_of_who_came_since(void **state) {
  (void)state;
  struct two t = two_wait();
  pending_remove(t.sub, t.later);
  slow_run(t.sub);
  assert_true(t.first->parked);
  pending_push(t.sub, t.later);
  slow_run(t.sub);
  assert_int_equal(t.first->ordinal, t.low);
  assert_true(t.first->fin_sent && t.later->parked);
  bench_close(t.b);
}

/* A datagram of the publisher: object `object` of its one track, no properties, with a priority. */
static void datagram_comes(struct client *up, uint8_t object) {
  const struct track *track = NULL;
  for (unsigned i = 0; i < FB_MAX_TRACKS && !track; i++)
    track = up->relay->tracks[i];
  assert_non_null(track);
  assert_true(track->alias < 64);
  const uint8_t bytes[] = {0, (uint8_t)track->alias, GROUP, object, 128, 'x'};
  datagram_in(up, bytes, sizeof bytes);
}

/* What overtook it on the way here does not go first for that. */
static void datagrams_wait_in_the_order_of_their_objects(void **state) {
  (void)state;
  struct bench *b = begin();
  struct client *up = find(b, true), *sub = find(b, false);
  static const uint8_t came[] = {32, 31, 34, 33, 30};
  for (size_t i = 0; i < sizeof came; i++)
    datagram_comes(up, came[i]);
  uint64_t object = 30;
  for (const struct queued_datagram *d = sub->dgram_head; d; d = d->next)
    assert_int_equal(d->object, object++);
  assert_int_equal(object, 35);
  bench_close(b);
}

/* Its SUBSCRIBE_OK, or a word like it, is written and has not left. */
static void answer_waits(struct client *client) {
  struct subscription *sub = NULL;
  for (unsigned i = 0; i < FB_MAX_TRACKS && !sub; i++)
    sub = client->subs[i];
  assert_non_null(sub);
  assert_int_equal(qc_stream_send(client->qc, sub->req, "answer", 6, false), 0);
  assert_true(qc_stream_waits(client->qc, sub->req));
  sub->entering = client->entering = true;
  client_dirty(client);
}

/* A probe goes out whatever the window says: it may not take anything new along. */
static void nothing_new_goes_ahead_of_the_answer(void **state) {
  (void)state;
  struct bench *b = begin();
  struct client *up = find(b, true), *sub = find(b, false);
  answer_waits(sub);
  datagram_comes(up, 1);
  sub->probes = 1;
  slow_run(sub);
  assert_non_null(sub->dgram_head);
  assert_false(window_is_open(sub));
  relay_batch_end(b->relay, b->net.now_ns);
  assert_false(sub->entering);
  assert_null(sub->dgram_head);
  bench_close(b);
}

/* ---- stock ------------------------------------------------------------------------------- */

/* On datapath stock, a subscriber that opens STREAMS streams of WINDOW bytes and takes DATA. */
#define WINDOW  2000
#define STREAMS 3
#define DATA    8000

static const struct endpoint_limits narrow = {
    .max_data = DATA, .max_stream_data = WINDOW, .max_streams = STREAMS, .cid_len = 8};
/* One that stops nothing here. */
static const struct endpoint_limits wide_open = {
    .max_data = 1 << 20, .max_stream_data = 1 << 20, .max_streams = 100, .cid_len = 8};

static struct bench *begin_stock(const struct endpoint_limits *limits) {
  struct bench *b = bench_open((struct shape){.protection = QC_PROTECT_NONE, .limits = limits});
  bench_subscribe_all(b);
  return b;
}

static struct client *find_stock(struct bench *b, bool publisher) {
  for (uint32_t slot = 0; slot < b->relay->n_slots; slot++) {
    struct client *client = b->relay->clients[slot];
    if (client && (client->ns != NULL) == publisher)
      return client;
  }
  fail_msg("no such client");
  return NULL;
}

/* A whole stream, of one object of so many bytes; the lower n goes first. Returns how the
 * subscriber gets it. */
static struct leg *stock_comes(struct client *up, struct client *sub, int n, size_t size) {
  uint8_t bytes[65536] = {0x52, 0, GROUP, 128, (uint8_t)n}; /* subgroup by first object */
  for (unsigned i = 0; i < FB_MAX_TRACKS; i++) {
    if (up->relay->tracks[i])
      bytes[1] = (uint8_t)up->relay->tracks[i]->alias;
  }
  size_t at = 5 + wire_vi64_put(bytes + 5, size);
  assert_true(at + size < sizeof bytes && bytes[1] < 64);
  stream_data(up, SID_OF(n), 0, bytes, at + size, true);
  struct leg *leg = leg_get(stream_get(up, SID_OF(n), false), sub, false);
  assert_non_null(leg);
  return leg;
}

/* What MAX_STREAM_DATA stops is not handed over, so that it does not stand before the others. */
static void what_a_limit_stops_stands_in_nobodys_way(void **state) {
  (void)state;
  struct bench *b = begin_stock(&narrow);
  struct client *up = find_stock(b, true), *sub = find_stock(b, false);
  struct leg *wide = stock_comes(up, sub, 1, 60000), *small = stock_comes(up, sub, 2, 100);
  relay_batch_end(b->relay, b->net.now_ns);
  assert_int_equal(ranges_end(&wide->sent), WINDOW);
  assert_true(wide->queued);
  assert_true(small->fin_sent);
  bench_close(b);
}

/* A stream takes one of MAX_STREAMS, and bytes of MAX_DATA, not before it has its turn. */
static void what_cannot_leave_is_not_opened(void **state) {
  (void)state;
  struct bench *b = begin_stock(&narrow);
  struct client *up = find_stock(b, true), *sub = find_stock(b, false);
  struct leg *legs[STREAMS + 1];
  for (int n = 0; n <= STREAMS; n++)
    legs[n] = stock_comes(up, sub, 8 - n, n < STREAMS - 1 ? 10000 : 10);
  relay_batch_end(b->relay, b->net.now_ns);
  /* MoQT's control stream is one of them */
  assert_int_equal(legs[0]->ordinal, NO_ORDINAL);
  assert_int_equal(legs[1]->ordinal, NO_ORDINAL);
  assert_true(legs[0]->queued && legs[1]->queued);
  assert_true(legs[STREAMS]->fin_sent && legs[STREAMS - 1]->fin_sent);
  bench_close(b);
}

/* A datagram needs no MAX_DATA, the answer does. */
static void the_answer_waits_for_max_data_and_datagrams_for_it(void **state) {
  (void)state;
  for (int used_up = 0; used_up < 2; used_up++) {
    static const struct endpoint_limits limits = {
        .max_data = 3000, .max_stream_data = 1 << 20, .max_streams = 100, .cid_len = 8};
    struct bench *b = bench_open((struct shape){.protection = QC_PROTECT_NONE, .limits = &limits});
    bench_subscribe_all(b);
    struct client *up = find_stock(b, true), *sub = find_stock(b, false);
    if (used_up)
      stock_comes(up, sub, 1, 4000);
    relay_batch_end(b->relay, b->net.now_ns);
    answer_waits(sub);
    datagram_comes(up, 1);
    relay_batch_end(b->relay, b->net.now_ns);
    assert_int_equal(sub->entering, used_up);
    assert_int_equal(sub->dgram_head != NULL, used_up);
    bench_close(b);
  }
}

/* What ngtcp2 has it has sent: what comes later may be more important. */
static void nothing_waits_in_ngtcp2(const struct client *sub) {
  assert_int_equal(qc_unsent(sub->qc), 0);
  for (const struct leg *leg = sub->legs; leg; leg = leg->hh.next)
    assert_true(ranges_end(&leg->sent) > 0 || leg->fin_sent);
}

/* Whether the window is used up, its pacing is not there yet, or a packet has less room than was
 * thought because of an ACK. */
static void ngtcp2_gets_what_it_sends(void **state) {
  (void)state;
  struct bench *b = begin_stock(&wide_open);
  struct client *up = find_stock(b, true), *sub = find_stock(b, false);
  struct leg *wide = stock_comes(up, sub, 2, 60000);
  relay_batch_end(b->relay, b->net.now_ns);
  nothing_waits_in_ngtcp2(sub);
  struct leg *first = stock_comes(up, sub, 1, 100);
  assert_ptr_equal(sub->pending[0], first);
  relay_batch_end(b->relay, b->net.now_ns);
  nothing_waits_in_ngtcp2(sub);
  assert_true(wide->queued && first->ordinal == NO_ORDINAL);
  bench_close(b);
}

/* Many small ones: some do not fit into their packet, or only in part. */
static void small_ones_do_not_wait_in_it_either(void **state) {
  (void)state;
  struct bench *b = begin_stock(&wide_open);
  struct client *up = find_stock(b, true), *sub = find_stock(b, false);
  for (int n = 0; n < 48; n++)
    stock_comes(up, sub, 60 - n, 601);
  relay_batch_end(b->relay, b->net.now_ns);
  nothing_waits_in_ngtcp2(sub);
  assert_true(sub->n_pending > 0); /* the window is full */
  struct leg *first = stock_comes(up, sub, 1, 100);
  assert_ptr_equal(sub->pending[0], first);
  bench_close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_became_known_late_is_not_sent_late),
      cmocka_unit_test(a_subgroup_named_while_it_waits_moves),
      cmocka_unit_test(who_goes_first_opens_first),
      cmocka_unit_test(who_was_skipped_opens_first_too),
      cmocka_unit_test(who_is_only_reset_gives_its_place),
      cmocka_unit_test(a_stream_that_has_begun_keeps_its_ordinal),
      cmocka_unit_test(the_less_important_is_given_nothing),
      cmocka_unit_test(a_raised_limit_is_for_who_goes_first),
      cmocka_unit_test(a_raised_limit_is_for_who_was_parked_first),
      cmocka_unit_test(who_was_parked_gets_the_place_of_who_came_since),
      cmocka_unit_test(a_raised_limit_holds_what_is_new),
      cmocka_unit_test(datagrams_wait_in_the_order_of_their_objects),
      cmocka_unit_test(nothing_new_goes_ahead_of_the_answer),
      cmocka_unit_test(the_answer_waits_for_max_data_and_datagrams_for_it),
      cmocka_unit_test(what_a_limit_stops_stands_in_nobodys_way),
      cmocka_unit_test(what_cannot_leave_is_not_opened),
      cmocka_unit_test(ngtcp2_gets_what_it_sends),
      cmocka_unit_test(small_ones_do_not_wait_in_it_either),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
