/* quicpcap qlog: which traces there are, what their events hold, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "pcap-tools/dissect/frame.h"
#include "pcap-tools/t/cli_run.h"

static struct scene good_scene(void) {
  struct scene s = scene_new("chat", p_next_group(), p_none());
  scene_up_stream(&s, 6, 0, "hello");
  scene_down_stream(&s, 7, 0, "hello");
  scene_close(&s);
  return s;
}

/* As cli_run_tape(). What is valid by the drafts stays for qlog_schema_test.sh. */
static int qlog(const char *command, const struct tape *t, unsigned n_files) {
  static unsigned kept;
  char path[256];
  const char *keep = getenv("FANBENCH_QLOG_KEEP");
  int code = cli_run_tape(command, t, n_files);
  if (!keep || code || !cli_out[0] || strstr(command, "--qlog"))
    return code;
  snprintf(path, sizeof path, "%s/%u", keep, kept++);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(cli_out, f);
  fclose(f);
  return code;
}

/* Events of that name in the last output, each of which has to be JSON. */
static size_t events(const char *name) {
  return cli_json_rows("name", name);
}

/* The first event of that name; the caller gives it back. */
static json_t *event(const char *name) {
  for (char *at = cli_out; *at; at = strchr(at, '\n') + 1) {
    json_t *o = json_loadb(at, (size_t)(strchr(at, '\n') - at), 0, NULL);
    const char *is = json_string_value(json_object_get(o, "name"));
    if (is && !strcmp(is, name))
      return o;
    json_decref(o);
  }
  fail_msg("no event %s in: %s", name, cli_out);
  return NULL;
}

static void one_capture_is_a_network_trace(void **state) {
  (void)state;
  struct scene s = good_scene();
  assert_int_equal(qlog("qlog --ndjson --conn 1", s.t, 1), 0);
  cli_says("{\"file_schema\":\"urn:ietf:params:qlog:file:sequential\"");
  cli_says("\"vantage_point\":{\"type\":\"network\",\"flow\":\"client\"}");
  /* of the client the Initial, SUBSCRIBE and the close; of the server the Initial, the
   * answer, the object and its close */
  assert_int_equal(events("quic:packet_sent") + events("quic:packet_received"), s.t->n / 2);
  assert_int_equal(events("quic:connection_started"), 1);
  assert_int_equal(events("quic:connection_closed"), 1);
  assert_int_equal(events("moqt:subgroup_object_parsed"), 1);
  assert_true(events("moqt20:control_message_created") >= 1);
  assert_true(events("moqt20:control_message_parsed") >= 1);
  cli_says("\"message\":{\"type\":\"subscribe\",");
  cli_says("\"track_name\":\"chat\"");
  assert_int_equal(qlog("qlog --ndjson --conn 1 --vantage server", s.t, 1), 0);
  cli_says("\"vantage_point\":{\"type\":\"server\"}");
  assert_int_equal(events("moqt:subgroup_object_created"), 1);
  scene_free(&s);
}

static void numbers_keep_all_digits(void **state) {
  (void)state;
  struct scene s = good_scene();
  const uint64_t stream = 0x3ffffffffffffff6; /* above 2^53 */
  pkt_1rtt(&s.pub, TAPE_CLIENT, .pn = 77,
           .frames = FRAMES(w_frame2(QP_F_MAX_STREAM_DATA, stream, 5)));
  s.t->frames[s.t->n - 1].time_ns = s.t->frames[0].time_ns + 1234567890123;
  assert_int_equal(qlog("qlog --ndjson --number 77", s.t, 1), 0);
  cli_says("{\"time\":1234567.890123,\"name\":\"quic:packet_");
  cli_says(
      "\"frame_type\":\"max_stream_data\",\"stream_id\":\"4611686018427387894\",\"maximum\":5");
  scene_free(&s);
}

static void two_captures_are_two_traces(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_split(t, 0, 1);
  for (unsigned i = 1; i <= 5; i++) /* the second one is lost on the way */
    pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_stream(2, i, "x")), .lost = i == 2);
  pkt_1rtt(&c, TAPE_SERVER, .frames = FRAMES(w_ack(3, 5)));
  assert_int_equal(qlog("qlog --ndjson --vantage client", t, 2), 0);
  size_t sent = events("quic:packet_sent");
  json_t *e = event("quic:packets_acked");
  json_decref(e);
  assert_int_equal(qlog("qlog --ndjson --vantage server", t, 2), 0);
  assert_int_equal(events("quic:packet_received"), sent - 1);
  assert_int_equal(events("quic:packets_acked"), 0);
  /* both without being asked, in a folder */
  char line[256], path[512];
  snprintf(line, sizeof line, "qlog --out %s/both", tape_dir());
  assert_int_equal(qlog(line, t, 2), 0);
  cli_talks("2 traces");
  static const char *const ends[] = {"client", "server"};
  for (int i = 0; i < 2; i++) {
    size_t len = (size_t)snprintf(path, sizeof path, "%s/both/", tape_dir());
    for (unsigned k = 0; k < c.odcid.len; k++)
      len += (size_t)snprintf(path + len, sizeof path - len, "%02x", c.odcid.data[k]);
    snprintf(path + len, sizeof path - len, "_%s.sqlog", ends[i]);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fgetc(f), 0x1e);
    fclose(f);
    unlink(path);
  }
  tape_conn_free(&c);
  tape_free(t);
}

static void losses_follow_from_acks(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  for (unsigned i = 1; i <= 6; i++)
    pkt_1rtt(&c, TAPE_CLIENT, .pn = i, .frames = FRAMES(w_stream(2, i, "x")));
  pkt_1rtt(&c, TAPE_SERVER, .frames = FRAMES(w_ack(3, 3)));
  assert_int_equal(qlog("qlog --ndjson", t, 1), 0);
  assert_int_equal(events("quic:packet_lost"), 0); /* 1 and 2 are two and one behind */
  pkt_1rtt(&c, TAPE_SERVER, .frames = FRAMES(w_ack(5, 5)));
  assert_int_equal(qlog("qlog --ndjson", t, 1), 0);
  assert_int_equal(events("quic:packet_lost"), 2); /* 1 and 2; 4 is not */
  json_t *e = event("quic:packet_lost");
  json_t *header = json_object_get(json_object_get(e, "data"), "header");
  assert_int_equal(json_integer_value(json_object_get(header, "packet_number")), 1);
  json_decref(e);
  cli_says("\"latest_rtt\":4.000000,"); /* 3 left 4 ms before its ACK came */
  tape_conn_free(&c);
  tape_free(t);
}

static void key_updates_are_told(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn_tls(t, QP_AES_128_GCM);
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, TAPE_SERVER, .frames = FRAMES(w_ping()));
  tape_update_keys(&c);
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, TAPE_SERVER, .frames = FRAMES(w_ping()));
  assert_int_equal(qlog("qlog --ndjson", t, 1), 0);
  assert_int_equal(events("quic:key_updated"), 2);
  cli_says("\"key_type\":\"client_1rtt_secret\",\"key_phase\":1,\"trigger\":\"local_update\"");
  cli_says("\"key_type\":\"server_1rtt_secret\",\"key_phase\":1,\"trigger\":\"local_update\"");
  tape_conn_free(&c);
  tape_free(t);
}

/* Each frame with its members; 0x24 RESET_STREAM_AT and 0xaf ACK_FREQUENCY among them. */
static void all_frames_have_their_members(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  static const char *const told[] = {
      "{\"frame_type\":\"ping\"}",
      "{\"frame_type\":\"reset_stream\",\"stream_id\":4,\"error\":\"unknown\",\"error_code\":7,"
      "\"final_size\":0}",
      "{\"frame_type\":\"reset_stream_at\",\"stream_id\":8,\"error\":\"unknown\",\"error_code\":1,"
      "\"final_size\":3,\"reliable_size\":2}",
      "{\"frame_type\":\"stop_sending\",\"stream_id\":12,\"error\":\"unknown\",\"error_code\":9}",
      "{\"frame_type\":\"max_data\",\"maximum\":1000000}",
      "{\"frame_type\":\"max_streams\",\"stream_type\":\"unidirectional\",\"maximum\":5}",
      "{\"frame_type\":\"data_blocked\",\"limit\":6}",
      "{\"frame_type\":\"stream_data_blocked\",\"stream_id\":0,\"limit\":2}",
      "{\"frame_type\":\"streams_blocked\",\"stream_type\":\"bidirectional\",\"limit\":3}",
      "{\"frame_type\":\"new_connection_id\",\"sequence_number\":1,\"retire_prior_to\":0,"
      "\"connection_id_length\":4,\"connection_id\":\"61626364\",\"stateless_reset_token\":\"",
      "{\"frame_type\":\"retire_connection_id\",\"sequence_number\":0}",
      "{\"frame_type\":\"path_challenge\",\"data\":\"0000000000000007\"}",
      "{\"frame_type\":\"path_response\",\"data\":\"0000000000000007\"}",
      "{\"frame_type\":\"unknown\",\"frame_type_bytes\":175,\"raw\":{\"length\":6,",
      "{\"frame_type\":\"padding\",\"raw\":{\"length\":5,\"payload_length\":5}}",
      "{\"frame_type\":\"stream\",\"stream_id\":0,\"offset\":0,\"fin\":true,\"raw\":{\"length\":2,",
      "{\"frame_type\":\"connection_close\",\"error_space\":\"transport\",\"error\":"
      "\"crypto_error_0x128\",\"error_code\":296,",
  };
  pkt_1rtt(&c, TAPE_CLIENT,
           .frames = FRAMES(
               w_ping(), w_reset(4, 7, 0),
               JOIN(w_varint(0x24), w_varint(8), w_varint(1), w_varint(3), w_varint(2)),
               w_stop(12, 9), w_frame1(QP_F_MAX_DATA, 1000000), w_frame1(QP_F_MAX_STREAMS_UNI, 5),
               w_frame1(QP_F_DATA_BLOCKED, 6), w_frame2(QP_F_STREAM_DATA_BLOCKED, 0, 2),
               w_frame1(QP_F_STREAMS_BLOCKED_BIDI, 3), w_new_cid(1, 0, "abcd", 4), w_retire(0),
               w_challenge(7), w_response(7),
               JOIN(w_varint(0xaf), w_varint(0), w_varint(1), w_varint(2), w_varint(3)),
               w_padding(5), w_stream_fin(0, 0, "hi")));
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_close(0x128)));
  assert_int_equal(qlog("qlog --ndjson", t, 1), 0);
  for (size_t i = 0; i < sizeof told / sizeof *told; i++)
    cli_says(told[i]);
  cli_says("\"connection_error\":\"crypto_error_0x128\",\"error_code\":296,");
  cli_says("\"trigger\":\"error\"");
  tape_conn_free(&c);
  tape_free(t);
}

/* A client that moves, and a packet that breaks off. */
static void paths_and_broken_packets(void **state) {
  (void)state;
  struct tape *t = tape_new();
  struct tape_conn c = tape_conn(t);
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_ping()));
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_ping()), .port = 30000);
  pkt_1rtt(&c, TAPE_CLIENT, .frames = FRAMES(w_frame1(0x3f, 1)));
  assert_int_equal(qlog("qlog --ndjson", t, 1), 0);
  assert_int_equal(events("quic:tuple_assigned"), 1);
  cli_says("\"tuple\":\"1\",\"data\":{\"tuple_id\":\"1\"");
  cli_says("\"port_v4\":30000");
  assert_int_equal(events("loglevel:warning"), 1);
  cli_says("{\"message\":\"unknown frame type\"}");
  tape_conn_free(&c);
  tape_free(t);
}

/* Names of qlog 0.3 and the header that qvis looks for. */
static void qvis_finds_what_it_needs(void **state) {
  (void)state;
  struct scene s = good_scene();
  assert_int_equal(qlog("qlog --qlog=qvis --ndjson", s.t, 1), 0);
  cli_says("{\"qlog_version\":\"0.3\",\"qlog_format\":\"NDJSON\"");
  assert_null(strstr(cli_out, "\"quic:"));
  assert_true(events("transport:packet_sent") > 0);
  cli_says("\"length\":12,\"raw\""); /* of a STREAM frame */
  assert_int_equal(qlog("qlog --qlog hybrid", s.t, 1), 0);
  assert_int_equal(cli_out[0], 0x1e);
  cli_says("\"qlog_version\":\"0.3\",\"qlog_format\":\"JSON-SEQ\"");
  cli_says("\"name\":\"quic:packet_sent\",\"category\":\"transport\"");
  assert_int_equal(qlog("qlog", s.t, 1), 0);
  assert_null(strstr(cli_out, "qlog_version"));
  assert_null(strstr(cli_out, "category"));
  assert_null(strstr(cli_out, "\"length\":12,\"raw\""));
  scene_free(&s);
}

static void filters_choose_packets(void **state) {
  (void)state;
  struct scene s = good_scene();
  assert_int_equal(qlog("qlog --ndjson --conn 1 --stream 7", s.t, 1), 0);
  assert_int_equal(events("quic:packet_received"), 1);
  assert_int_equal(events("quic:packet_sent"), 0);
  assert_int_equal(events("moqt:subgroup_object_parsed"), 1);
  assert_int_equal(events("moqt20:control_message_parsed"), 0);
  assert_int_equal(events("quic:connection_started"), 0);
  assert_int_equal(qlog("qlog --ndjson --frame connection_close", s.t, 1), 0);
  assert_int_equal(events("quic:packet_sent") + events("quic:packet_received"), 1);
  assert_int_equal(qlog("qlog --ndjson --from server", s.t, 1), 0);
  assert_int_equal(events("quic:packet_sent"), 0);
  assert_int_equal(qlog("qlog --ndjson --since 1", s.t, 1), 0);
  assert_int_equal(events("quic:packet_sent") + events("quic:packet_received"), 1);
  assert_int_equal(qlog("qlog --ndjson --conn 9", s.t, 1), 2);
  cli_talks("there is no connection 9");
  scene_free(&s);
}

static void places_that_cannot_be_written(void **state) {
  (void)state;
  struct scene s = good_scene();
  assert_int_equal(qlog("qlog --out /proc/none", s.t, 1), 2);
  cli_talks("--out: expected a folder for the traces, found \"/proc/none\"");
  scene_free(&s);
}

int main(void) {
  unsetenv("QLOGDIR");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_capture_is_a_network_trace),
      cmocka_unit_test(numbers_keep_all_digits),
      cmocka_unit_test(two_captures_are_two_traces),
      cmocka_unit_test(losses_follow_from_acks),
      cmocka_unit_test(key_updates_are_told),
      cmocka_unit_test(all_frames_have_their_members),
      cmocka_unit_test(paths_and_broken_packets),
      cmocka_unit_test(qvis_finds_what_it_needs),
      cmocka_unit_test(filters_choose_packets),
      cmocka_unit_test(places_that_cannot_be_written),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  cli_free();
  return failed;
}
