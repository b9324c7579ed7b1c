/* latency: the budget of a run against what its logs say, less what its links take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "pcap-tools/t/made_run.h"

/* The one delivery takes so long beyond its links: a budget of that holds, one less does not. */
static void takes(struct plan (*run)(void), unsigned ns) {
  char budget[80], actual[32];
  struct plan p = run();
  snprintf(budget, sizeof budget, "\"p50_ns\":0,\"p99_ns\":%u,\"max_ns\":%u", ns, ns);
  p.budget = budget;
  made_run_expect(&p, "latency", JUDGE_PASS);
  p = run();
  snprintf(budget, sizeof budget, "\"p50_ns\":0,\"p99_ns\":%u,\"max_ns\":0", ns - 1);
  snprintf(actual, sizeof actual, "%u ns", ns);
  p.budget = budget;
  made_run_expect_finding(&p, "latency", "p99", actual);
}

static void links_without_delay_take_nothing_off(void **state) {
  (void)state;
  takes(made_run, 5000);
}

/* The subscriber is behind a router: 1,000 + 2,000 ns of the 5,000 are the links', in the
 * direction away from the relay, and 500 the publisher's. */
static struct plan behind_a_router(void) {
  struct plan p = made_run();
  p.links =
      "{\"a\":\"pub\",\"b\":\"relay\",\"delay_ns\":500,\"delay_back_ns\":9000},"
      "{\"a\":\"relay\",\"b\":\"hop\",\"delay_ns\":1000,\"delay_back_ns\":9000},"
      "{\"a\":\"sub[0]\",\"b\":\"hop\",\"delay_ns\":9000,\"delay_back_ns\":2000}";
  p.pub_way = "{\"link\":0,\"forward\":true}";
  p.sub_way = "{\"link\":2,\"forward\":true},{\"link\":1,\"forward\":false}";
  return p;
}

static void delays_of_a_way_add_up(void **state) {
  (void)state;
  takes(behind_a_router, 1500);
}

/* The subscriber's relay dials the publisher's through a router: 500 + (1,000 + 700) + 300 ns
 * of the 5,000 are the links'. */
static struct plan below_another_relay(void) {
  struct plan p = made_run();
  p.links =
      "{\"a\":\"pub\",\"b\":\"relay\",\"delay_ns\":500,\"delay_back_ns\":9000},"
      "{\"a\":\"relay\",\"b\":\"hop\",\"delay_ns\":1000,\"delay_back_ns\":9000},"
      "{\"a\":\"hop\",\"b\":\"lower\",\"delay_ns\":700,\"delay_back_ns\":9000},"
      "{\"a\":\"lower\",\"b\":\"sub[0]\",\"delay_ns\":300,\"delay_back_ns\":9000}";
  p.pub_way = "{\"link\":0,\"forward\":true}";
  p.sub_way = "{\"link\":3,\"forward\":false}";
  p.sub_relay = "lower";
  p.more_nodes =
      ",{\"name\":\"lower\",\"file\":\"lower\",\"role\":\"relay\",\"relay\":\"relay\","
      "\"address\":[\"10.0.0.4\"],\"port\":4433,"
      "\"route\":[{\"link\":2,\"forward\":false},{\"link\":1,\"forward\":false}]}";
  made_run_file("lower-copies.jsonl", "");
  made_run_file("lower-ledger.jsonl", "");
  return p;
}

static void delays_of_a_chain_add_up(void **state) {
  (void)state;
  takes(below_another_relay, 2500);
}

static void no_budget_no_judgement(void **state) {
  (void)state;
  struct plan p = made_run();
  made_run_expect(&p, "latency", JUDGE_SKIP);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(links_without_delay_take_nothing_off),
      cmocka_unit_test(delays_of_a_way_add_up),
      cmocka_unit_test(delays_of_a_chain_add_up),
      cmocka_unit_test(no_budget_no_judgement),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
