#include "pcap-tools/cli/content.h"

#include <xxhash.h>

/* Where in the tracks; hashed as bytes, so all members have the same size. */
struct identity {
  uint64_t track, group, part, offset, bytes, end;
};

static uint64_t hash_of(const struct identity *id) {
  uint64_t h = XXH3_64bits(id, sizeof *id);
  return h ? h : 1;
}

static bool track_of(const struct qp_seen *s, uint64_t alias, uint64_t *track) {
  const struct qp_request *r = qp_session_alias(s->conn, !s->side, alias, s->place.time_ns);
  *track = r ? r->track : QP_MAP_NONE;
  return r != NULL;
}

/* Length of the subgroup header, from the frame itself or from what came before; 0 = not known. */
static size_t header_len(const struct qp_seen *s, const struct qp_quic_frame *f,
                         struct qp_half *half) {
  uint8_t front[QP_MOQ_HEADER_MAX];
  struct qp_subgroup h;
  enum qp_uni kind;
  const char *why;
  const uint8_t *p = f->stream.data;
  size_t len = (size_t)f->stream.len;
  if (f->stream.offset) {
    len = qp_reasm_read(s->views & QP_SENT ? &half->sent : &half->reached, 0, front, sizeof front);
    p = front;
  }
  int used = len ? qp_uni_header(p, len, &kind, &h, &why) : 0;
  return used > 0 ? (size_t)used : 0;
}

static void of_stream(const struct qp_seen *s, const struct qp_quic_frame *f, struct qp_half *half,
                      struct qp_content *c) {
  size_t len = (size_t)f->stream.len, skip = 0;
  struct identity id = {0};
  size_t header = half->kind == QP_S_SUBGROUP ? header_len(s, f, half) : 0;
  if (!f->stream.offset && header)
    skip = header < len ? header : len;
  id.bytes = XXH3_64bits(f->stream.data + skip, len - skip);
  id.offset = f->stream.offset ? f->stream.offset : skip;
  id.end = len == skip && f->stream.fin;
  c->plain = hash_of(&id);
  if (!header)
    return;
  c->has_alias = true;
  c->alias = half->header.alias;
  if (!track_of(s, c->alias, &id.track))
    return;
  id.group = half->header.group;
  id.part = half->header.id_is_object ? UINT64_MAX : half->header.subgroup;
  id.offset -= header;
  c->key = hash_of(&id);
}

static void of_datagram(const struct qp_seen *s, const struct qp_quic_frame *f,
                        struct qp_content *c) {
  struct qp_moq_datagram d;
  const char *why;
  size_t len = (size_t)f->bytes.len;
  struct identity id = {0};
  c->datagram = true;
  c->len = len;
  if (!s->conn->moqt || !qp_moq_datagram(f->bytes.data, len, &d, &why) || d.padding) {
    id.bytes = XXH3_64bits(f->bytes.data, len);
    c->plain = hash_of(&id);
    return;
  }
  c->has_alias = true;
  c->alias = d.alias;
  id.bytes = XXH3_64bits(d.payload, d.len);
  id.group = d.group;
  id.part = d.object;
  id.end = d.status;
  c->plain = hash_of(&id);
  if (track_of(s, d.alias, &id.track))
    c->key = hash_of(&id);
}

bool qp_content_of(const struct qp_seen *s, const struct qp_quic_frame *f,
                   const struct qp_effect *effect, struct qp_content *c) {
  memset(c, 0, sizeof *c);
  if (f->kind == QP_F_DATAGRAM) {
    of_datagram(s, f, c);
    return true;
  }
  if (f->kind != QP_F_STREAM || !qp_stream_uni(f->stream.id) || !effect->half)
    return false;
  if (effect->half->kind == QP_S_CONTROL || effect->half->kind == QP_S_PADDING)
    return false;
  c->stream = f->stream.id;
  c->offset = f->stream.offset;
  c->len = (size_t)f->stream.len;
  c->fin = f->stream.fin;
  of_stream(s, f, effect->half, c);
  return true;
}
