/* The differences between the two generations of ngtcp2 that fanbench builds
 * with (1.24 and 1.11), and nothing else.
 *
 * 1.24 renamed getters to ...2 (const arguments) and gave four callbacks typed
 * arguments. Code says NG_GET(name)(conn) and NG_CALLBACKS(); what 1.11 lacks
 * altogether is told by FANBENCH_NGTCP2_STOP_SENDING_CB. */
#ifndef FANBENCH_RELAY_QUIC_NGTCP2_API_H
#define FANBENCH_RELAY_QUIC_NGTCP2_API_H

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_wolfssl.h>
#include <string.h>

#if NGTCP2_VERSION_NUM >= 0x011800

#define NG_GET(name)                    ngtcp2_conn_get_##name##2
#define NG_IN(name)                     ngtcp2_conn_in_##name##2
#define NG_IS(name)                     ngtcp2_conn_is_##name##2
#define FANBENCH_NGTCP2_STOP_SENDING_CB 1

/* The stateless reset token, wherever the library puts it. */
typedef ngtcp2_stateless_reset_token ng_token;
#define NG_TOKEN_BYTES(token) ((token)->data)
typedef ngtcp2_path_challenge_data ng_challenge;
#define NG_CHALLENGE_BYTES(challenge) ((challenge)->data)
#define NG_CB_NEW_CID                 get_new_connection_id2
#define NG_CB_CHALLENGE               get_path_challenge_data2
#define NG_CB_RESET                   recv_stateless_reset2
typedef ngtcp2_pkt_stateless_reset2 ng_stateless_reset;
#define ng_write_stateless_reset(dest, room, token, rand, rand_len)                                \
  ngtcp2_pkt_write_stateless_reset2(dest, room, token, rand, rand_len)
/* A variable that holds one token. */
#define NG_TOKEN_VAR(name) ng_token name
#define NG_TOKEN_REF(name) (&(name))

#else

#define NG_GET(name)                  ngtcp2_conn_get_##name
#define NG_IN(name)                   ngtcp2_conn_in_##name
#define NG_IS(name)                   ngtcp2_conn_is_##name

typedef uint8_t ng_token;
#define NG_TOKEN_BYTES(token)         (token)
typedef uint8_t ng_challenge;
#define NG_CHALLENGE_BYTES(challenge) (challenge)
#define NG_CB_NEW_CID                 get_new_connection_id
#define NG_CB_CHALLENGE               get_path_challenge_data
#define NG_CB_RESET                   recv_stateless_reset
typedef ngtcp2_pkt_stateless_reset ng_stateless_reset;
#define ng_write_stateless_reset(dest, room, token, rand, rand_len)                                \
  ngtcp2_pkt_write_stateless_reset(dest, room, token, rand, rand_len)
#define NG_TOKEN_VAR(name) ng_token name[NGTCP2_STATELESS_RESET_TOKENLEN]
#define NG_TOKEN_REF(name) (name)

#endif

#endif
