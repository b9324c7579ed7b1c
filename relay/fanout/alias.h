/* Track aliases that this relay gives: one for each track, the same for all of its subscribers. */
#ifndef FANBENCH_RELAY_FANOUT_ALIAS_H
#define FANBENCH_RELAY_FANOUT_ALIAS_H

#include "relay/fanout/core.h"

/* For a new track: the one that has been free the longest. A subscriber that has not heard yet that
 * a track is over, as PUBLISH_DONE was lost, still holds its alias for taken. */
uint32_t alias_free(struct relay *relay);

#endif
