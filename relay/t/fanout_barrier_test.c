/* Barriers: what ends the use of an ID, of a stream or of a connection leaves only when no run of
 * the datapath that knows it is in flight any more. The whole relay in memory on virtual time;
 * the datapath's entries and its quiesce are watched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/wire/frame.h"
#include "bpf/wire/short_header.h"
#include "relay/fanout/core.h"
#include "relay/t/fanout_bench.h"

#define HOST 3 /* of sub[0] */
#define CID  8
#define TAG  16 /* of `protection: none` */

/* What happened last: a change of sub[0]'s entry or stream word, or a quiesce behind it. */
static struct watched {
  struct bench *b;
  struct plane_ops ops;
  const struct plane_ops *real;
  bool unsettled; /* changed, and nobody has waited since */
  unsigned quiesces;
  unsigned retired, resets, closes;
  bool late;     /* one of these left unsettled */
  bool other_id; /* a RETIRE_CONNECTION_ID left while the entry had another ID than its packet */
  unsigned copies_behind; /* to sub[0] behind a CONNECTION_CLOSE */
} watched;

static const struct client *subscriber(void) {
  const struct relay *relay = watched.b->relay;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    const struct client *client = relay->clients[i];
    if (client && client->path.remote.in.sin_addr.s_addr == memnet_addr(HOST, 0).in.sin_addr.s_addr)
      return client;
  }
  return NULL;
}

static int on_put(void *ctx, uint32_t slot, const struct fb_subscriber *value) {
  const struct client *client = subscriber();
  if (client && client->slot == slot)
    watched.unsettled = true;
  return watched.real->put_subscriber(ctx, slot, value);
}

static void on_quiesce(void *ctx) {
  watched.unsettled = false;
  watched.quiesces++;
  watched.real->quiesce(ctx);
}

static void see_frame(const struct wire_frame *f, const uint8_t *dcid) {
  const struct client *client = subscriber();
  if (f->type == WIRE_RETIRE_CONNECTION_ID) {
    watched.retired++;
    watched.late |= watched.unsettled;
    watched.other_id |= !client || memcmp(watched.b->dp->subscribers[client->slot].dcid, dcid, CID);
  } else if (f->type == WIRE_RESET_STREAM && f->id.v % 4 == 3) {
    watched.resets++;
    watched.late |= watched.quiesces == 0;
  } else if (f->type == WIRE_CONNECTION_CLOSE || f->type == WIRE_CONNECTION_CLOSE_APP) {
    watched.closes++;
    watched.late |= watched.unsettled;
  } else if (watched.closes) {
    watched.copies_behind += wire_is_stream(f->type) || f->type == WIRE_DATAGRAM_LEN;
  }
}

static bool tap(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  (void)arg;
  if (data[0] & 0x80 || path->local.in.sin_port != htons(4433) ||
      path->remote.in.sin_addr.s_addr != memnet_addr(HOST, 0).in.sin_addr.s_addr)
    return true;
  size_t at = 1 + CID + wire_short_pn_len(data[0]);
  struct wire_cursor c = wire_cursor(data + at, 0, len - at - TAG);
  struct wire_frame f;
  while (wire_left(&c) && wire_frame_next(&c, &f) == WIRE_FRAME_OK)
    see_frame(&f, data + 1);
  return true;
}

static struct bench *begin(void) {
  struct bench *b = bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
  bench_subscribe_all(b);
  bench_publish(b, 0, 10, 900, true);
  memnet_run(&b->net, 100 * MS, NULL, NULL);
  memset(&watched, 0, sizeof watched);
  watched.b = b;
  watched.real = b->plane.plane.ops;
  watched.ops = *watched.real;
  watched.ops.put_subscriber = on_put;
  watched.ops.quiesce = on_quiesce;
  b->plane.plane.ops = &watched.ops;
  b->net.tap = tap;
  return b;
}

static void migrate(struct bench *b, struct endpoint *e, uint8_t host, uint16_t port) {
  struct qc_path path = {.local = memnet_addr(host, port), .remote = memnet_addr(1, 4433)};
  for (size_t i = 0; i < b->net.n_nodes; i++)
    if (b->net.nodes[i].arg == e)
      b->net.nodes[i].addr = path.local;
  assert_int_equal(qc_migrate(e->qc, &path, b->net.now_ns), 0);
}

/* RFC 9000 5.1.2: behind RETIRE_CONNECTION_ID the ID is not used. */
static void retire_waits_for_copies(void **state) {
  (void)state;
  struct bench *b = begin();
  uint64_t group = 10;
  for (uint16_t k = 0; k < 3; k++, group += 20) {
    migrate(b, b->sub[0], HOST, (uint16_t)(201 + k));
    bench_publish(b, group, group + 20, 900, true);
    memnet_run(&b->net, 4000 * MS, NULL, NULL); /* the old path is given up in 3 s */
  }
  assert_true(watched.retired >= 3);
  assert_false(watched.late || watched.other_id);
  bench_finish(b);
  bench_check_sound(b);
  bench_close(b);
}

/* RESET_STREAM gives the final size: no copy may raise it. */
static void reset_waits_for_copies(void **state) {
  (void)state;
  struct bench *b = begin();
  for (uint64_t g = 10; g < 15; g++)
    endpoint_publish_stream(b->pub, g, 1, 60000);
  memnet_run(&b->net, 3 * MS, NULL, NULL);
  for (int64_t ordinal = 11; ordinal < 16; ordinal++)
    qc_stream_stop(b->sub[0]->qc, ordinal << 2 | 3, 0);
  watched.quiesces = 0;
  memnet_run(&b->net, 500 * MS, NULL, NULL);
  assert_true(watched.resets > 0);
  assert_false(watched.late);
  assert_int_equal(b->sub[0]->wrong, 0);
  assert_false(b->sub[0]->closed); /* no FINAL_SIZE_ERROR */
  bench_close(b);
}

/* The relay closes a subscriber's connection in the middle of the fan-out: the others go on, and
 * nothing is copied to it behind CONNECTION_CLOSE. */
static void close_waits_for_copies(void **state) {
  (void)state;
  struct bench *b = begin();
  const struct client *client = subscriber();
  client_close(b->relay->clients[client->slot], 0, "");
  bench_publish(b, 10, 40, 900, true);
  memnet_run(&b->net, 500 * MS, NULL, NULL);
  assert_true(watched.closes > 0);
  assert_false(watched.late);
  assert_int_equal(watched.copies_behind, 0);
  assert_true(b->sub[0]->closed);
  b->sub[0]->done = true;
  bench_finish(b);
  assert_int_equal(b->sub[1]->streams, 40);
  assert_int_equal(b->sub[1]->wrong + b->sub[2]->wrong, 0);
  bench_close(b);
}

/* Publisher and subscriber go to another port a hundred times each, and take another of the relay's
 * IDs each time: the supply does not run dry (RFC 9000 5.1.1), nothing is lost. */
static void two_hundred_ids(void **state) {
  (void)state;
  struct bench *b = begin();
  uint64_t group = 10;
  for (uint16_t i = 0; i < 200; i++, group++) {
    migrate(b, i % 2 ? b->pub : b->sub[0], i % 2 ? 2 : HOST, (uint16_t)(300 + i));
    bench_publish(b, group, group + 1, 900, false);
    memnet_run(&b->net, 100 * MS, NULL, NULL);
  }
  assert_true(watched.retired >= 90); /* the relay takes another one, too */
  assert_false(watched.late || watched.other_id);
  memnet_run(&b->net, 1000 * MS, NULL, NULL);
  uint64_t before = b->copies;
  bench_publish(b, group, group + 20, 900, false);
  assert_true(b->copies - before >= 3 * 18); /* still fast, for all */
  bench_finish(b);
  for (int i = 0; i < SUBS; i++)
    assert_int_equal(b->sub[i]->streams, group + 20);
  bench_check_sound(b);
  bench_close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(retire_waits_for_copies),
      cmocka_unit_test(reset_waits_for_copies),
      cmocka_unit_test(close_waits_for_copies),
      cmocka_unit_test(two_hundred_ids),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
