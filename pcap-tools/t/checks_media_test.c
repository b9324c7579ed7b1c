/* Subscriptions and limits: join-point, subscribe-answered, priority-drop,
 * flow-limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdio.h>

#include <cmocka.h>

#include "pcap-tools/t/made_run.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };
#define SECOND_NS 1000000000u

static void done(struct scene *s, const char *check, enum judge_result result, uint64_t examined) {
  scene_close(s);
  tape_expect(s->t, check, result, examined);
  scene_free(s);
}

static void refused(struct scene *s, const char *check, const char *field, const char *actual) {
  scene_close(s);
  tape_expect_finding(s->t, check, field, actual);
  scene_free(s);
}

/* ---- join-point ---------------------------------------------------------- */

/* A second subscriber comes when {4, 2} has reached the relay, and perhaps the publisher has
 * left; its answer says ok. */
static struct scene late_comer(struct word ok, struct tape_conn *second, bool pub_left) {
  struct scene s = scene_new("chat", p_next_group(), p_none());
  scene_up(&s, 4, 2, "old");
  scene_down(&s, 4, 2, "old");
  if (pub_left)
    pkt_1rtt(&s.pub, C, .frames = FRAMES(w_close_app(0)));
  s.t->now_ns += SECOND_NS;
  *second = tape_conn(s.t);
  pkt_1rtt(second, C,
           .frames = FRAMES(w_stream_of(2, 0, m_setup(), false),
                            w_stream_of(0, 0, m_subscribe(0, "chat", p_next_group()), false)));
  pkt_1rtt(second, S,
           .frames = FRAMES(w_stream_of(3, 0, m_setup(), false),
                            w_stream_of(0, 0, m_subscribe_ok(DOWN_ALIAS, ok), false)));
  return s;
}

static struct scene late(struct word ok, struct tape_conn *second) {
  return late_comer(ok, second, false);
}

static void say(struct tape_conn *c, uint64_t group, uint64_t object) {
  pkt_1rtt(c, S, .frames = FRAMES(w_datagram(o_datagram(DOWN_ALIAS, group, object, 1, "x"))));
}

static void the_next_group_passes(void **state) {
  (void)state;
  struct tape_conn c;
  struct scene s = late(p_largest(4, 2), &c);
  say(&c, 5, 0);
  done(&s, "join-point", JUDGE_PASS, 3);
}

static void the_group_at_hand_fails(void **state) {
  (void)state;
  struct tape_conn c;
  struct scene s = late(p_largest(4, 2), &c);
  say(&c, 4, 3);
  refused(&s, "join-point", "object", "{4, 3}");
}

static void less_than_had_come_fails(void **state) {
  (void)state;
  struct tape_conn c;
  struct scene s = late(p_largest(4, 1), &c);
  refused(&s, "join-point", "LARGEST_OBJECT", "{4, 1}");
}

static void nothing_although_something_had_come_fails(void **state) {
  (void)state;
  struct tape_conn c;
  struct scene s = late(p_none(), &c);
  refused(&s, "join-point", "LARGEST_OBJECT", "absent");
}

/* With its publisher the relay may forget the track. */
static void nothing_of_a_publisher_that_left_passes(void **state) {
  (void)state;
  struct tape_conn c;
  struct scene s = late_comer(p_none(), &c, true);
  tape_expect(s.t, "join-point", JUDGE_PASS, 2);
  scene_free(&s);
}

static void more_than_had_come_fails(void **state) {
  (void)state;
  struct tape_conn c;
  struct scene s = late(p_largest(5, 0), &c);
  refused(&s, "join-point", "LARGEST_OBJECT", "{5, 0}");
}

/* The relay has asked for another track, and was told {6, 1}; nothing of it has come yet. */
static struct scene told(struct word ok) {
  struct scene s = scene_new("chat", p_next_group(), p_none());
  pkt_1rtt(&s.pub, S,
           .frames = FRAMES(w_stream_of(5, 0, m_subscribe(3, "video", p_next_group()), false)));
  pkt_1rtt(&s.pub, C,
           .frames = FRAMES(w_stream_of(5, 0, m_subscribe_ok(2, p_largest(6, 1)), false)));
  pkt_1rtt(&s.sub, C,
           .frames = FRAMES(w_stream_of(4, 0, m_subscribe(2, "video", p_next_group()), false)));
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(4, 0, m_subscribe_ok(8, ok), false)));
  return s;
}

static void what_the_upstream_named_passes(void **state) {
  (void)state;
  struct scene s = told(p_largest(6, 1));
  done(&s, "join-point", JUDGE_PASS, 2);
}

static void more_than_the_upstream_named_fails(void **state) {
  (void)state;
  struct scene s = told(p_largest(6, 2));
  refused(&s, "join-point", "LARGEST_OBJECT", "{6, 2}");
}

/* Media come to the relay, and before its SUBSCRIBE_OK or the publisher's SETUP, which was lost, a
 * subscriber asks. */
enum late { NOTHING, SETUP, SUBSCRIBE_OK };

static void asks_before(enum late late, enum judge_result result) {
  struct word setup = w_stream_of(2, 0, m_setup(), false);
  struct word ok = w_stream_of(1, 0, m_subscribe_ok(UP_ALIAS, p_none()), false);
  struct scene s = {.t = tape_new()};
  s.pub = tape_conn_split(s.t, 1, 0);
  s.sub = tape_conn(s.t);
  pkt_1rtt(&s.pub, S,
           .frames = FRAMES(w_stream_of(3, 0, m_setup(), false),
                            w_stream_of(1, 0, m_subscribe(1, "chat", p_next_group()), false)));
  pkt_1rtt(&s.pub, C, .frames = setup, .lost = late == SETUP);
  pkt_1rtt(&s.pub, C, .frames = ok, .lost = late == SUBSCRIBE_OK);
  scene_up(&s, 5, 0, "x");
  s.t->now_ns += 1000000000u;
  pkt_1rtt(&s.sub, C,
           .frames = FRAMES(w_stream_of(2, 0, m_setup(), false),
                            w_stream_of(0, 0, m_subscribe(0, "chat", p_next_group()), false)));
  pkt_1rtt(&s.pub, C, .frames = FRAMES(setup, ok));
  pkt_1rtt(&s.sub, S,
           .frames = FRAMES(w_stream_of(3, 0, m_setup(), false),
                            w_stream_of(0, 0, m_subscribe_ok(DOWN_ALIAS, p_none()), false)));
  if (result == JUDGE_PASS)
    tape_expect(s.t, "join-point", JUDGE_PASS, 1);
  else
    tape_expect_finding(s.t, "join-point", "LARGEST_OBJECT", "absent");
  scene_free(&s);
}

static void what_cannot_be_read_yet_is_not_largest(void **state) {
  (void)state;
  asks_before(SETUP, JUDGE_PASS);
  asks_before(SUBSCRIBE_OK, JUDGE_PASS);
  asks_before(NOTHING, JUDGE_FAIL);
}

/* ---- subscribe-answered -------------------------------------------------- */

static void an_answer_passes(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  done(&s, "subscribe-answered", JUDGE_PASS, 2);
}

static struct word ask(uint64_t stream, uint64_t id) {
  return FRAMES(w_stream_of(stream, 0, m_subscribe(id, "video", p_next_group()), false));
}

static void no_answer_fails(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  pkt_1rtt(&s.sub, C, .frames = ask(4, 2));
  refused(&s, "subscribe-answered", "answer", "none on request stream 4");
}

static void a_question_right_before_the_end_is_excused(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  pkt_1rtt(&s.sub, C, .frames = ask(4, 2));
  pkt_1rtt(&s.sub, C, .frames = FRAMES(w_close_app(0)));
  done(&s, "subscribe-answered", JUDGE_PASS, 2);
}

static void an_update_without_answer_fails(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  size_t asked = m_subscribe(0, "chat", p_next_group()).len;
  pkt_1rtt(&s.sub, C, .frames = FRAMES(w_stream_of(0, asked, m_update(2, p_limit(0)), false)));
  refused(&s, "subscribe-answered", "answer", "none on request stream 0");
}

/* ---- priority-drop: objects of a scene have priority 1 -------------------- */

static void an_excluded_object_fails(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group_limit(0), p_none());
  scene_up(&s, 0, 0, "a");
  scene_down(&s, 0, 0, "a");
  refused(&s, "priority-drop", "publisher priority", "1");
}

static void an_admitted_object_passes(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group_limit(1), p_none());
  scene_up(&s, 0, 0, "a");
  scene_down(&s, 0, 0, "a");
  done(&s, "priority-drop", JUDGE_PASS, 2);
}

static void a_dropped_admitted_object_fails(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group_limit(1), p_none());
  scene_up(&s, 0, 0, "a");
  refused(&s, "priority-drop", "drop", "dropped");
}

static void narrow(struct scene *s) {
  size_t asked = m_subscribe(0, "chat", p_next_group()).len;
  size_t answered = m_subscribe_ok(DOWN_ALIAS, p_none()).len;
  pkt_1rtt(&s->sub, C, .frames = FRAMES(w_stream_of(0, asked, m_update(2, p_limit(0)), false)));
  pkt_1rtt(&s->sub, S, .frames = FRAMES(w_stream_of(0, answered, m_request_ok(), false)));
}

static void a_narrowed_filter_binds_after_its_answer(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  scene_up(&s, 0, 0, "a");
  narrow(&s);
  scene_down(&s, 0, 0, "a"); /* a moment after: still lawful */
  done(&s, "priority-drop", JUDGE_PASS, 1);
  s = scene_new("chat", p_next_group(), p_none());
  scene_up(&s, 0, 0, "a");
  narrow(&s);
  s.t->now_ns += SECOND_NS;
  scene_down(&s, 0, 0, "a");
  refused(&s, "priority-drop", "publisher priority", "1");
}

static void cut_off(struct scene *s, uint64_t code) {
  struct word part = JOIN(o_header(DOWN_ALIAS, 0, 0, 1), o_object(0, "one"));
  pkt_1rtt(&s->sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
  pkt_1rtt(&s->sub, S, .frames = FRAMES(w_reset(7, code, part.len)));
}

static void a_reset_without_reason_fails(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  scene_up_stream(&s, 6, 0, "one");
  cut_off(&s, 1);
  refused(&s, "priority-drop", "RESET_STREAM", "none, code 0x1");
}

static void a_reset_for_a_timeout_passes(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_timeout(500), p_none());
  cut_off(&s, 2);
  done(&s, "priority-drop", JUDGE_PASS, 1);
}

/* A subscription that is given up: its streams are reset, then PUBLISH_DONE says so. */
static void a_reset_too_far_behind_says_so(void **state) {
  (void)state;
  static const struct { uint64_t code, status; } given[] = {{5, 5}, {5, 2}, {1, 5}};
  for (size_t i = 0; i < 3; i++) {
    struct scene s = scene_new("chat", p_next_group(), p_none());
    scene_up_stream(&s, 6, 0, "one");
    cut_off(&s, given[i].code);
    uint64_t answered = m_subscribe_ok(DOWN_ALIAS, p_none()).len;
    pkt_1rtt(&s.sub, S,
             .frames = FRAMES(w_stream_of(0, answered, m_done(given[i].status, 1), true)));
    if (i == 0)
      done(&s, "priority-drop", JUDGE_PASS, 1);
    else
      refused(&s, "priority-drop", "RESET_STREAM", i == 1 ? "none, code 0x5" : "none, code 0x1");
  }
}

static void a_reset_for_a_timeout_has_its_code(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_timeout(500), p_none());
  cut_off(&s, 1);
  refused(&s, "priority-drop", "RESET_STREAM", "code 0x1");
}

/* The other group is another subgroup. */
static void what_was_let_go_is_not_opened_again(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_timeout(500), p_none());
  cut_off(&s, 2);
  scene_down_stream(&s, 11, 1, "one");
  done(&s, "priority-drop", JUDGE_PASS, 1);
  s = scene_new("chat", p_timeout(500), p_none());
  cut_off(&s, 2);
  scene_down_stream(&s, 11, 0, "one");
  refused(&s, "priority-drop", "SUBGROUP_HEADER", "opened again on stream 11");
}

static void a_reset_that_was_asked_for_passes(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  struct word part = JOIN(o_header(DOWN_ALIAS, 0, 0, 1), o_object(0, "one"));
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
  pkt_1rtt(&s.sub, C, .frames = FRAMES(w_stop(7, 1)));
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_reset(7, 1, part.len)));
  done(&s, "priority-drop", JUDGE_PASS, 1);
}

/* Two subscribers' streams of one subgroup are cut off: neither explains the other. */
static void another_subscribers_reset_is_no_reason(void **state) {
  (void)state;
  struct tape_conn other;
  struct scene s = late(p_none(), &other);
  struct word part = JOIN(o_header(DOWN_ALIAS, 5, 0, 1), o_object(0, "one"));
  struct tape_conn *both[2] = {&s.sub, &other};
  for (int i = 0; i < 2; i++) {
    pkt_1rtt(both[i], S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
    pkt_1rtt(both[i], S, .frames = FRAMES(w_reset(7, 1, part.len)));
  }
  refused(&s, "priority-drop", "RESET_STREAM", "none, code 0x1");
}

/* What a publisher brought that the relay sends away is reset a moment before it hears of that;
 * long before, or before the publisher leaves by itself, nobody could know. */
static void a_reset_before_the_relay_ends_its_upstream(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct scene s = scene_new("chat", p_next_group(), p_none());
    scene_up_stream(&s, 6, 0, "one");
    cut_off(&s, 4);
    s.t->now_ns += i == 1 ? SECOND_NS : 10000;
    pkt_1rtt(&s.pub, i == 2 ? C : S, .frames = FRAMES(w_close_app(3)));
    if (i == 0)
      tape_expect(s.t, "priority-drop", JUDGE_PASS, 1);
    else
      tape_expect_finding(s.t, "priority-drop", "RESET_STREAM", "none, code 0x4");
    scene_free(&s);
  }
}

static void a_reset_handed_on_passes(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  struct word part = JOIN(o_header(UP_ALIAS, 0, 0, 1), o_object(0, "one"));
  pkt_1rtt(&s.pub, C, .frames = FRAMES(w_stream_of(6, 0, part, false)));
  pkt_1rtt(&s.pub, C, .frames = FRAMES(w_reset(6, 1, part.len)));
  cut_off(&s, 1);
  done(&s, "priority-drop", JUDGE_PASS, 1);
}

/* A SUBGROUP_HEADER whose subgroup ID is that of the first object. */
static struct word by_object(unsigned alias, unsigned group) {
  return JOIN(w_hex("12"), w_vi64(alias), w_vi64(group), w_hex("01"));
}

/* Of a subgroup named by its first object that object was lost on one hop: the same subgroup; of
 * another group it is not. */
static void a_reset_of_the_header_alone_is_handed_on(void **state) {
  (void)state;
  for (unsigned group = 0; group < 2; group++) {
    struct scene s = scene_new("chat", p_next_group(), p_none());
    struct word header = by_object(DOWN_ALIAS, group);
    struct word part = JOIN(by_object(UP_ALIAS, 0), o_object(3, "one"));
    pkt_1rtt(&s.pub, C, .frames = FRAMES(w_stream_of(6, 0, part, false)));
    pkt_1rtt(&s.pub, C, .frames = FRAMES(w_reset(6, 1, part.len)));
    pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(7, 0, header, false)));
    pkt_1rtt(&s.sub, S, .frames = FRAMES(w_reset(7, 1, header.len)));
    if (group == 0)
      done(&s, "priority-drop", JUDGE_PASS, 1);
    else
      refused(&s, "priority-drop", "RESET_STREAM", "none, code 0x1");
  }
}

/* The application is told that it does not get the rest, or it has to get it. */
static void what_one_too_far_behind_lacks_is_excused(void **state) {
  (void)state;
  for (int behind = 0; behind < 2; behind++) {
    struct plan p = made_run();
    char log[512];
    snprintf(log, sizeof log,
             "{\"ev\":\"connected\",\"t\":1,\"conn\":\"00\"}\n"
             "{\"ev\":\"subscribed\",\"t\":2,\"track\":\"chat\",\"alias\":7,\"largest\":null}\n"
             "{\"ev\":\"done\",\"t\":6000,\"track\":\"chat\",\"status\":%d,\"streams\":0}\n"
             "{\"ev\":\"closed\",\"t\":9000,\"conn\":\"00\",\"by\":\"self\"}\n",
             behind ? 5 : 2);
    p.sub_log = log;
    if (behind)
      made_run_expect(&p, "payload-identical", JUDGE_PASS);
    else
      made_run_expect_finding(&p, "payload-identical", "object", "missing there");
  }
}

/* ---- flow-limits: what the server may send is in the ClientHello ---------- */

struct stage {
  struct tape *t;
  struct tape_conn c;
};

/* 100 bytes in all, 60 on a stream the server opens, 20 on one the client opens;
 * two streams each way. */
static int set_up(void **state) {
  static struct stage s;
  s.t = tape_new();
  s.t->client_params = w_hex("04 02 4064 05 01 14 06 01 3c 07 01 3c 08 01 02 09 01 02");
  s.c = tape_conn(s.t);
  *state = &s;
  return 0;
}

static int tear_down(void **state) {
  struct stage *s = *state;
  tape_conn_free(&s->c);
  tape_free(s->t);
  return 0;
}

static void server_sends(struct stage *s, uint64_t stream, uint64_t off, size_t len) {
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_stream_of(stream, off, w_padding(len), false)));
}

static void client_allows(struct stage *s, struct word frame) {
  pkt_1rtt(&s->c, C, .frames = frame);
}

static void within_the_limits_passes(void **state) {
  struct stage *s = *state;
  server_sends(s, 3, 0, 60);
  server_sends(s, 3, 20, 40); /* again: not charged twice */
  server_sends(s, 7, 39, 1);  /* charged with all of 0..40 */
  tape_expect(s->t, "flow-limits", JUDGE_PASS, 3);
}

static void raised_limits_pass(void **state) {
  struct stage *s = *state;
  client_allows(s, FRAMES(w_frame1(0x10, 1000), w_frame2(0x11, 3, 500), w_frame1(0x13, 9)));
  server_sends(s, 3, 0, 500);
  server_sends(s, 4 * 8 + 3, 0, 10);
  tape_expect(s->t, "flow-limits", JUDGE_PASS, 2);
}

static void past_max_data_fails(void **state) {
  struct stage *s = *state;
  server_sends(s, 3, 0, 60);
  server_sends(s, 7, 40, 1);
  tape_expect_finding(s->t, "flow-limits", "MAX_DATA", "101");
}

static void past_max_stream_data_fails(void **state) {
  struct stage *s = *state;
  server_sends(s, 3, 60, 1);
  tape_expect_finding(s->t, "flow-limits", "MAX_STREAM_DATA", "61");
}

static void past_a_streams_own_kind_of_limit_fails(void **state) {
  struct stage *s = *state;
  client_allows(s, FRAMES(w_stream(0, 0, "")));
  server_sends(s, 0, 0, 21);
  tape_expect_finding(s->t, "flow-limits", "MAX_STREAM_DATA", "21");
}

static void past_max_streams_fails(void **state) {
  struct stage *s = *state;
  server_sends(s, 11, 0, 1);
  tape_expect_finding(s->t, "flow-limits", "MAX_STREAMS", "3");
}

static void a_resets_final_size_counts(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, S, .frames = FRAMES(w_reset(3, 0, 61)));
  tape_expect_finding(s->t, "flow-limits", "MAX_STREAM_DATA", "61");
}

static void a_limit_that_has_not_arrived_does_not_count(void **state) {
  (void)state;
  struct tape *t = tape_new();
  t->client_params = w_hex("04 02 4064 07 01 3c 09 01 02");
  struct stage s = {.t = t, .c = tape_conn_split(t, 1, 0)};
  pkt_1rtt(&s.c, C, .frames = FRAMES(w_frame2(0x11, 3, 500)), .lost = true);
  server_sends(&s, 3, 0, 61);
  tape_expect_finding(t, "flow-limits", "MAX_STREAM_DATA", "61");
  tape_free(t);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_next_group_passes),
      cmocka_unit_test(the_group_at_hand_fails),
      cmocka_unit_test(less_than_had_come_fails),
      cmocka_unit_test(nothing_although_something_had_come_fails),
      cmocka_unit_test(nothing_of_a_publisher_that_left_passes),
      cmocka_unit_test(more_than_had_come_fails),
      cmocka_unit_test(what_the_upstream_named_passes),
      cmocka_unit_test(more_than_the_upstream_named_fails),
      cmocka_unit_test(what_cannot_be_read_yet_is_not_largest),
      cmocka_unit_test(an_answer_passes),
      cmocka_unit_test(no_answer_fails),
      cmocka_unit_test(a_question_right_before_the_end_is_excused),
      cmocka_unit_test(an_update_without_answer_fails),
      cmocka_unit_test(an_excluded_object_fails),
      cmocka_unit_test(an_admitted_object_passes),
      cmocka_unit_test(a_dropped_admitted_object_fails),
      cmocka_unit_test(a_narrowed_filter_binds_after_its_answer),
      cmocka_unit_test(a_reset_without_reason_fails),
      cmocka_unit_test(a_reset_for_a_timeout_passes),
      cmocka_unit_test(a_reset_for_a_timeout_has_its_code),
      cmocka_unit_test(a_reset_too_far_behind_says_so),
      cmocka_unit_test(what_one_too_far_behind_lacks_is_excused),
      cmocka_unit_test(what_was_let_go_is_not_opened_again),
      cmocka_unit_test(a_reset_that_was_asked_for_passes),
      cmocka_unit_test(another_subscribers_reset_is_no_reason),
      cmocka_unit_test(a_reset_before_the_relay_ends_its_upstream),
      cmocka_unit_test(a_reset_handed_on_passes),
      cmocka_unit_test(a_reset_of_the_header_alone_is_handed_on),
      CASE(within_the_limits_passes),
      CASE(raised_limits_pass),
      CASE(past_max_data_fails),
      CASE(past_max_stream_data_fails),
      CASE(past_a_streams_own_kind_of_limit_fails),
      CASE(past_max_streams_fails),
      CASE(a_resets_final_size_counts),
      cmocka_unit_test(a_limit_that_has_not_arrived_does_not_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
