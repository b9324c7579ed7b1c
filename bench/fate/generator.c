#include "bench/fate/generator.h"

/* The step of SplitMix64: 2^64 over the golden ratio, made odd. */
#define STEP UINT64_C(0x9e3779b97f4a7c15)

/* Its finaliser. */
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static uint64_t mix_text(uint64_t key, const char *text) {
  for (; *text != '\0'; text++)
    key = mix(key ^ (uint8_t)*text);
  return key;
}

uint64_t fate_generator_key(uint64_t seed, const char *from, const char *to, uint32_t purpose) {
  uint64_t key = mix_text(mix(seed + STEP), from);
  /* No character, so that "a" "bc" and "ab" "c" differ. */
  key = mix_text(mix(key ^ 0x100), to);
  return mix(mix(key ^ 0x200) ^ purpose);
}

uint64_t fate_generator_at(uint64_t key, uint64_t index) {
  return mix(key + (index + 1) * STEP);
}

uint64_t fate_generator_below(uint64_t number, uint64_t below) {
  return (uint64_t)(((unsigned __int128)number * below) >> 64);
}
