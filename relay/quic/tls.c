#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/quic/conn_state.h"

#include <wolfssl/wolfcrypt/sha256.h>

#define RANDOM_LEN        32
#define SECRET_MAX        64   /* SHA-512 */
#define QUIC_TP_EXTENSION 0x39 /* quic_transport_parameters, RFC 9001 8.2 */

static const char *cipher_name(enum qc_cipher cipher) {
  return cipher == QC_AES_128_GCM ? "TLS13-AES128-GCM-SHA256" : "TLS13-CHACHA20-POLY1305-SHA256";
}

static const char *secret_name(int id) {
  switch (id) {
  case CLIENT_EARLY_TRAFFIC_SECRET:
    return "CLIENT_EARLY_TRAFFIC_SECRET";
  case CLIENT_HANDSHAKE_TRAFFIC_SECRET:
    return "CLIENT_HANDSHAKE_TRAFFIC_SECRET";
  case SERVER_HANDSHAKE_TRAFFIC_SECRET:
    return "SERVER_HANDSHAKE_TRAFFIC_SECRET";
  case CLIENT_TRAFFIC_SECRET:
    return "CLIENT_TRAFFIC_SECRET_0";
  case SERVER_TRAFFIC_SECRET:
    return "SERVER_TRAFFIC_SECRET_0";
  case EXPORTER_SECRET:
    return "EXPORTER_SECRET";
  default:
    return NULL;
  }
}

static char *put_hex(char *to, const uint8_t *data, size_t len) {
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < len; i++) {
    *to++ = digits[data[i] >> 4];
    *to++ = digits[data[i] & 15];
  }
  return to;
}

/* One key log line. It must be set even if nobody listens: a wolfSSL built
 * with --enable-keylog-export else writes ./sslkeylog.log by itself. */
static int log_secret(WOLFSSL *ssl, int id, const unsigned char *secret, int secret_len,
                      void *arg) {
  const struct qc_tls *tls = arg;
  const char *name = secret_name(id);
  uint8_t random[RANDOM_LEN];
  char line[512], *at;

  if (!tls->keylog || !name || secret_len < 0 || secret_len > SECRET_MAX ||
      wolfSSL_get_client_random(ssl, random, sizeof(random)) != sizeof(random))
    return 0;
  at = stpcpy(line, name);
  *at++ = ' ';
  at = put_hex(at, random, sizeof(random));
  *at++ = ' ';
  at = put_hex(at, secret, (size_t)secret_len);
  *at = 0;
  tls->keylog(tls->keylog_arg, line);
  explicit_bzero(line, sizeof(line));
  return 0;
}

static int load_identity(WOLFSSL_CTX *ctx, const struct qc_tls_config *config) {
  if (!config->cert_pem || !config->key_pem)
    return -1;
  if (wolfSSL_CTX_use_certificate_chain_buffer(ctx, config->cert_pem, (long)config->cert_len) !=
      WOLFSSL_SUCCESS)
    return -1;
  if (wolfSSL_CTX_use_PrivateKey_buffer(ctx, config->key_pem, (long)config->key_len,
                                        WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
    return -1;
  return 0;
}

static int configure(struct qc_tls *tls, const struct qc_tls_config *config) {
  /* X25519 alone keeps the ClientHello in one Initial packet. */
  int groups[] = {WOLFSSL_ECC_X25519};

  if (wolfSSL_CTX_set_groups(tls->ctx, groups, 1) != WOLFSSL_SUCCESS)
    return -1;
  if (wolfSSL_CTX_set_cipher_list(tls->ctx, cipher_name(config->cipher)) != WOLFSSL_SUCCESS)
    return -1;
  if (!config->server) {
    if (ngtcp2_crypto_wolfssl_configure_client_context(tls->ctx))
      return -1;
    /* Laboratory certificate: nobody is to be trusted by it. */
    wolfSSL_CTX_set_verify(tls->ctx, WOLFSSL_VERIFY_NONE, NULL);
    return 0;
  }
  if (ngtcp2_crypto_wolfssl_configure_server_context(tls->ctx))
    return -1;
  /* Tickets are never used, and they hold the wall clock. */
  if (wolfSSL_CTX_no_ticket_TLSv13(tls->ctx) != 0)
    return -1;
  return load_identity(tls->ctx, config);
}

/* A server's comes from its private key: after a restart it can still end the connections of
 * the process before (RFC 9000 10.3.2). */
static int make_reset_secret(struct qc_tls *tls, const struct qc_tls_config *config) {
  static const char label[] = "fanbench stateless reset";
  wc_Sha256 hash;
  int rv;

  _Static_assert(sizeof(tls->reset_secret) == WC_SHA256_DIGEST_SIZE, "one hash");
  if (!config->server)
    return wolfSSL_RAND_bytes(tls->reset_secret, sizeof(tls->reset_secret)) == WOLFSSL_SUCCESS ? 0
                                                                                               : -1;
  if (wc_InitSha256(&hash))
    return -1;
  rv = wc_Sha256Update(&hash, (const byte *)label, sizeof(label)) ||
               wc_Sha256Update(&hash, config->key_pem, (word32)config->key_len) ||
               wc_Sha256Final(&hash, tls->reset_secret)
           ? -1
           : 0;
  wc_Sha256Free(&hash);
  return rv;
}

struct qc_tls *qc_tls_new(const struct qc_tls_config *config) {
  struct qc_tls *tls;
  const size_t alpn_len = strlen(config->alpn);
  const size_t other_len = config->other_alpn ? strlen(config->other_alpn) : 0;

  if (alpn_len == 0 || alpn_len >= sizeof(tls->alpn) || other_len >= sizeof(tls->other_alpn))
    return NULL;
  if (wolfSSL_Init() != WOLFSSL_SUCCESS)
    return NULL;
  tls = calloc(1, sizeof(*tls));
  if (!tls) {
    wolfSSL_Cleanup();
    return NULL;
  }
  tls->server = config->server;
  tls->keylog = config->keylog;
  tls->keylog_arg = config->keylog_arg;
  memcpy(tls->alpn, config->alpn, alpn_len);
  if (other_len)
    memcpy(tls->other_alpn, config->other_alpn, other_len);
  tls->ctx =
      wolfSSL_CTX_new(config->server ? wolfTLSv1_3_server_method() : wolfTLSv1_3_client_method());
  if (!tls->ctx || configure(tls, config) || make_reset_secret(tls, config)) {
    qc_tls_free(tls);
    return NULL;
  }
  return tls;
}

void qc_tls_free(struct qc_tls *tls) {
  if (!tls)
    return;
  wolfSSL_CTX_free(tls->ctx);
  free(tls);
  wolfSSL_Cleanup();
}

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref) {
  return ((struct qc *)ref->user_data)->ng;
}

/* The server refuses what is not in the list with no_application_protocol
 * (RFC 7301 3.2); a client that offers none is refused after the handshake. */
static int offer_alpn(WOLFSSL *ssl, const struct qc_tls *tls) {
  char list[sizeof(tls->alpn) + sizeof(tls->other_alpn)]; /* wolfSSL cuts it at the commas */
  const int len = snprintf(list, sizeof(list), "%s%s%s", tls->alpn, tls->other_alpn[0] ? "," : "",
                           tls->other_alpn);

  return wolfSSL_UseALPN(ssl, list, (unsigned int)len, WOLFSSL_ALPN_FAILED_ON_MISMATCH) ==
                 WOLFSSL_SUCCESS
             ? 0
             : -1;
}

WOLFSSL *qc_tls_session(struct qc *conn, const char *server_name) {
  struct qc_tls *tls = conn->config.tls;
  WOLFSSL *ssl = wolfSSL_new(tls->ctx);

  if (!ssl)
    return NULL;
  conn->ref.get_conn = conn_of;
  conn->ref.user_data = conn;
  if (wolfSSL_set_app_data(ssl, &conn->ref) != WOLFSSL_SUCCESS ||
      wolfSSL_set_tls13_secret_cb(ssl, log_secret, tls) != WOLFSSL_SUCCESS)
    goto fail;
  if (qc_own_keys(&conn->config) && wolfSSL_set_quic_method(ssl, &qc_own_method) != WOLFSSL_SUCCESS)
    goto fail;
  wolfSSL_set_quic_transport_version(ssl, QUIC_TP_EXTENSION);
  if (offer_alpn(ssl, tls))
    goto fail;
  if (tls->server) {
    wolfSSL_set_accept_state(ssl);
    return ssl;
  }
  wolfSSL_set_connect_state(ssl);
  if (server_name && wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, server_name,
                                    (unsigned short)strlen(server_name)) != WOLFSSL_SUCCESS)
    goto fail;
  return ssl;
fail:
  wolfSSL_free(ssl);
  return NULL;
}

static bool agreed_on(const struct qc *conn, const char *want) {
  char *name = NULL;
  unsigned short len = 0;

  return want[0] && wolfSSL_ALPN_GetProtocol(conn->ssl, &name, &len) == WOLFSSL_SUCCESS &&
         len == strlen(want) && memcmp(name, want, len) == 0;
}

bool qc_tls_alpn_agreed(const struct qc *conn) {
  return agreed_on(conn, conn->config.tls->alpn) || qc_is_other_alpn(conn);
}

bool qc_is_other_alpn(const struct qc *conn) {
  return agreed_on(conn, conn->config.tls->other_alpn);
}
