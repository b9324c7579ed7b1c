/* Runs the table of fixtures natively, then in the kernel, and compares what they saw. */
#include "bpf/t/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct fixture *const tables[] = {fixtures_packet, fixtures_copy, fixtures_stream,
                                               fixtures_choose};

static struct world *native, *kernel;

static void run_fixture(struct world *w, const struct fixture *f) {
  print_message("           %s: %s\n", w->ops->name, f->name);
  f->run(w);
  world_end(w);
}

static void each_fixture(struct world *a, struct world *b) {
  for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
    for (const struct fixture *f = tables[t]; f->name; f++) {
      run_fixture(a, f);
      if (!b)
        continue;
      run_fixture(b, f);
      assert_int_equal(a->transcript.len, b->transcript.len);
      assert_memory_equal(a->transcript.bytes, b->transcript.bytes, a->transcript.len);
    }
}

static void natively(void **state) {
  (void)state;
  each_fixture(native, NULL);
}

static void in_the_kernel_just_the_same(void **state) {
  (void)state;
  const char *why = NULL;
  kernel = world_kernel(NULL, &why);
  if (!kernel) {
    print_message("skipped: %s\n", why);
    skip();
  }
  each_fixture(native, kernel);
}

/* What no fixture can bring about. */
static const uint32_t unreachable_reasons =
    1u << FB_PKT_LOAD_FAILED /* the kernel can't read its own packet */
    | 1u << FB_PKT_RESTORE_FAILED /* or not write it */;
static const uint32_t unreachable_decisions = 1u << FB_DEC_POLICY /* `none` drops nothing */
                                              | 1u << FB_DEC_CONTENDED /* contention_test.c */;

static void all_reasons_and_decisions_are_met(void **state) {
  (void)state;
  for (unsigned r = 0; r < FB_PACKET_REASON_COUNT; r++)
    if (!((native->seen_reasons | unreachable_reasons) >> r & 1))
      fail_msg("no fixture meets %s", fb_packet_reason_name(r));
  for (unsigned d = 0; d < FB_DECISION_COUNT; d++)
    if (!((native->seen_decisions | unreachable_decisions) >> d & 1))
      fail_msg("no fixture meets %s", fb_decision_name(d));
}

static int setup(void **state) {
  (void)state;
  native = world_native(NULL);
  return native ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  world_free(native);
  world_free(kernel);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(natively),
                                     cmocka_unit_test(in_the_kernel_just_the_same),
                                     cmocka_unit_test(all_reasons_and_decisions_are_met)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
