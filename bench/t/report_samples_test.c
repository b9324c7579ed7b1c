#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/report/samples.h"
#include "bench/t/report_fixture.h"

static int make_dir(void **state) {
  char *dir = strdup("/tmp/report-samples-XXXXXX");
  *state = dir;
  return dir && mkdtemp(dir) ? 0 : -1;
}

static void path_in(const char *dir, const char *node, char path[128]) {
  snprintf(path, 128, "%s/%s-objects.jsonl", dir, node);
}

static int remove_dir(void **state) {
  static const char *const nodes[] = {"pub", "sub.0", "sub.1"};
  char path[128];
  for (size_t i = 0; i < 3; i++) {
    path_in(*state, nodes[i], path);
    unlink(path);
  }
  int rc = rmdir(*state);
  free(*state);
  return rc;
}

static void put(const char *dir, const char *node, const char *lines) {
  char path[128];
  path_in(dir, node, path);
  FILE *to = fopen(path, "w");
  assert_non_null(to);
  fputs(lines, to);
  assert_int_equal(fclose(to), 0);
}

#define PUBLISHED(t, track, object)                                                                \
  "{\"ev\":\"published\",\"t\":" #t ",\"track\":\"" track                                          \
  "\",\"group\":0,\"subgroup\":null,"                                                              \
  "\"object\":" #object ",\"size\":9,\"hash\":\"00\",\"priority\":1}\n"
#define DELIVERED(t, track, object)                                                                \
  "{\"ev\":\"delivered\",\"t\":" #t ",\"track\":\"" track                                          \
  "\",\"group\":0,\"subgroup\":null,"                                                              \
  "\"object\":" #object ",\"size\":9,\"hash\":\"00\",\"priority\":1,\"as\":\"datagram\"}\n"

static void samples_pair_published_with_delivered(void **state) {
  struct report_fixture f;
  struct report_samples samples;
  report_fixture_make(&f);
  put(*state, "pub",
      PUBLISHED(1000, "chat", 0) PUBLISHED(2000, "chat", 1) PUBLISHED(1500, "video", 0)
          PUBLISHED(1650, "video", 0) /* twice: the first one counts */);
  put(*state, "sub.0",
      "{\"ev\":\"subscribed\",\"t\":1,\"track\":\"chat\",\"alias\":1,\"largest\":null}\n" DELIVERED(
          2100, "chat", 1) DELIVERED(1700, "video", 0));
  put(*state, "sub.1", DELIVERED(1050, "chat", 0) DELIVERED(1060, "chat", 0));
  assert_int_equal(report_samples_load(*state, &f.plan, &samples), 0);
  assert_int_equal(samples.n, 4);
  assert_int_equal(samples.list[0].node, 2);
  assert_int_equal(samples.list[0].object, 1);
  assert_int_equal(samples.list[0].latency_ns, 100);
  assert_int_equal(samples.list[1].track, 1);
  assert_int_equal(samples.list[1].latency_ns, 200);
  assert_int_equal(samples.list[3].node, 3);
  assert_int_equal(samples.list[3].latency_ns, 60);
  assert_int_equal(samples.unpublished + samples.backwards + samples.unreadable + samples.missing,
                   0);
  assert_int_equal(samples.n_objects, 3);
  assert_int_equal(samples.objects[1].object, 1);
  assert_int_equal(samples.objects[1].size, 9);
  assert_int_equal(samples.objects[1].priority, 1);
  assert_int_equal(samples.list[0].of, 1);
  assert_int_equal(samples.objects[2].published_ns, 1500);
  assert_int_equal(samples.n_starts, 1);
  assert_int_equal(samples.starts[0].node, 2);
  assert_int_equal(samples.starts[0].group, 0);
  struct report_outcome outcome = {0};
  struct report_view view = report_view_make(&f.plan, &f.judged, &f.run, &outcome);
  char *text = NULL;
  size_t len = 0;
  FILE *to = open_memstream(&text, &len);
  assert_non_null(to);
  view.samples = &samples;
  report_file_samples(to, &view);
  fclose(to);
  assert_string_equal(text,
                      "node,track,group,object,published_ns,latency_ns\n"
                      "sub[0],chat,0,1,2000,100\nsub[0],video,0,0,1500,200\n"
                      "sub[1],chat,0,0,1000,50\nsub[1],chat,0,0,1000,60\n");
  free(text);
  report_samples_free(&samples);
}

/* It was ready 30 ns before it left; a wait from before all time is none. */
static void a_wait_for_a_stream_counts(void **state) {
  struct report_fixture f;
  struct report_samples samples;
  report_fixture_make(&f);
#define WAITED(ns, object)                                                                         \
  "{\"ev\":\"published\",\"t\":100,\"track\":\"chat\",\"group\":0,\"object\":" #object             \
  ",\"waited\":" #ns "}\n"
  put(*state, "pub", WAITED(30, 0) WAITED(101, 1));
  put(*state, "sub.0", DELIVERED(150, "chat", 0) DELIVERED(150, "chat", 1));
  assert_int_equal(report_samples_load(*state, &f.plan, &samples), 0);
  assert_int_equal(samples.n, 2);
  assert_int_equal(samples.list[0].latency_ns, 80);
  assert_int_equal(samples.list[1].latency_ns, 50);
  report_samples_free(&samples);
}

/* Who comes back is judged from where it was first. */
static void the_first_answer_says_where_it_starts(void **state) {
  struct report_fixture f;
  struct report_samples samples;
  report_fixture_make(&f);
  put(*state, "sub.0",
      "{\"ev\":\"subscribed\",\"t\":1,\"track\":\"chat\",\"alias\":1,\"largest\":[6,2]}\n"
      "{\"ev\":\"subscribed\",\"t\":9,\"track\":\"chat\",\"alias\":1,\"largest\":[8,0]}\n"
      "{\"ev\":\"subscribed\",\"t\":9,\"track\":\"none\",\"alias\":1,\"largest\":[8,0]}\n");
  assert_int_equal(report_samples_load(*state, &f.plan, &samples), 0);
  assert_int_equal(samples.n_starts, 1);
  assert_int_equal(samples.starts[0].group, 7);
  report_samples_free(&samples);
}

static void what_gives_no_sample_is_counted(void **state) {
  struct report_fixture f;
  struct report_samples samples;
  report_fixture_make(&f);
  put(*state, "pub", PUBLISHED(1000, "chat", 0) "{\"ev\":\"published\",\"t\":1}\n[]\n");
  put(*state, "sub.0",
      DELIVERED(2000, "chat", 5) /* nobody published it */
      DELIVERED(900, "chat", 0)  /* before it was published */
      DELIVERED(-1, "chat", 0)   /* no time */
      DELIVERED(1500, "none", 0) /* no such track */
      DELIVERED(1500, "chat", 0) /* good */
      "{\"ev\":\"deliv");        /* cut by a kill */
  assert_int_equal(report_samples_load(*state, &f.plan, &samples), 0);
  assert_int_equal(samples.n, 1);
  assert_int_equal(samples.unpublished, 1);
  assert_int_equal(samples.backwards, 1);
  assert_int_equal(samples.unreadable, 5);
  assert_int_equal(samples.missing, 1); /* sub[1] */
  report_samples_free(&samples);
}

static void many_samples_are_kept(void **state) {
  struct report_fixture f;
  struct report_samples samples;
  char path[128];
  report_fixture_make(&f);
  put(*state, "pub", PUBLISHED(1000, "chat", 0));
  path_in(*state, "sub.0", path);
  FILE *to = fopen(path, "w");
  assert_non_null(to);
  for (int i = 0; i < 3000; i++)
    fputs(DELIVERED(1500, "chat", 0), to);
  fclose(to);
  assert_int_equal(report_samples_load(*state, &f.plan, &samples), 0);
  assert_int_equal(samples.n, 3000);
  report_samples_free(&samples);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_wait_for_a_stream_counts, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(samples_pair_published_with_delivered, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(the_first_answer_says_where_it_starts, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(what_gives_no_sample_is_counted, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(many_samples_are_kept, make_dir, remove_dir),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
