/* A relay that was started again: what the process before it had said, and what the next one may:
 * no-orphan-forward, pn-unique, nonce-unique, trace-agrees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pcap-tools/t/made_run.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

#define FAULT(ms, kind, node)                                                                      \
  "{\"t\":" #ms "000000,\"kind\":\"" kind "\",\"node\":\"" node "\",\"ok\":true}\n"

/* A client calls the relay at some 10 ms, and is answered then, or at 260 ms. Much later a stream
 * leaves on that connection. */
static void judge_answer(bool before, const char *faults, enum judge_result result) {
  struct plan p = made_run();
  struct tape_conn early = tape_conn_unanswered(p.scene.t);
  p.scene.t->now_ns += before ? 10000000 : 250000000;
  tape_shake(&early, QP_AES_128_GCM); /* it calls again */
  p.scene.t->now_ns += 350000000;
  pkt_1rtt(&early, S, .frames = FRAMES(w_stream(7, 0, "a")));
  p.faults = faults;
  made_run_expect(&p, "no-orphan-forward", result);
  tape_conn_free(&early);
}

static void who_called_a_dead_relay_is_the_next_ones(void **state) {
  (void)state;
  judge_answer(false, FAULT(50, "kill", "relay") FAULT(90, "restart", "relay"), JUDGE_PASS);
}

static void whom_a_dead_relay_has_answered_hears_no_more(void **state) {
  (void)state;
  judge_answer(true, FAULT(50, "kill", "relay") FAULT(90, "restart", "relay"), JUDGE_FAIL);
  judge_answer(false, FAULT(300, "restart", "relay"), JUDGE_FAIL);
}

/* A client calls and is answered at some 10 ms; it calls again at 250 ms, as if nothing had come,
 * and is answered by one who begins to count anew. */
static void judge_second_answer(const char *check, const char *faults, enum judge_result result) {
  struct plan p = made_run();
  struct tape_conn twice = tape_conn_unanswered(p.scene.t);
  for (uint64_t i = 0; i < 2; i++) {
    if (i)
      tape_say_initial(&twice, C, i, FRAMES(w_ping(), w_padding(1000)));
    tape_say_initial(&twice, S, 0, FRAMES(w_ack(0, i), w_ping(), w_padding(1000)));
    pkt_1rtt(&twice, S, .pn = 1, .frames = FRAMES(w_ping(), w_padding(20 * i)));
    p.scene.t->now_ns += 240000000;
  }
  p.faults = faults;
  made_run_expect(&p, check, result);
  tape_conn_free(&twice);
}

static void the_next_process_counts_from_zero(void **state) {
  static const char *const checks[] = {"pn-unique", "nonce-unique"};
  (void)state;
  for (int i = 0; i < 2; i++) {
    judge_second_answer(checks[i], FAULT(100, "kill", "relay") FAULT(150, "restart", "relay"),
                        JUDGE_PASS);
    judge_second_answer(checks[i], "", JUDGE_FAIL);
    judge_second_answer(checks[i], FAULT(100, "restart", "sub"), JUDGE_FAIL);
    judge_second_answer(checks[i], FAULT(500, "restart", "relay"), JUDGE_FAIL);
  }
}

/* A client is answered at some 10 ms by a relay that is then started again, and says goodbye to the next
 * process: what the ledger has of the first one's numbers is asked of the first one. */
#define OWN(pn)                                                                                    \
  "{\"ev\":\"number\",\"conn\":\"c103101010101010\",\"pn\":" pn                                    \
  ",\"origin\":\"own\",\"own\":0,\"t\":30000000,\"fate\":\"outstanding\",\"fate_t\":0,"            \
  "\"content\":[]}\n"

static struct plan a_goodbye_to_the_next_process(const char *ledger) {
  struct plan p = made_run();
  struct tape_conn early = tape_conn_unanswered(p.scene.t);
  tape_say_initial(&early, S, 0, FRAMES(w_ack(0, 0), w_ping(), w_padding(1000)));
  pkt_1rtt(&early, S, .pn = 1, .frames = FRAMES(w_ping()));
  p.scene.t->now_ns += 240000000;
  tape_say_initial(&early, C, 1, FRAMES(w_close(0x0c), w_padding(1000)));
  p.faults = FAULT(100, "restart", "relay");
  p.ledger = ledger;
  tape_conn_free(&early);
  return p;
}

static void a_dead_relays_ledger_is_of_its_own_connection(void **state) {
  struct plan p = a_goodbye_to_the_next_process(OWN("1"));
  (void)state;
  made_run_expect(&p, "trace-agrees", JUDGE_PASS);
  p = a_goodbye_to_the_next_process(OWN("2"));
  made_run_expect_finding(&p, "trace-agrees", "pn", "2, own, outstanding");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_called_a_dead_relay_is_the_next_ones),
      cmocka_unit_test(whom_a_dead_relay_has_answered_hears_no_more),
      cmocka_unit_test(the_next_process_counts_from_zero),
      cmocka_unit_test(a_dead_relays_ledger_is_of_its_own_connection),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
