/* MoQT: where subscriptions begin, filters, answers, order. */
#include "pcap-tools/check/excuse.h"
#include "pcap-tools/check/fanout.h"
#include "pcap-tools/mutate/operators.h"

/* ---- messages in the clear ------------------------------------------------------------- */

/* The message of that type at the front of a STREAM frame on a request stream. */
static bool message_of(const struct qm_bed *bed, size_t frame, uint64_t type,
                       struct qp_moq_message *m) {
  const struct qm_frame *f = &bed->frames[frame];
  const char *why;
  return qm_is_frame(bed, frame, QP_F_STREAM) && !qp_stream_uni(f->f.stream.id) &&
         f->f.stream.offset == 0 && f->fresh &&
         qp_moq_message(f->f.stream.data, (size_t)f->f.stream.len, m, &why) > 0 && m->type == type;
}

/* Where these bytes stand in the frame, once; 0: nowhere. */
static uint32_t find(const struct qm_frame *f, const uint8_t *bytes, size_t len) {
  const uint8_t *at = memmem(f->f.start, f->len, bytes, len);
  return at ? (uint32_t)(at - f->f.start) : 0;
}

/* LARGEST_OBJECT of a SUBSCRIBE_OK, if group and object have one byte each. */
static uint32_t largest_at(const struct qm_bed *bed, size_t frame) {
  struct qp_moq_message m;
  if (!message_of(bed, frame, QP_M_SUBSCRIBE_OK, &m) || !m.params.has_largest ||
      m.params.largest.group > 100 || m.params.largest.object > 126 ||
      !qp_is_relay(&bed->e, bed->packets[bed->frames[frame].packet].conn,
                   bed->packets[bed->frames[frame].packet].side))
    return 0;
  uint8_t bytes[3] = {0x09, (uint8_t)m.params.largest.group, (uint8_t)m.params.largest.object};
  uint32_t at = find(&bed->frames[frame], bytes, 3);
  return at ? at + 1 : 0;
}

static bool has_largest(const struct qm_bed *bed, size_t frame) {
  return largest_at(bed, frame) != 0;
}

static bool raise_largest(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                          struct qm_random *r) {
  uint32_t at = largest_at(bed, frame);
  uint8_t group = bed->frames[frame].f.start[at] + (uint8_t)(1 + qm_below(r, 20));
  qm_edit_frame(e, frame, at, &group, 1);
  return true;
}

static const struct qm_operator largest_raised = {
    .name = "largest-object-raised",
    .does = "SUBSCRIBE_OK names a largest object that the relay never had",
    .check = "join-point",
    .also = {"payload-identical", "copy-count"},
    .why = "the subscription is owed less from there on",
    .places = QM_FRAMES,
    .fits = has_largest,
    .apply = raise_largest,
};

static bool has_largest_group(const struct qm_bed *bed, size_t frame) {
  uint32_t at = largest_at(bed, frame);
  return at && bed->frames[frame].f.start[at] > 0;
}

static bool lower_largest(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                          struct qm_random *r) {
  uint32_t at = largest_at(bed, frame);
  uint8_t group = bed->frames[frame].f.start[at] - 1;
  (void)r;
  qm_edit_frame(e, frame, at, &group, 1);
  return true;
}

static const struct qm_operator largest_lowered = {
    .name = "largest-object-lowered",
    .does = "SUBSCRIBE_OK names an older object than the relay had",
    .check = "join-point",
    .also = {"payload-identical", "copy-count", "priority-drop"},
    .why = "the subscription is owed a group more",
    .places = QM_FRAMES,
    .fits = has_largest_group,
    .apply = lower_largest,
};

/* ---- objects in front of the start -------------------------------------------------------- */

/* A datagram, of a subscription whose first group is not 0, with a group of one byte. */
static bool starts_later(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  struct qp_moq_datagram d;
  const char *why;
  if (!qm_is_frame(bed, frame, QP_F_DATAGRAM) || !qm_downstream(bed, p) ||
      !qp_moq_datagram(f->f.bytes.data, (size_t)f->f.bytes.len, &d, &why) || d.padding)
    return false;
  const struct qp_request *r = qp_session_alias(p->conn, !p->side, d.alias, p->time_ns);
  return r && d.alias < 128 && d.group < 128 && qp_request_start(r).group > 0 &&
         qp_request_start(r).group <= d.group;
}

static bool move_in_front(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                          struct qm_random *r) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  struct qp_moq_datagram d;
  const char *why;
  qp_moq_datagram(f->f.bytes.data, (size_t)f->f.bytes.len, &d, &why);
  const struct qp_request *q = qp_session_alias(p->conn, !p->side, d.alias, p->time_ns);
  uint8_t group = (uint8_t)qm_below(r, qp_request_start(q).group);
  qm_edit_frame(e, frame, (uint32_t)(f->f.bytes.data - f->f.start) + 2, &group, 1);
  return true;
}

static const struct qm_operator too_early = {
    .name = "object-before-start",
    .does = "an object leaves that lies in front of the subscription's start",
    .check = "join-point",
    .also = {"copy-exact", "copy-count", "payload-identical", "delivery-order", "priority-drop"},
    .why = "it takes the place of another one, which is missing",
    .places = QM_FRAMES,
    .fits = starts_later,
    .apply = move_in_front,
};

/* Nothing of that track may be dropped on this connection. */
static bool is_owed(const struct qm_bed *bed, const struct qm_packet *p, uint64_t alias) {
  const struct qp_request *r = qp_session_alias(p->conn, !p->side, alias, p->time_ns);
  return r && !qp_request_times_out(r) && qp_broken_at(&bed->e, p->conn) == UINT64_MAX;
}

/* The first object of a group of datagrams, once sent and owed. */
static bool begins_group(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  struct qp_moq_datagram d;
  const char *why;
  return qm_is_frame(bed, frame, QP_F_DATAGRAM) && qm_downstream(bed, p) &&
         qp_moq_datagram(f->f.bytes.data, (size_t)f->f.bytes.len, &d, &why) && !d.padding &&
         d.object == 0 && p->conn->close[0].seen && is_owed(bed, p, d.alias) &&
         p->conn->close[0].at.time_ns > p->time_ns + 200000000;
}

static bool blank_frame(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                        struct qm_random *r) {
  (void)bed, (void)r;
  qm_edit_blank(e, frame);
  return true;
}

static const struct qm_operator group_start_skipped = {
    .name = "group-start-skipped",
    .does = "a group begins with its second object",
    .check = "copy-count",
    .also = {"copy-exact", "trace-agrees", "payload-identical", "priority-drop"},
    .why = "the copy differs from its packet and its record",
    .places = QM_FRAMES,
    .fits = begins_group,
    .apply = blank_frame,
};

/* ---- filters ------------------------------------------------------------------------------- */

/* The upper end of PRIORITY_FILTER {0..N} in SUBSCRIBE: length 3, set 0, from 0, to N. */
static uint32_t filter_at(const struct qm_bed *bed, size_t frame) {
  struct qp_moq_message m;
  if (!message_of(bed, frame, QP_M_SUBSCRIBE, &m) || m.params.n_priority != 1 ||
      m.params.priority[0].lo || m.params.priority[0].hi > 127)
    return 0;
  uint8_t bytes[4] = {3, 0, 0, (uint8_t)m.params.priority[0].hi};
  uint32_t at = find(&bed->frames[frame], bytes, 4);
  return at ? at + 3 : 0;
}

/* Were objects of the filter's highest priority sent for it? */
static bool filter_was_used(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  uint32_t at = filter_at(bed, frame);
  const struct qp_request *r = at ? qp_conn_request(p->conn, f->f.stream.id) : NULL;
  if (!r || !r->ok || !f->f.start[at] || !qp_is_relay(&bed->e, p->conn, !p->side))
    return false;
  for (size_t i = 0; i < p->conn->n_objects[!p->side]; i++) {
    const struct qp_object *o = &p->conn->objects[!p->side][i];
    if (o->alias == r->alias && o->priority == f->f.start[at] &&
        (r->n_filters == 1 || o->last.time_ns + 200000000 < r->filters[1].asked.time_ns))
      return true;
  }
  return false;
}

static bool narrow_filter(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                          struct qm_random *r) {
  uint32_t at = filter_at(bed, frame);
  uint8_t limit = bed->frames[frame].f.start[at] - 1;
  (void)r;
  qm_edit_frame(e, frame, at, &limit, 1);
  return true;
}

static const struct qm_operator filter_narrowed = {
    .name = "filter-narrowed",
    .does = "SUBSCRIBE asked for less than was sent: the filter excludes a priority more",
    .check = "priority-drop",
    .also = {"copy-exact", "copy-count", "payload-identical"},
    .why = "",
    .places = QM_FRAMES,
    .fits = filter_was_used,
    .apply = narrow_filter,
};

/* ... or were some of the next higher one kept back? */
static bool filter_kept_back(const struct qm_bed *bed, size_t frame) {
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  uint32_t at = filter_at(bed, frame);
  const struct qp_request *r = at ? qp_conn_request(p->conn, bed->frames[frame].f.stream.id) : NULL;
  if (!r || !r->ok || r->n_filters != 1 || !qp_is_relay(&bed->e, p->conn, !p->side) ||
      bed->frames[frame].f.start[at] > 100)
    return false;
  size_t n;
  struct qp_conn *const *conns = qp_tracker_conns(bed->e.tracker, &n);
  for (size_t i = 0; i < n; i++) /* objects of that track that came to the relay */
    for (unsigned side = 0; conns[i] != p->conn && side < 2; side++)
      for (size_t k = 0; k < conns[i]->n_objects[side]; k++) {
        const struct qp_object *o = &conns[i]->objects[side][k];
        const struct qp_request *u = qp_session_alias(conns[i], !side, o->alias, o->first.time_ns);
        if (u && u->track == r->track && o->priority > bed->frames[frame].f.start[at] &&
            o->priority <= 127 && qp_is_relay(&bed->e, conns[i], !side) &&
            o->first.time_ns > r->answered.time_ns + 1100000000u)
          return true;
      }
  return false;
}

static bool widen_filter(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                         struct qm_random *r) {
  uint8_t limit = 127;
  (void)r;
  qm_edit_frame(e, frame, filter_at(bed, frame), &limit, 1);
  return true;
}

static const struct qm_operator filter_widened = {
    .name = "illegal-drop",
    .does = "objects are kept back that the filter on the wire admits",
    .check = "priority-drop",
    .also = {"copy-count", "payload-identical"},
    .why = "they are missing",
    .places = QM_FRAMES,
    .fits = filter_kept_back,
    .apply = widen_filter,
};

/* A reset for a delivery timeout. */
static bool is_timeout_reset(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  if (!qm_is_frame(bed, frame, QP_F_RESET_STREAM) || f->f.reset.code != 2 ||
      !qm_downstream(bed, &bed->packets[f->packet]))
    return false;
  const struct qm_packet *p = &bed->packets[f->packet];
  const struct qp_half *h = qp_conn_half(p->conn, f->f.reset.id, p->side);
  return h && h->kind == QP_S_SUBGROUP && !h->stopped && h->reset_at.frame == p->record + 1 &&
         h->reset_at.file == p->file;
}

static bool alter_reset_code(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                             struct qm_random *r) {
  static const uint8_t codes[] = {0, 1, 3, 4, 5};
  uint32_t at = 1 + (uint32_t)qm_varint_len(bed->frames[frame].f.start + 1);
  qm_edit_frame(e, frame, at, &codes[qm_below(r, sizeof codes)], 1);
  return true;
}

static const struct qm_operator reset_code = {
    .name = "reset-code-altered",
    .does = "a subgroup is cut off for its timeout with another code",
    .check = "priority-drop",
    .why = "",
    .places = QM_FRAMES,
    .fits = is_timeout_reset,
    .apply = alter_reset_code,
};

static bool alter_final_size(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                             struct qm_random *r) {
  const struct qm_frame *f = &bed->frames[frame];
  uint32_t at = 1 + (uint32_t)qm_varint_len(f->f.start + 1);
  at += (uint32_t)qm_varint_len(f->f.start + at);
  size_t len = qm_varint_len(f->f.start + at);
  uint8_t bytes[8];
  if (!f->f.reset.final_size)
    return false;
  qm_varint(bytes, len, f->f.reset.final_size - 1 - qm_below(r, f->f.reset.final_size));
  qm_edit_frame(e, frame, at, bytes, len);
  return true;
}

static bool is_reset(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  if (!qm_is_frame(bed, frame, QP_F_RESET_STREAM) || f->f.reset.final_size < 2)
    return false;
  const struct qp_half *h = qp_conn_half(p->conn, f->f.reset.id, p->side);
  return h && qp_reasm_end(&h->sent) == f->f.reset.final_size;
}

static const struct qm_operator reset_final_size = {
    .name = "final-size-altered",
    .does = "RESET_STREAM gives a final size below what was sent",
    .check = "stream-bytes",
    .also = {"close-clean"},
    .why = "",
    .places = QM_FRAMES,
    .fits = is_reset,
    .apply = alter_final_size,
};

/* ---- answers -------------------------------------------------------------------------------- */

static bool is_answer(const struct qm_bed *bed, size_t frame) {
  struct qp_moq_message m;
  return message_of(bed, frame, QP_M_SUBSCRIBE_OK, &m) &&
         bed->packets[bed->frames[frame].packet].conn->close[0].seen;
}

/* All frames of that stream that the answerer sends. */
static bool never_answer(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                         struct qm_random *r) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  (void)r;
  for (size_t i = 0; i < bed->n_frames; i++) {
    const struct qm_frame *g = &bed->frames[i];
    const struct qm_packet *q = &bed->packets[g->packet];
    if (g->f.kind == QP_F_STREAM && g->f.stream.id == f->f.stream.id && q->conn == p->conn &&
        q->side == p->side && (q->views & QP_SENT))
      qm_edit_blank(e, i);
  }
  return true;
}

static const struct qm_operator never_answered = {
    .name = "subscribe-not-answered",
    .does = "a SUBSCRIBE gets no answer",
    .check = "subscribe-answered",
    .also = {"isolated", "copy-count", "payload-identical", "copy-exact", "join-point",
             "priority-drop", "stream-complete", "close-clean", "trace-agrees"},
    .why = "what is sent for it has no subscription, and the endpoint's qlog has the answer",
    .places = QM_FRAMES,
    .fits = is_answer,
    .apply = never_answer,
};

/* ---- order ----------------------------------------------------------------------------------- */

/* Two datagrams of one track that waited: the next one from the same relay with a later
 * object, in other packets. */
static size_t later_datagram(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  struct qp_moq_datagram a, b;
  const char *why;
  if (!qp_moq_datagram(f->f.bytes.data, (size_t)f->f.bytes.len, &a, &why) || a.padding)
    return SIZE_MAX;
  for (size_t i = frame + 1; i < bed->n_frames; i++) {
    const struct qm_frame *g = &bed->frames[i];
    const struct qm_packet *q = &bed->packets[g->packet];
    if (q->time_ns > p->time_ns + 400000000)
      break;
    if (q->conn == p->conn && q->side == p->side && q != p && qm_is_frame(bed, i, QP_F_DATAGRAM) &&
        g->len == f->len && q->time_ns > p->time_ns &&
        qp_moq_datagram(g->f.bytes.data, (size_t)g->f.bytes.len, &b, &why) && b.alias == a.alias)
      return i;
  }
  return SIZE_MAX;
}

/* When the object that this datagram carries reached the relay whole; 0: not known. */
static uint64_t came_at(const struct qm_bed *bed, size_t frame) {
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  const struct qp_fanout *fanout = bed->e.fanout;
  struct qp_moq_datagram d;
  const char *why;
  if (!qp_moq_datagram(f->f.bytes.data, (size_t)f->f.bytes.len, &d, &why))
    return 0;
  for (size_t i = 0; i < fanout->n; i++) {
    const struct qp_due *due = &fanout->due[i];
    if (due->conn == p->conn && due->out && due->out->datagram && due->out->alias == d.alias &&
        due->out->group == d.group && due->out->object == d.object)
      return due->in->last.time_ns;
  }
  return 0;
}

/* Looking for what waited is dear: not every frame is asked. */
enum { SOME = 11 };

static bool waited_behind(const struct qm_bed *bed, size_t frame) {
  if (frame % SOME || !qm_is_frame(bed, frame, QP_F_DATAGRAM))
    return false;
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  if (!qm_of_ledger(bed, p) || !qm_downstream(bed, p) || p->copy ||
      qp_broken_at(&bed->e, p->conn) != UINT64_MAX)
    return false;
  size_t later = later_datagram(bed, frame);
  uint64_t here = came_at(bed, frame), there = later == SIZE_MAX ? 0 : came_at(bed, later);
  /* both had waited long when the first of them left */
  return here && there && here + 80000000 < p->time_ns && there + 80000000 < p->time_ns;
}

/* They change places: times stay, the payloads' objects are exchanged. */
static bool exchange(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                     struct qm_random *r) {
  size_t later = later_datagram(bed, frame);
  const struct qm_frame *f = &bed->frames[frame], *g = &bed->frames[later];
  (void)r;
  qm_edit_frame(e, frame, 0, g->f.start, g->len);
  qm_edit_frame(e, later, 0, f->f.start, f->len);
  return true;
}

static const struct qm_operator order_exchanged = {
    .name = "order-exchanged",
    .does = "of two objects that wait, the later one leaves first",
    .check = "delivery-order",
    .also = {"copy-exact"},
    .why = "",
    .places = QM_FRAMES,
    .fits = waited_behind,
    .apply = exchange,
};

const struct qm_operator *const qm_media[] = {
    &largest_raised,  &largest_lowered, &too_early,  &group_start_skipped,
    &filter_narrowed, &filter_widened,  &reset_code, &reset_final_size,
    &never_answered,  &order_exchanged, NULL};
