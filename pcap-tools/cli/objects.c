/* quicpcap objects: one row a MoQT object, when its last byte has come. Objects
 * in work are the only ones that are kept. */
#include <stdlib.h>

#include "pcap-tools/cli/commands.h"
#include "pcap-tools/cli/rows.h"

static const struct qp_column columns[] = {
    {"CONN", "conn", 4},    {"FROM", "from", -6},    {"TRACK", "track", -10},
    {"GROUP", "group", 6},  {"SUB", "subgroup", 4},  {"OBJECT", "object", 6},
    {"SIZE", "size", 7},    {"PRIO", "priority", 4}, {"AS", "as", -12},
    {"FIRST", "first", 12}, {"LAST", "last", 12},    {"END", "end", -1},
};

/* One direction of a connection. */
struct half_told {
  size_t seen;    /* objects of the tracker that were looked at */
  uint32_t *open; /* of these, the ones that are not told yet */
  size_t n_open, open_room;
};

struct objects {
  struct qp_rows rows;
  const struct qp_evidence *evidence;
  struct qp_select select;
  struct half_told (*told)[2]; /* by connection */
  size_t told_room;
};

static struct half_told *told_of(struct objects *l, const struct qp_conn *c, unsigned side) {
  size_t had = l->told_room;
  qp_grow((void **)&l->told, &l->told_room, (size_t)c->index + 1, sizeof *l->told);
  memset(l->told + had, 0, (l->told_room - had) * sizeof *l->told);
  return &l->told[c->index][side];
}

static const char *end_name(const struct qp_object *o) {
  if (!o->whole)
    return o->half && o->half->reset ? "reset" : "cut";
  return o->status == 3 ? "end of group" : o->status == 4 ? "end of track" : "whole";
}

/* Publisher priority: the object's own or the track's, which is marked. */
static void priority_cell(struct qp_rows *r, const struct qp_object *o,
                          const struct qp_request *request) {
  char text[16];
  int priority = o->priority != QP_NO_PRIORITY ? o->priority
                 : request                     ? request->default_priority
                                               : QP_NO_PRIORITY;
  if (priority == QP_NO_PRIORITY) {
    qp_rows_none(r);
  } else if (r->json || o->priority != QP_NO_PRIORITY) {
    qp_rows_number(r, (uint64_t)priority);
  } else {
    snprintf(text, sizeof text, "%d*", priority);
    qp_rows_text(r, text);
  }
}

static void row(struct objects *l, const struct qp_conn *c, unsigned side,
                const struct qp_object *o) {
  struct qp_rows *r = &l->rows;
  char text[64], cid[QP_CID_TEXT];
  const struct qp_tracks *tracks = qp_tracker_tracks(l->evidence->tracker);
  const struct qp_request *q = qp_session_alias(c, !side, o->alias, o->first.time_ns);
  snprintf(text, sizeof text, "alias %llu", (unsigned long long)o->alias);
  qp_rows_begin(r);
  qp_rows_number(r, c->index);
  qp_rows_text(r, side == QP_CLIENT ? "client" : "server");
  qp_rows_text(r, q && q->track < tracks->n ? tracks->items[q->track].name : text);
  qp_rows_number(r, o->group);
  if (o->datagram)
    qp_rows_none(r);
  else
    qp_rows_number(r, o->subgroup);
  qp_rows_number(r, o->object);
  qp_rows_number(r, o->len);
  priority_cell(r, o, q);
  if (o->half)
    snprintf(text, sizeof text, r->json ? "stream" : "stream %llu",
             (unsigned long long)o->half->id);
  qp_rows_text(r, o->half ? text : "datagram");
  qp_rows_seconds(r, o->first.time_ns - l->select.start_ns);
  qp_rows_seconds(r, o->last.time_ns - l->select.start_ns);
  qp_rows_text(r, end_name(o));
  qp_rows_extra_number(r, "alias", o->alias);
  if (o->half)
    qp_rows_extra_number(r, "stream", o->half->id);
  else
    qp_rows_extra_none(r, "stream");
  qp_rows_extra_bool(r, "default_priority", o->priority == QP_NO_PRIORITY);
  qp_rows_extra_number(r, "got", o->got);
  qp_rows_extra_number(r, "first_frame", o->first.frame);
  qp_rows_extra_number(r, "last_frame", o->last.frame);
  qp_rows_extra_number(r, "first_ns", o->first.time_ns);
  qp_rows_extra_number(r, "last_ns", o->last.time_ns);
  qp_rows_extra_text(r, "file", l->evidence->files[o->first.file]);
  qp_rows_extra_text(r, "odcid", qp_cid_text(&c->odcid, cid));
  qp_rows_end(r);
}

/* What brought the last byte, or ended it. NULL: nothing did. */
struct end_of_object {
  const struct qp_seen *seen;
  const struct qp_quic_frame *frame;
};

static bool end_chosen(const struct qp_select *s, const struct end_of_object *end) {
  if (!(s->given & (QP_BY_NUMBER | QP_BY_FRAME)))
    return true;
  struct qp_select by = *s;
  by.given &= QP_BY_NUMBER;
  if (!end || !qp_select_packet(&by, end->seen))
    return false;
  by.given = s->given & QP_BY_FRAME;
  return qp_select_frame(&by, end->frame);
}

static void tell(struct objects *l, const struct qp_conn *c, unsigned side,
                 const struct qp_object *o, const struct end_of_object *end) {
  const struct qp_select *s = &l->select;
  bool other =
      ((s->given & QP_BY_STREAM) && (!o->half || o->half->id != s->stream)) || !end_chosen(s, end);
  if (!other && qp_select_conn(s, c) && qp_select_side(s, side) &&
      qp_select_time(s, o->first.time_ns))
    row(l, c, side, o);
}

/* Tells what has become whole, or was given up by a reset. */
static void look(struct objects *l, const struct qp_conn *c, unsigned side,
                 const struct end_of_object *end) {
  struct half_told *t = told_of(l, c, side);
  const struct qp_object *objects = c->objects[side];
  size_t kept = 0;
  for (size_t i = 0; i < t->n_open; i++) {
    const struct qp_object *o = &objects[t->open[i]];
    if (o->whole || o->half->reset)
      tell(l, c, side, o, end);
    else
      t->open[kept++] = t->open[i];
  }
  t->n_open = kept;
  for (; t->seen < c->n_objects[side]; t->seen++) {
    if (objects[t->seen].whole) {
      tell(l, c, side, &objects[t->seen], end);
      continue;
    }
    qp_grow((void **)&t->open, &t->open_room, t->n_open + 1, sizeof *t->open);
    t->open[t->n_open++] = (uint32_t)t->seen;
  }
}

static void packet(void *arg, const struct qp_seen *s) {
  struct objects *l = arg;
  qp_select_start(&l->select, s->place.time_ns);
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  (void)effect;
  if (f->kind == QP_F_STREAM || f->kind == QP_F_DATAGRAM || f->kind == QP_F_RESET_STREAM ||
      f->kind == QP_F_RESET_STREAM_AT)
    look(arg, s->conn, s->side, &(struct end_of_object){s, f});
}

/* What never became whole. */
static void finish(struct objects *l) {
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(l->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++) {
    for (unsigned side = 0; side < 2; side++) {
      struct half_told *t = told_of(l, conns[i], side);
      for (size_t k = 0; k < t->n_open; k++)
        tell(l, conns[i], side, &conns[i]->objects[side][t->open[k]], NULL);
      free(t->open);
    }
  }
  free(l->told);
}

int qp_cmd_objects(const struct qp_options *o) {
  struct qp_evidence e;
  int code = qp_cli_open(o, &e);
  if (code)
    return code;
  struct objects *l = qp_alloc(1, sizeof *l);
  l->evidence = &e;
  l->select = o->select;
  qp_rows_open(&l->rows, o->out, o->json, columns, sizeof columns / sizeof *columns);
  code = qp_cli_read(o, &e, &(struct qp_watcher){.arg = l, .packet = packet, .frame = frame});
  if (!code)
    code = qp_cli_talk(o, &e) ? 2 : 0;
  finish(l);
  free(l);
  qp_evidence_clear(&e);
  return code;
}
