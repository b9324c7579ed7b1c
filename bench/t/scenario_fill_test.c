/* Content of synthetic objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "bench/scenario/plan.h"

#define LEN 1003

static void fill(uint64_t seed, const char *name, uint64_t group, uint64_t object, uint8_t *buf,
                 size_t len) {
  char copy[16];
  strcpy(copy, name);
  const struct plan plan = {.seed = seed};
  const struct plan_track track = {.name = copy};
  plan_object_fill(&plan, &track, group, object, buf, len);
}

/* Pinned: artefacts of two machines, or of two versions, must compare equal. */
static void pinned(void **state) {
  (void)state;
  static const uint8_t expected[] = {0x5f, 0x88, 0x84, 0x7d, 0x94, 0x59, 0x52, 0xfd, 0x92, 0xb8,
                                     0x77, 0x36, 0x24, 0xbc, 0xfa, 0x69, 0x0f, 0xc2, 0xd0};
  uint8_t buf[sizeof expected];
  fill(7, "chat", 3, 11, buf, sizeof buf);
  assert_memory_equal(buf, expected, sizeof buf);
}

/* A shorter object is the beginning of a longer one; nothing past it is written. */
static void any_length(void **state) {
  (void)state;
  uint8_t whole[LEN], part[LEN + 1];
  fill(7, "chat", 3, 11, whole, LEN);
  for (size_t len = 0; len <= 40; len++) {
    memset(part, 0xee, sizeof part);
    fill(7, "chat", 3, 11, part, len);
    assert_memory_equal(part, whole, len);
    for (size_t i = len; i < sizeof part; i++)
      assert_int_equal(part[i], 0xee);
  }
  fill(7, "chat", 3, 11, part + 1, LEN); /* at an odd address */
  assert_memory_equal(part + 1, whole, LEN);
}

/* Each of seed, track, group and object changes about every byte. */
static void all_different(void **state) {
  (void)state;
  uint8_t bufs[7][LEN];
  fill(7, "chat", 3, 11, bufs[0], LEN);
  fill(8, "chat", 3, 11, bufs[1], LEN);
  fill(7, "chas", 3, 11, bufs[2], LEN);
  fill(7, "chat", 4, 11, bufs[3], LEN);
  fill(7, "chat", 3, 12, bufs[4], LEN);
  fill(7, "chat", 11, 3, bufs[5], LEN);
  fill(7, "chat", 4, 10, bufs[6], LEN);
  for (size_t i = 0; i < 7; i++) {
    for (size_t j = i + 1; j < 7; j++) {
      size_t same = 0;
      for (size_t k = 0; k < LEN; k++)
        same += bufs[i][k] == bufs[j][k];
      assert_in_range(same, 0, 20); /* 4 are expected by chance */
    }
  }
}

/* No part of an object appears at another place of it or of its neighbours. */
static void no_repeats(void **state) {
  (void)state;
  enum { OBJECTS = 20, WORDS = 100 };
  static uint64_t words[OBJECTS * WORDS];
  for (uint64_t i = 0; i < OBJECTS; i++)
    fill(7, "chat", i / 5, i % 5, (uint8_t *)(words + i * WORDS), WORDS * 8);
  for (size_t i = 0; i < OBJECTS * WORDS; i++) {
    for (size_t j = i + 1; j < OBJECTS * WORDS; j++)
      assert_true(words[i] != words[j]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pinned),
      cmocka_unit_test(any_length),
      cmocka_unit_test(all_different),
      cmocka_unit_test(no_repeats),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
