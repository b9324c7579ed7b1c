/* Which Ethernet frames hold a UDP datagram, and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/net/wire/datagram.h"
#include "bench/t/wire_frame.h"

static uint8_t frame[WIRE_FRAME_ROOM];
static const uint8_t payload[100];

static void both_families_are_found(void **state) {
  (void)state;
  struct datagram d;
  size_t len = wire_frame_ipv4(frame, payload, sizeof payload);
  assert_true(datagram_find(frame, len, &d));
  assert_int_equal(d.ip_len, 128);
  assert_int_equal(d.payload_at, WIRE_FRAME_IPV4);
  assert_int_equal(d.payload_len, 100);
  len = wire_frame_ipv6(frame, payload, sizeof payload);
  assert_true(datagram_find(frame, len, &d));
  assert_int_equal(d.ip_len, 148);
  assert_int_equal(d.payload_at, WIRE_FRAME_IPV6);
  assert_int_equal(d.payload_len, 100);
}

static void padding_of_the_frame_does_not_count(void **state) {
  (void)state;
  struct datagram d;
  size_t len = wire_frame_ipv4(frame, payload, 1);
  assert_true(datagram_find(frame, len + 17, &d));
  assert_int_equal(d.ip_len, 29);
  assert_int_equal(d.payload_len, 1);
}

static void everything_else_is_none(void **state) {
  (void)state;
  struct datagram d;
  size_t len = wire_frame_ipv4(frame, payload, sizeof payload);
  for (size_t cut = 0; cut < len; cut++)
    assert_false(datagram_find(frame, cut, &d));
  static const struct {
    size_t at;
    uint8_t value;
    const char *what;
  } wrong[] = {
      {13, 0x06, "ARP"},
      {14, 0x44, "short header"},
      {23, 1, "ICMP"},
      {20, 0x20, "more fragments"},
      {21, 1, "a later fragment"},
      {17, 27, "IP too short for UDP"},
      {39, 7, "UDP too short"},
      {38, 1, "UDP longer than IP"},
      {16, 1, "IP longer than the frame"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    len = wire_frame_ipv4(frame, payload, sizeof payload);
    frame[wrong[i].at] = wrong[i].value;
    if (datagram_find(frame, len, &d))
      fail_msg("%s was taken for a datagram", wrong[i].what);
  }
  len = wire_frame_ipv6(frame, payload, sizeof payload);
  frame[20] = 58; /* ICMPv6 */
  assert_false(datagram_find(frame, len, &d));
  for (size_t cut = 0; cut < len; cut++)
    assert_false(datagram_find(frame, cut, &d));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_families_are_found),
      cmocka_unit_test(padding_of_the_frame_does_not_count),
      cmocka_unit_test(everything_else_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
