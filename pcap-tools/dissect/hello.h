/* What the judge needs of the TLS handshake: ClientHello (random, ALPN,
 * transport parameters), ServerHello (cipher suite), EncryptedExtensions
 * (transport parameters). RFC 8446 section 4, RFC 9000 section 18. */
#ifndef FANBENCH_PCAP_DISSECT_HELLO_H
#define FANBENCH_PCAP_DISSECT_HELLO_H

#include "pcap-tools/dissect/packet.h"

enum qp_suite {
  QP_SUITE_UNKNOWN = 0,
  QP_AES_128_GCM = 0x1301,
  QP_AES_256_GCM = 0x1302,
  QP_CHACHA20_POLY1305 = 0x1303,
  QP_AES_128_CCM = 0x1304,
};

struct qp_params {
  bool seen;
  uint64_t max_udp_payload, max_data, max_stream_data_bidi_local, max_stream_data_bidi_remote;
  uint64_t max_stream_data_uni, max_streams_bidi, max_streams_uni, max_datagram_frame;
  uint64_t ack_delay_exponent, max_ack_delay_ms, active_cid_limit, max_idle_ms;
  bool reset_stream_at, disable_migration, grease_quic_bit;
  bool min_ack_delay; /* draft-ietf-quic-ack-frequency */
  bool has_reset_token;
  uint8_t reset_token[16]; /* of the ID of the handshake; servers only */
  /* as the side says they were; len 0: not said, or an ID of length zero */
  struct qp_cid original_dcid, initial_scid, retry_scid;
  struct qp_cid preferred_cid; /* of the server's preferred address, sequence number 1 */
};

struct qp_hello {
  bool client_hello, server_hello;
  uint8_t random[32];   /* of the client */
  char alpn[32];        /* the first one offered; "" if none */
  char alpn_chosen[32]; /* by the server; "" if not seen */
  char sni[256];        /* host name, RFC 6066 3; what does not print is "?"; "" if none */
  uint16_t suite;       /* enum qp_suite or another code point; 0 = not seen */
  struct qp_params client, server;
};

/* Takes the next whole handshake message from the front of [data, data + len).
 * Returns its length, or 0 if it is not whole yet. Fills *hello with what the
 * judge knows; other messages and malformed extensions are stepped over. */
size_t qp_hello_message(struct qp_hello *hello, const uint8_t *data, size_t len);

#endif
