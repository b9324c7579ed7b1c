/* Packets in words, for tests of the datapath:
 *
 *   send_packet(w, PACKET(.pn = 7, FRAMES(stream(2, 0, subgroup(1, 5)), ping())));
 *
 * A frame or a part of one is a struct piece: bytes and their number. */
#ifndef FANBENCH_BPF_T_PACKET_H
#define FANBENCH_BPF_T_PACKET_H

#include "bpf/abi/entry.h"

#include <stddef.h>
#include <stdint.h>

#define PIECE_MAX 1600

struct piece {
  size_t len;
  uint8_t bytes[PIECE_MAX];
};

/* ---- parts ----------------------------------------------------------------------- */

struct piece nothing(void);
struct piece text(const char *s);
struct piece hex(const char *digits);        /* spaces are skipped */
struct piece bytes(size_t n, uint8_t first); /* first, first + 1, ... */
struct piece cat(struct piece a, struct piece b);

/* A number in its shortest form, or in `width` bytes if that is not 0. */
struct piece varint(uint64_t v, size_t width);
struct piece vi64(uint64_t v, size_t width);

/* ---- MoQT ------------------------------------------------------------------------ */

/* SUBGROUP_HEADER with subgroup 0 and the track's priority (flags 0x70). */
struct piece subgroup(uint64_t alias, uint64_t group);
/* The same with a priority byte and the alias in `alias_width` bytes (0: shortest). */
struct piece subgroup_of(uint64_t alias, size_t alias_width, uint64_t group, uint8_t priority);
/* OBJECT_DATAGRAM header: group, object, the track's priority; payload comes behind. */
struct piece object(uint64_t alias, size_t alias_width, uint64_t group, uint64_t object_id);

/* ---- frames ---------------------------------------------------------------------- */

/* STREAM with a length field; the ID takes `id_width` bytes (0: shortest). */
struct piece stream_of(uint64_t id, size_t id_width, uint64_t offset, struct piece data, int fin);
struct piece stream(uint64_t id, uint64_t offset, struct piece data);
struct piece stream_fin(uint64_t id, uint64_t offset, struct piece data);
struct piece stream_rest(uint64_t id, uint64_t offset, struct piece data); /* no length field */
struct piece datagram(struct piece data);
struct piece datagram_rest(struct piece data); /* no length field */
struct piece ping(void);
struct piece padding(size_t n);
struct piece ack(uint64_t largest, uint64_t first_range);
struct piece ack_ranges(uint64_t largest, size_t ranges); /* `ranges` single numbers below it */
struct piece max_data(uint64_t v);

/* ---- packets --------------------------------------------------------------------- */

/* The publisher of most tests: its connection ID and path. */
extern const struct fb_cid_key publisher_cid;
struct fb_path publisher_path(int family);

struct packet {
  uint64_t pn;
  int pn_len;                   /* 0 = 4 */
  const struct fb_cid_key *cid; /* NULL = publisher_cid */
  uint8_t flip;                 /* bits of the first byte to turn over */
  uint8_t bad_tag;
  const struct piece *frames;
  size_t n_frames;
};

#define FRAMES(...)                                                                                \
  .frames = (const struct piece[]){__VA_ARGS__},                                                   \
  .n_frames = sizeof((const struct piece[]){__VA_ARGS__}) / sizeof(struct piece)
#define PACKET(...) (&(const struct packet){__VA_ARGS__})

/* The UDP payload: header, frames, tag. */
struct piece packet_payload(const struct packet *p);

/* From now on packet_payload() seals with these keys; NULL: the null AEAD again. A bad_tag is
 * put in behind. */
struct secret;
void packet_seal_with(const struct secret *s);

enum checksum {
  CHECKSUM_GOOD,
  CHECKSUM_BAD,
  CHECKSUM_PSEUDO /* left to the device */,
  CHECKSUM_NONE,
  CHECKSUM_IP_BAD
};

/* An Ethernet frame from path->remote to path->local. */
struct piece ethernet(const struct fb_path *path, struct piece payload, enum checksum checksum);

/* 1 if the IPv4 header checksum is right and the UDP checksum too; `partial`: if it is
 * the folded sum of the pseudo header instead. */
int checksums_good(const uint8_t *frame, size_t len, int partial);

/* Makes the UDP checksum right again, unless it is the sum of the pseudo header. */
void checksum_renew(uint8_t *frame, size_t len);

#endif
