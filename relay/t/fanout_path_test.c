/* Paths, connection IDs and keys change under a running fan-out: the whole relay in
 * memory on virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/wire/packet_number.h"
#include "bpf/wire/short_header.h"
#include "relay/t/fanout_bench.h"

#define HOST 3 /* of sub[0] */
#define CID  8
#define FAN  40 /* groups published between two events */

static struct memnet_node *node_of(struct bench *b, const struct endpoint *e) {
  for (size_t i = 0; i < b->net.n_nodes; i++)
    if (b->net.nodes[i].arg == e)
      return &b->net.nodes[i];
  return NULL;
}

static void migrate(struct bench *b, struct endpoint *e, uint8_t host, uint16_t port) {
  struct qc_path path = {.local = memnet_addr(host, port), .remote = memnet_addr(1, 4433)};
  node_of(b, e)->addr = path.local;
  assert_int_equal(qc_migrate(e->qc, &path, b->net.now_ns), 0);
}

/* FAN groups; on the native datapath nearly each one was copied to all three (the first one
 * behind a backlog may still go the slow way). */
static void publish_fast(struct bench *b, uint64_t *group) {
  const uint64_t before = b->copies;
  bench_publish(b, *group, *group + FAN, 900, false);
  *group += FAN;
  if (b->native)
    assert_in_range(b->copies - before, FAN * SUBS * 9 / 10, UINT64_MAX);
}

static void publish(struct bench *b, uint64_t *group) {
  bench_publish(b, *group, *group + FAN, 900, false);
  *group += FAN;
}

static void finish_all(struct bench *b, uint64_t groups) {
  bench_finish(b);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, groups);
  bench_check_sound(b);
  bench_close(b);
}

/* A subscriber goes to a new address and comes back: of the way back nobody is told that
 * it is validated, because it was before. */
static void there_and_back(void **state) {
  (void)state;
  for (int native = 0; native < 2; native++) {
    struct bench *b = bench_open((struct shape){.native = native, .protection = QC_PROTECT_NONE});
    uint64_t group = 0;
    bench_subscribe_all(b);
    publish_fast(b, &group);
    migrate(b, b->sub[0], HOST, 201);
    publish(b, &group);
    memnet_run(&b->net, 1000 * MS, NULL, NULL); /* what went to the old port is sent again */
    publish_fast(b, &group);
    memnet_run(&b->net, 5000 * MS, NULL, NULL); /* ngtcp2 asks the old address for 3 s */
    migrate(b, b->sub[0], HOST, 200);
    publish(b, &group);
    memnet_run(&b->net, 1000 * MS, NULL, NULL);
    publish_fast(b, &group);
    finish_all(b, group);
  }
}

static void publisher_migrates(void **state) {
  (void)state;
  for (int native = 0; native < 2; native++) {
    struct bench *b = bench_open((struct shape){.native = native, .protection = QC_PROTECT_NONE});
    uint64_t group = 0;
    bench_subscribe_all(b);
    publish_fast(b, &group);
    for (uint16_t k = 0; k < 4; k++) {
      migrate(b, b->pub, 2, (uint16_t)(101 + k));
      publish(b, &group);
      publish_fast(b, &group);
    }
    finish_all(b, group);
  }
}

/* The publisher's latest packet with a whole stream. */
struct kept {
  size_t len;
  uint8_t data[1500];
  struct qc_path path; /* at the relay */
};

static bool keep(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  struct kept *k = arg;
  if (data[0] & 0x80 || len < 900 || path->remote.in.sin_port != htons(4433))
    return true;
  memcpy(k->data, data, k->len = len);
  k->path = (struct qc_path){.local = path->remote, .remote = path->local};
  return true;
}

static size_t header_len(const struct kept *kept) {
  return 1u + FB_UPSTREAM_CID + wire_short_pn_len(kept->data[0]);
}

/* What the datapath has copied it knows also on the publisher's new path: sent again, because its
 * ACK was lost with the old path, it is not copied. */
static void publisher_migrates_and_resends(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  struct kept latest = {.len = 0};
  uint64_t group = 0;
  bench_subscribe_all(b);
  b->net.tap = keep;
  b->net.tap_arg = &latest;
  publish_fast(b, &group);
  const struct kept old = latest;
  migrate(b, b->pub, 2, 101);
  publish(b, &group);
  publish_fast(b, &group);
  assert_int_equal(latest.path.remote.in.sin_port, htons(101));
  uint8_t again[1500];
  const size_t head = header_len(&latest), skip = header_len(&old);
  memcpy(again, latest.data, head);
  again[head - 1]++; /* its next number */
  memcpy(again + head, old.data + skip, old.len - skip);
  memset(again + head + old.len - skip - FB_TAG_LEN, 0,
         FB_TAG_LEN); /* it may tell the old number */
  const uint64_t copies = b->copies, fanned = b->dp->cpus[0].packets[FB_PKT_FANNED];
  bench_inject(b, &latest.path, again, head + old.len - skip);
  assert_int_equal(b->dp->cpus[0].packets[FB_PKT_FANNED], fanned + 1);
  assert_int_equal(b->copies, copies);
  bench_close(b);
}

/* The first packet that comes goes through the datapath, what follows past it. */
static void let_the_first_through(struct bench *b, const struct qc_path *path, const uint8_t *data,
                                  size_t len) {
  (void)path;
  (void)data;
  if (len >= 900)
    b->gso_every = b->upstream_packets++ > 0;
}

/* The datapath follows a stream whose rest came past it. User space has sent that: a resend of it is
 * not copied. */
static void the_rest_came_past_the_datapath(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  struct kept rest = {.len = 0};
  uint64_t group = 0;
  bench_subscribe_all(b);
  publish_fast(b, &group);
  b->net.tap = keep;
  b->net.tap_arg = &rest;
  b->upstream_packets = 0;
  b->upstream_tap = let_the_first_through;
  endpoint_publish_stream(b->pub, group, 1, 2600);
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, group + 1);
  b->upstream_tap = NULL;
  b->gso_every = 0;
  const size_t head = header_len(&rest);
  rest.data[head - 1] = (uint8_t)(rest.data[head - 1] + 10); /* a number yet to come */
  memset(rest.data + rest.len - FB_TAG_LEN, 0, FB_TAG_LEN);  /* it may tell the old one */
  const uint64_t copies = b->copies;
  bench_inject(b, &rest.path, rest.data, rest.len);
  assert_int_equal(b->copies, copies);
  bench_close(b);
}

/* ---- somebody on the way sends a subscriber's packet from another address ------------- */

struct thief {
  struct bench *b;
  bool armed, watching;
  uint64_t to_thief; /* packets that left for the thief's address */
  uint64_t bytes_to_thief, stolen;
};

static bool steal(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  struct thief *t = arg;
  if (path->remote.in.sin_port == htons(666))
    t->to_thief++, t->bytes_to_thief += len;
  if (!t->armed || data[0] & 0x80 || path->local.in.sin_port != htons(200) ||
      path->local.in.sin_addr.s_addr != memnet_addr(HOST, 0).in.sin_addr.s_addr)
    return true;
  struct qc_path spoofed = {.local = path->remote, .remote = memnet_addr(HOST, 666)};
  t->armed = false;
  t->stolen = len;
  bench_inject(t->b, &spoofed, data, len);
  return false;
}

/* RFC 9000 9.3.3. quiet: the subscriber says nothing more, so that the validation of the
 * thief's address fails by itself; else it is given up for the next packet from the old one. */
static void stolen_packet(bool quiet) {
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  struct thief thief = {.b = b, .armed = true};
  uint64_t group = 0;
  bench_subscribe_all(b);
  memnet_run(&b->net, 200 * MS, NULL, NULL);
  b->net.tap = steal;
  b->net.tap_arg = &thief;
  bench_publish(b, group, group + 1, 900, false);
  group++;
  memnet_run(&b->net, 30 * MS, NULL, NULL); /* its ACK is stolen */
  if (quiet)
    memnet_run(&b->net, 10000 * MS, NULL, NULL);
  assert_false(thief.armed);
  assert_true(thief.to_thief > 0); /* PATH_CHALLENGE */
  assert_true(thief.to_thief < 20);
  assert_in_range(thief.bytes_to_thief, 1, 3 * thief.stolen); /* RFC 9000 9.3 */
  publish(b, &group);
  const uint64_t before = thief.to_thief;
  publish_fast(b, &group);
  assert_int_equal(thief.to_thief, before);
  finish_all(b, group);
}

static void stolen_and_refuted(void **state) {
  (void)state;
  stolen_packet(false);
}

static void stolen_and_timed_out(void **state) {
  (void)state;
  stolen_packet(true);
}

/* ---- key phases --------------------------------------------------------------------- */

/* Numbers of the packets to sub[0] by key phase. */
struct phases {
  uint64_t n[2], least[2], most[2];
};

static bool watch_phases(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  struct phases *p = arg;
  if (data[0] & 0x80 || len < 1 + CID + 4 || path->local.in.sin_port != htons(4433) ||
      path->remote.in.sin_addr.s_addr != memnet_addr(HOST, 0).in.sin_addr.s_addr)
    return true;
  uint64_t pn = 0;
  const unsigned phase = wire_short_phase(data[0]);
  assert_int_equal(wire_short_pn_len(data[0]), 4);
  for (size_t i = 0; i < 4; i++)
    pn = pn << 8 | data[1 + CID + i];
  if (!p->n[phase]++ || pn < p->least[phase])
    p->least[phase] = pn;
  if (pn > p->most[phase])
    p->most[phase] = pn;
  return true;
}

enum updater { UPDATER_SUB, UPDATER_PUB, UPDATER_RELAY };

static void update_key(enum updater who) {
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  struct phases phases = {{0}, {0}, {0}};
  uint64_t group = 0;
  bench_subscribe_all(b);
  b->net.tap = watch_phases;
  b->net.tap_arg = &phases;
  publish_fast(b, &group);
  if (who == UPDATER_RELAY)
    assert_true(relay_update_keys(b->relay, b->net.now_ns));
  else
    assert_int_equal(qc_update_key((who == UPDATER_SUB ? b->sub[0] : b->pub)->qc, b->net.now_ns),
                     0);
  publish(b, &group);
  const uint64_t refused = b->dp->cpus[0].packets[FB_PKT_KEY_PHASE];
  assert_int_equal(refused > 0, who != UPDATER_SUB); /* until user space has seen the first */
  publish_fast(b, &group);
  assert_int_equal(b->dp->cpus[0].packets[FB_PKT_KEY_PHASE], refused);
  /* Never the older phase with a higher number (RFC 9001 6.4). */
  assert_true(phases.n[0] > FAN / 2);
  if (who == UPDATER_PUB)
    assert_int_equal(phases.n[1], 0);
  else
    assert_true(phases.n[1] > FAN && phases.most[0] < phases.least[1]);
  finish_all(b, group);
}

static void subscriber_updates_key(void **state) {
  (void)state;
  update_key(UPDATER_SUB);
}
static void publisher_updates_key(void **state) {
  (void)state;
  update_key(UPDATER_PUB);
}
static void relay_updates_keys(void **state) {
  (void)state;
  update_key(UPDATER_RELAY);
}

/* Before the handshake is confirmed there is nothing to update: RFC 9001 6. */
static void too_early_for_keys(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  struct endpoint *late =
      endpoint_new(&b->net, memnet_addr(9, 200), memnet_addr(1, 4433), QC_PROTECT_NONE, NULL);
  assert_int_equal(qc_update_key(late->qc, b->net.now_ns), -1);
  memnet_run(&b->net, 200 * MS, NULL, NULL);
  assert_int_equal(qc_update_key(late->qc, b->net.now_ns), 0);
  assert_int_equal(qc_update_key(late->qc, b->net.now_ns), -1); /* the last is not confirmed */
  memnet_run(&b->net, 20 * MS, NULL, NULL);
  assert_false(late->closed);
  node_of(b, late)->arg = b->sub[0]; /* out of the network */
  b->net.n_nodes--;
  bench_close(b);
  endpoint_free(late);
}

/* A publisher that is started again comes from its old port and counts from 0. The datapath
 * takes its place in the old one's slot, and knows nothing of the old one's numbers. */
static void publisher_restarts(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  uint64_t group = 0;
  bench_subscribe_all(b);
  for (int i = 0; i < 4; i++)
    publish_fast(b, &group);
  struct endpoint *old = b->pub;
  *node_of(b, old) = b->net.nodes[--b->net.n_nodes];
  b->pub = endpoint_new(&b->net, memnet_addr(2, 100), memnet_addr(1, 4433), QC_PROTECT_NONE, NULL);
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  endpoint_announce(b->pub);
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  for (int i = 0; i < SUBS; i++) {
    assert_true(b->sub[i]->done); /* what it had is over with its publisher */
    b->sub[i]->done = b->sub[i]->answered = false;
  }
  bench_subscribe_all(b);
  const uint64_t duplicates = b->dp->cpus[0].packets[FB_PKT_DUPLICATE];
  for (int i = 0; i < 3; i++)
    publish(b, &group); /* their stream IDs are longer than its own */
  publish_fast(b, &group);
  assert_int_equal(b->dp->cpus[0].packets[FB_PKT_DUPLICATE], duplicates);
  endpoint_publish_done(b->pub);
  memnet_run(&b->net, 1000 * MS, NULL, NULL);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, group);
  bench_check_sound(b);
  endpoint_free(old);
  bench_close(b);
}

/* ---- packets of no connection ------------------------------------------------------------ */

/* The last packet with a short header that went by towards one address. */
struct catch {
  struct qc_addr to;
  struct qc_path path;
  size_t len;
  uint8_t data[1500];
};

static bool catch_short(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  struct catch *c = arg;
  if (data[0] & 0x80 || memcmp(&path->remote.in, &c->to.in, sizeof c->to.in) != 0)
    return true;
  c->path = *path;
  c->len = len;
  memcpy(c->data, data, len);
  return true;
}

/* A relay that was started again has none of the old connections. What it answers ends them, by
 * a token that the process before it gave out. */
static void a_stray_is_reset(void **state) {
  (void)state;
  struct shape shape = {.native = true, .protection = QC_PROTECT_NONE};
  struct bench *before = bench_open(shape);
  shape.other_seed = 7;
  struct bench *after = bench_open(shape);
  struct catch out = {.to = memnet_addr(1, 4433)}, in = {.to = memnet_addr(HOST, 200)};
  before->net.tap = catch_short;
  before->net.tap_arg = &out;
  bench_subscribe_all(before);
  assert_true(out.len > 0);
  after->net.tap = catch_short;
  after->net.tap_arg = &in;
  struct endpoint *lost = before->sub[0];
  for (size_t i = 0; i < before->net.n_nodes; i++)
    if (memcmp(&before->net.nodes[i].addr.in, &out.path.local.in, sizeof in.to.in) == 0)
      lost = before->net.nodes[i].arg;
  in.to = out.path.local;
  struct qc_path at_relay = {.local = out.path.remote, .remote = out.path.local};
  bench_inject(after, &at_relay, out.data, 21); /* too short for an answer that is shorter */
  memnet_run(&after->net, 5 * MS, NULL, NULL);
  assert_int_equal(in.len, 0);
  bench_inject(after, &at_relay, out.data, out.len);
  memnet_run(&after->net, 5 * MS, NULL, NULL);
  assert_true(in.len > 0 && in.len < out.len);
  struct qc_path at_sub = {.local = in.path.remote, .remote = in.path.local};
  qc_read(lost->qc, &at_sub, in.data, in.len, before->net.now_ns);
  assert_true(lost->closed);
  assert_int_equal(lost->close.by, QC_CLOSED_RESET);
  bench_close(before);
  bench_close(after);
}

/* ---- the relay's end without a word ------------------------------------------------------ */

static void vanished_relay_copies_nothing(void **state) {
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  uint64_t group = 0;
  bench_subscribe_all(b);
  publish_fast(b, &group);
  relay_vanish(b->relay);
  const uint64_t before = b->copies;
  publish(b, &group);
  assert_int_equal(b->copies, before);
  bench_close(b);
}

static bool catch_any(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  struct catch *c = arg;
  if (memcmp(&path->remote.in, &c->to.in, sizeof c->to.in) == 0) {
    c->len = len;
    memcpy(c->data, data, len);
  }
  return true;
}

/* RFC 9000 6.1: a client of another version is told which one is spoken, IDs exchanged; a packet
 * that is too short to open a connection is not answered, nor is Version Negotiation itself. */
static void another_version_is_negotiated(void **state) {
  static const uint8_t first[] = {0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, 1, 2, 3, 4,
                                  5,    6,    7,    8,    4,    9, 9, 9, 9};
  static const uint8_t told[] = {0, 0, 0, 0, 4, 9, 9, 9, 9, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1};
  uint8_t packet[1200] = {0};
  (void)state;
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  struct catch in = {.to = memnet_addr(77, 200)};
  const struct qc_path path = {.local = memnet_addr(1, 4433), .remote = in.to};
  memcpy(packet, first, sizeof first);
  b->net.tap = catch_any;
  b->net.tap_arg = &in;
  bench_inject(b, &path, packet, sizeof packet - 1);
  memnet_run(&b->net, 5 * MS, NULL, NULL);
  assert_int_equal(in.len, 0);
  bench_inject(b, &path, packet, sizeof packet);
  memnet_run(&b->net, 5 * MS, NULL, NULL);
  assert_int_equal(in.len, 1 + sizeof told);
  assert_memory_equal(in.data + 1, told, sizeof told);
  in.len = 0;
  memset(packet + 1, 0, 4);
  bench_inject(b, &path, packet, sizeof packet);
  memnet_run(&b->net, 5 * MS, NULL, NULL);
  assert_int_equal(in.len, 0);
  bench_close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(there_and_back),
      cmocka_unit_test(publisher_migrates),
      cmocka_unit_test(publisher_migrates_and_resends),
      cmocka_unit_test(the_rest_came_past_the_datapath),
      cmocka_unit_test(stolen_and_refuted),
      cmocka_unit_test(stolen_and_timed_out),
      cmocka_unit_test(subscriber_updates_key),
      cmocka_unit_test(publisher_updates_key),
      cmocka_unit_test(relay_updates_keys),
      cmocka_unit_test(too_early_for_keys),
      cmocka_unit_test(publisher_restarts),
      cmocka_unit_test(a_stray_is_reset),
      cmocka_unit_test(another_version_is_negotiated),
      cmocka_unit_test(vanished_relay_copies_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
