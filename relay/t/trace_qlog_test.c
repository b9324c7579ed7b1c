/* The relay's qlog: each frame and event as draft-ietf-quic-qlog-quic-events-13 has it. */
#include "relay/fanout/trace_qlog.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/abi/record.h"
/* clang-format off */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

static const struct qc_cid conn = {.len = 3, .data = {0xab, 0x01, 0xff}};

#define EVENT(name)                                                                                \
  "\x1e{\"time\":12.000250,\"name\":\"quic:" name "\",\"group_id\":\"ab01ff\",\"data\":{"
#define NOW UINT64_C(12000250)

struct sink {
  FILE *file;
  char *text;
  size_t len;
};

static void sink_open(struct sink *s) {
  s->file = open_memstream(&s->text, &s->len);
  assert_non_null(s->file);
}

static void sink_expect(struct sink *s, const char *text) {
  assert_int_equal(fclose(s->file), 0);
  assert_string_equal(s->text, text);
  free(s->text);
}

/* ---- frames of a packet that user space sent --------------------------------------------- */

static void expect_frames(const uint8_t *payload, size_t len, const char *frames) {
  struct sink s;
  char text[2048];
  sink_open(&s);
  trace_qlog_packet(s.file, &(struct trace_packet){.now_ns = NOW,
                                                   .conn = &conn,
                                                   .sent = true,
                                                   .pn = 7,
                                                   .payload = payload,
                                                   .len = len,
                                                   .wire_len = len + 41});
  snprintf(text, sizeof text,
           EVENT("packet_sent") "\"header\":{\"packet_type\":\"1RTT\",\"packet_number\":7},"
                                "\"raw\":{\"length\":%zu,\"payload_length\":%zu},\"frames\":[%s]}}\n",
           len + 41, len, frames);
  sink_expect(&s, text);
}

#define FRAMES(json, ...)                                                                          \
  do {                                                                                             \
    static const uint8_t bytes[] = {__VA_ARGS__};                                                  \
    expect_frames(bytes, sizeof bytes, json);                                                      \
  } while (0)

static void test_plain_frames(void **state) {
  (void)state;
  FRAMES("{\"frame_type\":\"ping\"},{\"frame_type\":\"padding\",\"raw\":{\"payload_length\":3}}",
         0x01, 0, 0, 0);
  FRAMES("{\"frame_type\":\"handshake_done\"}", 0x1e);
  FRAMES(
      "{\"frame_type\":\"stream\",\"stream_id\":7,\"offset\":0,\"fin\":true,"
      "\"raw\":{\"length\":2,\"payload_length\":2}}",
      0x0b, 7, 2, 'h', 'i');
  FRAMES(
      "{\"frame_type\":\"stream\",\"stream_id\":3,\"offset\":9,\"fin\":false,"
      "\"raw\":{\"length\":1,\"payload_length\":1}}",
      0x0c, 3, 9, 'x');
  FRAMES("{\"frame_type\":\"datagram\",\"raw\":{\"length\":2,\"payload_length\":2}}", 0x31, 2, 'h',
         'i');
  FRAMES("{\"frame_type\":\"crypto\",\"offset\":5,\"raw\":{\"length\":1}}", 0x06, 5, 1, 'c');
  FRAMES("{\"frame_type\":\"new_token\",\"token\":{\"raw\":{\"data\":\"0aff\"}}}", 0x07, 2, 0x0a,
         0xff);
}

static void test_acks(void **state) {
  (void)state;
  FRAMES("{\"frame_type\":\"ack\",\"acked_ranges\":[[7,9]]}", 0x02, 9, 0, 0, 2);
  FRAMES("{\"frame_type\":\"ack\",\"acked_ranges\":[[9],[5,6]]}", 0x02, 9, 0, 1, 0, 1, 1);
}

static void test_stream_ends(void **state) {
  (void)state;
  FRAMES(
      "{\"frame_type\":\"reset_stream\",\"stream_id\":3,\"error\":\"unknown\",\"error_code\":2,"
      "\"final_size\":40}",
      0x04, 3, 2, 40);
  FRAMES("{\"frame_type\":\"stop_sending\",\"stream_id\":3,\"error\":\"unknown\",\"error_code\":2}",
         0x05, 3, 2);
  FRAMES(
      "{\"frame_type\":\"connection_close\",\"error_space\":\"transport\",\"error\":\"unknown\","
      "\"error_code\":10}",
      0x1c, 10, 0, 0);
  FRAMES(
      "{\"frame_type\":\"connection_close\",\"error_space\":\"application\",\"error\":\"unknown\","
      "\"error_code\":1}",
      0x1d, 1, 0);
}

static void test_limits(void **state) {
  (void)state;
  FRAMES("{\"frame_type\":\"max_data\",\"maximum\":5}", 0x10, 5);
  FRAMES("{\"frame_type\":\"max_stream_data\",\"stream_id\":3,\"maximum\":5}", 0x11, 3, 5);
  FRAMES("{\"frame_type\":\"max_streams\",\"maximum\":5,\"stream_type\":\"bidirectional\"}", 0x12,
         5);
  FRAMES("{\"frame_type\":\"max_streams\",\"maximum\":5,\"stream_type\":\"unidirectional\"}", 0x13,
         5);
  FRAMES("{\"frame_type\":\"data_blocked\",\"limit\":5}", 0x14, 5);
  FRAMES("{\"frame_type\":\"stream_data_blocked\",\"stream_id\":3,\"limit\":5}", 0x15, 3, 5);
  FRAMES("{\"frame_type\":\"streams_blocked\",\"limit\":5,\"stream_type\":\"bidirectional\"}", 0x16,
         5);
  FRAMES("{\"frame_type\":\"streams_blocked\",\"limit\":5,\"stream_type\":\"unidirectional\"}",
         0x17, 5);
}

static void test_ids_and_paths(void **state) {
  (void)state;
  FRAMES(
      "{\"frame_type\":\"new_connection_id\",\"sequence_number\":4,\"retire_prior_to\":1,"
      "\"connection_id\":\"0b0c\",\"connection_id_length\":2}",
      0x18, 4, 1, 2, 0x0b, 0x0c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
  FRAMES("{\"frame_type\":\"retire_connection_id\",\"sequence_number\":4}", 0x19, 4);
  FRAMES("{\"frame_type\":\"path_challenge\",\"data\":\"0102030405060708\"}", 0x1a, 1, 2, 3, 4, 5,
         6, 7, 8);
  FRAMES("{\"frame_type\":\"path_response\",\"data\":\"0102030405060708\"}", 0x1b, 1, 2, 3, 4, 5, 6,
         7, 8);
}

/* The rest of a packet that cannot be read is left out; the record stays whole. */
static void test_damage(void **state) {
  (void)state;
  FRAMES("{\"frame_type\":\"ping\"}", 0x01, 0x0b, 7, 9, 'h');
  FRAMES("", 0x7f, 0xff);
}

/* ---- copies --------------------------------------------------------------------------------- */

static void test_copy(void **state) {
  (void)state;
  struct fb_record *record = calloc(1, sizeof *record);
  assert_non_null(record);
  record->time_ns = NOW;
  record->payload_len = 300;
  record->n_frames = 3;
  record->frames[0] =
      (struct fb_frame){.kind = FB_FRAME_STREAM, .fin = 1, .len = 100, .offset = 50};
  record->frames[1] = (struct fb_frame){.kind = FB_FRAME_DATAGRAM, .len = 20};
  record->frames[2] = (struct fb_frame){.kind = FB_FRAME_DATAGRAM, .len = 30};
  struct fb_record_sub *sub = &record->subs[0];
  sub->pn = 21;
  sub->sent = 1;
  sub->decision[1] = FB_DEC_FILTERED; /* PADDING in this copy */
  sub->down[0] = 3;
  struct sink s;
  sink_open(&s);
  trace_qlog_copy(s.file, &conn, record, sub);
  sink_expect(&s, EVENT("packet_sent") "\"header\":{\"packet_type\":\"1RTT\",\"packet_number\":21},"
                                       "\"raw\":{\"length\":300},\"frames\":["
                                       "{\"frame_type\":\"stream\",\"stream_id\":11,\"offset\":50,"
                                       "\"fin\":true,\"raw\":{\"length\":100,\"payload_length\":100}},"
                                       "{\"frame_type\":\"datagram\",\"raw\":{\"length\":30,"
                                       "\"payload_length\":30}}]}}\n");
  free(record);
}

/* ---- what becomes of them, and of the connection ---------------------------------------------- */

static void test_fates(void **state) {
  (void)state;
  struct ledger_number number = {.pn = 9, .fate = LEDGER_ACKED, .sent_ns = 1, .fate_ns = NOW};
  struct sink s;
  sink_open(&s);
  trace_qlog_number(s.file, &conn, &number);
  sink_expect(&s, EVENT("packets_acked") "\"packet_number_space\":\"application_data\","
                                         "\"packet_numbers\":[9]}}\n");
  sink_open(&s);
  number.fate = LEDGER_LOST;
  trace_qlog_number(s.file, &conn, &number);
  sink_expect(&s,
              EVENT("packet_lost") "\"header\":{\"packet_type\":\"1RTT\",\"packet_number\":9}}}\n");
  sink_open(&s);
  number.fate = LEDGER_NEVER_SENT; /* nothing of it was on the wire */
  trace_qlog_number(s.file, &conn, &number);
  number.fate = LEDGER_OUTSTANDING;
  trace_qlog_number(s.file, &conn, &number);
  sink_expect(&s, "");
}

static void test_metrics(void **state) {
  (void)state;
  struct trace_metrics metrics = {.smoothed_rtt_ns = 1000007,
                                  .congestion_window = 12000,
                                  .ssthresh = UINT64_MAX,
                                  .bytes_in_flight = 1200};
  struct sink s;
  sink_open(&s);
  trace_qlog_metrics(s.file, NOW, &conn, &metrics);
  sink_expect(&s, EVENT("recovery_metrics_updated") "\"smoothed_rtt\":1.000007,"
                                                    "\"congestion_window\":12000,"
                                                    "\"bytes_in_flight\":1200}}\n");
  sink_open(&s);
  metrics.ssthresh = 6000;
  trace_qlog_metrics(s.file, NOW, &conn, &metrics);
  sink_expect(&s, EVENT("recovery_metrics_updated") "\"smoothed_rtt\":1.000007,"
                                                    "\"congestion_window\":12000,\"ssthresh\":6000,"
                                                    "\"bytes_in_flight\":1200}}\n");
}

static void test_connection(void **state) {
  (void)state;
  struct qc_path path = {0};
  path.local.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(4433)};
  path.local.in.sin_addr.s_addr = htonl(0x0a000001);
  path.remote.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(20000)};
  path.remote.in6.sin6_addr.s6_addr[15] = 1;
  struct sink s;
  sink_open(&s);
  trace_qlog_begun(s.file, NOW, &conn, &path);
  sink_expect(&s, EVENT("connection_started") "\"local\":{\"ip_v4\":\"10.0.0.1\",\"port_v4\":4433},"
                                              "\"remote\":{\"ip_v6\":\"::1\",\"port_v6\":20000}}}\n");
}

static void expect_closed(struct qc_close_info info, const char *data) {
  struct sink s;
  char text[512];
  sink_open(&s);
  trace_qlog_closed(s.file, NOW, &conn, &info);
  snprintf(text, sizeof text, EVENT("connection_closed") "%s}}\n", data);
  sink_expect(&s, text);
}

static void test_closed(void **state) {
  (void)state;
  expect_closed(
      (struct qc_close_info){.by = QC_CLOSED_PEER, .application = true, .code = 3},
      "\"initiator\":\"remote\",\"trigger\":\"application\",\"application_error\":\"unknown\","
      "\"error_code\":3");
  expect_closed((struct qc_close_info){.by = QC_CLOSED_SELF, .code = 10},
                "\"initiator\":\"local\",\"connection_error\":\"unknown\",\"error_code\":10");
  expect_closed((struct qc_close_info){.by = QC_CLOSED_IDLE},
                "\"initiator\":\"local\",\"trigger\":\"idle_timeout\"");
  expect_closed((struct qc_close_info){.by = QC_CLOSED_RESET},
                "\"initiator\":\"remote\",\"trigger\":\"stateless_reset\"");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain_frames),  cmocka_unit_test(test_acks),
      cmocka_unit_test(test_stream_ends),   cmocka_unit_test(test_limits),
      cmocka_unit_test(test_ids_and_paths), cmocka_unit_test(test_damage),
      cmocka_unit_test(test_copy),          cmocka_unit_test(test_fates),
      cmocka_unit_test(test_metrics),       cmocka_unit_test(test_connection),
      cmocka_unit_test(test_closed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
