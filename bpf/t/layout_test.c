/* Both targets lay out the shared structs alike. */
#include "bpf/t/layout.h"

#include <bpf/libbpf.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "layout.skel.h"

static const struct member_layout natively[] = {LAYOUT(LAYOUT_ROW)};
#define LAYOUT_NAME(type, member) #type "." #member,
static const char *const names[] = {LAYOUT(LAYOUT_NAME)};

static void both_targets_agree(void **state) {
  (void)state;
  struct layout *object = layout__open();
  assert_non_null(object);
  for (size_t i = 0; i < LAYOUT_ROWS; i++) {
    const struct member_layout *a = &natively[i], *b = &object->rodata->layouts[i];
    if (a->offset != b->offset || a->size != b->size || a->type_size != b->type_size ||
        a->type_align != b->type_align)
      fail_msg(
          "%s: natively at %u, %u bytes, in a struct of %u aligned to %u; in BPF %u, %u, %u, %u",
          names[i], a->offset, a->size, a->type_size, a->type_align, b->offset, b->size,
          b->type_size, b->type_align);
  }
  layout__destroy(object);
}

/* What user space writes in C and the kernel reads in BPF lies on no shared cache line
 * with what another subscriber uses. */
static void cache_lines(void **state) {
  (void)state;
  assert_int_equal(sizeof(struct fb_counters) % 64, 0);
  assert_int_equal(offsetof(struct fb_counters, pn_limit), 64);
  assert_int_equal(offsetof(struct fb_counters, decisions), 128);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(both_targets_agree),
                                     cmocka_unit_test(cache_lines)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
