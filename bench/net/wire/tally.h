/* How late the frames of one direction left: every value, so that the answer at the end
 * is exact. Four bytes a frame. */
#ifndef FANBENCH_NET_WIRE_TALLY_H
#define FANBENCH_NET_WIRE_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally {
  uint32_t *values; /* ns; a value above 4.29 s counts as that */
  size_t n, room;
  uint64_t max_ns;
};

/* What finds no memory is in max_ns only. */
void tally_add(struct tally *tally, uint64_t ns);

/* The smallest value that at least `permille` of 1,000 are not above; 0 if there is none.
 * Sorts the values. */
uint64_t tally_quantile(struct tally *tally, uint32_t permille);

void tally_free(struct tally *tally);

#endif
