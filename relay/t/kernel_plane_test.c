/* The kernel's datapath as the relay's user space handles it. */
#include "relay/host/kernel_plane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CLIENTS 4

static struct kernel_plane *open_plane(void) {
  char err[256];
  if (geteuid() != 0) {
    print_message("skipped: needs root to load BPF programs\n");
    skip();
  }
  struct kernel_plane *k = kernel_plane_open(CLIENTS, NULL, 0, err, sizeof err);
  if (!k)
    fail_msg("%s", err);
  return k;
}

/* A stream that nobody has claimed becomes user space's, and says so. */
static void a_stream_is_taken(void **state) {
  (void)state;
  struct kernel_plane *k = open_plane();
  struct plane *plane = kernel_plane_interface(k);
  struct fb_take take = {.upstream_gen = 1, .ordinal = 3, .result = FB_TAKE_FOLLOWED};
  assert_int_equal(plane->ops->take_stream(plane->ctx, &take), 0);
  assert_int_equal(take.result, FB_TAKE_OURS);
  kernel_plane_close(k);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_stream_is_taken)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
