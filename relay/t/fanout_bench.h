/* A relay, a publisher and three subscribers in memory on virtual time: native
 * datapath or stock, real ngtcp2 and TLS at every end. */
#ifndef FANBENCH_RELAY_T_FANOUT_BENCH_H
#define FANBENCH_RELAY_T_FANOUT_BENCH_H

#include "relay/fanout/feeder.h"
#include "relay/fanout/native_plane.h"
#include "relay/fanout/relay.h"
#include "relay/t/endpoint.h"

#define MS   UINT64_C(1000000)
#define SUBS 3

struct queued;

struct bench {
  struct memnet net;
  struct relay *relay;
  struct qc_tls *tls;
  struct dp_native *dp;
  struct native_plane plane;
  struct feeder *feeder; /* native with protection tls; stepped behind each packet */
  struct endpoint *pub, *sub[SUBS];
  struct queued *head, **tail;
  bool drained, unfinished; /* the socket; a batch */
  uint64_t sent[16];        /* by slot: moves with each copy and packet of the slow path */
  uint64_t over_window;     /* of them, beyond the congestion window */
  uint64_t slow_acked;      /* of numbers_acked */
  uint64_t drops, drops_behind, drops_backlog; /* told by user space */
  struct qc_cid traced[16]; /* connections that the trace names as entered into the datapath */
  size_t n_traced;
  uint64_t numbers_untraced; /* of numbers of none of these */
  uint64_t copies, numbers_acked, numbers_lost, numbers_twice;
  /* The relay's user space does not run: packets wait in its socket, the datapath works. */
  uint64_t stalled_until_ns;
  struct queued *socket, **socket_tail;
  bool native;
  struct moqt_name guest_track;
  uint32_t gso_every; /* every n-th upstream packet bypasses the datapath; 0 = none */
  uint64_t upstream_packets;
  /* sees each upstream packet before the relay; may be NULL */
  void (*upstream_tap)(struct bench *b, const struct qc_path *path, const uint8_t *data,
                       size_t len);
};

struct shape {
  bool native;
  enum qc_protection protection;
  uint32_t loss_ppm;
  const struct endpoint_limits *limits;
  uint32_t gso_every;
  bool cubic;
  uint32_t policy;      /* enum dp_policy */
  uint64_t other_seed;  /* of the network and all randomness; 0 = the usual one */
  uint64_t cache_bytes; /* 0 = 16 MiB */
  /* native with protection tls */
  enum qc_cipher cipher; /* of everybody */
  bool unfed;            /* nobody makes keystreams ahead */
  uint64_t aead_limit;   /* 0 = the cipher's */
  const char *guests;    /* who speaks this ALPN gets "video" of "pub" unasked; NULL = none */
};

/* All are connected, the namespace is announced. */
struct bench *bench_open(struct shape shape);
void bench_close(struct bench *b);
void bench_subscribe_all(struct bench *b);
/* One stream and, if wanted, one datagram a group, [from, to), one group in 2 ms. */
void bench_publish(struct bench *b, uint64_t from, uint64_t to, size_t size, bool datagrams);
/* From now on all subscribers are behind one bottleneck. */
void bench_bottleneck(struct bench *b, uint64_t bytes_per_s, uint64_t queue_bytes);
/* The relay's user space stands still from now on for so long. */
void bench_stall(struct bench *b, uint64_t for_ns);
/* PUBLISH_DONE, and until every subscriber has it and all its streams. */
void bench_finish(struct bench *b);
/* No wrong byte, no duplicate, no closed connection, no number used twice, no copy beyond
 * the congestion window. */
void bench_check_sound(struct bench *b);
/* A packet to the relay, through the datapath first. */
void bench_inject(struct bench *b, const struct qc_path *path, const uint8_t *data, size_t len);

#endif
