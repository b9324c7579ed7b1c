/* Rogues: what they send, and how they end, is their own doing; what others do to them is judged,
 * and that they are sent away with the error that the scenario expects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/made_run.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

#define ROGUE(node)                                                                                \
  "{\"t\":1,\"node\":\"" node "\",\"kind\":\"rogue\",\"does\":[\"x\"],\"ok\":true}\n"
#define CLOSES(node, error) "{\"node\":\"" node "\",\"error\":\"" error "\"}"

/* The run that `make` makes passes the check if the node is a rogue, and else fails it. */
static void excused(struct plan (*make)(void), const char *rogue, const char *other,
                    const char *check) {
  struct plan p = make();
  p.faults = rogue;
  made_run_expect(&p, check, JUDGE_PASS);
  p = make();
  p.faults = other;
  made_run_expect(&p, check, JUDGE_FAIL);
  p = make();
  made_run_expect(&p, check, JUDGE_FAIL);
}

static struct plan with_frames(unsigned side, struct word frames) {
  struct plan p = made_run();
  pkt_1rtt(&p.scene.sub, side, .frames = frames);
  scene_close(&p.scene);
  return p;
}

/* ---- what a rogue sends -------------------------------------------------------------- */

static struct plan acks_the_unsent(void) {
  return with_frames(C, FRAMES(w_ack(0, 500)));
}

static struct plan sends_no_frame(void) {
  return with_frames(C, FRAMES(w_hex("2f")));
}

/* Only a client's limits are in clear, so that it is the server who passes them. */
static struct plan opens_a_far_stream(void) {
  struct tape *t = tape_new();
  t->client_params = w_hex("04 02 7fff 05 02 7fff 06 02 7fff 07 02 7fff 08 01 02 09 01 02");
  struct plan p = made_run_of(scene_on(t, "chat", p_next_group(), p_none()));
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream(4003, 0, "a")));
  scene_close(&p.scene);
  return p;
}

static struct plan says_two_things(void) {
  struct plan p = made_run();
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_stream(6, 0, "abc")));
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_stream(6, 0, "abd")));
  scene_close(&p.scene);
  return p;
}

static void what_a_rogue_sends_is_its_own(void **state) {
  (void)state;
  excused(acks_the_unsent, ROGUE("sub"), ROGUE("pub"), "ack-only-sent");
  excused(sends_no_frame, ROGUE("sub[0]"), ROGUE("pub"), "frames-legal");
  excused(opens_a_far_stream, ROGUE("relay"), ROGUE("sub"), "flow-limits");
  excused(says_two_things, ROGUE("sub"), ROGUE("pub"), "stream-bytes");
}

/* The relay owes a rogue lawful packets. */
static void what_a_rogue_gets_is_judged(void **state) {
  (void)state;
  struct plan p = with_frames(S, FRAMES(w_ack(0, 500)));
  p.faults = ROGUE("sub");
  made_run_expect(&p, "ack-only-sent", JUDGE_FAIL);
  p = with_frames(S, FRAMES(w_hex("2f")));
  p.faults = ROGUE("sub");
  made_run_expect(&p, "frames-legal", JUDGE_FAIL);
}

static struct plan passes_a_cut_stream_on(void) {
  struct word cut = JOIN(o_header(DOWN_ALIAS, 3, 0, 1), o_object(0, "abc"));
  cut.len--;
  return with_frames(S, FRAMES(w_stream_of(7, 0, cut, true)));
}

/* The datapath reads no objects: a rogue publisher's stream may be copied to its end. */
static void a_stream_of_a_rogue_publisher_is_passed_on(void **state) {
  (void)state;
  excused(passes_a_cut_stream_on, ROGUE("pub"), ROGUE("sub"), "frames-legal");
}

/* ---- what is owed --------------------------------------------------------------------- */

static struct plan keeps_an_object(void) {
  struct plan p = made_run();
  scene_up(&p.scene, 0, 1, "b");
  p.scene.t->now_ns += 1000000000;
  scene_close(&p.scene);
  return p;
}

static void nothing_is_owed_to_or_by_a_rogue(void **state) {
  (void)state;
  excused(keeps_an_object, ROGUE("sub"), ROGUE("relay"), "copy-count");
  excused(keeps_an_object, ROGUE("pub"), ROGUE("relay"), "copy-count");
}

static struct plan delivers_the_unpublished(void) {
  struct plan p = made_run();
  p.pub_log = "";
  scene_close(&p.scene);
  return p;
}

static struct plan delivers_nothing(void) {
  struct plan p = made_run();
  p.sub_log =
      "{\"ev\":\"connected\",\"t\":1,\"conn\":\"00\"}\n"
      "{\"ev\":\"subscribed\",\"t\":2,\"track\":\"chat\",\"alias\":7,\"largest\":null}\n";
  scene_close(&p.scene);
  return p;
}

static void objects_of_a_rogue_may_be_anything(void **state) {
  (void)state;
  excused(delivers_the_unpublished, ROGUE("pub"), ROGUE("sub"), "payload-identical");
  struct plan p = delivers_nothing();
  p.faults = ROGUE("sub");
  made_run_expect(&p, "payload-identical", JUDGE_PASS);
  p = delivers_nothing();
  p.faults = ROGUE("relay");
  made_run_expect(&p, "payload-identical", JUDGE_FAIL);
}

static struct plan leaves_a_stream_open(void) {
  struct word part = JOIN(o_header(DOWN_ALIAS, 0, 0, 1), o_object(0, "one"));
  return with_frames(S, FRAMES(w_stream_of(7, 0, part, false)));
}

static void a_rogues_streams_need_no_end(void **state) {
  (void)state;
  excused(leaves_a_stream_open, ROGUE("sub"), ROGUE("pub"), "stream-complete");
}

static struct plan asks_in_vain(void) {
  struct plan p = made_run();
  pkt_1rtt(&p.scene.sub, C,
           .frames = FRAMES(w_stream_of(4, 0, m_subscribe(2, "more", p_none()), false)));
  p.scene.t->now_ns += 2000000000;
  scene_close(&p.scene);
  return p;
}

static void a_rogue_needs_no_answer(void **state) {
  (void)state;
  excused(asks_in_vain, ROGUE("sub"), ROGUE("pub"), "subscribe-answered");
}

/* ---- how it ends ---------------------------------------------------------------------- */

static struct plan ends_with(unsigned side, uint64_t code) {
  struct plan p = made_run();
  pkt_1rtt(&p.scene.sub, side, .frames = FRAMES(w_close(code)));
  pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_close_app(0)));
  return p;
}

static struct plan ends_silently(void) {
  struct plan p = made_run();
  pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_close_app(0)));
  return p;
}

static struct plan errs(void) {
  return ends_with(C, 0x0a);
}

static void a_rogues_own_end_is_not_judged(void **state) {
  (void)state;
  excused(ends_silently, ROGUE("sub"), ROGUE("pub"), "close-clean");
  excused(errs, ROGUE("sub"), ROGUE("pub"), "close-clean");
}

static void expect_close(uint64_t code, const char *closes, enum judge_result result) {
  struct plan p = ends_with(S, code);
  p.faults = ROGUE("sub");
  p.closes = closes;
  made_run_expect(&p, "close-clean", result);
}

static void the_right_error_is_expected(void **state) {
  (void)state;
  expect_close(0x0a, CLOSES("sub[0]", "PROTOCOL_VIOLATION"), JUDGE_PASS);
  expect_close(0x0a, CLOSES("sub[0]", "0xa"), JUDGE_PASS);
  expect_close(0x0a, CLOSES("sub[0]", "10"), JUDGE_PASS);
  expect_close(0x0a, CLOSES("sub[0]", "FLOW_CONTROL_ERROR"), JUDGE_FAIL);
  expect_close(0x0a, CLOSES("relay", "PROTOCOL_VIOLATION"), JUDGE_FAIL); /* that it gets */
  expect_close(0x0a, NULL, JUDGE_FAIL);
  expect_close(0, CLOSES("sub[0]", "NO_ERROR"), JUDGE_PASS);
  expect_close(0, NULL, JUDGE_PASS);
}

static void an_error_that_does_not_come_fails(void **state) {
  (void)state;
  struct plan p = ends_with(S, 0);
  p.closes = CLOSES("sub[0]", "PROTOCOL_VIOLATION");
  made_run_expect_finding(&p, "close-clean", "closes", "none");
  /* the same name is another number in MoQT */
  p = made_run();
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_close_app(3)));
  pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_close_app(0)));
  p.closes = CLOSES("sub[0]", "PROTOCOL_VIOLATION");
  made_run_expect(&p, "close-clean", JUDGE_PASS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_rogue_sends_is_its_own),
      cmocka_unit_test(what_a_rogue_gets_is_judged),
      cmocka_unit_test(a_stream_of_a_rogue_publisher_is_passed_on),
      cmocka_unit_test(nothing_is_owed_to_or_by_a_rogue),
      cmocka_unit_test(objects_of_a_rogue_may_be_anything),
      cmocka_unit_test(a_rogues_streams_need_no_end),
      cmocka_unit_test(a_rogue_needs_no_answer),
      cmocka_unit_test(a_rogues_own_end_is_not_judged),
      cmocka_unit_test(the_right_error_is_expected),
      cmocka_unit_test(an_error_that_does_not_come_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
