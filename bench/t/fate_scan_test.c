/* Which frames are in a datagram of `protection: none`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "bench/fate/scan.h"

#define BIT(frame) ((fate_frames)1 << FATE_FRAME_##frame)

static uint8_t packet[2048];
static size_t packet_len;

static void put(const void *bytes, size_t len) {
  memcpy(packet + packet_len, bytes, len);
  packet_len += len;
}

/* Frames in a 1-RTT packet behind what is there: an ID of cid_len, a number of 2 bytes. */
static void put_short(size_t cid_len, const void *frames, size_t len) {
  static const uint8_t id[20] = {1, 2, 3}, tag[16], number[2];
  put("\x41", 1);
  put(id, cid_len);
  put(number, sizeof number);
  put(frames, len);
  put(tag, sizeof tag);
}

static fate_frames scanned(size_t cid_len, const void *frames, size_t len) {
  packet_len = 0;
  put_short(cid_len, frames, len);
  return scan_datagram(packet, packet_len, cid_len);
}
#define SCANNED(cid_len, bytes) scanned(cid_len, bytes, sizeof(bytes) - 1)

/* One frame of each type, then a PING that is seen only if the length was right. */
static void every_frame_has_its_length(void **state) {
  (void)state;
  static const struct {
    fate_frames bit;
    const char *bytes;
    size_t len;
  } frames[] = {
#define CASE(frame, bytes) {BIT(frame), bytes, sizeof(bytes) - 1}
      CASE(PADDING, "\0\0\0"),
      CASE(ACK, "\x02\x05\x10\x01\x02\x03\x04"),
      CASE(ACK, "\x03\x05\x10\x00\x02\x01\x02\x40\x03"),
      CASE(RESET_STREAM, "\x04\x01\x02\x03"),
      CASE(STOP_SENDING, "\x05\x01\x02"),
      CASE(CRYPTO, "\x06\x00\x02xy"),
      CASE(NEW_TOKEN, "\x07\x03tok"),
      CASE(STREAM, "\x0a\x03\x02hi"),
      CASE(STREAM, "\x0f\x03\x40\x07\x02hi"),
      CASE(MAX_DATA, "\x10\x80\0\0\1"),
      CASE(MAX_STREAM_DATA, "\x11\x03\x05"),
      CASE(MAX_STREAMS, "\x13\x05"),
      CASE(DATA_BLOCKED, "\x14\x05"),
      CASE(STREAM_DATA_BLOCKED, "\x15\x03\x05"),
      CASE(STREAMS_BLOCKED, "\x16\x05"),
      CASE(NEW_CONNECTION_ID, "\x18\1\0\4abcd0123456789abcdef"),
      CASE(RETIRE_CONNECTION_ID, "\x19\x01"),
      CASE(PATH_CHALLENGE,
           "\x1a"
           "12345678"),
      CASE(PATH_RESPONSE,
           "\x1b"
           "12345678"),
      CASE(CONNECTION_CLOSE, "\x1c\x00\x08\x02no"),
      CASE(CONNECTION_CLOSE, "\x1d\x00\x02no"),
      CASE(HANDSHAKE_DONE, "\x1e"),
      CASE(DATAGRAM, "\x31\x02hi"),
  };
  for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    uint8_t bytes[64];
    memcpy(bytes, frames[i].bytes, frames[i].len);
    bytes[frames[i].len] = 0x01;
    assert_int_equal(scanned(8, bytes, frames[i].len + 1), frames[i].bit | BIT(PING));
    /* cut anywhere it is not that frame any more */
    for (size_t cut = 1; frames[i].bit != BIT(PADDING) && cut < frames[i].len; cut++)
      assert_int_equal(scanned(8, bytes, cut) & frames[i].bit, 0);
  }
}

static void frames_without_a_length_take_the_rest(void **state) {
  (void)state;
  assert_int_equal(SCANNED(20, "\x01\x08\x03\x02\x02"), BIT(PING) | BIT(STREAM));
  assert_int_equal(SCANNED(17, "\x30\x02\x02\x02"), BIT(DATAGRAM));
  assert_int_equal(SCANNED(0, "\x01"), BIT(PING));
}

static void what_is_unknown_ends_the_scan(void **state) {
  (void)state;
  assert_int_equal(SCANNED(8, "\x01\x21\x02\x05"), BIT(PING));
  assert_int_equal(SCANNED(8, ""), 0);
}

static void long_headers_are_stepped_over(void **state) {
  (void)state;
  static const char initial[] =
      "\xc0\0\0\0\1\x02"
      "ab\x01"
      "c\x00\x05"
      "12345";
  static const char handshake[] =
      "\xe0\0\0\0\1\x02"
      "ab\x01"
      "c\x03"
      "123";
  static const char retry[] =
      "\xf0\0\0\0\1\x02"
      "ab\x01"
      "c";
  static const char negotiation[] =
      "\xc0\0\0\0\0\x02"
      "ab\x01"
      "c\0\0\0\1";
  packet_len = 0;
  put(initial, sizeof initial - 1);
  put(handshake, sizeof handshake - 1);
  assert_int_equal(scan_datagram(packet, packet_len, 8), 0);
  put_short(8, "\x01", 1);
  assert_int_equal(scan_datagram(packet, packet_len, 8), BIT(PING));
  for (size_t cut = 0; cut < packet_len; cut++) /* also behind nothing it stays within */
    scan_datagram(packet, cut, 8);
  packet_len = 0;
  put(retry, sizeof retry - 1);
  put_short(8, "\x01", 1);
  assert_int_equal(scan_datagram(packet, packet_len, 8), 0);
  packet_len = 0;
  put(negotiation, sizeof negotiation - 1);
  put_short(8, "\x01", 1);
  assert_int_equal(scan_datagram(packet, packet_len, 8), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_frame_has_its_length),
      cmocka_unit_test(frames_without_a_length_take_the_rest),
      cmocka_unit_test(what_is_unknown_ends_the_scan),
      cmocka_unit_test(long_headers_are_stepped_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
