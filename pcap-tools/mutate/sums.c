#include "pcap-tools/mutate/sums.h"

#include <stdbool.h>

enum { ETHERNET = 14, UDP = 17 };

static uint32_t add(uint32_t sum, const uint8_t *p, size_t len) {
  for (size_t i = 0; i < len; i++)
    sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
  return sum;
}

static uint16_t fold(uint32_t sum) {
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

static void put(uint8_t *p, uint16_t v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

void qm_sums_fix(uint8_t *frame, size_t len) {
  bool six = len > ETHERNET && frame[ETHERNET] >> 4 == 6;
  size_t head = six ? 40 : (frame[ETHERNET] & 15u) * 4u;
  uint8_t *ip = frame + ETHERNET, *udp = ip + head;
  if (len < ETHERNET + head + 8)
    return;
  if (!six) {
    put(ip + 10, 0);
    put(ip + 10, fold(add(0, ip, head)));
  }
  size_t udp_len = (size_t)udp[4] << 8 | udp[5];
  if (udp_len < 8 || udp_len > len - ETHERNET - head || !(udp[6] | udp[7]))
    return;
  put(udp + 6, 0);
  uint32_t sum = add(UDP + (uint32_t)udp_len, six ? ip + 8 : ip + 12, six ? 32 : 8);
  uint16_t right = fold(add(sum, udp, udp_len));
  put(udp + 6, right ? right : 0xffff);
}
