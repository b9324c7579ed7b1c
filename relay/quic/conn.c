/* A connection's life: making it, its parameters, asking about it. */
#include <stdlib.h>
#include <string.h>

#include "relay/quic/conn_state.h"

#define CLIENT_ODCID_LEN  16
#define HANDSHAKE_TIMEOUT (10 * NGTCP2_SECONDS)
#define ID_LIMIT          7 /* active_connection_id_limit: as many as ngtcp2 keeps */
#define RESET_MIN         (NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN)
#define DEFAULT_ACK_DELAY (25 * NGTCP2_MILLISECONDS)
/* What a DATAGRAM frame takes besides its payload: type, 2-byte length, short
 * header with a 20-byte ID and a 4-byte number, tag. */
#define DATAGRAM_OVERHEAD (1 + 2 + 1 + 20 + 4 + QC_TAG_LEN)

static void write_qlog(void *user, uint32_t flags, const void *data, size_t len) {
  const struct qc *conn = user;
  (void)flags;
  conn->config.qlog(conn->config.qlog_arg, data, len);
}

/* Room that ngtcp2 may fill: what the owner allows less what a joint number
 * may add, but never under 1,200. Below that ngtcp2 silently leaves a server's
 * Initial unwritten and repeats PATH_CHALLENGE for ever. */
size_t qc_own_room(const struct qc_config *config) {
  size_t room = config->max_udp_payload;

  if (config->protect && config->protect->sealing)
    room = room > QC_GROWTH ? room - QC_GROWTH : 0;
  return room < QC_MIN_PAYLOAD ? QC_MIN_PAYLOAD : room;
}

bool qc_is_limited(const struct qc *conn) {
  return conn->server && conn->config.protect && conn->config.protect->sealing;
}

static void fill_settings(struct qc *conn, ngtcp2_settings *settings) {
  const struct qc_config *config = &conn->config;

  ngtcp2_settings_default(settings);
  settings->initial_ts = config->now_ns;
  settings->cc_algo = config->cubic ? NGTCP2_CC_ALGO_CUBIC : NGTCP2_CC_ALGO_RENO;
  settings->max_tx_udp_payload_size = qc_own_room(config);
  settings->no_tx_udp_payload_size_shaping = 1;
  settings->no_pmtud = 1;
  settings->handshake_timeout = config->handshake_ns ? config->handshake_ns : HANDSHAKE_TIMEOUT;
  settings->rand_ctx.native_handle = conn;
  settings->qlog_write = config->qlog ? write_qlog : NULL;
  /* Windows stay as declared, so that a scenario's window means something. */
  settings->max_window = 0;
  settings->max_stream_window = 0;
}

static void fill_params(const struct qc *conn, ngtcp2_transport_params *params) {
  const struct qc_config *config = &conn->config;

  ngtcp2_transport_params_default(params);
  params->initial_max_data = config->max_data;
  params->initial_max_stream_data_bidi_local = config->max_stream_data_bidi;
  params->initial_max_stream_data_bidi_remote = config->max_stream_data_bidi;
  params->initial_max_stream_data_uni = config->max_stream_data_uni;
  params->initial_max_streams_bidi = config->max_streams_bidi;
  params->initial_max_streams_uni = config->max_streams_uni;
  params->max_idle_timeout = config->max_idle_ns;
  params->max_ack_delay = config->max_ack_delay_ns ? config->max_ack_delay_ns : DEFAULT_ACK_DELAY;
  params->max_datagram_frame_size = config->max_datagram_frame;
  params->active_connection_id_limit = ID_LIMIT;
}

static struct qc *new_conn(const struct qc_config *config, bool server) {
  struct qc *conn = calloc(1, sizeof(*conn));

  if (!conn)
    return NULL;
  conn->config = *config;
  conn->server = server;
  conn->now_ns = config->now_ns;
  conn->path = config->path;
  conn->close_next = 1;
  ngtcp2_ccerr_default(&conn->close_error);
  return conn;
}

static int attach_tls(struct qc *conn, const char *server_name) {
  conn->ssl = qc_tls_session(conn, server_name);
  if (!conn->ssl)
    return -1;
  ngtcp2_conn_set_tls_native_handle(conn->ng, conn->ssl);
  if (conn->config.keep_alive_ns)
    ngtcp2_conn_set_keep_alive_timeout(conn->ng, conn->config.keep_alive_ns);
  qc_dcid(conn, &conn->dcid);
  return 0;
}

struct qc *qc_client(const struct qc_config *config, const char *server_name) {
  struct qc *conn = new_conn(config, false);
  ngtcp2_callbacks callbacks;
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  ngtcp2_cid dcid, scid;
  ngtcp2_path path;

  if (!conn)
    return NULL;
  conn->odcid.len = CLIENT_ODCID_LEN;
  qc_random(conn, conn->odcid.data, CLIENT_ODCID_LEN);
  ngtcp2_cid_init(&dcid, conn->odcid.data, CLIENT_ODCID_LEN);
  if (qc_make_cid(conn, &scid, config->cid_len))
    goto fail;
  qc_fill_callbacks(&callbacks, qc_own_keys(config));
  fill_settings(conn, &settings);
  fill_params(conn, &params);
  path = qc_path_to(&conn->config.path);
  if (ngtcp2_conn_client_new(&conn->ng, &dcid, &scid, &path, NGTCP2_PROTO_VER_V1, &callbacks,
                             &settings, &params, NULL, conn))
    goto fail;
  if (attach_tls(conn, server_name))
    goto fail;
  return conn;
fail:
  qc_free(conn);
  return NULL;
}

struct qc *qc_server(const struct qc_config *config, const uint8_t *data, size_t len) {
  struct qc *conn;
  ngtcp2_pkt_hd hd;
  ngtcp2_callbacks callbacks;
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  ngtcp2_cid scid;
  ngtcp2_path path;

  if (ngtcp2_accept(&hd, data, len) || hd.version != NGTCP2_PROTO_VER_V1)
    return NULL;
  conn = new_conn(config, true);
  if (!conn)
    return NULL;
  conn->odcid.len = (uint8_t)hd.dcid.datalen;
  memcpy(conn->odcid.data, hd.dcid.data, hd.dcid.datalen);
  if (qc_remember_cid(conn, hd.dcid.data, hd.dcid.datalen) ||
      qc_make_cid(conn, &scid, config->cid_len))
    goto fail;
  qc_fill_callbacks(&callbacks, qc_own_keys(config));
  fill_settings(conn, &settings);
  fill_params(conn, &params);
  params.original_dcid = hd.dcid;
  params.original_dcid_present = 1;
  if (ngtcp2_crypto_generate_stateless_reset_token(params.stateless_reset_token,
                                                   config->tls->reset_secret,
                                                   sizeof(config->tls->reset_secret), &scid) == 0)
    params.stateless_reset_token_present = 1;
  path = qc_path_to(&conn->config.path);
  if (ngtcp2_conn_server_new(&conn->ng, &hd.scid, &scid, &path, hd.version, &callbacks, &settings,
                             &params, NULL, conn))
    goto fail;
  if (attach_tls(conn, NULL))
    goto fail;
  return conn;
fail:
  qc_free(conn);
  return NULL;
}

void qc_free(struct qc *conn) {
  if (!conn)
    return;
  ngtcp2_conn_del(conn->ng);
  wolfSSL_free(conn->ssl);
  qc_streams_free(conn);
  qc_forget_cids(conn);
  free(conn->close_packet);
  explicit_bzero(conn->hp_keys, sizeof(conn->hp_keys));
  free(conn);
}

/* ---- asking ------------------------------------------------------------------------- */

bool qc_is_closed(const struct qc *conn) {
  return conn->phase != QC_OPEN;
}

bool qc_is_finished(const struct qc *conn) {
  return conn->phase == QC_FINISHED;
}

bool qc_is_established(const struct qc *conn) {
  return conn->handshake_done && conn->phase == QC_OPEN;
}

const struct qc_cid *qc_odcid(const struct qc *conn) {
  return &conn->odcid;
}

void qc_dcid(const struct qc *conn, struct qc_cid *out) {
  const ngtcp2_cid *dcid = NG_GET(dcid)(conn->ng);

  memset(out, 0, sizeof(*out));
  out->len = (uint8_t)dcid->datalen;
  memcpy(out->data, dcid->data, dcid->datalen);
}

void qc_path_now(const struct qc *conn, struct qc_path *out) {
  qc_path_from(NG_GET(path)(conn->ng), out);
}

void qc_peer_params(const struct qc *conn, struct qc_peer_params *out) {
  const ngtcp2_transport_params *params = NG_GET(remote_transport_params)(conn->ng);

  memset(out, 0, sizeof(*out));
  if (!params)
    return;
  out->max_data = params->initial_max_data;
  out->max_stream_data_uni = params->initial_max_stream_data_uni;
  out->max_streams_uni = params->initial_max_streams_uni;
  out->max_udp_payload = params->max_udp_payload_size;
  out->max_datagram_frame = params->max_datagram_frame_size;
  out->ack_delay_exponent = params->ack_delay_exponent;
  out->max_ack_delay_ns = params->max_ack_delay;
}

uint64_t qc_smoothed_rtt_ns(const struct qc *conn) {
  ngtcp2_conn_info info;

  /* The getter of 1.11 takes no const. */
  NG_GET(conn_info)((ngtcp2_conn *)(uintptr_t)conn->ng, &info);
  return info.smoothed_rtt;
}

/* A number takes at most 4 bytes. */
size_t qc_packet_room(const struct qc *conn) {
  size_t most = NG_GET(path_max_tx_udp_payload_size)(conn->ng);

  if (most > qc_own_room(&conn->config))
    most = qc_own_room(&conn->config);
  return most - (1u + conn->dcid.len + 4u + QC_TAG_LEN);
}

uint64_t qc_congestion_room(const struct qc *conn) {
  ngtcp2_conn_info info;

  NG_GET(conn_info)((ngtcp2_conn *)(uintptr_t)conn->ng, &info);
  return info.cwnd > info.bytes_in_flight ? info.cwnd - info.bytes_in_flight : 0;
}

/* ---- datagrams -------------------------------------------------------------------------- */

size_t qc_datagram_max(const struct qc *conn) {
  const ngtcp2_transport_params *params = NG_GET(remote_transport_params)(conn->ng);
  size_t most, frame;

  if (!conn->handshake_done || !params || params->max_datagram_frame_size == 0)
    return 0;
  most = qc_own_room(&conn->config);
  if (params->max_udp_payload_size < most)
    most = (size_t)params->max_udp_payload_size;
  most -= DATAGRAM_OVERHEAD;
  if (params->max_datagram_frame_size >= most + 3)
    return most;
  frame = (size_t)params->max_datagram_frame_size;
  return frame > 3 ? frame - 3 : 0;
}

/* Behind the last one that is not after it. */
static void queue_datagram(struct qc *conn, struct qc_datagram *datagram) {
  struct qc_datagram **at = &conn->datagram_head;

  if (conn->datagram_tail && conn->datagram_tail->priority <= datagram->priority)
    at = &conn->datagram_tail->next;
  while (*at && (*at)->priority <= datagram->priority)
    at = &(*at)->next;
  datagram->next = *at;
  *at = datagram;
  if (!datagram->next)
    conn->datagram_tail = datagram;
  conn->datagram_bytes += datagram->len;
}

int qc_datagram_send(struct qc *conn, const void *data, size_t len) {
  return qc_datagram_send_at(conn, QC_PRIORITY_DATAGRAM, data, len);
}

int qc_datagram_send_at(struct qc *conn, uint32_t priority, const void *data, size_t len) {
  struct qc_datagram *datagram;

  if (conn->phase != QC_OPEN || len > qc_datagram_max(conn) || qc_datagram_max(conn) == 0)
    return -1;
  datagram = malloc(sizeof(*datagram) + len);
  if (!datagram)
    return -1;
  datagram->priority = priority;
  datagram->len = len;
  memcpy(datagram->data, data, len);
  queue_datagram(conn, datagram);
  return 0;
}

/* ---- the timeline's commands --------------------------------------------------------------- */

int qc_update_key(struct qc *conn, uint64_t now_ns) {
  /* RFC 9001 6: not before the handshake is confirmed. */
  if (conn->phase != QC_OPEN || !conn->confirmed)
    return -1;
  return ngtcp2_conn_initiate_key_update(conn->ng, now_ns) ? -1 : 0;
}

int qc_migrate(struct qc *conn, const struct qc_path *path, uint64_t now_ns) {
  struct qc_path to = *path;
  const ngtcp2_path ng_path = qc_path_to(&to);

  if (conn->phase != QC_OPEN ||
      ngtcp2_conn_initiate_immediate_migration(conn->ng, &ng_path, now_ns))
    return -1;
  qc_tell_changes(conn);
  return 0;
}

/* ---- packets of no connection ----------------------------------------------------------------- */

bool qc_packet_dcid(const uint8_t *data, size_t len, size_t short_len, struct qc_cid *dcid) {
  ngtcp2_version_cid vc;
  const int rv = ngtcp2_pkt_decode_version_cid(&vc, data, len, short_len);

  if ((rv && rv != NGTCP2_ERR_VERSION_NEGOTIATION) || vc.dcidlen > sizeof(dcid->data))
    return false;
  memset(dcid, 0, sizeof(*dcid));
  dcid->len = (uint8_t)vc.dcidlen;
  memcpy(dcid->data, vc.dcid, vc.dcidlen);
  return true;
}

size_t qc_version_negotiation(const uint8_t *data, size_t len, uint8_t *buf, size_t room,
                              uint8_t random) {
  static const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
  ngtcp2_version_cid vc;
  ngtcp2_ssize n;

  /* RFC 9000 6.1: only packets long enough to start a connection are answered. */
  if (len < QC_MIN_PAYLOAD ||
      ngtcp2_pkt_decode_version_cid(&vc, data, len, 0) != NGTCP2_ERR_VERSION_NEGOTIATION)
    return 0;
  n = ngtcp2_pkt_write_version_negotiation(buf, room, random, vc.scid, vc.scidlen, vc.dcid,
                                           vc.dcidlen, versions, 1);
  return n > 0 ? (size_t)n : 0;
}

size_t qc_stateless_reset(const struct qc_tls *tls, const uint8_t *data, size_t len,
                          size_t short_len, uint8_t *buf, size_t room,
                          const uint8_t random[QC_RESET_RANDOM]) {
  struct qc_cid dcid;
  ngtcp2_cid cid;
  NG_TOKEN_VAR(token);
  size_t random_len;
  ngtcp2_ssize n;

  /* RFC 9000 10.3.3: smaller than what it answers, or two sides could loop. */
  if (len == 0 || (data[0] & 0x80) || short_len == 0 || len <= RESET_MIN ||
      !qc_packet_dcid(data, len, short_len, &dcid))
    return 0;
  random_len = len - 1 - NGTCP2_STATELESS_RESET_TOKENLEN;
  if (random_len > QC_RESET_RANDOM)
    random_len = QC_RESET_RANDOM;
  ngtcp2_cid_init(&cid, dcid.data, dcid.len);
  if (ngtcp2_crypto_generate_stateless_reset_token(
          NG_TOKEN_BYTES(NG_TOKEN_REF(token)), tls->reset_secret, sizeof(tls->reset_secret), &cid))
    return 0;
  n = ng_write_stateless_reset(buf, room, NG_TOKEN_REF(token), random, random_len);
  return n > 0 ? (size_t)n : 0;
}
