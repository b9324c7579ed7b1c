/* Frames come out when they are due, and lateness is counted exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "bench/net/wire/queue.h"
#include "bench/net/wire/tally.h"

static void the_first_due_comes_first(void **state) {
  (void)state;
  struct queue queue = {0};
  uint64_t x = 1, before_ns = 0, before_place = 0;
  for (uint32_t i = 0; i < 5000; i++) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    const uint8_t bytes[4] = {(uint8_t)i, (uint8_t)(i >> 8), 0, 0};
    assert_non_null(queue_put(&queue, x >> 56, i % 7, bytes, 2 + i % 3));
  }
  size_t bytes = 0;
  for (uint32_t i = 0; i < 5000; i++) {
    const struct queued *first = queue_first(&queue);
    struct queued *frame = queue_take(&queue);
    assert_ptr_equal(frame, first);
    /* of one time: in order of coming */
    assert_true(frame->due_ns > before_ns ||
                (frame->due_ns == before_ns && (i == 0 || frame->place > before_place)));
    before_ns = frame->due_ns;
    before_place = frame->place;
    const uint32_t came = frame->bytes[0] | (uint32_t)frame->bytes[1] << 8;
    assert_int_equal(frame->place, came);
    assert_int_equal(frame->way, came % 7);
    assert_int_equal(frame->len, 2 + came % 3);
    bytes += frame->len;
    free(frame);
  }
  assert_null(queue_take(&queue));
  assert_int_equal(queue.bytes, 0);
  assert_int_equal(bytes, 14999);
  queue_free(&queue);
}

static void a_full_queue_refuses(void **state) {
  (void)state;
  static const uint8_t bytes[1000];
  struct queue queue = {0};
  queue.bytes = QUEUE_MAX_BYTES - 1500;
  assert_non_null(queue_put(&queue, 1, 0, bytes, sizeof bytes));
  assert_null(queue_put(&queue, 1, 0, bytes, sizeof bytes));
  assert_int_equal(queue.n, 1);
  queue_free(&queue);
}

static void quantiles_are_exact(void **state) {
  (void)state;
  struct tally tally = {0};
  assert_int_equal(tally_quantile(&tally, 990), 0);
  for (uint64_t i = 10000; i > 0; i--)
    tally_add(&tally, i);
  assert_int_equal(tally_quantile(&tally, 990), 9900);
  assert_int_equal(tally_quantile(&tally, 1000), 10000);
  assert_int_equal(tally_quantile(&tally, 0), 1);
  tally_add(&tally, UINT64_C(5000000000)); /* more than a value holds */
  assert_int_equal(tally_quantile(&tally, 1000), UINT32_MAX);
  assert_int_equal(tally.max_ns, UINT64_C(5000000000));
  tally_free(&tally);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_due_comes_first),
      cmocka_unit_test(a_full_queue_refuses),
      cmocka_unit_test(quantiles_are_exact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
