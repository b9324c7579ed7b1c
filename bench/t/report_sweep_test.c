/* The table of a sweep: means, pairs, and every form it is written in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/report/sweep.h"
#include "bench/t/report_fixture.h"

/* Two policies at two rates, seeds 5..7; one track of priority 9. */
struct stage {
  struct plan_sweep plan;
  struct plan_sweep_path paths[2];
  struct plan settings[4];
  struct plan *list[4];
  struct plan_track track;
  struct report_sweep sweep;
};

static char *policies[] = {(char *)"none", (char *)"deadline"};
static char *rates[] = {(char *)"1mbit", (char *)"2mbit"};

static struct sweep_row *row(struct stage *s, size_t setting, size_t seed) {
  return &s->sweep.rows[setting * 3 + seed];
}

/* On time: setting s, seed i: (100 * s + 10 * i + i * s) thousandths. */
static struct stage *begin(void) {
  static struct stage s;
  memset(&s, 0, sizeof s);
  s.paths[0] = (struct plan_sweep_path){(char *)"nodes.relay.policy", policies, 2};
  s.paths[1] = (struct plan_sweep_path){(char *)"links.1.rate", rates, 2};
  s.track = (struct plan_track){.name = (char *)"chat", .priority = 9};
  for (size_t i = 0; i < 4; i++) {
    s.settings[i] = (struct plan){
        .name = (char *)"base", .about = (char *)"About <it>.", .tracks = &s.track, .n_tracks = 1};
    s.list[i] = &s.settings[i];
  }
  s.plan = (struct plan_sweep){.name = (char *)"study",
                               .scenario = (char *)"base.yaml",
                               .seed_first = 5,
                               .seed_last = 7,
                               .paths = s.paths,
                               .n_paths = 2,
                               .settings = s.list,
                               .n_settings = 4};
  assert_int_equal(report_sweep_open(&s.sweep, &s.plan, "sim", "abc"), 0);
  for (size_t k = 0; k < 4; k++)
    for (size_t i = 0; i < 3; i++) {
      struct sweep_row *r = row(&s, k, i);
      r->done = true;
      r->figures = (struct measure){.due = 20,
                                    .delivered = 15,
                                    .on_time = 10,
                                    .on_time_ppm = (uint32_t)(100 * k + 10 * i + i * k) * 1000,
                                    .has_latency = true,
                                    .latency_p50_ns = 1000000,
                                    .latency_p99_ns = 2500000 * (k + 1),
                                    .goodput_bps = 123456,
                                    .wasted_bytes = 1000 * i,
                                    .jain_ppm = 987654};
      r->priorities[0] = (struct measure_priority){20, 15, 10};
    }
  return &s;
}

static void end(struct stage *s) {
  report_sweep_close(&s->sweep);
}

static char *written(struct stage *s, void (*put)(FILE *to, const struct report_sweep *sweep)) {
  char *text = NULL;
  size_t len = 0;
  FILE *to = open_memstream(&text, &len);
  assert_non_null(to);
  put(to, &s->sweep);
  assert_int_equal(fclose(to), 0);
  return text;
}

static void text_without_colour(FILE *to, const struct report_sweep *sweep) {
  report_sweep_text(to, sweep, false);
}

static void assert_near(double found, double expected) {
  if (found - expected > 1e-9 || expected - found > 1e-9)
    fail_msg("expected %.9f, found %.9f", expected, found);
}

static void means(void **state) {
  (void)state;
  struct stage *s = begin();
  struct stat_interval m = sweep_mean(&s->sweep, 2, SWEEP_ON_TIME); /* 0.2, 0.212, 0.224 */
  assert_int_equal(m.n, 3);
  assert_near(m.mean, 0.212);
  assert_near(m.half, 4.3027 * 0.012 / 1.7320508075688772);
  row(s, 2, 1)->verdict = REPORT_FAIL;
  m = sweep_mean(&s->sweep, 2, SWEEP_ON_TIME);
  assert_int_equal(m.n, 2);
  row(s, 2, 0)->done = false;
  m = sweep_mean(&s->sweep, 2, SWEEP_ON_TIME);
  assert_int_equal(m.n, 1);
  assert_false(m.known);
  row(s, 2, 2)->figures.has_latency = false;
  assert_int_equal(sweep_mean(&s->sweep, 2, SWEEP_P99).n, 0);
  end(s);
}

struct seen {
  struct sweep_pair pairs[8];
  size_t n;
};

static void see(void *arg, const struct sweep_pair *pair) {
  struct seen *seen = arg;
  seen->pairs[seen->n++] = *pair;
}

static void pairs(void **state) {
  (void)state;
  struct stage *s = begin();
  struct seen seen = {0};
  static const struct sweep_pair expected[] = {{0, 0, 2}, {0, 1, 3}, {1, 0, 1}, {1, 2, 3}};
  sweep_each_pair(&s->sweep, see, &seen);
  assert_int_equal(seen.n, 4);
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(seen.pairs[i].path, expected[i].path);
    assert_int_equal(seen.pairs[i].from, expected[i].from);
    assert_int_equal(seen.pairs[i].to, expected[i].to);
  }
  char *context = sweep_context(&s->sweep, &seen.pairs[1]);
  assert_string_equal(context, "links.1.rate=2mbit");
  free(context);
  /* setting 2 less setting 0, seed by seed: 0.2, 0.202, 0.204 */
  struct sweep_difference d = sweep_compare(&s->sweep, &seen.pairs[0], SWEEP_ON_TIME);
  assert_int_equal(d.apart.n, 3);
  assert_near(d.apart.mean, 0.202);
  assert_near(d.apart.half, 4.3027 * 0.002 / 1.7320508075688772);
  assert_near(d.mean_from, 0.01);
  assert_near(d.mean_to, 0.212);
  assert_true(stat_differs(&d.apart));
  /* a run that did not pass takes its partner with it */
  row(s, 0, 2)->verdict = REPORT_FAIL;
  d = sweep_compare(&s->sweep, &seen.pairs[0], SWEEP_ON_TIME);
  assert_int_equal(d.apart.n, 2);
  assert_near(d.mean_to, 0.206);
  end(s);
}

static void csv(void **state) {
  (void)state;
  struct stage *s = begin();
  row(s, 0, 1)->verdict = REPORT_FAIL;
  row(s, 0, 2)->figures.has_latency = false;
  for (size_t k = 1; k < 4; k++)
    for (size_t i = 0; i < 3; i++)
      row(s, k, i)->done = k == 3 && i == 2;
  char *text = written(s, report_sweep_csv);
  assert_string_equal(
      text,
      "nodes.relay.policy,links.1.rate,seed,verdict,on_time_share,stall_share,latency_p50_ns,"
      "latency_p99_ns,goodput_bps,wasted_bytes,jain,objects_due,objects_delivered,objects_on_time,"
      "due_p9,delivered_p9,on_time_p9\n"
      "none,1mbit,5,pass,0.000000,0.000000,1000000,2500000,123456,0,0.987654,20,15,10,20,15,10\n"
      "none,1mbit,6,fail,0.010000,0.000000,1000000,2500000,123456,1000,0.987654,20,15,10,20,15,10\n"
      "none,1mbit,7,pass,0.020000,0.000000,,,123456,2000,0.987654,20,15,10,20,15,10\n"
      "deadline,2mbit,7,pass,0.326000,0.000000,1000000,10000000,123456,2000,0.987654,20,15,10,20,"
      "15,10\n");
  free(text);
  end(s);
}

static void differences(void **state) {
  (void)state;
  struct stage *s = begin();
  char *text = written(s, report_sweep_differences);
  static const char head[] =
      "path,base,value,with,figure,pairs,base_mean,value_mean,difference,ci95_low,ci95_high\n"
      "nodes.relay.policy,none,deadline,links.1.rate=1mbit,on_time_share,3,0.010000,0.212000,"
      "0.202000,0.197032,0.206968\n";
  assert_int_equal(strncmp(text, head, sizeof head - 1), 0);
  assert_non_null(strstr(text,
                         "links.1.rate,1mbit,2mbit,nodes.relay.policy=deadline,"
                         "latency_p99_ns,3,7500000.000,10000000.000,2500000.000,2500000.000,"
                         "2500000.000\n"));
  size_t lines = 0;
  for (const char *c = text; *c; c++)
    lines += *c == '\n';
  assert_int_equal(lines, 1 + 4 * SWEEP_FIGURES);
  free(text);
  for (size_t i = 0; i < s->sweep.n_rows; i++) /* nothing to compare: no zeros in its place */
    s->sweep.rows[i].verdict = REPORT_FAIL;
  text = written(s, report_sweep_differences);
  assert_non_null(strstr(text, ",on_time_share,0,,,,,\n"));
  free(text);
  end(s);
}

static void terminal(void **state) {
  (void)state;
  struct stage *s = begin();
  row(s, 3, 0)->verdict = REPORT_FAIL;
  char *text = written(s, text_without_colour);
  assert_non_null(strstr(text,
                         "SWEEP  study  (sim, 4 settings of nodes.relay.policy, links.1.rate; "
                         "seeds 5..7, commit abc)\n12 runs, 1 not passed and left out\n"));
  assert_non_null(strstr(text, "deadline  1mbit    21.20+-2.98 %"));
  assert_non_null(strstr(text, "nodes.relay.policy against none\n"));
  assert_non_null(strstr(text, "+20.20 % *"));
  assert_null(strchr(text, '\033'));
  assert_null(strstr(text, " \n"));
  free(text);
  end(s);
}

static void json(void **state) {
  (void)state;
  struct stage *s = begin();
  row(s, 0, 0)->figures.has_latency = row(s, 0, 1)->figures.has_latency =
      row(s, 0, 2)->figures.has_latency = false;
  char *text = written(s, report_sweep_json);
  size_t lines = 0;
  for (const char *c = text; *c; c++)
    lines += *c == '\n';
  assert_int_equal(lines, 4 + 4);
  static const char head[] =
      "{\"kind\":\"setting\",\"values\":{\"nodes.relay.policy\":\"none\","
      "\"links.1.rate\":\"1mbit\"},\"on_time_share\":{\"runs\":3,"
      "\"mean\":0.01,";
  assert_int_equal(strncmp(text, head, sizeof head - 1), 0);
  assert_non_null(strstr(
      text, "\"latency_p99_ns\":{\"runs\":0,\"mean\":null,\"ci95_low\":null,\"ci95_high\":null}"));
  assert_non_null(strstr(text,
                         "{\"kind\":\"difference\",\"path\":\"links.1.rate\",\"base\":\"1mbit\","
                         "\"values\":{\"nodes.relay.policy\":\"deadline\","
                         "\"links.1.rate\":\"2mbit\"}"));
  free(text);
  end(s);
}

/* The page as XML: what stands between <body> and </body>, in one root. */
static int read_body(const char *page, const char *count) {
  const char *from = strstr(page, "<main>"), *to = strstr(page, "</main>");
  assert_true(from && to);
  size_t len = (size_t)(to - from) + strlen("</main>");
  char *body = malloc(len + 1);
  assert_non_null(body);
  memcpy(body, from, len);
  body[len] = '\0';
  for (char *entity; (entity = strstr(body, "&plusmn;")) || (entity = strstr(body, "&ndash;"));)
    memset(entity, ' ', strcspn(entity, ";") + 1); /* HTML's own */
  for (char *br; (br = strstr(body, "<br>"));)
    memcpy(br, "    ", 4);
  int n = report_fixture_read_xml(body, count);
  free(body);
  return n;
}

static void page(void **state) {
  (void)state;
  struct stage *s = begin();
  char *text = written(s, report_sweep_html);
  assert_int_equal(read_body(text, "svg"), SWEEP_FIGURES + 5); /* curves and forests */
  assert_true(read_body(text, "circle") > 0);
  assert_null(strstr(text, "<!--@"));
  assert_null(strstr(text, "<script"));
  assert_null(strstr(text, "http"));
  assert_non_null(strstr(text, "About &lt;it&gt;."));
  free(text);
  /* whatever names and values hold */
  char nasty[] = REPORT_NASTY;
  policies[1] = nasty;
  s->paths[1].path = nasty;
  text = written(s, report_sweep_html);
  assert_int_equal(read_body(text, "svg"), SWEEP_FIGURES + 5);
  free(text);
  policies[1] = (char *)"deadline";
  /* no run passed: a page all the same */
  for (size_t i = 0; i < s->sweep.n_rows; i++)
    s->sweep.rows[i].verdict = REPORT_FAIL;
  text = written(s, report_sweep_html);
  assert_true(read_body(text, "svg") > 0);
  free(text);
  end(s);
}

/* One path, and three of them. */
static void other_shapes(void **state) {
  (void)state;
  struct stage *s = begin();
  struct plan_sweep_path three[3];
  char *one[] = {(char *)"only"};
  s->plan.n_paths = 1;
  s->plan.n_settings = 2;
  char *text = written(s, report_sweep_html);
  assert_int_equal(read_body(text, "svg"), SWEEP_FIGURES + 5);
  free(text);
  three[0] = s->paths[0];
  three[1] = s->paths[1];
  three[2] = (struct plan_sweep_path){(char *)"seedless", one, 1};
  s->plan.paths = three;
  s->plan.n_paths = 3;
  s->plan.n_settings = 4;
  text = written(s, report_sweep_html);
  assert_int_equal(read_body(text, "svg"), 2 * SWEEP_FIGURES + 5); /* a plot each middle value */
  free(text);
  end(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(means),       cmocka_unit_test(pairs),        cmocka_unit_test(csv),
      cmocka_unit_test(differences), cmocka_unit_test(terminal),     cmocka_unit_test(json),
      cmocka_unit_test(page),        cmocka_unit_test(other_shapes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
