#include "pcap-tools/track/map.h"

#include <stdlib.h>
#include <string.h>

#include "pcap-tools/read/memory.h"

uint64_t qp_map_mix(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9e3779b97f4a7c15u + b; /* splitmix64 */
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/* The slot of the key, or the free one where it belongs. */
static struct qp_map_slot *place(const struct qp_map *m, uint64_t key) {
  size_t i = (size_t)qp_map_mix(key, 0) & (m->room - 1);
  while (m->slots[i].value && m->slots[i].key != key)
    i = (i + 1) & (m->room - 1);
  return &m->slots[i];
}

uint32_t qp_map_get(const struct qp_map *m, uint64_t key) {
  if (!m->room)
    return QP_MAP_NONE;
  return QP_MAP_NONE - place(m, key)->value;
}

static void widen(struct qp_map *m) {
  struct qp_map wide = {.room = m->room ? m->room * 2 : 16, .n = m->n};
  wide.slots = qp_alloc(wide.room, sizeof *wide.slots);
  for (size_t i = 0; i < m->room; i++)
    if (m->slots[i].value)
      *place(&wide, m->slots[i].key) = m->slots[i];
  free(m->slots);
  *m = wide;
}

void qp_map_set(struct qp_map *m, uint64_t key, uint32_t value) {
  if (m->n * 4 >= m->room * 3)
    widen(m);
  struct qp_map_slot *s = place(m, key);
  m->n += !s->value;
  *s = (struct qp_map_slot){key, QP_MAP_NONE - value};
}

/* Followers that the free place would cut off from their own move up. */
void qp_map_remove(struct qp_map *m, uint64_t key) {
  struct qp_map_slot *s = m->room ? place(m, key) : NULL;
  if (!s || !s->value)
    return;
  size_t mask = m->room - 1, hole = (size_t)(s - m->slots);
  for (size_t i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
    size_t home = (size_t)qp_map_mix(m->slots[i].key, 0) & mask;
    if (((i - home) & mask) < ((i - hole) & mask))
      continue;
    m->slots[hole] = m->slots[i];
    hole = i;
  }
  m->slots[hole].value = 0;
  m->n--;
}

void qp_map_empty(struct qp_map *m) {
  if (m->room)
    memset(m->slots, 0, m->room * sizeof *m->slots);
  m->n = 0;
}

void qp_map_clear(struct qp_map *m) {
  free(m->slots);
  memset(m, 0, sizeof *m);
}
