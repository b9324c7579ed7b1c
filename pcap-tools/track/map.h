/* A hash table from 64-bit keys to 32-bit indexes: open addressing.
 * Keys may be hashes of something longer: then the caller compares what the
 * index points to and, if it differs, tries key + 1.
 *
 * Zero-initialised = empty. */
#ifndef FANBENCH_PCAP_TRACK_MAP_H
#define FANBENCH_PCAP_TRACK_MAP_H

#include <stddef.h>
#include <stdint.h>

#define QP_MAP_NONE UINT32_MAX

struct qp_map {
  struct qp_map_slot {
    uint64_t key;
    uint32_t value; /* QP_MAP_NONE - value is stored, so that zero means free */
  } * slots;
  size_t room, n; /* room: a power of two, or 0 */
};

uint32_t qp_map_get(const struct qp_map *map, uint64_t key);       /* QP_MAP_NONE: absent */
void qp_map_set(struct qp_map *map, uint64_t key, uint32_t value); /* value < QP_MAP_NONE */
void qp_map_remove(struct qp_map *map, uint64_t key);              /* nothing if it is absent */
void qp_map_empty(struct qp_map *map);                             /* keeps its room */
void qp_map_clear(struct qp_map *map);
/* Mixes all bits; for keys that are put together from small numbers. */
uint64_t qp_map_mix(uint64_t a, uint64_t b);

#endif
