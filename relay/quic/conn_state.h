/* The inside of struct qc, shared by the conn_*.c files and tls.c only.
 *
 *   conn.c           life: creating, freeing, transport parameters, state
 *   conn_packet.c    packets and time: reading, writing, closing
 *   conn_stream.c    send buffers, the order in which streams are written
 *   conn_callbacks.c what ngtcp2 tells
 *   conn_protect.c   own 1-RTT keys (protection none, hooks)
 *   paths.c          bytes by path, before it is validated
 *   tls.c            wolfSSL contexts */
#ifndef FANBENCH_RELAY_QUIC_CONN_STATE_H
#define FANBENCH_RELAY_QUIC_CONN_STATE_H

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/quic.h>

#include <uthash.h>

#include "relay/quic/conn.h"
#include "relay/quic/ngtcp2_api.h"
#include "relay/quic/paths.h"

#define QC_TAG_LEN     16
#define QC_MIN_PAYLOAD 1200 /* RFC 9000 14.1 */
#define QC_GROWTH      3    /* a joint number is 4 bytes, the shortest own one 1 */
#define QC_IV_LEN      12

struct qc_tls {
  WOLFSSL_CTX *ctx;
  bool server;
  char alpn[32], other_alpn[32]; /* the second: empty = none */
  void (*keylog)(void *arg, const char *line);
  void *keylog_arg;
  uint8_t reset_secret[32]; /* stateless reset tokens are derived from it */
};

/* ---- streams ------------------------------------------------------------------ */

/* A piece of send buffer. It never moves: ngtcp2 points into it until the
 * bytes are acknowledged. */
struct qc_chunk {
  struct qc_chunk *next;
  size_t len, room;
  uint8_t data[];
};

struct qc_stream {
  int64_t sid;
  UT_hash_handle hh;
  struct qc_chunk *head, *tail; /* bytes [head_off, end) */
  uint64_t head_off;
  struct qc_chunk *next_chunk; /* where the first unsent byte lies... */
  size_t next_pos;             /* ...and its place there */
  uint64_t acked, sent, end;   /* offsets: below `acked` all is acknowledged */
  uint32_t priority;
  uint64_t order;   /* among streams of one priority: first come, first served */
  size_t heap_slot; /* in qc.ready, or SIZE_MAX */
  bool fin, fin_sent;
  bool blocked; /* by the peer's MAX_STREAM_DATA */
  bool dead;    /* reset or stopped: nothing more is written */
  bool spare;   /* in qc.spares */
  struct qc_stream *next_spare;
};

struct qc_datagram {
  struct qc_datagram *next; /* not before this one, by priority */
  uint32_t priority;
  size_t len;
  uint8_t data[];
};

struct qc_issued {
  struct qc_issued *next;
  struct qc_cid cid;
};

/* ---- own keys ------------------------------------------------------------------- */

enum qc_key_kind { QC_KEY_AEAD, QC_KEY_HEADER };

/* What native_handle points to when conn_protect.c installed the key. The
 * callbacks get no connection from ngtcp2, so it stands here. */
struct qc_key {
  uint64_t magic;
  struct qc *conn;
  enum qc_key_kind kind;
  bool tx;
  bool phase;                  /* the key phase bit it belongs to */
  ngtcp2_crypto_aead_ctx aead; /* NULL handle: null AEAD */
  ngtcp2_crypto_cipher_ctx hp; /* NULL handle: zero mask */
  uint8_t iv[QC_IV_LEN];
};

/* ---- connection ------------------------------------------------------------------- */

enum qc_phase {
  QC_OPEN,
  QC_CLOSING,  /* our CONNECTION_CLOSE is to be sent or was sent */
  QC_DRAINING, /* the peer closed, or a stateless reset came */
  QC_FINISHED, /* nothing will be sent or read any more */
};

struct qc {
  ngtcp2_crypto_conn_ref ref;
  ngtcp2_conn *ng;
  WOLFSSL *ssl;
  struct qc_config config;
  bool server, handshake_done, confirmed;
  struct qc_cid odcid;
  uint64_t now_ns; /* of the last call */

  struct qc_stream *streams; /* hash by sid */
  struct qc_stream **ready;  /* heap: streams with something to write */
  size_t n_ready, room_ready;
  uint64_t next_order;
  uint64_t unacked;         /* bytes in stream buffers */
  uint64_t unsent;          /* of these, never sent */
  struct qc_stream *spares; /* opened, and taken back before they began: lowest ID first */
  struct qc_datagram *datagram_head, *datagram_tail;
  uint64_t datagram_bytes;
  uint64_t closed_uni, closed_bidi; /* remote streams finished, limit not yet raised */

  struct qc_issued *issued;
  struct qc_cid dcid; /* last told to the owner */
  struct qc_path path;

  /* own protection */
  struct qc_key *tx_key, *tx_hp;       /* in use for sending */
  struct qc_key *next_tx_key;          /* prepared for the next key update */
  uint8_t hp_keys[2][PROTECT_KEY_MAX]; /* of receiving, sending; for the hook `keys` */
  bool rekeyed_phase;                  /* phase of the newest key */
  bool tx_phase, rx_phase;             /* as last told to the owner */
  uint64_t rx_next;                    /* largest 1-RTT number opened + 1 */
  size_t growth;                       /* of the packet being written */
  size_t own_pn_len;
  uint64_t hook_error;
  bool hook_failed;

  /* a server's limit before validation, with hooks that lengthen packets */
  struct paths paths;
  const struct qc_path *reading;          /* the path of the datagram at hand */
  uint8_t challenge[PATHS_CHALLENGE_LEN]; /* made for the packet being written */
  bool challenged;

  /* writing */
  enum qc_hold hold;
  size_t burst; /* bytes since the pacer was told */

  /* closing */
  enum qc_phase phase;
  bool close_due, reset_seen;
  ngtcp2_ccerr close_error;
  char close_text[64];
  uint8_t *close_packet;
  size_t close_len;
  struct qc_path close_path;
  uint64_t close_end_ns;           /* when closing or draining is over; 0 = not known yet */
  uint64_t close_seen, close_next; /* packets received since, when to answer again */
};

/* conn.c */
/* Room that ngtcp2 may fill on any path. */
size_t qc_own_room(const struct qc_config *config);
/* Are bytes counted by path (paths.h)? */
bool qc_is_limited(const struct qc *conn);

/* conn_callbacks.c */
void qc_fill_callbacks(ngtcp2_callbacks *cb, bool own_keys);
void qc_random(struct qc *conn, uint8_t *dest, size_t len);
/* A fresh ID of this side; told to the owner and remembered. 0, or -1. */
int qc_make_cid(struct qc *conn, ngtcp2_cid *cid, size_t len);
int qc_remember_cid(struct qc *conn, const uint8_t *data, size_t len);
void qc_forget_cids(struct qc *conn);
/* Tells the owner of a destination ID or path that is not what it knows. */
void qc_tell_changes(struct qc *conn);
void qc_path_from(const ngtcp2_path *from, struct qc_path *to);
ngtcp2_path qc_path_to(struct qc_path *from);

/* conn_stream.c */
struct qc_stream *qc_stream_find(const struct qc *conn, int64_t sid);
struct qc_stream *qc_stream_add(struct qc *conn, int64_t sid);
void qc_stream_drop(struct qc *conn, struct qc_stream *stream);
void qc_stream_dead(struct qc *conn, struct qc_stream *stream);
void qc_stream_on_acked(struct qc *conn, struct qc_stream *stream, uint64_t upto);
void qc_stream_unblock(struct qc *conn, struct qc_stream *stream);
void qc_streams_free(struct qc *conn);
struct qc_stream *qc_ready_first(const struct qc *conn);
void qc_ready_remove(struct qc *conn, struct qc_stream *stream);
/* Unsent bytes as vectors; *fin: they reach the end. Returns how many. */
size_t qc_stream_unsent(const struct qc_stream *stream, ngtcp2_vec *vec, size_t max, bool *fin);
void qc_stream_on_written(struct qc *conn, struct qc_stream *stream, size_t len, bool fin);

/* conn_protect.c */
extern WOLFSSL_QUIC_METHOD qc_own_method;
bool qc_own_keys(const struct qc_config *config);
int qc_own_encrypt(uint8_t *dest, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *ctx,
                   const uint8_t *plain, size_t len, const uint8_t *nonce, size_t nonce_len,
                   const uint8_t *aad, size_t aad_len);
int qc_own_decrypt(uint8_t *dest, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *ctx,
                   const uint8_t *sealed, size_t len, const uint8_t *nonce, size_t nonce_len,
                   const uint8_t *aad, size_t aad_len);
int qc_own_hp_mask(uint8_t *dest, const ngtcp2_crypto_cipher *hp,
                   const ngtcp2_crypto_cipher_ctx *ctx, const uint8_t *sample);
int qc_own_update_key(ngtcp2_conn *ng, uint8_t *rx_secret, uint8_t *tx_secret,
                      ngtcp2_crypto_aead_ctx *rx_ctx, uint8_t *rx_iv,
                      ngtcp2_crypto_aead_ctx *tx_ctx, uint8_t *tx_iv, const uint8_t *now_rx_secret,
                      const uint8_t *now_tx_secret, size_t secret_len, void *user_data);
void qc_own_delete_aead(ngtcp2_conn *ng, ngtcp2_crypto_aead_ctx *ctx, void *user_data);
void qc_own_delete_cipher(ngtcp2_conn *ng, ngtcp2_crypto_cipher_ctx *ctx, void *user_data);

/* tls.c */
WOLFSSL *qc_tls_session(struct qc *conn, const char *server_name);
bool qc_tls_alpn_agreed(const struct qc *conn);

#endif
