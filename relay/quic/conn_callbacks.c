/* What ngtcp2 tells, passed on in the owner's words. */
#include <stdlib.h>
#include <string.h>

#include "relay/quic/conn_state.h"

#define TELL(conn, name, ...)                                                                      \
  do {                                                                                             \
    if ((conn)->config.callbacks->name)                                                            \
      (conn)->config.callbacks->name((conn)->config.app, ##__VA_ARGS__);                           \
  } while (0)

/* Stream limits are raised when a quarter of the limit is used up: one
 * MAX_STREAMS for many streams instead of one each. */
#define LIMIT_SHARE 4

/* ---- paths and connection IDs ------------------------------------------------------ */

static void addr_from(const ngtcp2_addr *from, struct qc_addr *to) {
  memset(to, 0, sizeof(*to));
  to->len = from->addrlen;
  if (from->addrlen)
    memcpy(&to->in6, from->addr, from->addrlen);
}

/* The path's user data carries the interface. */
void qc_path_from(const ngtcp2_path *from, struct qc_path *to) {
  addr_from(&from->local, &to->local);
  addr_from(&from->remote, &to->remote);
  to->ifindex = (uint32_t)(uintptr_t)from->user_data;
}

ngtcp2_path qc_path_to(struct qc_path *from) {
  return (ngtcp2_path){
      .local = {.addr = &from->local.sa, .addrlen = from->local.len},
      .remote = {.addr = &from->remote.sa, .addrlen = from->remote.len},
      .user_data = (void *)(uintptr_t)from->ifindex,
  };
}

bool qc_addr_equal(const struct qc_addr *a, const struct qc_addr *b) {
  if (a->len != b->len || a->sa.sa_family != b->sa.sa_family)
    return false;
  if (a->sa.sa_family == AF_INET6)
    return a->in6.sin6_port == b->in6.sin6_port &&
           memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
  return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

void qc_tell_changes(struct qc *conn) {
  struct qc_path path;
  struct qc_cid dcid;

  qc_path_now(conn, &path);
  if (!qc_addr_equal(&path.local, &conn->path.local) ||
      !qc_addr_equal(&path.remote, &conn->path.remote)) {
    conn->path = path;
    TELL(conn, path_changed, &path);
  }
  qc_dcid(conn, &dcid);
  if (dcid.len != conn->dcid.len || memcmp(dcid.data, conn->dcid.data, dcid.len) != 0) {
    conn->dcid = dcid;
    TELL(conn, dcid_changed, &dcid);
  }
}

int qc_remember_cid(struct qc *conn, const uint8_t *data, size_t len) {
  struct qc_issued *issued = calloc(1, sizeof(*issued));

  if (!issued)
    return -1;
  issued->cid.len = (uint8_t)len;
  memcpy(issued->cid.data, data, len);
  issued->next = conn->issued;
  conn->issued = issued;
  TELL(conn, cid_issued, &issued->cid);
  return 0;
}

int qc_make_cid(struct qc *conn, ngtcp2_cid *cid, size_t len) {
  struct qc_cid made = {.len = (uint8_t)len};

  qc_random(conn, made.data, len);
  if (conn->config.shape_cid && len)
    conn->config.shape_cid(conn->config.app, &made);
  ngtcp2_cid_init(cid, made.data, len);
  return len ? qc_remember_cid(conn, made.data, len) : 0;
}

void qc_forget_cids(struct qc *conn) {
  while (conn->issued) {
    struct qc_issued *issued = conn->issued;
    conn->issued = issued->next;
    TELL(conn, cid_retired, &issued->cid);
    free(issued);
  }
}

static int on_new_cid(ngtcp2_conn *ng, ngtcp2_cid *cid, ng_token *token, size_t len, void *user) {
  struct qc *conn = user;
  (void)ng;
  if (qc_make_cid(conn, cid, len) || ngtcp2_crypto_generate_stateless_reset_token(
                                         NG_TOKEN_BYTES(token), conn->config.tls->reset_secret,
                                         sizeof(conn->config.tls->reset_secret), cid))
    return NGTCP2_ERR_CALLBACK_FAILURE;
  return 0;
}

static int on_cid_removed(ngtcp2_conn *ng, const ngtcp2_cid *cid, void *user) {
  struct qc *conn = user;
  struct qc_issued **at;
  (void)ng;
  for (at = &conn->issued; *at; at = &(*at)->next) {
    struct qc_issued *issued = *at;
    if (issued->cid.len != cid->datalen || memcmp(issued->cid.data, cid->data, cid->datalen) != 0)
      continue;
    *at = issued->next;
    TELL(conn, cid_retired, &issued->cid);
    free(issued);
    break;
  }
  return 0;
}

static int on_path_validation(ngtcp2_conn *ng, uint32_t flags, const ngtcp2_path *path,
                              const ngtcp2_path *fallback, ngtcp2_path_validation_result result,
                              void *user) {
  struct qc *conn = user;
  struct qc_path told;
  (void)ng;
  (void)flags;
  (void)fallback;
  qc_path_from(path, &told);
  /* Its change may not have been told yet, and it must come first. */
  qc_tell_changes(conn);
  TELL(conn, path_validated, &told, result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS);
  return 0;
}

/* ---- streams ------------------------------------------------------------------------- */

static int on_stream_data(ngtcp2_conn *ng, uint32_t flags, int64_t sid, uint64_t off,
                          const uint8_t *data, size_t len, void *user, void *stream_user) {
  struct qc *conn = user;
  (void)stream_user;
  /* Consumed at once: whoever needs to hold data back copies it anyway. */
  ngtcp2_conn_extend_max_stream_offset(ng, sid, len);
  ngtcp2_conn_extend_max_offset(ng, len);
  TELL(conn, stream_data, sid, off, data, len, (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0);
  return 0;
}

static int on_stream_reset(ngtcp2_conn *ng, int64_t sid, uint64_t final_size, uint64_t code,
                           void *user, void *stream_user) {
  struct qc *conn = user;
  (void)ng;
  (void)stream_user;
  TELL(conn, stream_reset, sid, code, final_size);
  return 0;
}

/* ngtcp2 answers STOP_SENDING with RESET_STREAM by itself. */
static void stopped(struct qc *conn, int64_t sid, uint64_t code) {
  struct qc_stream *stream = qc_stream_find(conn, sid);
  if (stream)
    qc_stream_dead(conn, stream);
  TELL(conn, stop_sending, sid, code);
}

#ifdef FANBENCH_NGTCP2_STOP_SENDING_CB
static int on_stop_sending(ngtcp2_conn *ng, int64_t sid, uint64_t code, void *user,
                           void *stream_user) {
  (void)ng;
  (void)stream_user;
  stopped(user, sid, code);
  return 0;
}
#endif

static int on_acked(ngtcp2_conn *ng, int64_t sid, uint64_t off, uint64_t len, void *user,
                    void *stream_user) {
  struct qc *conn = user;
  struct qc_stream *stream = qc_stream_find(conn, sid);
  (void)ng;
  (void)stream_user;
  if (stream)
    qc_stream_on_acked(conn, stream, off + len);
  TELL(conn, stream_acked, sid, off + len);
  return 0;
}

static void raise_limit(struct qc *conn, int64_t sid) {
  uint64_t *closed = ngtcp2_is_bidi_stream(sid) ? &conn->closed_bidi : &conn->closed_uni;
  const uint64_t limit =
      ngtcp2_is_bidi_stream(sid) ? conn->config.max_streams_bidi : conn->config.max_streams_uni;

  if (++*closed < (limit + LIMIT_SHARE - 1) / LIMIT_SHARE)
    return;
  if (ngtcp2_is_bidi_stream(sid))
    ngtcp2_conn_extend_max_streams_bidi(conn->ng, *closed);
  else
    ngtcp2_conn_extend_max_streams_uni(conn->ng, *closed);
  *closed = 0;
}

static int on_stream_close(ngtcp2_conn *ng, uint32_t flags, int64_t sid, uint64_t code, void *user,
                           void *stream_user) {
  struct qc *conn = user;
  struct qc_stream *stream = qc_stream_find(conn, sid);
  const bool local = NG_IS(local_stream)(ng, sid);
  (void)stream_user;
#ifndef FANBENCH_NGTCP2_STOP_SENDING_CB
  /* 1.11 does not tell of STOP_SENDING; a stream that ends with an error that
   * this side did not give was stopped by the peer. */
  if (local && stream && !stream->dead && (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET))
    stopped(conn, sid, code);
#else
  (void)flags;
  (void)code;
#endif
  if (stream)
    qc_stream_drop(conn, stream);
  if (!local)
    raise_limit(conn, sid);
  TELL(conn, stream_closed, sid);
  return 0;
}

static int on_max_stream_data(ngtcp2_conn *ng, int64_t sid, uint64_t max, void *user,
                              void *stream_user) {
  struct qc *conn = user;
  struct qc_stream *stream = qc_stream_find(conn, sid);
  (void)ng;
  (void)max;
  (void)stream_user;
  if (stream)
    qc_stream_unblock(conn, stream);
  return 0;
}

static int on_datagram(ngtcp2_conn *ng, uint32_t flags, const uint8_t *data, size_t len,
                       void *user) {
  struct qc *conn = user;
  (void)ng;
  (void)flags;
  TELL(conn, datagram, data, len);
  return 0;
}

/* ---- connection ------------------------------------------------------------------------ */

static int on_confirmed(ngtcp2_conn *ng, void *user) {
  struct qc *conn = user;
  (void)ng;
  conn->confirmed = true;
  TELL(conn, handshake_confirmed);
  return 0;
}

static int on_handshake(ngtcp2_conn *ng, void *user) {
  struct qc *conn = user;

  if (!qc_tls_alpn_agreed(conn)) {
    ngtcp2_conn_set_tls_alert(ng, 120); /* no_application_protocol, RFC 7301 3.2 */
    return NGTCP2_ERR_CALLBACK_FAILURE;
  }
  conn->handshake_done = true;
  if (conn->reading)
    paths_prove(&conn->paths, conn->reading);
  qc_tell_changes(conn);
  TELL(conn, handshake_done);
  /* For a server complete is confirmed, and ngtcp2 tells only clients. */
  return conn->server ? on_confirmed(ng, user) : 0;
}

static int on_stateless_reset(ngtcp2_conn *ng, const ng_stateless_reset *reset, void *user) {
  (void)ng;
  (void)reset;
  ((struct qc *)user)->reset_seen = true;
  return 0;
}

void qc_random(struct qc *conn, uint8_t *dest, size_t len) {
  conn->config.callbacks->rand(conn->config.app, dest, len);
}

static void on_rand(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *ctx) {
  qc_random(ctx->native_handle, dest, len);
}

static int on_challenge(ngtcp2_conn *ng, ng_challenge *challenge, void *user) {
  struct qc *conn = user;
  (void)ng;
  qc_random(conn, NG_CHALLENGE_BYTES(challenge), PATHS_CHALLENGE_LEN);
  memcpy(conn->challenge, NG_CHALLENGE_BYTES(challenge), PATHS_CHALLENGE_LEN);
  conn->challenged = true;
  return 0;
}

void qc_fill_callbacks(ngtcp2_callbacks *cb, bool own_keys) {
  memset(cb, 0, sizeof(*cb));
  cb->client_initial = ngtcp2_crypto_client_initial_cb;
  cb->recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
  cb->recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
  cb->recv_retry = ngtcp2_crypto_recv_retry_cb;
  cb->version_negotiation = ngtcp2_crypto_version_negotiation_cb;
  cb->encrypt = own_keys ? qc_own_encrypt : ngtcp2_crypto_encrypt_cb;
  cb->decrypt = own_keys ? qc_own_decrypt : ngtcp2_crypto_decrypt_cb;
  cb->hp_mask = own_keys ? qc_own_hp_mask : ngtcp2_crypto_hp_mask_cb;
  cb->update_key = own_keys ? qc_own_update_key : ngtcp2_crypto_update_key_cb;
  cb->delete_crypto_aead_ctx =
      own_keys ? qc_own_delete_aead : ngtcp2_crypto_delete_crypto_aead_ctx_cb;
  cb->delete_crypto_cipher_ctx =
      own_keys ? qc_own_delete_cipher : ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
  cb->rand = on_rand;
  cb->NG_CB_NEW_CID = on_new_cid;
  cb->NG_CB_CHALLENGE = on_challenge;
  cb->NG_CB_RESET = on_stateless_reset;
  cb->remove_connection_id = on_cid_removed;
  cb->path_validation = on_path_validation;
  cb->handshake_completed = on_handshake;
  cb->handshake_confirmed = on_confirmed;
  cb->recv_stream_data = on_stream_data;
  cb->acked_stream_data_offset = on_acked;
  cb->stream_close = on_stream_close;
  cb->stream_reset = on_stream_reset;
  cb->extend_max_stream_data = on_max_stream_data;
  cb->recv_datagram = on_datagram;
#ifdef FANBENCH_NGTCP2_STOP_SENDING_CB
  cb->recv_stop_sending = on_stop_sending;
#endif
}
