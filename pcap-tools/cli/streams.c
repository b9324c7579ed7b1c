/* quicpcap streams: one row for each direction of each stream. */
#include "pcap-tools/cli/commands.h"
#include "pcap-tools/cli/rows.h"

static const struct qp_column columns[] = {
    {"CONN", "conn", 4},   {"STREAM", "stream", 7}, {"FROM", "from", -6},
    {"KIND", "kind", -8},  {"BYTES", "bytes", 10},  {"RESENT", "resent", 8},
    {"TIMES", "times", 5}, {"END", "end", -6},      {"ABOUT", "about", -1},
};

static const char *kind_name(enum qp_stream_kind kind) {
  static const char *const names[] = {"-",     "control", "request", "subgroup",
                                      "fetch", "padding", "illegal"};
  return names[kind];
}

static const char *end_name(struct qp_half *h) {
  if (h->reset)
    return "reset";
  if (!h->has_final)
    return "open";
  return qp_reasm_contiguous(&h->sent) == h->final_size ? "fin" : "hole";
}

static const char *track_name(const struct qp_evidence *e, uint32_t track) {
  const struct qp_tracks *tracks = qp_tracker_tracks(e->tracker);
  return track < tracks->n ? tracks->items[track].name : "?";
}

static void about(const struct qp_evidence *e, const struct qp_conn *c, const struct qp_half *h,
                  char *text, size_t size) {
  text[0] = 0;
  if (h->kind == QP_S_SUBGROUP) {
    const struct qp_request *r = qp_session_alias(c, !h->side, h->header.alias, h->opened.time_ns);
    snprintf(text, size, "%s group %llu subgroup %llu", r ? track_name(e, r->track) : "?",
             (unsigned long long)h->header.group, (unsigned long long)h->header.subgroup);
  } else if (h->kind == QP_S_REQUEST) {
    const struct qp_request *r = qp_conn_request(c, h->id);
    bool track = r && r->track != QP_MAP_NONE;
    snprintf(text, size, "%s%s%s%s", r ? qp_moq_name(r->type) : "", track ? " " : "",
             track ? track_name(e, r->track) : "",
             !r         ? ""
             : r->ok    ? ", accepted"
             : r->error ? ", refused"
                        : ", not answered");
  } else if (h->complaint) {
    snprintf(text, size, "%s", h->complaint);
  }
}

static void row(struct qp_rows *r, const struct qp_evidence *e, const struct qp_conn *c,
                struct qp_half *h) {
  char text[256], cid[QP_CID_TEXT];
  uint64_t bytes = qp_reasm_end(&h->sent);
  qp_rows_begin(r);
  qp_rows_number(r, c->index);
  qp_rows_number(r, h->id);
  qp_rows_text(r, h->side == QP_CLIENT ? "client" : "server");
  qp_rows_text(r, kind_name(h->kind));
  qp_rows_number(r, bytes);
  qp_rows_number(r, h->resent);
  qp_rows_number(r, qp_sendings_most(&h->sendings, bytes));
  qp_rows_text(r, end_name(h));
  about(e, c, h, text, sizeof text);
  qp_rows_text(r, text);
  qp_rows_extra_text(r, "odcid", qp_cid_text(&c->odcid, cid));
  qp_rows_extra_text(r, "file", e->files[h->opened.file]);
  qp_rows_extra_number(r, "frame", h->opened.frame);
  qp_rows_extra_number(r, "time_ns", h->opened.time_ns);
  qp_rows_end(r);
}

/* Halves that a chosen frame is about. */
struct chosen {
  struct qp_select select;
  struct qp_map halves; /* address -> 1 */
};

static void choose(struct chosen *w, const struct qp_half *h) {
  if (h)
    qp_map_set(&w->halves, (uint64_t)(uintptr_t)h, 1);
}

static void packet(void *arg, const struct qp_seen *s) {
  struct chosen *w = arg;
  qp_select_start(&w->select, s->place.time_ns);
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct chosen *w = arg;
  if (!qp_select_packet(&w->select, s) || !qp_select_frame(&w->select, f))
    return;
  choose(w, effect->half);
  if (f->kind == QP_F_MAX_STREAM_DATA) /* about what the peer sends */
    choose(w, qp_conn_half(s->conn, f->limit.id, !s->side));
  else if (f->kind == QP_F_STREAM_DATA_BLOCKED)
    choose(w, qp_conn_half(s->conn, f->limit.id, s->side));
}

static bool is_chosen(const struct chosen *w, const struct qp_conn *c, const struct qp_half *h,
                      const struct qp_select *select) {
  if (!h->begun || ((select->given & QP_BY_STREAM) && h->id != select->stream) ||
      !qp_select_conn(select, c) || !qp_select_side(select, h->side))
    return false;
  return !(select->given & (QP_BY_NUMBER | QP_BY_FRAME | QP_BY_TIME)) ||
         qp_map_get(&w->halves, (uint64_t)(uintptr_t)h) != QP_MAP_NONE;
}

int qp_cmd_streams(const struct qp_options *o) {
  struct qp_evidence e;
  struct qp_rows rows;
  const struct qp_select *select = &o->select;
  size_t n;
  int code = qp_cli_open(o, &e);
  if (code)
    return code;
  struct chosen chosen = {.select = *select};
  chosen.select.given &= ~(unsigned)QP_BY_FROM; /* who sends on the stream, not the packet */
  struct qp_watcher watcher = {.arg = &chosen};
  if (select->given & (QP_BY_NUMBER | QP_BY_FRAME | QP_BY_TIME)) {
    watcher.packet = packet;
    watcher.frame = frame;
  }
  code = qp_cli_read(o, &e, &watcher);
  if (code) {
    qp_evidence_clear(&e);
    return code;
  }
  qp_rows_open(&rows, o->out, o->json, columns, sizeof columns / sizeof *columns);
  struct qp_conn *const *conns = qp_tracker_conns(e.tracker, &n);
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < conns[i]->n_halves; k++) {
      struct qp_half *h = conns[i]->halves[k];
      if (is_chosen(&chosen, conns[i], h, select))
        row(&rows, &e, conns[i], h);
    }
  }
  code = qp_cli_talk(o, &e) ? 2 : 0;
  qp_map_clear(&chosen.halves);
  qp_evidence_clear(&e);
  return code;
}
