#include "pcap-tools/track/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/read/lines.h"
#include "pcap-tools/read/memory.h"

static const char *const origins[] = {"own", "fast", "slow", "probe", "burned", "unknown"};
static const char *const fates[] = {"outstanding", "acked", "lost", "never-sent", "unknown"};

const char *qp_origin_name(unsigned origin) {
  return origins[origin < QP_ORIGIN_UNKNOWN ? origin : QP_ORIGIN_UNKNOWN];
}

const char *qp_fate_name(unsigned fate) {
  return fates[fate < QP_FATE_UNKNOWN ? fate : QP_FATE_UNKNOWN];
}

uint64_t qp_content_stream(uint64_t sid, uint64_t off, uint64_t len, bool fin) {
  return qp_map_mix(qp_map_mix(sid, off), len << 1 | fin);
}

uint64_t qp_content_datagram(uint64_t len) {
  return qp_map_mix(1, len);
}

uint64_t qp_content_reset(uint64_t sid) {
  return qp_map_mix(2, sid);
}

static unsigned word_of(const struct qp_line *line, const char *key, const char *const *words,
                        unsigned n) {
  for (unsigned i = 0; i < n; i++)
    if (qp_line_is(line, key, words[i]))
      return i;
  return n;
}

static struct qp_ledger_conn *conn_of(struct qp_ledger *l, uint32_t relay,
                                      const struct qp_line *line, const char *file) {
  struct qp_cid odcid = {0};
  odcid.len = (uint8_t)qp_line_hex(line, "conn", odcid.data, sizeof odcid.data);
  const uint32_t known = qp_by_id_get(&l->conn_at, relay, &odcid);
  if (known != QP_MAP_NONE)
    return &l->conns[known];
  qp_by_id_set(&l->conn_at, relay, &odcid, (uint32_t)l->n_conns);
  qp_grow((void **)&l->conns, &l->conns_room, l->n_conns + 1, sizeof *l->conns);
  struct qp_ledger_conn *c = &l->conns[l->n_conns++];
  *c = (struct qp_ledger_conn){.odcid = odcid, .relay = relay, .file = qp_copy_text(file)};
  return c;
}

static uint64_t content_of(const struct qp_line *piece) {
  uint64_t sid = 0, off = 0, len = 0, fin = 0;
  qp_line_u64(piece, "sid", &sid);
  qp_line_u64(piece, "off", &off);
  qp_line_u64(piece, "len", &len);
  qp_line_u64(piece, "fin", &fin);
  if (qp_line_is(piece, "kind", "datagram"))
    return qp_content_datagram(len);
  if (qp_line_is(piece, "kind", "reset"))
    return qp_content_reset(sid);
  return qp_content_stream(sid, off, len, fin != 0);
}

/* The objects of the array, one after the other; they hold no objects themselves. */
static uint64_t sum_of(const struct qp_line_field *content) {
  struct qp_line piece;
  uint64_t sum = 0;
  if (!content || content->type != '[')
    return 0;
  const char *p = content->value.p, *end = p + content->value.len;
  while ((p = memchr(p, '{', (size_t)(end - p)))) {
    const char *close = memchr(p, '}', (size_t)(end - p));
    if (!close || !qp_line_parse(p, (size_t)(close + 1 - p), &piece))
      break;
    sum += content_of(&piece);
    p = close;
  }
  return sum;
}

static void add_number(struct qp_ledger_conn *c, const struct qp_line *line) {
  struct qp_ledger_number n = {.line = line->number};
  if (!qp_line_u64(line, "pn", &n.pn))
    return;
  n.has_own = qp_line_u64(line, "own", &n.own);
  qp_line_u64(line, "t", &n.sent_t);
  n.origin = (uint8_t)word_of(line, "origin", origins, QP_ORIGIN_UNKNOWN);
  n.fate = (uint8_t)word_of(line, "fate", fates, QP_FATE_UNKNOWN);
  n.content = sum_of(qp_line_get(line, "content"));
  uint32_t had = qp_map_get(&c->at, n.pn);
  if (had != QP_MAP_NONE) {
    c->numbers[had].again = true;
    return;
  }
  qp_grow((void **)&c->numbers, &c->room, c->n + 1, sizeof *c->numbers);
  qp_map_set(&c->at, n.pn, (uint32_t)c->n);
  c->numbers[c->n++] = n;
}

/* "[[1,3],[7,7]]" */
static void add_ranges(struct qp_ranges *r, const struct qp_line_field *f) {
  uint64_t v[2] = {0, 0};
  unsigned n = 0;
  bool digits = false;
  for (size_t i = 0; f && f->type == '[' && i < f->value.len; i++) {
    char c = f->value.p[i];
    if (c >= '0' && c <= '9') {
      v[n] = (digits ? v[n] * 10 : 0) + (uint64_t)(c - '0');
      digits = true;
      continue;
    }
    if (digits && ++n == 2) {
      qp_ranges_add(r, v[0], v[1]);
      n = 0;
    }
    digits = false;
  }
}

static void add_ack(struct qp_ledger_conn *c, const struct qp_line *line) {
  qp_grow((void **)&c->acks, &c->acks_room, c->n_acks + 1, sizeof *c->acks);
  struct qp_ledger_ack *a = &c->acks[c->n_acks++];
  *a = (struct qp_ledger_ack){.line = line->number};
  qp_line_u64(line, "t", &a->t);
  add_ranges(&a->joint, qp_line_get(line, "joint"));
  add_ranges(&a->own, qp_line_get(line, "own"));
}

static void forget(struct qp_ledger_conn *c) {
  for (size_t k = 0; k < c->n_acks; k++) {
    qp_ranges_clear(&c->acks[k].joint);
    qp_ranges_clear(&c->acks[k].own);
  }
  qp_map_clear(&c->at);
  c->n = c->n_acks = 0;
}

/* The connection of a line. */
static struct qp_ledger_conn *place_of(struct qp_ledger *l, uint32_t relay,
                                       const struct qp_starts *starts, const struct qp_line *line,
                                       const char *file) {
  struct qp_ledger_conn *c = conn_of(l, relay, line, file);
  size_t life = 0;
  uint64_t t = 0;
  qp_line_u64(line, "t", &t);
  while (life < starts->n && starts->at[life] <= t)
    life++;
  if (life > c->life)
    forget(c);
  c->life = life;
  return c;
}

int qp_ledger_load(struct qp_ledger *l, uint32_t relay, const struct qp_starts *starts,
                   const char *dir, const char *file, char *err, size_t err_len) {
  char path[4096];
  struct qp_lines *lines;
  struct qp_line line;
  snprintf(path, sizeof path, "%s/%s", dir, file);
  int got = qp_lines_open(path, &lines, err, err_len);
  if (got)
    return got;
  while ((got = qp_lines_next(lines, &line, err, err_len)) == 1) {
    if (qp_line_is(&line, "ev", "number"))
      add_number(place_of(l, relay, starts, &line, file), &line);
    else if (qp_line_is(&line, "ev", "ack"))
      add_ack(place_of(l, relay, starts, &line, file), &line);
  }
  qp_lines_close(lines);
  return got;
}

const struct qp_ledger_conn *qp_ledger_find(const struct qp_ledger *l, uint32_t relay,
                                            const struct qp_cid *odcid) {
  const uint32_t i = qp_by_id_get(&l->conn_at, relay, odcid);
  return i == QP_MAP_NONE ? NULL : &l->conns[i];
}

const struct qp_ledger_number *qp_ledger_number(const struct qp_ledger_conn *c, uint64_t pn) {
  uint32_t i = qp_map_get(&c->at, pn);
  return i == QP_MAP_NONE ? NULL : &c->numbers[i];
}

void qp_ledger_clear(struct qp_ledger *l) {
  for (size_t i = 0; i < l->n_conns; i++) {
    struct qp_ledger_conn *c = &l->conns[i];
    forget(c);
    free(c->acks), free(c->numbers), free(c->file);
  }
  free(l->conns);
  qp_by_id_clear(&l->conn_at);
  memset(l, 0, sizeof *l);
}
