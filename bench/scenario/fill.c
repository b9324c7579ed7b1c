/* Content of synthetic objects: a counter run through a mixer, so that any
 * byte of any object can be told without the others, on every machine alike. */
#include "bench/scenario/plan.h"

#include <endian.h>
#include <string.h>

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

/* FNV-1a: names are short. */
static uint64_t hash_text(const char *text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (; *text; text++)
    hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
  return hash;
}

void plan_object_fill(const struct plan *plan, const struct plan_track *track, uint64_t group,
                      uint64_t object, uint8_t *buf, size_t len) {
  const uint64_t step = 0x9e3779b97f4a7c15u;
  uint64_t key = mix(plan->seed + step);
  key = mix(key ^ hash_text(track->name));
  key = mix(key + group * step);
  key = mix(key + (object + 1) * step);
  size_t at = 0;
  for (; len - at >= 8; at += 8) {
    uint64_t word = htole64(mix(key += step));
    memcpy(buf + at, &word, 8);
  }
  if (at < len) {
    uint64_t word = htole64(mix(key + step));
    memcpy(buf + at, &word, len - at);
  }
}
