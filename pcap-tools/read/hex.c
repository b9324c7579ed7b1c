#include "pcap-tools/read/hex.h"

static int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t qp_unhex(const char *text, size_t len, uint8_t *bytes, size_t room) {
  if (len % 2 || len / 2 > room)
    return 0;
  for (size_t i = 0; i < len / 2; i++) {
    const int hi = digit(text[2 * i]), lo = digit(text[2 * i + 1]);
    if (hi < 0 || lo < 0)
      return 0;
    bytes[i] = (uint8_t)(hi << 4 | lo);
  }
  return len / 2;
}
