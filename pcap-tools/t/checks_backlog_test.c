/* A sender that has more than it can send: delivery-order, congestion-bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/check/credit.h"
#include "pcap-tools/t/made_run.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

/* ---- delivery-order ------------------------------------------------------- */

/* The relay is at work for so long, and sends none of what waits. */
static void busy(struct plan *p, unsigned ms) {
  for (unsigned i = 0; i < ms; i++)
    pkt_1rtt(&p->scene.sub, S, .frames = FRAMES(w_ping()));
}

static struct word cut(struct word w, size_t from, size_t to) {
  struct word part = {.len = to - from};
  memcpy(part.b, w.b + from, part.len);
  return part;
}

static void up(struct plan *p, uint64_t group, uint64_t object, uint8_t priority) {
  pkt_1rtt(&p->scene.pub, C,
           .frames = FRAMES(w_datagram(o_datagram(UP_ALIAS, group, object, priority, "x"))));
}

static void down(struct plan *p, uint64_t group, uint64_t object, uint8_t priority) {
  pkt_1rtt(&p->scene.sub, S,
           .frames = FRAMES(w_datagram(o_datagram(DOWN_ALIAS, group, object, priority, "x"))));
}

/* Subscribed with these parameters; SUBSCRIBE_OK with those. */
static struct plan asked(struct word params, struct word ok) {
  return made_run_of(scene_new("chat", params, ok));
}

/* Two datagrams wait, and then leave in this order. */
struct two {
  uint64_t group, object;
  uint8_t priority;
};

static struct plan waiting(struct plan p, struct two a, struct two b) {
  up(&p, a.group, a.object, a.priority);
  up(&p, b.group, b.object, b.priority);
  busy(&p, 30);
  down(&p, a.group, a.object, a.priority);
  down(&p, b.group, b.object, b.priority);
  return p;
}

static void expect_order(struct plan p, struct two a, struct two b, enum judge_result result) {
  p = waiting(p, a, b);
  made_run_expect(&p, "delivery-order", result);
}

static void the_lower_object_goes_first(void **state) {
  (void)state;
  expect_order(made_run(), (struct two){0, 1, 1}, (struct two){0, 2, 1}, JUDGE_PASS);
  expect_order(made_run(), (struct two){0, 2, 1}, (struct two){0, 1, 1}, JUDGE_FAIL);
}

static void the_lower_group_goes_first(void **state) {
  (void)state;
  expect_order(made_run(), (struct two){1, 9, 1}, (struct two){2, 0, 1}, JUDGE_PASS);
  struct plan p = waiting(made_run(), (struct two){2, 0, 1}, (struct two){1, 9, 1});
  made_run_expect_finding(&p, "delivery-order", "object", "chat group 2 object 0");
}

static void the_lower_priority_number_goes_before_the_group(void **state) {
  (void)state;
  expect_order(made_run(), (struct two){2, 0, 0}, (struct two){1, 0, 1}, JUDGE_PASS);
  expect_order(made_run(), (struct two){1, 0, 1}, (struct two){2, 0, 0}, JUDGE_FAIL);
}

/* GROUP_ORDER 2 in SUBSCRIBE. */
static void descending_groups_go_the_other_way(void **state) {
  (void)state;
  struct word descending = w_hex("02 21 0100 01 02");
  expect_order(asked(descending, p_none()), (struct two){2, 0, 1}, (struct two){1, 0, 1},
               JUDGE_PASS);
  expect_order(asked(descending, p_none()), (struct two){1, 0, 1}, (struct two){2, 0, 1},
               JUDGE_FAIL);
}

/* DEFAULT_PUBLISHER_GROUP_ORDER 2 among the properties of SUBSCRIBE_OK. */
static void the_publishers_order_counts_where_none_was_asked(void **state) {
  (void)state;
  struct word ok = w_hex("00 22 02");
  expect_order(asked(p_next_group(), ok), (struct two){2, 0, 1}, (struct two){1, 0, 1}, JUDGE_PASS);
  expect_order(asked(p_next_group(), ok), (struct two){1, 0, 1}, (struct two){2, 0, 1}, JUDGE_FAIL);
  struct word ascending = w_hex("02 21 0100 01 01");
  expect_order(asked(ascending, ok), (struct two){1, 0, 1}, (struct two){2, 0, 1}, JUDGE_PASS);
}

static void a_relay_that_had_no_turn_has_no_backlog(void **state) {
  (void)state;
  struct plan p = made_run();
  up(&p, 0, 1, 1);
  up(&p, 0, 2, 1);
  p.scene.t->now_ns += 500000000;
  down(&p, 0, 2, 1);
  down(&p, 0, 1, 1);
  made_run_expect(&p, "delivery-order", JUDGE_SKIP);
}

static void what_has_just_come_may_wait(void **state) {
  (void)state;
  struct plan p = made_run();
  up(&p, 0, 2, 1);
  busy(&p, 30);
  up(&p, 0, 1, 1);
  busy(&p, 10);
  down(&p, 0, 2, 1);
  down(&p, 0, 1, 1);
  made_run_expect(&p, "delivery-order", JUDGE_SKIP);
}

/* What it has handed to its library it can take back, as long as it has not left. */
static void a_stock_relay_keeps_the_order_too(void **state) {
  (void)state;
  struct plan p = made_run();
  p.datapath = "stock";
  expect_order(p, (struct two){0, 1, 1}, (struct two){0, 2, 1}, JUDGE_PASS);
  p = made_run();
  p.datapath = "stock";
  expect_order(p, (struct two){0, 2, 1}, (struct two){0, 1, 1}, JUDGE_FAIL);
}

/* A second subscription of the same subscriber, on track "more" (aliases one higher). */
static struct plan two_tracks(struct word params) {
  struct plan p = made_run();
  pkt_1rtt(&p.scene.pub, S,
           .frames = FRAMES(w_stream_of(5, 0, m_subscribe(3, "more", p_next_group()), false)));
  pkt_1rtt(&p.scene.pub, C,
           .frames = FRAMES(w_stream_of(5, 0, m_subscribe_ok(UP_ALIAS + 1, p_none()), false)));
  pkt_1rtt(&p.scene.sub, C,
           .frames = FRAMES(w_stream_of(4, 0, m_subscribe(2, "more", params), false)));
  pkt_1rtt(&p.scene.sub, S,
           .frames = FRAMES(w_stream_of(4, 0, m_subscribe_ok(DOWN_ALIAS + 1, p_none()), false)));
  return p;
}

static void up_more(struct plan *p, uint64_t object, uint8_t priority) {
  pkt_1rtt(&p->scene.pub, C,
           .frames = FRAMES(w_datagram(o_datagram(UP_ALIAS + 1, 0, object, priority, "x"))));
}

static void down_more(struct plan *p, uint64_t object, uint8_t priority) {
  pkt_1rtt(&p->scene.sub, S,
           .frames = FRAMES(w_datagram(o_datagram(DOWN_ALIAS + 1, 0, object, priority, "x"))));
}

/* "chat" {0, 1} and "more" {0, 0} wait; chat leaves first. */
static void expect_chat_first(struct word params, uint8_t chat, uint8_t more,
                              enum judge_result result) {
  struct plan p = two_tracks(params);
  up(&p, 0, 1, chat);
  up_more(&p, 0, more);
  busy(&p, 30);
  down(&p, 0, 1, chat);
  down_more(&p, 0, more);
  made_run_expect(&p, "delivery-order", result);
}

static void between_equal_subscriptions_any_order_passes(void **state) {
  (void)state;
  expect_chat_first(p_next_group(), 1, 1, JUDGE_PASS);
}

static void between_subscriptions_the_publishers_priority_counts(void **state) {
  (void)state;
  expect_chat_first(p_next_group(), 1, 2, JUDGE_PASS);
  expect_chat_first(p_next_group(), 2, 1, JUDGE_FAIL);
}

/* SUBSCRIBER_PRIORITY of "more"; that of "chat" is 128. */
static void the_subscribers_priority_counts_most(void **state) {
  (void)state;
  expect_chat_first(w_hex("02 20 81 01 0100"), 5, 1, JUDGE_PASS);
  expect_chat_first(w_hex("02 20 7f 01 0100"), 1, 5, JUDGE_FAIL);
}

/* REQUEST_UPDATE makes "more" go first; at once nobody knows which counts. */
static void expect_after_update(uint64_t later_ns, enum judge_result result) {
  struct plan p = two_tracks(p_next_group());
  size_t at = m_subscribe(2, "more", p_next_group()).len;
  pkt_1rtt(&p.scene.sub, C,
           .frames = FRAMES(w_stream_of(4, at, m_update(4, w_hex("01 20 10")), false)));
  p.scene.t->now_ns += later_ns;
  up(&p, 0, 1, 1);
  up_more(&p, 0, 5);
  busy(&p, 30);
  down(&p, 0, 1, 1);
  down_more(&p, 0, 5);
  made_run_expect(&p, "delivery-order", result);
}

static void a_changed_priority_counts_a_second_later(void **state) {
  (void)state;
  expect_after_update(0, JUDGE_PASS);
  expect_after_update(2000000000, JUDGE_FAIL);
}

static void a_datagram_goes_before_a_subgroup_of_its_group(void **state) {
  (void)state;
  struct plan p = made_run();
  up(&p, 1, 0, 1);
  scene_up_stream(&p.scene, 6, 1, "sub");
  busy(&p, 30);
  scene_down_stream(&p.scene, 7, 1, "sub");
  down(&p, 1, 0, 1);
  made_run_expect(&p, "delivery-order", JUDGE_FAIL);
}

/* The subscriber allows so many one-way streams, of which 3 and 7 are in use; an object that needs
 * the next one and one of a later group that needs none have waited for a turn. */
static struct plan allowed_streams(uint64_t n) {
  struct tape *t = tape_new();
  struct word others = w_hex("04 04 80100000 05 01 3c 06 01 3c 07 02 4400 08 01 02 20 02 4400");
  t->client_params = JOIN(others, w_hex("09 01"), w_varint(n));
  struct plan p = made_run_of(scene_on(t, "chat", p_next_group(), p_none()));
  scene_up_stream(&p.scene, 6, 0, "one");
  scene_down_stream(&p.scene, 7, 0, "one");
  scene_up_stream(&p.scene, 10, 1, "two");
  up(&p, 2, 0, 1);
  busy(&p, 30);
  return p;
}

static void raise_streams(struct plan *p) {
  pkt_1rtt(&p->scene.sub, C, .frames = FRAMES(w_frame1(0x13, 9)));
}

/* What needs no stream leaves before a stream is allowed. */
static struct plan without_stream(uint64_t streams) {
  struct plan p = allowed_streams(streams);
  down(&p, 2, 0, 1);
  raise_streams(&p);
  scene_down_stream(&p.scene, 11, 1, "two");
  return p;
}

static void an_object_without_a_stream_may_wait(void **state) {
  (void)state;
  struct plan p = without_stream(2);
  made_run_expect(&p, "delivery-order", JUDGE_SKIP);
  p = without_stream(3);
  made_run_expect(&p, "delivery-order", JUDGE_FAIL);
}

/* A stream that is reset before it begins uses up its place of MAX_STREAMS, too. */
static void a_reset_opens_a_stream(void **state) {
  (void)state;
  struct plan p = allowed_streams(3);
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_reset(11, 1, 0)));
  down(&p, 2, 0, 1);
  raise_streams(&p);
  scene_down_stream(&p.scene, 15, 1, "two");
  made_run_expect(&p, "delivery-order", JUDGE_SKIP);
}

/* A stream is allowed; the relay is at work for so long after that, within a second, before it
 * sends what needs none. */
static struct plan stream_allowed(unsigned busy_ms) {
  struct plan p = allowed_streams(2);
  raise_streams(&p);
  busy(&p, busy_ms);
  p.scene.t->now_ns += 1000000000 - busy_ms * 1000000;
  down(&p, 2, 0, 1);
  scene_down_stream(&p.scene, 11, 1, "two");
  return p;
}

static void a_relay_that_slept_has_not_read_the_limit(void **state) {
  (void)state;
  struct plan p = stream_allowed(0);
  made_run_expect(&p, "delivery-order", JUDGE_SKIP);
  p = stream_allowed(30);
  made_run_expect(&p, "delivery-order", JUDGE_FAIL);
}

/* Two objects on a stream, the first without its last byte; then a datagram that goes before the
 * second one waits, and the byte leaves. The second object has left before it, or leaves with it. */
static void hole_filled(bool left_before, enum judge_result result) {
  struct plan p = made_run();
  struct word one = JOIN(o_header(DOWN_ALIAS, 2, 0, 1), o_object(0, "one"));
  struct word both = JOIN(one, o_object(0, "two"));
  struct word from = JOIN(o_header(UP_ALIAS, 2, 0, 1), o_object(0, "one"), o_object(0, "two"));
  const size_t hole = one.len - 1;
  pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_stream_of(6, 0, from, true)));
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, cut(both, 0, hole), false)));
  if (left_before)
    pkt_1rtt(&p.scene.sub, S,
             .frames = FRAMES(w_stream_of(7, hole + 1, cut(both, hole + 1, both.len), true)));
  up(&p, 1, 0, 1);
  busy(&p, 30);
  const size_t end = left_before ? hole + 1 : both.len;
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, hole, cut(both, hole, end), true)));
  down(&p, 1, 0, 1);
  made_run_expect(&p, "delivery-order", result);
}

static void what_waits_behind_a_hole_has_left_before(void **state) {
  (void)state;
  hole_filled(true, JUDGE_SKIP);
  hole_filled(false, JUDGE_FAIL);
}

/* A sender reaches a limit that has been raised shortly before: it may not know. */
static void an_old_limit_stops_who_has_not_read_the_new(void **state) {
  (void)state;
  struct qp_conn conn = {
      .hello.client = {
          .seen = true, .max_data = 80000, .max_stream_data_uni = 90000, .max_streams_uni = 2}};
  struct qp_credit c = {0};
  assert_true(qp_credit_begin(&c, &conn, QP_SERVER));
  qp_credit_sent(&c, &conn, QP_SERVER, 3, 60000, 100);
  const struct qp_quic_frame raise[] = {
      {.kind = QP_F_MAX_DATA, .limit.value = 900000},
      {.kind = QP_F_MAX_STREAM_DATA, .limit = {.id = 3, .value = 900000}},
      {.kind = QP_F_MAX_STREAMS_UNI, .limit.value = 9}};
  for (size_t i = 0; i < 3; i++)
    qp_credit_allowed(&c, &conn, QP_SERVER, &raise[i], 200 + i);
  struct qp_quic_frame two_way = {.kind = QP_F_MAX_STREAMS_BIDI}; /* these stop no media */
  for (uint64_t i = 1; i <= QP_CREDIT_RAISES; i++) {
    two_way.limit.value = 9 * i;
    qp_credit_allowed(&c, &conn, QP_SERVER, &two_way, 250);
  }
  const uint64_t what[] = {QP_CREDIT_DATA, 3, QP_CREDIT_STREAMS};
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(qp_credit_free_since(&c, what[i], 300), 0);
  qp_credit_sent(&c, &conn, QP_SERVER, 3, 89000, 310);
  qp_credit_sent(&c, &conn, QP_SERVER, 7, 1, 320);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(qp_credit_free_since(&c, what[i], 330), 200 + i);
  qp_credit_clear(&c);
}

/* ---- congestion-bounded (the envelope itself: envelope_test.c) ------------- */

/* The relay sends packets of 1,200 bytes; the subscriber acknowledges every `each`. */
static struct plan stream_of(unsigned packets, unsigned each) {
  struct plan p = made_run();
  uint64_t first = p.scene.sub.pn[S];
  for (unsigned i = 0; i < packets; i++) {
    struct word data = w_padding(1160);
    pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, i * 1160, data, false)));
    if (each && i % each == each - 1)
      pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_ack(first, p.scene.sub.pn[S] - 1)));
  }
  return p;
}

static void a_sender_that_is_acknowledged_passes(void **state) {
  (void)state;
  struct plan p = stream_of(200, 10);
  made_run_expect(&p, "congestion-bounded", JUDGE_PASS);
}

static void a_sender_without_a_window_fails(void **state) {
  (void)state;
  struct plan p = stream_of(60, 0);
  made_run_expect_finding(&p, "congestion-bounded", "bytes in flight", "");
}

/* 20 of 30 packets do not arrive, 100 ms later the relay sends on as before. */
static struct plan after_loss(const char *congestion, unsigned packets) {
  struct plan p = stream_of(60, 10);
  p.congestion = congestion;
  uint64_t lost = p.scene.sub.pn[S];
  for (unsigned i = 0; i < 20; i++)
    pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_ack(lost + 19, lost + 19)));
  for (unsigned i = 0; i < 100; i++)
    pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_ack(1, 1)));
  for (unsigned i = 0; i < packets; i++)
    pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(11, i * 1160, w_padding(1160), false)));
  return p;
}

static void a_window_halved_by_loss_binds(void **state) {
  (void)state;
  struct plan p = after_loss("newreno", 20);
  made_run_expect(&p, "congestion-bounded", JUDGE_PASS);
  p = after_loss("newreno", 38);
  made_run_expect_finding(&p, "congestion-bounded", "bytes in flight", "");
}

static void cubic_keeps_more(void **state) {
  (void)state;
  struct plan p = after_loss("cubic", 38);
  made_run_expect(&p, "congestion-bounded", JUDGE_PASS);
}

/* The subscriber's port changes under a full window. */
static void another_port_may_begin_anew(void **state) {
  (void)state;
  struct plan p = stream_of(13, 0);
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_ping()), .port = 20001);
  for (unsigned i = 0; i < 10; i++)
    pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(11, i * 1160, w_padding(1160), false)),
             .port = 20001);
  made_run_expect(&p, "congestion-bounded", JUDGE_PASS);
}

/* A client with a full window takes another port, with another ID or with the same. */
static struct plan client_on_another_port(bool other_id) {
  static const struct qp_cid other = {.len = 8, .data = {0xc9, 9, 9, 9, 9, 9, 9, 9}};
  struct plan p = made_run();
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_new_cid(1, 0, other.data, other.len)));
  for (unsigned i = 0; i < 13; i++)
    pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_stream_of(6, i * 1160, w_padding(1160), false)));
  for (unsigned i = 13; i < 23; i++)
    pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_stream_of(6, i * 1160, w_padding(1160), false)),
             .port = 20001, .dcid = other_id ? &other : NULL);
  return p;
}

static void a_client_that_migrates_may_begin_anew(void **state) {
  (void)state;
  struct plan p = client_on_another_port(true);
  made_run_expect(&p, "congestion-bounded", JUDGE_PASS);
}

static void a_client_behind_a_nat_may_not(void **state) {
  (void)state;
  struct plan p = client_on_another_port(false);
  made_run_expect_finding(&p, "congestion-bounded", "bytes in flight", "");
}

static void a_rogue_is_not_judged(void **state) {
  (void)state;
  struct plan p = made_run();
  for (unsigned i = 0; i < 60; i++)
    pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_stream_of(6, i * 1160, w_padding(1160), false)));
  p.sub_role = "rogue";
  made_run_expect(&p, "congestion-bounded", JUDGE_PASS);
  p = made_run();
  for (unsigned i = 0; i < 60; i++)
    pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_stream_of(6, i * 1160, w_padding(1160), false)));
  made_run_expect(&p, "congestion-bounded", JUDGE_FAIL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_lower_object_goes_first),
      cmocka_unit_test(the_lower_group_goes_first),
      cmocka_unit_test(the_lower_priority_number_goes_before_the_group),
      cmocka_unit_test(descending_groups_go_the_other_way),
      cmocka_unit_test(the_publishers_order_counts_where_none_was_asked),
      cmocka_unit_test(a_relay_that_had_no_turn_has_no_backlog),
      cmocka_unit_test(what_has_just_come_may_wait),
      cmocka_unit_test(a_stock_relay_keeps_the_order_too),
      cmocka_unit_test(between_equal_subscriptions_any_order_passes),
      cmocka_unit_test(between_subscriptions_the_publishers_priority_counts),
      cmocka_unit_test(the_subscribers_priority_counts_most),
      cmocka_unit_test(a_changed_priority_counts_a_second_later),
      cmocka_unit_test(a_datagram_goes_before_a_subgroup_of_its_group),
      cmocka_unit_test(an_object_without_a_stream_may_wait),
      cmocka_unit_test(a_reset_opens_a_stream),
      cmocka_unit_test(a_relay_that_slept_has_not_read_the_limit),
      cmocka_unit_test(what_waits_behind_a_hole_has_left_before),
      cmocka_unit_test(an_old_limit_stops_who_has_not_read_the_new),
      cmocka_unit_test(a_sender_that_is_acknowledged_passes),
      cmocka_unit_test(a_sender_without_a_window_fails),
      cmocka_unit_test(a_window_halved_by_loss_binds),
      cmocka_unit_test(cubic_keeps_more),
      cmocka_unit_test(another_port_may_begin_anew),
      cmocka_unit_test(a_client_that_migrates_may_begin_anew),
      cmocka_unit_test(a_client_behind_a_nat_may_not),
      cmocka_unit_test(a_rogue_is_not_judged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
