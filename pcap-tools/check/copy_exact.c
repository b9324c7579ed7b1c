/* copy-exact: a copy differs from its packet only where it must. The packet as it
 * reached the relay (up_pn of a copy record) is held against the copy as it leaves (pn
 * of the record): the same UDP length; the payload aligned at its end, what a shorter
 * header leaves in front is PADDING; each frame with the decision "send" is there byte
 * for byte but for the stream ID (that of the record, in as many bytes) and the track
 * alias (that of the subscription, in as many bytes); all else is PADDING, and every
 * fan-out frame has its decision.
 *
 * Vantage: the relay's interfaces, both sides, and its copy records.
 *
 * Excused: what a killed relay had not written yet.
 *
 * Source: DESIGN 4, steps 1, 4 to 6. */
#include <stdlib.h>

#include "pcap-tools/check/per_conn.h"
#include "pcap-tools/check/relay_log.h"

/* A packet kept until its counterpart comes. */
struct kept {
  const struct qp_conn *conn;
  uint64_t pn;
  unsigned side;
  struct qp_place place;
  size_t udp_len, len;
  uint8_t *payload;
};

struct kept_list {
  struct kept *items;
  size_t n, room;
};

struct copy_exact {
  struct kept_list in, early; /* early: copies captured in front of their packet */
  struct qp_map at;           /* (upstream, number) -> index in `in` */
  struct qp_per_conn logs[2]; /* struct qp_relay_log, by the relay's side */
};

static uint64_t key_of(const struct qp_copies *c, const struct qp_copies_conn *conn, uint64_t pn) {
  return qp_map_mix((uint64_t)(conn - c->conns), pn);
}

static void keep(struct kept_list *l, const struct qp_seen *s) {
  qp_grow((void **)&l->items, &l->room, l->n + 1, sizeof *l->items);
  struct kept *k = &l->items[l->n++];
  *k = (struct kept){.conn = s->conn,
                     .pn = s->pn,
                     .side = s->side,
                     .place = s->place,
                     .udp_len = s->udp->len,
                     .len = s->len,
                     .payload = qp_alloc(s->len, 1)};
  memcpy(k->payload, s->payload, s->len);
}

/* ---- one copy against its packet ---------------------------------------- */

struct pair {
  struct qp_judged *self;
  const struct kept *in, *out;
  const struct qp_copy *copy;
  size_t shift; /* out offset = in offset + shift */
};

static void report(const struct pair *p, const char *field, char *expected, char *actual) {
  char flow[QP_FLOW_TEXT];
  if (!qp_found(p->self)) {
    free(expected), free(actual);
    return;
  }
  const struct qp_evidence *e = p->self->evidence;
  const char *file = p->in->place.file < e->n_files ? e->files[p->in->place.file] : "";
  qp_describe(p->self, p->out->place,
              (struct qp_words){
                  .layer = "quic",
                  .field = field,
                  .expected = expected,
                  .actual = actual,
                  .explain = qp_text("%s number %llu is a copy of number %llu, %s frame %llu",
                                     qp_flow(e, p->out->conn, p->out->side, flow),
                                     (unsigned long long)p->out->pn, (unsigned long long)p->in->pn,
                                     file, (unsigned long long)p->in->place.frame)});
}

/* The first byte that is not zero; `len`: none. */
static size_t nonzero(const uint8_t *p, size_t len) {
  size_t i = 0;
  while (i < len && !p[i])
    i++;
  return i;
}

/* A varint of that many bytes. */
static uint64_t varint_at(const uint8_t *p, size_t len) {
  struct qp_cur c = qp_cur(p, len);
  return qp_varint(&c);
}

/* Where the data differs, leaving out the alias behind the type; SIZE_MAX: nowhere. */
static size_t differs(const uint8_t *in, const uint8_t *out, size_t len, size_t alias_at,
                      size_t alias_end) {
  for (size_t i = 0; i < len; i++)
    if ((i < alias_at || i >= alias_end) && in[i] != out[i])
      return i;
  return SIZE_MAX;
}

/* Where the track alias is in the data of a frame that begins a stream or a datagram. */
static void alias_place(const uint8_t *data, size_t len, size_t *at, size_t *end, uint64_t *alias) {
  struct qp_cur c = qp_cur(data, len);
  qp_vi64(&c); /* type */
  *at = (size_t)(c.p - data);
  *alias = qp_vi64(&c);
  *end = c.bad ? *at : (size_t)(c.p - data);
}

/* The field of a subgroup's or datagram's front that has byte `at` of the data. */
static const char *field_at(bool stream, const uint8_t *data, size_t len, size_t at) {
  struct qp_cur c = qp_cur(data, len);
  uint64_t type = qp_vi64(&c);
  bool subgroup_id = stream && (type & 0x06) == 0x04; /* MoQT 5.1 */
  bool object_id = !stream && !(type & 0x04);         /* MoQT 5.3 */
  bool priority = !(type & (stream ? 0x20 : 0x08));
  const struct {
    const char *name;
    bool there;
  } fields[] = {{"track alias", true},
                {"group ID", true},
                {"subgroup ID", subgroup_id},
                {"object ID", object_id}};
  if (at < (size_t)(c.p - data))
    return "type flags";
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (!fields[i].there)
      continue;
    qp_vi64(&c);
    if (at < (size_t)(c.p - data))
      return fields[i].name;
  }
  return priority && at == (size_t)(c.p - data) ? "publisher priority" : "frame data";
}

/* The alias in the copy names the same track downstream as the packet's upstream. */
static void judge_alias(const struct pair *p, uint64_t in_alias, uint64_t out_alias) {
  const struct qp_request *up =
      qp_session_alias(p->in->conn, !p->in->side, in_alias, p->in->place.time_ns);
  const struct qp_request *down =
      qp_session_alias(p->out->conn, !p->out->side, out_alias, p->out->place.time_ns);
  if (up && (!down || up->track != down->track))
    report(p, "track alias",
           qp_text("one of the same track as upstream alias %llu", (unsigned long long)in_alias),
           qp_text("%llu", (unsigned long long)out_alias));
}

static void judge_sent(const struct pair *p, const struct qp_quic_frame *f,
                       const struct qp_copy *decision) {
  size_t at = (size_t)(f->start - p->in->payload), id_len = 0;
  const uint8_t *in = f->start, *out = p->out->payload + p->shift + at;
  bool stream = f->kind == QP_F_STREAM;
  const uint8_t *data = stream ? f->stream.data : f->bytes.data;
  size_t len = (size_t)(stream ? f->stream.len : f->bytes.len), head = (size_t)(data - in);
  if (stream)
    id_len = (size_t)1 << (in[1] >> 6);
  if (in[0] != out[0] || memcmp(in + 1 + id_len, out + 1 + id_len, head - 1 - id_len) != 0) {
    report(p, "frame header", qp_text("%s as in the packet", qp_frame_name(f->type)),
           qp_text("another, at payload offset %zu", at + p->shift));
    return;
  }
  if (stream && !decision->has_down)
    report(p, "stream ID", qp_text("one in the copy record"), qp_text("none"));
  else if (stream && ((size_t)1 << (out[1] >> 6) != id_len ||
                      varint_at(out + 1, id_len) != decision->down_sid))
    report(p, "stream ID", qp_text("%llu, as recorded", (unsigned long long)decision->down_sid),
           qp_text("%llu", (unsigned long long)varint_at(out + 1, id_len)));
  size_t alias_at = 0, alias_end = 0, out_at, out_end;
  uint64_t in_alias = 0, out_alias = 0;
  bool first = !stream || (f->stream.offset == 0 && len);
  if (first) {
    alias_place(data, len, &alias_at, &alias_end, &in_alias);
    alias_place(out + head, len, &out_at, &out_end, &out_alias);
    if (out_end != alias_end) {
      report(p, "track alias", qp_text("in %zu bytes, as in the packet", alias_end - alias_at),
             qp_text("in %zu", out_end - out_at));
      return;
    }
    judge_alias(p, in_alias, out_alias);
  }
  size_t diff = differs(data, out + head, len, alias_at, alias_end);
  if (diff != SIZE_MAX)
    report(p, first ? field_at(stream, data, len, diff) : "frame data",
           qp_text("%02x at byte %zu of %s", data[diff], diff, qp_frame_name(f->type)),
           qp_text("%02x", out[head + diff]));
}

/* A fan-out frame without a decision: it was not seen at all. */
static bool is_media(const struct pair *p, const struct qp_quic_frame *f) {
  struct qp_moq_datagram d;
  const char *why;
  if (f->kind == QP_F_DATAGRAM)
    return qp_moq_datagram(f->bytes.data, (size_t)f->bytes.len, &d, &why) && !d.padding;
  if (f->kind != QP_F_STREAM)
    return false;
  const struct qp_half *h = qp_conn_half(p->in->conn, f->stream.id, p->in->side);
  return h && h->kind == QP_S_SUBGROUP;
}

static void judge_frame(const struct pair *p, const struct qp_quic_frame *f, uint32_t *fan_out) {
  const struct qp_copies *copies = &p->self->evidence->copies;
  size_t at = (size_t)(f->start - p->in->payload);
  bool stream = f->kind == QP_F_STREAM && qp_stream_uni(f->stream.id);
  bool media = is_media(p, f);
  const struct qp_copy *decision = NULL;
  if (stream || media) {
    struct qp_copy place = {.datagram = !stream, .frame = *fan_out};
    place.len = (uint32_t)(stream ? f->stream.len : f->bytes.len);
    if (stream) {
      place.sid = f->stream.id;
      place.off = f->stream.offset;
      place.fin = f->stream.fin;
    }
    decision = qp_copies_frame(copies, p->copy, &place);
    *fan_out += decision || media;
  }
  if (media && !decision) {
    report(p, "frame", qp_text("a decision about every fan-out frame of the packet"),
           qp_text("none about %s at payload offset %zu", qp_frame_name(f->type), at));
    return;
  }
  if (decision && decision->send) {
    judge_sent(p, f, decision);
    return;
  }
  size_t left = nonzero(p->out->payload + p->shift + at, f->len);
  if (left < f->len)
    report(p, "removed frame",
           qp_text("PADDING in place of %s, %zu bytes", qp_frame_name(f->type), f->len),
           qp_text("%02x at payload offset %zu", p->out->payload[p->shift + at + left],
                   p->shift + at + left));
}

static void judge_pair(struct qp_judged *self, const struct kept *in, const struct kept *out,
                       const struct qp_copy *copy) {
  struct pair p = {.self = self, .in = in, .out = out, .copy = copy};
  struct qp_cur c = qp_cur(in->payload, in->len);
  struct qp_quic_frame f;
  const char *why;
  uint32_t fan_out = 0;
  self->out->examined++;
  if (in->udp_len != out->udp_len) {
    report(&p, "UDP length", qp_text("%zu, as the packet", in->udp_len),
           qp_text("%zu", out->udp_len));
    return;
  }
  if (out->len < in->len) {
    report(&p, "payload length", qp_text("at least %zu, as the packet", in->len),
           qp_text("%zu behind a longer header", out->len));
    return;
  }
  p.shift = out->len - in->len;
  size_t left = nonzero(out->payload, p.shift);
  if (left < p.shift)
    report(&p, "payload", qp_text("PADDING in the first %zu bytes", p.shift),
           qp_text("%02x at payload offset %zu", out->payload[left], left));
  while (qp_quic_frame_next(&c, &f, &why) == 1)
    judge_frame(&p, &f, &fan_out);
}

/* ---- finding the pairs ---------------------------------------------------- */

static struct qp_relay_log *log_of(struct copy_exact *state, const struct qp_evidence *e,
                                   const struct qp_conn *conn, unsigned side) {
  struct qp_relay_log *log = qp_per_conn(&state->logs[side], conn, sizeof *log);
  qp_relay_log(e, conn, side, log);
  return log;
}

static const struct kept *source(const struct qp_judged *self, const struct qp_copy *copy) {
  const struct copy_exact *state = self->state;
  const struct qp_copies *copies = &self->evidence->copies;
  uint32_t i = qp_map_get(&state->at, key_of(copies, &copies->conns[copy->up], copy->up_pn));
  return i == QP_MAP_NONE ? NULL : &state->in.items[i];
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct copy_exact *state = self->state;
  const struct qp_copies *copies = &self->evidence->copies;
  if (!s->opened || s->header->type != QP_1RTT || !copies->n_items)
    return;
  struct qp_relay_log *far = log_of(state, self->evidence, s->conn, !s->side);
  if ((s->views & QP_REACHED) && far->kept && far->copies &&
      qp_copies_source(copies, far->copies, s->pn)) {
    qp_map_set(&state->at, key_of(copies, far->copies, s->pn), (uint32_t)state->in.n);
    keep(&state->in, s);
  }
  struct qp_relay_log *near = log_of(state, self->evidence, s->conn, s->side);
  if (!(s->views & QP_SENT) || !near->kept || !near->copies)
    return;
  const struct qp_copy *copy = qp_copies_number(copies, near->copies, s->pn);
  if (!copy || s->repeated)
    return;
  const struct kept *in = source(self, copy);
  if (!in) {
    keep(&state->early, s);
    return;
  }
  struct kept out = {.conn = s->conn,
                     .pn = s->pn,
                     .side = s->side,
                     .place = s->place,
                     .udp_len = s->udp->len,
                     .len = s->len,
                     .payload = (uint8_t *)(uintptr_t)s->payload};
  judge_pair(self, in, &out, copy);
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
}

/* Copies whose packet came later in the captures; without one, copy-explained speaks. */
static void finish(struct qp_judged *self) {
  struct copy_exact *state = self->state;
  const struct qp_copies *copies = &self->evidence->copies;
  for (size_t i = 0; i < state->early.n; i++) {
    const struct kept *out = &state->early.items[i];
    const struct qp_relay_log *log = qp_per_conn_peek(&state->logs[out->side], out->conn);
    const struct qp_copy *copy = qp_copies_number(copies, log->copies, out->pn);
    const struct kept *in = source(self, copy);
    if (in)
      judge_pair(self, in, out, copy);
  }
}

static void clear_list(struct kept_list *l) {
  for (size_t i = 0; i < l->n; i++)
    free(l->items[i].payload);
  free(l->items);
}

static void clear(struct qp_judged *self) {
  struct copy_exact *state = self->state;
  clear_list(&state->in);
  clear_list(&state->early);
  qp_map_clear(&state->at);
  qp_per_conn_clear(&state->logs[0], NULL);
  qp_per_conn_clear(&state->logs[1], NULL);
}

const struct qp_check qp_check_copy_exact = {
    .info = {"copy-exact", "fan-out", "Ingress and egress differ only where they must.", true},
    .state = sizeof(struct copy_exact),
    .needs_run = true,
    .watch = watch,
    .finish = finish,
    .clear = clear,
};
