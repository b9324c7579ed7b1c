/* Run directories: manifest, logs and captures together; the checks of the run,
 * the endpoints' logs, the excuses of the plan, the figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "pcap-tools/t/scene.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

/* What a test changes of an honest run. */
struct plan {
  struct scene scene;
  const char *events;    /* JSON array */
  const char *publisher; /* members of the publisher's entry */
  const char *residue;
  const char *process; /* members of the relay's process entry */
  const char *protection;
  bool timed_out;
  uint64_t dropped;
  long captured; /* packets the manifest claims; -1: the truth */
  const char *pub_log, *sub_log, *copies;
  bool no_capture;
};

static struct plan honest(void) {
  struct plan p = {.scene = scene_new("chat", p_next_group(), p_none()), .captured = -1};
  p.events = "[]";
  p.publisher = "\"objects_planned\":1,\"objects_published\":1,\"late_p99_ns\":1000";
  p.residue = "{\"examined\":[\"processes\",\"interfaces\"],\"left\":[]}";
  p.process = "\"exit\":0,\"signal\":0,\"expected\":true";
  p.protection = "none";
  p.pub_log =
      "{\"ev\":\"published\",\"t\":1000,\"track\":\"chat\",\"group\":0,\"subgroup\":null,"
      "\"object\":0,\"size\":1,\"hash\":\"d24ec4f1a98c6e5b\",\"priority\":1}\n";
  p.sub_log =
      "{\"ev\":\"connected\",\"t\":1,\"conn\":\"00\"}\n"
      "{\"ev\":\"subscribed\",\"t\":2,\"track\":\"chat\",\"alias\":7,\"largest\":null}\n"
      "{\"ev\":\"delivered\",\"t\":6000,\"track\":\"chat\",\"group\":0,\"subgroup\":null,"
      "\"object\":0,\"size\":1,\"hash\":\"d24ec4f1a98c6e5b\",\"priority\":1,"
      "\"as\":\"datagram\"}\n"
      "{\"ev\":\"closed\",\"t\":9000,\"conn\":\"00\",\"by\":\"self\"}\n";
  scene_up(&p.scene, 0, 0, "a");
  scene_down(&p.scene, 0, 0, "a");
  return p;
}

static void write_text(const char *name, const char *text) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", tape_dir(), name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

static void write_run(const struct plan *p) {
  static char text[8192];
  char path[256];
  snprintf(path, sizeof path, "%s/capture", tape_dir());
  mkdir(path, 0700);
  snprintf(path, sizeof path, "%s/capture/relay-all.pcapng", tape_dir());
  if (p->no_capture)
    remove(path);
  else
    tape_write(p->scene.t, path, 0, 0);
  long packets = p->captured >= 0 ? p->captured : (long)p->scene.t->n;
  snprintf(
      text, sizeof text,
      "{\"format\":1,\"scenario\":\"made\",\"mode\":\"live\",\"seed\":7,\"commit\":\"abc\","
      "\"duration_ns\":1000000000,\"drain_ns\":1000000000,"
      "\"nodes\":["
      "{\"name\":\"pub\",\"file\":\"pub\",\"role\":\"publisher\",\"relay\":\"relay\","
      "\"address\":[\"10.0.0.2\"],\"port\":20000},"
      "{\"name\":\"relay\",\"file\":\"relay\",\"role\":\"relay\",\"protection\":\"%s\","
      "\"address\":[\"10.0.0.1\"],\"port\":4433},"
      "{\"name\":\"sub[0]\",\"file\":\"sub.0\",\"role\":\"subscriber\",\"relay\":\"relay\","
      "\"address\":[\"10.0.0.3\"],\"port\":20000}],"
      "\"links\":[{\"a\":\"pub\",\"b\":\"relay\",\"plain\":true},"
      "{\"a\":\"relay\",\"b\":\"sub[0]\",\"plain\":true}],"
      "\"captures\":[{\"file\":\"capture/relay-all.pcapng\",\"node\":\"relay\",\"peer\":\"pub\","
      "\"packets\":%ld,\"dropped\":%llu}],"
      "\"tracks\":[{\"name\":\"chat\",\"from\":\"pub\",\"as\":\"datagrams\",\"priority\":1,"
      "\"objects_planned\":1}],"
      "\"subscriptions\":[{\"who\":\"sub[0]\",\"tracks\":[\"chat\"],\"at_ns\":0,"
      "\"priority_limit\":null,\"delivery_timeout_ns\":0}],"
      "\"events\":%s,\"defects\":[],"
      "\"run\":{\"start_ns\":0,\"end_ns\":3000000000,\"timed_out\":%s,"
      "\"processes\":[{\"node\":\"relay\",%s}],"
      "\"publishers\":[{\"node\":\"pub\",%s,\"late_max_ns\":2000}],\"residue\":%s},"
      "\"machine\":{\"realtime_minus_monotonic_ns\":1700000000000000000}}",
      p->protection, packets, (unsigned long long)p->dropped, p->events,
      p->timed_out ? "true" : "false", p->process, p->publisher, p->residue);
  write_text("manifest.json", text);
  write_text("pub-objects.jsonl", p->pub_log);
  write_text("sub.0-objects.jsonl", p->sub_log);
  write_text("relay-copies.jsonl", p->copies ? p->copies : "");
}

static struct judge_report *judge(const struct plan *p) {
  struct judge_report *r = NULL;
  char err[512] = "";
  write_run(p);
  if (judge_run_dir(tape_dir(), &r, err, sizeof err))
    fail_msg("%s", err);
  return r;
}

static void expect(struct plan *p, const char *check, enum judge_result result) {
  struct judge_report *r = judge(p);
  const struct judge_check *c = tape_check(r, check);
  if (c->result != result && c->n_findings)
    print_error("%s: %s: expected %s, found %s\n", check, c->findings[0].field,
                c->findings[0].expected, c->findings[0].actual);
  assert_int_equal(c->result, result);
  judge_report_free(r);
  scene_free(&p->scene);
}

static void expect_finding(struct plan *p, const char *check, const char *field,
                           const char *actual) {
  struct judge_report *r = judge(p);
  const struct judge_check *c = tape_check(r, check);
  assert_int_equal(c->result, JUDGE_FAIL);
  assert_string_equal(c->findings[0].field, field);
  assert_non_null(strstr(c->findings[0].actual, actual));
  judge_report_free(r);
  scene_free(&p->scene);
}

static void an_honest_run_passes_everything(void **state) {
  (void)state;
  struct plan p = honest();
  scene_close(&p.scene);
  struct judge_report *r = judge(&p);
  size_t passed = 0;
  for (size_t i = 0; i < r->n_checks; i++) {
    assert_int_not_equal(r->checks[i].result, JUDGE_FAIL);
    passed += r->checks[i].result == JUDGE_PASS;
  }
  assert_int_equal(passed, 12);
  assert_string_equal(r->scenario, "made");
  assert_int_equal(r->seed, 7);
  judge_report_free(r);
  scene_free(&p.scene);
}

/* ---- load-honest, no-residue -------------------------------------------- */

static void too_few_objects_are_not_honest(void **state) {
  (void)state;
  struct plan p = honest();
  p.publisher = "\"objects_planned\":2,\"objects_published\":1,\"late_p99_ns\":1000";
  expect_finding(&p, "load-honest", "objects_published", "1");
}

static void lateness_is_not_honest(void **state) {
  (void)state;
  struct plan p = honest();
  /* one object in a second: late is more than a second */
  p.publisher = "\"objects_planned\":1,\"objects_published\":1,\"late_p99_ns\":1000000001";
  expect_finding(&p, "load-honest", "late_p99_ns", "1000000001");
}

static void lateness_within_the_interval_is_honest(void **state) {
  (void)state;
  struct plan p = honest();
  p.publisher = "\"objects_planned\":1,\"objects_published\":1,\"late_p99_ns\":999999999";
  expect(&p, "load-honest", JUDGE_PASS);
}

static void capture_drops_are_not_honest(void **state) {
  (void)state;
  struct plan p = honest();
  p.dropped = 3;
  expect_finding(&p, "load-honest", "dropped", "3");
}

static void a_shorter_capture_is_not_honest(void **state) {
  (void)state;
  struct plan p = honest();
  p.captured = 500;
  expect_finding(&p, "load-honest", "packets", "10");
}

static void a_missing_capture_is_not_honest(void **state) {
  (void)state;
  struct plan p = honest();
  p.no_capture = true;
  expect_finding(&p, "load-honest", "capture", "No such file");
}

static void a_stopped_run_is_not_honest(void **state) {
  (void)state;
  struct plan p = honest();
  p.timed_out = true;
  expect_finding(&p, "load-honest", "run.timed_out", "true");
}

static void something_left_is_residue(void **state) {
  (void)state;
  struct plan p = honest();
  p.residue = "{\"examined\":[\"interfaces\"],\"left\":[\"interface fb0\"]}";
  expect_finding(&p, "no-residue", "residue", "interface fb0");
}

static void looking_at_nothing_proves_nothing(void **state) {
  (void)state;
  struct plan p = honest();
  p.residue = "{\"examined\":[],\"left\":[]}";
  expect(&p, "no-residue", JUDGE_SKIP);
}

static void a_process_that_died_is_residue(void **state) {
  (void)state;
  struct plan p = honest();
  p.process = "\"exit\":0,\"signal\":11,\"expected\":false";
  expect_finding(&p, "no-residue", "process", "signal 11");
}

/* ---- the endpoints' logs ------------------------------------------------ */

static void replace(char *text, const char *from, const char *to) {
  char *at = strstr(text, from);
  assert_non_null(at);
  assert_int_equal(strlen(from), strlen(to));
  memcpy(at, to, strlen(to));
}

static void log_finding(const char *from, const char *to, const char *field, const char *actual) {
  struct plan p = honest();
  char *log = strdup(p.sub_log);
  scene_close(&p.scene);
  replace(log, from, to);
  p.sub_log = log;
  expect_finding(&p, "payload-identical", field, actual);
  free(log);
}

static void another_size_delivered_fails(void **state) {
  (void)state;
  log_finding("\"size\":1", "\"size\":2", "size", "2");
}
static void another_hash_delivered_fails(void **state) {
  (void)state;
  log_finding("d24ec4f1a98c6e5b", "d24ec4f1a98c6e5c", "hash", "d24ec4f1a98c6e5c");
}
static void another_priority_delivered_fails(void **state) {
  (void)state;
  log_finding("\"priority\":1", "\"priority\":3", "priority", "3");
}
static void an_invented_object_fails(void **state) {
  (void)state;
  log_finding("\"object\":0", "\"object\":5", "object", "no publisher's log has it");
}
static void a_missing_object_fails(void **state) {
  (void)state;
  log_finding("\"delivered\"", "\"deliverex\"", "object", "missing");
}

static void an_object_delivered_twice_fails(void **state) {
  (void)state;
  struct plan p = honest();
  char log[2048];
  const char *line = strstr(p.sub_log, "{\"ev\":\"delivered\"");
  size_t head = (size_t)(line - p.sub_log);
  size_t n = (size_t)(strchr(line, '\n') + 1 - line);
  snprintf(log, sizeof log, "%.*s%.*s%s", (int)(head + n), p.sub_log, (int)n, line, line + n);
  p.sub_log = log;
  expect_finding(&p, "payload-identical", "object", "delivered again");
}

/* ---- excuses ------------------------------------------------------------ */

static void a_silent_end_fails(void **state) {
  (void)state;
  struct plan p = honest();
  expect_finding(&p, "close-clean", "CONNECTION_CLOSE", "none");
}

/* The captures begin at 1,700,000,000 s = monotonic 0; 5 ms is in the run. */
static void a_planned_death_is_excused(void **state) {
  (void)state;
  struct plan p = honest();
  p.events = "[{\"at_ns\":5000000,\"kind\":\"vanish\",\"node\":\"relay\"}]";
  expect(&p, "close-clean", JUDGE_PASS);
}

static void another_nodes_death_excuses_nothing(void **state) {
  (void)state;
  struct plan p = honest();
  p.events = "[{\"at_ns\":5000000,\"kind\":\"vanish\",\"node\":\"sub[0]\"}]";
  expect(&p, "close-clean", JUDGE_FAIL);
}

static void a_planned_reconnect_excuses_open_streams(void **state) {
  (void)state;
  struct word part = JOIN(o_header(DOWN_ALIAS, 0, 0, 1), o_object(0, "one"));
  struct plan p = honest();
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
  scene_close(&p.scene);
  p.events = "[{\"at_ns\":900000000,\"kind\":\"reconnect\",\"node\":\"sub\"}]";
  expect(&p, "stream-complete", JUDGE_PASS);
  p = honest();
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
  scene_close(&p.scene);
  expect(&p, "stream-complete", JUDGE_FAIL);
}

static void an_object_right_before_a_planned_end_is_excused(void **state) {
  (void)state;
  struct plan p = honest();
  scene_up(&p.scene, 0, 1, "b");
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_close_app(0)));
  p.events = "[{\"at_ns\":12000000,\"kind\":\"reconnect\",\"node\":\"sub[0]\"}]";
  expect(&p, "copy-count", JUDGE_PASS);
  p = honest();
  scene_up(&p.scene, 0, 1, "b");
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_close_app(0)));
  expect(&p, "copy-count", JUDGE_FAIL);
}

static void null_protection_needs_a_manifest_that_allows_it(void **state) {
  (void)state;
  struct plan p = honest();
  p.protection = "tls";
  struct judge_report *r = judge(&p);
  assert_int_equal(r->packets_opened, 4); /* the handshakes only */
  judge_report_free(r);
  scene_free(&p.scene);
}

/* ---- figures ------------------------------------------------------------ */

static void figures_of_a_subscriber(void **state) {
  (void)state;
  struct plan p = honest();
  /* the copy is number 2 of the connection whose first ID is c1 02 10 10 ... */
  p.copies =
      "{\"ev\":\"connection\",\"t\":1,\"slot\":4,\"gen\":9,\"conn\":\"c102101010101010\"}\n"
      "{\"ev\":\"copy\",\"t\":2,\"slot\":4,\"gen\":9,\"decision\":\"send\",\"pn\":2}\n"
      "{\"ev\":\"copy\",\"t\":3,\"slot\":4,\"gen\":9,\"decision\":\"filtered\",\"pn\":null}\n"
      "{\"ev\":\"copy\",\"t\":3,\"slot\":4,\"gen\":9,\"decision\":\"held\",\"pn\":null}\n"
      "{\"ev\":\"copy\",\"t\":3,\"slot\":5,\"gen\":9,\"decision\":\"send\",\"pn\":3}\n";
  scene_down_stream(&p.scene, 7, 1, "slow"); /* number 3, not a copy */
  scene_down_stream(&p.scene, 7, 1, "slow");
  struct judge_report *r = judge(&p);
  assert_int_equal(r->n_subscribers, 1);
  const struct judge_subscriber *s = &r->subscribers[0];
  assert_string_equal(s->node, "sub[0]");
  assert_int_equal(s->objects, 1);
  assert_int_equal(s->bytes, 1);
  assert_int_equal(s->copies, 1);
  assert_int_equal(s->first_bytes_fast, 6); /* header of 5 bytes and "a" */
  assert_int_equal(s->first_bytes_all, 6 + 11);
  assert_int_equal(s->resent, 11);
  assert_int_equal(s->fast_path_ppm, 6 * 1000000 / 17);
  assert_int_equal(s->n_drops, 1);
  assert_string_equal(s->drops[0].reason, "filtered");
  assert_true(s->has_latency);
  assert_int_equal(s->latency_p50_ns, 5000);
  judge_report_free(r);
  scene_free(&p.scene);
}

/* ---- bad input ----------------------------------------------------------- */

static void a_bad_manifest_is_named(void **state) {
  (void)state;
  struct judge_report *r = NULL;
  char err[512];
  write_text("manifest.json", "{\"scenario\":\"x\",\n \"nodes\": 5}");
  assert_int_equal(judge_run_dir(tape_dir(), &r, err, sizeof err), -1);
  assert_non_null(strstr(err, "member \"nodes\": expected an array, found an integer"));
  write_text("manifest.json", "{\"scenario\":\"x\",\n \"nodes\": [");
  assert_int_equal(judge_run_dir(tape_dir(), &r, err, sizeof err), -1);
  assert_non_null(strstr(err, "manifest.json:2:"));
  assert_int_equal(judge_run_dir("/nonexistent", &r, err, sizeof err), -1);
  assert_non_null(strstr(err, "/nonexistent/manifest.json"));
}

static void a_bad_log_line_is_named(void **state) {
  (void)state;
  struct plan p = honest();
  struct judge_report *r = NULL;
  char err[512];
  p.sub_log = "{\"ev\":\"connected\"}\nnot json\n";
  write_run(&p);
  assert_int_equal(judge_run_dir(tape_dir(), &r, err, sizeof err), -1);
  assert_non_null(strstr(err, "sub.0-objects.jsonl:2: expected one JSON object"));
  scene_free(&p.scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_honest_run_passes_everything),
      cmocka_unit_test(too_few_objects_are_not_honest),
      cmocka_unit_test(lateness_is_not_honest),
      cmocka_unit_test(lateness_within_the_interval_is_honest),
      cmocka_unit_test(capture_drops_are_not_honest),
      cmocka_unit_test(a_shorter_capture_is_not_honest),
      cmocka_unit_test(a_missing_capture_is_not_honest),
      cmocka_unit_test(a_stopped_run_is_not_honest),
      cmocka_unit_test(something_left_is_residue),
      cmocka_unit_test(looking_at_nothing_proves_nothing),
      cmocka_unit_test(a_process_that_died_is_residue),
      cmocka_unit_test(another_size_delivered_fails),
      cmocka_unit_test(another_hash_delivered_fails),
      cmocka_unit_test(another_priority_delivered_fails),
      cmocka_unit_test(an_invented_object_fails),
      cmocka_unit_test(a_missing_object_fails),
      cmocka_unit_test(an_object_delivered_twice_fails),
      cmocka_unit_test(a_silent_end_fails),
      cmocka_unit_test(a_planned_death_is_excused),
      cmocka_unit_test(another_nodes_death_excuses_nothing),
      cmocka_unit_test(a_planned_reconnect_excuses_open_streams),
      cmocka_unit_test(an_object_right_before_a_planned_end_is_excused),
      cmocka_unit_test(null_protection_needs_a_manifest_that_allows_it),
      cmocka_unit_test(figures_of_a_subscriber),
      cmocka_unit_test(a_bad_manifest_is_named),
      cmocka_unit_test(a_bad_log_line_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
