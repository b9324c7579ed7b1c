/* Packets and time: reading, packing, closing. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "relay/quic/conn_state.h"

#define VECS              8
#define CLOSE_PERIOD_PTOS 3 /* RFC 9000 10.2 */

/* ---- ending ----------------------------------------------------------------------- */

static void tell_closed(struct qc *conn, enum qc_close_by by, bool application, uint64_t code,
                        const uint8_t *reason, size_t reason_len) {
  struct qc_close_info info = {.by = by, .application = application, .code = code};
  size_t n = reason_len < sizeof(info.reason) - 1 ? reason_len : sizeof(info.reason) - 1;

  for (size_t i = 0; i < n; i++)
    info.reason[i] = isprint(reason[i]) ? (char)reason[i] : '?';
  if (conn->config.callbacks->closed)
    conn->config.callbacks->closed(conn->config.app, &info);
}

static uint64_t close_period(const struct qc *conn) {
  return CLOSE_PERIOD_PTOS * NG_GET(pto)((ngtcp2_conn *)(uintptr_t)conn->ng);
}

/* The first reason wins. */
static void begin_close(struct qc *conn, enum qc_close_by by, bool application, uint64_t code,
                        const char *reason) {
  size_t len;

  if (conn->phase != QC_OPEN)
    return;
  conn->phase = QC_CLOSING;
  conn->close_due = true;
  len = strlen(reason);
  if (len >= sizeof(conn->close_text))
    len = sizeof(conn->close_text) - 1;
  memcpy(conn->close_text, reason, len);
  if (application)
    ngtcp2_ccerr_set_application_error(&conn->close_error, code, (uint8_t *)conn->close_text, len);
  else
    ngtcp2_ccerr_set_transport_error(&conn->close_error, code, (uint8_t *)conn->close_text, len);
  tell_closed(conn, by, application, code, (uint8_t *)conn->close_text, len);
}

static void begin_draining(struct qc *conn, enum qc_close_by by, bool application, uint64_t code,
                           const uint8_t *reason, size_t reason_len) {
  const bool told = conn->phase != QC_OPEN;

  if (conn->phase == QC_FINISHED || conn->phase == QC_DRAINING)
    return;
  conn->phase = QC_DRAINING;
  conn->close_due = false;
  conn->close_end_ns = conn->now_ns + close_period(conn);
  if (!told)
    tell_closed(conn, by, application, code, reason, reason_len);
}

static void finish(struct qc *conn, enum qc_close_by by, const char *reason) {
  const bool told = conn->phase != QC_OPEN;

  conn->phase = QC_FINISHED;
  conn->close_due = false;
  if (!told)
    tell_closed(conn, by, false, 0, (const uint8_t *)reason, strlen(reason));
}

void qc_close(struct qc *conn, uint64_t code, const char *reason) {
  begin_close(conn, QC_CLOSED_SELF, true, code, reason ? reason : "");
}

void qc_close_transport(struct qc *conn, uint64_t code, const char *reason) {
  begin_close(conn, QC_CLOSED_SELF, false, code, reason ? reason : "");
}

/* An error that ngtcp2 reported. */
static void fail(struct qc *conn, int rv) {
  ngtcp2_ccerr error;

  switch (rv) {
  case NGTCP2_ERR_DRAINING: {
    const ngtcp2_ccerr *peer = NG_GET(ccerr)(conn->ng);
    if (conn->reset_seen)
      begin_draining(conn, QC_CLOSED_RESET, false, 0, (const uint8_t *)"stateless reset", 15);
    else
      begin_draining(conn, QC_CLOSED_PEER, peer->type == NGTCP2_CCERR_TYPE_APPLICATION,
                     peer->error_code, peer->reason, peer->reasonlen);
    return;
  }
  case NGTCP2_ERR_IDLE_CLOSE:
    finish(conn, QC_CLOSED_IDLE, "idle timeout");
    return;
  case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
    finish(conn, QC_CLOSED_ERROR, "handshake timeout");
    return;
  case NGTCP2_ERR_DROP_CONN:
    finish(conn, QC_CLOSED_ERROR, "dropped before the handshake");
    return;
  case NGTCP2_ERR_CLOSING:
    return;
  default:
    break;
  }
  ngtcp2_ccerr_default(&error);
  if (rv == NGTCP2_ERR_CRYPTO || (rv == NGTCP2_ERR_CALLBACK_FAILURE && NG_GET(tls_alert)(conn->ng)))
    ngtcp2_ccerr_set_tls_alert(&error, NG_GET(tls_alert)(conn->ng), NULL, 0);
  else if (conn->hook_failed && conn->hook_error)
    ngtcp2_ccerr_set_transport_error(&error, conn->hook_error, NULL, 0);
  else
    ngtcp2_ccerr_set_liberr(&error, rv, NULL, 0);
  begin_close(conn, QC_CLOSED_ERROR, false, error.error_code, ngtcp2_strerror(rv));
}

/* ---- reading --------------------------------------------------------------------------- */

/* RFC 9000 10.2.1: packets in the closing period are answered with the same
 * CONNECTION_CLOSE, ever more rarely. */
static void seen_while_closing(struct qc *conn) {
  if (conn->phase != QC_CLOSING || !conn->close_packet)
    return;
  if (++conn->close_seen < conn->close_next)
    return;
  conn->close_next *= 2;
  conn->close_seen = 0;
  conn->close_due = true;
}

/* While closing, only the peer's own CONNECTION_CLOSE matters. */
static int read_while_closed(struct qc *conn, const ngtcp2_path *path, const ngtcp2_pkt_info *info,
                             const uint8_t *data, size_t len) {
  if (conn->phase == QC_CLOSING && !conn->close_due && conn->close_packet &&
      ngtcp2_conn_read_pkt(conn->ng, path, info, data, len, conn->now_ns) == NGTCP2_ERR_DRAINING)
    begin_draining(conn, QC_CLOSED_PEER, false, 0, NULL, 0);
  seen_while_closing(conn);
  return -1;
}

static void note_datagram(struct qc *conn, const struct qc_path *path, size_t len) {
  struct qc_path now;

  qc_path_now(conn, &now);
  paths_came(&conn->paths, path, &now, len);
}

int qc_read(struct qc *conn, const struct qc_path *path, const uint8_t *data, size_t len,
            uint64_t now_ns) {
  struct qc_path from = *path;
  const ngtcp2_path ng_path = qc_path_to(&from);
  const ngtcp2_pkt_info info = {0};
  int rv;

  conn->now_ns = now_ns;
  if (qc_is_limited(conn))
    note_datagram(conn, path, len);
  if (conn->phase != QC_OPEN)
    return read_while_closed(conn, &ng_path, &info, data, len);
  conn->reading = path;
  rv = ngtcp2_conn_read_pkt(conn->ng, &ng_path, &info, data, len, now_ns);
  conn->reading = NULL;
  if (rv)
    fail(conn, rv);
  else if (conn->phase == QC_OPEN)
    qc_tell_changes(conn);
  return conn->phase == QC_OPEN ? 0 : -1;
}

/* ---- packing ------------------------------------------------------------------------------ */

/* The packet being written. */
struct packing {
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  uint8_t *buf;
  size_t room;
  bool no_streams; /* the connection's flow control leaves nothing */
};

/* What one step of packing came to. */
enum packed { PACKED_MORE, PACKED_DONE };

static enum packed put_datagram(struct qc *conn, struct packing *packing, ngtcp2_ssize *n) {
  struct qc_datagram *datagram = conn->datagram_head;
  const ngtcp2_vec vec = {.base = datagram->data, .len = datagram->len};
  int accepted = 0;

  *n = ngtcp2_conn_writev_datagram(conn->ng, &packing->path.path, &packing->info, packing->buf,
                                   packing->room, &accepted, NGTCP2_WRITE_DATAGRAM_FLAG_MORE, 0,
                                   &vec, 1, conn->now_ns);
  if (accepted) {
    conn->datagram_head = datagram->next;
    if (!conn->datagram_head)
      conn->datagram_tail = NULL;
    conn->datagram_bytes -= datagram->len;
    free(datagram);
  }
  return *n == NGTCP2_ERR_WRITE_MORE ? PACKED_MORE : PACKED_DONE;
}

static enum packed put_stream(struct qc *conn, struct packing *packing, struct qc_stream *stream,
                              ngtcp2_ssize *n) {
  ngtcp2_vec vec[VECS];
  bool fin;
  const size_t n_vec = qc_stream_unsent(stream, vec, VECS, &fin);
  ngtcp2_ssize written = -1;
  size_t total = 0;

  for (size_t i = 0; i < n_vec; i++)
    total += vec[i].len;
  *n = ngtcp2_conn_writev_stream(
      conn->ng, &packing->path.path, &packing->info, packing->buf, packing->room, &written,
      NGTCP2_WRITE_STREAM_FLAG_MORE | (fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0), stream->sid, vec,
      n_vec, conn->now_ns);
  if (written >= 0)
    qc_stream_on_written(conn, stream, (size_t)written, fin && (size_t)written == total);
  switch (*n) {
  case NGTCP2_ERR_WRITE_MORE:
    return PACKED_MORE;
  case NGTCP2_ERR_STREAM_DATA_BLOCKED:
    if (NG_GET(max_data_left)(conn->ng) == 0) {
      packing->no_streams = true;
    } else {
      stream->blocked = true;
      qc_ready_remove(conn, stream);
    }
    return PACKED_MORE;
  case NGTCP2_ERR_STREAM_SHUT_WR:
  case NGTCP2_ERR_STREAM_NOT_FOUND:
    qc_stream_dead(conn, stream);
    return PACKED_MORE;
  default:
    return PACKED_DONE;
  }
}

/* By priority, of equal ones datagrams; control streams before all. */
static enum packed put_next(struct qc *conn, struct packing *packing, ngtcp2_ssize *n) {
  struct qc_stream *stream =
      packing->no_streams || !conn->handshake_done ? NULL : qc_ready_first(conn);

  struct qc_datagram *datagram = conn->handshake_done ? conn->datagram_head : NULL;
  if (datagram && (!stream || (stream->priority != QC_PRIORITY_CONTROL &&
                               datagram->priority <= stream->priority)))
    return put_datagram(conn, packing, n);
  if (stream)
    return put_stream(conn, packing, stream, n);
  *n = ngtcp2_conn_writev_stream(conn->ng, &packing->path.path, &packing->info, packing->buf,
                                 packing->room, NULL, NGTCP2_WRITE_STREAM_FLAG_NONE, -1, NULL, 0,
                                 conn->now_ns);
  return PACKED_DONE;
}

void qc_hold(struct qc *conn, enum qc_hold hold) {
  conn->hold = hold;
}

/* The handshake is not paced: it is less than an initial window. A probe that its pacing held back would
 * let ngtcp2 count the same timeout again and again, when the first round trip turns out to be much
 * shorter than was thought: the next one would then be a second later, not twice that round trip. */
static void end_burst(struct qc *conn) {
  if (conn->handshake_done)
    ngtcp2_conn_update_pkt_tx_time(conn->ng, conn->now_ns);
  conn->burst = 0;
}

/* While its pacing makes a pause, ngtcp2 writes acknowledgements alone, which is what to hold all
 * else needs; and a pause can be had for bytes that left and were not paced. So a few, of who has
 * little to send beside others, are kept for it: what they are worth it may pause too long. */
#define KEPT_FOR_HOLD 1000

static bool keeps_burst(const struct qc *conn) {
  return conn->config.protect && conn->burst < KEPT_FOR_HOLD;
}

static size_t write_packet(struct qc *conn, struct qc_path *path, uint8_t *buf, size_t room) {
  struct packing packing = {.buf = buf, .room = room};
  ngtcp2_ssize n = 0;

  if (conn->burst && conn->burst >= NG_GET(send_quantum)(conn->ng))
    end_burst(conn);
  ngtcp2_path_storage_zero(&packing.path);
  conn->growth = 0;
  conn->challenged = false;
  packing.no_streams = conn->hold != QC_HOLD_NONE;
  if (conn->hold == QC_HOLD_ALL && conn->burst)
    end_burst(conn);
  if (conn->handshake_done && NG_GET(max_data_left)(conn->ng) == 0 && conn->n_ready &&
      qc_ready_first(conn)->sent < qc_ready_first(conn)->end)
    packing.no_streams = true;
  while (put_next(conn, &packing, &n) == PACKED_MORE)
    ;
  if (n < 0) {
    fail(conn, (int)n);
    return 0;
  }
  if (n == 0) {
    if (conn->burst && !keeps_burst(conn))
      end_burst(conn);
    return 0;
  }
  qc_path_from(&packing.path.path, path);
  conn->burst += (size_t)n;
  if (conn->challenged)
    paths_challenged(&conn->paths, path, conn->challenge);
  return (size_t)n + conn->growth;
}

static size_t write_close(struct qc *conn, struct qc_path *path, uint8_t *buf, size_t room) {
  ngtcp2_path_storage storage;
  ngtcp2_pkt_info info;
  ngtcp2_ssize n;

  conn->close_due = false;
  if (!conn->close_packet) {
    ngtcp2_path_storage_zero(&storage);
    conn->growth = 0;
    n = ngtcp2_conn_write_connection_close(conn->ng, &storage.path, &info, buf, room,
                                           &conn->close_error, conn->now_ns);
    if (n <= 0) {
      conn->phase = QC_FINISHED;
      return 0;
    }
    conn->close_len = (size_t)n + conn->growth;
    qc_path_from(&storage.path, &conn->close_path);
    conn->close_end_ns = conn->now_ns + close_period(conn);
    conn->close_packet = malloc(conn->close_len);
    if (conn->close_packet)
      memcpy(conn->close_packet, buf, conn->close_len);
    *path = conn->close_path;
    return conn->close_len;
  }
  if (conn->close_len > room + QC_GROWTH)
    return 0;
  memcpy(buf, conn->close_packet, conn->close_len);
  *path = conn->close_path;
  return conn->close_len;
}

/* ngtcp2 does not know by how much the hook lengthens a packet. */
static size_t within_limit(const struct qc *conn, size_t most) {
  struct qc_path now;
  size_t left;

  qc_path_now(conn, &now);
  left = paths_left(&conn->paths, &now);
  left = left > QC_GROWTH ? left - QC_GROWTH : 0;
  return left < most ? left : most;
}

static size_t write_any(struct qc *conn, struct qc_path *path, uint8_t *buf, size_t most) {
  size_t n;

  if (conn->phase == QC_OPEN) {
    n = write_packet(conn, path, buf, most);
    if (conn->phase == QC_OPEN) {
      qc_tell_changes(conn);
      return n;
    }
  }
  return conn->phase == QC_CLOSING && conn->close_due ? write_close(conn, path, buf, most) : 0;
}

size_t qc_write(struct qc *conn, struct qc_path *path, uint8_t *buf, size_t room, uint64_t now_ns) {
  size_t most = qc_own_room(&conn->config);
  size_t n;

  conn->now_ns = now_ns;
  if (room < most + QC_GROWTH)
    return 0;
  if (!qc_is_limited(conn))
    return write_any(conn, path, buf, most);
  n = write_any(conn, path, buf, within_limit(conn, most));
  if (n)
    paths_went(&conn->paths, path, n);
  return n;
}

/* ---- time ------------------------------------------------------------------------------------ */

uint64_t qc_deadline(const struct qc *conn) {
  switch (conn->phase) {
  case QC_OPEN:
    return NG_GET(expiry)((ngtcp2_conn *)(uintptr_t)conn->ng);
  case QC_CLOSING:
    return conn->close_due ? conn->now_ns : conn->close_end_ns;
  case QC_DRAINING:
    return conn->close_end_ns;
  default:
    return UINT64_MAX;
  }
}

void qc_handle_expiry(struct qc *conn, uint64_t now_ns) {
  int rv;

  conn->now_ns = now_ns;
  if (conn->phase == QC_OPEN) {
    rv = ngtcp2_conn_handle_expiry(conn->ng, now_ns);
    if (rv)
      fail(conn, rv);
    else
      qc_tell_changes(conn);
  } else if (conn->phase != QC_FINISHED && !conn->close_due && now_ns >= conn->close_end_ns) {
    conn->phase = QC_FINISHED;
  }
}
