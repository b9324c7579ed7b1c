/* The outbox over loopback: whatever it puts together, each receiver gets its datagrams, whole, in
 * order and from the address that was named. */
#include "relay/host/outbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/t/seeded.h"

#define RECEIVERS 3

struct bed {
  struct outbox *box;
  int from[2], to[RECEIVERS]; /* the last receiver has IPv6 */
  struct qc_path path[RECEIVERS];
};

static int open_at(struct qc_addr *addr, bool six) {
  const int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  memset(addr, 0, sizeof *addr);
  if (six) {
    addr->in6.sin6_family = AF_INET6;
    addr->in6.sin6_addr = in6addr_loopback;
    addr->len = sizeof addr->in6;
  } else {
    addr->in.sin_family = AF_INET;
    addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    addr->len = sizeof addr->in;
  }
  const int room = 4 << 20;
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
  if (fd < 0 || bind(fd, &addr->sa, addr->len))
    return -1;
  socklen_t len = sizeof addr->in6;
  assert_int_equal(getsockname(fd, &addr->sa, &len), 0);
  return fd;
}

static void open_bed(struct bed *bed, bool segments) {
  struct qc_addr from[2];
  bed->box = outbox_new(segments);
  assert_non_null(bed->box);
  for (int i = 0; i < 2; i++)
    bed->from[i] = open_at(&from[i], i == 1);
  if (bed->from[1] < 0)
    skip(); /* a machine without IPv6 */
  for (int i = 0; i < RECEIVERS; i++) {
    const bool six = i == RECEIVERS - 1;
    bed->path[i].local = from[six];
    bed->to[i] = open_at(&bed->path[i].remote, six);
  }
}

static void close_bed(struct bed *bed) {
  outbox_free(bed->box);
  for (int i = 0; i < 2; i++)
    close(bed->from[i]);
  for (int i = 0; i < RECEIVERS; i++)
    close(bed->to[i]);
}

static void put(struct bed *bed, int to, uint32_t number, size_t len) {
  uint8_t data[OUTBOX_PAYLOAD + 8];
  memset(data, (int)(number * 7), sizeof data);
  memcpy(data, &number, sizeof number);
  outbox_put(bed->box, bed->from[to == RECEIVERS - 1], &bed->path[to], data, len);
}

static void expect(struct bed *bed, int to, uint32_t number, size_t len) {
  uint8_t data[OUTBOX_PAYLOAD * 2], want[OUTBOX_PAYLOAD];
  struct qc_addr from;
  socklen_t from_len = sizeof from.in6;
  const ssize_t got = recvfrom(bed->to[to], data, sizeof data, 0, &from.sa, &from_len);
  assert_int_equal(got, len);
  memset(want, (int)(number * 7), sizeof want);
  memcpy(want, &number, sizeof number);
  assert_memory_equal(data, want, len);
  if (to == RECEIVERS - 1)
    assert_int_equal(from.in6.sin6_port, bed->path[to].local.in6.sin6_port);
  else
    assert_int_equal(from.in.sin_port, bed->path[to].local.in.sin_port);
}

static void expect_nothing(struct bed *bed) {
  uint8_t data[16];
  for (int i = 0; i < RECEIVERS; i++) {
    assert_int_equal(recv(bed->to[i], data, sizeof data, 0), -1);
    assert_int_equal(errno, EAGAIN);
  }
}

/* Copies of eight packets to three receivers, as a relay makes them: three super-packets. */
static void bursts_go_together(void **state) {
  (void)state;
  for (int segments = 0; segments < 2; segments++) {
    struct bed bed;
    open_bed(&bed, segments);
    for (uint32_t n = 0; n < 8; n++)
      for (int to = 0; to < RECEIVERS; to++)
        put(&bed, to, n, 1200);
    expect_nothing(&bed);
    outbox_flush(bed.box);
    for (int to = 0; to < RECEIVERS; to++)
      for (uint32_t n = 0; n < 8; n++)
        expect(&bed, to, n, 1200);
    expect_nothing(&bed);
    const struct outbox_counts counts = outbox_counts(bed.box);
    assert_int_equal(counts.sent, 8 * RECEIVERS);
    assert_int_equal(counts.dropped, 0);
    assert_true(counts.cpu_ns > 0);
    assert_int_equal(counts.segmented, segments ? 8 * RECEIVERS : 0);
    assert_int_equal(counts.messages, segments ? RECEIVERS : 8 * RECEIVERS);
    close_bed(&bed);
  }
}

/* A shorter one ends a super-packet, a longer one begins the next. */
static void lengths_divide(void **state) {
  (void)state;
  static const size_t lens[] = {1000, 1000, 400, 400, 1000, 1200, 1200, 1};
  struct bed bed;
  open_bed(&bed, true);
  for (uint32_t n = 0; n < 8; n++)
    put(&bed, 0, n, lens[n] < 4 ? 4 : lens[n]);
  outbox_flush(bed.box);
  for (uint32_t n = 0; n < 8; n++)
    expect(&bed, 0, n, lens[n] < 4 ? 4 : lens[n]);
  assert_int_equal(outbox_counts(bed.box).messages, 4); /* 3, 1, 1, 3 */
  assert_int_equal(outbox_counts(bed.box).segmented, 6);
  close_bed(&bed);
}

static void a_super_packet_has_bounds(void **state) {
  (void)state;
  struct bed bed;
  open_bed(&bed, true);
  for (uint32_t n = 0; n < 200; n++)
    put(&bed, 0, n, 100);
  for (uint32_t n = 200; n < 300; n++)
    put(&bed, 0, n, 1450);
  outbox_flush(bed.box);
  for (uint32_t n = 0; n < 300; n++)
    expect(&bed, 0, n, n < 200 ? 100 : 1450);
  /* 64 + 64 + 64 + 8 of 100 bytes; of 1,450 no more than 44 fit into 65,000 */
  assert_int_equal(outbox_counts(bed.box).messages, 4 + 3);
  close_bed(&bed);
}

static void a_full_outbox_empties_itself(void **state) {
  (void)state;
  struct bed bed;
  open_bed(&bed, true);
  for (uint32_t n = 0; n <= OUTBOX_ROOM; n++)
    put(&bed, 0, n, 64);
  assert_int_equal(outbox_counts(bed.box).sent, OUTBOX_ROOM);
  outbox_flush(bed.box);
  outbox_flush(bed.box); /* nothing is in it any more */
  for (uint32_t n = 0; n <= OUTBOX_ROOM; n++)
    expect(&bed, 0, n, 64);
  expect_nothing(&bed);
  close_bed(&bed);
}

/* What cannot leave is dropped and counted, and what is behind it leaves. */
static void refusals_stop_nothing(void **state) {
  (void)state;
  struct bed bed;
  open_bed(&bed, true);
  struct qc_path nowhere = bed.path[0];
  uint8_t data[OUTBOX_PAYLOAD + 8] = {0};
  nowhere.local.in.sin_addr.s_addr = inet_addr("192.0.2.1"); /* not an address of this machine */
  put(&bed, 0, 1, 100);
  for (int i = 0; i < 3; i++)
    outbox_put(bed.box, bed.from[0], &nowhere, data, 100);
  put(&bed, 1, 2, 100);
  outbox_put(bed.box, bed.from[0], &bed.path[0], data, OUTBOX_PAYLOAD + 1);
  outbox_flush(bed.box);
  expect(&bed, 0, 1, 100);
  expect(&bed, 1, 2, 100);
  expect_nothing(&bed);
  assert_int_equal(outbox_counts(bed.box).sent, 2);
  assert_int_equal(outbox_counts(bed.box).dropped, 4);
  close_bed(&bed);
}

/* A socket that refuses segments (no checksums: EIO or EINVAL): all leave by themselves, now and
 * from then on. */
static void without_segments_it_goes_on(void **state) {
  (void)state;
  struct bed bed;
  open_bed(&bed, true);
  const int on = 1;
  assert_int_equal(setsockopt(bed.from[0], SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
  for (int round = 0; round < 2; round++) {
    for (uint32_t n = 0; n < 5; n++)
      put(&bed, 0, n, 500);
    outbox_flush(bed.box);
    for (uint32_t n = 0; n < 5; n++)
      expect(&bed, 0, n, 500);
  }
  assert_int_equal(outbox_counts(bed.box).sent, 10);
  assert_int_equal(outbox_counts(bed.box).segmented, 0);
  assert_int_equal(outbox_counts(bed.box).dropped, 0);
  close_bed(&bed);
}

static void random_traffic_arrives(void **state) {
  (void)state;
  uint64_t seed = 5;
  struct bed bed;
  open_bed(&bed, true);
  for (int round = 0; round < 200; round++) {
    static struct {
      uint32_t number;
      size_t len;
    } want[RECEIVERS][100];
    size_t n[RECEIVERS] = {0};
    for (uint64_t i = seeded_below(&seed, 100); i > 0; i--) {
      const int to = (int)seeded_below(&seed, RECEIVERS);
      const size_t len = seeded_chance(&seed, 70) ? 1200 : 4 + seeded_below(&seed, 1400);
      want[to][n[to]].number = (uint32_t)i;
      want[to][n[to]++].len = len;
      put(&bed, to, (uint32_t)i, len);
    }
    outbox_flush(bed.box);
    for (int to = 0; to < RECEIVERS; to++)
      for (size_t i = 0; i < n[to]; i++)
        expect(&bed, to, want[to][i].number, want[to][i].len);
    expect_nothing(&bed);
  }
  assert_true(outbox_counts(bed.box).segmented > 1000);
  close_bed(&bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bursts_go_together),        cmocka_unit_test(lengths_divide),
      cmocka_unit_test(a_super_packet_has_bounds), cmocka_unit_test(a_full_outbox_empties_itself),
      cmocka_unit_test(refusals_stop_nothing),     cmocka_unit_test(without_segments_it_goes_on),
      cmocka_unit_test(random_traffic_arrives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
