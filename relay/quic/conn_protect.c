/* Own 1-RTT keys. ngtcp2's crypto callbacks get no connection and no level, so
 * the keys' native handles point to struct qc_key. Handshake keys stay those
 * of ngtcp2_crypto: a foreign handle has no magic and takes the stock way. */
#include <stdlib.h>
#include <string.h>

#include "bpf/wire/frame.h"
#include "bpf/wire/short_header.h"
#include "relay/quic/conn_state.h"

#define KEY_MAGIC  UINT64_C(0x66616e6b65790001)
#define KEY_MAX    PROTECT_KEY_MAX
#define PHASE_BIT  0x04
#define MAX_PN_LEN 4

static struct qc_key *own_key(const void *handle) {
  const struct qc_key *key = handle;
  return key && key->magic == KEY_MAGIC ? (struct qc_key *)(uintptr_t)key : NULL;
}

bool qc_own_keys(const struct qc_config *config) {
  return config->protection == QC_PROTECT_NONE || config->protect != NULL || config->packet != NULL;
}

/* ---- sealing and opening ----------------------------------------------------- */

static void make_nonce(uint8_t nonce[QC_IV_LEN], const uint8_t iv[QC_IV_LEN], uint64_t pn) {
  memcpy(nonce, iv, QC_IV_LEN);
  for (size_t i = 0; i < 8; i++)
    nonce[QC_IV_LEN - 1 - i] ^= (uint8_t)(pn >> (8 * i));
}

static uint64_t nonce_pn(const uint8_t *nonce, const uint8_t iv[QC_IV_LEN]) {
  uint64_t pn = 0;
  for (size_t i = QC_IV_LEN - 8; i < QC_IV_LEN; i++)
    pn = pn << 8 | (uint8_t)(nonce[i] ^ iv[i]);
  return pn;
}

static void tell_packet(const struct qc *conn, bool sent, uint64_t pn, const uint8_t *payload,
                        size_t len, size_t hdr_len) {
  if (conn->config.packet)
    conn->config.packet(conn->config.packet_arg, sent, pn, payload, len,
                        hdr_len + len + QC_TAG_LEN);
}

/* The tag of the null AEAD. A number of four bytes is told whole; a shorter one that comes late is taken
 * for another (RFC 9000 A.3), which real protection finds out: the tag tells it. */
static void null_tag(uint8_t tag[QC_TAG_LEN], uint64_t pn, uint8_t first) {
  memset(tag, 0, QC_TAG_LEN);
  if (wire_short_pn_len(first) < 4)
    wire_store_be(tag + 8, 8, pn);
}

static bool null_tag_good(const uint8_t tag[QC_TAG_LEN], uint64_t pn, uint8_t first) {
  uint64_t told = wire_load_be(tag + 8, 8);
  return wire_load_be(tag, 8) == 0 && (told == 0 || (wire_short_pn_len(first) < 4 && told == pn));
}

/* Seals len bytes in place; 16 more are written behind them. */
static int seal(const struct qc_key *key, const ngtcp2_crypto_aead *aead, uint8_t *payload,
                size_t len, uint64_t pn, const uint8_t *hdr, size_t hdr_len) {
  uint8_t nonce[QC_IV_LEN];

  if (!key->aead.native_handle) {
    null_tag(payload + len, pn, hdr[0]);
    return 0;
  }
  make_nonce(nonce, key->iv, pn);
  return ngtcp2_crypto_encrypt_cb(payload, aead, &key->aead, payload, len, nonce, sizeof(nonce),
                                  hdr, hdr_len);
}

static void tell_phase(struct qc *conn, bool sending, bool *told, bool phase) {
  const struct protect_hooks *hooks = conn->config.protect;

  if (phase == *told)
    return;
  *told = phase;
  if (hooks->phase)
    hooks->phase(conn->config.protect_arg, sending, phase);
}

int qc_own_encrypt(uint8_t *dest, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *ctx,
                   const uint8_t *plain, size_t len, const uint8_t *nonce, size_t nonce_len,
                   const uint8_t *aad, size_t aad_len) {
  struct qc_key *key = own_key(ctx->native_handle);
  struct qc *conn;
  struct protect_out pkt;

  if (!key)
    return ngtcp2_crypto_encrypt_cb(dest, aead, ctx, plain, len, nonce, nonce_len, aad, aad_len);
  conn = key->conn;
  if (dest != plain)
    memmove(dest, plain, len);
  /* ngtcp2 writes header and payload into one buffer and seals in place, so
   * the header can be changed behind its back. */
  pkt = (struct protect_out){
      .hdr = (uint8_t *)(uintptr_t)aad,
      .hdr_len = aad_len,
      .payload = dest,
      .payload_len = len,
      .own_pn = nonce_pn(nonce, key->iv),
  };
  pkt.joint_pn = pkt.own_pn;
  conn->tx_key = key;
  conn->own_pn_len = (size_t)(aad[0] & 3) + 1;
  if (conn->config.protect && conn->config.protect->sealing) {
    tell_phase(conn, true, &conn->tx_phase, key->phase);
    if (conn->config.protect->sealing(conn->config.protect_arg, &pkt)) {
      conn->hook_failed = true;
      return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    conn->growth = pkt.hdr_len - aad_len;
  }
  tell_packet(conn, true, pkt.joint_pn, pkt.payload, pkt.payload_len, pkt.hdr_len);
  return seal(key, aead, pkt.payload, pkt.payload_len, pkt.joint_pn, pkt.hdr, pkt.hdr_len);
}

/* The null AEAD does not bind a packet to a connection. What comes from the 4-tuple with the ID of
 * another connection, as of the process before on this port, is handed to ngtcp2 as it might be a
 * stateless reset: that it is opened must fail. */
static bool has_our_id(const struct qc *conn, const uint8_t *aad) {
  const size_t len = conn->config.cid_len;
  const struct qc_issued *issued = conn->issued;

  while (issued && (issued->cid.len != len || memcmp(issued->cid.data, aad + 1, len) != 0))
    issued = issued->next;
  return issued || len == 0;
}

static int open_sealed(const struct qc_key *key, uint8_t *dest, const ngtcp2_crypto_aead *aead,
                       const uint8_t *sealed, size_t len, const uint8_t *nonce, size_t nonce_len,
                       const uint8_t *aad, size_t aad_len) {
  if (key->aead.native_handle)
    return ngtcp2_crypto_decrypt_cb(dest, aead, &key->aead, sealed, len, nonce, nonce_len, aad,
                                    aad_len);
  if (len < QC_TAG_LEN || !has_our_id(key->conn, aad) ||
      !null_tag_good(sealed + len - QC_TAG_LEN, nonce_pn(nonce, key->iv), aad[0]))
    return NGTCP2_ERR_DECRYPT;
  memmove(dest, sealed, len - QC_TAG_LEN);
  return 0;
}

/* The frames of path validation (RFC 9000 8.2). */
static void read_paths(struct qc *conn, const uint8_t *payload, size_t len) {
  struct wire_cursor c = wire_cursor(payload, 0, len);
  struct wire_frame f;

  while (wire_frame_next(&c, &f) == WIRE_FRAME_OK) {
    if (f.type == WIRE_PATH_CHALLENGE && conn->reading)
      paths_asked(&conn->paths, conn->reading);
    else if (f.type == WIRE_PATH_RESPONSE)
      paths_answered(&conn->paths, payload + f.end - PATHS_CHALLENGE_LEN);
  }
}

int qc_own_decrypt(uint8_t *dest, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *ctx,
                   const uint8_t *sealed, size_t len, const uint8_t *nonce, size_t nonce_len,
                   const uint8_t *aad, size_t aad_len) {
  const struct qc_key *key = own_key(ctx->native_handle);
  struct qc *conn;
  uint64_t pn;
  int rv;

  if (!key)
    return ngtcp2_crypto_decrypt_cb(dest, aead, ctx, sealed, len, nonce, nonce_len, aad, aad_len);
  rv = open_sealed(key, dest, aead, sealed, len, nonce, nonce_len, aad, aad_len);
  if (rv)
    return rv;
  conn = key->conn;
  pn = nonce_pn(nonce, key->iv);
  tell_packet(conn, false, pn, dest, len - QC_TAG_LEN, aad_len);
  if (qc_is_limited(conn) && !paths_all_proven(&conn->paths))
    read_paths(conn, dest, len - QC_TAG_LEN);
  if (!conn->config.protect || !conn->config.protect->opened)
    return 0;
  if (pn >= conn->rx_next) {
    tell_phase(conn, false, &conn->rx_phase, key->phase);
    conn->rx_next = pn + 1;
  }
  conn->hook_error = 0;
  if (conn->config.protect->opened(conn->config.protect_arg, pn, dest, len - QC_TAG_LEN,
                                   &conn->hook_error)) {
    conn->hook_failed = true;
    return NGTCP2_ERR_CALLBACK_FAILURE;
  }
  return 0;
}

static int mask_of(const struct qc_key *key, uint8_t *mask, const ngtcp2_crypto_cipher *hp,
                   const uint8_t *sample) {
  if (key->hp.native_handle)
    return ngtcp2_crypto_hp_mask_cb(mask, hp, &key->hp, sample);
  memset(mask, 0, NGTCP2_HP_SAMPLELEN);
  return 0;
}

/* ngtcp2 masks as many number bytes as its own number had. The sample begins
 * 4 bytes behind the number's first byte, so the rest lies right before it. */
int qc_own_hp_mask(uint8_t *dest, const ngtcp2_crypto_cipher *hp,
                   const ngtcp2_crypto_cipher_ctx *ctx, const uint8_t *sample) {
  const struct qc_key *key = own_key(ctx->native_handle);
  uint8_t *number;
  int rv;

  if (!key)
    return ngtcp2_crypto_hp_mask_cb(dest, hp, ctx, sample);
  rv = mask_of(key, dest, hp, sample);
  if (rv || !key->tx)
    return rv;
  if (!key->conn->config.protect || !key->conn->config.protect->sealing)
    return 0;
  number = (uint8_t *)(uintptr_t)sample - MAX_PN_LEN;
  for (size_t i = key->conn->own_pn_len; i < MAX_PN_LEN; i++)
    number[i] ^= dest[1 + i];
  return 0;
}

size_t qc_seal(struct qc *conn, uint8_t *buf, size_t hdr_len, size_t payload_len, uint64_t pn) {
  const ngtcp2_crypto_ctx *crypto;
  uint8_t mask[NGTCP2_HP_SAMPLELEN];

  if (!conn->tx_key || !conn->tx_hp || hdr_len < 1 + MAX_PN_LEN)
    return 0;
  crypto = NG_GET(crypto_ctx)(conn->ng);
  buf[0] = (uint8_t)((buf[0] & ~PHASE_BIT) | (conn->tx_key->phase ? PHASE_BIT : 0));
  tell_packet(conn, true, pn, buf + hdr_len, payload_len, hdr_len);
  if (seal(conn->tx_key, &crypto->aead, buf + hdr_len, payload_len, pn, buf, hdr_len))
    return 0;
  if (mask_of(conn->tx_hp, mask, &crypto->hp, buf + hdr_len))
    return 0;
  buf[0] ^= mask[0] & 0x1f;
  for (size_t i = 0; i < MAX_PN_LEN; i++)
    buf[hdr_len - MAX_PN_LEN + i] ^= mask[1 + i];
  return hdr_len + payload_len + QC_TAG_LEN;
}

/* ---- installing ------------------------------------------------------------------ */

/* HKDF-Expand-Label with empty context (RFC 8446 7.1). */
static int expand_label(uint8_t *dest, size_t len, const ngtcp2_crypto_md *md,
                        const uint8_t *secret, size_t secret_len, const char *label) {
  static const char prefix[] = "tls13 ";
  uint8_t info[32];
  const size_t prefix_len = sizeof(prefix) - 1, label_len = strlen(label);

  info[0] = (uint8_t)(len >> 8);
  info[1] = (uint8_t)len;
  info[2] = (uint8_t)(prefix_len + label_len);
  memcpy(info + 3, prefix, prefix_len);
  memcpy(info + 3 + prefix_len, label, label_len);
  info[3 + prefix_len + label_len] = 0;
  return ngtcp2_crypto_hkdf_expand(dest, len, md, secret, secret_len, info,
                                   4 + prefix_len + label_len);
}

static struct qc_key *new_key(struct qc *conn, enum qc_key_kind kind, bool tx, bool phase) {
  struct qc_key *key = calloc(1, sizeof(*key));
  if (!key)
    return NULL;
  key->magic = KEY_MAGIC;
  key->conn = conn;
  key->kind = kind;
  key->tx = tx;
  key->phase = phase;
  return key;
}

/* ngtcp2 drops its sending key the moment it goes over to the next one. What the relay
 * builds itself must not wait for a packet of ngtcp2's. */
static void next_key(struct qc *conn) {
  conn->tx_key = conn->next_tx_key;
  conn->next_tx_key = NULL;
  if (conn->tx_key && conn->config.protect)
    tell_phase(conn, true, &conn->tx_phase, conn->tx_key->phase);
}

static void free_key(struct qc_key *key) {
  if (!key)
    return;
  if (key->conn->next_tx_key == key)
    key->conn->next_tx_key = NULL;
  if (key->conn->tx_key == key)
    next_key(key->conn);
  if (key->conn->tx_hp == key)
    key->conn->tx_hp = NULL;
  ngtcp2_crypto_aead_ctx_free(&key->aead);
  if (key->hp.native_handle)
    wolfSSL_EVP_CIPHER_CTX_free(key->hp.native_handle);
  key->magic = 0;
  free(key);
}

/* Somebody may want to seal beside ngtcp2. */
static void tell_keys(struct qc *conn, bool tx, bool phase, const uint8_t *key, size_t key_len,
                      const uint8_t *iv) {
  struct protect_keys keys = {.tx = tx, .phase = phase, .key_len = (uint8_t)key_len};

  if (conn->config.protection == QC_PROTECT_NONE || !conn->config.protect ||
      !conn->config.protect->keys)
    return;
  memcpy(keys.key, key, key_len);
  memcpy(keys.hp, conn->hp_keys[tx], key_len);
  memcpy(keys.iv, iv, PROTECT_IV_LEN);
  conn->config.protect->keys(conn->config.protect_arg, &keys);
  explicit_bzero(&keys, sizeof(keys));
}

/* Fills in real keys (RFC 9001 5.1); with protection none they stay empty. */
static int derive(struct qc_key *key, struct qc_key *hp, const uint8_t *secret, size_t secret_len) {
  const ngtcp2_crypto_ctx *crypto = NG_GET(crypto_ctx)(key->conn->ng);
  const size_t key_len = ngtcp2_crypto_aead_keylen(&crypto->aead);
  uint8_t aead_key[KEY_MAX], hp_key[KEY_MAX];
  int rv = -1;

  if (key->conn->config.protection == QC_PROTECT_NONE)
    return 0;
  if (key_len > KEY_MAX ||
      expand_label(aead_key, key_len, &crypto->md, secret, secret_len, "quic key") ||
      expand_label(key->iv, QC_IV_LEN, &crypto->md, secret, secret_len, "quic iv") ||
      expand_label(hp_key, key_len, &crypto->md, secret, secret_len, "quic hp"))
    goto done;
  rv = key->tx
           ? ngtcp2_crypto_aead_ctx_encrypt_init(&key->aead, &crypto->aead, aead_key, QC_IV_LEN)
           : ngtcp2_crypto_aead_ctx_decrypt_init(&key->aead, &crypto->aead, aead_key, QC_IV_LEN);
  if (rv)
    goto done;
  hp->hp.native_handle = wolfSSL_quic_crypt_new(crypto->hp.native_handle, hp_key, NULL, 1);
  rv = hp->hp.native_handle ? 0 : -1;
  memcpy(key->conn->hp_keys[key->tx], hp_key, key_len);
  if (!rv)
    tell_keys(key->conn, key->tx, false, aead_key, key_len, key->iv);
done:
  explicit_bzero(aead_key, sizeof(aead_key));
  explicit_bzero(hp_key, sizeof(hp_key));
  return rv;
}

static int install(struct qc *conn, bool tx, const uint8_t *secret, size_t secret_len) {
  struct qc_key *key = new_key(conn, QC_KEY_AEAD, tx, false);
  struct qc_key *hp = new_key(conn, QC_KEY_HEADER, tx, false);
  ngtcp2_crypto_aead_ctx aead_ctx = {.native_handle = key};
  ngtcp2_crypto_cipher_ctx hp_ctx = {.native_handle = hp};
  int rv;

  if (!key || !hp || derive(key, hp, secret, secret_len))
    goto fail;
  rv = tx ? ngtcp2_conn_install_tx_key(conn->ng, secret, secret_len, &aead_ctx, key->iv, QC_IV_LEN,
                                       &hp_ctx)
          : ngtcp2_conn_install_rx_key(conn->ng, secret, secret_len, &aead_ctx, key->iv, QC_IV_LEN,
                                       &hp_ctx);
  if (rv)
    goto fail;
  if (tx) {
    conn->tx_key = key;
    conn->tx_hp = hp;
  }
  /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): ngtcp2 holds both keys now */
  return 0;
fail:
  free_key(hp);
  free_key(key);
  return -1;
}

/* Wraps the AEAD context of a key update. */
static int wrap(struct qc *conn, bool tx, ngtcp2_crypto_aead_ctx *ctx, uint8_t *iv) {
  struct qc_key *key = new_key(conn, QC_KEY_AEAD, tx, conn->rekeyed_phase);

  if (!key)
    return -1;
  if (conn->config.protection == QC_PROTECT_NONE) {
    ngtcp2_crypto_aead_ctx_free(ctx);
    memset(iv, 0, QC_IV_LEN);
  } else {
    key->aead = *ctx;
  }
  memcpy(key->iv, iv, QC_IV_LEN);
  ctx->native_handle = key;
  if (tx)
    conn->next_tx_key = key;
  return 0;
}

int qc_own_update_key(ngtcp2_conn *ng, uint8_t *rx_secret, uint8_t *tx_secret,
                      ngtcp2_crypto_aead_ctx *rx_ctx, uint8_t *rx_iv,
                      ngtcp2_crypto_aead_ctx *tx_ctx, uint8_t *tx_iv, const uint8_t *now_rx_secret,
                      const uint8_t *now_tx_secret, size_t secret_len, void *user_data) {
  struct qc *conn = user_data;
  uint8_t rx_key[KEY_MAX], tx_key[KEY_MAX];
  size_t key_len;
  int rv;

  if (ngtcp2_crypto_update_key(ng, rx_secret, tx_secret, rx_ctx, rx_key, rx_iv, tx_ctx, tx_key,
                               tx_iv, now_rx_secret, now_tx_secret, secret_len))
    return NGTCP2_ERR_CALLBACK_FAILURE;
  conn->rekeyed_phase = !conn->rekeyed_phase;
  key_len = ngtcp2_crypto_aead_keylen(&NG_GET(crypto_ctx)(ng)->aead);
  tell_keys(conn, false, conn->rekeyed_phase, rx_key, key_len, rx_iv);
  tell_keys(conn, true, conn->rekeyed_phase, tx_key, key_len, tx_iv);
  explicit_bzero(rx_key, sizeof(rx_key));
  explicit_bzero(tx_key, sizeof(tx_key));
  rv = wrap(conn, false, rx_ctx, rx_iv);
  if (rv == 0) {
    rv = wrap(conn, true, tx_ctx, tx_iv);
    if (rv) {
      free_key(rx_ctx->native_handle);
      rx_ctx->native_handle = NULL;
    }
  }
  return rv ? NGTCP2_ERR_CALLBACK_FAILURE : 0;
}

void qc_own_delete_aead(ngtcp2_conn *ng, ngtcp2_crypto_aead_ctx *ctx, void *user_data) {
  struct qc_key *key = own_key(ctx->native_handle);
  if (key)
    free_key(key);
  else
    ngtcp2_crypto_delete_crypto_aead_ctx_cb(ng, ctx, user_data);
}

void qc_own_delete_cipher(ngtcp2_conn *ng, ngtcp2_crypto_cipher_ctx *ctx, void *user_data) {
  struct qc_key *key = own_key(ctx->native_handle);
  if (key)
    free_key(key);
  else
    ngtcp2_crypto_delete_crypto_cipher_ctx_cb(ng, ctx, user_data);
}

/* ---- what wolfSSL calls ------------------------------------------------------------ */

static struct qc *conn_of(WOLFSSL *ssl) {
  const ngtcp2_crypto_conn_ref *ref = wolfSSL_get_app_data(ssl);
  return ref->user_data;
}

/* The server's parameters are there with the first 1-RTT key; the stock
 * installer would read them at this point. */
static int read_peer_params(struct qc *conn, WOLFSSL *ssl) {
  const uint8_t *params;
  size_t len;
  int rv;

  wolfSSL_get_peer_quic_transport_params(ssl, &params, &len);
  rv = ngtcp2_conn_decode_and_set_remote_transport_params(conn->ng, params, len);
  if (rv)
    ngtcp2_conn_set_tls_error(conn->ng, rv);
  return rv;
}

static int set_secrets(WOLFSSL *ssl, WOLFSSL_ENCRYPTION_LEVEL wolf_level, const uint8_t *rx,
                       const uint8_t *tx, size_t len) {
  struct qc *conn = conn_of(ssl);
  const ngtcp2_encryption_level level =
      ngtcp2_crypto_wolfssl_from_wolfssl_encryption_level(wolf_level);

  if (level != NGTCP2_ENCRYPTION_LEVEL_1RTT) {
    if (rx && ngtcp2_crypto_derive_and_install_rx_key(conn->ng, NULL, NULL, NULL, level, rx, len))
      return 0;
    if (tx && ngtcp2_crypto_derive_and_install_tx_key(conn->ng, NULL, NULL, NULL, level, tx, len))
      return 0;
    return 1;
  }
  if (rx && !conn->server && read_peer_params(conn, ssl))
    return 0;
  if (rx && install(conn, false, rx, len))
    return 0;
  if (tx && install(conn, true, tx, len))
    return 0;
  return 1;
}

static int add_handshake(WOLFSSL *ssl, WOLFSSL_ENCRYPTION_LEVEL level, const uint8_t *data,
                         size_t len) {
  struct qc *conn = conn_of(ssl);
  const int rv = ngtcp2_conn_submit_crypto_data(
      conn->ng, ngtcp2_crypto_wolfssl_from_wolfssl_encryption_level(level), data, len);

  if (rv)
    ngtcp2_conn_set_tls_error(conn->ng, rv);
  return rv == 0;
}

static int flush_flight(WOLFSSL *ssl) {
  (void)ssl;
  return 1;
}

static int send_alert(WOLFSSL *ssl, WOLFSSL_ENCRYPTION_LEVEL level, uint8_t alert) {
  (void)level;
  ngtcp2_conn_set_tls_alert(conn_of(ssl)->ng, alert);
  return 1;
}

WOLFSSL_QUIC_METHOD qc_own_method = {set_secrets, add_handshake, flush_flight, send_alert};
