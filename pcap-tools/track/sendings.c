#include "pcap-tools/track/sendings.h"

#include <stdlib.h>
#include <string.h>

#include "pcap-tools/read/memory.h"

#define LEVELS (QP_SENDINGS_MOST - 1)

/* Adds to `to` what of lo..hi is in `from`. */
static void add_common(struct qp_ranges *to, const struct qp_ranges *from, uint64_t lo,
                       uint64_t hi) {
  for (size_t i = 0; i < from->n; i++) {
    const struct qp_span *span = &from->spans[i];
    uint64_t a = span->lo > lo ? span->lo : lo, b = span->hi < hi ? span->hi : hi;
    if (a <= b)
      qp_ranges_add(to, a, b);
  }
}

void qp_sendings_again(struct qp_sendings *s, uint64_t lo, uint64_t hi) {
  if (!s->again)
    s->again = qp_alloc(LEVELS, sizeof *s->again);
  for (size_t i = LEVELS - 1; i > 0; i--)
    add_common(&s->again[i], &s->again[i - 1], lo, hi);
  qp_ranges_add(&s->again[0], lo, hi);
}

uint32_t qp_sendings_most(const struct qp_sendings *s, uint64_t stream_bytes) {
  uint32_t most = stream_bytes > 0;
  for (size_t i = 0; s->again && i < LEVELS && s->again[i].n; i++)
    most = (uint32_t)i + 2;
  return most;
}

void qp_sendings_clear(struct qp_sendings *s) {
  for (size_t i = 0; s->again && i < LEVELS; i++)
    qp_ranges_clear(&s->again[i]);
  free(s->again);
  s->again = NULL;
}
