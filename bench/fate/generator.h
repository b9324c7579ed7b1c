/* The chance behind a link's fates: a counter-based generator. Number `index`
 * under a key is a pure function of both, so that no call disturbs another.
 *
 * It is SplitMix64 (Steele, Lea, Flood 2014) with the key as seed: number
 * `index` is output `index` of that generator, reached in one step. A key comes
 * from the run's seed, the name of the link's direction ("A>B") and the purpose
 * of the draw.
 *
 * Not for secrets. */
#ifndef FANBENCH_FATE_GENERATOR_H
#define FANBENCH_FATE_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

#define FATE_PPM 1000000u

uint64_t fate_generator_key(uint64_t seed, const char *from, const char *to, uint32_t purpose);
uint64_t fate_generator_at(uint64_t key, uint64_t index);

/* A number -> 0 .. below - 1; below > 0. The bias is under below / 2^64. */
uint64_t fate_generator_below(uint64_t number, uint64_t below);

#endif
