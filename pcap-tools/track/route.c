#include "pcap-tools/track/route.h"

#include <stdlib.h>

#include "pcap-tools/read/memory.h"

/* Up to 36 bytes in one number; the map mixes it. */
static uint64_t key_of(const uint8_t *p, size_t len) {
  uint64_t key = len, word;
  for (; len >= 8; p += 8, len -= 8) {
    memcpy(&word, p, 8);
    key = (key ^ word) * 0x9e3779b97f4a7c15u;
    key ^= key >> 29;
  }
  word = 0;
  memcpy(&word, p, len);
  return (key ^ word) * 0x9e3779b97f4a7c15u;
}

static struct qp_cid_entry *find_id(const struct qp_routes *r, const uint8_t *data, uint8_t len,
                                    uint64_t *free_key) {
  uint64_t key = key_of(data, len);
  uint32_t i;
  for (; (i = qp_map_get(&r->id_of, key)) != QP_MAP_NONE; key++) {
    struct qp_cid_entry *e = &r->ids[i];
    if (e->cid.len == len && !memcmp(e->cid.data, data, len))
      return e;
  }
  *free_key = key;
  return NULL;
}

void qp_routes_add(struct qp_routes *r, const struct qp_cid *cid, struct qp_conn *conn,
                   unsigned receiver) {
  uint64_t key;
  if (!cid->len)
    return;
  struct qp_cid_entry *e = find_id(r, cid->data, cid->len, &key);
  if (!e) {
    qp_grow((void **)&r->ids, &r->ids_room, r->n_ids + 1, sizeof *r->ids);
    qp_map_set(&r->id_of, key, (uint32_t)r->n_ids);
    e = &r->ids[r->n_ids++];
    e->cid = *cid;
    r->lengths |= 1u << cid->len;
  }
  e->route = (struct qp_route){conn, receiver, false};
}

static struct qp_tuple_entry *find_tuple(const struct qp_routes *r, const struct qp_tuple *tuple,
                                         uint64_t *free_key) {
  uint8_t bytes[36];
  const size_t n = tuple->src.family == 4 ? 4 : 16;
  memcpy(bytes, tuple->src.addr, n);
  memcpy(bytes + n, tuple->dst.addr, n);
  memcpy(bytes + 2 * n, &tuple->src.port, 2);
  memcpy(bytes + 2 * n + 2, &tuple->dst.port, 2);
  uint64_t key = key_of(bytes, 2 * n + 4);
  uint32_t i;
  for (; (i = qp_map_get(&r->tuple_of, key)) != QP_MAP_NONE; key++) {
    struct qp_tuple_entry *e = &r->tuples[i];
    if (qp_end_equal(&e->tuple.src, &tuple->src) && qp_end_equal(&e->tuple.dst, &tuple->dst))
      return e;
  }
  *free_key = key;
  return NULL;
}

/* The same, for every packet: few tuples share these bits. */
static struct qp_tuple_entry *near_tuple(struct qp_routes *r, const struct qp_tuple *tuple) {
  const uint8_t *a = tuple->src.addr, *b = tuple->dst.addr;
  uint32_t *near = &r->near[(uint8_t)(tuple->src.port + 3 * tuple->dst.port + 5 * a[3] + 7 * b[3])];
  uint64_t key;
  if (*near) {
    struct qp_tuple_entry *e = &r->tuples[*near - 1];
    if (qp_end_equal(&e->tuple.src, &tuple->src) && qp_end_equal(&e->tuple.dst, &tuple->dst))
      return e;
  }
  struct qp_tuple_entry *e = find_tuple(r, tuple, &key);
  if (e)
    *near = (uint32_t)(e - r->tuples) + 1;
  return e;
}

/* The entry, made if it is not there. */
static struct qp_tuple_entry *open_tuple(struct qp_routes *r, const struct qp_tuple *tuple) {
  uint64_t key;
  struct qp_tuple_entry *e = find_tuple(r, tuple, &key);
  if (e)
    return e;
  qp_grow((void **)&r->tuples, &r->tuples_room, r->n_tuples + 1, sizeof *r->tuples);
  qp_map_set(&r->tuple_of, key, (uint32_t)r->n_tuples);
  e = &r->tuples[r->n_tuples++];
  *e = (struct qp_tuple_entry){.tuple = *tuple};
  return e;
}

/* conn has the tuple now; who had it moves on by one place. */
static void take_over(struct qp_tuple_entry *e, struct qp_conn *conn) {
  struct qp_conn *had = e->route.conn;
  for (unsigned i = 0; i < QP_SHARE - 1 && had && had != conn; i++) {
    struct qp_conn *next = e->before[i];
    e->before[i] = had;
    had = next;
  }
}

void qp_routes_used(struct qp_routes *r, const struct qp_tuple *tuple, struct qp_conn *conn,
                    unsigned receiver, uint8_t cid_len) {
  /* most often the entry that the packet was just found by */
  struct qp_tuple_entry *e = r->last < r->n_tuples ? &r->tuples[r->last] : NULL;
  if (!e || !qp_end_equal(&e->tuple.src, &tuple->src) || !qp_end_equal(&e->tuple.dst, &tuple->dst))
    e = open_tuple(r, tuple);
  take_over(e, conn);
  e->route = (struct qp_route){conn, receiver, false};
  e->cid_len = cid_len;
}

unsigned qp_routes_shared(const struct qp_routes *r, const struct qp_tuple *tuple,
                          const struct qp_route *route, struct qp_conn *conns[QP_SHARE]) {
  uint64_t key;
  const struct qp_tuple_entry *e = find_tuple(r, tuple, &key);
  unsigned n = 0;
  conns[n++] = route->conn;
  for (unsigned i = 0; e && i < QP_SHARE - 1 && e->before[i]; i++)
    if (e->before[i] != route->conn)
      conns[n++] = e->before[i];
  return n;
}

struct qp_conn *qp_routes_began(struct qp_routes *r, const struct qp_tuple *tuple,
                                struct qp_conn *conn) {
  struct qp_tuple_entry *e = open_tuple(r, tuple);
  struct qp_conn *before = e->began;
  e->began = conn;
  return before;
}

bool qp_routes_find(const struct qp_routes *r, const struct qp_cid *cid,
                    const struct qp_tuple *tuple, struct qp_route *route) {
  uint64_t key;
  if (cid->len) {
    const struct qp_cid_entry *e = find_id(r, cid->data, cid->len, &key);
    if (e)
      *route = e->route;
    return e != NULL;
  }
  const struct qp_tuple_entry *e = find_tuple(r, tuple, &key);
  if (!e || !e->route.conn)
    return false;
  *route = e->route;
  return true;
}

bool qp_routes_find_short(struct qp_routes *r, const uint8_t *data, size_t len,
                          const struct qp_tuple *tuple, struct qp_route *route, uint8_t *cid_len) {
  uint64_t key;
  struct qp_tuple_entry *t = near_tuple(r, tuple);
  r->last = t ? (size_t)(t - r->tuples) : SIZE_MAX;
  if (t && t->cid_len && len > t->cid_len) { /* the usual case: as the packet before */
    const struct qp_cid_entry *e = t->id < r->n_ids ? &r->ids[t->id] : NULL;
    if (!e || e->cid.len != t->cid_len || memcmp(e->cid.data, data + 1, t->cid_len) != 0)
      e = find_id(r, data + 1, t->cid_len, &key);
    if (e) {
      t->id = (uint32_t)(e - r->ids);
      *route = e->route;
      *cid_len = t->cid_len;
      return true;
    }
  }
  for (uint8_t n = QP_CID_MAX; n > 0; n--) {
    if (!(r->lengths >> n & 1) || len <= n)
      continue;
    const struct qp_cid_entry *e = find_id(r, data + 1, n, &key);
    if (e) {
      *route = e->route;
      *cid_len = n;
      return true;
    }
  }
  if (!t || !t->route.conn)
    return false;
  *route = t->route;
  route->by_address = t->cid_len != 0;
  *cid_len = t->cid_len;
  return true;
}

/* RFC 9000 10.3: 5 bytes in front of the token at least. */
#define RESET_MIN (5 + QP_TOKEN_LEN)

static struct qp_token_entry *find_token(const struct qp_routes *r, const uint8_t *token,
                                         uint64_t *free_key) {
  uint64_t key = key_of(token, QP_TOKEN_LEN);
  uint32_t i;
  for (; (i = qp_map_get(&r->token_of, key)) != QP_MAP_NONE; key++)
    if (!memcmp(r->tokens[i].token, token, QP_TOKEN_LEN))
      return &r->tokens[i];
  *free_key = key;
  return NULL;
}

void qp_routes_token(struct qp_routes *r, const uint8_t *token, struct qp_conn *conn,
                     unsigned receiver) {
  uint64_t key;
  if (find_token(r, token, &key))
    return;
  qp_grow((void **)&r->tokens, &r->tokens_room, r->n_tokens + 1, sizeof *r->tokens);
  qp_map_set(&r->token_of, key, (uint32_t)r->n_tokens);
  struct qp_token_entry *e = &r->tokens[r->n_tokens++];
  memcpy(e->token, token, QP_TOKEN_LEN);
  e->route = (struct qp_route){conn, receiver, false};
}

bool qp_routes_find_reset(const struct qp_routes *r, const uint8_t *data, size_t len,
                          struct qp_route *route) {
  uint64_t key;
  if (len < RESET_MIN || (data[0] & 0xc0) != 0x40)
    return false;
  const struct qp_token_entry *e = find_token(r, data + len - QP_TOKEN_LEN, &key);
  if (e)
    *route = e->route;
  return e != NULL;
}

void qp_routes_clear(struct qp_routes *r) {
  free(r->tokens);
  qp_map_clear(&r->token_of);
  free(r->ids);
  free(r->tuples);
  qp_map_clear(&r->id_of);
  qp_map_clear(&r->tuple_of);
  memset(r, 0, sizeof *r);
}
