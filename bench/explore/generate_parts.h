/* The parts of generate() that are drawn last: links, then events. They need the nodes, tracks and
 * subscriptions that are there already. */
#ifndef FANBENCH_EXPLORE_GENERATE_PARTS_H
#define FANBENCH_EXPLORE_GENERATE_PARTS_H

#include "bench/explore/dice.h"
#include "bench/scenario/plan.h"

#define GENERATE_MS 1000000ull

void generate_links(struct dice *dice, struct plan *plan);
void generate_events(struct dice *dice, struct plan *plan);

/* Mean load of all tracks in bits a second. */
uint64_t generate_load_bps(const struct plan *plan);
/* An impairment of a line of this plan that carries load_bps. Only with_rate it is narrow. */
void generate_impair(struct dice *dice, const struct plan *plan, struct plan_impair *impair,
                     uint64_t load_bps, bool with_rate);

#endif
