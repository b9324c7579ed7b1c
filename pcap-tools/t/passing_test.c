/* timeout: 300
 * Captures too long to be kept: what is wrong early is still found at the end, and
 * what is right is still counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/scene.h"

/* Objects of a scene, two packets and 2 ms each: far more than are kept, and longer
 * than a pair may wait. */
enum { OBJECTS = 12000, ODD = 100, IN_GROUP = 50 };

struct twist {
  bool missing, altered, twice, elsewhere;
};

static struct scene long_scene(struct twist twist) {
  struct scene s = scene_new("chat", p_next_group(), p_none());
  for (uint64_t i = 0; i < OBJECTS; i++) {
    bool odd = i == ODD;
    uint64_t group = i / IN_GROUP, object = i % IN_GROUP;
    scene_up(&s, group, object, "hello");
    if (odd && twist.missing)
      continue;
    scene_down(&s, group, object, odd && twist.altered ? "hullo" : "hello");
    if (odd && twist.twice)
      scene_down(&s, group, object, "hello");
    if (odd && twist.elsewhere)
      pkt_1rtt(&s.sub, TAPE_SERVER,
               .frames = FRAMES(w_datagram(o_datagram(DOWN_ALIAS + 9, group, object, 1, "x"))));
    if (i % 100 == 99) /* so that numbers stay near the acknowledged ones */
      pkt_1rtt(&s.sub, TAPE_CLIENT, .frames = FRAMES(w_ack(1, s.sub.pn[TAPE_SERVER] - 1)));
  }
  return s;
}

static void what_is_in_order_is_counted(void **state) {
  (void)state;
  struct scene s = long_scene((struct twist){0});
  scene_close(&s);
  tape_expect(s.t, "copy-count", JUDGE_PASS, OBJECTS);
  tape_expect(s.t, "payload-identical", JUDGE_PASS, OBJECTS);
  tape_expect(s.t, "isolated", JUDGE_PASS, 2 * OBJECTS);
  tape_expect(s.t, "join-point", JUDGE_PASS, OBJECTS);
  scene_free(&s);
}

static void an_early_loss_is_found(void **state) {
  (void)state;
  struct scene s = long_scene((struct twist){.missing = true});
  scene_close(&s);
  tape_expect_finding(s.t, "copy-count", "copy", "none");
  struct judge_report *r = tape_judge(s.t, 1);
  const struct judge_check *c = tape_check(r, "copy-count");
  assert_int_equal(c->findings_total, 1);
  assert_int_equal(c->examined, OBJECTS);
  assert_non_null(strstr(c->findings[0].explain, "chat group 2 object 0"));
  assert_int_equal(tape_check(r, "payload-identical")->examined, OBJECTS - 1);
  judge_report_free(r);
  scene_free(&s);
}

static void an_early_change_is_found(void **state) {
  (void)state;
  struct scene s = long_scene((struct twist){.altered = true});
  scene_close(&s);
  tape_expect_finding(s.t, "payload-identical", "payload", "xxh3");
  tape_expect(s.t, "copy-count", JUDGE_PASS, OBJECTS);
  scene_free(&s);
}

static void an_early_second_copy_is_found(void **state) {
  (void)state;
  struct scene s = long_scene((struct twist){.twice = true});
  scene_close(&s);
  tape_expect_finding(s.t, "copy-count", "copy", "2");
  scene_free(&s);
}

static void an_early_stranger_is_found(void **state) {
  (void)state;
  struct scene s = long_scene((struct twist){.elsewhere = true});
  scene_close(&s);
  tape_expect_finding(s.t, "isolated", "track alias", "16");
  scene_free(&s);
}

/* A subscriber that joins at the end, told a largest object that is not it. */
static struct scene late_scene(uint64_t group, uint64_t object) {
  struct scene s = long_scene((struct twist){0});
  struct tape_conn late = tape_conn(s.t);
  s.t->now_ns += 1000000000;
  pkt_1rtt(&late, TAPE_CLIENT,
           .frames = FRAMES(w_stream_of(2, 0, m_setup(), false),
                            w_stream_of(0, 0, m_subscribe(0, "chat", p_next_group()), false)));
  pkt_1rtt(&late, TAPE_SERVER,
           .frames = FRAMES(
               w_stream_of(3, 0, m_setup(), false),
               w_stream_of(0, 0, m_subscribe_ok(DOWN_ALIAS, p_largest(group, object)), false)));
  return s;
}

static void a_late_join_is_held_against_what_is_gone(void **state) {
  (void)state;
  const uint64_t last = OBJECTS / IN_GROUP - 1;
  struct scene s = late_scene(last, IN_GROUP - 1);
  tape_expect(s.t, "join-point", JUDGE_PASS, OBJECTS);
  scene_free(&s);
  s = late_scene(last - 1, 0);
  tape_expect_finding(s.t, "join-point", "LARGEST_OBJECT", "{238, 0}");
  scene_free(&s);
  s = late_scene(last + 1, 0);
  tape_expect_finding(s.t, "join-point", "LARGEST_OBJECT", "{240, 0}");
  scene_free(&s);
}

/* The subscribers' side alone: there is nothing to compare, and nothing is wrong. */
static void copies_without_originals(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_none());
  for (uint64_t i = 0; i < OBJECTS; i++) {
    scene_down(&s, i / IN_GROUP, i % IN_GROUP, "hello");
    if (i % 100 == 99)
      pkt_1rtt(&s.sub, TAPE_CLIENT, .frames = FRAMES(w_ack(1, s.sub.pn[TAPE_SERVER] - 1)));
  }
  tape_expect(s.t, "isolated", JUDGE_PASS, OBJECTS);
  tape_expect(s.t, "copy-count", JUDGE_SKIP, 0);
  scene_free(&s);
}

/* Streams that were whole long ago, and more of them than are kept. */
static void streams_that_are_given_up_count(void **state) {
  (void)state;
  enum { STREAMS = 900 };
  static char big[1201];
  memset(big, 'x', sizeof big - 1);
  struct scene s = scene_new("video", p_next_group(), p_none());
  for (unsigned round = 0; round < 10; round++)
    for (uint64_t i = 0; i < STREAMS; i++) {
      uint64_t n = round * STREAMS + i;
      if (i == 0) /* streams and bytes without end */
        pkt_1rtt(&s.pub, TAPE_SERVER,
                 .frames = FRAMES(w_frame1(0x10, 1u << 29), w_frame1(0x13, 100000)));
      if (i == 0)
        pkt_1rtt(&s.sub, TAPE_CLIENT,
                 .frames = FRAMES(w_frame1(0x10, 1u << 29), w_frame1(0x13, 100000),
                                  w_ack(1, s.sub.pn[TAPE_SERVER] - 1)));
      scene_up_stream(&s, 4 * n + 6, n, big);
      scene_down_stream(&s, 4 * n + 7, n, big);
    }
  /* the end of the first one again: not new, not a stream of its own */
  pkt_1rtt(&s.sub, TAPE_SERVER, .frames = FRAMES(w_stream_of(7, 1000, w_hex("7878"), false)));
  scene_close(&s);
  tape_expect(s.t, "stream-complete", JUDGE_PASS, 20 * STREAMS);
  tape_expect(s.t, "flow-limits", JUDGE_PASS, 10 * STREAMS);
  tape_expect(s.t, "frames-legal", JUDGE_PASS, 20 * STREAMS);
  tape_expect(s.t, "copy-count", JUDGE_PASS, 10 * STREAMS);
  scene_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_in_order_is_counted),
      cmocka_unit_test(an_early_loss_is_found),
      cmocka_unit_test(an_early_change_is_found),
      cmocka_unit_test(an_early_second_copy_is_found),
      cmocka_unit_test(an_early_stranger_is_found),
      cmocka_unit_test(a_late_join_is_held_against_what_is_gone),
      cmocka_unit_test(copies_without_originals),
      cmocka_unit_test(streams_that_are_given_up_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
