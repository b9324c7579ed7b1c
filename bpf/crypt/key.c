#include "bpf/crypt/key.h"

#include "bpf/crypt/aes.h"
#include "bpf/crypt/chacha20.h"
#include "bpf/crypt/gcm.h"

#include <string.h>

int crypt_key_fill(struct fb_key *key, struct fb_ghash *table, enum fb_protection cipher,
                   const __u8 *secret, const __u8 *hp, const __u8 iv[12]) {
  key->cipher = cipher;
  memcpy(key->iv, iv, sizeof(key->iv));
  memset(key->key, 0, sizeof(key->key));
  memset(key->hp, 0, sizeof(key->hp));
  if (cipher == FB_PROTECT_CHACHA20) {
    memcpy(key->key, secret, 32);
    memcpy(key->hp, hp, 32);
    return 0;
  }
  if (cipher != FB_PROTECT_AES128GCM || !table)
    return -1;
  struct crypt_work w = {0};
  struct crypt_aes_key rounds = {0};
  crypt_aes_expand(&rounds, hp);
  memcpy(key->hp, &rounds, sizeof(rounds));
  crypt_aes_expand(&rounds, secret);
  memcpy(key->key, &rounds, sizeof(rounds));
  crypt_aes(&rounds, &w); /* of the zero block */
  crypt_ghash_table(table, (const __u8 *)w.out);
  explicit_bzero(&w, sizeof(w));
  explicit_bzero(&rounds, sizeof(rounds));
  return 0;
}

int crypt_keystream_fill(struct fb_keystream *out, const struct fb_key *key, __u64 pn) {
  struct crypt_work w;
  __u64 tag = fb_keystream_tag(key->generation, pn);
  if (!tag)
    return -1;
  if (key->cipher == FB_PROTECT_AES128GCM)
    crypt_aes_keystream(key, pn, FB_KEYSTREAM_LEN, &w);
  else
    crypt_chacha20_keystream(key, pn, FB_KEYSTREAM_LEN, &w);
  __atomic_store_n(&out->tag, 0, __ATOMIC_SEQ_CST);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  memcpy(out->once, w.keystream.once, sizeof(out->once));
  memcpy(out->bytes, w.keystream.bytes, sizeof(out->bytes));
  __atomic_store_n(&out->tag, tag, __ATOMIC_RELEASE);
  explicit_bzero(&w, sizeof(w));
  return 0;
}
