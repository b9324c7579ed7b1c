/* Paths of a subscriber, in memory on virtual time: what a new address makes void, what leaves
 * before it is validated, and what keeps an idle connection alive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/fanout/core.h"
#include "relay/t/fanout_bench.h"

static struct bench *open_all(void) {
  static const struct endpoint_limits limits = {
      .max_data = 8u << 20, .max_stream_data = 1u << 18, .max_streams = 4000, .cid_len = 8};
  struct bench *b =
      bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE, .limits = &limits});
  bench_subscribe_all(b);
  return b;
}

static struct client *client_of(const struct bench *b, uint8_t host, uint16_t port) {
  struct qc_addr addr = memnet_addr(host, port);
  for (uint32_t i = 0; i < b->relay->n_slots; i++) {
    struct client *client = b->relay->clients[i];
    if (client && client->path.remote.in.sin_addr.s_addr == addr.in.sin_addr.s_addr &&
        client->path.remote.in.sin_port == addr.in.sin_port)
      return client;
  }
  return NULL;
}

static struct memnet_node *node_of(struct bench *b, const struct endpoint *e) {
  for (size_t i = 0; i < b->net.n_nodes; i++)
    if (b->net.nodes[i].arg == e)
      return &b->net.nodes[i];
  abort();
}

/* The endpoint uses another local address from now on. */
static void move(struct bench *b, struct endpoint *e, struct qc_addr to) {
  struct memnet_node node = *node_of(b, e);
  struct qc_path path;
  qc_path_now(e->qc, &path);
  path.local = to;
  node.addr = to;
  memnet_add(&b->net, &node);
  assert_int_equal(qc_migrate(e->qc, &path, b->net.now_ns), 0);
}

/* What goes to the address that is watched. */
static struct {
  struct qc_addr to;
  uint64_t packets, bytes, answers;
} watched;

static bool watch(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  (void)arg;
  (void)data;
  if (path->remote.in.sin_port != watched.to.in.sin_port ||
      path->remote.in.sin_addr.s_addr != watched.to.in.sin_addr.s_addr)
    return true;
  watched.packets++;
  watched.bytes += len;
  return true;
}

static void publish_and_finish(struct bench *b, uint64_t from, uint64_t to) {
  bench_publish(b, from, to, 9000, true);
  bench_finish(b);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, to);
  bench_check_sound(b);
}

/* ---- probes ------------------------------------------------------------------------ */

static int arrives; /* so many packets of the first subscriber's */
static unsigned towards;

static bool deafen(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  struct qc_addr deaf = memnet_addr(3, 200);
  (void)arg;
  (void)data;
  (void)len;
  if (path->local.in.sin_addr.s_addr == deaf.in.sin_addr.s_addr)
    return arrives-- > 0;
  towards += path->remote.in.sin_addr.s_addr == deaf.in.sin_addr.s_addr;
  return true;
}

/* The first subscriber hears and is not heard: an answer that ngtcp2 has to send again. */
static struct bench *open_deaf(struct client **client) {
  struct bench *b = open_all();
  bench_publish(b, 0, 50, 3000, false);
  memnet_run(&b->net, 100 * MS, NULL, NULL);
  *client = client_of(b, 3, 200);
  arrives = 1;
  b->net.tap = deafen;
  endpoint_limit(b->sub[0], 254);
  return b;
}

/* What leaves towards it with the answer, if so many probes are due. */
static unsigned packets_with(unsigned probes) {
  struct client *client;
  struct bench *b = open_deaf(&client);
  client->probes = probes;
  towards = 0;
  memnet_run(&b->net, 2 * MS, NULL, NULL);
  bench_close(b);
  return towards;
}

/* ngtcp2 and the ledger each probe for what is theirs: two in a probe time-out are enough
 * (RFC 9002 6.2.4). */
static void own_packets_are_probes(void **state) {
  (void)state;
  assert_int_equal(packets_with(2), packets_with(0) + 1);
}

static void probes_of_both_are_two(void **state) {
  struct client *client;
  struct bench *b = open_deaf(&client);
  (void)state;
  memnet_run(&b->net, 40 * MS, NULL, NULL); /* its first one is over, the second is longer */
  uint64_t own = qc_deadline(client->qc);
  /* the ledger's time-out is to come right before ngtcp2's */
  uint64_t before = ledger_persistent_ns(client->ledger) / 3 + 3 * MS / 2;
  assert_true(own > b->net.now_ns + before);
  memnet_run(&b->net, own - before - b->net.now_ns, NULL, NULL);
  endpoint_publish_datagram(b->pub, 50, 0, 200);
  memnet_run(&b->net, 10 * MS, NULL, NULL);
  assert_int_equal(qc_deadline(client->qc), own);
  assert_in_range(ledger_deadline(client->ledger), own - MS + 1, own - 1);
  towards = 0;
  memnet_run(&b->net, own + 2 * MS - b->net.now_ns, NULL, NULL);
  assert_int_equal(towards, 2);
  bench_close(b);
}

/* ngtcp2's time-out runs from its own last packet. With the window full, and used a moment ago, what is to
 * be sent for it waits for the time-out of both. */
static void own_timeout_waits_over_a_full_window(void **state) {
  struct client *client;
  struct bench *b = open_deaf(&client);
  (void)state;
  memnet_run(&b->net, 40 * MS, NULL, NULL); /* its first one is over, the second is longer */
  uint64_t own = qc_deadline(client->qc);
  assert_true(own > b->net.now_ns + 25 * MS);
  memnet_run(&b->net, own - 10 * MS - b->net.now_ns, NULL, NULL);
  bench_publish(b, 50, 54, 30000, false); /* 8 ms */
  assert_false(window_has_room(client, client->max_payload));
  assert_int_equal(qc_deadline(client->qc), own);
  assert_true(ledger_deadline(client->ledger) > own + 10 * MS);
  towards = 0;
  memnet_run(&b->net, own + 10 * MS - b->net.now_ns, NULL, NULL);
  assert_int_equal(towards, 0);
  memnet_run(&b->net, ledger_deadline(client->ledger) + 10 * MS - b->net.now_ns, NULL, NULL);
  assert_int_equal(towards, 2);
  bench_close(b);
}

/* A request is stopped while the window is full: an ACK leaves for it at once, ngtcp2's RESET_STREAM when the
 * time-out of both is due. */
static void an_answer_waits_over_a_full_window(void **state) {
  struct client *client;
  struct bench *b = open_deaf(&client);
  (void)state;
  arrives = 0;
  memnet_run(&b->net, 20 * MS, NULL, NULL);
  bench_publish(b, 50, 54, 30000, false);
  assert_false(window_has_room(client, client->max_payload));
  const uint64_t before = ledger_inflight_bytes(client->ledger),
                 due = ledger_deadline(client->ledger);
  arrives = 3;
  towards = 0;
  endpoint_unsubscribe(b->sub[0]);
  memnet_run(&b->net, 10 * MS, NULL, NULL);
  assert_true(b->net.now_ns < due);
  assert_int_equal(shim_owed_acks(client->shim), 0);
  assert_int_equal(towards, 1);
  assert_int_equal(ledger_inflight_bytes(client->ledger), before);
  memnet_run(&b->net, due + 10 * MS - b->net.now_ns, NULL, NULL);
  assert_int_equal(towards, 3);
  bench_close(b);
}

static void new_address_new_window(void **state) {
  (void)state;
  struct bench *b = open_all();
  bench_publish(b, 0, 100, 40000, true);
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  struct client *client = client_of(b, 3, 200);
  uint64_t before = client->window.cc.now.cwnd;
  assert_true(before > 2 * CONGESTION_INITIAL_BYTES);
  assert_true(ledger_smoothed_rtt(client->ledger) > 0);
  watched.to = memnet_addr(33, 200);
  watched.packets = 0;
  b->net.tap = watch;
  move(b, b->sub[0], watched.to);
  memnet_run(&b->net, 20 * MS, NULL, NULL);
  assert_ptr_equal(client_of(b, 33, 200), client);
  assert_true(watched.packets > 0);
  assert_true(client->window.cc.now.cwnd <= CONGESTION_INITIAL_BYTES + 4000);
  publish_and_finish(b, 100, 300);
  bench_close(b);
}

/* Half a flight is on the way to the old address when the subscriber moves, and lost: it is sent
 * again, and the new path's window does not shrink for it. */
static uint32_t lost_for_old;

static bool lose_for_old(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  (void)arg;
  (void)data;
  (void)len;
  if (path->remote.in.sin_addr.s_addr != memnet_addr(3, 200).in.sin_addr.s_addr)
    return true;
  lost_for_old++;
  return false;
}

static void old_losses_do_not_count(void **state) {
  (void)state;
  struct bench *b = open_all();
  bench_publish(b, 0, 50, 9000, true);
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  struct client *client = client_of(b, 3, 200);
  lost_for_old = 0;
  b->net.tap = lose_for_old;
  bench_publish(b, 50, 51, 9000, false);
  assert_true(lost_for_old > 3);
  move(b, b->sub[0], memnet_addr(33, 200));
  memnet_run(&b->net, 500 * MS, NULL, NULL);
  assert_true(client->window.cc.now.ssthresh == UINT64_MAX); /* no congestion event */
  assert_int_equal(b->sub[0]->streams, 51);
  publish_and_finish(b, 51, 100);
  bench_close(b);
}

static void other_port_same_window(void **state) {
  (void)state;
  struct bench *b = open_all();
  bench_publish(b, 0, 100, 40000, true);
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  struct client *client = client_of(b, 3, 200);
  uint64_t before = client->window.cc.now.cwnd;
  move(b, b->sub[0], memnet_addr(3, 201));
  memnet_run(&b->net, 20 * MS, NULL, NULL);
  assert_ptr_equal(client_of(b, 3, 201), client);
  assert_true(client->window.cc.now.cwnd >= before);
  publish_and_finish(b, 100, 200);
  bench_close(b);
}

/* Somebody who is not there names an address: a subscriber's packet is sent on from it once. Until
 * the address answers it gets no more than three times what came from it (RFC 9000 8.2), and
 * nothing of the fan-out. */
static bool forge;

static bool from_elsewhere(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  struct bench *b = arg;
  if (forge && path->local.in.sin_addr.s_addr == memnet_addr(3, 200).in.sin_addr.s_addr) {
    struct qc_path forged = {.local = path->remote, .remote = watched.to};
    forge = false;
    watched.answers = 3 * len;
    bench_inject(b, &forged, data, len);
    relay_batch_end(b->relay, b->net.now_ns);
    return false;
  }
  return watch(arg, path, data, len);
}

static void nothing_before_validation(void **state) {
  (void)state;
  struct bench *b = open_all();
  bench_publish(b, 0, 20, 9000, true);
  watched.to = memnet_addr(66, 200);
  watched.packets = watched.bytes = watched.answers = 0;
  forge = true;
  b->net.tap = from_elsewhere;
  b->net.tap_arg = b;
  bench_publish(b, 20, 60, 9000, true);
  assert_false(forge);
  print_message("%llu packets, %llu bytes of at most %llu\n", (unsigned long long)watched.packets,
                (unsigned long long)watched.bytes, (unsigned long long)watched.answers);
  assert_true(watched.packets > 0); /* a challenge */
  assert_true(watched.bytes <= watched.answers);
  publish_and_finish(b, 60, 100);
  bench_close(b);
}

/* 40 s in which the relay's ngtcp2 sends nothing to subscribers of its own accord: copies and their
 * ACKs keep the connections alive beyond the idle time of 30 s. */
static void copies_keep_alive(void **state) {
  (void)state;
  struct bench *b = open_all();
  for (uint64_t g = 0; g < 8; g++) {
    bench_publish(b, g, g + 1, 500, false);
    memnet_run(&b->net, 5000 * MS, NULL, NULL);
  }
  bench_finish(b);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, 8);
  bench_check_sound(b);
  bench_close(b);
}

/* What is sent to one who does not answer keeps nothing alive: 30 s after its last packet it is
 * gone, and no copy is made for it any more. */
static void silence_ends_it(void **state) {
  (void)state;
  struct bench *b = open_all();
  bench_publish(b, 0, 10, 500, false);
  memnet_run(&b->net, 200 * MS, NULL, NULL);
  *node_of(b, b->sub[1]) = b->net.nodes[b->net.n_nodes - 1];
  b->net.n_nodes--;
  uint64_t from = b->net.now_ns, g = 10;
  for (; b->net.now_ns < from + 29000 * MS; g++) {
    bench_publish(b, g, g + 1, 500, false);
    memnet_run(&b->net, 500 * MS, NULL, NULL);
  }
  assert_non_null(client_of(b, 4, 200));
  memnet_run(&b->net, 2500 * MS, NULL, NULL);
  assert_null(client_of(b, 4, 200));
  watched.to = memnet_addr(4, 200);
  watched.packets = 0;
  b->net.tap = watch;
  b->sub[1]->done = b->sub[1]->closed = true;
  bench_publish(b, g, g + 10, 500, false);
  bench_finish(b);
  assert_int_equal(watched.packets, 0);
  assert_int_equal(b->sub[0]->streams, g + 10);
  bench_close(b);
}

/* What leaves for the first time on ngtcp2's streams has to fit the joint window too: a message to a
 * subscriber that does not answer any more waits. */
static void control_waits_for_room(void **state) {
  (void)state;
  struct bench *b = open_all();
  bench_publish(b, 0, 4, 500, false);
  memnet_run(&b->net, 200 * MS, NULL, NULL);
  *node_of(b, b->sub[1]) = b->net.nodes[b->net.n_nodes - 1];
  b->net.n_nodes--;
  bench_publish(b, 4, 60, 3000, false);
  struct client *client = client_of(b, 4, 200);
  assert_non_null(client);
  assert_true(ledger_inflight_bytes(client->ledger) + client->max_payload >
              client->window.cc.now.cwnd);
  watched.to = memnet_addr(4, 200);
  watched.packets = 0;
  b->net.tap = watch;
  assert_int_equal(qc_stream_send(client->qc, 3, "a message", 9, false),
                   0); /* MoQT's control stream */
  client_dirty(client);
  memnet_run(&b->net, 20 * MS, NULL, NULL); /* less than a probe time-out by now */
  assert_int_equal(watched.packets, 0);
  b->net.tap = NULL;
  b->sub[1]->done = b->sub[1]->closed = true;
  bench_finish(b);
  bench_close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(own_packets_are_probes),
      cmocka_unit_test(probes_of_both_are_two),
      cmocka_unit_test(own_timeout_waits_over_a_full_window),
      cmocka_unit_test(an_answer_waits_over_a_full_window),
      cmocka_unit_test(new_address_new_window),
      cmocka_unit_test(old_losses_do_not_count),
      cmocka_unit_test(other_port_same_window),
      cmocka_unit_test(nothing_before_validation),
      cmocka_unit_test(copies_keep_alive),
      cmocka_unit_test(silence_ends_it),
      cmocka_unit_test(control_waits_for_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
