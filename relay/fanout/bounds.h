/* Every bound of the fan-out, each with its reason. Those of the datapath are in
 * bpf/abi/limits.h. */
#ifndef FANBENCH_RELAY_FANOUT_BOUNDS_H
#define FANBENCH_RELAY_FANOUT_BOUNDS_H

/* Numbers a subscriber may have unacknowledged: keeps a vanished one from being
 * sent to for ever, and 4-byte numbers unambiguous by far. A 25 ms ACK delay at
 * 100,000 packets/s is 2,500. */
#define RELAY_PN_WINDOW 4096
/* MAX_DATA left for what ngtcp2's own streams will carry: an eighth of the peer's window,
 * but at least and at most this much. */
#define RELAY_DATA_RESERVE_MIN 1024
#define RELAY_DATA_RESERVE_MAX 16384
/* Upstream packets whose datagram decisions are remembered, per upstream. */
#define RELAY_DATAGRAM_NOTES 4096
/* Timeouts are in milliseconds: what waits is looked at no more often. */
#define RELAY_SWEEP_NS 1000000ull
/* Packets one subscriber may get in a turn, so that all get theirs. */
#define RELAY_SLOW_BURST 64
/* kInitialRtt (RFC 9002 6.2.2). */
#define WINDOW_INITIAL_RTT_NS 333000000ull
/* A refusal is taken back after this time though the sockets never run dry: then user space, not
 * the path, is too slow, and would be so for ever, because it costs more to send than to copy. New
 * data overtakes what lies unread then, which it may not do for a shorter while. */
#define RELAY_HOLD_NS 250000000ull
/* Validated paths of a client that are remembered: who returns to one needs no validation
 * (RFC 9000 9.3), and ngtcp2, which remembers as well, then tells of none. */
#define RELAY_VALID_PATHS 8
/* Bytes of streams and datagrams whose alias is not known (yet), per upstream: SUBSCRIBE_OK may be
 * overtaken. */
#define RELAY_EARLY_BYTES (1u << 20)
/* UDP payload: what a 1,500-byte MTU takes with IPv6, and what every path takes. */
#define RELAY_MAX_UDP 1452
#define RELAY_MIN_UDP 1200

/* Datagrams that wait for one subscriber, their records included. With the cache
 * (relay_config.cache_bytes of data, and RELAY_KEPT times as much about streams and legs) that is
 * what a relay keeps for those who are slow; numbers are capped by RELAY_PN_WINDOW. See behind.c. */
#define RELAY_DATAGRAM_BYTES (1u << 20)
/* A stream of a kilobyte to sixteen subscribers has five kilobytes of struct leg. */
#define RELAY_KEPT 4
/* A SUBGROUP_HEADER has four numbers of at most 9 bytes and a priority. */
#define RELAY_HEADER_BYTES 37

#endif
