#include "bench/run/hello.h"

#include <wolfssl/options.h>

#include <string.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/kdf.h>

#define MAX_PACKET   2048
#define SECRET       32
#define TAG          16
#define SAMPLE       16
#define CLIENT_HELLO 1
/* Handshake type and length, then legacy_version (RFC 8446 section 4.1.2). */
#define RANDOM_AT 6
#define BEGINNING (RANDOM_AT + HELLO_RANDOM)

/* Bytes that are read from the front; `left` is what is there. */
struct bytes {
  const uint8_t *at;
  size_t left;
};

static bool skip(struct bytes *b, uint64_t n) {
  if (n > b->left)
    return false;
  b->at += n;
  b->left -= (size_t)n;
  return true;
}

/* RFC 9000 section 16. */
static bool varint(struct bytes *b, uint64_t *out) {
  if (b->left == 0)
    return false;
  const size_t n = (size_t)1 << (b->at[0] >> 6);
  if (n > b->left)
    return false;
  *out = b->at[0] & 0x3f;
  for (size_t i = 1; i < n; i++)
    *out = *out << 8 | b->at[i];
  return skip(b, n);
}

/* ---- keys (RFC 9001 section 5.2) ---------------------------------------------------------- */

struct keys {
  uint8_t key[16], iv[12], hp[16];
};

static int expand(const uint8_t secret[SECRET], const char *label, uint8_t *out, size_t len) {
  uint8_t info[32] = {0, (uint8_t)len, (uint8_t)(6 + strlen(label)), 't', 'l', 's', '1', '3', ' '};
  memcpy(info + 9, label, strlen(label));
  return wc_HKDF_Expand(WC_SHA256, secret, SECRET, info, (word32)(10 + strlen(label)), out,
                        (word32)len);
}

static int derive(const struct hello_id *dcid, struct keys *keys) {
  static const uint8_t salt[20] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                                   0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
  uint8_t initial[SECRET], client[SECRET];
  if (wc_HKDF_Extract(WC_SHA256, salt, sizeof salt, dcid->data, dcid->len, initial) != 0 ||
      expand(initial, "client in", client, sizeof client) != 0 ||
      expand(client, "quic key", keys->key, sizeof keys->key) != 0 ||
      expand(client, "quic iv", keys->iv, sizeof keys->iv) != 0)
    return -1;
  return expand(client, "quic hp", keys->hp, sizeof keys->hp);
}

/* ---- the packet ------------------------------------------------------------------------------ */

static bool read_id(struct bytes *b, struct hello_id *id) {
  *id = (struct hello_id){0};
  if (b->left == 0 || b->at[0] > HELLO_ID || b->left < 1u + b->at[0])
    return false;
  id->len = b->at[0];
  memcpy(id->data, b->at + 1, id->len);
  return skip(b, 1u + id->len);
}

/* RFC 9000 section 17.2.2. */
bool hello_parse(struct hello *hello, const uint8_t *payload, size_t len) {
  struct bytes b = {payload, len};
  uint64_t n;
  if (len < 5 || len > MAX_PACKET || (payload[0] & 0xf0) != 0xc0 ||
      memcmp(payload + 1, "\0\0\0\1", 4) != 0)
    return false;
  skip(&b, 5);
  if (!read_id(&b, &hello->dcid) || !read_id(&b, &hello->scid))
    return false;
  if (!varint(&b, &n) || !skip(&b, n) || !varint(&b, &n) || n > b.left || n < 4 + SAMPLE)
    return false;
  hello->pn_at = len - b.left;
  hello->len = hello->pn_at + (size_t)n;
  return true;
}

/* Takes both protections off (RFC 9001 section 5.3, 5.4); returns the length of `plain`, 0 =
 * it does not open. */
static size_t open_with(const struct hello *hello, const uint8_t *packet, const struct keys *keys,
                        Aes *aes, uint8_t *plain) {
  uint8_t mask[16], nonce[12], header[MAX_PACKET];
  if (wc_AesSetKey(aes, keys->hp, sizeof keys->hp, NULL, AES_ENCRYPTION) != 0 ||
      wc_AesEcbEncrypt(aes, mask, packet + hello->pn_at + 4, SAMPLE) != 0)
    return 0;
  const uint8_t first = packet[0] ^ (mask[0] & 0x0f);
  const size_t pn_len = 1u + (first & 3), header_len = hello->pn_at + pn_len;
  if (hello->len < header_len + TAG)
    return 0;
  memcpy(header, packet, header_len);
  memcpy(nonce, keys->iv, sizeof nonce);
  header[0] = first;
  for (size_t i = 0; i < pn_len; i++) {
    header[hello->pn_at + i] ^= mask[1 + i];
    /* a client's first numbers are small: the low bytes are the whole number */
    nonce[sizeof nonce - pn_len + i] ^= header[hello->pn_at + i];
  }
  const uint8_t *sealed = packet + header_len;
  const size_t len = hello->len - header_len - TAG;
  if (wc_AesGcmSetKey(aes, keys->key, sizeof keys->key) != 0 ||
      wc_AesGcmDecrypt(aes, plain, sealed, (word32)len, nonce, sizeof nonce, sealed + len, TAG,
                       header, (word32)header_len) != 0)
    return 0;
  return len;
}

static size_t open_initial(const struct hello *hello, const uint8_t *packet, uint8_t *plain) {
  struct keys keys;
  Aes aes;
  if (derive(&hello->dcid, &keys) != 0 || wc_AesInit(&aes, NULL, INVALID_DEVID) != 0)
    return 0;
  const size_t len = open_with(hello, packet, &keys, &aes, plain);
  wc_AesFree(&aes);
  return len;
}

/* ---- frames ------------------------------------------------------------------------------------- */

/* RFC 9000 section 19.3; `type` is 2 or 3. */
static bool skip_ack(struct bytes *b, uint64_t type) {
  uint64_t largest, delay, ranges, n;
  if (!varint(b, &largest) || !varint(b, &delay) || !varint(b, &ranges))
    return false;
  /* the first range, a gap and a range each, and three counts with ECN */
  const uint64_t numbers = 1 + 2 * ranges + (type == 3 ? 3 : 0);
  for (uint64_t i = 0; i < numbers; i++)
    if (!varint(b, &n))
      return false;
  return true;
}

/* What CRYPTO frames brought of the stream's first bytes. */
struct beginning {
  uint8_t bytes[BEGINNING];
  uint64_t known; /* a bit a byte */
};

_Static_assert(BEGINNING < 64, "a bit a byte");

static bool take_crypto(struct bytes *b, struct beginning *beginning) {
  uint64_t offset, len;
  if (!varint(b, &offset) || !varint(b, &len) || len > b->left)
    return false;
  for (uint64_t i = 0; i < len && offset + i < BEGINNING; i++) {
    beginning->bytes[offset + i] = b->at[i];
    beginning->known |= UINT64_C(1) << (offset + i);
  }
  return skip(b, len);
}

/* A client may cut its hello into many frames, in any order (ngtcp2 does). Frames that an
 * Initial may not hold end the search. */
static bool find_random(struct bytes b, uint8_t random[HELLO_RANDOM]) {
  struct beginning beginning = {.known = 0};
  bool ok = true;
  uint64_t type;
  while (ok && varint(&b, &type)) {
    if (type == 6)
      ok = take_crypto(&b, &beginning);
    else if (type == 2 || type == 3)
      ok = skip_ack(&b, type);
    else
      ok = type == 0 || type == 1; /* PADDING, PING */
  }
  if (beginning.known != (UINT64_C(1) << BEGINNING) - 1 || beginning.bytes[0] != CLIENT_HELLO)
    return false;
  memcpy(random, beginning.bytes + RANDOM_AT, HELLO_RANDOM);
  return true;
}

bool hello_random(const struct hello *hello, const uint8_t *payload, uint8_t random[HELLO_RANDOM]) {
  uint8_t plain[MAX_PACKET];
  const size_t n = open_initial(hello, payload, plain);
  return n > 0 && find_random((struct bytes){plain, n}, random);
}
