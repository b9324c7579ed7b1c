/* copy-count and payload-identical on the wire: fan-outs that pass and that must
 * be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pcap-tools/t/scene.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

static struct scene joined(void) {
  return scene_new("chat", p_next_group(), p_none());
}

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

static void one_copy_each_passes(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up(&s, 0, 0, "a");
  scene_down(&s, 0, 0, "a");
  scene_up_stream(&s, 6, 1, "hello");
  scene_down_stream(&s, 7, 1, "hello");
  done(&s, "copy-count", JUDGE_PASS, 2);
}

static void a_missing_datagram_fails(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up(&s, 0, 0, "a");
  scene_up(&s, 0, 1, "b");
  scene_down(&s, 0, 0, "a");
  refused(&s, "copy-count", "copy", "none");
}

/* Number 20 under the next key is there before number 19, which has a datagram. */
static struct scene behind_the_next_key(bool acked) {
  struct scene s = joined();
  s.pub.key_phase = true; /* without protection that is all */
  pkt_1rtt(&s.pub, C, .pn = 20, .frames = FRAMES(w_ping()));
  s.pub.key_phase = false;
  pkt_1rtt(&s.pub, C, .pn = 19,
           .frames = FRAMES(w_datagram(o_datagram(UP_ALIAS, 0, 0, 1, "under the old key"))));
  s.pub.key_phase = true;
  pkt_1rtt(&s.pub, S, .frames = FRAMES(w_ack(acked ? 19 : 20, 20)));
  scene_up(&s, 0, 1, "b");
  scene_down(&s, 0, 1, "b");
  return s;
}

/* RFC 9001 6.5: old keys need not be kept. */
static void a_datagram_that_could_not_be_opened_passes(void **state) {
  (void)state;
  struct scene s = behind_the_next_key(false);
  done(&s, "copy-count", JUDGE_PASS, 1);
}

static void a_datagram_under_an_old_key_that_was_opened_fails(void **state) {
  (void)state;
  struct scene s = behind_the_next_key(true);
  refused(&s, "copy-count", "copy", "none");
}

static void a_datagram_sent_twice_fails(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up(&s, 0, 0, "a");
  scene_down(&s, 0, 0, "a");
  scene_down(&s, 0, 0, "a");
  refused(&s, "copy-count", "copy", "2");
}

static void a_missing_subgroup_fails(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up_stream(&s, 6, 0, "hello");
  refused(&s, "copy-count", "copy", "none");
}

static void missing_bytes_fail(void **state) {
  (void)state;
  struct scene s = joined();
  struct word cut = JOIN(o_header(DOWN_ALIAS, 0, 0, 1), o_object(0, "hello"));
  cut.len -= 2;
  scene_up_stream(&s, 6, 0, "hello");
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(7, 0, cut, false)));
  refused(&s, "copy-count", "payload", "3 in front of a hole");
}

static void bytes_sent_again_pass(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up_stream(&s, 6, 0, "hello");
  scene_down_stream(&s, 7, 0, "hello");
  scene_down_stream(&s, 7, 0, "hello");
  done(&s, "copy-count", JUDGE_PASS, 1);
}

static void a_subgroup_on_two_streams_fails(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up_stream(&s, 6, 0, "hello");
  scene_down_stream(&s, 7, 0, "hello");
  scene_down_stream(&s, 11, 0, "hello");
  refused(&s, "copy-count", "copy", "2");
}

static void a_reset_tail_passes(void **state) {
  (void)state;
  struct scene s = joined();
  struct word part = JOIN(o_header(DOWN_ALIAS, 0, 0, 1), o_object(0, "one"));
  struct word all = JOIN(o_header(UP_ALIAS, 0, 0, 1), o_object(0, "one"), o_object(0, "two"));
  pkt_1rtt(&s.pub, C, .frames = FRAMES(w_stream_of(6, 0, all, true)));
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_reset(7, 1, part.len)));
  done(&s, "copy-count", JUDGE_PASS, 2);
}

/* LARGEST_OBJECT {4,2}: entitled from group 5 on. */
static void groups_before_the_start_are_not_due(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_largest(4, 2));
  scene_up(&s, 4, 3, "old");
  scene_up(&s, 5, 0, "new");
  scene_down(&s, 5, 0, "new");
  done(&s, "copy-count", JUDGE_PASS, 1);
}

static void the_first_group_after_the_start_is_due(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group(), p_largest(4, 2));
  scene_up(&s, 5, 0, "new");
  refused(&s, "copy-count", "copy", "none");
}

/* Scene objects have priority 1. */
static void filtered_objects_are_not_due(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group_limit(0), p_none());
  scene_up(&s, 0, 0, "a");
  done(&s, "copy-count", JUDGE_SKIP, 0);
}

static void admitted_objects_are_due(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group_limit(1), p_none());
  scene_up(&s, 0, 0, "a");
  refused(&s, "copy-count", "copy", "none");
}

static void a_narrowed_filter_counts_from_its_update(void **state) {
  (void)state;
  struct scene s = joined();
  size_t asked = m_subscribe(0, "chat", p_next_group()).len;
  size_t answered = m_subscribe_ok(DOWN_ALIAS, p_none()).len;
  scene_up(&s, 0, 0, "a");
  scene_down(&s, 0, 0, "a");
  s.t->now_ns += 3000000000u;
  pkt_1rtt(&s.sub, C, .frames = FRAMES(w_stream_of(0, asked, m_update(2, p_limit(0)), false)));
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(0, answered, m_request_ok(), false)));
  scene_up(&s, 0, 1, "b");
  done(&s, "copy-count", JUDGE_PASS, 1);
}

static void a_widened_filter_counts_from_its_answer(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_next_group_limit(0), p_none());
  size_t asked = m_subscribe(0, "chat", p_next_group_limit(0)).len;
  size_t answered = m_subscribe_ok(DOWN_ALIAS, p_none()).len;
  scene_up(&s, 0, 0, "a"); /* before: kept out */
  pkt_1rtt(&s.sub, C, .frames = FRAMES(w_stream_of(0, asked, m_update(2, p_limit(1)), false)));
  scene_up(&s, 0, 1, "b"); /* between: either */
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(0, answered, m_request_ok(), false)));
  scene_up(&s, 0, 2, "c"); /* after: due */
  refused(&s, "copy-count", "copy", "none");
}

static void an_ended_subscription_gets_nothing_more(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up(&s, 0, 0, "a");
  scene_down(&s, 0, 0, "a");
  pkt_1rtt(&s.sub, C, .frames = FRAMES(w_stop(0, 1), w_reset(0, 1, 100)));
  scene_up(&s, 0, 1, "b");
  done(&s, "copy-count", JUDGE_PASS, 1);
}

/* A subscriber that leaves may miss what waits for it; one whose track is done may not. */
static void a_finished_track_was_due_as_a_whole(void **state) {
  (void)state;
  size_t asked = m_subscribe(0, "chat", p_next_group()).len;
  size_t answered = m_subscribe_ok(DOWN_ALIAS, p_none()).len;
  for (int finished = 0; finished < 2; finished++) {
    struct scene s = joined();
    scene_up(&s, 0, 0, "a");
    s.t->now_ns += 1000000000u;
    if (finished)
      pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(0, answered, m_done(2, 0), true)));
    pkt_1rtt(&s.sub, C, .frames = FRAMES(w_stop(0, 1), w_reset(0, 1, asked)));
    if (finished)
      refused(&s, "copy-count", "copy", "none");
    else
      done(&s, "copy-count", JUDGE_PASS, 1);
  }
}

/* Packets overtake each other on the publisher's link, or in the same moment inside the relay. */
static void a_datagram_behind_publish_done_may_go(void **state) {
  (void)state;
  size_t answered = m_subscribe_ok(UP_ALIAS, p_none()).len;
  enum { BEFORE, WITH, BEHIND };
  for (int when = BEFORE; when <= BEHIND; when++) {
    struct scene s = joined();
    scene_up(&s, 0, 0, "a");
    scene_down(&s, 0, 0, "a");
    if (when != BEHIND)
      scene_up(&s, 0, 1, "b");
    s.t->now_ns -= when == WITH ? 950000 : 0; /* a packet takes 1 ms */
    pkt_1rtt(&s.pub, C, .frames = FRAMES(w_stream_of(1, answered, m_done(2, 0), true)));
    if (when == BEHIND)
      scene_up(&s, 0, 1, "b");
    s.t->now_ns += 1000000000u;
    if (when == BEFORE)
      refused(&s, "copy-count", "copy", "none");
    else
      done(&s, "copy-count", JUDGE_PASS, 2);
  }
}

/* The relay's own request is cancelled, and another one not yet made. */
static void a_datagram_behind_a_withdrawal_may_go(void **state) {
  (void)state;
  size_t asked = m_subscribe(1, "chat", p_next_group()).len;
  for (int behind = 0; behind < 2; behind++) {
    struct scene s = joined();
    scene_up(&s, 0, 0, "a");
    scene_down(&s, 0, 0, "a");
    if (!behind)
      scene_up(&s, 0, 1, "b");
    pkt_1rtt(&s.pub, S, .frames = FRAMES(w_reset(1, 1, asked)));
    if (behind)
      scene_up(&s, 0, 1, "b");
    if (behind)
      done(&s, "copy-count", JUDGE_PASS, 2);
    else
      refused(&s, "copy-count", "copy", "none");
  }
}

static void a_delivery_timeout_allows_drops(void **state) {
  (void)state;
  struct scene s = scene_new("chat", p_timeout(500), p_none());
  scene_up(&s, 0, 0, "a");
  done(&s, "copy-count", JUDGE_PASS, 1);
}

/* What may be dropped of a subgroup: all of it unopened, or its tail with a reset. */
static void a_delivery_timeout_allows_no_hole(void **state) {
  (void)state;
  struct word whole = JOIN(o_header(UP_ALIAS, 0, 0, 1), o_object(0, "one"), o_object(0, "two"));
  struct word front = JOIN(o_header(DOWN_ALIAS, 0, 0, 1), o_object(0, "one"));
  for (int how = 0; how < 3; how++) {
    struct scene s = scene_new("chat", p_timeout(500), p_none());
    pkt_1rtt(&s.pub, C, .frames = FRAMES(w_stream_of(6, 0, whole, true)));
    if (how > 0) {
      pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(7, 0, front, how == 2)));
      if (how == 1)
        pkt_1rtt(&s.sub, S, .frames = FRAMES(w_reset(7, 2, front.len)));
    }
    if (how < 2)
      done(&s, "copy-count", JUDGE_PASS, 2);
    else
      refused(&s, "copy-count", "copy", "none; here it reached the relay");
  }
}

static void what_the_relay_never_got_is_not_due(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up(&s, 0, 0, "a");
  scene_down(&s, 0, 0, "a");
  struct tape_frame *f;
  scene_up(&s, 0, 1, "b");
  f = &s.t->frames[s.t->n - 1];
  f->data[14 + 20 + 6] ^= 0x11; /* checksum: the relay's kernel drops it */
  done(&s, "copy-count", JUDGE_PASS, 1);
}

/* ---- both ends captured --------------------------------------------------- */

static void losses_and_duplicates_on_links_pass(void **state) {
  (void)state;
  struct scene s = scene_new_wired("chat");
  struct word up = w_datagram(o_datagram(UP_ALIAS, 0, 0, 1, "lost upstream"));
  struct word down = w_datagram(o_datagram(DOWN_ALIAS, 0, 1, 1, "lost downstream"));
  struct word object = JOIN(o_header(UP_ALIAS, 1, 0, 1), o_object(0, "sent twice"));
  pkt_1rtt(&s.pub, C, .frames = FRAMES(up), .lost = true);
  scene_up(&s, 0, 1, "lost downstream");
  tape_also_in(s.t, 0, 200000); /* duplicated on the way to the relay */
  pkt_1rtt(&s.sub, S, .frames = FRAMES(down), .lost = true);
  pkt_1rtt(&s.pub, C, .frames = FRAMES(w_stream_of(6, 0, object, true)), .lost = true);
  pkt_1rtt(&s.pub, C, .frames = FRAMES(w_stream_of(6, 0, object, true)));
  scene_down_stream(&s, 7, 1, "sent twice");
  scene_close(&s);
  tape_expect(s.t, "copy-count", JUDGE_PASS, 2);
  tape_expect(s.t, "pn-unique", JUDGE_PASS, 10);
  tape_expect(s.t, "payload-identical", JUDGE_PASS, 2);
  scene_free(&s);
}

static void what_arrived_on_a_lossy_link_is_due(void **state) {
  (void)state;
  struct scene s = scene_new_wired("chat");
  scene_up(&s, 0, 0, "a");
  refused(&s, "copy-count", "copy", "none");
}

static void a_number_used_twice_behind_a_lossy_link_fails(void **state) {
  (void)state;
  struct scene s = scene_new_wired("chat");
  scene_up(&s, 0, 0, "a");
  scene_down(&s, 0, 0, "a");
  pkt_1rtt(&s.sub, S, .pn = s.sub.pn[S] - 1, .frames = FRAMES(w_ping()), .lost = true);
  refused(&s, "pn-unique", "packet number", "first sent in frame");
}

static void equal_payloads_pass(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up(&s, 0, 0, "a");
  scene_down(&s, 0, 0, "a");
  scene_up_stream(&s, 6, 1, "");
  scene_down_stream(&s, 7, 1, "");
  done(&s, "payload-identical", JUDGE_PASS, 2);
}

static void another_payload_fails(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up_stream(&s, 6, 0, "hello");
  scene_down_stream(&s, 7, 0, "hallo");
  refused(&s, "payload-identical", "payload", "xxh3");
}

static void another_length_fails(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up(&s, 0, 0, "hello");
  scene_down(&s, 0, 0, "hell");
  refused(&s, "payload-identical", "payload length", "4");
}

static void another_priority_fails(void **state) {
  (void)state;
  struct scene s = joined();
  scene_up(&s, 0, 0, "a");
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_datagram(o_datagram(DOWN_ALIAS, 0, 0, 9, "a"))));
  refused(&s, "payload-identical", "publisher priority", "9");
}

/* Out of order and with a resend: the object is the same. */
static void an_object_in_pieces_passes(void **state) {
  (void)state;
  struct scene s = joined();
  struct word w = JOIN(o_header(DOWN_ALIAS, 0, 0, 1), o_object(0, "hello world"));
  scene_up_stream(&s, 6, 0, "hello world");
  struct word tail = w_bytes(w.b + 9, w.len - 9), middle = w_bytes(w.b + 4, 7);
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(7, 9, tail, true)));
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(7, 0, w_bytes(w.b, 5), false)));
  pkt_1rtt(&s.sub, S, .frames = FRAMES(w_stream_of(7, 4, middle, false)));
  done(&s, "payload-identical", JUDGE_PASS, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_copy_each_passes),
      cmocka_unit_test(a_missing_datagram_fails),
      cmocka_unit_test(a_datagram_that_could_not_be_opened_passes),
      cmocka_unit_test(a_datagram_under_an_old_key_that_was_opened_fails),
      cmocka_unit_test(a_datagram_sent_twice_fails),
      cmocka_unit_test(a_missing_subgroup_fails),
      cmocka_unit_test(missing_bytes_fail),
      cmocka_unit_test(bytes_sent_again_pass),
      cmocka_unit_test(a_subgroup_on_two_streams_fails),
      cmocka_unit_test(a_reset_tail_passes),
      cmocka_unit_test(groups_before_the_start_are_not_due),
      cmocka_unit_test(the_first_group_after_the_start_is_due),
      cmocka_unit_test(filtered_objects_are_not_due),
      cmocka_unit_test(admitted_objects_are_due),
      cmocka_unit_test(a_narrowed_filter_counts_from_its_update),
      cmocka_unit_test(a_widened_filter_counts_from_its_answer),
      cmocka_unit_test(an_ended_subscription_gets_nothing_more),
      cmocka_unit_test(a_finished_track_was_due_as_a_whole),
      cmocka_unit_test(a_datagram_behind_publish_done_may_go),
      cmocka_unit_test(a_datagram_behind_a_withdrawal_may_go),
      cmocka_unit_test(a_delivery_timeout_allows_drops),
      cmocka_unit_test(a_delivery_timeout_allows_no_hole),
      cmocka_unit_test(what_the_relay_never_got_is_not_due),
      cmocka_unit_test(losses_and_duplicates_on_links_pass),
      cmocka_unit_test(what_arrived_on_a_lossy_link_is_due),
      cmocka_unit_test(a_number_used_twice_behind_a_lossy_link_fails),
      cmocka_unit_test(equal_payloads_pass),
      cmocka_unit_test(another_payload_fails),
      cmocka_unit_test(another_length_fails),
      cmocka_unit_test(another_priority_fails),
      cmocka_unit_test(an_object_in_pieces_passes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
