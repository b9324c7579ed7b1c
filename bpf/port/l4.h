/* Ethernet, IPv4 or IPv6, and UDP around a payload: parse, check, build. The same for
 * both targets.
 *
 * A packet buffer holds the UDP payload from FB_MAX_HEADERS on and the headers right
 * in front of it, so that every field of a header has a fixed place. No IP options, no
 * extension headers, no VLAN tag.
 *
 * The target gives l4_sum_bytes(buf, at, len, seed): the one's complement sum
 * (RFC 1071) of `len` bytes, `at` and `len` multiples of 4. */
#ifndef FANBENCH_BPF_PORT_L4_H
#define FANBENCH_BPF_PORT_L4_H

#include "bpf/abi/decision.h"
#include "bpf/abi/entry.h"
#include "bpf/abi/limits.h"

#define L4_ETH_LEN        14
#define L4_UDP_LEN        8
#define L4_UDP            (FB_MAX_HEADERS - L4_UDP_LEN) /* place of each header in the buffer */
#define L4_IP4            (L4_UDP - 20)
#define L4_IP6            (L4_UDP - 40)
#define L4_PROTO_UDP      17
#define L4_PROTO_FRAGMENT 44 /* IPv6 fragment header */
#define L4_TTL            64

typedef __u16 __attribute__((may_alias)) l4_any16;
typedef __u32 __attribute__((may_alias)) l4_any32;

/* Bytes in front of the payload. */
L4_INLINE __u32 l4_head_len(__u32 family) {
  return family == 6 ? FB_MAX_HEADERS - L4_IP6 + L4_ETH_LEN : FB_MAX_HEADERS - L4_IP4 + L4_ETH_LEN;
}

L4_INLINE __u16 l4_get16(const __u8 *p) {
  return (__u16)(p[0] << 8 | p[1]);
}

L4_INLINE void l4_put16(__u8 *p, __u32 v) {
  p[0] = (__u8)(v >> 8);
  p[1] = (__u8)v;
}

/* v as it stands in memory in network order. */
L4_INLINE __u32 l4_net16(__u32 v) {
  return (v & 0xff) << 8 | (v >> 8 & 0xff);
}

L4_INLINE __u16 l4_fold(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (__u16)sum;
}

/* Sum of n 32-bit words. */
L4_INLINE __u64 l4_sum_words(const __u8 *p, int n) {
  const l4_any32 *w = (const l4_any32 *)p;
  __u64 sum = 0;
  for (int i = 0; i < n; i++)
    sum += w[i];
  return sum;
}

/* Sum of the pseudo header of the packet in the buffer (RFC 768, RFC 8200 8.1). */
L4_INLINE __u64 l4_pseudo_sum(const __u8 *buf, __u32 family, __u32 payload_len) {
  __u64 sum = family == 6 ? l4_sum_words(buf + L4_IP6 + 8, 8) : l4_sum_words(buf + L4_IP4 + 12, 2);
  return sum + l4_net16(L4_PROTO_UDP) + l4_net16(payload_len + L4_UDP_LEN);
}

/* Sum over UDP header and payload. Clears up to 3 bytes behind the payload. */
L4_INLINE __u64 l4_udp_sum(__u8 *buf, __u32 payload_len) {
  __u8 *end = buf + FB_MAX_HEADERS + wire_mask(payload_len);
  end[0] = end[1] = end[2] = 0;
  return l4_sum_bytes(buf, L4_UDP, (L4_UDP_LEN + payload_len + 3) & ~3u, 0);
}

/* ---- parse ----------------------------------------------------------------------- */

L4_INLINE enum fb_packet_reason l4_parse_ip4(const __u8 *buf, __u32 frame_len,
                                             struct fb_path *path) {
  const __u8 *ip = buf + L4_IP4;
  if (ip[0] != 0x45 || ip[9] != L4_PROTO_UDP)
    return FB_PKT_NOT_UDP;
  if (l4_get16(ip + 6) & 0x3fff)
    return FB_PKT_FRAGMENT; /* offset or more fragments */
  if (l4_get16(ip + 2) + (__u32)L4_ETH_LEN != frame_len)
    return FB_PKT_LENGTH;
  *(l4_any32 *)path->remote_addr = *(const l4_any32 *)(ip + 12);
  *(l4_any32 *)path->local_addr = *(const l4_any32 *)(ip + 16);
  return FB_PKT_FANNED;
}

L4_INLINE enum fb_packet_reason l4_parse_ip6(const __u8 *buf, __u32 frame_len,
                                             struct fb_path *path) {
  const __u8 *ip = buf + L4_IP6;
  if ((ip[0] & 0xf0) != 0x60)
    return FB_PKT_NOT_IP;
  if (ip[6] == L4_PROTO_FRAGMENT)
    return FB_PKT_FRAGMENT;
  if (ip[6] != L4_PROTO_UDP)
    return FB_PKT_NOT_UDP;
  if (l4_get16(ip + 4) + (__u32)(L4_ETH_LEN + 40) != frame_len)
    return FB_PKT_LENGTH;
  for (int i = 0; i < 4; i++) {
    ((l4_any32 *)path->remote_addr)[i] = ((const l4_any32 *)(ip + 8))[i];
    ((l4_any32 *)path->local_addr)[i] = ((const l4_any32 *)(ip + 24))[i];
  }
  return FB_PKT_FANNED;
}

/* Reads the headers (they alone need to be in the buffer) of a frame of `frame_len`
 * bytes. FB_PKT_FANNED: *path is set and the payload has *payload_len bytes, at most
 * FB_MAX_PAYLOAD. `port` in host order; gso_size as the kernel tells it. */
L4_INLINE enum fb_packet_reason l4_parse(const __u8 *buf, __u32 family, __u32 frame_len,
                                         __u32 gso_size, __u16 port, struct fb_path *path,
                                         __u32 *payload_len) {
  const __u8 *udp = buf + L4_UDP;
  __u32 head = l4_head_len(family);
  __builtin_memset(path, 0, sizeof(*path));
  enum fb_packet_reason length = FB_PKT_FANNED;
  length = family == 6 ? l4_parse_ip6(buf, frame_len, path) : l4_parse_ip4(buf, frame_len, path);
  if (length != FB_PKT_FANNED && length != FB_PKT_LENGTH)
    return length;
  if (l4_get16(udp + 2) != port)
    return FB_PKT_OTHER_PORT;
  if (gso_size)
    return FB_PKT_GSO;
  if (length != FB_PKT_FANNED || l4_get16(udp + 4) + head != frame_len + L4_UDP_LEN)
    return FB_PKT_LENGTH;
  if (frame_len < head || frame_len - head > FB_MAX_PAYLOAD)
    return FB_PKT_LENGTH;
  path->remote_port = *(const l4_any16 *)udp;
  path->local_port = *(const l4_any16 *)(udp + 2);
  path->family = (__u8)family;
  *payload_len = frame_len - head;
  return FB_PKT_FANNED;
}

/* Verifies the checksums of the whole packet in the buffer. *partial = 1: the sender
 * left the UDP checksum to the device (CHECKSUM_PARTIAL), the field holds the folded
 * sum of the pseudo header. A full checksum looks like that once in 65,536 packets,
 * therefore the full sum is tried first. */
L4_INLINE enum fb_packet_reason l4_check(__u8 *buf, __u32 family, __u32 payload_len,
                                         __u8 *partial) {
  __u16 field = *(const l4_any16 *)(buf + L4_UDP + 6);
  if (family == 4 && l4_fold(l4_sum_words(buf + L4_IP4, 5)) != 0xffff)
    return FB_PKT_CHECKSUM;
  if (field == 0)
    return FB_PKT_CHECKSUM; /* no checksum at all */
  __u64 pseudo = l4_pseudo_sum(buf, family, payload_len);
  *partial = 0;
  if (l4_fold(pseudo + l4_udp_sum(buf, payload_len)) == 0xffff)
    return FB_PKT_FANNED;
  *partial = 1;
  return l4_fold(pseudo) == field ? FB_PKT_FANNED : FB_PKT_CHECKSUM;
}

/* ---- build ----------------------------------------------------------------------- */

L4_INLINE void l4_build_ip4(__u8 *buf, const struct fb_subscriber_copy *sub, __u32 payload_len) {
  __u8 *ip = buf + L4_IP4;
  l4_put16(ip, 0x4500); /* version, header length, TOS and ECN 0 */
  l4_put16(ip + 2, payload_len + L4_UDP_LEN + 20);
  l4_put16(ip + 4, 0);      /* ID: none needed with DF (RFC 6864) */
  l4_put16(ip + 6, 0x4000); /* DF (RFC 9000 14) */
  ip[8] = L4_TTL;
  ip[9] = L4_PROTO_UDP;
  l4_put16(ip + 10, 0);
  *(l4_any32 *)(ip + 12) = *(const l4_any32 *)sub->src_addr;
  *(l4_any32 *)(ip + 16) = *(const l4_any32 *)sub->dst_addr;
  *(l4_any16 *)(ip + 10) = (__u16)~l4_fold(l4_sum_words(ip, 5));
}

L4_INLINE void l4_build_ip6(__u8 *buf, const struct fb_subscriber_copy *sub, __u32 payload_len) {
  __u8 *ip = buf + L4_IP6;
  ip[0] = 0x60; /* version; traffic class and ECN 0 */
  ip[1] = (__u8)(sub->flow_label >> 16 & 0x0f);
  l4_put16(ip + 2, sub->flow_label & 0xffff);
  l4_put16(ip + 4, payload_len + L4_UDP_LEN);
  ip[6] = L4_PROTO_UDP;
  ip[7] = L4_TTL;
  for (int i = 0; i < 4; i++) {
    ((l4_any32 *)(ip + 8))[i] = ((const l4_any32 *)sub->src_addr)[i];
    ((l4_any32 *)(ip + 24))[i] = ((const l4_any32 *)sub->dst_addr)[i];
  }
}

/* Writes the headers of a copy in front of its payload. `partial` as from l4_check(). */
L4_INLINE void l4_build(__u8 *buf, __u32 family, const struct fb_subscriber_copy *sub,
                        __u32 payload_len, __u8 partial) {
  __u8 *eth = buf + FB_MAX_HEADERS - l4_head_len(family);
  __u8 *udp = buf + L4_UDP;
  for (int i = 0; i < 6; i += 2) {
    *(l4_any16 *)(eth + i) = *(const l4_any16 *)(sub->dst_mac + i);
    *(l4_any16 *)(eth + 6 + i) = *(const l4_any16 *)(sub->src_mac + i);
  }
  l4_put16(eth + 12, family == 6 ? 0x86dd : 0x0800);
  if (family == 6)
    l4_build_ip6(buf, sub, payload_len);
  else
    l4_build_ip4(buf, sub, payload_len);
  *(l4_any16 *)udp = sub->src_port;
  *(l4_any16 *)(udp + 2) = sub->dst_port;
  l4_put16(udp + 4, payload_len + L4_UDP_LEN);
  l4_put16(udp + 6, 0);
  __u64 sum = l4_pseudo_sum(buf, family, payload_len);
  __u16 field = partial ? l4_fold(sum) : (__u16)~l4_fold(sum + l4_udp_sum(buf, payload_len));
  /* A computed 0 is sent as its other form (RFC 768). */
  *(l4_any16 *)(udp + 6) = !partial && field == 0 ? 0xffff : field;
}

#endif
