/* "af00 001e" -> bytes, for tests. */
#ifndef FANBENCH_RELAY_T_HEX_H
#define FANBENCH_RELAY_T_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Writes to buf and returns the length; blanks are skipped. */
static inline size_t hex(uint8_t *buf, const char *text) {
  size_t n = 0;
  for (; *text; text++) {
    int v;
    if (*text == ' ')
      continue;
    v = *text <= '9' ? *text - '0' : *text - 'a' + 10;
    if (n % 2)
      buf[n / 2] = (uint8_t)(buf[n / 2] | v);
    else
      buf[n / 2] = (uint8_t)(v << 4);
    n++;
  }
  return n / 2;
}

#endif
