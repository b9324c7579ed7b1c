/* Ranges, maps and reassembly against plain arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/track/map.h"
#include "pcap-tools/track/ranges.h"
#include "pcap-tools/track/reassembly.h"
#include "pcap-tools/track/sightings.h"

static uint32_t seed = 1;
static uint32_t next_random(uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

static void ranges_equal_a_bitmap(void **state) {
  (void)state;
  for (int round = 0; round < 50; round++) {
    struct qp_ranges r = {0};
    bool bits[300] = {0};
    for (int i = 0; i < 60; i++) {
      uint64_t lo = next_random(290), hi = lo + next_random(10), fresh = 0;
      for (uint64_t v = lo; v <= hi; v++) {
        fresh += !bits[v];
        bits[v] = true;
      }
      assert_int_equal(qp_ranges_add(&r, lo, hi), fresh);
    }
    uint64_t count = 0, missing;
    for (uint64_t v = 0; v < 300; v++) {
      assert_int_equal(qp_ranges_has(&r, v), bits[v]);
      count += bits[v];
    }
    assert_int_equal(qp_ranges_count(&r), count);
    for (size_t i = 0; i < r.n; i++) {
      assert_true(i == 0 || r.spans[i].lo > r.spans[i - 1].hi + 1); /* merged */
      assert_true(qp_ranges_cover(&r, r.spans[i].lo, r.spans[i].hi, &missing));
      assert_false(qp_ranges_cover(&r, r.spans[i].lo, r.spans[i].hi + 1, &missing));
      assert_int_equal(missing, r.spans[i].hi + 1);
    }
    qp_ranges_clear(&r);
  }
}

static void maps_keep_everything(void **state) {
  (void)state;
  struct qp_map m = {0};
  for (uint32_t i = 0; i < 5000; i++)
    qp_map_set(&m, (uint64_t)i * i * 7, i);
  for (uint32_t i = 0; i < 5000; i++)
    assert_int_equal(qp_map_get(&m, (uint64_t)i * i * 7), i);
  assert_int_equal(qp_map_get(&m, 1), QP_MAP_NONE);
  qp_map_set(&m, 0, 99);
  assert_int_equal(qp_map_get(&m, 0), 99);
  qp_map_clear(&m);
}

static void reassembly_equals_an_array(void **state) {
  (void)state;
  uint8_t truth[400];
  for (size_t i = 0; i < sizeof truth; i++)
    truth[i] = (uint8_t)(i * 7 + i / 13);
  for (int round = 0; round < 100; round++) {
    struct qp_reasm r = {0};
    struct qp_overlap o;
    bool have[400] = {0};
    for (int i = 0; i < 40; i++) {
      size_t off = next_random(380), len = next_random(21);
      uint64_t fresh = 0;
      for (size_t k = off; k < off + len; k++) {
        fresh += !have[k];
        have[k] = true;
      }
      assert_int_equal(qp_reasm_add(&r, off, truth + off, len, &o), fresh);
      assert_false(o.differs);
    }
    uint64_t whole = 0;
    while (whole < 400 && have[whole])
      whole++;
    assert_int_equal(qp_reasm_contiguous(&r), whole);
    uint8_t out[400];
    assert_int_equal(qp_reasm_read(&r, 0, out, sizeof out), whole);
    assert_memory_equal(out, truth, whole);
    for (size_t k = 0; k < 400; k++)
      assert_int_equal(qp_reasm_has(&r, k, 1), have[k]);
    qp_reasm_clear(&r);
  }
}

static void reassembly_finds_differences(void **state) {
  (void)state;
  struct qp_reasm r = {0};
  struct qp_overlap o;
  qp_reasm_add(&r, 10, (const uint8_t *)"abcdef", 6, &o);
  qp_reasm_add(&r, 20, (const uint8_t *)"uvwxyz", 6, &o);
  assert_int_equal(qp_reasm_add(&r, 8, (const uint8_t *)"..abcdef....uvwXyz", 18, &o), 6);
  assert_true(o.differs);
  assert_int_equal(o.at, 23);
  assert_int_equal(o.was, 'x');
  assert_int_equal(o.now, 'X');
  qp_reasm_clear(&r);
}

static void forgotten_bytes_still_convict(void **state) {
  (void)state;
  struct qp_reasm r = {0};
  struct qp_overlap o;
  uint8_t data[100];
  memset(data, 'a', sizeof data);
  qp_reasm_add(&r, 0, data, 100, &o);
  qp_reasm_forget(&r);
  assert_int_equal(qp_reasm_held(&r), 0);
  assert_int_equal(qp_reasm_contiguous(&r), 100);
  qp_reasm_add(&r, 5, data, 90, &o);
  assert_false(o.differs);
  data[40] = 'b';
  assert_int_equal(qp_reasm_add(&r, 5, data, 90, &o), 0);
  assert_true(o.differs);
  assert_int_equal(o.at, 32); /* byte 45 of the stream lies in the block at 32 */
  qp_reasm_clear(&r);
}

/* What is read goes at random; whatever comes again is known to have come. */
static void dropped_bytes_are_not_new(void **state) {
  (void)state;
  uint8_t truth[4000];
  for (size_t i = 0; i < sizeof truth; i++)
    truth[i] = (uint8_t)(i * 11 + i / 17);
  for (int round = 0; round < 200; round++) {
    struct qp_reasm r = {0};
    struct qp_overlap o;
    bool have[4000] = {0};
    uint64_t dropped = 0;
    for (int i = 0; i < 60; i++) {
      size_t off = next_random(3900), len = next_random(101);
      uint64_t fresh = 0, whole = 0;
      for (size_t k = off; k < off + len; k++) {
        fresh += !have[k];
        have[k] = true;
      }
      assert_int_equal(qp_reasm_add(&r, off, truth + off, len, &o), fresh);
      assert_false(o.differs);
      while (whole < 4000 && have[whole])
        whole++;
      assert_int_equal(qp_reasm_contiguous(&r), whole);
      if (next_random(3) == 0) {
        uint64_t upto = next_random(4000);
        qp_reasm_drop(&r, upto);
        dropped = upto > dropped ? upto : dropped;
      }
      for (size_t k = 0; k < 4000; k += 7)
        assert_int_equal(qp_reasm_has(&r, k, 1), have[k]);
      uint8_t byte;
      size_t at = next_random(4000);
      if (at >= dropped && have[at]) {
        assert_int_equal(qp_reasm_read(&r, at, &byte, 1), 1);
        assert_int_equal(byte, truth[at]);
      }
    }
    qp_reasm_drop(&r, 4000);
    assert_int_equal(qp_reasm_held(&r), 0);
    assert_true(r.n < 61);
    qp_reasm_clear(&r);
  }
}

/* A stream read and dropped as it comes stays two segments. */
static void a_long_stream_stays_small(void **state) {
  (void)state;
  struct qp_reasm r = {0};
  struct qp_overlap o;
  uint8_t data[1000] = {1};
  for (uint64_t off = 0; off < 10000000; off += sizeof data) {
    qp_reasm_add(&r, off, data, sizeof data, &o);
    if (off % 7000 == 0)
      qp_reasm_drop(&r, off);
    assert_true(r.n <= 9 && qp_reasm_held(&r) <= 65536);
  }
  assert_int_equal(qp_reasm_contiguous(&r), 10000000);
  qp_reasm_clear(&r);
}

static void a_map_forgets_what_is_removed(void **state) {
  (void)state;
  struct qp_map m = {0};
  uint32_t truth[512];
  memset(truth, 0xff, sizeof truth);
  for (uint32_t i = 0; i < 20000; i++) {
    uint32_t key = (uint32_t)next_random(512);
    if (next_random(2)) {
      qp_map_remove(&m, key);
      truth[key] = QP_MAP_NONE;
    } else {
      qp_map_set(&m, key, i);
      truth[key] = i;
    }
    uint32_t other = (uint32_t)next_random(512);
    assert_int_equal(qp_map_get(&m, other), truth[other]);
  }
  size_t n = 0;
  for (uint32_t k = 0; k < 512; k++) {
    assert_int_equal(qp_map_get(&m, k), truth[k]);
    n += truth[k] != QP_MAP_NONE;
  }
  assert_int_equal(m.n, n);
  qp_map_clear(&m);
}

/* The newest numbers are there, an old one may not be, and none is mistaken for another. */
static void sightings_of_the_newest_numbers(void **state) {
  (void)state;
  struct qp_sightings s = {0};
  struct qp_sightings_room little = {.left = 4096}, plenty = {.left = 1 << 24};
  for (uint64_t pn = 0; pn < 10000; pn++)
    if (pn % 5)
      qp_sightings_note(&s, pn, pn + 1, 0, (uint32_t)pn, &little);
  assert_true(s.room >= 64 && s.room < 10000);
  for (uint64_t pn = 0; pn < 20000; pn++) {
    const struct qp_sighting *at = qp_sightings_find(&s, pn);
    bool newest = pn < 10000 && pn % 5 && 9999 - pn < s.room;
    assert_int_equal(at != NULL, newest);
    assert_true(!at || at->frame == pn + 1);
  }
  qp_sightings_clear(&s);
  for (uint64_t pn = 5000; pn-- > 0;) /* from above */
    qp_sightings_note(&s, pn, pn + 1, 0, 0, &plenty);
  assert_non_null(qp_sightings_find(&s, 4999));
  qp_sightings_note(&s, 1ull << 61, 7, 3, 9, &plenty);
  assert_int_equal(qp_sightings_find(&s, 1ull << 61)->generation, 3);
  assert_null(qp_sightings_find(&s, (1ull << 61) - 1));
  qp_sightings_clear(&s);
}

static void offsets_near_2_to_62_cost_nothing(void **state) {
  (void)state;
  struct qp_reasm r = {0};
  struct qp_overlap o;
  uint64_t far = ((uint64_t)1 << 62) - 4;
  assert_int_equal(qp_reasm_add(&r, far, (const uint8_t *)"abc", 3, &o), 3);
  assert_int_equal(qp_reasm_end(&r), far + 3);
  assert_int_equal(qp_reasm_contiguous(&r), 0);
  assert_int_equal(qp_reasm_held(&r), 3);
  qp_reasm_clear(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranges_equal_a_bitmap),
      cmocka_unit_test(maps_keep_everything),
      cmocka_unit_test(reassembly_equals_an_array),
      cmocka_unit_test(reassembly_finds_differences),
      cmocka_unit_test(forgotten_bytes_still_convict),
      cmocka_unit_test(dropped_bytes_are_not_new),
      cmocka_unit_test(a_long_stream_stays_small),
      cmocka_unit_test(a_map_forgets_what_is_removed),
      cmocka_unit_test(sightings_of_the_newest_numbers),
      cmocka_unit_test(offsets_near_2_to_62_cost_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
