#include "pcap-tools/track/copies.h"

#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/read/lines.h"
#include "pcap-tools/read/memory.h"

static uint32_t conn_of(struct qp_copies *c, const struct qp_cid *odcid) {
  for (size_t i = 0; i < c->n_conns; i++)
    if (qp_cid_equal(&c->conns[i].odcid, odcid))
      return (uint32_t)i;
  qp_grow((void **)&c->conns, &c->conns_room, c->n_conns + 1, sizeof *c->conns);
  memset(&c->conns[c->n_conns], 0, sizeof *c->conns);
  c->conns[c->n_conns].odcid = *odcid;
  return (uint32_t)c->n_conns++;
}

static void add_slot(struct qp_copies *c, const struct qp_line *line) {
  struct qp_cid odcid = {0};
  struct qp_slot s = {0};
  odcid.len = (uint8_t)qp_line_hex(line, "conn", odcid.data, sizeof odcid.data);
  if (!qp_line_u64(line, "slot", &s.slot) || !qp_line_u64(line, "gen", &s.gen))
    return;
  s.conn = conn_of(c, &odcid);
  qp_grow((void **)&c->slots, &c->slots_room, c->n_slots + 1, sizeof *c->slots);
  c->slots[c->n_slots++] = s;
}

/* The connection in a slot; the newest entry wins. */
static struct qp_copies_conn *in_slot(struct qp_copies *c, const struct qp_line *line) {
  uint64_t slot, gen;
  if (!qp_line_u64(line, "slot", &slot) || !qp_line_u64(line, "gen", &gen))
    return NULL;
  for (size_t i = c->n_slots; i-- > 0;)
    if (c->slots[i].slot == slot && c->slots[i].gen == gen)
      return &c->conns[c->slots[i].conn];
  return NULL;
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

static void add_line(struct qp_copies *c, const struct qp_line *line) {
  c->lines++;
  if (qp_line_is(line, "ev", "connection")) {
    add_slot(c, line);
    return;
  }
  if (!qp_line_is(line, "ev", "copy"))
    return;
  struct qp_copies_conn *conn = in_slot(c, line);
  uint64_t pn;
  if (!conn)
    return;
  if (!qp_line_is(line, "decision", "send"))
    count_decision(conn, line);
  else if (qp_line_u64(line, "pn", &pn))
    qp_ranges_add(&conn->fast, pn, pn);
}

int qp_copies_load(struct qp_copies *c, const char *path, char *err, size_t err_len) {
  struct qp_lines *lines;
  struct qp_line line;
  int got = qp_lines_open(path, &lines, err, err_len);
  if (got)
    return got;
  while ((got = qp_lines_next(lines, &line, err, err_len)) == 1)
    add_line(c, &line);
  qp_lines_close(lines);
  return got;
}

const struct qp_copies_conn *qp_copies_find(const struct qp_copies *c, const struct qp_cid *odcid) {
  for (size_t i = 0; i < c->n_conns; i++)
    if (qp_cid_equal(&c->conns[i].odcid, odcid))
      return &c->conns[i];
  return NULL;
}

bool qp_copies_is_drop(const char *decision) {
  static const char *const drops[] = {"filtered", "policy", "not-forwarded", "skipped"};
  for (size_t i = 0; i < sizeof drops / sizeof *drops; i++)
    if (!strcmp(decision, drops[i]))
      return true;
  return false;
}

void qp_copies_clear(struct qp_copies *c) {
  for (size_t i = 0; i < c->n_conns; i++) {
    qp_ranges_clear(&c->conns[i].fast);
    free(c->conns[i].decisions);
  }
  free(c->conns);
  free(c->slots);
  memset(c, 0, sizeof *c);
}
