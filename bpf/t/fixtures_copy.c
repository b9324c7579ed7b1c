/* What a copy looks like, byte for byte. */
#include "bpf/t/fixtures.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The payload of a copy must be `want`. */
static void expect_payload(const struct copy *c, struct piece want) {
  size_t len;
  assert_non_null(c);
  const uint8_t *payload = copy_payload(c, &len);
  assert_int_equal(len, want.len);
  assert_memory_equal(payload, want.bytes, want.len);
}

/* Header of the world's subscriber: 8-byte ID, 4-byte number, and the 12 bytes that a
 * 20-byte ID with a 4-byte number leaves over, as PADDING. */
static struct piece copy_header(uint32_t slot, uint32_t pn) {
  struct piece h = cat(hex("43"), bytes(8, (uint8_t)(0xc0 + slot)));
  struct piece n = {
      .len = 4,
      .bytes = {(uint8_t)(pn >> 24), (uint8_t)(pn >> 16), (uint8_t)(pn >> 8), (uint8_t)pn}};
  return cat(cat(h, n), padding(12));
}

static void datagram_v4(struct world *w) {
  world_begin(w, 4);
  world_join(w, 3, 1);
  assert_int_equal(
      send_packet(w, PACKET(.pn = 7, FRAMES(datagram(cat(object(1, 0, 3, 4), text("hello")))))),
      FB_PKT_FANNED);
  const struct copy *c = copy_for(w, 3);
  assert_int_equal(w->n_copies, 1);
  assert_int_equal(c->gen, 103);
  assert_int_equal(c->ifindex, 7);
  assert_int_equal(c->pn, 4000);
  /* the relay's alias 5 stands for the publisher's 1 */
  expect_payload(c, cat(cat(copy_header(3, 4000), datagram(cat(object(5, 0, 3, 4), text("hello")))),
                        padding(16)));
  /* Ethernet and IPv4: TOS 0, ID 0, DF, TTL 64 */
  struct piece head =
      cat(hex("020000010003 020000020003 0800 4500 0050 0000 4000 40 11"), nothing());
  assert_memory_equal(c->frame, head.bytes, head.len);
  struct piece addresses = hex("0a000101 0a000302 1151 7533 003c");
  assert_memory_equal(c->frame + 26, addresses.bytes, addresses.len);
  assert_true(checksums_good(c->frame, c->len, 0));
}

static void datagram_v6(struct world *w) {
  world_begin(w, 6);
  struct fb_subscriber sub = world_subscriber(3, 6);
  sub.spin = 1;
  sub.phase = 1;
  world_add(w, 3, &sub);
  struct fb_path path = publisher_path(6);
  struct piece payload =
      packet_payload(PACKET(.pn = 7, FRAMES(datagram(cat(object(1, 0, 3, 4), text("hello"))))));
  assert_int_equal(send_frame(w, ethernet(&path, payload, CHECKSUM_GOOD)), FB_PKT_FANNED);
  const struct copy *c = copy_for(w, 3);
  struct piece want =
      cat(cat(copy_header(3, 4000), datagram(cat(object(5, 0, 3, 4), text("hello")))), padding(16));
  want.bytes[0] = 0x40 | 0x20 | 0x04 | 3; /* spin and phase of the subscriber */
  expect_payload(c, want);
  struct piece head =
      hex("020000010003 020000020003 86dd 600abcde 003c 11 40"
          "fd000000000000010000000000000001 fd000000000000030000000000000002 1151 7533 003c");
  assert_memory_equal(c->frame, head.bytes, head.len);
  assert_true(checksums_good(c->frame, c->len, 0));
}

static void stream_opens(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 2);
  counters_of(w, 1)->next_stream = 9;
  assert_int_equal(
      send_packet(w, PACKET(.pn = 7, FRAMES(stream(2, 0, cat(subgroup(1, 9), bytes(40, 1)))))),
      FB_PKT_FANNED);
  /* server-initiated uni streams: ordinal * 4 + 3 */
  expect_payload(copy_for(w, 0),
                 cat(cat(copy_header(0, 1000), stream(15, 0, cat(subgroup(5, 9), bytes(40, 1)))),
                     padding(16)));
  expect_payload(copy_for(w, 1),
                 cat(cat(copy_header(1, 2000), stream(39, 0, cat(subgroup(5, 9), bytes(40, 1)))),
                     padding(16)));
  assert_int_equal(recorded(w, 0)->down[0], 3 + 1);
  assert_int_equal(recorded(w, 0)->n_taken, 1);
  assert_int_equal(recorded(w, 0)->charged, 1);
  assert_int_equal(counters_of(w, 0)->next_stream, 4);
  assert_int_equal(counters_of(w, 0)->data_used, 43);
  assert_int_equal(recorded_frame(w, 0)->header, 1);
  assert_int_equal(recorded_frame(w, 0)->group, 9);
  assert_int_equal(recorded_frame(w, 0)->priority, 128);
  assert_int_equal(recorded_frame(w, 0)->claim, 1);
  /* what follows has no alias to change */
  assert_int_equal(send_packet(w, PACKET(.pn = 8, FRAMES(stream_fin(2, 43, bytes(20, 5))))),
                   FB_PKT_FANNED);
  expect_payload(copy_for(w, 1),
                 cat(cat(copy_header(1, 2001), stream_fin(39, 43, bytes(20, 5))), padding(16)));
  assert_int_equal(recorded(w, 1)->down[0], 9 + 1);
  assert_int_equal(recorded(w, 1)->n_taken, 0);
}

/* Frames of this hop become PADDING where they stood. */
static void frames_of_this_hop(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece d = cat(object(1, 0, 3, 4), text("dg"));
  struct piece acked = ack(300, 2), limit = max_data(100000), request = stream(0, 0, text("req"));
  assert_int_equal(
      send_packet(w, PACKET(.pn = 7, FRAMES(acked, stream(2, 0, subgroup(1, 9)), ping(), padding(5),
                                            limit, request, hex("1b 0102030405060708"), datagram(d),
                                            stream_rest(6, 0, cat(subgroup(2, 1), text("rest")))))),
      FB_PKT_FANNED);
  struct piece want = cat(copy_header(0, 1000), padding(acked.len));
  want = cat(want, stream(15, 0, subgroup(5, 9)));
  want = cat(want, padding(1 + 5 + limit.len + request.len + 9));
  want = cat(want, datagram(cat(object(5, 0, 3, 4), text("dg"))));
  want = cat(cat(want, stream_rest(19, 0, cat(subgroup(6, 1), text("rest")))), padding(16));
  expect_payload(copy_for(w, 0), want);
  assert_int_equal(w->records[0].copy.n_frames, 3);
  assert_int_equal(recorded_frame(w, 1)->kind, FB_FRAME_DATAGRAM);
  assert_int_equal(recorded_frame(w, 1)->index, 0);
  assert_int_equal(recorded_frame(w, 2)->kind, FB_FRAME_STREAM);
  assert_int_equal(recorded_frame(w, 2)->index, 1);
  assert_int_equal(recorded_frame(w, 2)->len, 7);
}

/* Each subscriber's copy holds exactly the frames it gets. The order of subscribers makes
 * frames leave and come back in the copy's buffer. */
static void frames_differ(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 4);
  struct fb_subscription none = world_subscription(1);
  none.on = 0;
  w->ops->set_subscription(w, 1, 0, &none); /* 1: track 1 alone */
  none.gen = 102;
  w->ops->set_subscription(w, 2, 1, &none); /* 2: track 0 alone */
  struct piece a = cat(object(1, 0, 3, 4), bytes(60, 1)),
               b = cat(object(2, 0, 8, 9), bytes(30, 100));
  struct piece a2 = cat(object(5, 0, 3, 4), bytes(60, 1)),
               b2 = cat(object(6, 0, 8, 9), bytes(30, 100));
  assert_int_equal(send_packet(w, PACKET(.pn = 7, FRAMES(datagram(a), datagram_rest(b)))),
                   FB_PKT_FANNED);
  struct piece tag = padding(16);
  expect_payload(copy_for(w, 0),
                 cat(cat(copy_header(0, 1000), datagram(a2)), cat(datagram_rest(b2), tag)));
  expect_payload(copy_for(w, 1), cat(cat(copy_header(1, 2000), padding(datagram(a2).len)),
                                     cat(datagram_rest(b2), tag)));
  expect_payload(copy_for(w, 2), cat(cat(copy_header(2, 3000), datagram(a2)),
                                     cat(padding(datagram_rest(b2).len), tag)));
  expect_payload(copy_for(w, 3),
                 cat(cat(copy_header(3, 4000), datagram(a2)), cat(datagram_rest(b2), tag)));
  assert_int_equal(decided(w, 1, 0), FB_DEC_NOT_SUBSCRIBED);
  assert_int_equal(decided(w, 2, 1), FB_DEC_NOT_SUBSCRIBED);
}

/* IDs from 0 to 20 bytes, one behind the other, under headers of different lengths. */
static void id_lengths(struct world *w) {
  static const uint8_t dcid_lens[] = {20, 17, 0, 18, 8, 1, 16, 19, 20, 0};
  for (int pn_len = 1; pn_len <= 4; pn_len++) {
    world_begin(w, 4);
    for (uint32_t i = 0; i < sizeof(dcid_lens); i++) {
      struct fb_subscriber sub = world_subscriber(i, 4);
      sub.dcid_len = dcid_lens[i];
      world_add(w, i, &sub);
    }
    /* no datagram, but a stream right behind the header: nothing may cover it */
    struct piece data = cat(subgroup(1, 9), bytes(30, 1)), out = cat(subgroup(5, 9), bytes(30, 1));
    assert_int_equal(send_packet(w, PACKET(.pn = 7, .pn_len = pn_len, FRAMES(stream(2, 0, data)))),
                     FB_PKT_FANNED);
    for (uint32_t i = 0; i < sizeof(dcid_lens); i++) {
      size_t room = 20 + (size_t)pn_len, need = (size_t)dcid_lens[i] + 4;
      if (need > room) {
        assert_int_equal(decided(w, i, 0), FB_DEC_TOO_BIG);
        assert_null(copy_for(w, i));
        assert_int_equal(recorded(w, i)->down[0], 4); /* the ordinal is taken all the same */
        continue;
      }
      struct piece want = cat(hex("43"), bytes(dcid_lens[i], (uint8_t)(0xc0 + i)));
      want = cat(want, (struct piece){.len = 4,
                                      .bytes = {0, 0, (uint8_t)((i + 1) * 1000 >> 8),
                                                (uint8_t)((i + 1) * 1000)}});
      want = cat(want, padding(room - need));
      expect_payload(copy_for(w, i), cat(cat(want, stream(15, 0, out)), padding(16)));
    }
  }
}

/* A packet to a 17-byte ID leaves less room in front: its frames begin where a longer ID
 * would lie in the copy's buffer. */
static void id_of_a_dialled_connection(struct world *w) {
  static const struct fb_cid_key cid = {.len = 17, .data = {0x90}};
  world_begin(w, 4);
  world_join(w, 0, 1);
  w->ops->set_cid(w, &cid, &(struct fb_cid_value){.upstream = 0, .gen = 1});
  struct piece d = cat(object(1, 0, 3, 4), text("hello")),
               out = cat(object(5, 0, 3, 4), text("hello"));
  for (int pn_len = 1; pn_len <= 4; pn_len++) {
    struct packet p = {.pn = (uint64_t)pn_len, .pn_len = pn_len, .cid = &cid};
    struct piece frame = datagram(d);
    p.frames = &frame;
    p.n_frames = 1;
    assert_int_equal(send_packet(w, &p), FB_PKT_FANNED);
    struct piece want = copy_header(0, (uint32_t)(999 + pn_len));
    want.len = 1 + 17 + (size_t)pn_len;
    expect_payload(copy_for(w, 0), cat(cat(want, datagram(out)), padding(16)));
  }
}

/* A checksum that comes out as 0 is sent in its other form: 0 would mean none. */
static void checksum_of_zero(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct piece data = cat(object(1, 0, 3, 4), bytes(3, 0)); /* the last two lie at an even place */
  data.bytes[data.len - 2] = data.bytes[data.len - 1] = 0;
  assert_int_equal(send_packet(w, PACKET(.pn = 1, FRAMES(datagram(data)))), FB_PKT_FANNED);
  const uint8_t *field = copy_for(w, 0)->frame + 14 + 20 + 6;
  data.bytes[data.len - 2] = field[0];
  data.bytes[data.len - 1] = field[1];
  counters_of(w, 0)->next_pn--; /* the very same copy, but for these two bytes */
  assert_int_equal(send_packet(w, PACKET(.pn = 2, FRAMES(datagram(data)))), FB_PKT_FANNED);
  field = copy_for(w, 0)->frame + 14 + 20 + 6;
  assert_int_equal(field[0] << 8 | field[1], 0xffff);
  assert_true(checksums_good(copy_for(w, 0)->frame, copy_for(w, 0)->len, 0));
}

/* The alias keeps its width; if the relay's does not fit, the track is slow. */
static void alias_widths(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  struct fb_alias_key key = {.alias = 77, .upstream = 0, .upstream_gen = 1};
  struct fb_alias_value value = {.track = 0, .out_alias = 0x1234, .default_priority = 128};
  w->ops->set_alias(w, &key, &value);
  assert_int_equal(send_packet(w, PACKET(.pn = 1, FRAMES(datagram(object(77, 1, 3, 4))))),
                   FB_PKT_FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_ALIAS_WIDTH);
  assert_int_equal(w->n_copies, 0);
  for (size_t width = 2; width <= 9; width++) {
    assert_int_equal(
        send_packet(w,
                    PACKET(.pn = width, FRAMES(datagram(cat(object(77, width, 3, 4), text("x")))))),
        FB_PKT_FANNED);
    expect_payload(copy_for(w, 0), cat(cat(copy_header(0, (uint32_t)(998 + width)),
                                           datagram(cat(object(0x1234, width, 3, 4), text("x")))),
                                       padding(16)));
  }
  /* a stream of such a track stays slow, whatever comes behind its header */
  assert_int_equal(send_packet(w, PACKET(.pn = 20, FRAMES(stream(2, 0, subgroup(77, 3))))),
                   FB_PKT_FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_ALIAS_WIDTH);
  assert_int_equal(recorded_frame(w, 0)->track, 0);
  assert_int_equal(send_packet(w, PACKET(.pn = 21, FRAMES(stream(2, 3, text("more"))))),
                   FB_PKT_FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_ALIAS_WIDTH);
  assert_int_equal(send_packet(w, PACKET(.pn = 22, FRAMES(stream(6, 0, subgroup_of(77, 4, 3, 9))))),
                   FB_PKT_FANNED);
  expect_payload(
      copy_for(w, 0),
      cat(cat(copy_header(0, 1008), stream(15, 0, subgroup_of(0x1234, 4, 3, 9))), padding(16)));
}

/* The stream ID keeps its width, too; one that outgrew it is not copied. */
static void stream_id_widths(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 1);
  counters_of(w, 0)->next_stream = 15; /* ID 63: the last of one byte */
  assert_int_equal(send_packet(w, PACKET(.pn = 1, FRAMES(stream(2, 0, subgroup(1, 3))))),
                   FB_PKT_FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_SEND);
  assert_int_equal(send_packet(w, PACKET(.pn = 2, FRAMES(stream(6, 0, subgroup(1, 4))))),
                   FB_PKT_FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_ID_WIDTH);
  assert_int_equal(recorded(w, 0)->down[0], 17); /* taken */
  assert_int_equal(recorded(w, 0)->charged, 0);
  assert_int_equal(send_packet(w, PACKET(.pn = 3, FRAMES(stream(6, 3, text("x"))))), FB_PKT_FANNED);
  assert_int_equal(decided(w, 0, 0), FB_DEC_ID_WIDTH);
  assert_int_equal(send_packet(w, PACKET(.pn = 4, FRAMES(stream_of(10, 2, 0, subgroup(1, 5), 0)))),
                   FB_PKT_FANNED);
  expect_payload(
      copy_for(w, 0),
      cat(cat(copy_header(0, 1001), stream_of(71, 2, 0, subgroup(5, 5), 0)), padding(16)));
  assert_int_equal(send_packet(w, PACKET(.pn = 5, FRAMES(stream_of(14, 8, 0, subgroup(1, 5), 0)))),
                   FB_PKT_FANNED);
  expect_payload(
      copy_for(w, 0),
      cat(cat(copy_header(0, 1002), stream_of(75, 8, 0, subgroup(5, 5), 0)), padding(16)));
  counters_of(w, 0)->next_stream = 0x12345;
  assert_int_equal(send_packet(w, PACKET(.pn = 6, FRAMES(stream_of(18, 4, 0, subgroup(1, 5), 0)))),
                   FB_PKT_FANNED);
  expect_payload(copy_for(w, 0),
                 cat(cat(copy_header(0, 1003), stream_of(0x12345 * 4 + 3, 4, 0, subgroup(5, 5), 0)),
                     padding(16)));
}

/* More than a batch: two records, and copies in the order of slots. */
static void seventy_subscribers(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 70);
  struct piece data = cat(subgroup(1, 9), bytes(20, 1));
  assert_int_equal(send_packet(w, PACKET(.pn = 7, FRAMES(stream(2, 0, data)))), FB_PKT_FANNED);
  assert_int_equal(w->n_copies, 70);
  assert_int_equal(w->n_records, 2);
  assert_int_equal(w->records[0].copy.n_subs, 64);
  assert_int_equal(w->records[0].copy.batch, 0);
  assert_int_equal(w->records[1].copy.n_subs, 6);
  assert_int_equal(w->records[1].copy.batch, 1);
  for (uint32_t i = 0; i < 70; i++) {
    assert_int_equal(w->copies[i].slot, i);
    expect_payload(&w->copies[i], cat(cat(copy_header(i, 1000 * (i + 1)),
                                          stream(15, 0, cat(subgroup(5, 9), bytes(20, 1)))),
                                      padding(16)));
  }
}

/* A copy that could not be emitted keeps its number and is told by a record of its own.
 * The world takes 128 copies of a packet, or 100 if it is told so. */
static void emit_fails(struct world *w) {
  world_begin(w, 4);
  world_join(w, 0, 102);
  struct piece d = datagram(cat(object(1, 0, 3, 4), text("hi")));
  w->ops->limit_copies(w, 100);
  assert_int_equal(send_packet(w, PACKET(.pn = 1, FRAMES(d))), FB_PKT_FANNED);
  assert_int_equal(w->n_copies, 100);
  assert_int_equal(w->n_records, 4);
  for (uint32_t i = 0; i < 2; i++) {
    const struct fb_failed *f = &w->records[2 + i].failed;
    assert_int_equal(f->magic, FB_RECORD_FAILED);
    assert_int_equal(f->slot, 100 + i);
    assert_int_equal(f->gen, 200 + i);
    assert_int_equal(f->pn, 1000 * (101 + i));
    assert_int_equal(f->error, ENOSPC);
    assert_int_equal(counters_of(w, 100 + i)->emit_failed, 1);
    assert_int_equal(counters_of(w, 100 + i)->copies, 0);
    assert_int_equal(counters_of(w, 100 + i)->next_pn, 1000 * (101 + i) + 1);
    assert_int_equal(recorded(w, 100 + i)->sent, 1);
  }
  w->ops->limit_copies(w, WORLD_COPIES);
  assert_int_equal(send_packet(w, PACKET(.pn = 2, FRAMES(d))), FB_PKT_FANNED);
  assert_int_equal(w->n_copies, 102);
}

const struct fixture fixtures_copy[] = {{"datagram, IPv4", datagram_v4},
                                        {"datagram, IPv6", datagram_v6},
                                        {"a stream opens", stream_opens},
                                        {"frames of this hop", frames_of_this_hop},
                                        {"frames differ", frames_differ},
                                        {"ID lengths", id_lengths},
                                        {"ID of a dialled connection", id_of_a_dialled_connection},
                                        {"checksum of zero", checksum_of_zero},
                                        {"alias widths", alias_widths},
                                        {"stream ID widths", stream_id_widths},
                                        {"seventy subscribers", seventy_subscribers},
                                        {"emit fails", emit_fails},
                                        {NULL, NULL}};
