#define XXH_INLINE_ALL
#include "pcap-tools/track/reassembly.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "pcap-tools/read/memory.h"

static struct qp_seg *segs(struct qp_reasm *r) {
  return r->segs ? r->segs : &r->first;
}
static const struct qp_seg *segs_const(const struct qp_reasm *r) {
  return r->segs ? r->segs : &r->first;
}
static uint64_t end_of(const struct qp_seg *s) {
  return s->off + s->len;
}

/* Index of the first segment that ends behind `off`; n if none. */
static uint32_t find(const struct qp_reasm *r, uint64_t off) {
  const struct qp_seg *s = segs_const(r);
  uint32_t lo = 0, hi = r->n;
  if (r->n && end_of(&s[r->n - 1]) <= off)
    return r->n;
  while (lo < hi) {
    uint32_t mid = (lo + hi) / 2;
    if (end_of(&s[mid]) <= off)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static struct qp_seg *insert(struct qp_reasm *r, uint32_t at) {
  if (r->n && !r->segs) {
    size_t room = 0;
    qp_grow((void **)&r->segs, &room, 4, sizeof *r->segs);
    r->room = (uint32_t)room;
    r->segs[0] = r->first;
  } else if (r->segs && r->n == r->room) {
    size_t room = r->room;
    qp_grow((void **)&r->segs, &room, room + 1, sizeof *r->segs);
    r->room = (uint32_t)room;
  }
  struct qp_seg *s = segs(r);
  memmove(&s[at + 1], &s[at], (r->n - at) * sizeof *s);
  r->n++;
  memset(&s[at], 0, sizeof *s);
  return &s[at];
}

/* Bytes are not moved: what does not fit into a segment begins the next one. Most
 * streams are short, so that room grows with them. */
enum { SEG_MAX = 16 << 10 };

static void begin(struct qp_seg *s, const struct qp_seg *before, const uint8_t *data, size_t len) {
  size_t more = before && before->room ? before->room * 4 : 0;
  more = more < SEG_MAX ? more : SEG_MAX;
  s->room = more > len ? more : len;
  s->data = qp_alloc_plain(s->room);
  memcpy(s->data, data, len);
  s->len = len;
}

static uint16_t digest(const uint8_t *block) {
  return (uint16_t)XXH3_64bits(block, QP_BLOCK);
}

static void compare_digest(const struct qp_seg *s, uint64_t off, const uint8_t *data, size_t len,
                           struct qp_overlap *o) {
  if (!s->digest)
    return;
  uint64_t block = (off - s->off + QP_BLOCK - 1) / QP_BLOCK;
  for (; (block + 1) * QP_BLOCK <= off - s->off + len; block++) {
    size_t at = (size_t)(s->off + block * QP_BLOCK - off);
    if (digest(data + at) != s->digest[block]) {
      *o = (struct qp_overlap){.differs = true, .at = off + at};
      return;
    }
  }
}

static void compare(const struct qp_seg *s, uint64_t off, const uint8_t *data, size_t len,
                    struct qp_overlap *o) {
  if (o->differs)
    return;
  if (!s->room) {
    compare_digest(s, off, data, len, o);
    return;
  }
  const uint8_t *had = s->data + (off - s->off);
  if (!memcmp(had, data, len))
    return;
  size_t i = 0;
  while (had[i] == data[i])
    i++;
  *o = (struct qp_overlap){.differs = true, .at = off + i, .was = had[i], .now = data[i]};
}

uint64_t qp_reasm_add(struct qp_reasm *r, uint64_t off, const uint8_t *data, size_t len,
                      struct qp_overlap *o) {
  uint64_t fresh = 0;
  memset(o, 0, sizeof *o);
  uint32_t i = find(r, off);
  while (len) {
    struct qp_seg *s = segs(r);
    if (i < r->n && s[i].off <= off) { /* already here: compare */
      uint64_t both = end_of(&s[i]) - off;
      size_t n = both < len ? (size_t)both : len;
      compare(&s[i], off, data, n, o);
      off += n, data += n, len -= n;
      i++;
      continue;
    }
    size_t n = i < r->n && s[i].off - off < len ? (size_t)(s[i].off - off) : len;
    bool follows = i > 0 && end_of(&s[i - 1]) == off;
    if (follows && s[i - 1].room >= s[i - 1].len + n) {
      memcpy(s[i - 1].data + s[i - 1].len, data, n);
      s[i - 1].len += n;
    } else {
      struct qp_seg *new_seg = insert(r, i);
      new_seg->off = off;
      begin(new_seg, follows ? new_seg - 1 : NULL, data, n);
      i++;
    }
    fresh += n;
    off += n, data += n, len -= n;
  }
  return fresh;
}

uint64_t qp_reasm_contiguous(struct qp_reasm *r) {
  const struct qp_seg *s = segs(r);
  if (!r->n || s[0].off)
    return 0;
  while (r->front + 1 < r->n && s[r->front + 1].off == end_of(&s[r->front]))
    r->front++;
  return end_of(&s[r->front]);
}

uint64_t qp_reasm_end(const struct qp_reasm *r) {
  return r->n ? end_of(&segs_const(r)[r->n - 1]) : 0;
}

size_t qp_reasm_peek(const struct qp_reasm *r, uint64_t off, const uint8_t **data) {
  uint32_t i = find(r, off);
  const struct qp_seg *s = segs_const(r);
  if (i == r->n || s[i].off > off || !s[i].room)
    return 0;
  *data = s[i].data + (off - s[i].off);
  return (size_t)(end_of(&s[i]) - off);
}

size_t qp_reasm_read(const struct qp_reasm *r, uint64_t off, uint8_t *out, size_t len) {
  size_t done = 0;
  const uint8_t *data;
  while (done < len) {
    size_t n = qp_reasm_peek(r, off + done, &data);
    if (!n)
      break;
    n = n < len - done ? n : len - done;
    memcpy(out + done, data, n);
    done += n;
  }
  return done;
}

bool qp_reasm_has(const struct qp_reasm *r, uint64_t off, uint64_t len) {
  const struct qp_seg *s = segs_const(r);
  uint64_t end = off + len;
  for (uint32_t i = find(r, off); off < end; i++) {
    if (i == r->n || s[i].off > off)
      return false;
    off = end_of(&s[i]);
  }
  return true;
}

size_t qp_reasm_held(const struct qp_reasm *r) {
  const struct qp_seg *s = segs_const(r);
  size_t held = 0;
  for (uint32_t i = 0; i < r->n; i++)
    held += s[i].room;
  return held;
}

void qp_reasm_forget(struct qp_reasm *r) {
  struct qp_seg *s = segs(r);
  for (uint32_t i = 0; i < r->n; i++) {
    if (!s[i].room)
      continue;
    size_t blocks = s[i].len / QP_BLOCK;
    uint16_t *d = qp_alloc(blocks, sizeof *d);
    for (size_t b = 0; b < blocks; b++)
      d[b] = digest(s[i].data + b * QP_BLOCK);
    free(s[i].data);
    s[i].digest = d;
    s[i].room = 0;
  }
}

static void drop_data(struct qp_seg *s) {
  free(s->data);
  s->data = NULL;
  s->room = 0;
}

/* Segment i reaches behind `upto`: its front becomes a segment without bytes. */
static void split(struct qp_reasm *r, uint32_t i, uint64_t upto) {
  struct qp_seg *s = &segs(r)[i];
  uint64_t off = s->off;
  size_t n = (size_t)(upto - off), left = s->len - n;
  uint8_t *rest = qp_alloc_plain(left);
  memcpy(rest, s->data + n, left);
  free(s->data);
  *s = (struct qp_seg){.off = upto, .len = left, .room = left, .data = rest};
  *insert(r, i) = (struct qp_seg){.off = off, .len = n};
}

/* Makes one of neighbours without bytes among the first `end` segments. */
static void coalesce(struct qp_reasm *r, uint32_t end) {
  struct qp_seg *s = segs(r);
  uint32_t last = 0;
  for (uint32_t i = 1; i < end; i++) {
    if (!s[last].data && !s[i].data && end_of(&s[last]) == s[i].off)
      s[last].len += s[i].len;
    else
      s[++last] = s[i];
  }
  if (end > last + 1) {
    memmove(&s[last + 1], &s[end], (r->n - end) * sizeof *s);
    r->n -= end - last - 1;
  }
  r->front = 0; /* found anew */
}

void qp_reasm_drop(struct qp_reasm *r, uint64_t upto) {
  uint32_t i = 0;
  for (; i < r->n && end_of(&segs(r)[i]) <= upto; i++)
    if (segs(r)[i].room)
      drop_data(&segs(r)[i]);
  if (i < r->n && segs(r)[i].off < upto && segs(r)[i].room)
    split(r, i++, upto);
  coalesce(r, i);
}

void qp_reasm_clear(struct qp_reasm *r) {
  struct qp_seg *s = segs(r);
  for (uint32_t i = 0; i < r->n; i++)
    free(s[i].data);
  free(r->segs);
  memset(r, 0, sizeof *r);
}
