/* Each defect switch brings its bug back, in both worlds; without it the bug is not there. */
#include "bpf/t/world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct world *make_world(const struct fb_defects *defects);

static struct world *kernel(const struct fb_defects *defects) {
  const char *why = NULL;
  struct world *w = world_kernel(defects, &why);
  if (w)
    return w;
  print_message("skipped: %s\n", why);
  skip();
  return NULL;
}

/* The number of the second copy, if a slow path has taken one between the two. */
static uint64_t number_behind_slow_path(make_world *make, uint32_t two_counters) {
  struct world *w = make(&(struct fb_defects){.two_counters = two_counters});
  world_begin(w, 4);
  world_join(w, 0, 1);
  counters_of(w, 0)->own_pn = 1000;
  struct piece d = datagram(object(1, 0, 3, 4));
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(d))), FB_PKT_FANNED);
  assert_int_equal(recorded(w, 0)->pn, 1000);
  counters_of(w, 0)->next_pn++;
  assert_int_equal(send_packet(w, PACKET(.pn = 1, FRAMES(d))), FB_PKT_FANNED);
  uint64_t pn = recorded(w, 0)->pn;
  assert_int_equal(copy_for(w, 0)->pn, pn);
  world_free(w);
  return pn;
}

static void two_counters(make_world *make) {
  assert_int_equal(number_behind_slow_path(make, 0), 1002);
  assert_int_equal(number_behind_slow_path(make, 1), 1001); /* which the slow path has used */
}

static void two_counters_natively(void **state) {
  (void)state;
  two_counters(world_native);
}

static void two_counters_in_the_kernel(void **state) {
  (void)state;
  two_counters(kernel);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(two_counters_natively),
                                     cmocka_unit_test(two_counters_in_the_kernel)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
