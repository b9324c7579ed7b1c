#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peer/path_mtu.h"
#include "bench/peer/peer_state.h"
#include "relay/moqt/codes.h"
#include "relay/moqt/session.h"
#include "version.h"

#define MS UINT64_C(1000000)
/* A lost connection is dialled again at once, then after 50 ms, 100 ms, ..., 3.2 s. */
#define REDIALS   8
#define REDIAL_NS (50 * MS)
/* RFC 9000 10.1; no scenario is quiet for longer and means it. */
#define IDLE_NS (30000 * MS)
/* The first handshake, also after a connection was lost: as long as a run waits for it. */
#define HANDSHAKE_NS (28000 * MS)
/* Each probe timeout is twice the one before (RFC 9002 6.2): Initials at 0, 1, 3, 7 and 15 s, and
 * a link may lose five packets in a row. So who hears nothing at all dials anew before the third:
 * that are 22 in 28 s. */
#define UNHEARD_NS (2500 * MS)
/* A client that only receives shows a new address with this at the latest. */
#define KEEP_ALIVE_NS (1000 * MS)
/* Largest payload whose packets fit 1,500 bytes over IPv6: the datapath copies
 * between IP versions of one size. */
#define MAX_PAYLOAD  1452
#define IPV6_HEADERS 48
#define MAX_DATAGRAM 65535
/* Requests are few and small. */
#define REQUEST_WINDOW  65536
#define REQUEST_STREAMS 512

/* ---- telling ---------------------------------------------------------------------------- */

void peer_tell(struct peer *peer, const struct peer_event *event) {
  peer->outside.event(peer->outside.arg, event);
}

static void fail(struct peer *peer, const char *text) {
  if (peer->state != PEER_RUNNING || peer->rogue)
    return; /* a rogue goes on whatever happens to it */
  peer->state = PEER_BROKEN;
  peer_tell(peer, &(struct peer_event){.kind = PEER_FAILED, .text = text});
}

static void role_failed(void *arg, const char *text) {
  fail(arg, text);
}

static void role_announced(void *arg) {
  peer_tell(arg, &(struct peer_event){.kind = PEER_ANNOUNCED});
}

static void role_published(void *arg, const struct publisher_report *report) {
  peer_tell(arg, &(struct peer_event){.kind = PEER_PUBLISHED,
                                      .objects = report->objects,
                                      .planned = report->planned,
                                      .late_p99_ns = report->late_p99_ns,
                                      .late_max_ns = report->late_max_ns});
}

static void role_answered(void *arg, uint64_t ok, uint64_t refused) {
  peer_tell(arg, &(struct peer_event){.kind = PEER_ANSWERED, .ok = ok, .refused = refused});
}

static void role_received(void *arg, const struct plan_track *track, uint64_t offset,
                          const uint8_t *data, size_t len) {
  struct peer *peer = arg;
  if (peer->outside.received)
    peer->outside.received(peer->outside.arg, track, offset, data, len);
}

static const uint8_t *role_file(void *arg, const struct plan_track *track, size_t *len) {
  struct peer *peer = arg;
  return peer->outside.file ? peer->outside.file(peer->outside.arg, track, len) : NULL;
}

/* ---- the transport, as the session uses it -------------------------------------------------- */

static int64_t open_uni(void *arg) {
  const int64_t sid = qc_open_uni(arg);
  if (sid >= 0)
    qc_stream_priority(arg, sid, QC_PRIORITY_CONTROL);
  return sid;
}

static int64_t open_bidi(void *arg) {
  const int64_t sid = qc_open_bidi(arg);
  if (sid >= 0)
    qc_stream_priority(arg, sid, QC_PRIORITY_CONTROL);
  return sid;
}

static int send_stream(void *arg, int64_t sid, const uint8_t *data, size_t len, bool fin) {
  const int result = qc_stream_send(arg, sid, data, len, fin);
  qc_stream_priority(arg, sid, QC_PRIORITY_CONTROL); /* answers on the peer's streams too */
  return result;
}

static void reset_stream(void *arg, int64_t sid, uint64_t code) {
  qc_stream_reset(arg, sid, code);
}

static void stop_stream(void *arg, int64_t sid, uint64_t code) {
  qc_stream_stop(arg, sid, code);
}

static void close_session(void *arg, uint64_t code, const char *reason) {
  qc_close(arg, code, reason);
}

static const struct moqt_ops session_ops = {
    .open_uni = open_uni,
    .open_bidi = open_bidi,
    .send = send_stream,
    .reset = reset_stream,
    .stop = stop_stream,
    .close = close_session,
};

/* ---- what the connection tells ------------------------------------------------------------------ */

static void on_handshake(void *app) {
  struct peer *peer = app;
  journal_connected(&peer->outside.journal, peer->now_ns, qc_odcid(peer->conn), &peer->path);
  peer->established = peer->got_in = true;
  peer->knocks_ns = 0;
  peer->redials = 0;
  if (moqt_session_start(peer->session))
    qc_close(peer->conn, MOQT_PROTOCOL_VIOLATION, "the relay allows no control stream");
}

static void on_stream_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                           bool fin) {
  struct peer *peer = app;
  (void)off;
  moqt_stream_in(peer->session, sid, data, len, fin);
}

static void on_stream_reset(void *app, int64_t sid, uint64_t code, uint64_t final_size) {
  struct peer *peer = app;
  (void)final_size;
  moqt_stream_reset_in(peer->session, sid, code);
}

static void on_stop_sending(void *app, int64_t sid, uint64_t code) {
  struct peer *peer = app;
  if (!moqt_stop_in(peer->session, sid, code) && peer->publisher)
    publisher_stopped(peer->publisher, sid);
}

static void on_datagram(void *app, const uint8_t *data, size_t len) {
  struct peer *peer = app;
  moqt_datagram_in(peer->session, data, len);
}

static void on_closed(void *app, const struct qc_close_info *info) {
  struct peer *peer = app;
  peer->closed = true;
  peer->close_info = *info;
  journal_closed(&peer->outside.journal, peer->now_ns, qc_odcid(peer->conn), info);
}

static void on_rand(void *app, uint8_t *dest, size_t len) {
  struct peer *peer = app;
  peer->outside.random(peer->outside.arg, dest, len);
}

static void on_qlog(void *arg, const void *data, size_t len) {
  struct peer *peer = arg;
  peer->outside.qlog(peer->outside.arg, peer->n_conns, data, len);
}

static const struct qc_callbacks conn_callbacks = {
    .handshake_done = on_handshake,
    .stream_data = on_stream_data,
    .stream_reset = on_stream_reset,
    .stop_sending = on_stop_sending,
    .datagram = on_datagram,
    .closed = on_closed,
    .rand = on_rand,
};

/* ---- life ------------------------------------------------------------------------------------------ */

static bool make_role(struct peer *peer) {
  const struct journal *journal = &peer->outside.journal;
  if (plan_part(peer->plan, peer->node) == PLAN_PUBLISHER)
    peer->publisher = publisher_new(peer->plan, peer->node, journal,
                                    &(struct publisher_owner){.arg = peer,
                                                              .announced = role_announced,
                                                              .published = role_published,
                                                              .failed = role_failed,
                                                              .file = role_file});
  else
    peer->subscriber = subscriber_new(peer->plan, peer->node, journal,
                                      &(struct subscriber_owner){.arg = peer,
                                                                 .answered = role_answered,
                                                                 .failed = role_failed,
                                                                 .received = role_received});
  if (peer->plan->nodes[peer->node].role == PLAN_ROGUE) {
    peer->rogue =
        rogue_new(peer->plan, peer->node, &(struct rogue_owner){.arg = peer, .random = on_rand});
    if (!peer->rogue)
      return false;
  }
  return peer->publisher || peer->subscriber;
}

static struct qc_tls *make_tls(const struct peer *peer) {
  const struct plan_node *node = &peer->plan->nodes[peer->node];
  const struct qc_tls_config config = {
      .alpn = MOQT_ALPN,
      .cipher = node->cipher == PLAN_AES128GCM ? QC_AES_128_GCM : QC_CHACHA20_POLY1305,
      .keylog = peer->outside.keylog,
      .keylog_arg = peer->outside.arg,
  };
  return qc_tls_new(&config);
}

struct peer *peer_new(const struct plan *plan, int node, const struct peer_outside *outside,
                      const char **why) {
  const enum plan_role role = plan->nodes[node].role;
  *why = "expected a publisher, a subscriber or a rogue";
  if (role != PLAN_PUBLISHER && role != PLAN_SUBSCRIBER && role != PLAN_ROGUE)
    return NULL;
  struct peer *peer = calloc(1, sizeof *peer);
  *why = "no memory";
  if (!peer)
    return NULL;
  peer->plan = plan;
  peer->node = node;
  peer->outside = *outside;
  peer->tls = make_tls(peer);
  if (!peer->tls)
    *why = "wolfSSL makes no TLS context";
  else if (!make_role(peer))
    *why = "no memory, or a file to publish cannot be read";
  else
    return peer;
  peer_free(peer);
  return NULL;
}

void peer_disconnect(struct peer *peer) {
  if (peer->publisher)
    publisher_detach(peer->publisher);
  if (peer->subscriber)
    subscriber_detach(peer->subscriber);
  if (peer->rogue)
    rogue_detach(peer->rogue);
  moqt_session_free(peer->session);
  qc_free(peer->conn);
  peer->session = NULL;
  peer->conn = NULL;
  peer->closed = false;
  peer->redial_at_ns = 0;
}

void peer_free(struct peer *peer) {
  if (!peer)
    return;
  peer_disconnect(peer);
  peer_free_waiting(peer);
  publisher_free(peer->publisher);
  subscriber_free(peer->subscriber);
  rogue_free(peer->rogue);
  qc_tls_free(peer->tls);
  free(peer);
}

enum peer_state peer_state(const struct peer *peer) {
  return peer->state;
}

/* When one must have got through; 0: one did. */
static uint64_t knocks_until(const struct peer *peer) {
  return peer->knocks_ns ? peer->knocks_ns + HANDSHAKE_NS : 0;
}

static struct qc_config conn_config(struct peer *peer) {
  const struct plan_node *node = &peer->plan->nodes[peer->node];
  const uint32_t mtu = path_mtu(peer->plan, peer->node);
  return (struct qc_config){
      .tls = peer->tls,
      .protection = node->protection == PLAN_PROT_NONE ? QC_PROTECT_NONE : QC_PROTECT_TLS,
      .callbacks = &conn_callbacks,
      .app = peer,
      .path = peer->path,
      .now_ns = peer->now_ns,
      .cid_len = (uint8_t)node->cid_len,
      .max_data = node->window_bytes,
      .max_stream_data_bidi = REQUEST_WINDOW,
      .max_stream_data_uni = node->window_bytes,
      .max_streams_bidi = REQUEST_STREAMS,
      .max_streams_uni = node->max_streams,
      .max_idle_ns = IDLE_NS,
      .handshake_ns = knocks_until(peer) > peer->now_ns ? knocks_until(peer) - peer->now_ns : 0,
      .max_ack_delay_ns = node->ack_delay_ns,
      .max_datagram_frame = MAX_DATAGRAM,
      .max_udp_payload = mtu - IPV6_HEADERS < MAX_PAYLOAD ? mtu - IPV6_HEADERS : MAX_PAYLOAD,
      .keep_alive_ns = KEEP_ALIVE_NS,
      .qlog = peer->outside.qlog ? on_qlog : NULL,
      .qlog_arg = peer,
  };
}

int peer_dial(struct peer *peer) {
  if (!peer->knocks_ns)
    peer->knocks_ns = peer->now_ns;
  struct qc_config config = conn_config(peer);
  if (peer->rogue)
    rogue_config(peer->rogue, &config);
  peer->n_conns++;
  peer->established = false;
  peer->dialled_ns = peer->now_ns;
  peer->conn = qc_client(&config, "fanbench");
  if (!peer->conn)
    return -1;
  const struct moqt_config moqt = {
      .ops = &session_ops,
      .ops_arg = peer->conn,
      .events = peer->publisher ? &publisher_events : &subscriber_events,
      .app = peer->publisher ? (void *)peer->publisher : (void *)peer->subscriber,
      .path = "/fanbench",
      .authority = peer->authority,
      .implementation = "fanbench/" FANBENCH_VERSION,
  };
  peer->session = moqt_session_new(&moqt);
  if (!peer->session) {
    qc_free(peer->conn);
    peer->conn = NULL;
    return -1;
  }
  if (peer->publisher)
    publisher_attach(peer->publisher, peer->conn, peer->session);
  else
    subscriber_attach(peer->subscriber, peer->conn, peer->session);
  if (peer->rogue)
    rogue_attach(peer->rogue, peer->conn);
  return 0;
}

/* From the port it has: the relay knows an endpoint by nothing else. */
static void redial(struct peer *peer) {
  peer_disconnect(peer);
  peer->path.local = peer->local;
  if (peer_dial(peer))
    fail(peer, "no memory for a connection");
}

void peer_set_clock(struct peer *peer, uint64_t now_ns) {
  peer->now_ns = now_ns;
  peer->settled = false;
  if (peer->publisher)
    publisher_clock(peer->publisher, now_ns);
  else
    subscriber_clock(peer->subscriber, now_ns);
  if (peer->rogue)
    rogue_clock(peer->rogue, now_ns);
}

int peer_connect(struct peer *peer, const struct qc_path *path, const char *authority,
                 uint64_t now_ns) {
  peer_set_clock(peer, now_ns);
  peer->path = *path;
  peer->local = path->local;
  snprintf(peer->authority, sizeof peer->authority, "%s", authority);
  return peer_dial(peer);
}

/* ---- packets and time --------------------------------------------------------------------------------- */

static bool same_addr(const struct qc_addr *a, const struct qc_addr *b) {
  return a->len == b->len && memcmp(&a->in6, &b->in6, a->len) == 0;
}

bool peer_wants_input(const struct peer *peer) {
  return !peer->vanished;
}

/* The relay is not there any more, or does not know the connection: it died, or was restarted. Not
 * the first handshake: whoever never got in has a wrong plan. */
static bool is_lost(const struct peer *peer) {
  const enum qc_close_by by = peer->close_info.by;
  return by == QC_CLOSED_RESET || by == QC_CLOSED_IDLE ||
         (by == QC_CLOSED_ERROR && !peer->established && peer->got_in);
}

/* Has the relay answered? Then packets go to the ID that it chose. What comes for an older connection
 * of this port is no answer. */
static bool is_heard(const struct peer *peer) {
  const struct qc_cid *first = qc_odcid(peer->conn);
  struct qc_cid now;
  qc_dcid(peer->conn, &now);
  return now.len != first->len || memcmp(now.data, first->data, now.len) != 0;
}

/* When a connection that hears nothing is given up for a next one; not the last one in time. */
static uint64_t unheard_until(const struct peer *peer) {
  if (!peer->knocks_ns || peer->closed || peer->stopping || peer->rogue || is_heard(peer) ||
      peer->dialled_ns + 2 * UNHEARD_NS > knocks_until(peer))
    return UINT64_MAX;
  return peer->dialled_ns + UNHEARD_NS;
}

/* Who was closed for what it did stays away for a moment. Nobody waits for it any more. */
static void come_back(struct peer *peer) {
  if (peer->publisher)
    role_announced(peer);
  if (peer->n_conns < ROGUE_RETURNS)
    peer->redial_at_ns = peer->now_ns + ROGUE_AWAY_NS;
}

/* The end of the connection, when nobody asked for it, ends what depends on it. */
static void check_loss(struct peer *peer) {
  char text[192];
  const char *before = NULL;
  if (!peer->closed || peer->stopping || peer->redial_at_ns)
    return;
  if (peer->rogue) {
    come_back(peer);
    return;
  }
  if (is_lost(peer) && peer->redials < REDIALS) {
    peer->redial_at_ns = peer->now_ns + (peer->redials ? REDIAL_NS << (peer->redials - 1) : 1);
    peer->redials++;
    return;
  }
  if (peer->publisher && !publisher_is_done(peer->publisher))
    before = "everything was published";
  if (peer->subscriber && !subscriber_is_answered(peer->subscriber))
    before = "every subscription of at: 0s was answered";
  if (!before)
    return;
  static const char *const by[] = {
      [QC_CLOSED_SELF] = "this endpoint",         [QC_CLOSED_PEER] = "the relay",
      [QC_CLOSED_IDLE] = "the idle timeout",      [QC_CLOSED_RESET] = "a stateless reset",
      [QC_CLOSED_ERROR] = "this endpoint's QUIC",
  };
  snprintf(text, sizeof text, "connection closed by %s before %s: %s error 0x%llx%s%s",
           by[peer->close_info.by], before,
           peer->close_info.application ? "application" : "transport",
           (unsigned long long)peer->close_info.code, peer->close_info.reason[0] ? ", " : "",
           peer->close_info.reason);
  fail(peer, text);
}

void peer_check_stop(struct peer *peer) {
  if (!peer->stopping || peer->state != PEER_RUNNING)
    return;
  if (peer->conn && !peer->vanished && !qc_is_finished(peer->conn) &&
      peer->now_ns < peer->stop_until_ns)
    return;
  peer->state = PEER_STOPPED;
  peer_tell(peer, &(struct peer_event){.kind = PEER_BYE});
}

void peer_in(struct peer *peer, const struct qc_path *path, const uint8_t *data, size_t len,
             uint64_t now_ns) {
  struct qc_path from = *path;
  if (!peer->conn || peer->vanished)
    return;
  peer_set_clock(peer, now_ns);
  if (same_addr(&from.local, &peer->local))
    from.local = peer->path.local;
  qc_read(peer->conn, &from, data, len, now_ns);
  check_loss(peer);
}

static void run_role(struct peer *peer) {
  if (peer->publisher)
    publisher_run(peer->publisher);
  else
    subscriber_run(peer->subscriber);
  if (peer->rogue)
    rogue_run(peer->rogue);
}

size_t peer_out(struct peer *peer, struct qc_path *path, uint8_t *buf, size_t room,
                uint64_t now_ns) {
  if (!peer->conn || peer->vanished) {
    peer_check_stop(peer);
    return 0;
  }
  if (!peer->settled) {
    peer_set_clock(peer, now_ns);
    peer_run_waiting(peer);
    if (!peer->conn || peer->vanished || peer->state != PEER_RUNNING)
      return 0;
    run_role(peer);
    peer->settled = true;
  }
  const size_t len = qc_write(peer->conn, path, buf, room, now_ns);
  check_loss(peer);
  if (len == 0)
    peer_check_stop(peer);
  else if (same_addr(&path->local, &peer->path.local))
    path->local = peer->local;
  return len;
}

uint64_t peer_deadline(const struct peer *peer) {
  uint64_t next, role;
  if (!peer->conn || peer->vanished)
    return UINT64_MAX;
  next = qc_deadline(peer->conn);
  if (peer->n_waiting > 0 && peer->retry_ns < next)
    next = peer->retry_ns;
  if (peer->redial_at_ns && peer->redial_at_ns < next)
    next = peer->redial_at_ns;
  if (unheard_until(peer) < next)
    next = unheard_until(peer);
  role =
      peer->publisher ? publisher_deadline(peer->publisher) : subscriber_deadline(peer->subscriber);
  if (role < next)
    next = role;
  if (peer->rogue && rogue_deadline(peer->rogue) < next)
    next = rogue_deadline(peer->rogue);
  return peer->stopping && peer->stop_until_ns < next ? peer->stop_until_ns : next;
}

void peer_expire(struct peer *peer, uint64_t now_ns) {
  if (!peer->conn || peer->vanished)
    return;
  peer_set_clock(peer, now_ns);
  if (peer->redial_at_ns && peer->redial_at_ns <= now_ns) {
    redial(peer);
    return;
  }
  if (unheard_until(peer) <= now_ns) {
    peer->redial_at_ns = now_ns + 1;
    qc_close(peer->conn, MOQT_NO_ERROR, "");
    return;
  }
  if (qc_deadline(peer->conn) <= now_ns)
    qc_handle_expiry(peer->conn, now_ns);
  check_loss(peer);
}
