#include "bench/sim/draw.h"

#include "bench/fate/generator.h"

/* Links use the small numbers (enum fate_purpose). */
#define PURPOSE 0x73696du

struct draw draw_open(uint64_t seed, const char *what, const char *whose) {
  return (struct draw){.key = fate_generator_key(seed, what, whose, PURPOSE)};
}

uint64_t draw_below(struct draw *draw, uint64_t below) {
  return fate_generator_below(fate_generator_at(draw->key, draw->next++), below);
}

void draw_bytes(struct draw *draw, uint8_t *dest, size_t len) {
  while (len > 0) {
    const uint64_t value = fate_generator_at(draw->key, draw->next++);
    for (size_t i = 0; i < 8 && len > 0; i++, len--)
      *dest++ = (uint8_t)(value >> (8 * i));
  }
}
