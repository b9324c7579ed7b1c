/* The subscriber's core against a server in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/t/peer_served.h"

/* ---- asking ------------------------------------------------------------------------------ */

static void asks_for_the_next_group(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_asked(SERVED_BOTH, 0, 2);
  for (size_t i = 0; i < 2; i++) {
    const struct moqt_params *p = &rig->requests[i].params;
    assert_true(p->has & MOQT_HAS_LOCATION_FILTER);
    assert_int_equal(p->location.n, 1);
    assert_int_equal(p->location.v[0], 0);
    assert_false(p->has & (MOQT_HAS_PRIORITY_FILTER | MOQT_HAS_OBJECT_TIMEOUT));
  }
  struct qc_peer_params limits;
  qc_peer_params(rig->conn, &limits);
  assert_int_equal(limits.max_data, 65536);
  assert_int_equal(limits.max_stream_data_uni, 65536);
  assert_int_equal(limits.max_streams_uni, 16);
  rig_close(rig);
}

static void asks_with_limit_and_timeout(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_asked(SERVED_HEAD
                     "subscriptions:\n  - { who: sub, tracks: [video], priority_limit: 2, "
                     "delivery_timeout: 150ms }\n",
                     0, 1);
  const struct moqt_params *p = &rig->requests[0].params;
  assert_true(p->has & MOQT_HAS_PRIORITY_FILTER);
  assert_int_equal(p->priority_min, 0);
  assert_int_equal(p->priority_max, 2);
  assert_int_equal(p->object_timeout_ms, 150);
  rig_close(rig);
}

static void later_subscription_waits(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_asked(SERVED_HEAD
                     "subscriptions:\n  - { who: sub, tracks: [chat] }\n"
                     "  - { who: sub, tracks: [video], at: 500ms }\n",
                     0, 1);
  served_accept(rig, 0);
  assert_int_equal(rig_await(rig, PEER_ANSWERED, 1)->ok, 1);
  rig_start(rig, 100 * RIG_MS);
  rig_run(rig, 590 * RIG_MS);
  assert_int_equal(rig->n_requests, 1);
  rig_run(rig, 20 * RIG_MS);
  assert_int_equal(rig->n_requests, 2);
  assert_string_equal(rig->requests[1].track, "video");
  assert_int_equal(rig_count(rig, PEER_ANSWERED), 1);
  rig_close(rig);
}

static void refusal_is_an_answer(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_asked(SERVED_BOTH, 0, 2);
  served_accept(rig, 0);
  moqt_refuse(rig->session, rig->requests[1].req, MOQT_REQ_DOES_NOT_EXIST, UINT64_MAX,
              "no \"such\" track");
  const struct peer_event *told = rig_await(rig, PEER_ANSWERED, 1);
  assert_int_equal(told->ok, 1);
  assert_int_equal(told->refused, 1);
  json_t *line = rig_line(rig, "refused", 0);
  assert_string_equal(json_string_value(json_object_get(line, "reason")), "no \"such\" track");
  assert_int_equal(rig_line_int(line, "code"), MOQT_REQ_DOES_NOT_EXIST);
  rig_close(rig);
}

static void lost_before_the_answer_is_fatal(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_asked(SERVED_BOTH, 0, 2);
  qc_close(rig->conn, MOQT_INTERNAL_ERROR, "no");
  rig_await(rig, PEER_FAILED, 1);
  rig_close(rig);
}

/* ---- data --------------------------------------------------------------------------------- */

static void puts_objects_together(uint32_t loss_ppm) {
  struct rig *rig = served_answered(SERVED_BOTH, loss_ppm);
  struct bytes b = {0};
  const uint64_t zero = 0, one = 1;
  bytes_header(&b, 4, 2, 7);
  bytes_object(&b, 4, 0, NULL, 300000); /* many packets, several windows */
  bytes_object(&b, 4, 1, &zero, 0);
  bytes_object(&b, 4, 5, &one, 10);
  rig_send_stream(rig, b.data, b.len, true);
  rig_run(rig, 20 * RIG_S);
  assert_int_equal(rig_lines(rig, "delivered"), 3);
  served_check(rig, 0, 4, 0, 300000, "subgroup");
  served_check(rig, 1, 4, 1, 0, "subgroup");
  served_check(rig, 2, 4, 5, 10, "subgroup");
  assert_int_equal(rig_line_int(rig_line(rig, "delivered", 0), "priority"), 7);
  assert_int_equal(rig_line_int(rig_line(rig, "delivered", 0), "subgroup"), 2);
  assert_int_equal(rig_line_int(rig_line(rig, "stream_done", 0), "group"), 4);
  if (loss_ppm)
    assert_true(rig->net.lost > 0);
  free(b.data);
  rig_close(rig);
}

static void objects_of_any_size(void **state) {
  (void)state;
  puts_objects_together(0);
}
static void objects_with_loss(void **state) {
  (void)state;
  puts_objects_together(50000);
}

/* Byte for byte: every place where a stream can be cut. */
static void stream_in_pieces(void **state) {
  struct rig *rig;
  struct bytes b = {0};
  const uint64_t zero = 0;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  bytes_header(&b, 1, 3, 7);
  bytes_object(&b, 1, 0, NULL, 20);
  bytes_object(&b, 1, 1, &zero, 5);
  const int64_t sid = rig_send_stream(rig, b.data, 1, false);
  for (size_t i = 1; i < b.len; i++) {
    rig_run(rig, 30 * RIG_MS);
    assert_int_equal(qc_stream_send(rig->conn, sid, b.data + i, 1, i + 1 == b.len), 0);
  }
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "delivered"), 2);
  served_check(rig, 0, 1, 0, 20, "subgroup");
  served_check(rig, 1, 1, 1, 5, "subgroup");
  assert_int_equal(rig_lines(rig, "stream_done"), 1);
  free(b.data);
  rig_close(rig);
}

static void datagrams_are_objects(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  served_datagram(rig, SERVED_CHAT_ALIAS, 3, 14, 200);
  rig_run(rig, 100 * RIG_MS);
  served_check(rig, 0, 3, 14, 200, "datagram");
  json_t *line = rig_line(rig, "delivered", 0);
  assert_true(json_is_null(json_object_get(line, "subgroup")));
  assert_int_equal(rig_line_int(line, "priority"), 9);
  rig_do(rig, &(struct peer_command){.what = PEER_DO_POLL});
  const struct peer_event *told = rig_await(rig, PEER_STATE, 1);
  assert_int_equal(told->objects, 1);
  assert_true(told->last_rx_ns > 0 && told->last_rx_ns < rig->net.now_ns);
  rig_close(rig);
}

static void reset_is_written_down(void **state) {
  struct rig *rig;
  struct bytes b = {0};
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  bytes_header(&b, 4, 2, 7);
  bytes_object(&b, 4, 0, NULL, 100);
  bytes_add(&b, "\0\x20half", 6); /* object 1 of 32 bytes, cut */
  const int64_t sid = rig_send_stream(rig, b.data, b.len, false);
  rig_run(rig, 100 * RIG_MS);
  qc_stream_reset(rig->conn, sid, MOQT_RESET_DELIVERY_TIMEOUT);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "delivered"), 1);
  assert_int_equal(rig_lines(rig, "stream_done"), 0);
  assert_int_equal(rig_line_int(rig_line(rig, "reset", 0), "group"), 4);
  assert_int_equal(rig_line_int(rig_line(rig, "reset", 0), "subgroup"), 2);
  assert_int_equal(rig_line_int(rig_line(rig, "reset", 0), "code"), MOQT_RESET_DELIVERY_TIMEOUT);
  assert_false(rig->closed);
  free(b.data);
  rig_close(rig);
}

static void done_is_written_down(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  assert_int_equal(
      moqt_publish_done(rig->session, rig->requests[0].req, MOQT_DONE_TRACK_ENDED, 17, ""), 0);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_line_int(rig_line(rig, "done", 0), "status"), MOQT_DONE_TRACK_ENDED);
  assert_int_equal(rig_line_int(rig_line(rig, "done", 0), "streams"), 17);
  rig_close(rig);
}

static void markers_are_no_objects(void **state) {
  struct rig *rig;
  struct bytes b = {0};
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  bytes_header(&b, 4, 0, 7);
  bytes_add(&b, "\x03\x00\x03", 3); /* object 3: empty, END_OF_GROUP */
  rig_send_stream(rig, b.data, b.len, true);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "delivered"), 0);
  assert_int_equal(rig_line_int(rig_line(rig, "status", 0), "object"), 3);
  assert_int_equal(rig_line_int(rig_line(rig, "status", 0), "status"), 3);
  free(b.data);
  rig_close(rig);
}

/* ---- a publisher that goes away ---------------------------------------------------------------- */

/* What ends with its publisher is asked for again, later and later, until somebody has it. */
static void what_went_away_is_asked_for_again(void **state) {
  (void)state;
  struct rig *rig = served_answered(SERVED_BOTH, 0);
  moqt_publish_done(rig->session, rig->requests[0].req, MOQT_DONE_GOING_AWAY, 0, "");
  rig_run(rig, 40 * RIG_MS);
  assert_int_equal(rig->n_requests, 2);
  rig_run(rig, 60 * RIG_MS);
  assert_int_equal(rig->n_requests, 3);
  moqt_refuse(rig->session, rig->requests[2].req, MOQT_REQ_DOES_NOT_EXIST, 0, "not yet");
  rig_run(rig, 90 * RIG_MS);
  assert_int_equal(rig->n_requests, 3);
  rig_run(rig, 60 * RIG_MS);
  assert_int_equal(rig->n_requests, 4);
  assert_string_equal(rig->requests[3].track, rig->requests[0].track);
  served_accept(rig, 3);
  rig_run(rig, 5 * RIG_S);
  assert_int_equal(rig->n_requests, 4);
  assert_int_equal(rig_lines(rig, "subscribed"), 3);
  rig_close(rig);
}

static void what_stays_away_is_given_up(void **state) {
  (void)state;
  struct rig *rig = served_answered(SERVED_BOTH, 0);
  moqt_publish_done(rig->session, rig->requests[0].req, MOQT_DONE_GOING_AWAY, 0, "");
  for (size_t answered = 2, i = 0; i < 12; i++) {
    rig_run(rig, 7 * RIG_S);
    if (rig->n_requests > answered)
      moqt_refuse(rig->session, rig->requests[answered++].req, MOQT_REQ_DOES_NOT_EXIST, 0, "gone");
  }
  assert_int_equal(rig->n_requests, 2 + 8);
  rig_close(rig);
}

/* A track that ended is over. */
static void what_ended_is_not_asked_for_again(void **state) {
  (void)state;
  struct rig *rig = served_answered(SERVED_BOTH, 0);
  moqt_publish_done(rig->session, rig->requests[0].req, MOQT_DONE_TRACK_ENDED, 0, "");
  rig_run(rig, 20 * RIG_S);
  assert_int_equal(rig->n_requests, 2);
  rig_close(rig);
}

/* ---- what must be refused --------------------------------------------------------------------- */

static void check_closed(struct rig *rig, const void *stream, size_t len) {
  rig_send_stream(rig, stream, len, true);
  rig_run(rig, RIG_S);
  assert_true(rig->closed);
  assert_true(rig->close.application);
  assert_int_equal(rig->close.code, MOQT_PROTOCOL_VIOLATION);
  json_t *line = rig_line(rig, "closed", 0);
  assert_string_equal(json_string_value(json_object_get(line, "by")), "self");
  assert_int_equal(rig_line_int(line, "code"), MOQT_PROTOCOL_VIOLATION);
  rig_close(rig);
}

static void bad_headers_close_the_session(void **state) {
  struct bytes b = {0};
  (void)state;
  bytes_header(&b, 4, 2, 7);
  check_closed(served_answered(SERVED_BOTH, 0), b.data, 3);         /* FIN inside the header */
  check_closed(served_answered(SERVED_BOTH, 0), "\x16\x05\0\0", 4); /* subgroup mode 3 */
  free(b.data);
}

/* The track is given up, the session and the other track go on. */
static void check_malformed(const void *stream, size_t len, bool fin) {
  struct rig *rig = served_answered(SERVED_BOTH, 0);
  rig_send_stream(rig, stream, len, fin);
  rig_run(rig, 100 * RIG_MS);
  assert_false(rig->closed);
  assert_int_equal(rig->cancelled, 1);
  assert_int_equal(rig_lines(rig, "malformed"), 1);
  json_t *line = rig_line(rig, "malformed", 0);
  assert_string_equal(json_string_value(json_object_get(line, "track")), "video");
  json_decref(line);
  const size_t before = rig_lines(rig, "delivered"); /* objects in front of the bad one */
  struct bytes b = {0};
  bytes_header(&b, 5, 2, 7);
  bytes_object(&b, 5, 0, NULL, 100);
  rig_send_stream(rig, b.data, b.len, true);
  served_datagram(rig, SERVED_CHAT_ALIAS, 0, 1, 50);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "delivered"), before + 1);
  assert_int_equal(rig_lines(rig, "malformed"), 1);
  free(b.data);
  rig_close(rig);
}

static void bad_objects_end_the_subscription(void **state) {
  struct bytes b = {0};
  (void)state;
  bytes_header(&b, 4, 2, 7);
  bytes_add(&b, "\0\x20half", 6);
  check_malformed(b.data, b.len, true); /* FIN inside an object */
  b.len = 0;
  bytes_header(&b, 4, 2, 7);
  bytes_add(&b, "\0\0\x01", 3); /* status 1 is none */
  check_malformed(b.data, b.len, true);
  check_malformed(b.data, b.len, false);
  b.len = 0;
  bytes_header(&b, 4, 2, 7);
  bytes_add(&b, "\5\1z\xff\xff\xff\xff\xff\xff\xff\xff\xff\1z", 14); /* ID overflows */
  check_malformed(b.data, b.len, true);
  free(b.data);
}

/* ---- before the answer, and after the end --------------------------------------------------------- */

static void early_data_is_kept(void **state) {
  struct rig *rig;
  struct bytes b = {0};
  (void)state;
  rig = served_asked(SERVED_BOTH, 0, 2);
  bytes_header(&b, 4, 2, 7);
  bytes_object(&b, 4, 0, NULL, 3000);
  const int64_t sid = rig_send_stream(rig, b.data, 1000, false);
  served_datagram(rig, SERVED_CHAT_ALIAS, 0, 1, 50);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "delivered"), 0);
  qc_stream_send(rig->conn, sid, b.data + 1000, 500, false);
  rig_run(rig, 100 * RIG_MS);
  served_accept(rig, 0);
  served_accept(rig, 1);
  rig_await(rig, PEER_ANSWERED, 1);
  qc_stream_send(rig->conn, sid, b.data + 1500, b.len - 1500, true);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "delivered"), 2);
  served_check(rig, 0, 0, 1, 50, "datagram");
  served_check(rig, 1, 4, 0, 3000, "subgroup");
  assert_int_equal(rig_lines(rig, "discarded"), 0);
  free(b.data);
  rig_close(rig);
}

static void early_reset_is_told_later(void **state) {
  struct rig *rig;
  struct bytes b = {0};
  (void)state;
  rig = served_asked(SERVED_BOTH, 0, 2);
  bytes_header(&b, 4, 2, 7);
  bytes_object(&b, 4, 0, NULL, 300);
  const int64_t sid = rig_send_stream(rig, b.data, b.len, false);
  rig_run(rig, 100 * RIG_MS);
  qc_stream_reset(rig->conn, sid, MOQT_RESET_DELIVERY_TIMEOUT);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "reset"), 0);
  served_accept(rig, 0);
  served_accept(rig, 1);
  rig_await(rig, PEER_ANSWERED, 1);
  assert_int_equal(rig_lines(rig, "delivered"), 1);
  assert_int_equal(rig_line_int(rig_line(rig, "reset", 0), "group"), 4);
  free(b.data);
  rig_close(rig);
}

static void unknown_data_is_discarded(void **state) {
  struct rig *rig;
  struct bytes b = {0};
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  served_datagram(rig, 77, 0, 1, 50); /* no answer is missing: an alias of nothing */
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_line_int(rig_line(rig, "discarded", 0), "alias"), 77);
  bytes_add(&b, "\x10\x4d\0\0", 4); /* alias 77 */
  bytes_add(&b, "\0\x05", 2);
  rig_send_stream(rig, b.data, b.len, false);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "discarded"), 2);
  assert_int_equal(rig_lines(rig, "delivered"), 0);
  assert_false(rig->closed);
  free(b.data);
  rig_close(rig);
}

static void early_data_is_bounded(void **state) {
  struct rig *rig;
  struct bytes b = {0};
  (void)state;
  rig = served_asked(SERVED_BOTH, 0, 2);
  bytes_header(&b, 4, 0, 7);
  bytes_object(&b, 4, 0, NULL, 3 << 20);
  rig_send_stream(rig, b.data, b.len, true);
  rig_run(rig, 20 * RIG_S);
  assert_int_equal(rig_lines(rig, "discarded"), 1);
  served_accept(rig, 0);
  served_accept(rig, 1);
  rig_await(rig, PEER_ANSWERED, 1);
  served_datagram(rig, SERVED_CHAT_ALIAS, 0, 1, 50); /* the session goes on */
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "delivered"), 1);
  free(b.data);
  rig_close(rig);
}

static void unsubscribed_data_is_ignored(void **state) {
  struct rig *rig;
  struct bytes b = {0};
  const int video = 1;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  bytes_header(&b, 4, 2, 7);
  bytes_object(&b, 4, 0, NULL, 100);
  const int64_t sid = rig_send_stream(rig, b.data, b.len - 1, false);
  const int64_t before = rig_send_stream(rig, b.data, b.len - 1, false);
  rig_run(rig, 100 * RIG_MS);
  struct peer_command command = {
      .what = PEER_DO_EVENT, .event = PLAN_EV_UNSUBSCRIBE, .tracks = &video, .n_tracks = 1};
  rig_do(rig, &command);
  assert_true(rig_await(rig, PEER_DID, 1)->done);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig->cancelled, 1);
  qc_stream_send(rig->conn, sid, b.data + b.len - 1, 1, true);
  rig_send_stream(rig, b.data, b.len, true);
  const int64_t between = rig_send_stream(rig, b.data, b.len - 1, false);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "delivered"), 0);
  assert_int_equal(rig_lines(rig, "discarded"), 0);
  assert_int_equal(rig_lines(rig, "unsubscribed"), 1);
  rig_do(rig, &command); /* twice cannot be done */
  assert_false(rig_await(rig, PEER_DID, 2)->done);
  command.event = PLAN_EV_SUBSCRIBE;
  rig_do(rig, &command);
  assert_true(rig_await(rig, PEER_DID, 3)->done);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig->n_requests, 3);
  served_accept(rig, 2); /* the same alias again */
  rig_run(rig, 100 * RIG_MS);
  /* Streams of the old subscription end in the time of the new one. */
  qc_stream_send(rig->conn, before, b.data + b.len - 1, 1, true);
  qc_stream_send(rig->conn, between, b.data + b.len - 1, 1, true);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "delivered"), 0);
  rig_send_stream(rig, b.data, b.len, true);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "delivered"), 1);
  free(b.data);
  rig_close(rig);
}

static void files_are_put_together(void **state) {
  struct rig *rig;
  struct bytes b = {0};
  char path[128], yaml[1024];
  const uint64_t zero = 0;
  (void)state;
  snprintf(path, sizeof path, "/tmp/peer-test-sub-%d.bin", (int)getpid());
  FILE *to = fopen(path, "w");
  assert_non_null(to);
  fputs("something", to);
  fclose(to);
  snprintf(yaml, sizeof yaml,
           "%s  clip: { from: pub, as: subgroups, every: 10ms, size: 3000, group: 2, file: %s }\n"
           "subscriptions:\n  - { who: sub, tracks: [clip] }\n",
           SERVED_HEAD, path);
  rig = served_asked(yaml, 0, 1);
  served_accept(rig, 0);
  rig_await(rig, PEER_ANSWERED, 1);
  bytes_header(&b, 1, 0, 7); /* the second group comes first, with a short end */
  bytes_object(&b, 1, 0, NULL, 30);
  rig_send_stream(rig, b.data, b.len, true);
  rig_run(rig, 100 * RIG_MS);
  b.len = 0;
  bytes_header(&b, 0, 0, 7);
  bytes_object(&b, 0, 0, NULL, 3000);
  bytes_object(&b, 0, 1, &zero, 3000);
  rig_send_stream(rig, b.data, b.len, true);
  b.len = 0;
  bytes_header(&b, UINT64_MAX, 0, 7); /* no place in any file */
  bytes_object(&b, 9, 0, NULL, 3);
  rig_send_stream(rig, b.data, b.len, true);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig->received_len, 6030);
  for (size_t i = 0; i < 6030; i++)
    assert_int_equal(rig->received[i], served_content(i / 6000, i / 3000 % 2, i % 3000));
  free(b.data);
  rig_close(rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_went_away_is_asked_for_again),
      cmocka_unit_test(what_stays_away_is_given_up),
      cmocka_unit_test(what_ended_is_not_asked_for_again),
      cmocka_unit_test(asks_for_the_next_group),
      cmocka_unit_test(asks_with_limit_and_timeout),
      cmocka_unit_test(later_subscription_waits),
      cmocka_unit_test(refusal_is_an_answer),
      cmocka_unit_test(lost_before_the_answer_is_fatal),
      cmocka_unit_test(objects_of_any_size),
      cmocka_unit_test(objects_with_loss),
      cmocka_unit_test(stream_in_pieces),
      cmocka_unit_test(datagrams_are_objects),
      cmocka_unit_test(reset_is_written_down),
      cmocka_unit_test(done_is_written_down),
      cmocka_unit_test(markers_are_no_objects),
      cmocka_unit_test(bad_headers_close_the_session),
      cmocka_unit_test(bad_objects_end_the_subscription),
      cmocka_unit_test(early_data_is_kept),
      cmocka_unit_test(early_reset_is_told_later),
      cmocka_unit_test(unknown_data_is_discarded),
      cmocka_unit_test(early_data_is_bounded),
      cmocka_unit_test(unsubscribed_data_is_ignored),
      cmocka_unit_test(files_are_put_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
