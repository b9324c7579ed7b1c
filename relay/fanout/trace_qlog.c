#include "relay/fanout/trace_qlog.h"

#include <arpa/inet.h>

#include "bpf/wire/frame.h"
#include "relay/fanout/line.h"

void trace_qlog_head(FILE *to, const char *node) {
  fprintf(to,
          "\x1e{\"file_schema\":\"urn:ietf:params:qlog:file:sequential\","
          "\"serialization_format\":\"application/qlog+json-seq\","
          "\"trace\":{\"event_schemas\":[\"urn:ietf:params:qlog:events:quic-13\"],"
          "\"vantage_point\":{\"type\":\"server\",\"name\":\"%s\"},"
          "\"common_fields\":{\"time_format\":\"relative_to_epoch\","
          "\"reference_time\":{\"clock_type\":\"monotonic\",\"epoch\":\"unknown\"}}}}\n",
          node);
}

/* ---- pieces of an event --------------------------------------------------------------- */

/* Milliseconds with all digits of the nanoseconds, never through a double. */
static void put_ms(struct line *line, uint64_t ns) {
  char rest[8];
  line_number(line, ns / 1000000);
  snprintf(rest, sizeof rest, ".%06u", (unsigned)(ns % 1000000));
  line_put(line, rest);
}

static void begin(struct line *line, FILE *to, uint64_t ns, const struct qc_cid *conn,
                  const char *name) {
  char id[41];
  line_begin(line, to);
  line_put(line, "\x1e{\"time\":");
  put_ms(line, ns);
  line_put(line, ",\"name\":\"quic:");
  line_put(line, name);
  line_put(line, "\",\"group_id\":\"");
  line_put(line, line_hex(conn, id));
  line_put(line, "\",\"data\":{");
}

static void end(struct line *line) {
  line_put(line, "}}\n");
  line_spill(line);
}

static void put_header(struct line *line, uint64_t pn) {
  line_pair(line, "\"header\":{\"packet_type\":\"1RTT\",\"packet_number\":", pn);
  line_put(line, "}");
}

static void put_bytes(struct line *line, const char *key, const uint8_t *data, size_t len) {
  static const char digits[] = "0123456789abcdef";
  line_put(line, key);
  for (size_t i = 0; i < len; i++) {
    const char two[2] = {digits[data[i] >> 4], digits[data[i] & 15]};
    line_bytes(line, two, sizeof two);
  }
  line_put(line, "\"");
}

/* ---- frames ----------------------------------------------------------------------------- */

static void put_stream(struct line *line, uint64_t sid, uint64_t offset, uint64_t len, bool fin) {
  line_pair(line, "{\"frame_type\":\"stream\",\"stream_id\":", sid);
  line_pair(line, ",\"offset\":", offset);
  line_put(line, fin ? ",\"fin\":true" : ",\"fin\":false");
  line_pair(line, ",\"raw\":{\"length\":", len);
  line_pair(line, ",\"payload_length\":", len);
  line_put(line, "}}");
}

static void put_datagram(struct line *line, uint64_t len) {
  line_pair(line, "{\"frame_type\":\"datagram\",\"raw\":{\"length\":", len);
  line_pair(line, ",\"payload_length\":", len);
  line_put(line, "}}");
}

/* The delay is left out: its unit is the peer's ack_delay_exponent, which stands in the
 * handshake. */
static void put_ack(struct line *line, const uint8_t *payload, const struct wire_frame *f) {
  struct wire_ack_iter it = wire_ack_iter(payload, f);
  uint64_t lo, hi;
  line_put(line, "{\"frame_type\":\"ack\",\"acked_ranges\":");
  for (unsigned i = 0; wire_ack_next(&it, &lo, &hi); i++) {
    line_pair(line, i ? ",[" : "[[", lo);
    if (hi != lo)
      line_pair(line, ",", hi);
    line_put(line, "]");
  }
  line_put(line, "]}");
}

static void put_close(struct line *line, const struct wire_frame *f) {
  line_put(line, f->type == WIRE_CONNECTION_CLOSE
                     ? "{\"frame_type\":\"connection_close\",\"error_space\":\"transport\""
                     : "{\"frame_type\":\"connection_close\",\"error_space\":\"application\"");
  line_pair(line, ",\"error\":\"unknown\",\"error_code\":", f->code.v);
  line_put(line, "}");
}

static void put_new_id(struct line *line, const uint8_t *payload, const struct wire_frame *f) {
  line_pair(line, "{\"frame_type\":\"new_connection_id\",\"sequence_number\":", f->id.v);
  line_pair(line, ",\"retire_prior_to\":", f->retire_prior_to.v);
  put_bytes(line, ",\"connection_id\":\"", payload + f->data_at, f->data_len);
  line_pair(line, ",\"connection_id_length\":", f->data_len);
  line_put(line, "}");
}

/* {"frame_type":NAME and up to two numbers and a word. */
static void put_numbers(struct line *line, const char *name, const char *key, uint64_t value,
                        const char *key2, uint64_t value2, const char *more) {
  line_put(line, "{\"frame_type\":\"");
  line_put(line, name);
  line_put(line, "\"");
  if (key)
    line_pair(line, key, value);
  if (key2)
    line_pair(line, key2, value2);
  line_put(line, more);
  line_put(line, "}");
}

#define ID      ",\"stream_id\":"
#define MAXIMUM ",\"maximum\":"
#define LIMIT   ",\"limit\":"
#define CODE    ",\"error\":\"unknown\",\"error_code\":"
#define BIDI    ",\"stream_type\":\"bidirectional\""
#define UNI     ",\"stream_type\":\"unidirectional\""

static void put_reset(struct line *line, const struct wire_frame *f) {
  line_pair(line, "{\"frame_type\":\"reset_stream\",\"stream_id\":", f->id.v);
  line_pair(line, CODE, f->code.v);
  line_pair(line, ",\"final_size\":", f->final_size.v);
  line_put(line, "}");
}

static void put_limit(struct line *line, const struct wire_frame *f) {
  const uint64_t limit = f->limit.v;
  switch (f->type) {
  case WIRE_MAX_DATA:
    put_numbers(line, "max_data", MAXIMUM, limit, NULL, 0, "");
    break;
  case WIRE_MAX_STREAM_DATA:
    put_numbers(line, "max_stream_data", ID, f->id.v, MAXIMUM, limit, "");
    break;
  case WIRE_MAX_STREAMS_BIDI:
    put_numbers(line, "max_streams", MAXIMUM, limit, NULL, 0, BIDI);
    break;
  case WIRE_MAX_STREAMS_UNI:
    put_numbers(line, "max_streams", MAXIMUM, limit, NULL, 0, UNI);
    break;
  case WIRE_DATA_BLOCKED:
    put_numbers(line, "data_blocked", LIMIT, limit, NULL, 0, "");
    break;
  case WIRE_STREAM_DATA_BLOCKED:
    put_numbers(line, "stream_data_blocked", ID, f->id.v, LIMIT, limit, "");
    break;
  case WIRE_STREAMS_BLOCKED_BIDI:
    put_numbers(line, "streams_blocked", LIMIT, limit, NULL, 0, BIDI);
    break;
  default: /* WIRE_STREAMS_BLOCKED_UNI */
    put_numbers(line, "streams_blocked", LIMIT, limit, NULL, 0, UNI);
    break;
  }
}

static void put_path(struct line *line, const char *name, const uint8_t *data) {
  line_put(line, "{\"frame_type\":\"");
  line_put(line, name);
  put_bytes(line, "\",\"data\":\"", data, WIRE_PATH_DATA_LEN);
  line_put(line, "}");
}

static void put_frame(struct line *line, const uint8_t *payload, const struct wire_frame *f) {
  if (wire_is_stream(f->type)) {
    put_stream(line, f->id.v, f->offset.v, f->data_len, f->fin != 0);
    return;
  }
  switch (f->type) {
  case WIRE_PADDING:
    line_pair(line, "{\"frame_type\":\"padding\",\"raw\":{\"payload_length\":", f->end - f->at);
    line_put(line, "}}");
    break;
  case WIRE_PING:
    line_put(line, "{\"frame_type\":\"ping\"}");
    break;
  case WIRE_HANDSHAKE_DONE:
    line_put(line, "{\"frame_type\":\"handshake_done\"}");
    break;
  case WIRE_ACK:
  case WIRE_ACK_ECN:
    put_ack(line, payload, f);
    break;
  case WIRE_RESET_STREAM:
    put_reset(line, f);
    break;
  case WIRE_STOP_SENDING:
    put_numbers(line, "stop_sending", ID, f->id.v, CODE, f->code.v, "");
    break;
  case WIRE_CRYPTO:
    put_numbers(line, "crypto", ",\"offset\":", f->offset.v, ",\"raw\":{\"length\":", f->data_len,
                "}");
    break;
  case WIRE_NEW_TOKEN:
    put_bytes(line, "{\"frame_type\":\"new_token\",\"token\":{\"raw\":{\"data\":\"",
              payload + f->data_at, f->data_len);
    line_put(line, "}}}");
    break;
  case WIRE_NEW_CONNECTION_ID:
    put_new_id(line, payload, f);
    break;
  case WIRE_RETIRE_CONNECTION_ID:
    put_numbers(line, "retire_connection_id", ",\"sequence_number\":", f->id.v, NULL, 0, "");
    break;
  case WIRE_PATH_CHALLENGE:
    put_path(line, "path_challenge", payload + f->data_at);
    break;
  case WIRE_PATH_RESPONSE:
    put_path(line, "path_response", payload + f->data_at);
    break;
  case WIRE_CONNECTION_CLOSE:
  case WIRE_CONNECTION_CLOSE_APP:
    put_close(line, f);
    break;
  case WIRE_DATAGRAM:
  case WIRE_DATAGRAM_LEN:
    put_datagram(line, f->data_len);
    break;
  default:
    put_limit(line, f);
    break;
  }
}

/* What follows a frame that cannot be read is left out, as ngtcp2 will refuse it. */
static void put_frames(struct line *line, const uint8_t *payload, size_t len) {
  struct wire_cursor c = wire_cursor(payload, 0, len);
  struct wire_frame f;
  line_put(line, ",\"frames\":[");
  for (unsigned i = 0; wire_frame_next(&c, &f) == WIRE_FRAME_OK; i++) {
    if (i)
      line_put(line, ",");
    put_frame(line, payload, &f);
  }
  line_put(line, "]");
}

/* ---- events ------------------------------------------------------------------------------ */

static void put_end(struct line *line, const char *name, const struct qc_addr *addr) {
  char ip[INET6_ADDRSTRLEN] = "";
  const bool six = addr->sa.sa_family == AF_INET6;
  inet_ntop(addr->sa.sa_family, six ? (const void *)&addr->in6.sin6_addr : &addr->in.sin_addr, ip,
            sizeof ip);
  line_put(line, name);
  line_put(line, six ? "{\"ip_v6\":\"" : "{\"ip_v4\":\"");
  line_put(line, ip);
  line_pair(line, six ? "\",\"port_v6\":" : "\",\"port_v4\":",
            ntohs(six ? addr->in6.sin6_port : addr->in.sin_port));
  line_put(line, "}");
}

void trace_qlog_begun(FILE *to, uint64_t now_ns, const struct qc_cid *conn,
                      const struct qc_path *path) {
  struct line line;
  begin(&line, to, now_ns, conn, "connection_started");
  put_end(&line, "\"local\":", &path->local);
  put_end(&line, ",\"remote\":", &path->remote);
  end(&line);
}

void trace_qlog_packet(FILE *to, const struct trace_packet *packet) {
  struct line line;
  begin(&line, to, packet->now_ns, packet->conn, packet->sent ? "packet_sent" : "packet_received");
  put_header(&line, packet->pn);
  line_pair(&line, ",\"raw\":{\"length\":", packet->wire_len);
  line_pair(&line, ",\"payload_length\":", packet->len);
  line_put(&line, "}");
  put_frames(&line, packet->payload, packet->len);
  end(&line);
}

void trace_qlog_copy(FILE *to, const struct qc_cid *conn, const struct fb_record *record,
                     const struct fb_record_sub *sub) {
  struct line line;
  begin(&line, to, record->time_ns, conn, "packet_sent");
  put_header(&line, sub->pn);
  line_pair(&line, ",\"raw\":{\"length\":", record->payload_len);
  line_put(&line, "},\"frames\":[");
  for (unsigned f = 0, n = 0; f < record->n_frames; f++) {
    const struct fb_frame *frame = &record->frames[f];
    if (sub->decision[f] != FB_DEC_SEND)
      continue;
    if (n++)
      line_put(&line, ",");
    if (frame->kind == FB_FRAME_STREAM)
      put_stream(&line, (uint64_t)(sub->down[f] - 1) * 4 + 3, frame->offset, frame->len,
                 frame->fin != 0);
    else
      put_datagram(&line, frame->len);
  }
  line_put(&line, "]");
  end(&line);
}

void trace_qlog_number(FILE *to, const struct qc_cid *conn, const struct ledger_number *number) {
  struct line line;
  if (number->fate == LEDGER_ACKED) {
    begin(&line, to, number->fate_ns, conn, "packets_acked");
    line_pair(&line, "\"packet_number_space\":\"application_data\",\"packet_numbers\":[",
              number->pn);
    line_put(&line, "]");
  } else if (number->fate == LEDGER_LOST) {
    begin(&line, to, number->fate_ns, conn, "packet_lost");
    put_header(&line, number->pn);
  } else {
    return;
  }
  end(&line);
}

void trace_qlog_metrics(FILE *to, uint64_t now_ns, const struct qc_cid *conn,
                        const struct trace_metrics *metrics) {
  struct line line;
  begin(&line, to, now_ns, conn, "recovery_metrics_updated");
  line_put(&line, "\"smoothed_rtt\":");
  put_ms(&line, metrics->smoothed_rtt_ns);
  line_pair(&line, ",\"congestion_window\":", metrics->congestion_window);
  if (metrics->ssthresh != UINT64_MAX)
    line_pair(&line, ",\"ssthresh\":", metrics->ssthresh);
  line_pair(&line, ",\"bytes_in_flight\":", metrics->bytes_in_flight);
  end(&line);
}

void trace_qlog_closed(FILE *to, uint64_t now_ns, const struct qc_cid *conn,
                       const struct qc_close_info *info) {
  struct line line;
  begin(&line, to, now_ns, conn, "connection_closed");
  line_put(&line, info->by == QC_CLOSED_PEER || info->by == QC_CLOSED_RESET
                      ? "\"initiator\":\"remote\""
                      : "\"initiator\":\"local\"");
  if (info->by == QC_CLOSED_IDLE)
    line_put(&line, ",\"trigger\":\"idle_timeout\"");
  else if (info->by == QC_CLOSED_RESET)
    line_put(&line, ",\"trigger\":\"stateless_reset\"");
  else
    line_pair(&line,
              info->application
                  ? ",\"trigger\":\"application\",\"application_error\":\"unknown\",\"error_code\":"
                  : ",\"connection_error\":\"unknown\",\"error_code\":",
              info->code);
  end(&line);
}
