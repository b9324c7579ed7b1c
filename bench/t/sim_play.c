#include "bench/t/sim_play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "bench/net/topology.h"
#include "bench/run/virtual_net.h"

/* Ethernet, IPv4, UDP; first byte and ID of a short header. */
#define PAYLOAD_AT 42
#define NUMBER_AT  (PAYLOAD_AT + 1 + 8)
#define MAX_NUMBER 65536
#define MAX_FLOWS  64

struct watch {
  struct sim_seen *seen;
  const struct plan *plan;
  uint16_t ports[MAX_FLOWS];
  uint32_t hosts[MAX_FLOWS];
  uint8_t *numbers[MAX_FLOWS]; /* bitmaps */
  size_t n;
  uint64_t bulk_in_ns; /* the latest, until one has left; UINT64_MAX: none */
};

static uint8_t *numbers_of(struct watch *w, uint32_t host, uint16_t port) {
  for (size_t i = 0; i < w->n; i++)
    if (w->hosts[i] == host && w->ports[i] == port)
      return w->numbers[i];
  assert_true(w->n < MAX_FLOWS);
  w->hosts[w->n] = host;
  w->ports[w->n] = port;
  w->numbers[w->n] = calloc(MAX_NUMBER / 8, 1);
  assert_non_null(w->numbers[w->n]);
  return w->numbers[w->n++];
}

static void look_at_number(struct watch *w, const uint8_t *frame, size_t len) {
  uint32_t host, number;
  uint16_t port;
  if (len < NUMBER_AT + 4 || frame[12] != 8 || (frame[PAYLOAD_AT] & 0xc3) != 0x43)
    return; /* a joint number has always four bytes */
  memcpy(&host, frame + 30, 4);
  memcpy(&port, frame + 36, 2);
  memcpy(&number, frame + NUMBER_AT, 4);
  number = __builtin_bswap32(number);
  if (number >= MAX_NUMBER)
    return; /* random bytes: a stateless reset */
  uint8_t *byte = &numbers_of(w, host, port)[number / 8];
  w->seen->duplicates += *byte >> (number & 7) & 1;
  *byte |= (uint8_t)(1u << (number & 7));
}

static void look_at_bulk(struct watch *w, bool leaves, uint64_t now_ns, size_t len) {
  if (len < PAYLOAD_AT + SIM_BULK)
    return;
  if (!leaves)
    w->bulk_in_ns = now_ns;
  else if (w->bulk_in_ns != UINT64_MAX && now_ns - w->bulk_in_ns < w->seen->soonest_ns)
    w->seen->soonest_ns = now_ns - w->bulk_in_ns;
  if (leaves)
    w->bulk_in_ns = UINT64_MAX;
}

void (*sim_play_each)(void);

static void on_frame(void *arg, size_t link, int end, uint64_t now_ns, const uint8_t *frame,
                     size_t len) {
  struct watch *w = arg;
  const uint64_t place[3] = {link, (uint64_t)end, now_ns};
  w->seen->frames++;
  if (sim_play_each != NULL)
    sim_play_each();
  w->seen->digest = XXH64(place, sizeof place, w->seen->digest);
  w->seen->digest = XXH64(frame, len, w->seen->digest);
  const struct plan_link *it = &w->plan->links[link];
  const struct plan_node *from = &w->plan->nodes[end == 0 ? it->a : it->b];
  /* what comes in at a relay begins with the relay's ID, not with its own MAC */
  const bool leaves = from->role == PLAN_RELAY && frame[6 + 2] == (uint8_t)end;
  if (leaves)
    look_at_number(w, frame, len);
  look_at_bulk(w, leaves, now_ns, len);
}

void sim_play(const char *text, uint64_t seed, const char *dir, const struct nest_config *nest,
              struct sim_seen *seen) {
  char err[512], path[600];
  struct plan_error why = {0};
  struct topology net;
  struct virtual_net ends;
  struct plan *plan = plan_parse(text, strlen(text), "/small.yaml", NULL, 0, &why);
  if (plan == NULL)
    plan_error_print(stderr, &why);
  assert_non_null(plan);
  plan->seed = seed;
  snprintf(path, sizeof path, "%s/log", dir);
  mkdir(path, 0755);
  *seen = (struct sim_seen){.soonest_ns = UINT64_MAX};
  struct watch watch = {.seen = seen, .plan = plan, .bulk_in_ns = UINT64_MAX};
  assert_int_equal(topology_plan(plan, &net, err, sizeof err), 0);
  assert_int_equal(virtual_net_open(&ends, plan, &net), 0);
  const struct sim_config config = {.plan = plan,
                                    .dir = dir,
                                    .wires = ends.wires,
                                    .first_ifindex = ends.first_ifindex,
                                    .ports = ends.ports,
                                    .no_qlog = true,
                                    .nest = nest != NULL ? *nest : (struct nest_config){0},
                                    .arg = &watch,
                                    .tap = on_frame};
  if (sim_run(&config, &seen->outcome, err, sizeof err) != 0)
    fail_msg("%s", err);
  free(seen->outcome.processes);
  seen->outcome.processes = NULL;
  virtual_net_free(&ends);
  topology_free(&net);
  plan_free(plan);
  for (size_t i = 0; i < watch.n; i++)
    free(watch.numbers[i]);
}
