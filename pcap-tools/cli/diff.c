/* quicpcap diff FILE1 FILE2: packets of the first file with their copies in the
 * second, and what differs. Of each packet of FILE1 with content, numbers and
 * hashes are kept (about 100 bytes a packet), no payload. */
#include <stdarg.h>
#include <stdlib.h>

#include "pcap-tools/cli/commands.h"
#include "pcap-tools/cli/content.h"
#include "pcap-tools/cli/rows.h"

static const struct qp_column columns[] = {
    {"IN", "in_frame", 7},       {"OUT", "out_frame", 7},    {"CONN", "out_conn", 4},
    {"DELAY us", "delay_us", 9}, {"CHANGED", "changed", -1},
};

enum { FRAMES_MAX = 64, TEXT = 768 };

struct original {
  uint64_t frame, time_ns, pn;
  struct qp_cid dcid;
  uint32_t first, n; /* its contents */
  uint32_t conn;
  bool paired;
};

struct piece {
  struct qp_content content;
  uint32_t original;
};

/* The packet of FILE2 in work. */
struct copy {
  bool pending;
  uint64_t frame, time_ns, pn;
  struct qp_cid dcid;
  uint32_t conn;
  size_t padding;
  struct qp_content contents[FRAMES_MAX];
  size_t n;
};

struct diff {
  struct qp_rows rows;
  const struct qp_evidence *evidence;
  struct original *originals;
  size_t n_originals, originals_room;
  struct piece *pieces;
  size_t n_pieces, pieces_room;
  struct qp_map of_key, of_plain;
  bool now_stored;
  struct copy copy;
  uint64_t pairs, copies_alone;
};

/* ---- the first file ------------------------------------------------------ */

static void add_piece(struct diff *d, const struct qp_seen *s, const struct qp_content *content) {
  if (!d->originals || !d->now_stored) {
    qp_grow((void **)&d->originals, &d->originals_room, d->n_originals + 1, sizeof *d->originals);
    d->originals[d->n_originals++] = (struct original){.frame = s->place.frame,
                                                       .time_ns = s->place.time_ns,
                                                       .pn = s->pn,
                                                       .dcid = s->header->dcid,
                                                       .first = (uint32_t)d->n_pieces,
                                                       .conn = s->conn->index};
    d->now_stored = true;
  }
  uint32_t at = (uint32_t)d->n_pieces;
  qp_grow((void **)&d->pieces, &d->pieces_room, d->n_pieces + 1, sizeof *d->pieces);
  d->pieces[d->n_pieces++] = (struct piece){*content, (uint32_t)d->n_originals - 1};
  d->originals[d->n_originals - 1].n++;
  if (content->key)
    qp_map_set(&d->of_key, content->key, at);
  qp_map_set(&d->of_plain, content->plain, at);
}

/* ---- the second file ----------------------------------------------------- */

static struct piece *partner(const struct diff *d, const struct qp_content *c) {
  uint32_t i = c->key ? qp_map_get(&d->of_key, c->key) : QP_MAP_NONE;
  if (!d->pieces)
    return NULL;
  if (i != QP_MAP_NONE)
    return &d->pieces[i];
  i = qp_map_get(&d->of_plain, c->plain);
  /* both places known and different: equal bytes by chance */
  if (i == QP_MAP_NONE || (c->key && d->pieces[i].content.key))
    return NULL;
  return &d->pieces[i];
}

struct words {
  char text[TEXT];
  size_t len;
};

__attribute__((format(printf, 2, 3))) static void say(struct words *w, const char *format, ...) {
  va_list args;
  size_t room = sizeof w->text - w->len;
  if (w->len && room > 3)
    w->len += (size_t)snprintf(w->text + w->len, room, ", ");
  room = sizeof w->text - w->len;
  va_start(args, format);
  int n = vsnprintf(w->text + w->len, room, format, args);
  va_end(args);
  if (n > 0)
    w->len += (size_t)n < room ? (size_t)n : room - 1;
}

#define U(x) (unsigned long long)(x)

static void say_content(struct words *w, const struct qp_content *c) {
  if (c->datagram)
    say(w, "datagram of %zu bytes", c->len);
  else
    say(w, "stream %llu @%llu+%zu%s", U(c->stream), U(c->offset), c->len, c->fin ? " FIN" : "");
}

static void say_piece(struct words *w, const struct qp_content *a, const struct qp_content *b) {
  if (!a->datagram && a->stream != b->stream)
    say(w, "stream %llu>%llu", U(a->stream), U(b->stream));
  if (a->has_alias && b->has_alias && a->alias != b->alias)
    say(w, "alias %llu>%llu", U(a->alias), U(b->alias));
  if (a->offset != b->offset)
    say(w, "offset %llu>%llu", U(a->offset), U(b->offset));
  if (a->fin != b->fin)
    say(w, b->fin ? "FIN added" : "FIN left out");
}

/* The packet that the most contents of this one come from. NULL: none. */
static struct original *source_of(struct diff *d, const struct copy *c) {
  struct original *best = NULL;
  size_t most = 0;
  for (size_t i = 0; i < c->n; i++) {
    const struct piece *p = partner(d, &c->contents[i]);
    if (!p)
      continue;
    size_t same = 0;
    for (size_t k = 0; k < c->n; k++) {
      const struct piece *q = partner(d, &c->contents[k]);
      same += q && q->original == p->original;
    }
    if (same > most) {
      most = same;
      best = &d->originals[p->original];
    }
  }
  return best;
}

static size_t compare(struct diff *d, const struct copy *c, const struct original *o,
                      struct words *w) {
  size_t same = 0;
  size_t index = (size_t)(o - d->originals), left_out = 0;
  char cid[2][QP_CID_TEXT];
  if (!qp_cid_equal(&o->dcid, &c->dcid))
    say(w, "DCID %s>%s", qp_cid_text(&o->dcid, cid[0]), qp_cid_text(&c->dcid, cid[1]));
  if (o->pn != c->pn)
    say(w, "number %llu>%llu", U(o->pn), U(c->pn));
  for (size_t i = 0; i < c->n; i++) {
    const struct piece *p = partner(d, &c->contents[i]);
    if (p && p->original == index) {
      say_piece(w, &p->content, &c->contents[i]);
      same++;
    } else {
      say_content(w, &c->contents[i]);
      say(w, p ? "which is from frame %llu" : "which has no partner",
          U(p ? d->originals[p->original].frame : 0));
    }
  }
  for (uint32_t k = o->first; same < o->n && k < o->first + o->n; k++) {
    bool there = false;
    for (size_t i = 0; i < c->n; i++)
      there |= partner(d, &c->contents[i]) == &d->pieces[k];
    left_out += !there;
  }
  if (left_out)
    say(w, "%zu of %u frames left out%s", left_out, o->n, c->padding ? " (padded)" : "");
  if (c->padding)
    say(w, "padding %zu", c->padding);
  return left_out;
}

static void row_pair(struct diff *d, const struct copy *c, struct original *o) {
  struct qp_rows *r = &d->rows;
  struct words w = {.len = 0};
  char cid[QP_CID_TEXT];
  size_t left_out = compare(d, c, o, &w);
  o->paired = true;
  d->pairs++;
  qp_rows_begin(r);
  qp_rows_number(r, o->frame);
  qp_rows_number(r, c->frame);
  qp_rows_number(r, c->conn);
  qp_rows_number(r, c->time_ns > o->time_ns ? (c->time_ns - o->time_ns) / 1000 : 0);
  qp_rows_text(r, w.len ? w.text : "nothing");
  qp_rows_extra_number(r, "in_conn", o->conn);
  qp_rows_extra_text(r, "in_dcid", qp_cid_text(&o->dcid, cid));
  qp_rows_extra_text(r, "out_dcid", qp_cid_text(&c->dcid, cid));
  qp_rows_extra_number(r, "in_number", o->pn);
  qp_rows_extra_number(r, "out_number", c->pn);
  qp_rows_extra_number(r, "in_frames", o->n);
  qp_rows_extra_number(r, "out_frames", c->n);
  qp_rows_extra_number(r, "left_out", left_out);
  qp_rows_extra_number(r, "padding", c->padding);
  qp_rows_end(r);
}

static void flush(struct diff *d) {
  struct copy *c = &d->copy;
  if (!c->pending || !c->n)
    return;
  c->pending = false;
  struct original *o = source_of(d, c);
  if (o) {
    row_pair(d, c, o);
    return;
  }
  struct words w = {.len = 0};
  say(&w, "no partner in %s: number %llu", d->evidence->files[0], U(c->pn));
  for (size_t i = 0; i < c->n; i++)
    say_content(&w, &c->contents[i]);
  d->copies_alone++;
  qp_rows_begin(&d->rows);
  qp_rows_none(&d->rows);
  qp_rows_number(&d->rows, c->frame);
  qp_rows_number(&d->rows, c->conn);
  qp_rows_none(&d->rows);
  qp_rows_text(&d->rows, w.text);
  qp_rows_end(&d->rows);
}

/* ---- both ---------------------------------------------------------------- */

static void packet(void *arg, const struct qp_seen *s) {
  struct diff *d = arg;
  if (s->place.file == 0) {
    d->now_stored = false;
    return;
  }
  flush(d);
  d->copy = (struct copy){.pending = s->opened,
                          .frame = s->place.frame,
                          .time_ns = s->place.time_ns,
                          .pn = s->pn,
                          .dcid = s->header->dcid,
                          .conn = s->conn->index};
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct diff *d = arg;
  struct qp_content content;
  if (s->place.file == 1 && f->kind == QP_F_PADDING)
    d->copy.padding += f->len;
  if (!qp_content_of(s, f, effect, &content))
    return;
  if (s->place.file == 0)
    add_piece(d, s, &content);
  else if (d->copy.n < FRAMES_MAX)
    d->copy.contents[d->copy.n++] = content;
}

/* Packets of FILE1 that nothing was made of. */
static uint64_t list_alone(struct diff *d) {
  uint64_t alone = 0;
  for (size_t i = 0; i < d->n_originals; i++) {
    const struct original *o = &d->originals[i];
    struct words w = {.len = 0};
    if (o->paired)
      continue;
    alone++;
    say(&w, "no partner in %s: number %llu", d->evidence->files[1], U(o->pn));
    for (uint32_t k = 0; k < o->n; k++)
      say_content(&w, &d->pieces[o->first + k].content);
    qp_rows_begin(&d->rows);
    qp_rows_number(&d->rows, o->frame);
    qp_rows_none(&d->rows);
    qp_rows_none(&d->rows);
    qp_rows_none(&d->rows);
    qp_rows_text(&d->rows, w.text);
    qp_rows_extra_number(&d->rows, "in_conn", o->conn);
    qp_rows_end(&d->rows);
  }
  return alone;
}

static int conclude(struct diff *d, const struct qp_options *o) {
  flush(d);
  uint64_t alone = list_alone(d);
  fprintf(o->talk, "quicpcap: %llu pairs; without a partner: %llu packets of %s, %llu of %s\n",
          U(d->pairs), U(alone), o->files[0], U(d->copies_alone), o->files[1]);
  if (!d->pairs)
    fprintf(o->talk,
            "quicpcap diff: nothing in common; expected what a relay receives in FILE1 "
            "and what it sends in FILE2, both readable (--keys)\n");
  return d->pairs ? 0 : 1;
}

int qp_cmd_diff(const struct qp_options *o) {
  struct qp_evidence e;
  if (o->n_files != 2 || !strcmp(o->files[0], o->files[1])) {
    fprintf(o->talk, "quicpcap diff: expected two different captures, found %zu file%s\n",
            o->n_files, o->n_files == 1 ? "" : "s");
    return 2;
  }
  int code = qp_cli_open(o, &e);
  if (code)
    return code;
  struct diff *d = qp_alloc(1, sizeof *d);
  d->evidence = &e;
  qp_rows_open(&d->rows, o->out, o->json, columns, sizeof columns / sizeof *columns);
  code = qp_cli_read(o, &e, &(struct qp_watcher){.arg = d, .packet = packet, .frame = frame});
  if (!code) {
    code = conclude(d, o);
    code = qp_cli_talk(o, &e) ? 2 : code;
  }
  free(d->originals);
  free(d->pieces);
  qp_map_clear(&d->of_key);
  qp_map_clear(&d->of_plain);
  free(d);
  qp_evidence_clear(&e);
  return code;
}
