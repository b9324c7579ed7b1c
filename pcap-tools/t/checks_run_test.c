/* Run directories: manifest, logs and captures together; the checks of the run,
 * the endpoints' logs, the excuses of the plan, the figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/made_run.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

static void an_honest_run_passes_everything(void **state) {
  (void)state;
  struct plan p = made_run();
  scene_close(&p.scene);
  struct judge_report *r = made_run_judge(&p);
  size_t passed = 0;
  for (size_t i = 0; i < r->n_checks; i++) {
    assert_int_not_equal(r->checks[i].result, JUDGE_FAIL);
    passed += r->checks[i].result == JUDGE_PASS;
  }
  assert_int_equal(passed, 24);
  assert_string_equal(r->scenario, "made");
  assert_int_equal(r->seed, 7);
  judge_report_free(r);
  scene_free(&p.scene);
}

/* ---- load-honest, no-residue -------------------------------------------- */

static void too_few_objects_are_not_honest(void **state) {
  (void)state;
  struct plan p = made_run();
  p.publisher = "\"objects_planned\":2,\"objects_published\":1,\"late_p99_ns\":1000";
  made_run_expect_finding(&p, "load-honest", "objects_published", "1");
}

static void lateness_is_not_honest(void **state) {
  (void)state;
  struct plan p = made_run();
  /* one object in a second: late is more than a second */
  p.publisher = "\"objects_planned\":1,\"objects_published\":1,\"late_p99_ns\":1000000001";
  made_run_expect_finding(&p, "load-honest", "late_p99_ns", "1000000001");
}

/* A publisher that the timeline stops is late on purpose; somebody else's stall is no excuse. */
static void lateness_of_a_stalled_publisher_is_honest(void **state) {
  (void)state;
  struct plan p = made_run();
  p.publisher = "\"objects_planned\":1,\"objects_published\":1,\"late_p99_ns\":1000000001";
  p.faults = "{\"t\":5000000,\"kind\":\"stall\",\"node\":\"pub\",\"for_ns\":9,\"ok\":true}\n";
  made_run_expect(&p, "load-honest", JUDGE_PASS);
  p = made_run();
  p.publisher = "\"objects_planned\":1,\"objects_published\":1,\"late_p99_ns\":1000000001";
  p.faults = "{\"t\":5000000,\"kind\":\"stall\",\"node\":\"sub[0]\",\"for_ns\":9,\"ok\":true}\n";
  made_run_expect(&p, "load-honest", JUDGE_FAIL);
}

static void lateness_within_the_interval_is_honest(void **state) {
  (void)state;
  struct plan p = made_run();
  p.publisher = "\"objects_planned\":1,\"objects_published\":1,\"late_p99_ns\":999999999";
  made_run_expect(&p, "load-honest", JUDGE_PASS);
}

static void capture_drops_are_not_honest(void **state) {
  (void)state;
  struct plan p = made_run();
  p.dropped = 3;
  made_run_expect_finding(&p, "load-honest", "dropped", "3");
}

static void a_shorter_capture_is_not_honest(void **state) {
  (void)state;
  struct plan p = made_run();
  p.captured = 500;
  made_run_expect_finding(&p, "load-honest", "packets", "10");
}

static void a_missing_capture_is_not_honest(void **state) {
  (void)state;
  struct plan p = made_run();
  p.no_capture = true;
  made_run_expect_finding(&p, "load-honest", "capture", "No such file");
}

static void a_stopped_run_is_not_honest(void **state) {
  (void)state;
  struct plan p = made_run();
  p.timed_out = true;
  made_run_expect_finding(&p, "load-honest", "run.timed_out", "true");
}

#define WIRE(overflow, late)                                                                       \
  "{\"link\":\"relay>sub[0]\",\"packets\":9,\"dropped_queue\":3,\"late_p99_ns\":" late             \
  ",\"late_max_ns\":99000000,\"overflow\":" overflow "}"

static struct plan wired(const char *wires) {
  struct plan p = made_run();
  p.links =
      "{\"a\":\"pub\",\"b\":\"relay\",\"plain\":true},"
      "{\"a\":\"relay\",\"b\":\"sub[0]\",\"plain\":false}";
  p.wires = wires;
  return p;
}

static void a_wire_on_time_is_honest(void **state) {
  (void)state;
  struct plan p = wired(WIRE("0", "1000000") "," WIRE("0", "0"));
  made_run_expect(&p, "load-honest", JUDGE_PASS);
}

static void a_late_wire_is_not_honest(void **state) {
  (void)state;
  struct plan p = wired(WIRE("0", "0") "," WIRE("0", "1000001"));
  made_run_expect_finding(&p, "load-honest", "late_p99_ns", "1000001");
}

static void a_wire_that_lost_packets_is_not_honest(void **state) {
  (void)state;
  struct plan p = wired(WIRE("2", "0"));
  made_run_expect_finding(&p, "load-honest", "overflow", "2");
}

static void a_silent_wire_is_not_honest(void **state) {
  (void)state;
  struct plan p = wired(NULL);
  made_run_expect_finding(&p, "load-honest", "run.wires", "none");
}

static void something_left_is_residue(void **state) {
  (void)state;
  struct plan p = made_run();
  p.residue = "{\"examined\":[\"interfaces\"],\"left\":[\"interface fb0\"]}";
  made_run_expect_finding(&p, "no-residue", "residue", "interface fb0");
}

static void looking_at_nothing_proves_nothing(void **state) {
  (void)state;
  struct plan p = made_run();
  p.residue = "{\"examined\":[],\"left\":[]}";
  made_run_expect(&p, "no-residue", JUDGE_SKIP);
}

static void nothing_left_is_no_residue(void **state) {
  (void)state;
  struct plan p = made_run();
  made_run_expect(&p, "no-residue", JUDGE_PASS);
}

static void a_process_that_died_is_residue(void **state) {
  (void)state;
  struct plan p = made_run();
  p.process = "\"exit\":0,\"signal\":11,\"expected\":false";
  made_run_expect_finding(&p, "no-residue", "process", "signal 11");
}

/* ---- the endpoints' logs ------------------------------------------------ */

static void replace(char *text, const char *from, const char *to) {
  char *at = strstr(text, from);
  assert_non_null(at);
  assert_int_equal(strlen(from), strlen(to));
  memcpy(at, to, strlen(to));
}

static void log_finding(const char *from, const char *to, const char *field, const char *actual) {
  struct plan p = made_run();
  char *log = strdup(p.sub_log);
  scene_close(&p.scene);
  replace(log, from, to);
  p.sub_log = log;
  made_run_expect_finding(&p, "payload-identical", field, actual);
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
  struct plan p = made_run();
  char log[2048];
  const char *line = strstr(p.sub_log, "{\"ev\":\"delivered\"");
  size_t head = (size_t)(line - p.sub_log);
  size_t n = (size_t)(strchr(line, '\n') + 1 - line);
  snprintf(log, sizeof log, "%.*s%.*s%s", (int)(head + n), p.sub_log, (int)n, line, line + n);
  p.sub_log = log;
  made_run_expect_finding(&p, "payload-identical", "object", "delivered again");
}

/* ---- excuses ------------------------------------------------------------ */

static void a_silent_end_fails(void **state) {
  (void)state;
  struct plan p = made_run();
  made_run_expect_finding(&p, "close-clean", "CONNECTION_CLOSE", "none");
}

/* The captures begin at 1,700,000,000 s = monotonic 0; 5 ms is in the run. */
static void a_planned_death_is_excused(void **state) {
  (void)state;
  struct plan p = made_run();
  p.faults = "{\"t\":5000000,\"kind\":\"vanish\",\"node\":\"relay\",\"ok\":true}\n";
  made_run_expect(&p, "close-clean", JUDGE_PASS);
}

static void another_nodes_death_excuses_nothing(void **state) {
  (void)state;
  struct plan p = made_run();
  p.faults = "{\"t\":5000000,\"kind\":\"vanish\",\"node\":\"sub[0]\",\"ok\":true}\n";
  made_run_expect(&p, "close-clean", JUDGE_FAIL);
}

static void a_planned_reconnect_excuses_open_streams(void **state) {
  (void)state;
  struct word part = JOIN(o_header(DOWN_ALIAS, 0, 0, 1), o_object(0, "one"));
  struct plan p = made_run();
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
  scene_close(&p.scene);
  p.faults = "{\"t\":900000000,\"kind\":\"reconnect\",\"node\":\"sub\",\"ok\":true}\n";
  made_run_expect(&p, "stream-complete", JUDGE_PASS);
  p = made_run();
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
  scene_close(&p.scene);
  made_run_expect(&p, "stream-complete", JUDGE_FAIL);
}

static void an_object_right_before_a_planned_end_is_excused(void **state) {
  (void)state;
  struct plan p = made_run();
  scene_up(&p.scene, 0, 1, "b");
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_close_app(0)));
  p.faults = "{\"t\":12000000,\"kind\":\"reconnect\",\"node\":\"sub[0]\",\"ok\":true}\n";
  made_run_expect(&p, "copy-count", JUDGE_PASS);
  p = made_run();
  scene_up(&p.scene, 0, 1, "b");
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_close_app(0)));
  made_run_expect(&p, "copy-count", JUDGE_FAIL);
}

/* What left behind it shows that it was in no queue. */
static void an_object_left_out_before_a_planned_end_fails(void **state) {
  (void)state;
  struct plan p = made_run();
  scene_up(&p.scene, 0, 1, "b");
  p.scene.t->now_ns += 200000000;
  scene_up(&p.scene, 0, 2, "c");
  scene_down(&p.scene, 0, 2, "c");
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_close_app(0)));
  p.faults = "{\"t\":300000000,\"kind\":\"reconnect\",\"node\":\"sub[0]\",\"ok\":true}\n";
  made_run_expect_finding(&p, "copy-count", "copy", "none");
}

static void a_stream_overtaken_before_a_planned_end_fails(void **state) {
  (void)state;
  struct word part = JOIN(o_header(DOWN_ALIAS, 0, 0, 1), o_object(0, "one"));
  struct plan p = made_run();
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_stream_of(7, 0, part, false)));
  scene_down_stream(&p.scene, 11, 1, "two");
  scene_close(&p.scene);
  p.faults = "{\"t\":900000000,\"kind\":\"reconnect\",\"node\":\"sub\",\"ok\":true}\n";
  made_run_expect_finding(&p, "stream-complete", "stream end", "neither, after");
}

/* ---- what only a run can tell --------------------------------------------- */

static void packets_that_no_key_opens_fail(void **state) {
  (void)state;
  struct plan p = made_run();
  p.protection = "tls"; /* the tape has no secrets */
  made_run_expect_finding(&p, "frames-legal", "AEAD tag", "that do not");
}

static void null_protection_needs_a_manifest_that_allows_it(void **state) {
  (void)state;
  struct plan p = made_run();
  p.protection = "tls";
  struct judge_report *r = made_run_judge(&p);
  assert_int_equal(r->packets_opened, 4); /* the handshakes only */
  judge_report_free(r);
  scene_free(&p.scene);
}

/* Whatever the port: clients move. */
static void an_id_used_from_another_nodes_address_fails(void **state) {
  (void)state;
  for (uint16_t port = 20000; port <= 20001; port++) {
    struct plan p = made_run();
    pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_ping()), .host = 2, .port = port);
    made_run_expect_finding(&p, "isolated", "destination connection ID", "sub[0]>relay");
  }
}

static struct plan led_nowhere(void) {
  static const struct qp_cid nobodys = {.len = 20, .data = {9, 8, 7, 6, 5, 4, 3, 2, 1}};
  struct plan p = made_run();
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_ping()), .port = 20777, .dcid = &nobodys);
  return p;
}

static void an_id_that_leads_nowhere_fails(void **state) {
  (void)state;
  struct plan p = led_nowhere();
  made_run_expect_finding(&p, "cid-active", "destination connection ID", "no connection");
}

static void a_rogue_may_invent_ids(void **state) {
  (void)state;
  struct plan p = led_nowhere();
  p.sub_role = "rogue";
  made_run_expect(&p, "cid-active", JUDGE_PASS);
}

/* What could not be done excuses nothing; nor does the plan by itself. */
static void an_event_that_failed_excuses_nothing(void **state) {
  (void)state;
  struct plan p = made_run();
  p.faults = "{\"t\":5000000,\"kind\":\"vanish\",\"node\":\"relay\",\"ok\":false}\n";
  made_run_expect(&p, "close-clean", JUDGE_FAIL);
}

/* Nobody can deliver to somebody who is gone. */
static void an_object_after_a_death_is_not_owed(void **state) {
  (void)state;
  struct plan p = made_run();
  p.scene.t->now_ns += 5000000000u;
  scene_up(&p.scene, 0, 1, "b");
  p.faults = "{\"t\":12000000,\"kind\":\"die\",\"node\":\"sub[0]\",\"ok\":true}\n";
  made_run_expect(&p, "copy-count", JUDGE_PASS);
}

static void an_object_long_before_a_death_is_owed(void **state) {
  (void)state;
  struct plan p = made_run();
  scene_up(&p.scene, 0, 1, "b");
  p.faults = "{\"t\":9000000000,\"kind\":\"die\",\"node\":\"sub[0]\",\"ok\":true}\n";
  made_run_expect(&p, "copy-count", JUDGE_FAIL);
}

/* A killed subscriber's log may lack its last half second, and what was on its way. */
static void judge_log_of_the_dead(const char *faults, enum judge_result result) {
  struct plan p = made_run();
  p.pub_log =
      "{\"ev\":\"published\",\"t\":1000,\"track\":\"chat\",\"group\":0,"
      "\"subgroup\":null,\"object\":0,\"size\":1,\"hash\":\"d24ec4f1a98c6e5b\","
      "\"priority\":1}\n";
  p.sub_log =
      "{\"ev\":\"connected\",\"t\":1,\"conn\":\"00\"}\n"
      "{\"ev\":\"subscribed\",\"t\":2,\"track\":\"chat\",\"alias\":7,\"largest\":null}\n";
  p.faults = faults;
  scene_close(&p.scene);
  made_run_expect(&p, "payload-identical", result);
}

static void an_unwritten_delivery_before_a_kill_is_excused(void **state) {
  (void)state;
  judge_log_of_the_dead("{\"t\":900000000,\"kind\":\"kill\",\"node\":\"sub[0]\",\"ok\":true}\n",
                        JUDGE_PASS);
}

static void judge_unwritten(const char *faults, enum judge_result result) {
  struct plan p = made_run();
  p.pub_log = "";
  p.faults = faults;
  scene_close(&p.scene);
  made_run_expect(&p, "payload-identical", result);
}

/* Delivered at 6,000 ns, and in no publisher's log: it was killed a moment later. */
static void a_killed_publishers_last_objects_are_excused(void **state) {
  (void)state;
  judge_unwritten("{\"t\":8000,\"kind\":\"restart\",\"node\":\"pub\",\"ok\":true}\n", JUDGE_PASS);
  judge_unwritten("{\"t\":900000000,\"kind\":\"restart\",\"node\":\"pub\",\"ok\":true}\n",
                  JUDGE_FAIL);
  judge_unwritten("{\"t\":8000,\"kind\":\"reconnect\",\"node\":\"pub\",\"ok\":true}\n", JUDGE_FAIL);
  judge_unwritten("{\"t\":8000,\"kind\":\"kill\",\"node\":\"relay\",\"ok\":true}\n", JUDGE_FAIL);
}

/* Its NAT gave the subscriber another address, and it has not shown it yet. */
static void a_datagram_to_an_address_left_behind_is_excused(void **state) {
  (void)state;
  judge_log_of_the_dead("{\"t\":900,\"kind\":\"rebind\",\"node\":\"sub[0]\",\"ok\":true}\n",
                        JUDGE_PASS);
  /* another's, and long after the object */
  judge_log_of_the_dead("{\"t\":900,\"kind\":\"rebind\",\"node\":\"sub[1]\",\"ok\":true}\n",
                        JUDGE_FAIL);
  judge_log_of_the_dead("{\"t\":900000000,\"kind\":\"rebind\",\"node\":\"sub[0]\",\"ok\":true}\n",
                        JUDGE_FAIL);
}

static void a_missing_delivery_long_before_a_kill_fails(void **state) {
  (void)state;
  judge_log_of_the_dead("{\"t\":1100000000,\"kind\":\"kill\",\"node\":\"sub[0]\",\"ok\":true}\n",
                        JUDGE_FAIL);
}

/* ---- figures ------------------------------------------------------------ */

static void figures_of_a_subscriber(void **state) {
  (void)state;
  struct plan p = made_run();
  /* the copy is number 2 of the connection whose first ID is c1 02 10 10 ... */
  p.copies =
      "{\"ev\":\"connection\",\"t\":1,\"slot\":4,\"gen\":9,\"conn\":\"c102101010101010\"}\n"
      "{\"ev\":\"copy\",\"t\":2,\"slot\":4,\"gen\":9,\"decision\":\"send\",\"pn\":2}\n"
      "{\"ev\":\"copy\",\"t\":3,\"slot\":4,\"gen\":9,\"decision\":\"filtered\",\"pn\":null}\n"
      "{\"ev\":\"copy\",\"t\":3,\"slot\":4,\"gen\":9,\"decision\":\"held\",\"pn\":null}\n"
      "{\"ev\":\"copy\",\"t\":3,\"slot\":5,\"gen\":9,\"decision\":\"send\",\"pn\":3}\n"
      "{\"ev\":\"dropped\",\"t\":4,\"slot\":4,\"gen\":9,\"kind\":\"datagram\",\"track\":\"x\","
      "\"group\":3,\"decision\":\"backlog\"}\n"
      "{\"ev\":\"dropped\",\"t\":4,\"slot\":5,\"gen\":9,\"decision\":\"backlog\"}\n";
  scene_down_stream(&p.scene, 7, 1, "slow"); /* number 3, not a copy */
  scene_down_stream(&p.scene, 7, 1, "slow");
  struct judge_report *r = made_run_judge(&p);
  assert_int_equal(r->n_subscribers, 1);
  const struct judge_subscriber *s = &r->subscribers[0];
  assert_string_equal(s->node, "sub[0]");
  assert_int_equal(s->objects, 1);
  assert_int_equal(s->bytes, 1);
  assert_int_equal(s->copies, 1);
  assert_int_equal(s->first_bytes_fast, 6); /* header of 5 bytes and "a" */
  assert_int_equal(s->first_bytes_all, 6 + 11);
  assert_int_equal(s->resent, 11);
  assert_int_equal(s->sendings, 2);
  assert_int_equal(s->fast_path_ppm, 6 * 1000000 / 17);
  assert_int_equal(s->n_drops, 2);
  assert_string_equal(s->drops[0].reason, "filtered");
  assert_string_equal(s->drops[1].reason, "backlog");
  assert_int_equal(s->drops[1].count, 1);
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
  made_run_file("manifest.json", "{\"scenario\":\"x\",\n \"nodes\": 5}");
  assert_int_equal(judge_run_dir(tape_dir(), &r, err, sizeof err), -1);
  assert_non_null(strstr(err, "member \"nodes\": expected an array, found an integer"));
  made_run_file("manifest.json", "{\"scenario\":\"x\",\n \"nodes\": [");
  assert_int_equal(judge_run_dir(tape_dir(), &r, err, sizeof err), -1);
  assert_non_null(strstr(err, "manifest.json:2:"));
  assert_int_equal(judge_run_dir("/nonexistent", &r, err, sizeof err), -1);
  assert_non_null(strstr(err, "/nonexistent/manifest.json"));
}

static void a_bad_log_line_is_named(void **state) {
  (void)state;
  struct plan p = made_run();
  struct judge_report *r = NULL;
  char err[512];
  p.sub_log = "{\"ev\":\"connected\"}\nnot json\n";
  made_run_write(&p);
  assert_int_equal(judge_run_dir(tape_dir(), &r, err, sizeof err), -1);
  assert_non_null(strstr(err, "sub.0-objects.jsonl:2: expected one JSON object"));
  scene_free(&p.scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_honest_run_passes_everything),
      cmocka_unit_test(too_few_objects_are_not_honest),
      cmocka_unit_test(lateness_is_not_honest),
      cmocka_unit_test(lateness_of_a_stalled_publisher_is_honest),
      cmocka_unit_test(lateness_within_the_interval_is_honest),
      cmocka_unit_test(capture_drops_are_not_honest),
      cmocka_unit_test(a_shorter_capture_is_not_honest),
      cmocka_unit_test(a_missing_capture_is_not_honest),
      cmocka_unit_test(a_stopped_run_is_not_honest),
      cmocka_unit_test(a_wire_on_time_is_honest),
      cmocka_unit_test(a_late_wire_is_not_honest),
      cmocka_unit_test(a_wire_that_lost_packets_is_not_honest),
      cmocka_unit_test(a_silent_wire_is_not_honest),
      cmocka_unit_test(something_left_is_residue),
      cmocka_unit_test(looking_at_nothing_proves_nothing),
      cmocka_unit_test(nothing_left_is_no_residue),
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
      cmocka_unit_test(an_event_that_failed_excuses_nothing),
      cmocka_unit_test(an_object_left_out_before_a_planned_end_fails),
      cmocka_unit_test(a_stream_overtaken_before_a_planned_end_fails),
      cmocka_unit_test(packets_that_no_key_opens_fail),
      cmocka_unit_test(an_id_used_from_another_nodes_address_fails),
      cmocka_unit_test(an_id_that_leads_nowhere_fails),
      cmocka_unit_test(a_rogue_may_invent_ids),
      cmocka_unit_test(an_object_after_a_death_is_not_owed),
      cmocka_unit_test(an_object_long_before_a_death_is_owed),
      cmocka_unit_test(an_unwritten_delivery_before_a_kill_is_excused),
      cmocka_unit_test(a_datagram_to_an_address_left_behind_is_excused),
      cmocka_unit_test(a_killed_publishers_last_objects_are_excused),
      cmocka_unit_test(a_missing_delivery_long_before_a_kill_fails),
      cmocka_unit_test(null_protection_needs_a_manifest_that_allows_it),
      cmocka_unit_test(figures_of_a_subscriber),
      cmocka_unit_test(a_bad_manifest_is_named),
      cmocka_unit_test(a_bad_log_line_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
