/* A stream of random numbers that is used in order: counter-based, so that number
 * N is a pure function of (seed, what, whose, N) and streams do not disturb each other:
 * one more draw of one node changes nothing for the next.
 *
 * The generator is that of the links (bench/fate/generator.h). Not for secrets. */
#ifndef FANBENCH_SIM_DRAW_H
#define FANBENCH_SIM_DRAW_H

#include <stddef.h>
#include <stdint.h>

struct draw {
  uint64_t key, next;
};

/* The run's seed, what it is for ("wake"), and whose it is ("sub[1]"). */
struct draw draw_open(uint64_t seed, const char *what, const char *whose);

/* 0 .. below - 1; below > 0. */
uint64_t draw_below(struct draw *draw, uint64_t below);
void draw_bytes(struct draw *draw, uint8_t *dest, size_t len);

#endif
