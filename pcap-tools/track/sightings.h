/* Where each of the last packet numbers of a sender was first seen, and what the
 * packet was: the newest numbers in a ring that grows with their count. Older ones
 * are forgotten; which numbers were sent is known for ever (track/ranges).
 *
 * Zero-initialised = empty. */
#ifndef FANBENCH_PCAP_TRACK_SIGHTINGS_H
#define FANBENCH_PCAP_TRACK_SIGHTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QP_SIGHTING_MARK ((1u << 28) - 1)

struct qp_sighting {
  uint32_t pn; /* its low bits */
  uint32_t frame;
  uint32_t generation : 4, mark : 28; /* of the key; of the packet's bytes */
};

struct qp_sightings {
  struct qp_sighting *ring;
  uint32_t room; /* a power of two, or 0 */
  uint64_t n, largest;
};

/* What all rings together may take, in bytes. Each gets 64 numbers whatever is left. */
struct qp_sightings_room {
  size_t left;
};

/* Notes a number that was not sent before. */
void qp_sightings_note(struct qp_sightings *s, uint64_t pn, uint64_t frame, uint32_t generation,
                       uint32_t mark, struct qp_sightings_room *room);
/* NULL: never noted, or forgotten. */
const struct qp_sighting *qp_sightings_find(const struct qp_sightings *s, uint64_t pn);
void qp_sightings_clear(struct qp_sightings *s);

#endif
