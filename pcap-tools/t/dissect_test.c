/* Integers, headers, frames and MoQT structures against known bytes, and every
 * cut of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/dissect/frame.h"
#include "pcap-tools/dissect/media.h"
#include "pcap-tools/dissect/moqt.h"
#include "pcap-tools/t/words.h"

static void varints(void **state) {
  (void)state;
  static const struct {
    const char *hex;
    uint64_t value;
  } rows[] = {/* RFC 9000 A.1 */
              {"c2197c5eff14e88c", 151288809941952652u},
              {"9d7f3e7d", 494878333},
              {"7bbd", 15293},
              {"25", 37},
              {"4025", 37}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct word w = w_hex(rows[i].hex);
    struct qp_cur c = qp_cur(w.b, w.len);
    assert_int_equal(qp_varint(&c), rows[i].value);
    assert_false(c.bad);
    for (size_t cut = 0; cut < w.len; cut++) {
      c = qp_cur(w.b, cut);
      qp_varint(&c);
      assert_true(c.bad);
    }
  }
}

static void vi64s(void **state) {
  (void)state;
  static const struct {
    const char *hex;
    uint64_t value;
  } rows[] = {{"7f", 127},
              {"8080", 128},
              {"af00", 0x2f00},
              {"e0200000", 2097152},
              {"f0132b3e28", 0x132b3e28},
              {"fe02000000000000", 562949953421312},
              {"ffffffffffffffffff", UINT64_MAX},
              {"8025", 37},
              {"ff0000000000000000", 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct word w = w_hex(rows[i].hex);
    struct qp_cur c = qp_cur(w.b, w.len);
    assert_int_equal(qp_vi64(&c), rows[i].value);
    assert_int_equal(qp_left(&c), 0);
    c = qp_cur(w.b, w.len - 1);
    qp_vi64(&c);
    assert_true(c.bad);
  }
}

static void packet_numbers(void **state) {
  (void)state;
  /* RFC 9000 A.3 */
  assert_int_equal(qp_pn_expand(0x9b32, 2, 0xa82f30ea, true), 0xa82f9b32);
  assert_int_equal(qp_pn_expand(0, 1, 0, false), 0);
  assert_int_equal(qp_pn_expand(0x05, 1, 0xff, true), 0x105);
  assert_int_equal(qp_pn_expand(0xfe, 1, 0x101, true), 0xfe);
  assert_int_equal(qp_pn_expand(0xffffffff, 4, 0x100000005, true), 0xffffffff);
}

static void long_headers(void **state) {
  (void)state;
  const char *why = NULL;
  struct qp_header h;
  struct word w = JOIN(w_hex("c3 00000001 08 8394c8f03e515708 02 aabb 01 77 4019"), w_padding(25),
                       w_hex("4142"));
  struct qp_cur c = qp_cur(w.b, w.len);
  assert_true(qp_header_long(&c, &h, &why));
  assert_int_equal(h.type, QP_INITIAL);
  assert_int_equal(h.dcid.len, 8);
  assert_int_equal(h.scid.data[1], 0xbb);
  assert_int_equal(h.token_len, 1);
  assert_int_equal(h.pn_at, 21);
  assert_int_equal(h.len, 21 + 25);
  assert_int_equal(qp_left(&c), 2); /* the next coalesced packet */
  for (size_t cut = 0; cut < 21 + 25; cut++) {
    c = qp_cur(w.b, cut);
    assert_false(qp_header_long(&c, &h, &why));
    assert_non_null(why);
  }
  struct word wide = w_hex("c3 00000001 15");
  wide = JOIN(wide, w_padding(60));
  c = qp_cur(wide.b, wide.len);
  assert_false(qp_header_long(&c, &h, &why)); /* an ID of 21 bytes */
}

static void ack_ranges(void **state) {
  (void)state;
  /* 100..95, 92..92, 80..70 with ECN counts */
  struct word w =
      JOIN(w_varint(3), w_varint(100), w_varint(25), w_varint(2), w_varint(5), w_varint(1),
           w_varint(0), w_varint(10), w_varint(10), w_varint(1), w_varint(2), w_varint(3));
  struct qp_cur c = qp_cur(w.b, w.len);
  struct qp_quic_frame f;
  const char *why;
  static const uint64_t want[3][2] = {{95, 100}, {92, 92}, {70, 80}};
  assert_int_equal(qp_quic_frame_next(&c, &f, &why), 1);
  assert_int_equal(f.kind, QP_F_ACK);
  struct qp_ack_walk walk = {0};
  uint64_t lo, hi;
  for (int i = 0; i < 3; i++) {
    assert_true(qp_ack_next(&f, &walk, &lo, &hi));
    assert_int_equal(lo, want[i][0]);
    assert_int_equal(hi, want[i][1]);
  }
  assert_false(qp_ack_next(&f, &walk, &lo, &hi));
}

/* One of each frame; no cut of any of them parses as a whole. */
static void all_frames_and_their_cuts(void **state) {
  (void)state;
  const struct word frames[] = {
      w_ack(3, 9),
      w_reset(4, 5, 600),
      w_stop(4, 500),
      w_crypto(70, w_hex("0102")),
      w_hex("07 02 aabb"),
      w_stream(8, 1000, "abc"),
      w_frame1(0x10, 100000),
      w_frame2(0x11, 4, 100),
      w_frame1(0x12, 5),
      w_frame1(0x13, 5),
      w_frame1(0x14, 5),
      w_frame2(0x15, 5, 6),
      w_frame1(0x16, 5),
      w_frame1(0x17, 5),
      w_hex("18 02 01 04 01020304 000102030405060708090a0b0c0d0e0f"),
      w_frame1(0x19, 1),
      w_hex("1a 0102030405060708"),
      w_hex("1b 0102030405060708"),
      w_close(10),
      w_close_app(3),
      w_hex("24 0f 02 43e8 03"), /* RESET_STREAM_AT */
      w_datagram(w_hex("0102")),
  };
  for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    struct qp_quic_frame f;
    const char *why = NULL;
    struct qp_cur c = qp_cur(frames[i].b, frames[i].len);
    assert_int_equal(qp_quic_frame_next(&c, &f, &why), 1);
    assert_int_equal(f.len, frames[i].len);
    assert_string_not_equal(qp_frame_name(f.type), "unknown");
    assert_int_equal(qp_quic_frame_next(&c, &f, &why), 0);
    for (size_t cut = 1; cut < frames[i].len; cut++) {
      c = qp_cur(frames[i].b, cut);
      assert_int_equal(qp_quic_frame_next(&c, &f, &why), -1);
      assert_non_null(why);
    }
  }
}

static void refused_frames(void **state) {
  (void)state;
  static const char *const rows[] = {
      "18 01 02 04 01020304 000102030405060708090a0b0c0d0e0f", /* Retire Prior To > sequence */
      "18 01 00 00 000102030405060708090a0b0c0d0e0f",          /* empty ID */
      "24 0f 02 03 04",                                        /* Reliable Size > Final Size */
      "0e 03 ffffffffffffffff 01 61",                          /* past 2^62-1 */
      "02 05 00 01 02 02 03",                                  /* ACK below 0 */
      "32 00",                                                 /* no such frame */
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct word w = w_hex(rows[i]);
    struct qp_quic_frame f;
    const char *why;
    struct qp_cur c = qp_cur(w.b, w.len);
    assert_int_equal(qp_quic_frame_next(&c, &f, &why), -1);
  }
}

static void subgroup_headers(void **state) {
  (void)state;
  struct qp_subgroup h;
  enum qp_uni kind;
  const char *why;
  struct word w = w_hex("55 07 812c 03 80");
  assert_int_equal(qp_uni_header(w.b, w.len, &kind, &h, &why), 6);
  assert_int_equal(kind, QP_UNI_SUBGROUP);
  assert_int_equal(h.alias, 7);
  assert_int_equal(h.group, 300);
  assert_int_equal(h.subgroup, 3);
  assert_int_equal(h.priority, 128);
  assert_true(h.properties && h.first_object && !h.end_of_group);
  for (size_t cut = 0; cut < w.len; cut++)
    assert_int_equal(qp_uni_header(w.b, cut, &kind, &h, &why), 0);
  w = w_hex("78 07 2a");
  assert_int_equal(qp_uni_header(w.b, w.len, &kind, &h, &why), 3);
  assert_int_equal(h.priority, QP_NO_PRIORITY);
  static const char *const bad[] = {"16", "1e", "8080", "02", "3f"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    w = JOIN(w_hex(bad[i]), w_padding(10));
    assert_int_equal(qp_uni_header(w.b, w.len, &kind, &h, &why), -1);
  }
}

static void moqt_datagrams(void **state) {
  (void)state;
  struct qp_moq_datagram d;
  const char *why;
  struct word w = w_hex("00 07 2a 812c c8 dead");
  assert_true(qp_moq_datagram(w.b, w.len, &d, &why));
  assert_int_equal(d.object, 300);
  assert_int_equal(d.priority, 200);
  assert_int_equal(d.len, 2);
  w = w_hex("28 07 2b 01 04");
  assert_true(qp_moq_datagram(w.b, w.len, &d, &why));
  assert_true(d.has_status);
  assert_int_equal(d.status, 4);
  static const char *const bad[] = {"10 00 00 00 00", "22 00 00 00 00", "40 00",
                                    "01 00 00 00 00 00", "00 07"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    w = w_hex(bad[i]);
    assert_false(qp_moq_datagram(w.b, w.len, &d, &why));
  }
}

/* Section 8 of the MoQT reference. */
static void control_messages(void **state) {
  (void)state;
  struct qp_moq_message m;
  const char *why;
  struct word w = w_hex(
      "03 0020 00 02 0562656e6368 0463616d31 05766964656f 05 0281f4 0e01 1040 "
      "010100 0102");
  assert_int_equal(qp_moq_message(w.b, w.len, &m, &why), w.len);
  assert_int_equal(m.type, QP_M_SUBSCRIBE);
  assert_int_equal(m.name_len, 5);
  assert_memory_equal(m.name, "video", 5);
  assert_int_equal(m.params.object_timeout_ms, 500);
  assert_true(m.params.has_location && m.params.location_fields == 1);
  for (size_t cut = 0; cut < w.len; cut++)
    assert_int_equal(qp_moq_message(w.b, cut, &m, &why), 0);
  w = w_hex("04 000b 07 01 09 29 0c 02 87d0 0c 80c8");
  assert_int_equal(qp_moq_message(w.b, w.len, &m, &why), w.len);
  assert_int_equal(m.alias, 7);
  assert_int_equal(m.params.largest.group, 41);
  assert_int_equal(m.params.largest.object, 12);
  assert_int_equal(m.default_priority, 200);
  w = m_update(2, p_limit(3));
  assert_int_equal(qp_moq_message(w.b, w.len, &m, &why), w.len);
  assert_int_equal(m.params.n_priority, 1);
  assert_int_equal(m.params.priority[0].lo, 0);
  assert_int_equal(m.params.priority[0].hi, 3);
  static const char *const bad[] = {"01 0000",           /* reserved type */
                                    "0b 0004 02050000",  /* a byte too many */
                                    "0b 0002 0205",      /* a field too few */
                                    "02 0003 02 01 7f"}; /* unknown parameter */
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    w = w_hex(bad[i]);
    assert_int_equal(qp_moq_message(w.b, w.len, &m, &why), -1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(varints),        cmocka_unit_test(vi64s),
      cmocka_unit_test(packet_numbers), cmocka_unit_test(long_headers),
      cmocka_unit_test(ack_ranges),     cmocka_unit_test(all_frames_and_their_cuts),
      cmocka_unit_test(refused_frames), cmocka_unit_test(subgroup_headers),
      cmocka_unit_test(moqt_datagrams), cmocka_unit_test(control_messages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
