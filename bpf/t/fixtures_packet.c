/* From the wire to an authentic packet: each packet reason. */
#include "bpf/t/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define expect(w, packet, reason)      assert_int_equal(send_packet(w, packet), FB_PKT_##reason)
#define expect_frame(w, frame, reason) assert_int_equal(send_frame(w, frame), FB_PKT_##reason)

static struct piece good_frame(int family, enum checksum checksum) {
  struct fb_path path = publisher_path(family);
  return ethernet(
      &path, packet_payload(PACKET(.pn = 7, FRAMES(datagram(cat(object(1, 0, 3, 4), text("hi")))))),
      checksum);
}

static void switched_off(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  w->config.on = 0;
  w->ops->set_config(w, &w->config);
  expect_frame(w, good_frame(4, CHECKSUM_GOOD), OFF);
  assert_int_equal(w->n_records, 0);
}

static void not_ours(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece f = good_frame(4, CHECKSUM_GOOD);
  f.bytes[12] = 0x88; /* some other protocol */
  f.bytes[13] = 0xb5;
  expect_frame(w, f, NOT_IP);
  f = good_frame(4, CHECKSUM_GOOD);
  f.bytes[14 + 9] = 6; /* TCP */
  expect_frame(w, f, NOT_UDP);
  f = good_frame(4, CHECKSUM_GOOD);
  f.bytes[14] = 0x46; /* IP options */
  expect_frame(w, f, NOT_UDP);
  f = good_frame(4, CHECKSUM_GOOD);
  f.len = 14 + 20 + 4; /* not even ports */
  expect_frame(w, f, NOT_UDP);
  f = good_frame(6, CHECKSUM_GOOD);
  f.bytes[14 + 6] = 0; /* hop-by-hop options */
  expect_frame(w, f, NOT_UDP);
  f = good_frame(4, CHECKSUM_GOOD);
  f.bytes[14 + 20 + 2] ^= 1; /* destination port */
  expect_frame(w, f, OTHER_PORT);
}

static void fragments(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece f = good_frame(4, CHECKSUM_GOOD);
  f.bytes[14 + 6] = 0x20; /* more fragments */
  expect_frame(w, f, FRAGMENT);
  f = good_frame(4, CHECKSUM_GOOD);
  f.bytes[14 + 7] = 0x10; /* offset */
  expect_frame(w, f, FRAGMENT);
  f = good_frame(6, CHECKSUM_GOOD);
  f.bytes[14 + 6] = 44;
  expect_frame(w, f, FRAGMENT);
}

static void super_packet(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece f = good_frame(4, CHECKSUM_GOOD);
  assert_int_equal(w->ops->run(w, &f, true), FB_PKT_GSO);
  w->seen_reasons |= 1u << FB_PKT_GSO;
}

static void lengths(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct fb_path path = publisher_path(4);
  struct piece f = good_frame(4, CHECKSUM_GOOD);
  f.len++; /* Ethernet padding: IP says less */
  expect_frame(w, f, LENGTH);
  f = good_frame(4, CHECKSUM_GOOD);
  f.bytes[14 + 20 + 5] ^= 1; /* UDP length */
  expect_frame(w, f, LENGTH);
  f = good_frame(6, CHECKSUM_GOOD);
  f.bytes[14 + 5] ^= 1; /* IPv6 payload length */
  expect_frame(w, f, LENGTH);
  expect_frame(w, ethernet(&path, nothing(), CHECKSUM_GOOD), LENGTH);
  expect_frame(w, ethernet(&path, bytes(1, 0x40), CHECKSUM_GOOD), LENGTH);
  /* too short for ID, number and tag, whatever the ID */
  expect_frame(w, ethernet(&path, hex("40 10 11"), CHECKSUM_GOOD), LENGTH);
  expect(w, PACKET(.pn = 1), LENGTH); /* no frame at all */
  expect_frame(w, ethernet(&path, bytes(1473, 0x40), CHECKSUM_GOOD), LENGTH);
}

static void largest_payload(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  size_t fixed = 1 + 20 + 4 + 1 + 16; /* header, datagram type, tag */
  struct piece data = cat(object(1, 0, 3, 4), bytes(1472 - fixed - 4, 9));
  expect(w, PACKET(.pn = 1, FRAMES(datagram_rest(data))), FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_TOO_BIG); /* max_datagram is 1200 */
  struct fb_subscriber big = world_subscriber(0, 4);
  big.max_datagram = 65535;
  w->ops->set_subscriber(w, 0, &big);
  expect(w, PACKET(.pn = 2, FRAMES(datagram_rest(data))), FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_SEND);
  assert_int_equal(copy_for(w, 0)->len, 42 + 1472);
  assert_true(checksums_good(copy_for(w, 0)->frame, 42 + 1472, 0));
}

static void checksums(struct world *w) {
  for (int family = 4; family <= 6; family += 2) {
    world_begin(w, family);
    struct fb_subscriber sub = world_subscriber(0, family);
    world_add(w, 0, &sub);
    expect_frame(w, good_frame(family, CHECKSUM_BAD), CHECKSUM);
    expect_frame(w, good_frame(family, CHECKSUM_NONE), CHECKSUM);
    if (family == 4)
      expect_frame(w, good_frame(family, CHECKSUM_IP_BAD), CHECKSUM);
    assert_int_equal(w->n_records, 0);
    expect_frame(w, good_frame(family, CHECKSUM_GOOD), FANNED);
    assert_true(checksums_good(copy_for(w, 0)->frame, copy_for(w, 0)->len, 0));
  }
}

/* A packet whose checksum the sender left to the device: copies are left to it as well. */
static void partial_checksum(struct world *w) {
  for (int family = 4; family <= 6; family += 2) {
    world_begin(w, family);
    struct fb_subscriber sub = world_subscriber(0, family);
    world_add(w, 0, &sub);
    expect_frame(w, good_frame(family, CHECKSUM_PSEUDO), FANNED);
    assert_true(checksums_good(copy_for(w, 0)->frame, copy_for(w, 0)->len, 1));
    assert_false(checksums_good(copy_for(w, 0)->frame, copy_for(w, 0)->len, 0));
  }
}

/* A full checksum that happens to equal the sum of the pseudo header is a full one: of sealed
 * packets, which look random, it is one in 65,536. */
static void lookalike_checksum(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct fb_path path = publisher_path(4);
  for (unsigned salt = 0; salt < 8 * 65536; salt++) {
    uint8_t two[2] = {(uint8_t)(salt >> 8), (uint8_t)salt};
    struct piece data =
        cat(object(1, 1, 3, 4), (struct piece){.len = 2, .bytes = {two[0], two[1]}});
    struct piece f = ethernet(
        &path, packet_payload(PACKET(.pn = salt >> 16, FRAMES(datagram(data)))), CHECKSUM_GOOD);
    if (!checksums_good(f.bytes, f.len, 1))
      continue;
    assert_true(checksums_good(f.bytes, f.len, 0));
    expect_frame(w, f, FANNED);
    assert_true(checksums_good(copy_for(w, 0)->frame, copy_for(w, 0)->len, 0));
    return;
  }
  fail_msg("no payload whose checksum looks like that");
}

static void headers(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece d = datagram(cat(object(1, 0, 3, 4), text("hi")));
  struct fb_cid_key other = publisher_cid;
  expect(w, PACKET(.pn = 1, .flip = 0x80, FRAMES(d)), LONG_HEADER);
  expect(w, PACKET(.pn = 1, .flip = 0x40, FRAMES(d)), RESERVED_BITS); /* fixed bit */
  expect(w, PACKET(.pn = 1, .flip = 0x10, FRAMES(d)), RESERVED_BITS);
  expect(w, PACKET(.pn = 1, .flip = 0x08, FRAMES(d)), RESERVED_BITS);
  expect(w, PACKET(.pn = 1, .flip = 0x04, FRAMES(d)), KEY_PHASE);
  expect(w, PACKET(.pn = 1, .flip = 0x20, FRAMES(d)), FANNED); /* spin is free */
  expect(w, PACKET(.pn = 2, .bad_tag = 1, FRAMES(d)), BAD_TAG);
  other.data[19] ^= 1;
  expect(w, PACKET(.pn = 2, .cid = &other, FRAMES(d)), UNKNOWN_CID);
  expect(w, PACKET(.pn = 2, FRAMES(d)), FANNED); /* none of the refused ones took the number */
  /* of a number that the header has in part the null AEAD's tag may tell all */
  expect(w, PACKET(.pn = 3, .pn_len = 1, .bad_tag = 4, FRAMES(d)), BAD_TAG);
  if (w->seal == FB_PROTECT_NONE)
    expect(w, PACKET(.pn = 3, .pn_len = 1, .bad_tag = 3, FRAMES(d)), FANNED);
  else
    expect(w, PACKET(.pn = 3, .pn_len = 1, .bad_tag = 3, FRAMES(d)), BAD_TAG);
  expect(w, PACKET(.pn = 4, .bad_tag = 4, FRAMES(d)), BAD_TAG);
}

/* IDs of connections that the relay dialled have 17 bytes and the top bit set. */
static void dialled_id(struct world *w) {
  static const struct fb_cid_key cid = {
      .len = 17, .data = {0x90, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
  world_begin(w, 4);
  world_join(w, 0, 1);
  w->ops->set_cid(w, &cid, &(struct fb_cid_value){.upstream = 0, .gen = 1});
  struct piece d = datagram(cat(object(1, 0, 3, 4), text("hi")));
  expect(w, PACKET(.pn = 1, .cid = &cid, FRAMES(d)), FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_SEND);
  /* with one byte of number, 8 + 4 still fits into 17 + 1 */
  expect(w, PACKET(.pn = 2, .pn_len = 1, .cid = &cid, FRAMES(d)), FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_SEND);
  /* a server opens streams 3, 7, ...; a client's would be an error there */
  expect(w, PACKET(.pn = 3, .cid = &cid, FRAMES(stream(3, 0, subgroup(1, 5)))), FANNED);
  expect(w, PACKET(.pn = 4, .cid = &cid, FRAMES(stream(2, 0, subgroup(1, 5)))), BAD_FRAME);
  /* and may send what only servers send */
  expect(w, PACKET(.pn = 5, .cid = &cid, FRAMES(hex("1e"), d)), FANNED);
}

static void upstream_state(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece d = datagram(cat(object(1, 0, 3, 4), text("hi")));
  struct fb_upstream up = {.gen = 1, .active = 0, .path = publisher_path(4)};
  w->ops->set_upstream(w, 0, &up);
  expect(w, PACKET(.pn = 1, FRAMES(d)), UNKNOWN_CID); /* not active */
  up.active = 1;
  up.gen = 2;
  w->ops->set_upstream(w, 0, &up);
  expect(w, PACKET(.pn = 1, FRAMES(d)), UNKNOWN_CID); /* the ID is of an older connection */
  up.gen = 1;
  up.protection = FB_PROTECT_CHACHA20;
  w->ops->set_upstream(w, 0, &up);
  expect(w, PACKET(.pn = 1, FRAMES(d)), BAD_TAG); /* nobody here can open it */
  up.protection = FB_PROTECT_NONE;
  w->ops->set_upstream(w, 0, &up);
  w->ops->set_cid(w, &publisher_cid, &(struct fb_cid_value){.upstream = 99, .gen = 1});
  expect(w, PACKET(.pn = 1, FRAMES(d)), UNKNOWN_CID); /* no such slot */
}

static void wrong_path(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  const struct packet *p = PACKET(.pn = 1, FRAMES(datagram(cat(object(1, 0, 3, 4), text("hi")))));
  for (int what = 0; what < 4; what++) {
    struct fb_path path = publisher_path(4);
    if (what == 0)
      path.remote_addr[3] ^= 1;
    if (what == 1)
      path.local_addr[3] ^= 1;
    if (what == 2)
      path.remote_port ^= 0x100;
    if (what == 3)
      path = publisher_path(6);
    expect_frame(w, ethernet(&path, packet_payload(p), CHECKSUM_GOOD), WRONG_PATH);
  }
  expect(w, p, FANNED);
}

static void duplicates(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece d = datagram(cat(object(1, 0, 3, 4), text("hi")));
  for (uint64_t pn = 0; pn < 70; pn++)
    expect(w, PACKET(.pn = pn, FRAMES(d)), FANNED);
  for (uint64_t pn = 0; pn < 70; pn++)
    expect(w, PACKET(.pn = pn, FRAMES(d)), DUPLICATE);
  assert_int_equal(w->ops->state(w)->expected, 70);
  assert_int_equal(counters_of(w, 0)->copies, 70);
}

/* The window remembers 4,096 numbers; older ones can't be told from duplicates. */
static void window_wraps(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece d = datagram(cat(object(1, 0, 3, 4), text("hi")));
  expect(w, PACKET(.pn = 40, FRAMES(d)), FANNED);
  expect(w, PACKET(.pn = 5000, FRAMES(d)), FANNED);
  /* 4136 lies where 40 lay, and 40 is gone */
  expect(w, PACKET(.pn = 4136, FRAMES(d)), FANNED);
  expect(w, PACKET(.pn = 40, FRAMES(d)), DUPLICATE);
  expect(w, PACKET(.pn = 41, FRAMES(d)), DUPLICATE); /* never seen, but nobody can tell */
  /* a place that nobody took over still tells */
  expect(w, PACKET(.pn = 1000, FRAMES(d)), FANNED);
  expect(w, PACKET(.pn = 1000, FRAMES(d)), DUPLICATE);
  expect(w, PACKET(.pn = 4136, FRAMES(d)), DUPLICATE);
  assert_int_equal(w->ops->state(w)->expected, 5001);
}

/* Blocks of numbers count modulo 2^32: 2^37 packets. */
static void window_after_wrap(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece d = datagram(cat(object(1, 0, 3, 4), text("hi")));
  uint64_t far = (1ull << 37) - 5;
  w->ops->state(w)->expected = far;
  for (unsigned i = 0; i < FB_WINDOW_WORDS; i++) /* as it would be by then */
    w->ops->state(w)->window[i] = ((1ull << 32) - FB_WINDOW_WORDS + i) << 32 | 0xffffffff;
  w->ops->state(w)->window[FB_WINDOW_WORDS - 1] = 0xffffffffull << 32;
  for (uint64_t i = 0; i < 10; i++) {
    expect(w, PACKET(.pn = far + i, FRAMES(d)), FANNED);
    expect(w, PACKET(.pn = far + i, FRAMES(d)), DUPLICATE);
  }
  assert_int_equal(w->ops->state(w)->expected, far + 10);
}

static void number_widths(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece d = datagram(cat(object(1, 0, 3, 4), text("hi")));
  w->ops->state(w)->expected = 0xa82f30eb; /* RFC 9000 A.3 */
  expect(w, PACKET(.pn = 0xa82f9b32, .pn_len = 2, FRAMES(d)), FANNED);
  assert_int_equal(w->records[0].copy.pn, 0xa82f9b32);
  expect(w, PACKET(.pn = 0xa82f9b33, .pn_len = 1, FRAMES(d)), FANNED);
  assert_int_equal(w->records[0].copy.pn, 0xa82f9b33);
  expect(w, PACKET(.pn = 0xa82f9b34, .pn_len = 3, FRAMES(d)), FANNED);
  assert_int_equal(w->records[0].copy.pn, 0xa82f9b34);
}

static void frames(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece d = datagram(cat(object(1, 0, 3, 4), text("hi")));
  expect(w, PACKET(.pn = 1, FRAMES(ping(), padding(30))), NO_FANOUT);
  expect(w, PACKET(.pn = 2, FRAMES(d, hex("22"))), BAD_FRAME);    /* unknown */
  expect(w, PACKET(.pn = 3, FRAMES(d, hex("40 01"))), BAD_FRAME); /* PING in two bytes */
  expect(w, PACKET(.pn = 4, FRAMES(d, hex("10"))), BAD_FRAME);    /* cut off */
  expect(w, PACKET(.pn = 5, FRAMES(d, hex("1e"))), BAD_FRAME);    /* HANDSHAKE_DONE from a client */
  expect(w, PACKET(.pn = 6, FRAMES(stream(3, 0, text("x")))), BAD_FRAME);       /* our stream */
  expect(w, PACKET(.pn = 7, FRAMES(stream(0, 0, text("request")))), NO_FANOUT); /* request stream */
  expect(w, PACKET(.pn = 8, FRAMES(stream(2, 0, hex("af00 0003 070174")))),
         NO_FANOUT); /* control stream */
  expect(w, PACKET(.pn = 9, FRAMES(datagram(hex("f0132b3e29 0000")))),
         NO_FANOUT); /* MoQT padding */
  expect(w, PACKET(.pn = 10, FRAMES(datagram(hex("10 01 02 03")))),
         NO_FANOUT); /* closes the session */
  expect(w, PACKET(.pn = 11, FRAMES(ack_ranges(600, 256), d)), FANNED);
  expect(w, PACKET(.pn = 12, FRAMES(ack_ranges(600, 257), d)),
         BAD_FRAME); /* over the kernel's bound */
  assert_int_equal(counters_of(w, 0)->copies, 1);
}

static void too_many_frames(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece d = datagram(cat(object(1, 0, 3, 4), text("hi")));
  expect(w, PACKET(.pn = 1, FRAMES(d, d, d, d, d, d, d, d)), FANNED);
  assert_int_equal(w->records[0].copy.n_frames, 8);
  expect(w, PACKET(.pn = 2, FRAMES(d, d, d, d, d, d, d, d, d)), TOO_MANY_FRAMES);
  struct piece pings = nothing();
  for (int i = 0; i < 95; i++)
    pings = cat(pings, ping());
  expect(w, PACKET(.pn = 3, FRAMES(pings, d)), FANNED);
  expect(w, PACKET(.pn = 4, FRAMES(pings, ping(), d)), TOO_MANY_FRAMES);
}

static void nobody_there(struct world *w) {
  world_begin(w, 4);
  struct piece d = datagram(cat(object(1, 0, 3, 4), text("hi")));
  expect(w, PACKET(.pn = 1, FRAMES(d)), NO_FANOUT);
  w->config.subscribers = 100; /* all free */
  w->ops->set_config(w, &w->config);
  expect(w, PACKET(.pn = 2, FRAMES(d)), NO_FANOUT);
  assert_int_equal(w->n_records, 0);
}

/* Nothing may be taken if the record has no room: the same packet must be new after that. */
static void ring_full(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 70); /* two batches */
  w->keep_records = true;
  enum fb_packet_reason reason;
  uint64_t pn = 0;
  do {
    reason = send_packet(
        w, PACKET(.pn = pn, FRAMES(stream(2, pn * 10,
                                          pn ? bytes(10, 1) : cat(subgroup(1, 5), bytes(7, 0))))));
    pn++;
  } while (reason == FB_PKT_FANNED && pn < 100);
  assert_int_equal(reason, FB_PKT_RING_FULL);
  uint64_t numbers = counters_of(w, 0)->next_pn, used = counters_of(w, 0)->data_used;
  struct fb_stream st;
  w->ops->get_stream(w, 0, &st);
  assert_int_equal(st.frontier, (pn - 1) * 10);
  assert_int_equal(send_packet(w, PACKET(.pn = pn, FRAMES(stream(2, pn * 10, bytes(10, 1))))),
                   FB_PKT_RING_FULL);
  assert_int_equal(counters_of(w, 0)->next_pn, numbers);
  assert_int_equal(counters_of(w, 0)->data_used, used);
  w->keep_records = false;
  w->ops->drain(w);
  assert_int_equal(
      send_packet(w, PACKET(.pn = pn + 1, FRAMES(stream(2, (pn - 1) * 10, bytes(10, 1))))),
      FB_PKT_FANNED);
  assert_int_equal(decided(w, 69, 0), FB_DEC_SEND);
}

const struct fixture fixtures_packet[] = {{"switched off", switched_off},
                                          {"not ours", not_ours},
                                          {"fragments", fragments},
                                          {"super-packet", super_packet},
                                          {"lengths", lengths},
                                          {"largest payload", largest_payload},
                                          {"checksums", checksums},
                                          {"partial checksum", partial_checksum},
                                          {"look-alike checksum", lookalike_checksum},
                                          {"headers", headers},
                                          {"dialled ID", dialled_id},
                                          {"upstream state", upstream_state},
                                          {"wrong path", wrong_path},
                                          {"duplicates", duplicates},
                                          {"window wraps", window_wraps},
                                          {"window after 2^37 packets", window_after_wrap},
                                          {"number widths", number_widths},
                                          {"frames", frames},
                                          {"too many frames", too_many_frames},
                                          {"nobody there", nobody_there},
                                          {"ring full", ring_full},
                                          {NULL, NULL}};
