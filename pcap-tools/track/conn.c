#include "pcap-tools/track/conn.h"

#include <stdlib.h>
#include <xxhash.h>

#include "pcap-tools/read/memory.h"

struct qp_conn *qp_conn_new(uint32_t index) {
  struct qp_conn *c = qp_alloc(1, sizeof *c);
  c->index = index;
  c->moqt = true;
  c->null_protection = -1;
  return c;
}

/* Stream IDs have 62 bits: one more for the side leaves room. */
static uint64_t half_key(uint64_t stream, unsigned side) {
  return stream << 1 | side;
}

static void free_half(struct qp_half *h) {
  qp_reasm_clear(&h->sent);
  qp_reasm_clear(&h->reached);
  qp_sendings_clear(&h->sendings);
  XXH3_freeState(h->feed.hash);
  if (h->far)
    XXH3_freeState(h->far->feed.hash);
  free(h->far);
  free(h);
}

void qp_conn_free(struct qp_conn *c) {
  for (size_t i = 0; i < c->n_halves; i++)
    free_half(c->halves[i]);
  for (size_t i = 0; i < c->n_requests; i++) {
    qp_ranges_clear(&c->requests[i].got);
    free(c->requests[i].filters);
  }
  for (int side = 0; side < 2; side++) {
    for (int space = 0; space < QP_SPACE_COUNT; space++) {
      struct qp_numbers *n = &c->numbers[side][space];
      qp_ranges_clear(&n->sent);
      qp_ranges_clear(&n->reached);
      qp_ranges_clear(&n->late);
      qp_ranges_clear(&n->late_acked);
      qp_sightings_clear(&n->seen);
    }
    for (int kind = 0; kind < 4; kind++)
      qp_ranges_clear(&c->retired[side][kind]);
  }
  for (int list = 0; list < QP_LISTS; list++)
    free(c->objects[list]);
  qp_map_clear(&c->half_of);
  qp_map_clear(&c->request_of);
  free(c->halves);
  free(c->requests);
  free(c->vantages);
  free(c);
}

struct qp_half *qp_conn_half(const struct qp_conn *c, uint64_t stream, unsigned side) {
  if (c->last_half[side] && c->last_half[side]->id == stream)
    return c->last_half[side];
  uint32_t i = qp_map_get(&c->half_of, half_key(stream, side));
  return i == QP_MAP_NONE ? NULL : c->halves[i];
}

struct qp_half *qp_conn_open_half(struct qp_conn *c, uint64_t stream, unsigned side,
                                  struct qp_place place) {
  struct qp_half *h = qp_conn_half(c, stream, side);
  if (h)
    return c->last_half[side] = h;
  h = qp_alloc(1, sizeof *h);
  h->id = stream;
  h->side = (uint8_t)side;
  h->opened = place;
  qp_grow((void **)&c->halves, &c->halves_room, c->n_halves + 1, sizeof(struct qp_half *));
  qp_map_set(&c->half_of, half_key(stream, side), (uint32_t)c->n_halves);
  c->halves[c->n_halves++] = h;
  return h;
}

void qp_conn_drop_object(struct qp_conn *c, unsigned side, size_t i) {
  struct qp_object *objects = c->objects[side];
  size_t last = --c->n_objects[side];
  c->gone[side].objects++;
  if (objects[i].half)
    objects[i].half->n_objects--;
  if (i == last)
    return;
  objects[i] = objects[last];
  struct qp_half *h = objects[i].half;
  if (h && !objects[i].whole && h->feed.object == last)
    h->feed.object = (uint32_t)i;
}

void qp_conn_retire_half(struct qp_conn *c, struct qp_half *h) {
  uint32_t i = qp_map_get(&c->half_of, half_key(h->id, h->side));
  if (c->last_half[h->side] == h)
    c->last_half[h->side] = NULL;
  struct qp_half *last = c->halves[--c->n_halves];
  c->halves[i] = last;
  qp_map_set(&c->half_of, half_key(last->id, last->side), i);
  qp_map_remove(&c->half_of, half_key(h->id, h->side));
  qp_ranges_add(&c->retired[h->side][h->id & 3], h->id >> 2, h->id >> 2);
  struct qp_gone *gone = &c->gone[h->side];
  gone->opened += h->side == qp_stream_opener(h->id);
  gone->bytes += qp_reasm_end(&h->sent);
  gone->resent += h->resent;
  uint32_t most = qp_sendings_most(&h->sendings, qp_reasm_end(&h->sent));
  if (h->kind == QP_S_SUBGROUP && most > gone->sendings)
    gone->sendings = most;
  free_half(h);
}

bool qp_conn_retired(const struct qp_conn *c, uint64_t stream, unsigned side) {
  const struct qp_ranges *r = &c->retired[side][stream & 3];
  return r->n && qp_ranges_has(r, stream >> 2);
}

uint64_t qp_conn_n_retired(const struct qp_conn *c, unsigned side) {
  uint64_t n = 0;
  for (int kind = 0; kind < 4; kind++)
    n += qp_ranges_count(&c->retired[side][kind]);
  return n;
}

uint64_t qp_conn_stream_limit(const struct qp_conn *c, unsigned side, uint64_t stream) {
  const struct qp_params *peer = qp_conn_params(c, !side);
  if (qp_stream_uni(stream))
    return peer->max_stream_data_uni;
  return qp_stream_opener(stream) == side ? peer->max_stream_data_bidi_remote
                                          : peer->max_stream_data_bidi_local;
}

uint64_t qp_conn_half_limit(const struct qp_conn *c, const struct qp_half *h) {
  const uint64_t first = qp_conn_stream_limit(c, h->side, h->id);
  return h->allowed > first ? h->allowed : first;
}

struct qp_request *qp_conn_request(const struct qp_conn *c, uint64_t stream) {
  uint32_t i = qp_map_get(&c->request_of, stream);
  return i == QP_MAP_NONE ? NULL : &c->requests[i];
}

static const struct qp_vantage *vantage(const struct qp_conn *c, unsigned side,
                                        const struct qp_end *src, const struct qp_end *dst) {
  for (size_t i = c->n_vantages; i-- > 0;) {
    const struct qp_vantage *v = &c->vantages[i];
    if (v->side == side && qp_end_equal(&v->tuple.src, src) && qp_end_equal(&v->tuple.dst, dst))
      return v;
  }
  return NULL;
}

/* The file of the side that sits at this address, whoever it spoke to from there: an end that
 * has just moved has not been answered yet, but where it is heard stays the same. */
static const struct qp_vantage *vantage_at(const struct qp_conn *c, unsigned side,
                                           const struct qp_end *src) {
  for (size_t i = c->n_vantages; i-- > 0;)
    if (c->vantages[i].side == side && qp_end_equal(&c->vantages[i].tuple.src, src))
      return &c->vantages[i];
  return NULL;
}

enum qp_view qp_conn_would_view(const struct qp_conn *c, unsigned side,
                                const struct qp_tuple *tuple, uint32_t file) {
  const struct qp_vantage *mine = vantage(c, side, &tuple->src, &tuple->dst);
  return !mine || mine->file == file ? QP_SENT : QP_REACHED;
}

static void add_vantage(struct qp_conn *c, struct qp_vantage vantage) {
  qp_grow((void **)&c->vantages, &c->vantages_room, c->n_vantages + 1, sizeof *c->vantages);
  c->vantages[c->n_vantages++] = vantage;
}

void qp_conn_same_vantages(struct qp_conn *c, const struct qp_conn *other, unsigned side) {
  for (size_t i = 0; i < other->n_vantages; i++)
    if (other->vantages[i].side == side)
      add_vantage(c, other->vantages[i]);
}

unsigned qp_conn_views(struct qp_conn *c, unsigned side, const struct qp_tuple *tuple,
                       uint32_t file) {
  const struct qp_vantage *mine = vantage(c, side, &tuple->src, &tuple->dst);
  const struct qp_vantage *peer = vantage(c, !side, &tuple->dst, &tuple->src);
  if (!mine) {
    add_vantage(c, (struct qp_vantage){.tuple = *tuple, .side = (uint8_t)side, .file = file});
    mine = &c->vantages[c->n_vantages - 1];
    peer = vantage(c, !side, &tuple->dst, &tuple->src); /* the array may have moved */
    if (peer && peer->file != file)
      c->split = true;
  }
  if (!peer)
    peer = vantage_at(c, !side, &tuple->dst);
  /* until the peer has sent something nobody knows its file: any counts */
  bool reached = !peer || peer->file == file;
  return (mine->file == file ? QP_SENT : 0u) | (reached ? QP_REACHED : 0u);
}

bool qp_conn_could_not_open(const struct qp_conn *c, const struct qp_object *o) {
  const struct qp_numbers *n = &c->numbers[o->late_side][QP_SPACE_APP];
  return o->late_pn && !qp_ranges_has(&n->late_acked, o->late_pn - 1);
}
