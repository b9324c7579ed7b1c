/* Two subscribers held against each other, object by object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/report/compare.h"

static struct plan_track tracks[] = {{.name = (char *)"chat"}, {.name = (char *)"video"}};
static struct plan_track turned[] = {
    {.name = (char *)"video"}, {.name = (char *)"other"}, {.name = (char *)"chat"}};
static struct plan_node nodes[] = {{.name = (char *)"sub[0]"}, {.name = (char *)"sub[1]"}};
static const struct plan here = {.tracks = tracks, .n_tracks = 2, .nodes = nodes, .n_nodes = 2};
static const struct plan there = {.tracks = turned, .n_tracks = 3, .nodes = nodes, .n_nodes = 2};

#define SAMPLE(node_, track_, group_, object_, ns)                                                 \
  { .node = (node_), .track = (track_), .group = (group_), .object = (object_), .latency_ns = (ns) }

static struct compare made(const struct plan *plan_b, struct report_sample *a, size_t n_a,
                           struct report_sample *b, size_t n_b, const int *of_a, const int *of_b,
                           size_t n) {
  struct report_samples in_a = {.list = a, .n = n_a}, in_b = {.list = b, .n = n_b};
  struct compare_view view_a = {"a", &here, &in_a, of_a, n}, view_b = {"b", plan_b, &in_b, of_b, n};
  struct compare c;
  assert_int_equal(compare_make(&c, &view_a, &view_b), 0);
  return c;
}

static const int first[] = {0}, second[] = {1}, both[] = {0, 1};

static void pairs_the_same_object(void **state) {
  (void)state;
  struct report_sample all[] = {
      SAMPLE(0, 0, 0, 1, 500), SAMPLE(0, 0, 0, 0, 100),
      SAMPLE(0, 1, 0, 1, 70),  SAMPLE(0, 0, 7, 0, 1), /* the other never gets it */
      SAMPLE(1, 0, 0, 0, 130), SAMPLE(1, 0, 0, 1, 450),
      SAMPLE(1, 1, 0, 1, 70),  SAMPLE(1, 0, 0, 1, 9000), /* once more: the first counts */
      SAMPLE(1, 1, 9, 9, 5),
  };
  struct compare c = made(&here, all, 9, all, 9, first, second, 1);
  struct compare_figures f;
  assert_int_equal(c.n, 3);
  assert_int_equal(c.only_a, 1);
  assert_int_equal(c.only_b, 1);
  assert_int_equal(compare_figures_of(&c, -1, &f), 0);
  assert_int_equal(f.n, 3);
  assert_int_equal(f.least_ns, -50);
  assert_int_equal(f.p50_ns, 0);
  assert_int_equal(f.most_ns, 30);
  assert_int_equal(f.a_sooner, 1);
  assert_int_equal(f.b_sooner, 1);
  assert_int_equal(f.a_p50_ns, 100);
  assert_int_equal(f.a_max_ns, 500);
  assert_int_equal(f.b_max_ns, 450);
  assert_int_equal(compare_figures_of(&c, 1, &f), 0);
  assert_int_equal(f.n, 1);
  assert_int_equal(f.p99_ns, 0);
  compare_free(&c);
}

/* Another run may name its tracks in another order, and have some that this one lacks. */
static void tracks_are_matched_by_name(void **state) {
  (void)state;
  struct report_sample a[] = {SAMPLE(0, 0, 0, 0, 10), SAMPLE(0, 1, 0, 0, 20)};
  struct report_sample b[] = {SAMPLE(0, 0, 0, 0, 25), SAMPLE(0, 1, 0, 0, 1),
                              SAMPLE(0, 2, 0, 0, 11)};
  struct compare c = made(&there, a, 2, b, 3, first, first, 1);
  assert_int_equal(c.n, 2);
  assert_int_equal(c.only_b, 1);
  assert_int_equal(c.pairs[0].track, 0);
  assert_int_equal(c.pairs[0].b_ns - c.pairs[0].a_ns, 1);
  assert_int_equal(c.pairs[1].b_ns - c.pairs[1].a_ns, 5);
  compare_free(&c);
}

static void subscribers_are_paired_by_their_place(void **state) {
  (void)state;
  static const int crossed[] = {1, 0};
  struct report_sample all[] = {SAMPLE(0, 0, 0, 0, 10), SAMPLE(1, 0, 0, 0, 17)};
  struct compare c = made(&here, all, 2, all, 2, both, crossed, 2);
  assert_int_equal(c.n, 2);
  assert_int_equal(c.pairs[0].a_ns, 10);
  assert_int_equal(c.pairs[0].b_ns, 17);
  assert_int_equal(c.pairs[1].a_ns, 17);
  assert_int_equal(c.pairs[1].b_ns, 10);
  compare_free(&c);
}

static char *text_of(const struct compare *c, int (*put)(const struct compare *, FILE *)) {
  char *text = NULL;
  size_t len;
  FILE *to = open_memstream(&text, &len);
  assert_non_null(to);
  assert_int_equal(put(c, to), 0);
  assert_int_equal(fclose(to), 0);
  return text;
}

static int put_csv(const struct compare *c, FILE *to) {
  compare_csv(c, to);
  return 0;
}

static void says_it_in_three_ways(void **state) {
  (void)state;
  struct report_sample all[] = {SAMPLE(0, 1, 3, 4, 2000), SAMPLE(1, 1, 3, 4, 1500)};
  struct compare c = made(&here, all, 2, all, 2, first, second, 1);
  char *text = text_of(&c, compare_print);
  assert_non_null(strstr(text, "1 objects at both, 0 at A alone, 0 at B alone"));
  assert_non_null(strstr(text, "-500 ns"));
  assert_non_null(strstr(text, "0.00 %"));
  assert_null(strstr(text, "chat")); /* nothing of it */
  free(text);
  text = text_of(&c, compare_json);
  assert_non_null(strstr(text, "{\"track\": \"video\", \"objects\": 1, "));
  assert_non_null(strstr(text, "{\"track\": null, \"objects\": 1, "));
  assert_non_null(strstr(text, "\"p50\": -500"));
  free(text);
  text = text_of(&c, put_csv);
  assert_string_equal(text,
                      "track,group,object,a,b,a_ns,b_ns,difference_ns\n"
                      "video,3,4,sub[0],sub[1],2000,1500,-500\n");
  free(text);
  compare_free(&c);
}

static void nothing_in_common(void **state) {
  (void)state;
  struct report_sample all[] = {SAMPLE(0, 0, 0, 0, 10)};
  struct compare c = made(&here, all, 1, all, 1, first, second, 1);
  struct compare_figures f;
  assert_int_equal(c.n, 0);
  assert_int_equal(c.only_a, 1);
  assert_int_equal(compare_figures_of(&c, -1, &f), 0);
  assert_int_equal(f.n, 0);
  free(text_of(&c, compare_print));
  compare_free(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pairs_the_same_object),
      cmocka_unit_test(tracks_are_matched_by_name),
      cmocka_unit_test(subscribers_are_paired_by_their_place),
      cmocka_unit_test(says_it_in_three_ways),
      cmocka_unit_test(nothing_in_common),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
