/* Ethernet frames of virtual links: what a capture at an interface would show.
 *
 * Frames come from a pool and go back to it; whoever takes one out of an event or a
 * queue owns it. */
#ifndef FANBENCH_SIM_FRAME_H
#define FANBENCH_SIM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/quic/conn.h"

/* Ethernet, IPv6, UDP and the largest payload of conn.h; a power of two. */
#define FRAME_ROOM 2048

struct frame {
  struct frame *next; /* in the pool or in a socket */
  size_t len;
  uint8_t bytes[FRAME_ROOM];
};

struct frame_pool {
  struct frame *free;
  long out; /* taken and not given back */
};

struct frame *frame_new(struct frame_pool *pool); /* NULL: no memory */
void frame_give(struct frame_pool *pool, struct frame *frame);
void frame_pool_free(struct frame_pool *pool);

/* Writes Ethernet to UDP around the payload as the kernel does for a socket that
 * discovers its path MTU: TTL 64, DF, IP ID 0, UDP checksum. False: no room. */
bool frame_wrap(struct frame *frame, const struct qc_path *path, const uint8_t src_mac[6],
                const uint8_t dst_mac[6], const uint8_t *payload, size_t len);

/* IP packet length, for the MTU. */
static inline size_t frame_ip_len(const struct frame *frame) {
  return frame->len - 14;
}

/* UDP destination port, network order; 0: not such a frame. */
uint16_t frame_port(const struct frame *frame);

/* Where the UDP payload begins; frame_port() must know the frame. */
size_t frame_payload_at(const struct frame *frame);

/* Where an IP packet goes, port 0. False: it is none, or its header's sum is wrong. */
bool frame_destination(const struct frame *frame, struct qc_addr *to);

/* What a router does to it on the way: one off TTL or hop limit, other MACs. False: its
 * time is over. */
bool frame_forward(struct frame *frame, const uint8_t src_mac[6], const uint8_t dst_mac[6]);

/* An address's port, network order; and "10.0.1.1:4433" or "[fd00::1]:4433". */
uint16_t *frame_port_of(struct qc_addr *addr);
void frame_authority(const struct qc_addr *addr, char *text, size_t len);

struct frame_view {
  struct qc_path path; /* local = the frame's destination */
  const uint8_t *payload;
  size_t len;
};

/* Looks into a frame as the receiving kernel does. False: no UDP, or the UDP or IP
 * checksum is wrong: nobody gets it. */
bool frame_open(const struct frame *frame, struct frame_view *view);

#endif
