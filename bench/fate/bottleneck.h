/* The narrow part of a link direction: a rate and a first-in first-out queue in
 * front of it, tail drop. To the nanosecond, integers only.
 *
 * A packet that finds the line free leaves at once and needs no room. Another
 * one waits; it is refused if what is not sent yet (the rest of the packet on
 * the line included) and it are more than queue_bytes. A packet of len bytes
 * holds the line for len * 8 / rate seconds; the fraction of a nanosecond is
 * carried on, so that N packets back to back take exactly N times as long.
 *
 * Times never fall from call to call. Rates are at most FATE_MAX_RATE_BPS
 * (fate/fate.h), a packet is shorter than 2^31 bytes. */
#ifndef FANBENCH_FATE_BOTTLENECK_H
#define FANBENCH_FATE_BOTTLENECK_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: unlimited and idle. */
struct fate_bottleneck {
  uint64_t rate_bps;    /* 0 = unlimited */
  uint64_t queue_bytes; /* 0 = unlimited */
  uint64_t free_ns;     /* the line is free from here on, plus ... */
  uint64_t free_part;   /* ... free_part / rate_bps of a nanosecond */
  /* What was taken in before the last change of rate still leaves as it was
   * promised: old_bits between old_from_ns and old_until_ns. */
  uint64_t old_bits, old_from_ns, old_until_ns;
};

/* New limits from now_ns on. Departures already told stand. */
void fate_bottleneck_set(struct fate_bottleneck *b, uint64_t rate_bps, uint64_t queue_bytes,
                         uint64_t now_ns);

/* Takes in a packet. True and when its last bit has left (rounded up), or false:
 * the queue is full and nothing changes. */
bool fate_bottleneck_take(struct fate_bottleneck *b, uint32_t len, uint64_t now_ns,
                          uint64_t *leaves_ns);

/* Bytes taken in that have not left, rounded up. */
uint64_t fate_bottleneck_backlog(const struct fate_bottleneck *b, uint64_t now_ns);

#endif
