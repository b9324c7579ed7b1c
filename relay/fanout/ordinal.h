/* Which waiting stream opens next: MAX_STREAMS counts ordinals, and the datapath gives them in
 * the order in which headers come, also to streams that wait. So that a stream of high priority
 * need not wait for a limit that those below it have used up, two legs that wait exchange their
 * ordinals while nothing of either has left. A stream that is to be reset and has not begun gives
 * its ordinal away first: it needs one only to be reset with.
 *
 * Source: MoQT, Priorities (an object that may be written goes by its priority); RFC 9000 2.1, 4.6. */
#ifndef FANBENCH_RELAY_FANOUT_ORDINAL_H
#define FANBENCH_RELAY_FANOUT_ORDINAL_H

#include "relay/fanout/core.h"

/* It is only to be reset, nothing of it has left or was charged, and nobody counts it by its header. */
bool ordinal_is_spare(const struct leg *leg);
/* `leg` has an ordinal beyond MAX_STREAMS, is of a client in a datapath (plane) and may be
 * exchanged, or nothing happens. It gets the ordinal of a spare leg in client.resets, or of the leg
 * in client.pending that goes last of those that go after it and may be exchanged; that one gets
 * its. The datapath is held and drained before: legs may come, go and be finished meanwhile.
 * False: there is none, nothing has changed. */
bool ordinal_exchange(struct leg *leg);
/* Who was parked before `next` came, which may give its ordinal away, and goes before it: the first
 * one of them. NULL: nobody. */
struct leg *ordinal_first_parked(const struct leg *next);

#endif
