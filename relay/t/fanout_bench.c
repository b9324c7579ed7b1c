#include "relay/t/fanout_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "embed/test_cert_pem.h"
#include "embed/test_key_pem.h"
#include "relay/fanout/core.h"
#include "relay/fanout/ledger_table.h"

struct queued {
  struct queued *next;
  struct qc_path path;
  size_t len;
  uint8_t data[];
};

static struct queued **append(struct queued **tail, const struct qc_path *path, const uint8_t *data,
                              size_t len) {
  struct queued *q = malloc(sizeof *q + len);
  q->next = NULL;
  q->path = *path;
  q->len = len;
  memcpy(q->data, data, len);
  *tail = q;
  return &q->next;
}

static void enqueue(struct bench *b, const struct qc_path *path, const uint8_t *data, size_t len) {
  b->tail = append(b->tail, path, data, len);
}

static void drop_all(struct queued *q) {
  for (struct queued *next; q; q = next) {
    next = q->next;
    free(q);
  }
}

/* ---- hooks ------------------------------------------------------------------------------- */

/* The invariant of congestion.h, at each copy and each packet of the slow path: known to be in
 * flight + copies not yet recorded <= window. Probes may be beyond it (RFC 9002 7.5). */
static void check_window(struct bench *b) {
  if (!b->relay || !b->native)
    return;
  for (uint32_t i = 0; i < b->relay->n_slots; i++) {
    const struct client *client = b->relay->clients[i];
    if (!client || !client->ledger)
      continue;
    uint64_t copied = b->dp->counters[i].sent_bytes, sent = copied + client->slow_packets;
    if (sent == b->sent[i] || client->ledger->pto_count)
      continue;
    b->sent[i] = sent;
    uint64_t flight = ledger_inflight_bytes(client->ledger) + copied - client->window.entered;
    if (flight > client->window.cc.now.cwnd)
      b->over_window++;
  }
}

static int on_send(void *arg, const struct qc_path *path, const uint8_t *data, size_t len) {
  enqueue(arg, path, data, len);
  check_window(arg);
  return 0;
}
static void on_rand(void *arg, uint8_t *dest, size_t len) {
  for (size_t i = 0; i < len; i++)
    dest[i] = (uint8_t)memnet_random(&((struct bench *)arg)->net);
}
static int on_resolve(void *arg, const struct qc_path *path, uint32_t *ifindex, uint8_t src[6],
                      uint8_t dst[6]) {
  (void)arg;
  (void)path;
  *ifindex = 7;
  memset(src, 2, 6);
  memset(dst, 4, 6);
  return 0;
}
static void on_log(void *arg, const char *line) {
  struct bench *b = arg;
  print_message("relay: %s\n", line);
  if (strstr(line, "used twice"))
    b->numbers_twice++;
}
static const struct relay_ops relay_ops = {
    .send = on_send, .rand = on_rand, .resolve = on_resolve, .log = on_log};

static void on_connection(void *arg, uint64_t now_ns, uint32_t slot, uint32_t gen,
                          const struct qc_cid *conn, const struct qc_path *path) {
  struct bench *b = arg;
  (void)now_ns, (void)slot, (void)gen, (void)path;
  if (b->n_traced < sizeof b->traced / sizeof *b->traced)
    b->traced[b->n_traced++] = *conn;
}
static bool is_traced(const struct bench *b, const struct qc_cid *conn) {
  for (size_t i = 0; i < b->n_traced; i++)
    if (b->traced[i].len == conn->len && memcmp(b->traced[i].data, conn->data, conn->len) == 0)
      return true;
  return false;
}
static void on_number(void *arg, const struct qc_cid *conn, const struct ledger_number *number) {
  struct bench *b = arg;
  if (number->origin != LEDGER_FAST && number->origin != LEDGER_SLOW)
    return;
  if (!is_traced(b, conn))
    b->numbers_untraced++;
  if (number->fate == LEDGER_ACKED)
    b->numbers_acked++;
  if (number->fate == LEDGER_ACKED && number->origin == LEDGER_SLOW)
    b->slow_acked++;
  if (number->fate == LEDGER_LOST)
    b->numbers_lost++;
}
static void on_dropped(void *arg, uint64_t now_ns, const struct trace_drop *drop) {
  struct bench *b = arg;
  (void)now_ns;
  b->drops++;
  b->drops_behind += strcmp(drop->reason, "too-far-behind") == 0;
  b->drops_backlog += strcmp(drop->reason, "backlog") == 0;
}
static const struct trace_ops trace_ops = {
    .connection = on_connection, .number = on_number, .dropped = on_dropped};

static int on_emit(void *user, const struct dp_native_copy *copy) {
  struct bench *b = user;
  struct qc_path path = {0};
  path.local.len = path.remote.len = sizeof path.local.in;
  path.local.in.sin_family = path.remote.in.sin_family = AF_INET;
  path.local.in.sin_port = copy->path.local_port;
  path.remote.in.sin_port = copy->path.remote_port;
  memcpy(&path.local.in.sin_addr, copy->path.local_addr, 4);
  memcpy(&path.remote.in.sin_addr, copy->path.remote_addr, 4);
  enqueue(b, &path, copy->payload, copy->len);
  b->copies++;
  check_window(b);
  return 0;
}

static struct fb_path to_fb(const struct qc_path *path) {
  struct fb_path out = {
      .family = 4, .local_port = path->local.in.sin_port, .remote_port = path->remote.in.sin_port};
  memcpy(out.local_addr, &path->local.in.sin_addr, 4);
  memcpy(out.remote_addr, &path->remote.in.sin_addr, 4);
  return out;
}

static bool is_stalled(const struct bench *b) {
  return b->net.now_ns < b->stalled_until_ns;
}

/* What the socket hands to user space. */
static void read_packet(struct bench *b, const struct qc_path *path, const uint8_t *data,
                        size_t len) {
  if (is_stalled(b)) {
    b->socket_tail = append(b->socket_tail, path, data, len);
    return;
  }
  relay_packet(b->relay, path, data, len, b->net.now_ns);
  b->unfinished = true;
  b->drained = false;
}

static void end_batch(struct bench *b) {
  if (!b->unfinished)
    return;
  b->unfinished = false;
  relay_batch_end(b->relay, b->net.now_ns);
}

static void read_socket(struct bench *b) {
  struct queued *list = b->socket;
  b->socket = NULL;
  b->socket_tail = &b->socket;
  for (const struct queued *q = list; q; q = q->next)
    read_packet(b, &q->path, q->data, q->len);
  end_batch(b);
  drop_all(list);
}

void bench_inject(struct bench *b, const struct qc_path *path, const uint8_t *data, size_t len) {
  if (b->native) {
    struct fb_path fb = to_fb(path);
    dp_native_packet(b->dp, &fb, data, len, b->net.now_ns, 0);
  }
  read_packet(b, path, data, len);
}

static void relay_in(void *arg, const struct qc_path *path, const uint8_t *data, size_t len,
                     uint64_t now_ns) {
  struct bench *b = arg;
  (void)now_ns;
  bool upstream = path->remote.in.sin_port == htons(100);
  if (upstream && b->upstream_tap)
    b->upstream_tap(b, path, data, len);
  bool bypass = upstream && b->gso_every && ++b->upstream_packets % b->gso_every == 0;
  if (bypass)
    read_packet(b, path, data, len);
  else
    bench_inject(b, path, data, len);
  while (b->feeder && feeder_step(b->feeder, 1000))
    continue;
  end_batch(b);
}
static size_t relay_out(void *arg, struct qc_path *path, uint8_t *buf, size_t room,
                        uint64_t now_ns) {
  struct bench *b = arg;
  while (!b->head && !b->drained && !is_stalled(b))
    b->drained = !relay_input_drained(b->relay, now_ns);
  struct queued *q = b->head;
  if (!q)
    return 0;
  assert_true(q->len <= room);
  *path = q->path;
  memcpy(buf, q->data, q->len);
  size_t len = q->len;
  b->head = q->next;
  if (!b->head)
    b->tail = &b->head;
  free(q);
  return len;
}
/* What relay_deadline() must say: it asks those that were touched, this asks all. */
static uint64_t ask_all(const struct relay *relay) {
  uint64_t first = relay->dirty ? relay->now : UINT64_MAX;
  if (relay->missing_ns && relay->missing_ns < first)
    first = relay->missing_ns;
  if (relay->asked_ns && relay->asked_ns < first)
    first = relay->asked_ns;
  for (uint32_t i = 0; i < relay->n_slots; i++) {
    uint64_t at = relay->clients[i] ? client_due(relay->clients[i]) : UINT64_MAX;
    if (at < first)
      first = at;
  }
  return first;
}
static uint64_t relay_due(void *arg) {
  const struct bench *b = arg;
  if (b->socket || is_stalled(b))
    return b->stalled_until_ns;
  uint64_t at = relay_deadline(b->relay);
  assert_true(at == ask_all(b->relay)); /* a timer that moved was not noted */
  return at;
}
static void relay_expire(void *arg, uint64_t now_ns) {
  struct bench *b = arg;
  if (is_stalled(b))
    return;
  read_socket(b);
  if (relay_deadline(b->relay) <= now_ns)
    relay_expiry(b->relay, now_ns);
}

/* ---- set-up --------------------------------------------------------------------------------- */

struct bench *bench_open(struct shape shape) {
  struct bench *b = calloc(1, sizeof *b);
  memnet_init(&b->net, shape.other_seed ? shape.other_seed : 42);
  b->tail = &b->head;
  b->socket_tail = &b->socket;
  b->native = shape.native;
  b->tls = qc_tls_new(&(struct qc_tls_config){.server = true,
                                              .alpn = MOQT_ALPN,
                                              .other_alpn = shape.guests,
                                              .cipher = shape.cipher,
                                              .cert_pem = (const uint8_t *)embed_test_cert_pem,
                                              .cert_len = embed_test_cert_pem_len,
                                              .key_pem = (const uint8_t *)embed_test_key_pem,
                                              .key_len = embed_test_key_pem_len});
  assert_non_null(b->tls);
  if (shape.native) {
    const struct plane_protection keys =
        relay_protection(shape.protection, shape.cipher, 16, !shape.unfed);
    struct dp_native_sizes sizes = {.subscribers = 16,
                                    .protect = keys.protect,
                                    .keystreams_down = keys.keystreams_down,
                                    .keystreams_up = keys.keystreams_up};
    b->dp = dp_native_new(&sizes);
    assert_non_null(b->dp);
    b->dp->policy = shape.policy;
    dp_native_on_emit(b->dp, on_emit, b);
    native_plane_init(&b->plane, b->dp);
    if (keys.keystreams_down)
      b->feeder = feeder_new(&b->plane.plane);
  }
  struct relay_config config = {
      .ops = &relay_ops,
      .ops_arg = b,
      .trace = &trace_ops,
      .trace_arg = b,
      .plane = shape.native ? &b->plane.plane : NULL,
      .feeder = b->feeder,
      .aead_limit = shape.aead_limit,
      .tls = b->tls,
      .protection = shape.protection,
      .cubic = shape.cubic,
      .policy = shape.policy,
      .cache_bytes = shape.cache_bytes ? shape.cache_bytes : 16u << 20,
      .max_clients = 16,
      .port = 4433,
  };
  if (shape.guests) {
    moqt_name_set(&b->guest_track, "pub", "video");
    config.guests =
        (struct relay_guests){.track = &b->guest_track, .h3 = strcmp(shape.guests, "h3") == 0};
  }
  b->relay = relay_new(&config);
  assert_non_null(b->relay);
  struct qc_addr at = memnet_addr(1, 4433);
  memnet_add(&b->net, &(struct memnet_node){.addr = at,
                                            .arg = b,
                                            .in = relay_in,
                                            .out = relay_out,
                                            .deadline = relay_due,
                                            .expire = relay_expire});
  const struct endpoint_limits usual = {.max_data = 1u << 20,
                                        .max_stream_data = 1u << 18,
                                        .max_streams = 100,
                                        .cid_len = 8,
                                        .cipher = shape.cipher};
  struct endpoint_limits limits = shape.limits ? *shape.limits : usual;
  limits.cipher = shape.cipher;
  b->pub = endpoint_new(&b->net, memnet_addr(2, 100), at, shape.protection, &usual);
  for (uint8_t i = 0; i < SUBS; i++)
    b->sub[i] =
        endpoint_new(&b->net, memnet_addr((uint8_t)(3 + i), 200), at, shape.protection, &limits);
  memnet_run(&b->net, 50 * MS, NULL, NULL);
  assert_true(b->pub->established);
  endpoint_announce(b->pub);
  memnet_run(&b->net, 20 * MS, NULL, NULL);
  assert_true(b->pub->announced);
  b->net.loss_ppm = shape.loss_ppm;
  b->gso_every = shape.gso_every;
  return b;
}

void bench_close(struct bench *b) {
  relay_finish(b->relay, b->net.now_ns);
  relay_free(b->relay);
  feeder_free(b->feeder);
  endpoint_free(b->pub);
  for (int i = 0; i < SUBS; i++)
    endpoint_free(b->sub[i]);
  dp_native_free(b->dp);
  qc_tls_free(b->tls);
  drop_all(b->head);
  drop_all(b->socket);
  memnet_free(&b->net);
  free(b);
}

void bench_subscribe_all(struct bench *b) {
  for (int i = 0; i < SUBS; i++)
    endpoint_subscribe(b->sub[i], 255);
  memnet_run(&b->net, 400 * MS, NULL, NULL);
  for (int i = 0; i < SUBS; i++)
    assert_true(b->sub[i]->answered);
}

static bool all_done(void *arg) {
  struct bench *b = arg;
  /* PUBLISH_DONE may overtake a stream that is being resent: it tells how many come. */
  for (int i = 0; i < SUBS; i++) {
    const struct endpoint *e = b->sub[i];
    if (!e->done || (!e->closed && e->streams + e->resets < e->done_streams))
      return false;
  }
  return true;
}

void bench_publish(struct bench *b, uint64_t from, uint64_t to, size_t size, bool datagrams) {
  for (uint64_t g = from; g < to; g++) {
    endpoint_publish_stream(b->pub, g, (uint8_t)(g % 4), size + g % 7);
    if (datagrams)
      endpoint_publish_datagram(b->pub, g, (uint8_t)(g % 4), 200);
    memnet_run(&b->net, 2 * MS, NULL, NULL);
  }
}

void bench_stall(struct bench *b, uint64_t for_ns) {
  b->stalled_until_ns = b->net.now_ns + for_ns;
}

void bench_bottleneck(struct bench *b, uint64_t bytes_per_s, uint64_t queue_bytes) {
  b->net.bottlenecks[1] =
      (struct memnet_bottleneck){.bytes_per_s = bytes_per_s, .queue_bytes = queue_bytes};
  for (size_t i = 0; i < b->net.n_nodes; i++)
    for (int s = 0; s < SUBS; s++)
      if (b->net.nodes[i].arg == b->sub[s])
        b->net.nodes[i].bottleneck = 1;
}

void bench_finish(struct bench *b) {
  endpoint_publish_done(b->pub);
  assert_true(memnet_run(&b->net, 60000 * MS, all_done, b));
}

void bench_check_sound(struct bench *b) {
  for (int i = 0; i < SUBS; i++) {
    assert_int_equal(b->sub[i]->wrong, 0);
    assert_int_equal(b->sub[i]->duplicates, 0);
    assert_false(b->sub[i]->closed);
  }
  assert_false(b->pub->closed);
  assert_int_equal(b->numbers_twice, 0);
  assert_int_equal(b->over_window, 0);
}
