#include "pcap-tools/track/by_id.h"

#include <stdlib.h>

#include "pcap-tools/read/memory.h"

static uint64_t key_of(uint32_t whose, const struct qp_cid *id) {
  uint64_t key = qp_map_mix(whose, id->len), word;
  for (size_t at = 0; at < id->len; at += 8) {
    const size_t n = id->len - at < 8u ? id->len - at : 8u;
    word = 0;
    memcpy(&word, id->data + at, n);
    key = qp_map_mix(key, word);
  }
  return key;
}

/* Its index among the entries, or QP_MAP_NONE and the key that is free for it. */
static uint32_t find(const struct qp_by_id *b, uint32_t whose, const struct qp_cid *id,
                     uint64_t *free_key) {
  uint64_t key = key_of(whose, id);
  uint32_t i;
  for (; (i = qp_map_get(&b->map, key)) != QP_MAP_NONE; key++)
    if (b->entries[i].whose == whose && qp_cid_equal(&b->entries[i].id, id))
      return i;
  *free_key = key;
  return QP_MAP_NONE;
}

uint32_t qp_by_id_get(const struct qp_by_id *b, uint32_t whose, const struct qp_cid *id) {
  uint64_t key;
  const uint32_t i = find(b, whose, id, &key);
  return i == QP_MAP_NONE ? QP_MAP_NONE : b->entries[i].value;
}

void qp_by_id_set(struct qp_by_id *b, uint32_t whose, const struct qp_cid *id, uint32_t value) {
  uint64_t key;
  const uint32_t i = find(b, whose, id, &key);
  if (i != QP_MAP_NONE) {
    b->entries[i].value = value;
    return;
  }
  qp_grow((void **)&b->entries, &b->room, b->n + 1, sizeof *b->entries);
  qp_map_set(&b->map, key, (uint32_t)b->n);
  b->entries[b->n++] = (struct qp_by_id_entry){.id = *id, .whose = whose, .value = value};
}

void qp_by_id_clear(struct qp_by_id *b) {
  qp_map_clear(&b->map);
  free(b->entries);
  *b = (struct qp_by_id){0};
}
