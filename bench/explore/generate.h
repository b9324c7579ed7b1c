/* A scenario by chance: topology, workload and timeline of faults from a seed. The same seed gives the
 * same scenario on every machine.
 *
 * What there may be, and how much of it (so that a run takes a fraction of a second): one or
 * two publishers, one relay or a tree of two, at most six subscribers, some behind a router;
 * one to four tracks of some hundred objects, half a second to one and a half; lines with
 * delay, jitter, loss, bursts, duplicates, corruption, reordering, a rate of about the load, small
 * MTUs, faults chosen by frame or index; late subscriptions, filters, timeouts; and up to six events.
 *
 * What there is not, because no fixed relay could pass, or the null AEAD would take one packet
 * for another: IDs of one or two bytes, and none at all under it; more than 5 ms of reordering under it;
 * lines that carry less than a tenth of their load; a change of path, or the relay's death, in
 * a handshake; something that happens to who is gone. */
#ifndef FANBENCH_EXPLORE_GENERATE_H
#define FANBENCH_EXPLORE_GENERATE_H

#include "bench/explore/model.h"

/* A model whose plan holds no more than the writer needs: write it, then plan_parse() makes the
 * plan to run. Its seed is `seed`, too. */
struct model *generate(uint64_t seed);

#endif
