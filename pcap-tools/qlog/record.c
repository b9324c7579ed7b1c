#include "pcap-tools/qlog/record.h"

#include <stdlib.h>

#include "pcap-tools/qlog/conn_events.h"
#include "pcap-tools/qlog/frames.h"
#include "pcap-tools/qlog/moqt_events.h"

/* ---- connections ----------------------------------------------------------- */

static struct qp_told *told_of(struct qp_recorder *r, const struct qp_conn *conn) {
  size_t had = r->told_room;
  qp_grow((void **)&r->told, &r->told_room, (size_t)conn->index + 1, sizeof *r->told);
  if (r->told_room > had)
    memset(r->told + had, 0, (r->told_room - had) * sizeof *r->told);
  struct qp_told *t = r->told[conn->index];
  if (t)
    return t;
  t = r->told[conn->index] = qp_alloc(1, sizeof *t);
  t->conn = conn;
  for (unsigned side = 0; side < 2; side++)
    qp_trace_init(&t->view[side].trace);
  if (!qp_select_conn(&r->select, conn)) {
    t->decided = true;
    for (unsigned side = 0; side < 2; side++)
      qp_trace_drop(&t->view[side].trace);
  }
  return t;
}

bool qp_record_view(const struct qp_told *t, unsigned view) {
  return t->view[view].trace.state != QP_TRACE_DROPPED;
}

/* Whose interface a capture shows, as the run directory says; -1: it does not. */
static int end_of_capture(const struct qp_recorder *r, const struct qp_conn *conn, uint32_t file) {
  const struct qp_manifest *m = r->evidence->manifest;
  for (size_t i = 0; m && i < m->n_captures; i++) {
    if (strcmp(m->captures[i].file, r->evidence->files[file]) != 0)
      continue;
    for (unsigned side = 0; side < 2; side++) {
      const struct qp_node *node = qp_node_at(r->evidence, conn, side);
      if (node && !strcmp(node->name, m->captures[i].node))
        return (int)side;
    }
  }
  return -1;
}

static uint32_t file_at(const struct qp_conn *conn, unsigned side) {
  for (size_t i = 0; i < conn->n_vantages; i++)
    if (conn->vantages[i].side == side)
      return conn->vantages[i].file;
  return conn->first.file;
}

static uint32_t earlier_same_id(const struct qp_recorder *r, const struct qp_conn *conn) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < conn->index && i < r->told_room; i++)
    n += r->told[i] && qp_cid_equal(&r->told[i]->conn->odcid, &conn->odcid);
  return n;
}

static const char description[] =
    "Made from packet captures: times are those at the capture. packets_acked, packet_lost (by "
    "packet threshold only) and recovery_metrics_updated are concluded from the packets; what "
    "the endpoint thought does not show.";

static void begin(struct qp_recorder *r, struct qp_told *t, unsigned view, enum qp_qlog_at at) {
  if (r->single && r->sink.traces) {
    r->other_traces++;
    qp_trace_drop(&t->view[view].trace);
    return;
  }
  const struct qp_node *node =
      at == QP_AT_NETWORK || !r->evidence->manifest ? NULL : qp_node_at(r->evidence, t->conn, view);
  t->at[view] = at;
  qp_trace_begin(&r->sink, &t->view[view].trace,
                 &(struct qp_trace_about){.at = at,
                                          .odcid = &t->conn->odcid,
                                          .node = node ? node->name : "",
                                          .file = r->evidence->files[file_at(t->conn, view)],
                                          .description = description,
                                          .again = earlier_same_id(r, t->conn),
                                          .moqt = t->conn->moqt});
}

/* Only now it is known whether the two ends are seen in different files. */
static void decide(struct qp_recorder *r, struct qp_told *t) {
  const struct qp_conn *conn = t->conn;
  int end = end_of_capture(r, conn, file_at(conn, QP_CLIENT));
  bool both = r->vantage < 0 && conn->split;
  int at = r->vantage >= 0 ? r->vantage
           : both          ? (int)QP_AT_CLIENT
           : end < 0       ? (int)QP_AT_NETWORK
                           : end;
  unsigned view = at == QP_AT_SERVER ? QP_SERVER : QP_CLIENT;
  t->decided = true;
  begin(r, t, view, (enum qp_qlog_at)at);
  if (both)
    begin(r, t, QP_SERVER, QP_AT_SERVER);
  else
    qp_trace_drop(&t->view[!view].trace);
}

/* ---- events behind a packet ------------------------------------------------ */

static struct qp_json *late(struct qp_recorder *r, struct qp_late event) {
  size_t had = r->late_room;
  qp_grow((void **)&r->late, &r->late_room, r->n_late + 1, sizeof *r->late);
  memset(r->late + had, 0, (r->late_room - had) * sizeof *r->late);
  struct qp_late *l = &r->late[r->n_late++];
  event.data = l->data;
  *l = event;
  qp_json_clear(&l->data);
  qp_json_open(&l->data, NULL, '{');
  return &l->data;
}

struct qp_json *qp_record_late(struct qp_recorder *r, unsigned view, const char *name) {
  return late(r, (struct qp_late){.name = name, .view = view});
}

struct qp_json *qp_record_late_moqt(struct qp_recorder *r, unsigned view, const char *name,
                                    uint64_t stream) {
  return late(r, (struct qp_late){.name = name, .view = view, .moqt = true, .stream = stream});
}

/* Packets are chosen by number and frame; of the rest nothing is told then. */
static bool late_chosen(const struct qp_recorder *r, const struct qp_late *l) {
  const struct qp_select *s = &r->select;
  if (s->given & (QP_BY_NUMBER | QP_BY_FRAME))
    return false;
  return !(s->given & QP_BY_STREAM) || (l->moqt && l->stream == s->stream);
}

/* ---- packets --------------------------------------------------------------- */

static const char *type_name(enum qp_type type) {
  static const char *const names[QP_TYPE_COUNT] = {
      [QP_INITIAL] = "initial",
      [QP_0RTT] = "0RTT",
      [QP_HANDSHAKE] = "handshake",
      [QP_RETRY] = "retry",
      [QP_1RTT] = "1RTT",
      [QP_VERSION_NEGOTIATION] = "version_negotiation",
      [QP_OTHER_VERSION] = "unknown",
  };
  return names[type];
}

static void header(struct qp_json *j, const struct qp_seen *s) {
  const struct qp_header *h = s->header;
  bool long_header = h->type != QP_1RTT;
  qp_json_open(j, "header", '{');
  qp_json_text(j, "packet_type", type_name(h->type));
  if (h->type == QP_OTHER_VERSION)
    qp_json_number(j, "packet_type_bytes", h->start[0] >> 4 & 3u);
  if (s->opened && !long_header) {
    qp_json_bool(j, "spin_bit", (s->first & 0x20) != 0);
    if (!s->null_protected)
      qp_json_number(j, "key_phase", s->generation);
  }
  if (s->opened) {
    qp_json_number(j, "packet_number_length", s->pn_len);
    qp_json_number(j, "packet_number", s->pn);
  }
  if (h->token_len) {
    qp_json_open(j, "token", '{');
    qp_json_open(j, "raw", '{');
    qp_json_number(j, "length", h->token_len);
    qp_json_hex(j, "data", h->token, h->token_len);
    qp_json_close(j, '}');
    qp_json_close(j, '}');
  }
  if (long_header && h->pn_at)
    qp_json_number(j, "length", h->len - h->pn_at);
  if (long_header) {
    uint8_t version[4] = {(uint8_t)(h->version >> 24), (uint8_t)(h->version >> 16),
                          (uint8_t)(h->version >> 8), (uint8_t)h->version};
    qp_json_hex(j, "version", version, sizeof version);
    qp_json_number(j, "scil", h->scid.len);
  }
  qp_json_number(j, "dcil", h->dcid.len);
  if (long_header)
    qp_json_hex(j, "scid", h->scid.data, h->scid.len);
  qp_json_hex(j, "dcid", h->dcid.data, h->dcid.len);
  qp_json_close(j, '}');
}

/* The versions of a Version Negotiation packet, RFC 9000 17.2.1. */
static void versions(struct qp_json *j, const struct qp_header *h) {
  struct qp_cur c = qp_cur(h->start, h->len);
  qp_take(&c, 1 + 4 + 1 + (size_t)h->dcid.len + 1 + (size_t)h->scid.len);
  if (c.bad || qp_left(&c) < 4)
    return;
  qp_json_open(j, "supported_versions", '[');
  for (const uint8_t *p; qp_left(&c) >= 4 && (p = qp_take(&c, 4));)
    qp_json_hex(j, NULL, p, 4);
  qp_json_close(j, ']');
}

static void start_packet(struct qp_recorder *r, struct qp_told *t, const struct qp_seen *s) {
  struct qp_packet_told *p = &r->packet;
  bool by_frame = r->select.given & (QP_BY_STREAM | QP_BY_FRAME);
  struct qp_json data = p->data;
  *p = (struct qp_packet_told){.pending = true,
                               .chosen = qp_select_packet(&r->select, s),
                               .wanted = !by_frame,
                               .opened = s->opened,
                               .told = t,
                               .side = s->side,
                               .views = s->views,
                               .time_ns = s->place.time_ns,
                               .pn = s->pn,
                               .space = s->space,
                               .bytes = s->header->len,
                               .type = s->header->type,
                               .data = data};
  struct qp_json *j = &p->data;
  qp_json_clear(j);
  qp_json_open(j, NULL, '{');
  header(j, s);
  if (s->header->type == QP_VERSION_NEGOTIATION)
    versions(j, s->header);
  qp_json_open(j, "raw", '{');
  qp_json_number(j, "length", s->header->len);
  if (s->opened)
    qp_json_number(j, "payload_length", s->len);
  qp_json_close(j, '}');
  if (s->place.frame <= UINT32_MAX)
    qp_json_number(j, "datagram_id", s->place.frame);
}

/* A view has the packet if its own side sent it, or it reached that side. */
static bool view_has(const struct qp_packet_told *p, unsigned view) {
  const struct qp_told *t = p->told;
  bool network = t->decided && t->at[view] == QP_AT_NETWORK;
  return (p->views & (p->side == view || network ? QP_SENT : QP_REACHED)) != 0 &&
         qp_record_view(t, view);
}

static void tell_packet(struct qp_recorder *r, unsigned view) {
  struct qp_packet_told *p = &r->packet;
  bool numbered = p->opened || p->type == QP_RETRY || p->type == QP_VERSION_NEGOTIATION;
  if (r->sink.dialect == QP_QLOG_QVIS && !numbered) {
    r->without_number++;
    return;
  }
  qp_trace_event(&r->sink, &p->told->view[view].trace, p->time_ns,
                 p->side == view ? "quic:packet_sent" : "quic:packet_received", p->tuple[view],
                 &p->data);
}

static void flush(struct qp_recorder *r) {
  struct qp_packet_told *p = &r->packet;
  if (!p->pending)
    return;
  p->pending = false;
  if (p->frames_open)
    qp_json_close(&p->data, ']');
  qp_json_close(&p->data, '}');
  for (unsigned view = 0; view < 2; view++)
    if (p->chosen && p->wanted && view_has(p, view))
      tell_packet(r, view);
  for (size_t i = 0; i < r->n_late; i++) {
    const struct qp_late *l = &r->late[i];
    if (p->chosen && late_chosen(r, l))
      qp_trace_event(&r->sink, &p->told->view[l->view].trace, p->time_ns, l->name,
                     p->tuple[l->view], &l->data);
  }
  r->n_late = 0;
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_recorder *r = arg;
  flush(r);
  qp_select_start(&r->select, s->place.time_ns);
  r->sink.zero_ns = r->select.start_ns;
  struct qp_told *t = told_of(r, s->conn);
  if (!t->decided && (r->vantage >= 0 || s->side == QP_SERVER))
    decide(r, t);
  if (!qp_record_view(t, QP_CLIENT) && !qp_record_view(t, QP_SERVER))
    return;
  start_packet(r, t, s);
  for (unsigned view = 0; view < 2; view++)
    if (view_has(&r->packet, view))
      r->packet.tuple[view] = qp_conn_events_packet(r, t, view, s);
}

static uint64_t ack_exponent(const struct qp_seen *s) {
  const struct qp_params *p = qp_conn_params(s->conn, s->side);
  return s->space == QP_SPACE_APP && p->seen ? p->ack_delay_exponent : 3;
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_recorder *r = arg;
  struct qp_packet_told *p = &r->packet;
  (void)effect;
  if (!p->pending)
    return;
  if (!p->frames_open)
    qp_json_open(&p->data, "frames", '[');
  p->frames_open = true;
  p->wanted |= qp_select_frame(&r->select, f);
  struct qp_quic_frame copy = *f; /* writing an ACK uses it up */
  qp_qlog_frame(&p->data, r->sink.dialect, &copy, ack_exponent(s));
  for (unsigned view = 0; view < 2; view++)
    if (view_has(p, view))
      qp_conn_events_frame(r, p->told, view, s, f);
  if (f->kind == QP_F_DATAGRAM && s->conn->moqt)
    qp_moqt_datagram(r, p->told, s, f);
}

static void malformed(void *arg, const struct qp_seen *s, const char *why) {
  struct qp_recorder *r = arg;
  struct qp_packet_told *p = &r->packet;
  if (!p->pending || p->told->conn != s->conn)
    return;
  for (unsigned view = 0; view < 2; view++) {
    if (!view_has(p, view))
      continue;
    struct qp_json *j = qp_record_late(r, view, "loglevel:warning");
    qp_json_text(j, "message", why);
    qp_json_close(j, '}');
  }
}

void qp_record_watch(struct qp_recorder *r, struct qp_watcher *watcher,
                     struct qp_tracker *tracker) {
  qp_moqt_listen(r, tracker);
  *watcher =
      (struct qp_watcher){.arg = r, .packet = packet, .frame = frame, .malformed = malformed};
}

int qp_record_finish(struct qp_recorder *r) {
  flush(r);
  for (size_t i = 0; i < r->told_room; i++) {
    struct qp_told *t = r->told[i];
    if (!t)
      continue;
    if (!t->decided)
      decide(r, t);
    for (unsigned view = 0; view < 2; view++) {
      qp_conn_events_end(r, t, view);
      qp_trace_end(&r->sink, &t->view[view].trace);
      qp_recovery_clear(&t->view[view].recovery);
    }
    free(t);
  }
  for (size_t i = 0; i < r->late_room; i++)
    qp_json_free(&r->late[i].data);
  free(r->late);
  free(r->told);
  qp_json_free(&r->packet.data);
  return qp_qlog_close(&r->sink);
}
