/* Frames of virtual links: what a router of the simulation does to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "bench/sim/frame.h"

static const uint8_t mac[4][6] = {{2, 1}, {2, 2}, {2, 3}, {2, 4}};

static struct qc_path path_of(int family) {
  struct qc_path p = {0};
  if (family == AF_INET6) {
    p.local.in6.sin6_family = p.remote.in6.sin6_family = AF_INET6;
    inet_pton(AF_INET6, "fd00::1", &p.local.in6.sin6_addr);
    inet_pton(AF_INET6, "fd00:0:0:7::2", &p.remote.in6.sin6_addr);
    p.local.len = p.remote.len = sizeof p.local.in6;
  } else {
    p.local.in.sin_family = p.remote.in.sin_family = AF_INET;
    inet_pton(AF_INET, "10.0.0.1", &p.local.in.sin_addr);
    inet_pton(AF_INET, "10.0.7.2", &p.remote.in.sin_addr);
    p.local.len = p.remote.len = sizeof p.local.in;
  }
  return p;
}

/* All that changes is the TTL, its checksum and the MACs. */
static void forwards(int family, size_t ttl_at) {
  struct frame_pool pool = {0};
  struct frame *f = frame_new(&pool);
  const struct qc_path path = path_of(family);
  struct qc_addr to;
  struct frame_view view;
  assert_true(frame_wrap(f, &path, mac[0], mac[1], (const uint8_t *)"data", 4));
  assert_int_equal(f->bytes[ttl_at], 64);
  assert_true(frame_destination(f, &to));
  assert_int_equal(to.len, path.remote.len);
  assert_memory_equal(&to.in6, &path.remote.in6, to.len);
  for (int hop = 1; hop < 64; hop++)
    assert_true(frame_forward(f, mac[2], mac[3]));
  assert_int_equal(f->bytes[ttl_at], 1);
  assert_memory_equal(f->bytes, mac[3], 6);
  assert_memory_equal(f->bytes + 6, mac[2], 6);
  assert_true(frame_open(f, &view)); /* both checksums hold */
  assert_int_equal(view.len, 4);
  assert_memory_equal(view.payload, "data", 4);
  assert_false(frame_forward(f, mac[2], mac[3])); /* its time is over */
  frame_give(&pool, f);
  frame_pool_free(&pool);
}

static void a_router_takes_one_off_ttl(void **state) {
  (void)state;
  forwards(AF_INET, 22);
}

static void a_router_takes_one_off_hop_limit(void **state) {
  (void)state;
  forwards(AF_INET6, 21);
}

/* A broken payload goes on; a broken header has no destination. */
static void broken_frames(void **state) {
  (void)state;
  struct frame_pool pool = {0};
  struct frame *f = frame_new(&pool);
  const struct qc_path path = path_of(AF_INET);
  struct qc_addr to;
  struct frame_view view;
  assert_true(frame_wrap(f, &path, mac[0], mac[1], (const uint8_t *)"data", 4));
  f->bytes[f->len - 1] ^= 1;
  assert_true(frame_destination(f, &to));
  assert_true(frame_forward(f, mac[2], mac[3]));
  assert_false(frame_open(f, &view));
  f->bytes[30] ^= 1;
  assert_false(frame_destination(f, &to));
  frame_give(&pool, f);
  frame_pool_free(&pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_router_takes_one_off_ttl),
      cmocka_unit_test(a_router_takes_one_off_hop_limit),
      cmocka_unit_test(broken_frames),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
