/* When the objects of a stream reached the relay: which of its bytes belong to an object that
 * came when. One mark an object, or fewer: objects that came at once share one.
 *
 * Marks are added in ascending order and given back from the front. The struct is zero at
 * first; arrivals_clear() frees. */
#ifndef FANBENCH_RELAY_FANOUT_ARRIVALS_H
#define FANBENCH_RELAY_FANOUT_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arrival {
  uint64_t from; /* stream offset: bytes from here to the next mark */
  uint64_t ns;   /* last byte of the object's header was read */
};

struct arrivals {
  struct arrival *marks;
  size_t n, room;
};

/* An object begins at `from`, above all marks there are. False: no memory; it then counts
 * as as old as the one before. */
bool arrivals_add(struct arrivals *a, uint64_t from, uint64_t ns);
/* When the object came that the byte belongs to; 0 = not known. */
uint64_t arrivals_at(const struct arrivals *a, uint64_t offset);
/* Nobody asks about bytes below `offset` any more. */
void arrivals_trim(struct arrivals *a, uint64_t offset);
void arrivals_clear(struct arrivals *a);

#endif
