#include "bench/fate/bottleneck.h"

#define NS 1000000000u

/* A packet holds the line for len * BIT_NS / rate_bps nanoseconds. */
#define BIT_NS (UINT64_C(8) * NS)

static uint64_t rounded_up(const struct fate_bottleneck *b) {
  return b->free_ns + (b->free_part > 0 && b->free_ns < UINT64_MAX);
}

uint64_t fate_bottleneck_backlog(const struct fate_bottleneck *b, uint64_t now_ns) {
  unsigned __int128 bit_ns = 0;
  uint64_t from_ns = now_ns;
  if (now_ns < b->old_until_ns) {
    uint64_t whole = b->old_until_ns - b->old_from_ns, left = b->old_until_ns - now_ns;
    bit_ns = ((unsigned __int128)b->old_bits * left + whole - 1) / whole * NS;
    from_ns = b->old_until_ns;
  }
  if (from_ns <= b->free_ns)
    bit_ns += (unsigned __int128)(b->free_ns - from_ns) * b->rate_bps + b->free_part;
  return (uint64_t)((bit_ns + BIT_NS - 1) / BIT_NS);
}

void fate_bottleneck_set(struct fate_bottleneck *b, uint64_t rate_bps, uint64_t queue_bytes,
                         uint64_t now_ns) {
  b->queue_bytes = queue_bytes;
  if (rate_bps == b->rate_bps)
    return;
  b->old_bits = 8 * fate_bottleneck_backlog(b, now_ns);
  b->old_from_ns = now_ns;
  b->old_until_ns = rounded_up(b);
  b->free_ns = rounded_up(b);
  b->free_part = 0;
  b->rate_bps = rate_bps;
}

bool fate_bottleneck_take(struct fate_bottleneck *b, uint32_t len, uint64_t now_ns,
                          uint64_t *leaves_ns) {
  bool waits = now_ns < rounded_up(b);
  if (b->rate_bps == 0) {
    *leaves_ns = waits ? rounded_up(b) : now_ns;
    return true;
  }
  if (waits && b->queue_bytes > 0 && fate_bottleneck_backlog(b, now_ns) + len > b->queue_bytes)
    return false;
  if (!waits) {
    b->free_ns = now_ns;
    b->free_part = 0;
  }
  uint64_t part = len * BIT_NS + b->free_part, takes_ns = part / b->rate_bps;
  b->free_part = part % b->rate_bps;
  if (takes_ns > UINT64_MAX - b->free_ns) { /* never, as good as */
    takes_ns = UINT64_MAX - b->free_ns;
    b->free_part = 0;
  }
  b->free_ns += takes_ns;
  *leaves_ns = rounded_up(b);
  return true;
}
