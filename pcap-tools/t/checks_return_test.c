/* What an end that goes away, moves or comes back leaves owed: copy-count, stream-complete,
 * payload-identical. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pcap-tools/t/made_run.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

#define FAULT(ms, kind, node)                                                                      \
  "{\"t\":" #ms "000000,\"kind\":\"" kind "\",\"node\":\"" node "\",\"ok\":true}\n"

/* ---- an end that moves ----------------------------------------------------- */

/* The publisher sends from a new address; nobody has answered there yet. */
static void moved(bool lost, enum judge_result result) {
  struct scene s = scene_new_wired("chat");
  scene_up(&s, 0, 0, "a");
  scene_down(&s, 0, 0, "a");
  struct word object = w_datagram(o_datagram(UP_ALIAS, 0, 1, 1, "b"));
  pkt_1rtt(&s.pub, C, .port = 20777, .frames = FRAMES(object), .lost = lost);
  scene_close(&s);
  if (result == JUDGE_PASS)
    tape_expect(s.t, "copy-count", JUDGE_PASS, 1);
  else
    tape_expect_finding(s.t, "copy-count", "copy", "none");
  scene_free(&s);
}

static void what_is_lost_from_a_new_address_did_not_arrive(void **state) {
  (void)state;
  moved(true, JUDGE_PASS);
}

static void what_arrives_from_a_new_address_is_due(void **state) {
  (void)state;
  moved(false, JUDGE_FAIL);
}

/* ---- a publisher that goes, or comes back ----------------------------------- */

static struct word says(uint64_t stream, struct word m) {
  return w_stream_of(stream, 0, m, false);
}

/* Somebody asks for the track at 100 ms; the relay says that there is nothing of it yet. */
static void judge_late(const char *faults, enum judge_result result) {
  struct plan p = made_run();
  struct tape_conn late;
  p.scene.t->now_ns += 100000000;
  late = tape_conn(p.scene.t);
  pkt_1rtt(&late, C,
           .frames = FRAMES(says(2, m_setup()), says(0, m_subscribe(0, "chat", p_next_group()))));
  pkt_1rtt(&late, S,
           .frames = FRAMES(says(3, m_setup()), says(0, m_subscribe_ok(DOWN_ALIAS, p_none()))));
  p.faults = faults;
  made_run_expect(&p, "copy-count", result);
  tape_conn_free(&late);
}

static void a_publisher_that_is_gone_leaves_nothing_owed(void **state) {
  (void)state;
  judge_late(FAULT(50, "kill", "pub"), JUDGE_PASS);
}

static void a_publisher_that_is_there_leaves_its_objects_owed(void **state) {
  (void)state;
  judge_late("", JUDGE_FAIL);
  judge_late(FAULT(500, "kill", "pub"), JUDGE_FAIL);
  judge_late(FAULT(50, "kill", "sub[1]"), JUDGE_FAIL);
}

/* The publisher connects again and is asked again; its object finds the subscription of the
 * first time, which then ends with that status. */
static void judge_second_life(const char *faults, uint64_t status, enum judge_result result) {
  struct plan p = made_run();
  struct tape_conn again;
  size_t answered = m_subscribe_ok(DOWN_ALIAS, p_none()).len;
  p.scene.t->now_ns += 100000000;
  again = tape_conn(p.scene.t);
  pkt_1rtt(&again, S,
           .frames = FRAMES(says(3, m_setup()), says(1, m_subscribe(1, "chat", p_next_group()))));
  pkt_1rtt(&again, C,
           .frames = FRAMES(says(2, m_setup()), says(1, m_subscribe_ok(UP_ALIAS, p_none()))));
  pkt_1rtt(&again, C, .frames = FRAMES(w_datagram(o_datagram(UP_ALIAS, 1, 0, 1, "b"))));
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(0, answered, m_done(status, 0), true)));
  p.faults = faults;
  made_run_expect(&p, "copy-count", result);
  tape_conn_free(&again);
}

static void a_subscription_ends_with_the_publisher_it_had(void **state) {
  (void)state;
  judge_second_life(FAULT(50, "reconnect", "pub"), 4, JUDGE_PASS);
}

static void a_subscription_that_goes_on_is_owed_the_second_life(void **state) {
  (void)state;
  judge_second_life(FAULT(50, "reconnect", "pub"), 2, JUDGE_FAIL);
  judge_second_life("", 4, JUDGE_FAIL);
}

/* The track ends with its second object, or a millisecond later, and that one is not passed on. */
static void ends_with_its_last(bool at_once, enum judge_result result) {
  struct plan p = made_run();
  struct word last = w_datagram(o_datagram(UP_ALIAS, 0, 1, 1, "b"));
  struct word end = w_stream_of(1, m_subscribe_ok(UP_ALIAS, p_none()).len, m_done(2, 0), true);
  p.publisher = "\"objects_planned\":2,\"objects_published\":2,\"late_p99_ns\":1000";
  p.pub_log =
      "{\"ev\":\"published\",\"t\":1000,\"track\":\"chat\",\"group\":0,\"subgroup\":null,"
      "\"object\":0,\"size\":1,\"hash\":\"d24ec4f1a98c6e5b\",\"priority\":1}\n"
      "{\"ev\":\"published\",\"t\":2000,\"track\":\"chat\",\"group\":0,\"subgroup\":null,"
      "\"object\":1,\"size\":1,\"hash\":\"d24ec4f1a98c6e5b\",\"priority\":1}\n";
  if (at_once) {
    pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(last, end));
  } else {
    pkt_1rtt(&p.scene.pub, C, .frames = last);
    pkt_1rtt(&p.scene.pub, C, .frames = end);
  }
  scene_close(&p.scene);
  made_run_expect(&p, "payload-identical", result);
}

static void what_the_end_may_overtake_is_not_owed(void **state) {
  (void)state;
  ends_with_its_last(true, JUDGE_PASS);
  ends_with_its_last(false, JUDGE_FAIL);
}

/* ---- a relay above that goes ------------------------------------------------ */

#define CONNECTED(ms) "{\"ev\":\"connected\",\"t\":" #ms "000000,\"conn\":\"00\"}\n"
#define PUBLISHED(ms)                                                                              \
  "{\"ev\":\"published\",\"t\":" #ms                                                               \
  "000000,\"track\":\"chat\",\"group\":5,\"subgroup\":0,"                                          \
  "\"object\":0,\"size\":1,\"hash\":\"d24ec4f1a98c6e5b\",\"priority\":1}\n"

/* The publisher is connected from 1 ms and, again, from 1,500 ms on. At 1,700 ms a relay further
 * down, called by then, answers with the largest object that it had before. */
static void judge_above(const char *published, const char *faults, enum judge_result result) {
  static char log[1024];
  struct plan p = made_run();
  snprintf(log, sizeof log, CONNECTED(1) CONNECTED(1500) "%s", published);
  p.pub_log = log;
  p.sub_log =
      CONNECTED(1650)
      "{\"ev\":\"subscribed\",\"t\":1700000000,\"track\":\"chat\",\"alias\":7,\"largest\":[0,0]}\n";
  p.faults = faults;
  scene_close(&p.scene);
  made_run_expect(&p, "payload-identical", result);
}

static void what_a_dead_relay_was_sent_is_not_owed(void **state) {
  (void)state;
  judge_above(PUBLISHED(1200), FAULT(1000, "kill", "relay"), JUDGE_PASS);
  judge_above(PUBLISHED(900), FAULT(1000, "kill", "relay"), JUDGE_PASS);
}

static void what_a_living_relay_was_sent_is_owed(void **state) {
  (void)state;
  judge_above(PUBLISHED(1200), "", JUDGE_FAIL);
  judge_above(PUBLISHED(1200), FAULT(1000, "kill", "lower"), JUDGE_FAIL);
  judge_above(PUBLISHED(1200), FAULT(1000, "migrate", "relay"), JUDGE_FAIL);
  judge_above(PUBLISHED(1600), FAULT(1000, "kill", "relay"), JUDGE_FAIL);
  judge_above(PUBLISHED(400), FAULT(1000, "kill", "relay"), JUDGE_FAIL);
}

/* The relay's answer is on its way when the relay ends; what is published then goes to the next one
 * or to nobody. */
static void judge_answered_late(const char *faults, enum judge_result result) {
  struct plan p = made_run();
  p.pub_log = CONNECTED(5) PUBLISHED(1200);
  p.sub_log =
      CONNECTED(2)
      "{\"ev\":\"subscribed\",\"t\":1100000000,\"track\":\"chat\",\"alias\":7,\"largest\":[0,0]}\n";
  p.faults = faults;
  scene_close(&p.scene);
  made_run_expect(&p, "payload-identical", result);
}

static void an_answer_of_a_dead_relay_promises_nothing(void **state) {
  (void)state;
  judge_answered_late(FAULT(1050, "kill", "relay") FAULT(1080, "restart", "relay"), JUDGE_PASS);
  judge_answered_late(FAULT(1, "restart", "relay"), JUDGE_FAIL);
  judge_answered_late("", JUDGE_FAIL);
}

static struct word part_of(uint64_t alias, uint64_t group) {
  return JOIN(o_header(alias, group, 0, 1), o_object(0, "one"), o_object(1, "two"));
}

/* ---- a subscriber that goes -------------------------------------------------- */

/* An object is left out, a later one leaves: it waited in no queue, but it had a time-out. */
static void leaves_with_a_gap(struct word params, unsigned ms, enum judge_result result) {
  struct plan p = made_run_of(scene_new("chat", params, p_none()));
  scene_up(&p.scene, 0, 1, "b");
  p.scene.t->now_ns += ms * 1000000ull;
  scene_up(&p.scene, 0, 2, "c");
  scene_down(&p.scene, 0, 2, "c");
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_close_app(0)));
  p.faults = FAULT(300, "reconnect", "sub[0]");
  made_run_expect(&p, "copy-count", result);
}

static void a_delivery_timeout_counts_before_a_planned_end_too(void **state) {
  (void)state;
  leaves_with_a_gap(p_timeout(500), 200, JUDGE_PASS);
  leaves_with_a_gap(p_next_group(), 200, JUDGE_FAIL);
}

/* The datapath copies what comes while user space has not read the one before. */
static void what_leaves_in_the_same_turn_may_pass(void **state) {
  (void)state;
  leaves_with_a_gap(p_next_group(), 0, JUDGE_PASS);
}

/* One group came first, the other later, and the later one left before the planned end. */
static void leaves_behind(uint64_t first, uint64_t later, enum judge_result result) {
  struct plan p = made_run();
  scene_up_stream(&p.scene, 6, first, "one");
  p.scene.t->now_ns += 200000000;
  scene_up_stream(&p.scene, 10, later, "two");
  scene_down_stream(&p.scene, 7, later, "two");
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_close_app(0)));
  p.faults = FAULT(300, "reconnect", "sub[0]");
  made_run_expect(&p, "copy-count", result);
}

/* A loss held the lower group back: it may overtake. */
static void a_lower_group_that_comes_late_leaves_first(void **state) {
  (void)state;
  leaves_behind(2, 1, JUDGE_PASS);
  leaves_behind(1, 2, JUDGE_FAIL);
}

/* The higher group was open when the lower one came, which needs a stream of its own. */
static void an_open_stream_goes_on_before_one_that_waits_for_its_own(void **state) {
  (void)state;
  struct plan p = made_run();
  struct word up = part_of(UP_ALIAS, 2), down = part_of(DOWN_ALIAS, 2), rest = w_bytes("", 0);
  pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_stream_of(6, 0, up, false)));
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, down, false)));
  scene_up_stream(&p.scene, 10, 1, "three");
  p.scene.t->now_ns += 200000000;
  rest = o_object(0, "four");
  pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_stream_of(6, up.len, rest, true)));
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, down.len, rest, true)));
  p.scene.t->now_ns += 100000000;
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_close_app(0)));
  p.faults = FAULT(350, "reconnect", "sub[0]");
  made_run_expect(&p, "copy-count", JUDGE_PASS);
}

static void leaves_open(uint64_t open, uint64_t ended, enum judge_result result) {
  struct word part = JOIN(o_header(DOWN_ALIAS, open, 0, 1), o_object(0, "one"));
  struct plan p = made_run();
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
  scene_down_stream(&p.scene, 11, ended, "two");
  scene_close(&p.scene);
  p.faults = FAULT(900, "reconnect", "sub");
  made_run_expect(&p, "stream-complete", result);
}

static void a_lower_group_may_end_before_an_open_one(void **state) {
  (void)state;
  leaves_open(2, 1, JUDGE_PASS);
  leaves_open(1, 2, JUDGE_FAIL);
}

/* The lower group comes in two packets, all of it before the higher one does, or not; the relay
 * sends on what came first, then the higher one. */
static void leaves_what_waits(bool all_there, enum judge_result result) {
  struct word up = part_of(UP_ALIAS, 1), down = part_of(DOWN_ALIAS, 1);
  struct plan p = made_run();
  up.len -= 4;
  down.len -= 4;
  pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_stream_of(6, 0, up, false)));
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, down, false)));
  struct word rest = w_bytes(up.b + up.len, 4);
  if (all_there)
    pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_stream_of(6, up.len, rest, true)));
  scene_up_stream(&p.scene, 10, 2, "three");
  scene_down_stream(&p.scene, 11, 2, "three");
  if (!all_there)
    pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_stream_of(6, up.len, rest, true)));
  scene_close(&p.scene);
  p.faults = FAULT(900, "reconnect", "sub");
  made_run_expect(&p, "stream-complete", result);
}

/* A loss held its rest back on the way to the relay. */
static void an_open_stream_may_wait_for_its_publisher(void **state) {
  (void)state;
  leaves_what_waits(false, JUDGE_PASS);
  leaves_what_waits(true, JUDGE_FAIL);
}

enum parting { SILENT, TOLD, RELAY_ENDS };

/* Half of a stream came, then its publisher is taken away; the relay hears that by a close, or
 * cannot know until it ends itself. */
static void publisher_leaves_open(const char *faults, enum parting parting,
                                  enum judge_result result) {
  struct plan p = made_run();
  pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_stream_of(6, 0, part_of(UP_ALIAS, 1), false)));
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, part_of(DOWN_ALIAS, 1), false)));
  p.scene.t->now_ns += 1000000000;
  if (parting == TOLD)
    pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_close_app(0)));
  p.scene.t->now_ns += 500000000;
  if (parting == RELAY_ENDS)
    pkt_1rtt(&p.scene.pub, S, .frames = FRAMES(w_close_app(0)));
  pkt_1rtt(&p.scene.sub, parting == RELAY_ENDS ? S : C, .frames = FRAMES(w_close_app(0)));
  p.faults = faults;
  made_run_expect(&p, "stream-complete", result);
}

static void a_publisher_that_leaves_without_a_word_owes_the_rest(void **state) {
  (void)state;
  publisher_leaves_open(FAULT(900, "vanish", "pub"), SILENT, JUDGE_PASS);
  publisher_leaves_open(FAULT(900, "vanish", "pub"), RELAY_ENDS, JUDGE_PASS);
  publisher_leaves_open(FAULT(900, "vanish", "pub"), TOLD, JUDGE_FAIL);
  publisher_leaves_open("", SILENT, JUDGE_FAIL);
}

/* A subgroup comes, whole or in part, and then its publisher is taken away; the relay, which had
 * not opened it yet, never does. */
static void never_opened(bool whole, const char *faults, enum judge_result result) {
  struct plan p = made_run();
  pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_stream_of(6, 0, part_of(UP_ALIAS, 1), whole)));
  p.faults = faults;
  p.scene.t->now_ns += UINT64_C(3000000000); /* long in no queue any more */
  scene_close(&p.scene);
  made_run_expect(&p, "copy-count", result);
}

static void a_subgroup_given_up_in_the_queue_is_not_owed(void **state) {
  (void)state;
  never_opened(false, FAULT(900, "kill", "pub"), JUDGE_PASS);
  never_opened(true, FAULT(900, "kill", "pub"), JUDGE_FAIL);
  never_opened(false, FAULT(900, "kill", "sub[1]"), JUDGE_FAIL);
}

/* The same, and a later one leaves: before that, past it, which a queue does not explain; or
 * after. */
static void given_up_and_another_leaves(bool before, enum judge_result result) {
  struct plan p = made_run();
  pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_stream_of(6, 0, part_of(UP_ALIAS, 1), false)));
  p.scene.t->now_ns += 1000000;
  scene_up_stream(&p.scene, 10, 2, "two");
  p.faults = FAULT(900, "kill", "pub");
  p.scene.t->now_ns += (before ? UINT64_C(300) : UINT64_C(1300)) * 1000000;
  scene_down_stream(&p.scene, 11, 2, "two");
  p.scene.t->now_ns += UINT64_C(3000000000);
  scene_close(&p.scene);
  made_run_expect(&p, "copy-count", result);
}

static void what_leaves_later_does_not_pass_a_subgroup_given_up(void **state) {
  (void)state;
  given_up_and_another_leaves(false, JUDGE_PASS);
  given_up_and_another_leaves(true, JUDGE_FAIL);
}

/* With a time-out the rest may be let go: the reset waits for the header's ACK, which never
 * comes. */
static void a_tail_that_may_be_dropped_may_stay_open(void **state) {
  (void)state;
  struct word part = JOIN(o_header(DOWN_ALIAS, 1, 0, 1), o_object(0, "one"));
  for (int timed = 0; timed < 2; timed++) {
    struct plan p =
        made_run_of(scene_new("chat", timed ? p_timeout(500) : p_next_group(), p_none()));
    pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
    scene_down_stream(&p.scene, 11, 2, "two");
    scene_close(&p.scene);
    p.faults = FAULT(900, "reconnect", "sub");
    made_run_expect(&p, "stream-complete", timed ? JUDGE_PASS : JUDGE_FAIL);
  }
}

static struct word header_by_object(void) {
  const uint8_t priority = 1;
  return JOIN(w_hex("12"), w_vi64(DOWN_ALIAS), w_vi64(1), w_bytes(&priority, 1));
}

/* The same of an object in it, of which a part left. */
static void an_object_of_a_dropped_tail_is_not_owed(void **state) {
  (void)state;
  for (int timed = 0; timed < 2; timed++)
    for (int gone = 0; gone < 2; gone++) {
      struct plan p =
          made_run_of(scene_new("chat", timed ? p_timeout(500) : p_next_group(), p_none()));
      struct word part = part_of(DOWN_ALIAS, 1);
      part.len -= 2;
      pkt_1rtt(&p.scene.pub, C, .frames = FRAMES(w_stream_of(6, 0, part_of(UP_ALIAS, 1), true)));
      pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
      p.scene.t->now_ns += UINT64_C(4000000000); /* long in no queue any more */
      pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_close_app(0)));
      p.faults = gone ? FAULT(3900, "reconnect", "sub") : "";
      made_run_expect(&p, "copy-count", timed && gone ? JUDGE_PASS : JUDGE_FAIL);
    }
}

/* Which subgroup it is says its first object, which has not come: its order is not known. */
static void a_stream_without_a_name_may_be_overtaken(void **state) {
  (void)state;
  struct word whole = JOIN(header_by_object(), o_object(2, "one"));
  for (int named = 0; named < 2; named++) {
    struct word part = named ? JOIN(header_by_object(), o_object(1, "two")) : header_by_object();
    struct plan p = made_run();
    pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
    pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(11, 0, whole, true)));
    scene_close(&p.scene);
    p.faults = FAULT(900, "reconnect", "sub");
    made_run_expect(&p, "stream-complete", named ? JUDGE_FAIL : JUDGE_PASS);
  }
}

/* The client closes before the server has heard more than its handshake. */
static void control_that_is_lost_stays_open(void **state) {
  (void)state;
  struct word media = JOIN(o_header(1, 0, 0, 128), o_object(0, "abcdef"));
  for (int control = 0; control < 2; control++) {
    struct tape *t = tape_new();
    struct tape_conn c = tape_conn_split(t, 1, 0);
    pkt_1rtt(&c, C, .frames = FRAMES(w_stream_of(2, 0, control ? m_setup() : media, false)),
             .lost = true);
    pkt_1rtt(&c, S, .frames = FRAMES(w_stream_of(3, 0, m_setup(), false)));
    pkt_1rtt(&c, C, .frames = FRAMES(w_close_app(0)));
    if (control)
      tape_expect(t, "stream-complete", JUDGE_PASS, 2);
    else
      tape_expect_finding(t, "stream-complete", "stream end", "neither, after 13 bytes");
    tape_conn_free(&c);
    tape_free(t);
  }
}

/* Nobody has read the first bytes of a request that is lost to the end of the run. */
static void a_request_that_is_lost_stays_open(void **state) {
  (void)state;
  for (uint64_t stream = 8; stream <= 10; stream += 2) {
    struct scene s = scene_new_wired("chat");
    pkt_1rtt(&s.sub, C, .frames = FRAMES(w_stream(stream, 0, "request")), .lost = true);
    scene_close(&s);
    if (stream == 8)
      tape_expect(s.t, "stream-complete", JUDGE_PASS, 0);
    else
      tape_expect_finding(s.t, "stream-complete", "stream end", "neither, after 7 bytes");
    scene_free(&s);
  }
}

/* ---- a filter that is narrowed over a backlog ---------------------------------- */

/* When a later one leaves that a datagram may be waiting for. */
enum passed { NEVER, WHILE_IT_WAITS, WIDE_AGAIN };

/* A datagram of priority 1 waits so long for its turn, until nothing above 0 is wanted. */
static void waits(unsigned ms, enum passed passed, enum judge_result result) {
  size_t asked = m_subscribe(0, "chat", p_next_group()).len;
  size_t answered = m_subscribe_ok(DOWN_ALIAS, p_none()).len;
  struct plan p = made_run();
  scene_up(&p.scene, 0, 1, "b");
  p.scene.t->now_ns += 200000000;
  scene_up(&p.scene, 0, 2, "c");
  if (passed == WHILE_IT_WAITS)
    scene_down(&p.scene, 0, 2, "c");
  p.scene.t->now_ns += (ms - 200) * 1000000ull;
  pkt_1rtt(&p.scene.sub, C,
           .frames = FRAMES(w_stream_of(0, asked, m_update(2, p_limit(0)), false)));
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(0, answered, m_request_ok(), false)));
  if (passed == WIDE_AGAIN) {
    asked += m_update(2, p_limit(0)).len;
    answered += m_request_ok().len;
    pkt_1rtt(&p.scene.sub, C,
             .frames = FRAMES(w_stream_of(0, asked, m_update(4, p_limit(1)), false)));
    pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(0, answered, m_request_ok(), false)));
    scene_up(&p.scene, 0, 3, "d");
    p.scene.t->now_ns += 200000000;
    scene_down(&p.scene, 0, 3, "d");
  }
  scene_close(&p.scene);
  made_run_expect(&p, "copy-count", result);
}

static void a_datagram_in_the_queue_goes_with_the_filter(void **state) {
  (void)state;
  waits(1500, NEVER, JUDGE_PASS);
  waits(1500, WIDE_AGAIN, JUDGE_PASS);
  waits(1500, WHILE_IT_WAITS, JUDGE_FAIL);
  waits(2500, NEVER, JUDGE_FAIL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_lost_from_a_new_address_did_not_arrive),
      cmocka_unit_test(what_arrives_from_a_new_address_is_due),
      cmocka_unit_test(a_publisher_that_is_gone_leaves_nothing_owed),
      cmocka_unit_test(a_publisher_that_is_there_leaves_its_objects_owed),
      cmocka_unit_test(a_subscription_ends_with_the_publisher_it_had),
      cmocka_unit_test(a_subscription_that_goes_on_is_owed_the_second_life),
      cmocka_unit_test(what_a_dead_relay_was_sent_is_not_owed),
      cmocka_unit_test(what_a_living_relay_was_sent_is_owed),
      cmocka_unit_test(what_leaves_in_the_same_turn_may_pass),
      cmocka_unit_test(an_open_stream_goes_on_before_one_that_waits_for_its_own),
      cmocka_unit_test(an_answer_of_a_dead_relay_promises_nothing),
      cmocka_unit_test(an_open_stream_may_wait_for_its_publisher),
      cmocka_unit_test(a_publisher_that_leaves_without_a_word_owes_the_rest),
      cmocka_unit_test(a_subgroup_given_up_in_the_queue_is_not_owed),
      cmocka_unit_test(what_leaves_later_does_not_pass_a_subgroup_given_up),
      cmocka_unit_test(a_tail_that_may_be_dropped_may_stay_open),
      cmocka_unit_test(an_object_of_a_dropped_tail_is_not_owed),
      cmocka_unit_test(a_stream_without_a_name_may_be_overtaken),
      cmocka_unit_test(what_the_end_may_overtake_is_not_owed),
      cmocka_unit_test(control_that_is_lost_stays_open),
      cmocka_unit_test(a_request_that_is_lost_stays_open),
      cmocka_unit_test(a_delivery_timeout_counts_before_a_planned_end_too),
      cmocka_unit_test(a_datagram_in_the_queue_goes_with_the_filter),
      cmocka_unit_test(a_lower_group_that_comes_late_leaves_first),
      cmocka_unit_test(a_lower_group_may_end_before_an_open_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
