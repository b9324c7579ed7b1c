/* A subscriber in memory and what a test lets its server send: streams and
 * datagrams made by hand, with known content. */
#ifndef FANBENCH_BENCH_T_PEER_SERVED_H
#define FANBENCH_BENCH_T_PEER_SERVED_H

#include "bench/t/peer_rig.h"

#define SERVED_HEAD                                                                                \
  "scenario: s\nduration: 1s\nseed: 7\nnodes:\n"                                                   \
  "  relay: { role: relay, protection: none }\n  pub: { role: publisher }\n"                       \
  "  sub: { role: subscriber, window: 65536, streams: 16 }\nlinks:\n"                              \
  "  - { between: [pub, relay] }\n  - { between: [relay, sub] }\ntracks:\n"                        \
  "  chat: { from: pub, as: datagrams, every: 20ms, size: 200 }\n"                                 \
  "  video: { from: pub, as: subgroups, every: 40ms, size: 1000 }\n"
#define SERVED_BOTH SERVED_HEAD "subscriptions:\n  - { who: sub, tracks: [chat, video] }\n"

#define SERVED_CHAT_ALIAS  5
#define SERVED_VIDEO_ALIAS 300 /* two bytes */

/* Its SUBSCRIBEs have come, and have no answer yet. */
struct rig *served_asked(const char *yaml, uint32_t loss_ppm, size_t requests);
/* SUBSCRIBE_OK to request i. */
void served_accept(struct rig *rig, size_t i);
/* Of the plan SERVED_BOTH: both are answered. */
struct rig *served_answered(const char *yaml, uint32_t loss_ppm);

/* Byte i of an object. */
uint8_t served_content(uint64_t group, uint64_t object, size_t i);
/* One datagram of known content, priority 9. */
void served_datagram(struct rig *rig, uint64_t alias, uint64_t group, uint64_t object, size_t size);
/* Journal line "delivered" number index is this object, with its hash. */
void served_check(const struct rig *rig, size_t index, uint64_t group, uint64_t object, size_t size,
                  const char *as);

/* A stream of the video track; give data back with free(). */
struct bytes {
  uint8_t *data;
  size_t len;
};

void bytes_add(struct bytes *b, const void *data, size_t len);
void bytes_header(struct bytes *b, uint64_t group, uint64_t subgroup, uint8_t priority);
void bytes_object(struct bytes *b, uint64_t group, uint64_t object, const uint64_t *previous,
                  size_t size);

#endif
