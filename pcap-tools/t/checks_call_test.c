/* connect-any-time: clients that call, and who answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pcap-tools/t/made_run.h"
#include "pcap-tools/t/two_clients.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };
#define SECOND_NS 1000000000u
#define MS        UINT64_C(1000000)

static void an_answered_client_passes(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ping()));
  tape_expect(s->t, "connect-any-time", JUDGE_PASS, 1);
}

static void a_swallowed_initial_fails(void **state) {
  struct stage *s = *state;
  struct tape_conn late = tape_conn_unanswered(s->t);
  s->t->now_ns += 2 * SECOND_NS;
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ping()));
  tape_expect_finding(s->t, "connect-any-time", "handshake", "no packet at all");
  tape_conn_free(&late);
}

static void an_initial_right_at_the_end_is_excused(void **state) {
  struct stage *s = *state;
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ping()));
  struct tape_conn late = tape_conn_unanswered(s->t);
  tape_expect(s->t, "connect-any-time", JUDGE_PASS, 1);
  tape_conn_free(&late);
}

static void a_handshake_that_stops_fails(void **state) {
  struct stage *s = *state;
  s->t->now_ns += 4 * SECOND_NS;
  pkt_1rtt(&s->c, C, .frames = FRAMES(w_ping())); /* d never gets that far */
  tape_expect_finding(s->t, "connect-any-time", "handshake", "none");
}

/* A client whose Initial its own capture has; does the relay's have it, too? */
static struct plan a_client_knocks(bool arrives) {
  struct plan p = made_run();
  struct tape_conn late = tape_conn_silent(p.scene.t);
  late.file[TAPE_CLIENT] = 1;
  tape_say_initial(&late, C, 0, FRAMES(w_ping(), w_padding(1100)));
  if (arrives)
    tape_also_in(p.scene.t, 2, 1000000);
  p.scene.t->now_ns += 2 * SECOND_NS;
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_ping()));
  scene_close(&p.scene);
  p.at_sub = true;
  tape_conn_free(&late);
  return p;
}

static void an_initial_lost_on_the_way_is_excused(void **state) {
  (void)state;
  struct plan p = a_client_knocks(false);
  made_run_expect(&p, "connect-any-time", JUDGE_PASS);
}

static void an_initial_that_arrives_is_answered(void **state) {
  (void)state;
  struct plan p = a_client_knocks(true);
  made_run_expect_finding(&p, "connect-any-time", "handshake", "no packet at all");
}

/* At a relay that is started a moment before; the second one comes when that is long over. */
static void judge_knocks_at_start(unsigned knocks, enum judge_result result) {
  struct plan p = made_run();
  struct tape_conn late = tape_conn_silent(p.scene.t);
  late.file[TAPE_CLIENT] = 1;
  for (uint64_t pn = 0; pn < knocks; pn++) {
    p.scene.t->now_ns += pn ? 500 * MS : 0;
    tape_say_initial(&late, C, pn, FRAMES(w_ping(), w_padding(1100)));
    tape_also_in(p.scene.t, 2, 1000000);
  }
  p.scene.t->now_ns += 2 * SECOND_NS;
  tape_say_initial(&late, C, knocks, FRAMES(w_close(0), w_padding(1100)));
  tape_also_in(p.scene.t, 2, 1000000);
  scene_close(&p.scene);
  p.at_sub = true;
  p.faults = "{\"t\":1000000,\"kind\":\"restart\",\"node\":\"relay\",\"ok\":true}\n";
  tape_conn_free(&late);
  made_run_expect(&p, "connect-any-time", result);
}

static void a_relay_that_starts_hears_the_next_call(void **state) {
  (void)state;
  judge_knocks_at_start(1, JUDGE_PASS);
  judge_knocks_at_start(2, JUDGE_FAIL);
}

/* Initials leave the client at 0, 1.5 and 3 s, the last one to say that it gives up. */
static void judge_calls(bool second_arrives, enum judge_result result) {
  struct plan p = made_run();
  struct tape_conn late = tape_conn_silent(p.scene.t);
  late.file[TAPE_CLIENT] = 1;
  for (uint64_t pn = 0; pn < 3; pn++) {
    struct word frame = pn < 2 ? w_ping() : w_close(0);
    tape_say_initial(&late, C, pn, FRAMES(frame, w_padding(1100)));
    if (pn == 2 || (pn == 1 && second_arrives))
      tape_also_in(p.scene.t, 2, 1000000);
    p.scene.t->now_ns += 1500 * MS;
  }
  scene_close(&p.scene);
  p.at_sub = true;
  tape_conn_free(&late);
  made_run_expect(&p, "connect-any-time", result);
}

static void a_goodbye_needs_no_answer(void **state) {
  (void)state;
  judge_calls(false, JUDGE_PASS);
  judge_calls(true, JUDGE_FAIL); /* 1.5 s before it gives up */
}

/* The server answers at 0 and 1 s, the client gives up at 3.5 s. */
static void judge_answers(bool arrive, enum judge_result result) {
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_silent(t);
  c.file[C] = 1;
  tape_say_initial(&c, C, 0, FRAMES(w_ping(), w_padding(1100)));
  tape_also_in(t, 0, 1000000);
  for (uint64_t pn = 0; pn < 2; pn++) {
    tape_say_initial(&c, S, pn, FRAMES(w_ping(), w_padding(1100)));
    if (arrive)
      tape_also_in(t, 1, 1000000);
    t->now_ns += pn ? 2500 * MS : 1000 * MS;
  }
  tape_say_initial(&c, C, 1, FRAMES(w_close(0), w_padding(1100)));
  tape_also_in(t, 0, 1000000);
  tape_expect(t, "connect-any-time", result, 0);
  tape_conn_free(&c);
  tape_free(t);
}

static void a_handshake_lost_on_the_way_takes_longer(void **state) {
  (void)state;
  judge_answers(false, JUDGE_SKIP);
  judge_answers(true, JUDGE_FAIL);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, two_clients, two_clients_gone)
  const struct CMUnitTest tests[] = {
      CASE(an_answered_client_passes),
      CASE(a_swallowed_initial_fails),
      CASE(an_initial_right_at_the_end_is_excused),
      CASE(a_handshake_that_stops_fails),
      cmocka_unit_test(an_initial_lost_on_the_way_is_excused),
      cmocka_unit_test(an_initial_that_arrives_is_answered),
      cmocka_unit_test(a_relay_that_starts_hears_the_next_call),
      cmocka_unit_test(a_goodbye_needs_no_answer),
      cmocka_unit_test(a_handshake_lost_on_the_way_takes_longer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
