#include "relay/t/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "bpf/wire/moqt_data.h"

#define MAX_STREAM (1u << 20)

struct incoming {
  int64_t sid;
  uint8_t *data;
  size_t len;
  struct incoming *next;
};

struct full {
  struct endpoint e; /* first */
  struct incoming *incoming;
  struct qc_addr local;
};

static uint8_t content(uint64_t group, size_t at) {
  uint64_t x = group * UINT64_C(0x9e3779b97f4a7c15) + at * UINT64_C(0xbf58476d1ce4e5b9);
  return (uint8_t)(x >> 29 ^ x >> 47);
}

/* ---- MoQT's transport ------------------------------------------------------------------ */

static int64_t open_uni(void *arg) {
  return qc_open_uni(((struct endpoint *)arg)->qc);
}
static int64_t open_bidi(void *arg) {
  return qc_open_bidi(((struct endpoint *)arg)->qc);
}
static int send_stream(void *arg, int64_t sid, const uint8_t *data, size_t len, bool fin) {
  return qc_stream_send(((struct endpoint *)arg)->qc, sid, data, len, fin);
}
static void reset_stream(void *arg, int64_t sid, uint64_t code) {
  qc_stream_reset(((struct endpoint *)arg)->qc, sid, code);
}
static void stop_stream(void *arg, int64_t sid, uint64_t code) {
  qc_stream_stop(((struct endpoint *)arg)->qc, sid, code);
}
static void close_session(void *arg, uint64_t code, const char *reason) {
  qc_close(((struct endpoint *)arg)->qc, code, reason);
}
static const struct moqt_ops ops = {open_uni,     open_bidi,   send_stream,
                                    reset_stream, stop_stream, close_session};

/* ---- MoQT's events ------------------------------------------------------------------------ */

static void on_accepted(void *app, int64_t req) {
  (void)req;
  ((struct endpoint *)app)->announced = true;
}

static void on_subscribe(void *app, int64_t req, const struct moqt_name *name,
                         const struct moqt_params *params) {
  (void)name;
  (void)params;
  struct endpoint *e = app;
  struct moqt_params answer;
  moqt_params_init(&answer);
  e->subscribed = true;
  e->asked++;
  e->request = req;
  moqt_subscribe_accept(e->session, req, 5, &answer, (struct moqt_bytes){0});
}

static void on_ended(void *app, int64_t req, enum moqt_end why) {
  struct endpoint *e = app;
  (void)why;
  e->withdrawn++;
  if (e->request == req)
    e->subscribed = false;
}

static void on_subscribed(void *app, int64_t req, uint64_t alias, const struct moqt_params *params,
                          const struct moqt_properties *properties) {
  (void)req;
  (void)properties;
  struct endpoint *e = app;
  e->answered = true;
  e->alias = alias;
  e->has_largest = params->has & MOQT_HAS_LARGEST;
  e->largest = params->largest.group;
}

static void on_refused(void *app, int64_t req, uint64_t code, uint64_t retry, const char *reason) {
  (void)req;
  (void)code;
  (void)retry;
  (void)reason;
  ((struct endpoint *)app)->refused = true;
}

static void on_done(void *app, int64_t req, uint64_t status, uint64_t streams, const char *reason) {
  (void)req;
  (void)reason;
  struct endpoint *e = app;
  e->done = true;
  e->done_status = status;
  e->done_streams = streams;
}

static void count(struct endpoint *e, uint64_t group, uint8_t *seen, uint64_t *counter) {
  if (group < e->first_group)
    e->first_group = group;
  if (group >= ENDPOINT_GROUPS) {
    e->wrong++;
    return;
  }
  if (seen[group])
    e->duplicates++;
  seen[group] = 1;
  (*counter)++;
}

static void check_stream(struct endpoint *e, const struct incoming *in) {
  struct wire_cursor c = wire_cursor(in->data, 0, in->len);
  struct wire_subgroup_header header;
  uint64_t delta, len;
  if (wire_subgroup_header_get(&c, &header) != WIRE_MOQT_OK || header.alias.v != e->alias ||
      !wire_get_vi64(&c, &delta) || !wire_get_vi64(&c, &len) || c.at + len != in->len) {
    e->wrong++;
    return;
  }
  for (size_t i = 0; i < len; i++) {
    if (in->data[c.at + i] == content(header.group.v, i))
      continue;
    e->wrong++;
    return;
  }
  count(e, header.group.v, e->seen_stream, &e->streams);
}

static void on_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                    bool fin) {
  struct full *full = app;
  struct incoming **at = &full->incoming;
  while (*at && (*at)->sid != sid)
    at = &(*at)->next;
  struct incoming *in = *at;
  if (!in) {
    in = calloc(1, sizeof *in);
    in->data = malloc(MAX_STREAM);
    in->sid = sid;
    in->next = full->incoming;
    full->incoming = in;
    at = &full->incoming;
  }
  if (off != in->len || in->len + len > MAX_STREAM)
    full->e.wrong++;
  else
    memcpy(in->data + in->len, data, len);
  in->len += len;
  if (!fin)
    return;
  check_stream(&full->e, in);
  *at = in->next;
  free(in->data);
  free(in);
}

static void on_data_reset(void *app, int64_t sid, uint64_t code) {
  struct full *full = app;
  struct incoming **at = &full->incoming;
  while (*at && (*at)->sid != sid)
    at = &(*at)->next;
  struct incoming *in = *at;
  full->e.resets++;
  full->e.reset_code = code;
  if (!in) {
    full->e.resets_unnamed++;
    return;
  }
  *at = in->next;
  free(in->data);
  free(in);
}

unsigned endpoint_open_streams(const struct endpoint *e) {
  unsigned n = 0;
  for (const struct incoming *in = ((const struct full *)e)->incoming; in; in = in->next)
    n++;
  return n;
}

static void on_datagram(void *app, const uint8_t *data, size_t len) {
  struct endpoint *e = app;
  struct wire_cursor c = wire_cursor(data, 0, len);
  struct wire_datagram_header header;
  if (wire_datagram_header_get(&c, &header) != WIRE_MOQT_OK || header.alias.v != e->alias) {
    e->wrong++;
    return;
  }
  for (size_t i = header.payload_at; i < len; i++) {
    if (data[i] == content(header.group.v, i - header.payload_at))
      continue;
    e->wrong++;
    return;
  }
  count(e, header.group.v, e->seen_datagram, &e->datagrams);
}

static const struct moqt_events events = {
    .accepted = on_accepted,
    .subscribe = on_subscribe,
    .ended = on_ended,
    .subscribed = on_subscribed,
    .refused = on_refused,
    .done = on_done,
    .data = on_data,
    .data_reset = on_data_reset,
    .datagram = on_datagram,
};

/* ---- QUIC ------------------------------------------------------------------------------------ */

static void on_handshake_done(void *app) {
  struct endpoint *e = app;
  e->established = true;
  moqt_session_start(e->session);
}
static void on_stream_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                           bool fin) {
  (void)off;
  moqt_stream_in(((struct endpoint *)app)->session, sid, data, len, fin);
}
static void on_stream_reset(void *app, int64_t sid, uint64_t code, uint64_t size) {
  (void)size;
  moqt_stream_reset_in(((struct endpoint *)app)->session, sid, code);
}
static void on_stop(void *app, int64_t sid, uint64_t code) {
  moqt_stop_in(((struct endpoint *)app)->session, sid, code);
}
static void on_quic_datagram(void *app, const uint8_t *data, size_t len) {
  moqt_datagram_in(((struct endpoint *)app)->session, data, len);
}
static void on_closed(void *app, const struct qc_close_info *info) {
  struct endpoint *e = app;
  e->closed = true;
  e->close = *info;
}
static void on_rand(void *app, uint8_t *dest, size_t len) {
  for (size_t i = 0; i < len; i++)
    dest[i] = (uint8_t)memnet_random(((struct endpoint *)app)->net);
}
static const struct qc_callbacks callbacks = {
    .handshake_done = on_handshake_done,
    .stream_data = on_stream_data,
    .stream_reset = on_stream_reset,
    .stop_sending = on_stop,
    .datagram = on_quic_datagram,
    .closed = on_closed,
    .rand = on_rand,
};

/* ---- the network -------------------------------------------------------------------------------- */

static void in(void *arg, const struct qc_path *path, const uint8_t *data, size_t len,
               uint64_t now_ns) {
  qc_read(((struct endpoint *)arg)->qc, path, data, len, now_ns);
}
static size_t out(void *arg, struct qc_path *path, uint8_t *buf, size_t room, uint64_t now_ns) {
  return qc_write(((struct endpoint *)arg)->qc, path, buf, room, now_ns);
}
static uint64_t deadline(void *arg) {
  return qc_deadline(((struct endpoint *)arg)->qc);
}
static void expire(void *arg, uint64_t now_ns) {
  qc_handle_expiry(((struct endpoint *)arg)->qc, now_ns);
}

struct endpoint *endpoint_new(struct memnet *net, struct qc_addr local, struct qc_addr server,
                              enum qc_protection protection, const struct endpoint_limits *limits) {
  struct full *full = calloc(1, sizeof *full);
  struct endpoint *e = &full->e;
  e->net = net;
  e->first_group = UINT64_MAX;
  e->tls = qc_tls_new(&(struct qc_tls_config){
      .alpn = MOQT_ALPN, .cipher = limits ? limits->cipher : QC_CHACHA20_POLY1305});
  struct moqt_config moqt = {
      .ops = &ops, .ops_arg = e, .events = &events, .app = e, .path = "/", .authority = "test"};
  e->session = moqt_session_new(&moqt);
  struct qc_config config = {
      .tls = e->tls,
      .protection = protection,
      .callbacks = &callbacks,
      .app = e,
      .path = {.local = local, .remote = server},
      .now_ns = net->now_ns,
      .cid_len = limits ? limits->cid_len : 8,
      .max_data = limits ? limits->max_data : 1u << 20,
      .max_stream_data_bidi = 1u << 18,
      .max_stream_data_uni = limits ? limits->max_stream_data : 1u << 18,
      .max_streams_bidi = 16,
      .max_streams_uni = limits ? limits->max_streams : 100,
      .max_idle_ns = UINT64_C(30000000000),
      .max_datagram_frame = 65535,
      .max_udp_payload = 1452,
  };
  e->qc = qc_client(&config, "fanbench");
  memnet_add(
      net,
      &(struct memnet_node){
          .addr = local, .arg = e, .in = in, .out = out, .deadline = deadline, .expire = expire});
  return e;
}

void endpoint_free(struct endpoint *e) {
  struct full *full = (struct full *)e;
  if (!e)
    return;
  for (struct incoming *i = full->incoming, *next; i; i = next) {
    next = i->next;
    free(i->data);
    free(i);
  }
  moqt_session_free(e->session);
  qc_free(e->qc);
  qc_tls_free(e->tls);
  free(full);
}

void endpoint_announce(struct endpoint *e) {
  struct moqt_name name;
  moqt_name_set(&name, "pub", NULL);
  moqt_publish_namespace(e->session, &name);
}

void endpoint_subscribe(struct endpoint *e, unsigned priority_max) {
  endpoint_subscribe_timed(e, priority_max, 0);
}

void endpoint_limit(struct endpoint *e, unsigned priority_max) {
  struct moqt_params params;
  moqt_params_init(&params);
  params.has = MOQT_HAS_PRIORITY_FILTER;
  params.priority_max = (uint8_t)priority_max;
  moqt_update(e->session, e->request, &params);
}

void endpoint_subscribe_timed(struct endpoint *e, unsigned priority_max, uint64_t timeout_ms) {
  struct moqt_name name;
  struct moqt_params params;
  moqt_name_set(&name, "pub", "video");
  moqt_params_init(&params);
  params.has = MOQT_HAS_LOCATION_FILTER;
  params.location = (struct moqt_location_filter){.n = 1};
  if (priority_max < 255) {
    params.has |= MOQT_HAS_PRIORITY_FILTER;
    params.priority_max = (uint8_t)priority_max;
  }
  if (timeout_ms) {
    params.has |= MOQT_HAS_OBJECT_TIMEOUT;
    params.object_timeout_ms = timeout_ms;
  }
  e->request = moqt_subscribe(e->session, &name, &params);
}

void endpoint_unsubscribe(struct endpoint *e) {
  moqt_cancel(e->session, e->request);
  e->answered = false;
}

void endpoint_publish_stream(struct endpoint *e, uint64_t group, uint8_t priority, size_t size) {
  int64_t sid = qc_open_uni(e->qc);
  if (sid < 0)
    abort();
  uint8_t *buf = malloc(size + 64), *p = buf;
  *p++ = 0x50; /* first object here, subgroup 0, priority given */
  p += wire_vi64_put(p, 5);
  p += wire_vi64_put(p, group);
  *p++ = priority;
  p += wire_vi64_put(p, 0);
  p += wire_vi64_put(p, size);
  for (size_t i = 0; i < size; i++)
    *p++ = content(group, i);
  qc_stream_send(e->qc, sid, buf, (size_t)(p - buf), true);
  free(buf);
  e->streams_sent++;
}

void endpoint_publish_datagram(struct endpoint *e, uint64_t group, uint8_t priority, size_t size) {
  uint8_t buf[1500], *p = buf;
  *p++ = 0x00;
  p += wire_vi64_put(p, 5);
  p += wire_vi64_put(p, group);
  p += wire_vi64_put(p, 0);
  *p++ = priority;
  for (size_t i = 0; i < size; i++)
    *p++ = content(group, i);
  qc_datagram_send(e->qc, buf, (size_t)(p - buf));
  e->datagrams_sent++;
}

void endpoint_publish_done(struct endpoint *e) {
  moqt_publish_done(e->session, e->request, MOQT_DONE_TRACK_ENDED, e->streams_sent, "");
}
