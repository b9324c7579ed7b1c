/* What each key of a scenario means in the plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/plan.h"
#include "bench/t/scenario_text.h"

static void defaults(void **state) {
  (void)state;
  struct plan *plan = text_plan(SMALL);
  assert_string_equal(plan->name, "small");
  assert_string_equal(plan->about, "");
  assert_int_equal(plan->path[0], '/');
  assert_int_equal(plan->seed, 1);
  assert_int_equal(plan->duration_ns, 1000000000);
  assert_int_equal(plan->drain_ns, 5000000000);
  assert_int_equal(plan->interleave, 0);
  assert_true(plan->mode_live);
  assert_true(plan->mode_sim);
  const struct plan_node *relay = &plan->nodes[plan_node_find(plan, "relay")];
  assert_int_equal(relay->role, PLAN_RELAY);
  assert_int_equal(relay->datapath, PLAN_DP_KERNEL);
  assert_int_equal(relay->protection, PLAN_PROT_TLS);
  assert_int_equal(relay->cipher, PLAN_CHACHA20);
  assert_int_equal(relay->congestion, PLAN_NEWRENO);
  assert_string_equal(relay->policy, "none");
  assert_int_equal(relay->cache_bytes, 16 << 20);
  assert_int_equal(relay->relay, -1);
  const struct plan_node *sub = &plan->nodes[plan_node_find(plan, "sub[2]")];
  assert_int_equal(sub->role, PLAN_SUBSCRIBER);
  assert_int_equal(sub->window_bytes, 1 << 20);
  assert_int_equal(sub->max_streams, 100);
  assert_int_equal(sub->cid_len, 8);
  assert_int_equal(sub->ack_delay_ns, 25000000);
  assert_int_equal(sub->does, 0);
  const struct plan_link *link = &plan->links[0];
  assert_int_equal(link->ip, 4);
  assert_int_equal(link->mtu, 1500);
  assert_true(link->plain);
  const struct plan_track *chat = &plan->tracks[0];
  assert_int_equal(chat->as, PLAN_DATAGRAMS);
  assert_int_equal(chat->group_objects, 25);
  assert_int_equal(chat->priority, 128);
  assert_int_equal(chat->layers, 1);
  assert_int_equal(chat->objects, 0);
  assert_null(chat->trace);
  assert_null(chat->file);
  const struct plan_subscription *first = &plan->subscriptions[0];
  assert_int_equal(first->at_ns, 0);
  assert_int_equal(first->start, PLAN_START_NEXT_GROUP);
  assert_int_equal(first->priority_limit, -1);
  assert_int_equal(first->delivery_timeout_ns, 0);
  assert_int_equal(plan->n_events + plan->n_defects + plan->n_expects + plan->n_convict, 0);
  plan_free(plan);
}

static void instances(void **state) {
  (void)state;
  struct plan *plan = text_plan(SMALL);
  assert_int_equal(plan->n_nodes, 5);
  assert_int_equal(plan->n_hosts, 5);
  assert_int_equal(plan_node_find(plan, "pub"), 0);
  assert_int_equal(plan_node_find(plan, "sub"), -1);
  assert_int_equal(plan_node_find(plan, "sub[3]"), -1);
  const struct plan_node *node = &plan->nodes[3];
  assert_string_equal(node->name, "sub[1]");
  assert_string_equal(node->file_name, "sub.1");
  assert_string_equal(node->group, "sub");
  assert_int_equal(node->index, 1);
  assert_int_equal(node->relay, 1);
  /* One link and one subscription for each. */
  assert_int_equal(plan->n_links, 4);
  assert_int_equal(plan->links[2].a, 1);
  assert_int_equal(plan->links[2].b, 3);
  assert_int_equal(plan->n_subscriptions, 3);
  assert_int_equal(plan->subscriptions[2].who, 4);
  assert_int_equal(plan->subscriptions[2].n_tracks, 1);
  plan_free(plan);
}

/* A count of 1 leaves the name bare, but its index may still be written. */
static void one_instance(void **state) {
  (void)state;
  struct plan *plan = text_plan_set(TOP NODES LINKS TRACKS
                                    "subscriptions:\n  - { who: \"sub[0]\", tracks: [chat] }\n",
                                    (const char *const[]){"nodes.sub.count=1", NULL});
  assert_int_equal(plan_node_find(plan, "sub"), 2);
  assert_string_equal(plan->nodes[2].file_name, "sub");
  assert_int_equal(plan->subscriptions[0].who, 2);
  plan_free(plan);
}

static void shared_hosts(void **state) {
  (void)state;
  struct plan *plan =
      text_plan(TOP
                "nodes:\n  pub: { role: publisher }\n  relay: { role: relay }\n"
                "  sub: { role: subscriber, count: 7, per_host: 3 }\n" LINKS TRACKS SUBSCRIPTIONS);
  static const uint32_t hosts[] = {0, 1, 2, 2, 2, 3, 3, 3, 4};
  assert_int_equal(plan->n_nodes, 9);
  assert_int_equal(plan->n_hosts, 5);
  for (size_t i = 0; i < 9; i++)
    assert_int_equal(plan->nodes[i].host, hosts[i]);
  /* One link a host; its end is the first node there. */
  assert_int_equal(plan->n_links, 4);
  assert_int_equal(plan->links[1].b, 2);
  assert_int_equal(plan->links[2].b, 5);
  assert_int_equal(plan->links[3].b, 8);
  plan_free(plan);
}

static void top_keys(void **state) {
  (void)state;
  struct plan *plan = text_plan(
      "scenario: small\nabout: >-\n  two\n  lines\nseed: 18446744073709551615\nduration: 1.5s\n"
      "drain: 250ms\nmodes: [sim]\ninterleave: 24\n" NODES LINKS);
  assert_string_equal(plan->about, "two lines");
  assert_true(plan->seed == UINT64_MAX);
  assert_int_equal(plan->duration_ns, 1500000000);
  assert_int_equal(plan->drain_ns, 250000000);
  assert_int_equal(plan->interleave, 24);
  assert_false(plan->mode_live);
  assert_true(plan->mode_sim);
  plan_free(plan);
}

static void relay_keys(void **state) {
  (void)state;
  struct plan *plan =
      text_plan(TOP
                "nodes:\n  pub: { role: publisher, relay: top }\n"
                "  top: { role: relay, datapath: stock, protection: tls, cipher: aes128gcm,"
                " congestion: cubic, policy: none, cache: 1MiB }\n"
                "  low: { role: relay, datapath: user, protection: tls, upstream: top }\n"
                "  sub: { role: subscriber, relay: low }\n"
                "links:\n  - { between: [pub, top] }\n  - { between: [top, low] }\n"
                "  - { between: [low, sub] }\n" TRACKS SUBSCRIPTIONS);
  const struct plan_node *pub = &plan->nodes[0], *top = &plan->nodes[1], *low = &plan->nodes[2];
  const struct plan_node *sub = &plan->nodes[3];
  assert_int_equal(top->datapath, PLAN_DP_STOCK);
  assert_int_equal(top->protection, PLAN_PROT_TLS);
  assert_int_equal(top->cipher, PLAN_AES128GCM);
  assert_int_equal(top->congestion, PLAN_CUBIC);
  assert_int_equal(top->cache_bytes, 1 << 20);
  assert_int_equal(low->datapath, PLAN_DP_USER);
  assert_int_equal(low->relay, 1);
  assert_int_equal(pub->relay, 1);
  assert_int_equal(sub->relay, 2);
  /* Endpoints do as their relay does. */
  assert_int_equal(pub->protection, PLAN_PROT_TLS);
  assert_int_equal(pub->cipher, PLAN_AES128GCM);
  assert_int_equal(sub->cipher, PLAN_CHACHA20);
  plan_free(plan);
}

static void endpoint_keys(void **state) {
  (void)state;
  struct plan *plan =
      text_plan(TOP
                "nodes:\n  relay: { role: relay }\n"
                "  bad: { role: rogue, does: double-fin, window: 64KiB, streams: 3, cid_len: 20,"
                " ack_delay: 16383ms }\n"
                "  worse: { role: rogue, does: [never-ack, ack-flood] }\n"
                "  idle: { role: rogue, does: [bad-frame] }\n"
                "links:\n  - { between: [bad, relay] }\n  - { between: [worse, relay] }\n"
                "  - { between: [idle, relay] }\n"
                "tracks:\n  chat: { from: bad, as: datagrams, every: 20ms, size: 200 }\n"
                "subscriptions:\n  - { who: worse, tracks: [chat] }\n");
  const struct plan_node *bad = &plan->nodes[1];
  assert_int_equal(bad->role, PLAN_ROGUE);
  assert_int_equal(bad->does, 1u << PLAN_DEED_DOUBLE_FIN);
  assert_int_equal(plan->nodes[2].does, 1u << PLAN_DEED_NEVER_ACK | 1u << PLAN_DEED_ACK_FLOOD);
  assert_int_equal(plan_part(plan, 0), PLAN_RELAY);
  assert_int_equal(plan_part(plan, 1), PLAN_PUBLISHER); /* a track is from it */
  assert_int_equal(plan_part(plan, 2), PLAN_SUBSCRIBER);
  assert_int_equal(plan_part(plan, 3), PLAN_SUBSCRIBER); /* it only dials */
  assert_int_equal(bad->window_bytes, 65536);
  assert_int_equal(bad->max_streams, 3);
  assert_int_equal(bad->cid_len, 20);
  assert_int_equal(bad->ack_delay_ns, 16383000000);
  plan_free(plan);
}

static void link_keys(void **state) {
  (void)state;
  struct plan *plan = text_plan(
      TOP NODES
      "links:\n  - { between: [pub, relay] }\n  - { between: [sub, relay], ip: 6, mtu: "
      "1400, delay: 10ms, jitter: 2ms,\n      loss: 1%, duplicate: 2%, corrupt: 3%, rate: "
      "20mbit, queue: 64KiB, reorder: 4%,\n      burst: { enter: 1%, leave: 30% },\n      "
      "forward: { delay: 20ms, reorder: { share: 5%, by: 7ms }, burst: off },\n      "
      "backward: { rate: 0, burst: { enter: 2%, leave: 40%, loss: 90% } } }\n");
  const struct plan_link *link = &plan->links[1];
  assert_true(plan->links[0].plain);
  assert_false(link->plain);
  assert_int_equal(link->a, 2);
  assert_int_equal(link->b, 1);
  assert_int_equal(link->ip, 6);
  assert_int_equal(link->mtu, 1400);
  const struct plan_impair *f = &link->forward, *b = &link->backward;
  assert_int_equal(f->delay_ns, 20000000);
  assert_int_equal(b->delay_ns, 10000000);
  assert_int_equal(f->jitter_ns, 2000000);
  assert_int_equal(f->loss_ppm, 10000);
  assert_int_equal(f->duplicate_ppm, 20000);
  assert_int_equal(f->corrupt_ppm, 30000);
  assert_int_equal(f->rate_bps, 20000000);
  assert_int_equal(b->rate_bps, 0);
  assert_int_equal(f->queue_bytes, 65536);
  assert_int_equal(f->reorder_ppm, 50000);
  assert_int_equal(f->reorder_by_ns, 7000000);
  assert_int_equal(b->reorder_ppm, 40000);
  assert_int_equal(b->reorder_by_ns, 3000000);
  assert_false(f->burst);
  assert_int_equal(f->burst_enter_ppm, 0);
  assert_true(b->burst);
  assert_int_equal(b->burst_enter_ppm, 20000);
  assert_int_equal(b->burst_leave_ppm, 400000);
  assert_int_equal(b->burst_loss_ppm, 900000);
  plan_free(plan);
}

static void faults(void **state) {
  (void)state;
  struct plan *plan = text_plan(
      TOP NODES_CLEAR
      "links:\n  - { between: [pub, relay] }\n  - between: [relay, sub]\n    faults: [{ do: "
      "drop, frame: ACK, nth: 3 }, { do: delay, index: 40..60 }, { do: corrupt, frame: "
      "STREAM, index: 5 }]\n    backward: { faults: [{ do: duplicate, frame: DATAGRAM }] }\n");
  const struct plan_link *link = &plan->links[3];
  assert_false(link->plain);
  assert_int_equal(link->n_forward_faults, 3);
  const struct plan_fault *f = link->forward_faults;
  assert_int_equal(f[0].what, PLAN_FAULT_DROP);
  assert_string_equal(f[0].frame, "ACK");
  assert_int_equal(f[0].nth, 3);
  assert_true(f[0].index_lo > f[0].index_hi);
  assert_int_equal(f[1].what, PLAN_FAULT_DELAY);
  assert_null(f[1].frame);
  assert_int_equal(f[1].index_lo, 40);
  assert_int_equal(f[1].index_hi, 60);
  assert_int_equal(f[1].by_ns, 3000000);
  assert_int_equal(f[2].index_lo, 5);
  assert_int_equal(f[2].index_hi, 5);
  assert_int_equal(link->n_backward_faults, 1);
  assert_int_equal(link->backward_faults[0].what, PLAN_FAULT_DUPLICATE);
  assert_int_equal(link->backward_faults[0].nth, 0);
  plan_free(plan);
}

/* A way over two routers, all of IPv6. */
static void routers(void **state) {
  (void)state;
  struct plan *plan =
      text_plan(TOP
                "nodes:\n  pub: { role: publisher }\n  hop: { role: router, count: 2 }\n"
                "  relay: { role: relay }\nlinks:\n  - { between: [pub, \"hop[0]\"], ip: 6 }\n"
                "  - { between: [\"hop[0]\", \"hop[1]\"], ip: 6 }\n"
                "  - { between: [\"hop[1]\", relay], ip: 6 }\n");
  assert_int_equal(plan->nodes[0].relay, 3);
  assert_int_equal(plan->nodes[1].relay, -1);
  plan_free(plan);
}

static void track_keys(void **state) {
  (void)state;
  struct plan *plan = text_plan(
      TOP NODES LINKS
      "tracks:\n"
      "  one: { from: pub, as: subgroups, every: 40ms, size: 1KiB..2KiB, group: 10, priority: 0 }\n"
      "  two: { from: pub, as: subgroups, subgroup: layer, layers: 3, every: 1us, size: 0,"
      " objects: 7 }\n"
      "  three: { from: pub, as: subgroups, subgroup: object, every: 1s, size: 16MiB }\n");
  const struct plan_track *one = &plan->tracks[0], *two = &plan->tracks[1];
  assert_int_equal(one->from, 0);
  assert_int_equal(one->as, PLAN_SUBGROUPS);
  assert_int_equal(one->subgroup, PLAN_SUBGROUP_GROUP);
  assert_int_equal(one->every_ns, 40000000);
  assert_int_equal(one->size_min, 1024);
  assert_int_equal(one->size_max, 2048);
  assert_int_equal(one->group_objects, 10);
  assert_int_equal(one->priority, 0);
  assert_int_equal(two->subgroup, PLAN_SUBGROUP_LAYER);
  assert_int_equal(two->layers, 3);
  assert_int_equal(two->objects, 7);
  assert_int_equal(plan->tracks[2].subgroup, PLAN_SUBGROUP_OBJECT);
  assert_int_equal(plan_track_find(plan, "three"), 2);
  assert_int_equal(plan_track_find(plan, "four"), -1);
  plan_free(plan);
}

static void track_from_trace(void **state) {
  (void)state;
  static const char csv[] = "time_us,size,type,group,priority\n0,900,I,0,0\n40000,80,P,0,2\n";
  text_file("t.csv", csv, strlen(csv));
  struct plan *plan =
      text_plan(TOP NODES LINKS "tracks:\n  video: { from: pub, as: datagrams, trace: t.csv }\n");
  const struct plan_track *video = &plan->tracks[0];
  char path[600];
  snprintf(path, sizeof path, "%s/t.csv", text_dir());
  assert_string_equal(video->trace_path, path);
  assert_int_equal(video->n_trace, 2);
  assert_int_equal(video->trace[1].time_ns, 40000000);
  assert_int_equal(video->trace[1].size, 80);
  assert_int_equal(video->trace[1].type, 'P');
  assert_int_equal(video->trace[1].group, 0);
  assert_int_equal(video->trace[1].priority, 2);
  plan_free(plan);
}

static void track_from_file(void **state) {
  (void)state;
  text_file("any.bin", "\0\xff\x7f", 3);
  struct plan *plan = text_plan(
      TOP NODES LINKS
      "tracks:\n  ware: { from: pub, as: subgroups, file: any.bin, every: 1ms, size: 100 }\n");
  char path[600];
  snprintf(path, sizeof path, "%s/any.bin", text_dir());
  assert_string_equal(plan->tracks[0].file, path);
  assert_int_equal(plan->tracks[0].size_max, 100);
  plan_free(plan);
}

static void subscription_keys(void **state) {
  (void)state;
  struct plan *plan = text_plan(TOP NODES LINKS TRACKS
                                "  talk: { from: pub, as: datagrams, every: 20ms, size: 1 }\n"
                                "subscriptions:\n"
                                "  - { who: \"sub[1]\", tracks: [talk, chat], at: 500ms, start: "
                                "next-group, priority_limit: 0, delivery_timeout: 1s }\n");
  assert_int_equal(plan->n_subscriptions, 1);
  const struct plan_subscription *sub = &plan->subscriptions[0];
  assert_int_equal(sub->who, 3);
  assert_int_equal(sub->n_tracks, 2);
  assert_int_equal(sub->tracks[0], 1);
  assert_int_equal(sub->tracks[1], 0);
  assert_int_equal(sub->at_ns, 500000000);
  assert_int_equal(sub->priority_limit, 0);
  assert_int_equal(sub->delivery_timeout_ns, 1000000000);
  plan_free(plan);
}

/* Multiplied out, by time, then by place in the file. */
static void event_order(void **state) {
  (void)state;
  struct plan *plan = text_plan(
      SMALL
      "timeline:\n"
      "  - { at: 300ms, every: 100ms, times: 2, node: sub, do: reconnect, same_port: true }\n"
      "  - { at: 400ms, node: pub, do: stall, for: 30ms }\n"
      "  - { at: 0, node: \"sub[1]\", set: { priority_limit: 3 } }\n"
      "  - { at: 0, node: \"sub[1]\", set: { priority_limit: none } }\n");
  static const struct {
    uint64_t at_ms;
    enum plan_event_kind kind;
    int node;
  } expected[] = {
      {0, PLAN_EV_PRIORITY_LIMIT, 3}, {0, PLAN_EV_PRIORITY_LIMIT, 3}, {300, PLAN_EV_RECONNECT, 2},
      {300, PLAN_EV_RECONNECT, 3},    {300, PLAN_EV_RECONNECT, 4},    {400, PLAN_EV_RECONNECT, 2},
      {400, PLAN_EV_RECONNECT, 3},    {400, PLAN_EV_RECONNECT, 4},    {400, PLAN_EV_STALL, 0},
  };
  assert_int_equal(plan->n_events, 9);
  for (size_t i = 0; i < 9; i++) {
    assert_int_equal(plan->events[i].at_ns, expected[i].at_ms * 1000000);
    assert_int_equal(plan->events[i].kind, expected[i].kind);
    assert_int_equal(plan->events[i].node, expected[i].node);
    assert_int_equal(plan->events[i].link, -1);
  }
  assert_int_equal(plan->events[0].priority_limit, 3);
  assert_int_equal(plan->events[1].priority_limit, -1);
  assert_true(plan->events[2].same_port);
  assert_int_equal(plan->events[8].for_ns, 30000000);
  assert_int_equal(plan->events[2].line, 15);
  plan_free(plan);
}

/* Every `do` of a node, spelled as plan_event_name() does. */
static void event_kinds(void **state) {
  (void)state;
  for (int kind = PLAN_EV_RECONNECT; kind <= PLAN_EV_UNSUBSCRIBE; kind++) {
    char text[1200];
    const char *detail = kind == PLAN_EV_STALL       ? ", for: 1ms"
                         : kind >= PLAN_EV_SUBSCRIBE ? ", tracks: [chat]"
                                                     : "";
    snprintf(text, sizeof text, "%stimeline:\n  - { at: 1ms, node: \"sub[0]\", do: %s%s }\n", SMALL,
             plan_event_name((enum plan_event_kind)kind), detail);
    struct plan *plan = text_plan(text);
    assert_int_equal(plan->events[0].kind, kind);
    assert_int_equal(plan->events[0].n_tracks, kind >= PLAN_EV_SUBSCRIBE);
    plan_free(plan);
  }
}

/* An event carries the whole impairment after it, in the link's own sense. */
static void link_events(void **state) {
  (void)state;
  struct plan *plan = text_plan(
      TOP NODES
      "links:\n  - { between: [pub, relay] }\n"
      "  - { between: [relay, sub], delay: 5ms, backward: { loss: 2% } }\n" TRACKS SUBSCRIPTIONS
      "timeline:\n"
      "  - { at: 900ms, link: [sub, relay], set: { forward: { loss: 9% } } }\n"
      "  - { at: 100ms, link: [relay, \"sub[0]\"], set: { rate: 1mbit } }\n"
      "  - { at: 200ms, link: [pub, relay], do: down }\n"
      "  - { at: 300ms, link: [relay, pub], do: up }\n");
  const struct plan_event *e = plan->events;
  assert_int_equal(plan->n_events, 6);
  assert_int_equal(e[0].kind, PLAN_EV_LINK_SET);
  assert_int_equal(e[0].node, -1);
  assert_int_equal(e[0].link, 1);
  assert_false(e[0].reverse);
  assert_int_equal(e[0].set.rate_bps, 1000000);
  assert_int_equal(e[0].set.delay_ns, 5000000);
  assert_int_equal(e[0].set.loss_ppm, 0);
  assert_int_equal(e[0].set_backward.loss_ppm, 20000);
  assert_int_equal(e[1].kind, PLAN_EV_LINK_DOWN);
  assert_int_equal(e[2].kind, PLAN_EV_LINK_UP);
  assert_true(e[2].reverse);
  assert_int_equal(e[2].link, 0);
  /* [sub, relay]: its forward is the link's backward; the rate set before stays. */
  assert_true(e[3].reverse);
  assert_int_equal(e[3].link, 1);
  assert_int_equal(e[3].set_backward.loss_ppm, 90000);
  assert_int_equal(e[3].set.loss_ppm, 0);
  assert_int_equal(e[3].set.rate_bps, 1000000);
  assert_int_equal(e[4].link, 2);
  assert_int_equal(e[4].set.rate_bps, 0);
  assert_false(plan->links[0].plain);
  plan_free(plan);
}

static void expectations(void **state) {
  (void)state;
  struct plan *plan = text_plan(SMALL
                                "defects: [two-counters, slow-agent: 200ms]\nexpect:\n"
                                "  latency: { p50: 1ms, p99: 500ms, max: 2s }\n"
                                "  isolated: { skip: one subscriber only }\n"
                                "  convict: [pn-unique]\n  also: [copy-count, close-clean]\n"
                                "  closes: { sub: PROTOCOL_VIOLATION, pub: \"0x0a\" }\n"
                                "  examined: { copy-count: 1000 }\n"
                                "  subscribers: { \"sub[0]\": { fast_path: 40%..60% },"
                                " \"sub[1]\": { sendings: 3 } }\n");
  assert_int_equal(plan->n_defects, 2);
  assert_string_equal(plan->defects[0].name, "two-counters");
  assert_null(plan->defects[0].value);
  assert_string_equal(plan->defects[1].value, "200ms");
  assert_int_equal(plan_defect_number(&plan->defects[0]), 0);
  assert_int_equal(plan_defect_number(&plan->defects[1]), 200000000);
  assert_int_equal(plan_defect_number(&(struct plan_defect){.value = (char *)"12"}), 12);
  assert_int_equal(plan->n_expects, 2);
  assert_string_equal(plan->expects[0].check, "latency");
  assert_int_equal(plan->expects[0].p50_ns, 1000000);
  assert_int_equal(plan->expects[0].p99_ns, 500000000);
  assert_int_equal(plan->expects[0].max_ns, 2000000000);
  assert_true(plan->expects[1].skip);
  assert_string_equal(plan->expects[1].skip_reason, "one subscriber only");
  assert_int_equal(plan->n_convict, 1);
  assert_string_equal(plan->convict[0], "pn-unique");
  assert_int_equal(plan->n_also, 2);
  assert_int_equal(plan->n_closes, 4);
  assert_int_equal(plan->closes[2].node, 4);
  assert_string_equal(plan->closes[2].error, "PROTOCOL_VIOLATION");
  assert_string_equal(plan->closes[3].error, "0x0a");
  assert_int_equal(plan->n_examined, 1);
  assert_int_equal(plan->examined[0].at_least, 1000);
  assert_int_equal(plan->n_figures, 2);
  assert_int_equal(plan->figures[0].node, plan_node_find(plan, "sub[0]"));
  assert_int_equal(plan->figures[0].fast_path_lo_ppm, 400000);
  assert_int_equal(plan->figures[0].fast_path_hi_ppm, 600000);
  assert_int_equal(plan->figures[0].sendings, 0);
  assert_int_equal(plan->figures[1].node, plan_node_find(plan, "sub[1]"));
  assert_int_equal(plan->figures[1].fast_path_lo_ppm, 0);
  assert_int_equal(plan->figures[1].fast_path_hi_ppm, 1000000);
  assert_int_equal(plan->figures[1].sendings, 3);
  plan_free(plan);
}

/* Only the text of a value counts, whatever YAML would make of it. */
static void text_is_text(void **state) {
  (void)state;
  struct plan *plan = text_plan(
      "\"scenario\": 'small'\nduration: \"1s\"\nabout: yes\nseed: '010'\n"
      "nodes:\n  no: { role: publisher }\n  null: { role: relay }\n  y: { role: \"subscriber\" }\n"
      "links:\n  - { between: [no, null] }\n  - { between: [y, null] }\n");
  assert_string_equal(plan->about, "yes");
  assert_int_equal(plan->seed, 10);
  assert_int_equal(plan_node_find(plan, "no"), 0);
  assert_int_equal(plan_node_find(plan, "null"), 1);
  plan_free(plan);
}

/* The marks of a byte order mark and of Windows line ends do no harm. */
static void text_forms(void **state) {
  (void)state;
  struct plan *plan = text_plan("\xef\xbb\xbf" SMALL);
  plan_free(plan);
  char crlf[2 * sizeof SMALL], *to = crlf;
  for (const char *from = SMALL; *from; from++) {
    if (*from == '\n')
      *to++ = '\r';
    *to++ = *from;
  }
  *to = 0;
  plan = text_plan(crlf);
  assert_int_equal(plan->n_nodes, 5);
  plan_free(plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults),        cmocka_unit_test(instances),
      cmocka_unit_test(one_instance),    cmocka_unit_test(shared_hosts),
      cmocka_unit_test(top_keys),        cmocka_unit_test(relay_keys),
      cmocka_unit_test(endpoint_keys),   cmocka_unit_test(link_keys),
      cmocka_unit_test(faults),          cmocka_unit_test(routers),
      cmocka_unit_test(track_keys),      cmocka_unit_test(track_from_trace),
      cmocka_unit_test(track_from_file), cmocka_unit_test(subscription_keys),
      cmocka_unit_test(event_order),     cmocka_unit_test(event_kinds),
      cmocka_unit_test(link_events),     cmocka_unit_test(expectations),
      cmocka_unit_test(text_is_text),    cmocka_unit_test(text_forms),
  };
  return cmocka_run_group_tests(tests, text_setup, text_teardown);
}
