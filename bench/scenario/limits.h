/* Every bound of a scenario, with its reason. Nothing else in this folder
 * carries a number that refuses a file. */
#ifndef FANBENCH_SCENARIO_LIMITS_H
#define FANBENCH_SCENARIO_LIMITS_H

#define PLAN_SECOND_NS 1000000000ull

/* The file: people write some KiB, but plan_write() spells out every default of
 * every event: PLAN_MAX_EVENTS of at most 600 bytes must be read again. */
#define PLAN_MAX_FILE_BYTES (8u << 20)
/* The deepest legal value is links / item / forward / faults / item / key. */
#define PLAN_MAX_DEPTH 12
/* plan_write() needs 8 bytes a value at the least; a file full of commas, which
 * nobody writes, is refused at an eighth. */
#define PLAN_MAX_TREE_NODES (1u << 20)
/* Duplicate keys are found by comparing each with each. */
#define PLAN_MAX_KEYS 1024
/* `about` is a paragraph. */
#define PLAN_MAX_SCALAR_BYTES 4096
/* Names become parts of file names ("NODE-PEER.pcapng": two and an index each). */
#define PLAN_MAX_NAME_BYTES 48
/* How much of a wrong value an error repeats. */
#define PLAN_MAX_QUOTED_BYTES 60

/* The network: 10,000 subscribers below a tree of relays, the largest size asked for (on
 * virtual time; live it is one namespace a host), and room. */
#define PLAN_MAX_NODES 16384
/* A link for each node, and as many between routers. (Link K has the addresses
 * 10.(K >> 8).(K & 255).x, so 65,536 would be the end.) */
#define PLAN_MAX_LINKS 32768
/* IPv6 needs 1,280 (RFC 8200 section 5), and QUIC 1,200 + headers under IPv4. */
#define PLAN_MIN_MTU 1280
/* What a veth interface takes. */
#define PLAN_MAX_MTU    65535
#define PLAN_MAX_FAULTS 256 /* on one direction of one link */
/* Longer than any path on earth; keeps sums of times far from overflow. */
#define PLAN_MAX_DELAY_NS    (60 * PLAN_SECOND_NS)
#define PLAN_MAX_RATE_BPS    (1000ull * 1000 * 1000 * 1000)
#define PLAN_MAX_QUEUE_BYTES (1ull << 30)

/* Time: a day, so that soak runs fit. */
#define PLAN_MAX_DURATION_NS (86400 * PLAN_SECOND_NS)
/* After every, times and NAME are multiplied out: one in 10 s for a day. */
#define PLAN_MAX_EVENTS 10000
/* Rarer than this nothing is interrupted in a run of seconds. */
#define PLAN_MAX_INTERLEAVE 1000000

/* Media. */
#define PLAN_MAX_TRACKS 256
#define PLAN_MAX_PAIRS  262144 /* of (subscriber, track), of subscriptions and events together */
#define PLAN_MAX_LAYERS 64
/* An object is held whole in the relay's cache, 16 MiB by default. */
#define PLAN_MAX_OBJECT_BYTES (16ull << 20)
/* What is left of a QUIC packet of 1,200 bytes, which every path carries, after
 * 25 header, 16 tag, 3 DATAGRAM and up to 26 MoQT header bytes, rounded down. */
#define PLAN_MAX_DATAGRAM_BYTES 1100
/* Each object is a line in objects.jsonl of every subscriber. */
#define PLAN_MAX_OBJECTS 10000000
/* A publisher's timer is not finer. */
#define PLAN_MIN_EVERY_NS 1000
/* A trace of an hour at 100 frames a second, in lines of at most 100 bytes. */
#define PLAN_MAX_TRACE_ROWS  360000
#define PLAN_MAX_TRACE_BYTES (32ull << 20)

/* Sweeps: a table that a person can read, 4,096 settings at most; seeds as with --seeds. */
#define PLAN_MAX_SWEEP_PATHS  3
#define PLAN_MAX_SWEEP_VALUES 16
#define PLAN_MAX_SWEEP_SEEDS  100000

/* The judge tells so many sendings of one byte apart; with PTO doubled each time that is
 * minutes of silence. */
#define PLAN_MAX_SENDINGS 9

/* QUIC: limits are varints (RFC 9000 section 4.6 and 19.9). */
#define PLAN_MAX_STREAMS      (1ull << 60)
#define PLAN_MAX_WINDOW_BYTES ((1ull << 62) - 1)
#define PLAN_MAX_CACHE_BYTES  (1ull << 40)
#define PLAN_MAX_CID_BYTES    20          /* RFC 9000 section 17.2 */
#define PLAN_MAX_ACK_DELAY_NS 16383000000 /* 2^14 - 1 ms, RFC 9000 section 18.2 */
#define PLAN_MAX_VARINT       ((1ull << 62) - 1)

#endif
