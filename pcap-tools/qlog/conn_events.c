#include "pcap-tools/qlog/conn_events.h"

#include <arpa/inet.h>

#include "pcap-tools/qlog/frames.h"
#include "pcap-tools/track/codes.h"

static const char *initiator(unsigned view, unsigned side) {
  return view == side ? "local" : "remote";
}

/* ---- in front of a packet -------------------------------------------------- */

static bool chosen(const struct qp_recorder *r) {
  return r->packet.chosen && !(r->select.given & (QP_BY_NUMBER | QP_BY_FRAME | QP_BY_STREAM));
}

static struct qp_json *early(struct qp_recorder *r) {
  struct qp_json *j = &r->sink.data;
  qp_json_clear(j);
  qp_json_open(j, NULL, '{');
  return j;
}

static void tell_early(struct qp_recorder *r, struct qp_told *t, unsigned view, const char *name,
                       const char *tuple) {
  qp_json_close(&r->sink.data, '}');
  if (chosen(r))
    qp_trace_event(&r->sink, &t->view[view].trace, r->packet.time_ns, name, tuple, &r->sink.data);
}

static void endpoint(struct qp_json *j, const char *key, const struct qp_end *end,
                     const struct qp_cid *id) {
  char text[INET6_ADDRSTRLEN] = "?";
  bool v4 = end->family == 4;
  inet_ntop(v4 ? AF_INET : AF_INET6, end->addr, text, sizeof text);
  qp_json_open(j, key, '{');
  qp_json_text(j, v4 ? "ip_v4" : "ip_v6", text);
  qp_json_number(j, v4 ? "port_v4" : "port_v6", end->port);
  if (id && id->len) {
    qp_json_open(j, "connection_ids", '[');
    qp_json_hex(j, NULL, id->data, id->len);
    qp_json_close(j, ']');
  }
  qp_json_close(j, '}');
}

static void tell_start(struct qp_recorder *r, struct qp_told *t, unsigned view,
                       const struct qp_seen *s) {
  const struct qp_conn *c = t->conn;
  bool from_client = s->side == QP_CLIENT && s->header->type != QP_1RTT;
  const struct qp_cid *of[2] = {from_client ? &s->header->scid : NULL, &c->odcid};
  const struct qp_end *end[2] = {&c->tuple.src, &c->tuple.dst};
  t->view[view].started = true;
  struct qp_json *j = early(r);
  endpoint(j, "local", end[view], of[view]);
  endpoint(j, "remote", end[!view], of[!view]);
  tell_early(r, t, view, "quic:connection_started", "");
}

/* ID of the 4-tuple; "" for the first one. */
static const char *path_of(struct qp_recorder *r, struct qp_told *t, unsigned view,
                           const struct qp_seen *s) {
  static const char *const ids[QP_TOLD_PATHS] = {"", "1", "2", "3", "4", "5", "6", "7"};
  struct qp_told_view *v = &t->view[view];
  struct qp_tuple now = s->udp->tuple;
  if (s->side == QP_SERVER)
    now = (struct qp_tuple){.src = s->udp->tuple.dst, .dst = s->udp->tuple.src};
  for (unsigned i = 0; i < v->n_paths; i++)
    if (qp_end_equal(&v->paths[i].src, &now.src) && qp_end_equal(&v->paths[i].dst, &now.dst))
      return ids[i];
  if (v->n_paths == QP_TOLD_PATHS) /* they all share one ID */
    return "more";
  v->paths[v->n_paths] = now;
  const char *id = ids[v->n_paths++];
  if (!id[0])
    return id;
  const struct qp_end *end[2] = {&now.src, &now.dst};
  struct qp_json *j = early(r);
  qp_json_text(j, "tuple_id", id);
  endpoint(j, "tuple_remote", end[!view], NULL);
  endpoint(j, "tuple_local", end[view], NULL);
  tell_early(r, t, view, "quic:tuple_assigned", id);
  return id;
}

/* A sender uses another ID of its peer from here on. */
static void tell_id(struct qp_recorder *r, struct qp_told *t, unsigned view,
                    const struct qp_seen *s, const char *tuple) {
  struct qp_cid *was = &t->view[view].dcid[s->side];
  const struct qp_cid *now = &s->header->dcid;
  if (!s->opened || qp_cid_equal(was, now))
    return;
  if (was->len) {
    struct qp_json *j = early(r);
    qp_json_text(j, "initiator", initiator(view, !s->side)); /* who gave the ID */
    qp_json_hex(j, "old", was->data, was->len);
    qp_json_hex(j, "new", now->data, now->len);
    tell_early(r, t, view, "quic:connection_id_updated", tuple);
  }
  *was = *now;
}

static void tell_version(struct qp_recorder *r, struct qp_told *t, unsigned view,
                         const struct qp_seen *s) {
  uint32_t v = s->header->version;
  uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
  if (t->view[view].version || s->side != QP_SERVER || !qp_version_known(v) ||
      s->header->type == QP_RETRY)
    return;
  t->view[view].version = true;
  struct qp_json *j = early(r);
  qp_json_hex(j, "chosen_version", bytes, sizeof bytes);
  tell_early(r, t, view, "quic:version_information", "");
}

static void tell_keys(struct qp_recorder *r, struct qp_told *t, unsigned view,
                      const struct qp_seen *s, const char *tuple) {
  uint32_t *had = t->view[view].generation;
  if (!s->opened || s->header->type != QP_1RTT || s->generation <= had[s->side])
    return;
  had[s->side] = s->generation;
  /* whoever was there first began it */
  unsigned who = had[!s->side] >= s->generation ? !s->side : s->side;
  struct qp_json *j = early(r);
  qp_json_text(j, "key_type", s->side == QP_CLIENT ? "client_1rtt_secret" : "server_1rtt_secret");
  qp_json_number(j, "key_phase", s->generation);
  qp_json_text(j, "trigger", who == view ? "local_update" : "remote_update");
  tell_early(r, t, view, "quic:key_updated", tuple);
}

const char *qp_conn_events_packet(struct qp_recorder *r, struct qp_told *t, unsigned view,
                                  const struct qp_seen *s) {
  if (!t->view[view].started)
    tell_start(r, t, view, s);
  const char *tuple = path_of(r, t, view, s);
  tell_version(r, t, view, s);
  tell_id(r, t, view, s, tuple);
  tell_keys(r, t, view, s, tuple);
  return tuple;
}

/* ---- behind it ------------------------------------------------------------- */

static void id_member(struct qp_json *j, const char *key, const struct qp_cid *id) {
  if (id->len)
    qp_json_hex(j, key, id->data, id->len);
}

static void tell_params(struct qp_recorder *r, struct qp_told *t, unsigned view, unsigned side) {
  const struct qp_params *p = qp_conn_params(t->conn, side);
  if (t->view[view].params[side] || !p->seen)
    return;
  t->view[view].params[side] = true;
  struct qp_json *j = qp_record_late(r, view, "quic:parameters_set");
  qp_json_text(j, "initiator", initiator(view, side));
  if (r->sink.dialect != QP_QLOG_DRAFT)
    qp_json_text(j, "owner", initiator(view, side));
  char text[QP_CODE_TEXT];
  const char *suite = qp_code_suite(t->conn->hello.suite, text);
  if (t->conn->hello.suite && side == QP_SERVER)
    qp_json_text(j, "tls_cipher", strncmp(suite, "TLS_", 4) != 0 ? suite : suite + 4);
  id_member(j, "original_destination_connection_id", &p->original_dcid);
  id_member(j, "initial_source_connection_id", &p->initial_scid);
  id_member(j, "retry_source_connection_id", &p->retry_scid);
  if (p->has_reset_token)
    qp_json_hex(j, "stateless_reset_token", p->reset_token, sizeof p->reset_token);
  qp_json_bool(j, "disable_active_migration", p->disable_migration);
  const struct {
    const char *key;
    uint64_t value;
  } numbers[] = {
      {"max_idle_timeout", p->max_idle_ms},
      {"max_udp_payload_size", p->max_udp_payload},
      {"ack_delay_exponent", p->ack_delay_exponent},
      {"max_ack_delay", p->max_ack_delay_ms},
      {"active_connection_id_limit", p->active_cid_limit},
      {"initial_max_data", p->max_data},
      {"initial_max_stream_data_bidi_local", p->max_stream_data_bidi_local},
      {"initial_max_stream_data_bidi_remote", p->max_stream_data_bidi_remote},
      {"initial_max_stream_data_uni", p->max_stream_data_uni},
      {"initial_max_streams_bidi", p->max_streams_bidi},
      {"initial_max_streams_uni", p->max_streams_uni},
      {"max_datagram_frame_size", p->max_datagram_frame},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    qp_json_number(j, numbers[i].key, numbers[i].value);
  qp_json_bool(j, "grease_quic_bit", p->grease_quic_bit);
  qp_json_bool(j, "reset_stream_at", p->reset_stream_at);
  qp_json_close(j, '}');
}

static void tell_alpn(struct qp_recorder *r, struct qp_told *t, unsigned view) {
  const char *alpn = t->conn->hello.alpn_chosen;
  if (t->view[view].alpn || !alpn[0])
    return;
  t->view[view].alpn = true;
  struct qp_json *j = qp_record_late(r, view, "quic:alpn_information");
  qp_json_open(j, "chosen_alpn", '{');
  qp_json_hex(j, "byte_value", (const uint8_t *)alpn, strlen(alpn));
  qp_json_text(j, "string_value", alpn);
  qp_json_close(j, '}');
  qp_json_close(j, '}');
}

static void tell_close(struct qp_recorder *r, struct qp_told *t, unsigned view,
                       const struct qp_seen *s, const struct qp_quic_frame *f) {
  char text[QP_QLOG_ERROR];
  bool transport = f->kind == QP_F_CONNECTION_CLOSE;
  if (t->view[view].closed)
    return;
  t->view[view].closed = true;
  struct qp_json *j = qp_record_late(r, view, "quic:connection_closed");
  qp_json_text(j, "initiator", initiator(view, s->side));
  qp_json_text(j, transport ? "connection_error" : "application_error",
               transport ? qp_qlog_error(f->close.code, text) : "unknown");
  qp_json_number(j, "error_code", f->close.code);
  qp_qlog_reason(j, f->close.reason, (size_t)f->close.reason_len, false);
  qp_json_text(j, "trigger", !transport ? "application" : f->close.code ? "error" : "unspecified");
  qp_json_close(j, '}');
}

static void tell_confirmed(struct qp_recorder *r, struct qp_told *t, unsigned view) {
  if (t->view[view].confirmed)
    return;
  t->view[view].confirmed = true;
  struct qp_json *j = qp_record_late(r, view, "quic:connection_state_updated");
  qp_json_text(j, "new", "handshake_confirmed");
  qp_json_close(j, '}');
}

/* ---- ACKs ------------------------------------------------------------------ */

static const char *space_name(enum qp_space space) {
  static const char *const names[] = {"initial", "handshake", "application_data"};
  return names[space];
}

static void tell_acked(struct qp_recorder *r, unsigned view, enum qp_space space,
                       const struct qp_ranges *fresh) {
  struct qp_json *j = qp_record_late(r, view, "quic:packets_acked");
  qp_json_text(j, "packet_number_space", space_name(space));
  qp_json_open(j, "packet_numbers", '[');
  for (size_t i = 0; i < fresh->n; i++)
    for (uint64_t pn = fresh->spans[i].lo; pn <= fresh->spans[i].hi; pn++)
      qp_json_number(j, NULL, pn);
  qp_json_close(j, ']');
  qp_json_close(j, '}');
}

static void tell_lost(struct qp_recorder *r, unsigned view, enum qp_space space,
                      const struct qp_ranges *lost) {
  static const char *const types[] = {"initial", "handshake", "1RTT"};
  for (size_t i = 0; i < lost->n; i++)
    for (uint64_t pn = lost->spans[i].lo; pn <= lost->spans[i].hi; pn++) {
      struct qp_json *j = qp_record_late(r, view, "quic:packet_lost");
      qp_json_open(j, "header", '{');
      qp_json_text(j, "packet_type", types[space]);
      qp_json_number(j, "packet_number", pn);
      qp_json_close(j, '}');
      qp_json_text(j, "trigger", "reordering_threshold");
      qp_json_close(j, '}');
    }
}

static void tell_metrics(struct qp_recorder *r, unsigned view, const struct qp_recovery *v) {
  struct qp_json *j = qp_record_late(r, view, "quic:recovery_metrics_updated");
  qp_json_decimal(j, "min_rtt", v->min_rtt_ns, 6);
  qp_json_decimal(j, "smoothed_rtt", v->smoothed_ns, 6);
  qp_json_decimal(j, "latest_rtt", v->latest_ns, 6);
  qp_json_decimal(j, "rtt_variance", v->variance_ns, 6);
  qp_json_number(j, "bytes_in_flight", v->bytes_in_flight);
  qp_json_number(j, "packets_in_flight", v->packets_in_flight);
  qp_json_close(j, '}');
}

/* What the peer reports, but no more than it may, RFC 9002 5.3. */
static uint64_t delay_of(const struct qp_seen *s, const struct qp_quic_frame *f) {
  const struct qp_params *p = qp_conn_params(s->conn, s->side);
  uint64_t limit_us = (p->seen && p->max_ack_delay_ms < 1u << 14 ? p->max_ack_delay_ms : 25) * 1000;
  uint64_t exponent = p->seen && p->ack_delay_exponent <= 20 ? p->ack_delay_exponent : 3;
  if (s->space != QP_SPACE_APP)
    return 0;
  return 1000 * (f->ack.delay > limit_us >> exponent ? limit_us : f->ack.delay << exponent);
}

static void tell_ack(struct qp_recorder *r, struct qp_told *t, unsigned view,
                     const struct qp_seen *s, const struct qp_quic_frame *f) {
  struct qp_recovery *v = &t->view[view].recovery;
  struct qp_ranges fresh = {0}, lost = {0};
  struct qp_quic_frame copy = *f;
  bool sample = qp_recovery_ack(v, s->space, &copy, &t->conn->numbers[view][s->space].sent,
                                s->place.time_ns, delay_of(s, f), &fresh, &lost);
  if (fresh.n)
    tell_acked(r, view, s->space, &fresh);
  tell_lost(r, view, s->space, &lost);
  if (sample)
    tell_metrics(r, view, v);
  qp_ranges_clear(&fresh);
  qp_ranges_clear(&lost);
}

static void note_sent(struct qp_recorder *r, struct qp_told *t, unsigned view,
                      const struct qp_seen *s, const struct qp_quic_frame *f) {
  struct qp_packet_told *p = &r->packet;
  bool asks = f->kind != QP_F_PADDING;
  if (s->repeated || (p->eliciting && asks))
    return;
  p->eliciting |= asks;
  qp_recovery_sent(&t->view[view].recovery, s->space, s->pn, s->place.time_ns, s->header->len,
                   p->eliciting, true);
}

void qp_conn_events_frame(struct qp_recorder *r, struct qp_told *t, unsigned view,
                          const struct qp_seen *s, const struct qp_quic_frame *f) {
  switch (f->kind) {
  case QP_F_CONNECTION_CLOSE:
  case QP_F_CONNECTION_CLOSE_APP:
    tell_close(r, t, view, s, f);
    return;
  case QP_F_ACK:
    if (s->side != view && (s->views & QP_REACHED))
      tell_ack(r, t, view, s, f);
    return;
  case QP_F_HANDSHAKE_DONE:
    tell_confirmed(r, t, view);
    break;
  case QP_F_CRYPTO:
    tell_params(r, t, view, QP_CLIENT);
    tell_params(r, t, view, QP_SERVER);
    tell_alpn(r, t, view);
    break;
  default:
    break;
  }
  if (s->side == view && (s->views & QP_SENT))
    note_sent(r, t, view, s, f);
}

/* A stateless reset is no packet of the connection: it is told when all have passed. */
void qp_conn_events_end(struct qp_recorder *r, struct qp_told *t, unsigned view) {
  const struct qp_conn *c = t->conn;
  bool by_packet = r->select.given & (QP_BY_NUMBER | QP_BY_FRAME | QP_BY_STREAM);
  if (!c->reset.frame || t->view[view].closed || by_packet || !qp_record_view(t, view) ||
      !qp_select_time(&r->select, c->reset.time_ns))
    return;
  struct qp_json *j = early(r);
  qp_json_text(j, "trigger", "stateless_reset");
  qp_json_close(j, '}');
  qp_trace_event(&r->sink, &t->view[view].trace, c->reset.time_ns, "quic:connection_closed", "", j);
}
