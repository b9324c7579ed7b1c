#include "relay/t/relay_box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "embed/test_cert_pem.h"
#include "embed/test_key_pem.h"
#include "relay/moqt/codes.h"

struct box_queued {
  struct box_queued *next;
  struct qc_path path;
  size_t len;
  uint8_t data[];
};

static void enqueue(struct relay_box *box, const struct qc_path *path, const uint8_t *data,
                    size_t len) {
  struct box_queued *q = malloc(sizeof *q + len);
  *q = (struct box_queued){.path = *path, .len = len};
  memcpy(q->data, data, len);
  *box->tail = q;
  box->tail = &q->next;
}

/* ---- hooks of the core -------------------------------------------------------------- */

static int on_send(void *arg, const struct qc_path *path, const uint8_t *data, size_t len) {
  enqueue(arg, path, data, len);
  return 0;
}

static void on_rand(void *arg, uint8_t *dest, size_t len) {
  for (size_t i = 0; i < len; i++)
    dest[i] = (uint8_t)memnet_random(((struct relay_box *)arg)->net);
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
  struct relay_box *box = arg;
  print_message("relay: %s\n", line);
  if (strstr(line, "used twice"))
    box->numbers_twice++;
}

static const struct relay_ops ops = {
    .send = on_send, .rand = on_rand, .resolve = on_resolve, .log = on_log};

static int on_emit(void *user, const struct dp_native_copy *copy) {
  struct relay_box *box = user;
  struct qc_path path = {0};
  path.local.len = path.remote.len = sizeof path.local.in;
  path.local.in.sin_family = path.remote.in.sin_family = AF_INET;
  path.local.in.sin_port = copy->path.local_port;
  path.remote.in.sin_port = copy->path.remote_port;
  memcpy(&path.local.in.sin_addr, copy->path.local_addr, 4);
  memcpy(&path.remote.in.sin_addr, copy->path.remote_addr, 4);
  enqueue(box, &path, copy->payload, copy->len);
  box->copies++;
  return 0;
}

/* ---- a node of the network --------------------------------------------------------------- */

static void in(void *arg, const struct qc_path *path, const uint8_t *data, size_t len,
               uint64_t now_ns) {
  struct relay_box *box = arg;
  if (box->dp) {
    struct fb_path fb = {.family = 4,
                         .local_port = path->local.in.sin_port,
                         .remote_port = path->remote.in.sin_port};
    memcpy(fb.local_addr, &path->local.in.sin_addr, 4);
    memcpy(fb.remote_addr, &path->remote.in.sin_addr, 4);
    dp_native_packet(box->dp, &fb, data, len, now_ns, 0);
  }
  relay_packet(box->relay, path, data, len, now_ns);
  relay_batch_end(box->relay, now_ns);
  box->drained = false;
}

static size_t out(void *arg, struct qc_path *path, uint8_t *buf, size_t room, uint64_t now_ns) {
  struct relay_box *box = arg;
  if (!box->head && !box->drained) {
    box->drained = true;
    relay_input_drained(box->relay, now_ns);
  }
  struct box_queued *q = box->head;
  if (!q)
    return 0;
  assert_true(q->len <= room);
  *path = q->path;
  memcpy(buf, q->data, q->len);
  const size_t len = q->len;
  box->head = q->next;
  if (!box->head)
    box->tail = &box->head;
  free(q);
  return len;
}

static uint64_t deadline(void *arg) {
  return relay_deadline(((struct relay_box *)arg)->relay);
}

static void expire(void *arg, uint64_t now_ns) {
  struct relay_box *box = arg;
  if (relay_deadline(box->relay) <= now_ns)
    relay_expiry(box->relay, now_ns);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct relay_box *relay_box_open(struct memnet *net, struct qc_addr addr, bool native,
                                 const struct qc_addr *upstream) {
  struct relay_box *box = calloc(1, sizeof *box);
  *box = (struct relay_box){.net = net, .addr = addr, .tail = &box->head};
  box->tls = qc_tls_new(&(struct qc_tls_config){.server = true,
                                                .alpn = MOQT_ALPN,
                                                .cert_pem = (const uint8_t *)embed_test_cert_pem,
                                                .cert_len = embed_test_cert_pem_len,
                                                .key_pem = (const uint8_t *)embed_test_key_pem,
                                                .key_len = embed_test_key_pem_len});
  box->dial_tls = qc_tls_new(&(struct qc_tls_config){.alpn = MOQT_ALPN});
  if (native) {
    box->dp = dp_native_new(&(struct dp_native_sizes){.subscribers = 16});
    dp_native_on_emit(box->dp, on_emit, box);
    native_plane_init(&box->plane, box->dp);
  }
  struct relay_config config = {.ops = &ops,
                                .ops_arg = box,
                                .plane = native ? &box->plane.plane : NULL,
                                .tls = box->tls,
                                .protection = QC_PROTECT_NONE,
                                .cache_bytes = 16u << 20,
                                .max_clients = 16,
                                .port = 4433};
  if (upstream)
    config.upstream = (struct relay_upstream){
        .path = {.local = addr, .remote = *upstream}, .authority = "upper", .tls = box->dial_tls};
  box->relay = relay_new(&config);
  assert_non_null(box->relay);
  memnet_add(
      net,
      &(struct memnet_node){
          .addr = addr, .arg = box, .in = in, .out = out, .deadline = deadline, .expire = expire});
  relay_dial(box->relay, net->now_ns);
  return box;
}

void relay_box_stop(struct relay_box *box) {
  relay_stop(box->relay, box->net->now_ns);
}

void relay_box_free(struct relay_box *box) {
  if (!box)
    return;
  struct memnet *net = box->net;
  for (size_t i = 0; i < net->n_nodes; i++) {
    if (net->nodes[i].arg != box)
      continue;
    net->nodes[i] = net->nodes[--net->n_nodes];
    break;
  }
  relay_finish(box->relay, net->now_ns);
  relay_free(box->relay);
  dp_native_free(box->dp);
  qc_tls_free(box->tls);
  qc_tls_free(box->dial_tls);
  for (struct box_queued *q = box->head, *next; q; q = next) {
    next = q->next;
    free(q);
  }
  free(box);
}
