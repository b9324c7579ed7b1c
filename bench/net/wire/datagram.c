#include "bench/net/wire/datagram.h"

#define ETHERNET_LEN 14
#define IPV6_LEN     40
#define UDP_LEN      8
#define TYPE_IPV4    0x0800
#define TYPE_IPV6    0x86dd
#define PROTOCOL_UDP 17
/* MF and offset: not the reserved bit, not DF. */
#define FRAGMENT_MASK 0x3fff

static uint32_t word(const uint8_t *at) {
  return (uint32_t)at[0] << 8 | at[1];
}

/* Header length of the IP packet, 0: none with UDP right behind it. */
static uint32_t open_ipv4(const uint8_t *ip, size_t len, uint32_t *ip_len) {
  if (len < 20 || ip[0] >> 4 != 4 || ip[9] != PROTOCOL_UDP || (word(ip + 6) & FRAGMENT_MASK) != 0)
    return 0;
  *ip_len = word(ip + 2);
  return (ip[0] & 15u) * 4;
}

static uint32_t open_ipv6(const uint8_t *ip, size_t len, uint32_t *ip_len) {
  if (len < IPV6_LEN || ip[0] >> 4 != 6 || ip[6] != PROTOCOL_UDP)
    return 0;
  *ip_len = IPV6_LEN + word(ip + 4);
  return IPV6_LEN;
}

bool datagram_find(const uint8_t *frame, size_t len, struct datagram *out) {
  if (len < ETHERNET_LEN)
    return false;
  const uint8_t *ip = frame + ETHERNET_LEN;
  const size_t ip_room = len - ETHERNET_LEN;
  uint32_t ip_len = 0, header = 0;
  if (word(frame + 12) == TYPE_IPV4)
    header = open_ipv4(ip, ip_room, &ip_len);
  else if (word(frame + 12) == TYPE_IPV6)
    header = open_ipv6(ip, ip_room, &ip_len);
  if (header < 20 || ip_len > ip_room || ip_len < header + UDP_LEN)
    return false;
  const uint32_t udp_len = word(ip + header + 4);
  if (udp_len < UDP_LEN || udp_len > ip_len - header)
    return false;
  *out = (struct datagram){.ip_len = ip_len,
                           .payload_at = ETHERNET_LEN + header + UDP_LEN,
                           .payload_len = udp_len - UDP_LEN};
  return true;
}
