/* Every bound of the datapath, each with its reason. No other magic number. */
#ifndef FANBENCH_BPF_ABI_LIMITS_H
#define FANBENCH_BPF_ABI_LIMITS_H

/* Subscribers of one relay (entry slots). DESIGN asks for at least 1,024. */
#define FB_MAX_SUBSCRIBERS 1024
/* Subscribers in one copy record: their "send" bits fill one 64-bit word. */
#define FB_BATCH       64
#define FB_MAX_BATCHES (FB_MAX_SUBSCRIBERS / FB_BATCH)
/* Upstream connections (publishers and upper relays) at a time. */
#define FB_MAX_UPSTREAMS 16
/* Connection IDs of upstreams known to the datapath: 8 live ones each. */
#define FB_MAX_UPSTREAM_CIDS (FB_MAX_UPSTREAMS * 8)
/* Tracks of one relay; a (subscriber, track) word is kept for each pair. */
#define FB_MAX_TRACKS 64
/* Upstream streams followed at a time, direct mapped: fb_stream_slot(). With all upstreams
 * there each has 64 before it meets the next one's oldest. */
#define FB_STREAM_SLOTS 1024
/* Fan-out frames in one packet; a packet with more goes up (too-many-frames). */
#define FB_MAX_FRAMES 8
/* All frames of one packet, PADDING runs counted as one. */
#define FB_MAX_WALK 96
/* ACK ranges that the frame walker steps over. */
#define FB_MAX_ACK_RANGES 256
/* Largest UDP payload that is copied: 1,500 less IPv4 and UDP header. */
#define FB_MAX_PAYLOAD 1472
/* Bytes of L2 to L4 in front: Ethernet, IPv6, UDP = 62, rounded up. */
#define FB_MAX_HEADERS 64
/* Scratch buffers: a power of two above headers and payload, so that an offset
 * can be masked for the verifier. */
#define FB_BUF_LEN  2048
#define FB_BUF_MASK (FB_BUF_LEN - 1)
/* Connection ID lengths (RFC 9000 17.2). */
#define FB_MAX_CID           20
#define FB_UPSTREAM_CID      20 /* the relay's own IDs towards clients */
#define FB_UPSTREAM_CID_DIAL 17 /* where the relay dials */
/* Packet numbers remembered to refuse duplicates. */
#define FB_WINDOW_NUMBERS 4096
#define FB_WINDOW_WORDS   (FB_WINDOW_NUMBERS / 32)
/* AEAD tag (RFC 9001 5.3). */
#define FB_TAG_LEN 16
/* One ring a CPU. 8 MiB hold about 2,000 records of 64 subscribers. */
#define FB_RING_BYTES (8u << 20)
#define FB_MAX_CPUS   64
/* Retries of a compare-and-exchange before the frame goes the slow way. */
#define FB_CAS_TRIES 8
/* Largest stream offset the datapath handles: 48 bits share a word with a
 * 16-bit claim number. */
#define FB_MAX_OFFSET ((1ull << 48) - 1)

#endif
