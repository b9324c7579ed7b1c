/* The one pass over a packet in which an AEAD of QUIC seals or opens it (RFC 9001 5.3), its
 * keystream being there already: payload and keystream are joined, header and ciphertext hashed,
 * the tag written or compared. The AEADs differ in their hash alone.
 *
 * A template, without a guard: who includes it has defined
 *
 *   AEAD_PASS     the name of the function that this makes
 *   AEAD_HASH     the type of the hash's state
 *   AEAD_BEGIN    (hash, once)             before the first block; once: of the keystream
 *   AEAD_BLOCK    (hash, a, b)             16 bytes, the last ones of header and payload filled up
 *                                          with zeros
 *   AEAD_END      (hash, head, len, once)  lengths in bytes; returns the tag
 *
 * all five are gone behind it. The function returns 0, -1: no such span or no such buffer; opening,
 * 1: it is not authentic. Its `sealing` is a constant. */

PORT_INLINE int AEAD_PASS(struct crypt_buf *to, const struct crypt_buf *from,
                          const struct fb_keystream *ks, AEAD_HASH *hash, __u64 span, int sealing) {
  __u32 head = CRYPT_SPAN_HEAD(span), len = CRYPT_SPAN_LEN(span), blocks = len / 16,
        rest = len % 16;
  if (!to || !from || !ks || !crypt_span_good(span))
    return -1;
  AEAD_BEGIN(hash, ks->once);
  struct crypt_block first = crypt_head_block(to, 0, head);
  AEAD_BLOCK(hash, first.a, first.b);
  if (head > 16) {
    struct crypt_block second = crypt_head_block(to, 1, head);
    AEAD_BLOCK(hash, second.a, second.b);
  }
  const __u8 *in = from->b + CRYPT_HEAD + head, *stream = ks->bytes;
  __u8 *out = to->b + CRYPT_HEAD + head;
  PORT_NO_UNROLL
  for (__u32 i = 0; i < CRYPT_MAX_BLOCKS - 1; i++) {
    if (i >= blocks)
      break;
    __u64 a = port_get64(in), b = port_get64(in + 8);
    __u64 x = a ^ port_get64(stream), y = b ^ port_get64(stream + 8);
    port_put64(out, x);
    port_put64(out + 8, y);
    AEAD_BLOCK(hash, sealing ? x : a, sealing ? y : b);
    in += 16;
    stream += 16;
    out += 16;
  }
  if (rest) {
    __u64 tail = wire_mask(len & ~15u);
    if (tail > CRYPT_MAX_LEN)
      return -1;
    in = from->b + CRYPT_HEAD + head + tail;
    stream = ks->bytes + tail;
    out = to->b + CRYPT_HEAD + head + tail;
    struct crypt_block mask = crypt_mask_block(rest, 0);
    __u64 a = port_get64(in) & mask.a, b = port_get64(in + 8) & mask.b;
    __u64 x = (a ^ port_get64(stream)) & mask.a, y = (b ^ port_get64(stream + 8)) & mask.b;
    port_put64(out, x);
    port_put64(out + 8, y);
    AEAD_BLOCK(hash, sealing ? x : a, sealing ? y : b);
  }
  struct crypt_block tag = AEAD_END(hash, head, len, ks->once);
  __u64 end = wire_mask(len);
  if (end > CRYPT_MAX_LEN)
    return -1;
  if (sealing) {
    out = to->b + CRYPT_HEAD + head + end;
    port_put64(out, tag.a);
    port_put64(out + 8, tag.b);
    return 0;
  }
  in = from->b + CRYPT_HEAD + head + end;
  return (port_get64(in) ^ tag.a) | (port_get64(in + 8) ^ tag.b) ? 1 : 0;
}

#undef AEAD_PASS
#undef AEAD_HASH
#undef AEAD_BEGIN
#undef AEAD_BLOCK
#undef AEAD_END
