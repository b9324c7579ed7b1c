#include "pcap-tools/decrypt/ccm.h"

#include <wolfssl/options.h>

#include <string.h>
#include <wolfssl/wolfcrypt/aes.h>

enum { BLOCK = 16, LENGTH_BYTES = 3, BATCH = 32 };

static void encrypt(struct Aes *aes, uint8_t *out, const uint8_t *in, size_t blocks) {
  wc_AesEcbEncrypt(aes, out, in, (word32)(blocks * BLOCK));
}

/* A block of RFC 3610 2.2 and 2.3: flags, nonce, a number of three bytes. */
static void numbered(uint8_t block[BLOCK], uint8_t flags, const uint8_t *nonce, size_t number) {
  block[0] = flags;
  memcpy(block + 1, nonce, 12);
  for (int i = 0; i < LENGTH_BYTES; i++)
    block[13 + i] = (uint8_t)(number >> 8 * (LENGTH_BYTES - 1 - i));
}

/* XORs the key stream from block 1 on. */
static void count(struct Aes *aes, const struct qp_ccm *c, const uint8_t *in, size_t len,
                  uint8_t *out) {
  uint8_t counters[BATCH * BLOCK], stream[BATCH * BLOCK];
  for (size_t done = 0; done < len;) {
    size_t n = len - done < sizeof stream ? len - done : sizeof stream;
    size_t blocks = (n + BLOCK - 1) / BLOCK;
    for (size_t i = 0; i < blocks; i++)
      numbered(counters + i * BLOCK, LENGTH_BYTES - 1, c->nonce, done / BLOCK + i + 1);
    encrypt(aes, stream, counters, blocks);
    for (size_t i = 0; i < n; i++)
      out[done + i] = in[done + i] ^ stream[i];
    done += n;
  }
}

static void mac(struct Aes *aes, uint8_t x[BLOCK], const uint8_t *p, size_t len) {
  while (len) {
    size_t n = len < BLOCK ? len : BLOCK;
    for (size_t i = 0; i < n; i++)
      x[i] ^= p[i];
    encrypt(aes, x, x, 1);
    p += n;
    len -= n;
  }
}

static void mac_header(struct Aes *aes, uint8_t x[BLOCK], const struct qp_ccm *c) {
  uint8_t first[BLOCK] = {(uint8_t)(c->header_len >> 8), (uint8_t)c->header_len};
  size_t n = c->header_len < BLOCK - 2 ? c->header_len : BLOCK - 2;
  if (!c->header_len)
    return;
  memcpy(first + 2, c->header, n);
  mac(aes, x, first, BLOCK);
  mac(aes, x, c->header + n, c->header_len - n);
}

bool qp_ccm_open(struct Aes *aes, const struct qp_ccm *c, const uint8_t *in, size_t len,
                 uint8_t *out) {
  uint8_t x[BLOCK], pad[BLOCK];
  uint8_t flags =
      (uint8_t)((c->header_len ? 0x40 : 0) | ((c->tag_len - 2) / 2) << 3 | (LENGTH_BYTES - 1));
  if (len >= 1u << 8 * LENGTH_BYTES)
    return false;
  count(aes, c, in, len, out);
  numbered(x, flags, c->nonce, len);
  encrypt(aes, x, x, 1);
  mac_header(aes, x, c);
  mac(aes, x, out, len);
  numbered(pad, LENGTH_BYTES - 1, c->nonce, 0);
  encrypt(aes, pad, pad, 1);
  uint8_t differs = 0;
  for (size_t i = 0; i < c->tag_len; i++)
    differs |= (uint8_t)(x[i] ^ pad[i] ^ in[len + i]);
  return !differs;
}
