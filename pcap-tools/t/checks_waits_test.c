/* What waited for a stream before it could leave: latency. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "pcap-tools/t/made_run.h"

/* It arrives at 6,000 ns, 5,000 after it left. */
static struct plan waited(const char *ns) {
  static char log[256];
  struct plan p = made_run();
  snprintf(log, sizeof log,
           "{\"ev\":\"published\",\"t\":1000,\"track\":\"chat\",\"group\":0,\"subgroup\":null,"
           "\"object\":0,\"size\":1,\"hash\":\"d24ec4f1a98c6e5b\",\"priority\":1,\"waited\":%s}\n",
           ns);
  p.pub_log = log;
  p.budget = "\"p50_ns\":0,\"p99_ns\":5600,\"max_ns\":5600";
  return p;
}

static void a_wait_for_a_stream_is_latency(void **state) {
  (void)state;
  struct plan p = waited("600");
  made_run_expect(&p, "latency", JUDGE_PASS);
  p = waited("601");
  made_run_expect_finding(&p, "latency", "p99", "5601 ns");
}

/* No clock goes back that far. */
static void a_wait_from_before_all_time_is_none(void **state) {
  (void)state;
  struct plan p = waited("1001");
  made_run_expect(&p, "latency", JUDGE_PASS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wait_for_a_stream_is_latency),
      cmocka_unit_test(a_wait_from_before_all_time_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
