/* The TLS library's seeds: the system's unless somebody takes over, and the system's
 * again when that one is through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wolfssl/options.h>

#include <wolfssl/openssl/rand.h>
#include <wolfssl/ssl.h>

#include "relay/quic/seed.h"

#define LEN 32

struct source {
  uint8_t next;
  unsigned calls;
};

static void fill(void *arg, uint8_t *dest, size_t len) {
  struct source *source = arg;
  source->calls++;
  for (size_t i = 0; i < len; i++)
    dest[i] = (uint8_t)(source->next = (uint8_t)(source->next * 5 + 17));
}

static void random_bytes(uint8_t out[LEN]) {
  assert_int_equal(wolfSSL_RAND_bytes(out, LEN), WOLFSSL_SUCCESS);
}

/* What a live process does: nobody calls anything, and no two starts are alike. */
static void system_seeds_unless_asked(void **state) {
  (void)state;
  uint8_t first[LEN], second[LEN];
  assert_int_equal(wolfSSL_Init(), WOLFSSL_SUCCESS);
  random_bytes(first);
  wolfSSL_RAND_Cleanup(); /* a generator made anew is seeded anew */
  random_bytes(second);
  assert_memory_not_equal(first, second, LEN);
}

static void own_seeds_repeat(void **state) {
  (void)state;
  uint8_t bytes[3][LEN];
  for (int i = 0; i < 3; i++) {
    struct source source = {.next = i == 2}; /* the third is another seed */
    assert_int_equal(qc_seed_from(fill, &source), 0);
    random_bytes(bytes[i]);
    assert_true(source.calls > 0);
  }
  assert_int_equal(qc_seed_from_system(), 0);
  assert_memory_equal(bytes[0], bytes[1], LEN);
  assert_memory_not_equal(bytes[0], bytes[2], LEN);
}

static void system_seeds_again(void **state) {
  (void)state;
  uint8_t bytes[2][LEN];
  for (int i = 0; i < 2; i++) {
    struct source source = {0};
    assert_int_equal(qc_seed_from(fill, &source), 0);
    assert_int_equal(qc_seed_from_system(), 0);
    random_bytes(bytes[i]);
    assert_int_equal(source.calls, 0);
  }
  assert_memory_not_equal(bytes[0], bytes[1], LEN);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(system_seeds_unless_asked),
                                     cmocka_unit_test(own_seeds_repeat),
                                     cmocka_unit_test(system_seeds_again)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
