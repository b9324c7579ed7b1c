/* Ways through routers: which link a packet takes, and how large it may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/scenario/ways.h"
#include "bench/t/scenario_text.h"

struct map {
  struct plan *plan;
  struct plan_ways *ways;
};

static struct map map_of(const char *text) {
  struct map m = {.plan = text_plan(text)};
  m.ways = plan_ways_new(m.plan);
  return m;
}

static void map_free(struct map *m) {
  plan_ways_free(m->ways);
  plan_free(m->plan);
}

static uint32_t host(const struct map *m, const char *name) {
  return m->plan->nodes[plan_node_find(m->plan, name)].host;
}

static int next(const struct map *m, const char *from, const char *to, int ip) {
  return plan_ways_next(m->ways, host(m, from), host(m, to), ip);
}

/* pub -0- relay -1- hop -2- sub[0], -3- sub[1] */
#define SHARED                                                                                     \
  TOP "nodes:\n  pub: { role: publisher }\n  relay: { role: relay }\n"                             \
      "  hop: { role: router }\n  sub: { role: subscriber, count: 2 }\nlinks:\n"                   \
      "  - { between: [pub, relay] }\n  - { between: [relay, hop], mtu: 1400 }\n"                  \
      "  - { between: [hop, sub], mtu: 1300 }\n"

static void a_bottleneck_is_shared(void **state) {
  (void)state;
  struct map m = map_of(SHARED);
  int links[4];
  assert_int_equal(next(&m, "relay", "sub[0]", 4), 1);
  assert_int_equal(next(&m, "relay", "sub[1]", 4), 1);
  assert_int_equal(next(&m, "hop", "sub[0]", 4), 2);
  assert_int_equal(next(&m, "hop", "sub[1]", 4), 3);
  assert_int_equal(next(&m, "sub[1]", "relay", 4), 3);
  assert_int_equal(next(&m, "relay", "relay", 4), -1);
  assert_int_equal(plan_ways_links(m.ways, host(&m, "sub[1]"), host(&m, "relay"), 4, links, 4), 2);
  assert_int_equal(links[0], 3);
  assert_int_equal(links[1], 1);
  assert_int_equal(plan_ways_mtu(m.ways, host(&m, "sub[1]"), host(&m, "relay"), 4), 1300);
  assert_int_equal(plan_ways_mtu(m.ways, host(&m, "hop"), host(&m, "relay"), 4), 1400);
  assert_true(plan_ways_is_router(m.ways, host(&m, "hop")));
  assert_false(plan_ways_is_router(m.ways, host(&m, "relay")));
  map_free(&m);
}

/* The publisher is a neighbour of relay only, and a relay forwards nothing. */
static void only_routers_forward(void **state) {
  (void)state;
  struct map m = map_of(SHARED);
  assert_int_equal(next(&m, "sub[0]", "pub", 4), -1);
  assert_int_equal(next(&m, "pub", "sub[0]", 4), -1);
  assert_int_equal(plan_ways_ip(m.ways, host(&m, "pub"), host(&m, "sub[0]")), 0);
  assert_int_equal(plan_ways_mtu(m.ways, host(&m, "pub"), host(&m, "sub[0]"), 4), 0);
  map_free(&m);
}

/* Two ways from sub to relay: over one router, and over two with IPv6 alone. */
static void the_shorter_way_is_taken(void **state) {
  (void)state;
  struct map m = map_of(TOP
                        "nodes:\n  pub: { role: publisher }\n  relay: { role: relay }\n"
                        "  hop: { role: router, count: 3 }\n  sub: { role: subscriber }\n"
                        "  six: { role: subscriber }\nlinks:\n"
                        "  - { between: [pub, relay] }\n"
                        "  - { between: [sub, \"hop[1]\"] }\n"
                        "  - { between: [\"hop[1]\", \"hop[2]\"] }\n"
                        "  - { between: [\"hop[2]\", relay] }\n"
                        "  - { between: [sub, \"hop[0]\"] }\n"
                        "  - { between: [\"hop[0]\", relay] }\n"
                        "  - { between: [six, \"hop[0]\"], ip: 6 }\n"
                        "  - { between: [\"hop[0]\", \"hop[1]\"], ip: 6 }\n"
                        "  - { between: [\"hop[1]\", relay], ip: 6 }\n");
  assert_int_equal(next(&m, "sub", "relay", 4), 4);
  assert_int_equal(next(&m, "relay", "sub", 4), 5);
  assert_int_equal(next(&m, "sub", "relay", 6), -1);
  assert_int_equal(plan_ways_ip(m.ways, host(&m, "sub"), host(&m, "relay")), 4);
  assert_int_equal(plan_ways_ip(m.ways, host(&m, "six"), host(&m, "relay")), 6);
  assert_int_equal(plan_ways_links(m.ways, host(&m, "six"), host(&m, "relay"), 6, NULL, 0), 3);
  map_free(&m);
}

/* What was kept is given back, and found again. */
static void forgetting_changes_nothing(void **state) {
  (void)state;
  struct map m = map_of(SHARED);
  const int before = next(&m, "sub[0]", "relay", 4);
  plan_ways_forget(m.ways, host(&m, "relay"));
  assert_int_equal(next(&m, "sub[0]", "relay", 4), before);
  plan_ways_free(NULL);
  map_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bottleneck_is_shared),
      cmocka_unit_test(only_routers_forward),
      cmocka_unit_test(the_shorter_way_is_taken),
      cmocka_unit_test(forgetting_changes_nothing),
  };
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
