#include "bench/net/wire/tally.h"

#include <stdlib.h>

void tally_add(struct tally *tally, uint64_t ns) {
  if (ns > tally->max_ns)
    tally->max_ns = ns;
  if (tally->n == tally->room) {
    size_t room = tally->room * 2 + 4096;
    uint32_t *bigger = realloc(tally->values, room * sizeof *bigger);
    if (bigger == NULL)
      return;
    tally->values = bigger;
    tally->room = room;
  }
  tally->values[tally->n++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static int compare(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

uint64_t tally_quantile(struct tally *tally, uint32_t permille) {
  if (tally->n == 0)
    return 0;
  qsort(tally->values, tally->n, sizeof *tally->values, compare);
  const size_t want = (tally->n * permille + 999) / 1000;
  return tally->values[want > 0 ? want - 1 : 0];
}

void tally_free(struct tally *tally) {
  free(tally->values);
  *tally = (struct tally){0};
}
