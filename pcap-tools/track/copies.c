#include "pcap-tools/track/copies.h"

#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/read/lines.h"
#include "pcap-tools/read/memory.h"

static bool is_conn(const struct qp_copies_conn *conn, uint32_t relay, const struct qp_cid *odcid) {
  return conn->relay == relay && qp_cid_equal(&conn->odcid, odcid);
}

static uint32_t conn_of(struct qp_copies *c, uint32_t relay, const struct qp_cid *odcid) {
  /* the upstream is mostly that of the line before */
  uint32_t last = c->n_items ? c->items[c->n_items - 1].up : 0;
  if (last < c->n_conns && is_conn(&c->conns[last], relay, odcid))
    return last;
  const uint32_t known = qp_by_id_get(&c->conn_at, relay, odcid);
  if (known != QP_MAP_NONE)
    return known;
  qp_by_id_set(&c->conn_at, relay, odcid, (uint32_t)c->n_conns);
  qp_grow((void **)&c->conns, &c->conns_room, c->n_conns + 1, sizeof *c->conns);
  memset(&c->conns[c->n_conns], 0, sizeof *c->conns);
  c->conns[c->n_conns].odcid = *odcid;
  c->conns[c->n_conns].relay = relay;
  return (uint32_t)c->n_conns++;
}

/* Of the words of several relays that name the connection that of the first one counts. */
static void note_named(struct qp_copies *c, uint32_t conn) {
  const struct qp_cid *odcid = &c->conns[conn].odcid;
  if (conn < qp_by_id_get(&c->named, 0, odcid)) /* QP_MAP_NONE: it is the first */
    qp_by_id_set(&c->named, 0, odcid, conn);
}

/* The newest entry of the slot; QP_MAP_NONE and the key that is free for it. */
static uint32_t find_slot(const struct qp_copies *c, uint32_t relay, uint64_t slot, uint64_t gen,
                          uint64_t *key) {
  uint32_t i;
  *key = qp_map_mix(qp_map_mix(relay, slot), gen);
  for (; (i = qp_map_get(&c->slot_at, *key)) != QP_MAP_NONE; ++*key)
    if (c->slots[i].slot == slot && c->slots[i].gen == gen &&
        c->conns[c->slots[i].conn].relay == relay)
      break;
  return i;
}

static void add_slot(struct qp_copies *c, uint32_t relay, const struct qp_line *line,
                     const char *file) {
  struct qp_cid odcid = {0};
  struct qp_slot s = {.line = line->number};
  odcid.len = (uint8_t)qp_line_hex(line, "conn", odcid.data, sizeof odcid.data);
  if (!qp_line_u64(line, "slot", &s.slot) || !qp_line_u64(line, "gen", &s.gen))
    return;
  qp_line_u64(line, "t", &s.t);
  qp_line_text(line, "remote", s.remote, sizeof s.remote);
  qp_line_text(line, "local", s.local, sizeof s.local);
  s.conn = conn_of(c, relay, &odcid);
  if (!c->conns[s.conn].file) {
    c->conns[s.conn].file = qp_copy_text(file);
    note_named(c, s.conn);
  }
  qp_grow((void **)&c->slots, &c->slots_room, c->n_slots + 1, sizeof *c->slots);
  uint64_t key;
  find_slot(c, relay, s.slot, s.gen, &key);
  qp_map_set(&c->slot_at, key, (uint32_t)c->n_slots);
  c->slots[c->n_slots++] = s;
}

/* The connection in a slot; the newest entry wins. */
static struct qp_copies_conn *in_slot(struct qp_copies *c, uint32_t relay,
                                      const struct qp_line *line) {
  uint64_t slot, gen, key;
  if (!qp_line_u64(line, "slot", &slot) || !qp_line_u64(line, "gen", &gen))
    return NULL;
  const uint32_t i = find_slot(c, relay, slot, gen, &key);
  return i == QP_MAP_NONE ? NULL : &c->conns[c->slots[i].conn];
}

static void count_decision(struct qp_copies_conn *conn, const struct qp_line *line) {
  char name[32];
  qp_line_text(line, "decision", name, sizeof name);
  for (size_t i = 0; i < conn->n_decisions; i++) {
    if (!strcmp(conn->decisions[i].name, name)) {
      conn->decisions[i].n++;
      return;
    }
  }
  qp_grow((void **)&conn->decisions, &conn->decisions_room, conn->n_decisions + 1,
          sizeof *conn->decisions);
  struct qp_decision_count *d = &conn->decisions[conn->n_decisions++];
  memcpy(d->name, name, sizeof name);
  d->n = 1;
}

static uint64_t number_key(uint32_t conn, uint64_t pn) {
  return qp_map_mix(conn, pn);
}

static uint64_t packet_key(uint32_t conn, uint32_t up, uint64_t up_pn) {
  return qp_map_mix(number_key(conn, up_pn), up);
}

/* Puts item i in front of its chain. */
static void chain(struct qp_map *map, uint32_t **next, size_t *room, uint64_t key, uint32_t i) {
  qp_grow((void **)next, room, (size_t)i + 1, sizeof **next);
  (*next)[i] = qp_map_get(map, key);
  qp_map_set(map, key, i);
}

enum { NO_SUBSCRIBER = UINT32_MAX - 1 };

static void add_copy(struct qp_copies *c, const struct qp_line *line, struct qp_copies_conn *conn) {
  struct qp_copy y = {.line = (uint32_t)line->number};
  struct qp_cid up = {0};
  uint64_t len = 0, frame = 0, fin = 0;
  up.len = (uint8_t)qp_line_hex(line, "up", up.data, sizeof up.data);
  y.conn = (uint32_t)(conn - c->conns);
  y.up = conn_of(c, conn->relay, &up);
  y.send = qp_line_is(line, "decision", "send") && qp_line_u64(line, "pn", &y.pn);
  y.datagram = qp_line_is(line, "kind", "datagram");
  qp_line_u64(line, "t", &y.t);
  qp_line_u64(line, "up_pn", &y.up_pn);
  qp_line_u64(line, "sid", &y.sid);
  qp_line_u64(line, "off", &y.off);
  qp_line_u64(line, "len", &len);
  qp_line_u64(line, "fin", &fin);
  qp_line_u64(line, "frame", &frame);
  y.has_down = qp_line_u64(line, "down_sid", &y.down_sid);
  y.len = (uint32_t)len;
  y.frame = (uint32_t)frame;
  y.fin = fin != 0;
  uint32_t i = (uint32_t)c->n_items++;
  qp_grow((void **)&c->items, &c->items_room, c->n_items, sizeof *c->items);
  c->items[i] = y;
  qp_grow((void **)&c->next_number, &c->number_room, c->n_items, sizeof *c->next_number);
  c->next_number[i] = QP_MAP_NONE;
  if (y.send) {
    chain(&c->by_number, &c->next_number, &c->number_room, number_key(y.conn, y.pn), i);
    /* whoever asks whether a packet is a source does not ask for whom */
    qp_map_set(&c->by_packet, packet_key(NO_SUBSCRIBER, y.up, y.up_pn), i);
  }
  chain(&c->by_packet, &c->next_packet, &c->packet_room, packet_key(y.conn, y.up, y.up_pn), i);
}

static void add_line(struct qp_copies *c, uint32_t relay, const struct qp_line *line,
                     const char *file) {
  c->lines++;
  if (qp_line_is(line, "ev", "connection")) {
    add_slot(c, relay, line, file);
    return;
  }
  bool failed = qp_line_is(line, "ev", "emit_failed");
  bool dropped = qp_line_is(line, "ev", "dropped"); /* by user space, of what waited */
  if (!failed && !dropped && !qp_line_is(line, "ev", "copy"))
    return;
  struct qp_copies_conn *conn = in_slot(c, relay, line);
  if (dropped) { /* on datapath stock nobody has a slot */
    if (conn)
      count_decision(conn, line);
    return;
  }
  uint64_t pn;
  if (!conn) {
    c->stray_line = c->stray_line ? c->stray_line : line->number;
    return;
  }
  if (failed) {
    if (qp_line_u64(line, "pn", &pn))
      qp_ranges_add(&conn->failed, pn, pn);
    return;
  }
  if (!qp_line_is(line, "decision", "send"))
    count_decision(conn, line);
  else if (qp_line_u64(line, "pn", &pn))
    qp_ranges_add(&conn->fast, pn, pn);
  add_copy(c, line, conn);
}

int qp_copies_load(struct qp_copies *c, uint32_t relay, const char *dir, const char *file,
                   char *err, size_t err_len) {
  char path[4096];
  struct qp_lines *lines;
  struct qp_line line;
  snprintf(path, sizeof path, "%s/%s", dir, file);
  int got = qp_lines_open(path, &lines, err, err_len);
  if (got)
    return got;
  while ((got = qp_lines_next(lines, &line, err, err_len)) == 1)
    add_line(c, relay, &line, file);
  qp_lines_close(lines);
  return got;
}

const struct qp_copies_conn *qp_copies_find(const struct qp_copies *c, uint32_t relay,
                                            const struct qp_cid *odcid) {
  const uint32_t i = qp_by_id_get(&c->conn_at, relay, odcid);
  return i == QP_MAP_NONE ? NULL : &c->conns[i];
}

const struct qp_copies_conn *qp_copies_downstream(const struct qp_copies *c,
                                                  const struct qp_cid *odcid) {
  const uint32_t i = qp_by_id_get(&c->named, 0, odcid);
  return i == QP_MAP_NONE ? NULL : &c->conns[i];
}

/* Chains hold what has the same key; a hash may bring others in. */
static const struct qp_copy *numbered(const struct qp_copies *c, uint32_t i, uint32_t conn,
                                      uint64_t pn) {
  for (; i < c->n_items; i = c->next_number[i]) /* QP_MAP_NONE ends it */
    if (c->items[i].conn == conn && c->items[i].pn == pn)
      return &c->items[i];
  return NULL;
}

const struct qp_copy *qp_copies_number(const struct qp_copies *c, const struct qp_copies_conn *conn,
                                       uint64_t pn) {
  uint32_t n = (uint32_t)(conn - c->conns);
  return numbered(c, qp_map_get(&c->by_number, number_key(n, pn)), n, pn);
}

const struct qp_copy *qp_copies_next(const struct qp_copies *c, const struct qp_copy *copy) {
  return numbered(c, c->next_number[copy - c->items], copy->conn, copy->pn);
}

const struct qp_copy *qp_copies_frame(const struct qp_copies *c, const struct qp_copy *copy,
                                      const struct qp_copy *frame) {
  uint32_t i = qp_map_get(&c->by_packet, packet_key(copy->conn, copy->up, copy->up_pn));
  for (; i < c->n_items; i = c->next_packet[i]) {
    const struct qp_copy *y = &c->items[i];
    if (y->conn != copy->conn || y->up != copy->up || y->up_pn != copy->up_pn ||
        y->datagram != frame->datagram || y->len != frame->len)
      continue;
    if (y->datagram ? y->frame == frame->frame
                    : y->sid == frame->sid && y->off == frame->off && y->fin == frame->fin)
      return y;
  }
  return NULL;
}

bool qp_copies_source(const struct qp_copies *c, const struct qp_copies_conn *up, uint64_t up_pn) {
  uint64_t key = packet_key(NO_SUBSCRIBER, (uint32_t)(up - c->conns), up_pn);
  return qp_map_get(&c->by_packet, key) != QP_MAP_NONE;
}

bool qp_copies_is_drop(const char *decision) {
  static const char *const drops[] = {"filtered", "policy",  "not-forwarded",
                                      "skipped",  "backlog", "too-far-behind"};
  for (size_t i = 0; i < sizeof drops / sizeof *drops; i++)
    if (!strcmp(decision, drops[i]))
      return true;
  return false;
}

void qp_copies_clear(struct qp_copies *c) {
  for (size_t i = 0; i < c->n_conns; i++) {
    qp_ranges_clear(&c->conns[i].fast);
    qp_ranges_clear(&c->conns[i].failed);
    free(c->conns[i].decisions);
    free(c->conns[i].file);
  }
  free(c->conns);
  qp_by_id_clear(&c->conn_at);
  qp_by_id_clear(&c->named);
  qp_map_clear(&c->slot_at);
  free(c->slots);
  free(c->items);
  free(c->next_number);
  free(c->next_packet);
  qp_map_clear(&c->by_number);
  qp_map_clear(&c->by_packet);
  memset(c, 0, sizeof *c);
}
