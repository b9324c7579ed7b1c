/* quicpcap packets: one row a QUIC packet, as it left its sender. */
#include <stdlib.h>

#include "pcap-tools/cli/commands.h"
#include "pcap-tools/cli/rows.h"

static const struct qp_column columns[] = {
    {"FRAME", "frame", 7}, {"TIME", "time", 12},    {"CONN", "conn", 4},   {"FROM", "from", -6},
    {"TYPE", "type", -9},  {"NUMBER", "number", 7}, {"BYTES", "bytes", 5}, {"FRAMES", "frames", -1},
};

/* A row waits until its frames have been told. */
struct listing {
  struct qp_rows rows;
  const struct qp_evidence *evidence;
  struct qp_select select;
  bool pending, opened;
  bool wanted; /* as far as frames decide */
  struct qp_place place;
  const struct qp_conn *conn;
  unsigned side, pn_len;
  enum qp_type type;
  uint64_t pn;
  size_t bytes;
  char *frames; /* all of them, however many */
  size_t len, room;
};

static void add(struct listing *l, const char *text) {
  size_t n = strlen(text);
  qp_grow((void **)&l->frames, &l->room, l->len + n + 1, 1);
  memcpy(l->frames + l->len, text, n + 1);
  l->len += n;
}

static void say(struct listing *l, const char *text) {
  if (l->len)
    add(l, ", ");
  add(l, text);
}

static void flush(struct listing *l) {
  struct qp_rows *r = &l->rows;
  if (!l->pending || !l->wanted)
    return;
  l->pending = false;
  qp_rows_begin(r);
  qp_rows_number(r, l->place.frame);
  qp_rows_seconds(r, l->place.time_ns - l->select.start_ns);
  qp_rows_number(r, l->conn->index);
  qp_rows_text(r, l->side == QP_CLIENT ? "client" : "server");
  qp_rows_text(r, qp_type_name(l->type));
  if (l->opened)
    qp_rows_number(r, l->pn);
  else
    qp_rows_none(r);
  qp_rows_number(r, l->bytes);
  qp_rows_text(r, !l->opened ? "(not opened)" : l->len ? l->frames : "");
  char cid[QP_CID_TEXT];
  qp_rows_extra_text(r, "odcid", qp_cid_text(&l->conn->odcid, cid));
  qp_rows_extra_text(r, "file", l->evidence->files[l->place.file]);
  qp_rows_extra_number(r, "time_ns", l->place.time_ns);
  if (l->opened)
    qp_rows_extra_number(r, "number_length", l->pn_len);
  qp_rows_end(r);
}

static void packet(void *arg, const struct qp_seen *s) {
  struct listing *l = arg;
  flush(l);
  qp_select_start(&l->select, s->place.time_ns);
  l->pending = (s->views & QP_SENT) && qp_select_packet(&l->select, s);
  if (!l->pending)
    return;
  l->wanted = !(l->select.given & (QP_BY_STREAM | QP_BY_FRAME));
  l->opened = s->opened;
  l->place = s->place;
  l->conn = s->conn;
  l->side = s->side;
  l->type = s->header->type;
  l->pn = s->pn;
  l->pn_len = s->pn_len;
  l->bytes = s->header->len;
  l->len = 0;
}

static void say_ack(struct listing *l, struct qp_quic_frame *f) {
  char text[64];
  struct qp_ack_walk walk = {0};
  uint64_t lo, hi;
  say(l, "ACK");
  while (qp_ack_next(f, &walk, &lo, &hi)) {
    snprintf(text, sizeof text, " %llu", (unsigned long long)lo);
    add(l, text);
    if (lo == hi)
      continue;
    snprintf(text, sizeof text, "-%llu", (unsigned long long)hi);
    add(l, text);
  }
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct listing *l = arg;
  char text[160];
  const char *name = qp_frame_name(f->type);
  (void)effect;
  if (!(s->views & QP_SENT) || !l->pending)
    return;
  l->wanted |= qp_select_frame(&l->select, f);
  unsigned long long a = f->stream.id, b = f->stream.offset;
  switch (f->kind) {
  case QP_F_PADDING:
    snprintf(text, sizeof text, "%s %zu", name, f->len);
    break;
  case QP_F_ACK:
    say_ack(l, f);
    return;
  case QP_F_STREAM:
    snprintf(text, sizeof text, "%s %llu @%llu+%llu%s", name, a, b,
             (unsigned long long)f->stream.len, f->stream.fin ? " FIN" : "");
    break;
  case QP_F_CRYPTO:
    snprintf(text, sizeof text, "%s @%llu+%llu", name, b, (unsigned long long)f->stream.len);
    break;
  case QP_F_DATAGRAM:
    snprintf(text, sizeof text, "%s %llu", name, (unsigned long long)f->bytes.len);
    break;
  case QP_F_RESET_STREAM_AT:
    snprintf(text, sizeof text, "%s %llu code %#llx reliable %llu", name,
             (unsigned long long)f->reset.id, (unsigned long long)f->reset.code,
             (unsigned long long)f->reset.reliable_size);
    break;
  case QP_F_ACK_FREQUENCY:
    snprintf(text, sizeof text, "%s every %llu within %llu us, reordering %llu", name,
             (unsigned long long)f->ack_frequency.threshold + 1,
             (unsigned long long)f->ack_frequency.max_delay_us,
             (unsigned long long)f->ack_frequency.reordering);
    break;
  case QP_F_RESET_STREAM:
  case QP_F_STOP_SENDING:
    snprintf(text, sizeof text, "%s %llu code %#llx", name, (unsigned long long)f->reset.id,
             (unsigned long long)f->reset.code);
    break;
  case QP_F_CONNECTION_CLOSE:
  case QP_F_CONNECTION_CLOSE_APP:
    snprintf(text, sizeof text, "%s %s %#llx", name,
             f->type == QP_F_CONNECTION_CLOSE ? "transport" : "application",
             (unsigned long long)f->close.code);
    break;
  case QP_F_MAX_STREAM_DATA:
  case QP_F_STREAM_DATA_BLOCKED:
    snprintf(text, sizeof text, "%s %llu %llu", name, (unsigned long long)f->limit.id,
             (unsigned long long)f->limit.value);
    break;
  case QP_F_MAX_DATA:
  case QP_F_MAX_STREAMS_BIDI:
  case QP_F_MAX_STREAMS_UNI:
  case QP_F_DATA_BLOCKED:
  case QP_F_STREAMS_BLOCKED_BIDI:
  case QP_F_STREAMS_BLOCKED_UNI:
  case QP_F_RETIRE_CONNECTION_ID:
    snprintf(text, sizeof text, "%s %llu", name, (unsigned long long)f->limit.value);
    break;
  case QP_F_NEW_CONNECTION_ID:
    snprintf(text, sizeof text, "%s %llu", name, (unsigned long long)f->new_cid.sequence);
    break;
  default:
    snprintf(text, sizeof text, "%s", name);
  }
  say(l, text);
}

static void malformed(void *arg, const struct qp_seen *s, const char *why) {
  struct listing *l = arg;
  char text[256];
  snprintf(text, sizeof text, "MALFORMED (%s)", why);
  if (l->pending && (s->views & QP_SENT))
    say(l, text);
}

int qp_cmd_packets(const struct qp_options *o) {
  struct qp_evidence e;
  int code = qp_cli_open(o, &e);
  if (code)
    return code;
  struct listing *l = qp_alloc(1, sizeof *l);
  l->evidence = &e;
  l->select = o->select;
  qp_rows_open(&l->rows, o->out, o->json, columns, sizeof columns / sizeof *columns);
  qp_cli_keep_little(&e);
  code = qp_cli_read(
      o, &e,
      &(struct qp_watcher){.arg = l, .packet = packet, .frame = frame, .malformed = malformed});
  if (!code) {
    flush(l);
    code = qp_cli_talk(o, &e) ? 2 : 0;
  }
  free(l->frames);
  free(l);
  qp_evidence_clear(&e);
  return code;
}
