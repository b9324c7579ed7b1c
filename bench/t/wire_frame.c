#include "bench/t/wire_frame.h"

#include <string.h>

static void put_word(uint8_t *at, size_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static size_t put_udp(uint8_t *frame, size_t at, const void *payload, size_t len) {
  put_word(frame + at, 4433);
  put_word(frame + at + 2, 20000);
  put_word(frame + at + 4, 8 + len);
  memcpy(frame + at + 8, payload, len);
  return at + 8 + len;
}

size_t wire_frame_ipv4(uint8_t *frame, const void *payload, size_t len) {
  memset(frame, 0, WIRE_FRAME_IPV4);
  put_word(frame + 12, 0x0800);
  frame[14] = 0x45;
  put_word(frame + 16, 28 + len);
  put_word(frame + 20, 0x4000); /* DF */
  frame[23] = 17;
  return put_udp(frame, 34, payload, len);
}

size_t wire_frame_ipv6(uint8_t *frame, const void *payload, size_t len) {
  memset(frame, 0, WIRE_FRAME_IPV6);
  put_word(frame + 12, 0x86dd);
  frame[14] = 0x60;
  put_word(frame + 18, 8 + len);
  frame[20] = 17;
  return put_udp(frame, 54, payload, len);
}
