/* The bytes of one direction of a stream, from frames in any order, at offsets
 * up to 2^62. Memory follows the bytes that came, not the offsets.
 *
 * Overlaps are compared. qp_reasm_forget() replaces the bytes by a digest of 16
 * bits for each 16: later overlaps are then compared by whole blocks only.
 * qp_reasm_drop() keeps nothing of them but that they came.
 *
 * Zero-initialised = empty. */
#ifndef FANBENCH_PCAP_TRACK_REASSEMBLY_H
#define FANBENCH_PCAP_TRACK_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QP_BLOCK 16

struct qp_seg {
  uint64_t off;
  size_t len, room; /* room 0 = `digest` instead of `data`; NULL = dropped */
  union {
    uint8_t *data;
    uint16_t *digest;
  };
};

struct qp_reasm {
  struct qp_seg first, *segs; /* segs NULL: at most `first` is used */
  uint32_t n, room;
  uint32_t front; /* segs[0..front] follow each other without a hole */
};

/* What an addition met. */
struct qp_overlap {
  bool differs;
  uint64_t at;      /* stream offset of the first difference (of its block after forgetting) */
  uint8_t was, now; /* 0 after forgetting */
};

/* Returns how many of the bytes are new. */
uint64_t qp_reasm_add(struct qp_reasm *r, uint64_t off, const uint8_t *data, size_t len,
                      struct qp_overlap *overlap);
/* End of the bytes that start at offset 0 without a hole. */
uint64_t qp_reasm_contiguous(struct qp_reasm *r);
/* End of the last byte seen. */
uint64_t qp_reasm_end(const struct qp_reasm *r);
/* Bytes at `off` that lie together: their number, *data set; 0 if none (or forgotten). */
size_t qp_reasm_peek(const struct qp_reasm *r, uint64_t off, const uint8_t **data);
/* Copies up to len bytes from `off` on; the number copied. */
size_t qp_reasm_read(const struct qp_reasm *r, uint64_t off, uint8_t *out, size_t len);
/* True if all of [off, off + len) came. */
bool qp_reasm_has(const struct qp_reasm *r, uint64_t off, uint64_t len);
/* Bytes held. */
size_t qp_reasm_held(const struct qp_reasm *r);
void qp_reasm_forget(struct qp_reasm *r);
/* Drops the bytes in front of `upto`. */
void qp_reasm_drop(struct qp_reasm *r, uint64_t upto);
void qp_reasm_clear(struct qp_reasm *r);

#endif
