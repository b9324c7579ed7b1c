/* A packet that went up unrun: what two executors would have done is compared, and leaves nothing. Both
 * are native here, and one is given another state. */
#include "bench/replay/unrun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct rig {
  struct journal_head head;
  struct executor *executors[UNRUN_EXECUTORS];
  struct dp_native *like;
  struct compare compare;
  struct unrun unrun;
  char told[4096];
};

static void open_rig(struct rig *rig) {
  const char *why;
  *rig = (struct rig){.head.sizes = {.subscribers = 2, .streams = 16, .tracks = 2, .upstreams = 2}};
  rig->like = dp_native_new(&rig->head.sizes);
  assert_non_null(rig->like);
  rig->head.sizes = rig->like->sizes;
  journal_arrays(rig->like, rig->compare.arrays);
  rig->compare.tell = fmemopen(rig->told, sizeof rig->told - 1, "w");
  assert_non_null(rig->compare.tell);
  setbuf(rig->compare.tell, NULL);
  for (size_t i = 0; i < UNRUN_EXECUTORS; i++)
    assert_non_null(rig->executors[i] = executor_native(&rig->head, &why));
}

static void close_rig(struct rig *rig) {
  for (size_t i = 0; i < UNRUN_EXECUTORS; i++)
    rig->executors[i]->close(rig->executors[i]);
  fclose(rig->compare.tell);
  unrun_free(&rig->unrun);
  dp_native_free(rig->like);
}

static void set(struct executor *e, uint32_t array, size_t offset, const void *bytes, size_t len) {
  assert_true(e->set(e, array, offset, bytes, len));
}

/* The datapath is on, and the port is not this packet's. */
static void add_packet(struct rig *rig) {
  static const uint8_t frame[60] = {[12] = 8, [14] = 0x45, [17] = 46, [23] = 17};
  unrun_add(&rig->unrun, frame, sizeof frame, 5);
}

static void nothing_differs(void **state) {
  struct rig rig;
  (void)state;
  open_rig(&rig);
  assert_false(unrun_waits(&rig.unrun));
  add_packet(&rig);
  add_packet(&rig);
  assert_true(unrun_waits(&rig.unrun));
  assert_int_equal(unrun_try(&rig.unrun, rig.executors, &rig.compare), 2);
  assert_false(unrun_waits(&rig.unrun));
  assert_int_equal(rig.compare.differences, 0);
  close_rig(&rig);
}

static void another_reason(void **state) {
  struct rig rig;
  (void)state;
  open_rig(&rig);
  set(rig.executors[1], JOURNAL_CONFIG, 0, &(struct fb_config){.on = 1}, sizeof(struct fb_config));
  rig.compare.packet = 7;
  add_packet(&rig);
  assert_int_equal(unrun_try(&rig.unrun, rig.executors, &rig.compare), 1);
  assert_int_equal(rig.compare.differences, 1);
  assert_non_null(
      strstr(rig.told, "an unrun one, after packet 7 at 0.000005 ms: reason: native off"));
  assert_false(rig.compare.unrun);
  close_rig(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_differs),
      cmocka_unit_test(another_reason),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
