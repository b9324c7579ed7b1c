/* What a simulation leaves behind: nothing of the machine is used but memory and
 * descriptors, so it is they that are looked at, and what relays left in their datapaths.
 *
 * Order: remains_begin(); remains_left() for each thing that is found; remains_end() when
 * everything was given back. Lines are the same whatever the machine. */
#ifndef FANBENCH_SIM_REMAINS_H
#define FANBENCH_SIM_REMAINS_H

#include <stdbool.h>
#include <stddef.h>

/* Kinds that are looked at, for the manifest: ends with NULL.
 *   processes    alive though everybody was told to end
 *   datapath     subscribers, upstreams, their IDs and aliases, after a relay ended as told
 *   frames       of the network: in no pool, on no link, in no socket
 *   commands     of the control channels, neither done nor given up
 *   descriptors  open now that were not before */
extern const char *const remains_kinds[];

struct remains {
  char **left;
  size_t n;
  bool failed;      /* something could not be looked at, or found no memory: it counts as left */
  long descriptors; /* open at the beginning */
};

void remains_begin(struct remains *remains);
__attribute__((format(printf, 2, 3))) void remains_left(struct remains *remains, const char *fmt,
                                                        ...);
/* frames, commands: that were not given back. */
void remains_end(struct remains *remains, long frames, long commands);
void remains_free(struct remains *remains);

#endif
