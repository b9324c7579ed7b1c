#include "pcap-tools/mutate/bed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/check/fanout.h"
#include "pcap-tools/check/per_conn.h"
#include "pcap-tools/read/memory.h"

enum {
  SECTION_HEADER = 0x0a0d0d0a,
  ENHANCED_PACKET = 6,
  BLOCK_HEAD = 8,
  PACKET_HEAD = 28, /* of an Enhanced Packet Block up to the frame's bytes */
  ETHERNET = 14,
  ETHERTYPE_IPV6 = 0x86dd,
  UDP_HEAD = 8,
};

/* ---- files ------------------------------------------------------------------- */

static uint8_t *slurp(const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  if (!f)
    return NULL;
  uint8_t *data = NULL;
  size_t room = 0, n = 0;
  do {
    qp_grow((void **)&data, &room, n + 65536, 1);
    n += fread(data + n, 1, room - n - 1, f);
  } while (n == room - 1);
  fclose(f);
  data[n] = 0;
  *len = n;
  return data;
}

static uint32_t word(const uint8_t *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

/* The records of a pcapng file. */
static bool find_records(struct qm_capture *c) {
  size_t at = 0;
  while (at + 12 <= c->len) {
    uint32_t type = word(c->data + at), len = word(c->data + at + 4);
    if (len < 12 || len % 4 || len > c->len - at)
      return false;
    if (type == SECTION_HEADER && word(c->data + at + BLOCK_HEAD) != 0x1a2b3c4d)
      return false;
    if (type == ENHANCED_PACKET && len >= PACKET_HEAD + 4) {
      const uint8_t *b = c->data + at;
      qp_grow((void **)&c->records, &c->room, c->n + 1, sizeof *c->records);
      c->records[c->n++] =
          (struct qm_record){.block = at,
                             .block_len = len,
                             .at = at + PACKET_HEAD,
                             .len = word(b + 20),
                             .time_ns = (uint64_t)word(b + 12) << 32 | word(b + 16)};
    }
    at += len;
  }
  return at == c->len && c->n;
}

static int open_captures(struct qm_bed *bed, char *err, size_t err_len) {
  bed->n_captures = bed->e.n_files;
  bed->captures = qp_alloc(bed->n_captures, sizeof *bed->captures);
  for (size_t i = 0; i < bed->n_captures; i++) {
    struct qm_capture *c = &bed->captures[i];
    char path[4096];
    c->name = qp_copy_text(bed->e.files[i]);
    snprintf(path, sizeof path, "%s/%s", bed->dir, c->name);
    c->data = slurp(path, &c->len);
    if (c->data && find_records(c))
      continue;
    snprintf(err, err_len, "%s: expected a whole pcapng file with packets, found %s", path,
             c->data ? "something else" : strerror(errno));
    return -1;
  }
  return 0;
}

static void split(struct qm_bed *bed, struct qm_text *t, char *data, size_t len) {
  for (char *p = data, *end = data + len; p < end;) {
    char *stop = memchr(p, '\n', (size_t)(end - p));
    size_t n = (size_t)((stop ? stop : end) - p);
    qp_grow((void **)&t->lines, &t->room, t->n + 1, sizeof *t->lines);
    t->lines[t->n] = qp_text("%.*s", (int)n, p);
    qp_grow((void **)&bed->lines, &bed->lines_room, bed->n_lines + 1, sizeof *bed->lines);
    bed->lines[bed->n_lines++] = (struct qm_line){(uint32_t)(t - bed->texts), (uint32_t)t->n};
    t->n++;
    p += n + 1;
  }
}

static void open_text(struct qm_bed *bed, const char *name, const char *kind) {
  char path[4096];
  size_t len;
  snprintf(path, sizeof path, "%s/%s", bed->dir, name);
  char *data = (char *)slurp(path, &len);
  if (!data)
    return;
  qp_grow((void **)&bed->texts, &bed->texts_room, bed->n_texts + 1, sizeof *bed->texts);
  struct qm_text *t = &bed->texts[bed->n_texts++];
  *t = (struct qm_text){.name = qp_copy_text(name), .kind = kind};
  split(bed, t, data, len);
  free(data);
}

static void open_texts(struct qm_bed *bed) {
  const struct qp_manifest *m = bed->e.manifest;
  for (size_t i = 0; i < m->n_nodes; i++) {
    const struct qp_node *node = &m->nodes[i];
    static const char *const relays[] = {"ledger", "copies"}, *const ends[] = {"objects"};
    bool relay = !strcmp(node->role, "relay");
    for (size_t k = 0; k < (relay ? 2 : 1); k++) {
      const char *kind = relay ? relays[k] : ends[k];
      char *name = qp_text("%s-%s.jsonl", node->file, kind);
      open_text(bed, name, kind);
      free(name);
    }
  }
  for (size_t i = 0; i < bed->e.qlogs.n; i++)
    open_text(bed, bed->e.qlogs.items[i].file, "qlog");
  open_text(bed, "faults.jsonl", "faults");
  open_text(bed, "keys.log", "keys");
  open_text(bed, "manifest.json", "manifest");
}

/* ---- packets ------------------------------------------------------------------- */

/* What is behind a limit while packets pass. */
struct allowance {
  uint64_t now, before; /* the limit, and the one before the frame that raised it */
  size_t raised_by;     /* index of that frame; SIZE_MAX: a transport parameter */
};

struct allowances {
  bool begun;
  struct allowance data[2], streams[2]; /* of what a side sends; streams: one-way ones */
};

struct indexer {
  struct qm_bed *bed;
  struct qp_per_conn allowances;
};

static uint32_t udp_payload_at(const uint8_t *frame) {
  bool six = (frame[12] << 8 | frame[13]) == ETHERTYPE_IPV6;
  return ETHERNET + (six ? 40u : (frame[ETHERNET] & 15u) * 4u) + UDP_HEAD;
}

static void packet(void *arg, const struct qp_seen *s) {
  struct indexer *x = arg;
  struct qm_bed *bed = x->bed;
  const struct qm_capture *c = &bed->captures[s->place.file];
  if (s->place.frame == 0 || s->place.frame > c->n)
    return;
  const struct qm_record *r = &c->records[s->place.frame - 1];
  qp_grow((void **)&bed->packets, &bed->packets_room, bed->n_packets + 1, sizeof *bed->packets);
  uint32_t udp = udp_payload_at(c->data + r->at);
  uint32_t at = udp + (uint32_t)(s->header->start - s->udp->payload);
  uint32_t pn_at = s->header->pn_at ? at + (uint32_t)s->header->pn_at : 0;
  bed->packets[bed->n_packets++] = (struct qm_packet){
      .file = s->place.file,
      .record = (uint32_t)s->place.frame - 1,
      .conn = s->conn,
      .side = (uint8_t)s->side,
      .views = (uint8_t)s->views,
      .type = (uint8_t)s->header->type,
      .space = (uint8_t)s->space,
      .pn_len = (uint8_t)s->pn_len,
      .dcid_len = s->header->dcid.len,
      .opened = s->opened,
      .clear = s->opened && s->null_protected,
      .copy = s->opened && s->space == QP_SPACE_APP && s->side == QP_SERVER && s->conn->fast &&
              qp_ranges_has(s->conn->fast, s->pn),
      .any_acked = s->any_acked,
      .pn = s->pn,
      .largest_acked = s->largest_acked,
      .time_ns = s->place.time_ns,
      .udp_at = udp,
      .at = at,
      .len = (uint32_t)s->header->len,
      .pn_at = pn_at,
      .payload_at = pn_at + s->pn_len,
      .payload_len = s->opened ? (uint32_t)s->len : 0,
      .first_frame = bed->n_frames,
  };
}

static struct allowances *allowances_of(struct indexer *x, const struct qp_conn *c) {
  struct allowances *a = qp_per_conn(&x->allowances, c, sizeof *a);
  const struct qp_params *peers[2] = {&c->hello.server, &c->hello.client};
  if (a->begun || !peers[0]->seen || !peers[1]->seen)
    return a;
  a->begun = true;
  for (int side = 0; side < 2; side++) {
    a->data[side] = (struct allowance){peers[side]->max_data, 0, SIZE_MAX};
    a->streams[side] = (struct allowance){peers[side]->max_streams_uni, 0, SIZE_MAX};
  }
  return a;
}

static void used(struct qm_bed *bed, const struct allowance *a, uint64_t value) {
  if (a->raised_by != SIZE_MAX && value > a->before && value <= a->now)
    bed->frames[a->raised_by].lowered = a->before;
}

static void raised(struct qm_bed *bed, struct allowance *a, uint64_t value) {
  if (value > a->now)
    *a = (struct allowance){value, a->now, bed->n_frames - 1};
}

/* Limits: which frame's raise was needed. */
static void weigh(struct indexer *x, const struct qp_seen *s, const struct qp_quic_frame *f) {
  struct allowances *a = allowances_of(x, s->conn);
  if (!a->begun)
    return;
  if ((s->views & QP_SENT) && f->kind == QP_F_STREAM) {
    used(x->bed, &a->data[s->side], s->conn->charged[s->side]);
    if (qp_stream_uni(f->stream.id))
      used(x->bed, &a->streams[s->side], f->stream.id / 4 + 1);
  }
  if ((s->views & QP_REACHED) && f->kind == QP_F_MAX_DATA)
    raised(x->bed, &a->data[!s->side], f->limit.value);
  if ((s->views & QP_REACHED) && f->kind == QP_F_MAX_STREAMS_UNI)
    raised(x->bed, &a->streams[!s->side], f->limit.value);
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct indexer *x = arg;
  struct qm_bed *bed = x->bed;
  struct qm_packet *p = bed->n_packets ? &bed->packets[bed->n_packets - 1] : NULL;
  if (!p || p->file != s->place.file || p->record + 1 != s->place.frame)
    return;
  p->closing |= f->kind == QP_F_CONNECTION_CLOSE || f->kind == QP_F_CONNECTION_CLOSE_APP;
  if (!p->clear)
    return;
  uint32_t in_payload = (uint32_t)(f->start - s->payload);
  qp_grow((void **)&bed->frames, &bed->frames_room, bed->n_frames + 1, sizeof *bed->frames);
  struct qm_frame *m = &bed->frames[bed->n_frames++];
  *m = (struct qm_frame){.packet = bed->n_packets - 1,
                         .at = p->payload_at + in_payload,
                         .len = (uint32_t)f->len,
                         .fresh = effect->fresh};
  const char *why;
  struct qp_cur c = qp_cur(qm_bytes(bed, p) + m->at, p->payload_len - in_payload);
  qp_quic_frame_next(&c, &m->f, &why);
  p->n_frames++;
  weigh(x, s, f);
}

/* ---- all of it ------------------------------------------------------------------- */

int qm_bed_open(struct qm_bed *bed, const char *dir, char *err, size_t err_len) {
  memset(bed, 0, sizeof *bed);
  bed->dir = realpath(dir, NULL);
  if (!bed->dir) {
    snprintf(err, err_len, "%s: %s", dir, strerror(errno));
    return -1;
  }
  struct indexer x = {.bed = bed};
  struct qp_watcher watcher = {.arg = &x, .packet = packet, .frame = frame};
  if (qp_evidence_of_run(&bed->e, bed->dir, NULL, err, err_len) || open_captures(bed, err, err_len))
    return -1;
  open_texts(bed);
  qp_tracker_watch(bed->e.tracker, &watcher);
  bed->e.fanout = qp_fanout_new();
  int got = qp_evidence_read(&bed->e, err, err_len);
  qp_per_conn_clear(&x.allowances, NULL);
  if (!got)
    qp_fanout_make(&bed->e, bed->e.fanout);
  return got || judge_run_dir(bed->dir, &bed->report, err, err_len) ? -1 : 0;
}

void qm_bed_close(struct qm_bed *bed) {
  for (size_t i = 0; i < bed->n_captures; i++)
    free(bed->captures[i].name), free(bed->captures[i].data), free(bed->captures[i].records);
  for (size_t i = 0; i < bed->n_texts; i++) {
    for (size_t k = 0; k < bed->texts[i].n; k++)
      free(bed->texts[i].lines[k]);
    free(bed->texts[i].lines), free(bed->texts[i].name);
  }
  free(bed->captures), free(bed->texts), free(bed->lines), free(bed->packets), free(bed->frames);
  judge_report_free(bed->report);
  if (bed->dir)
    qp_evidence_clear(&bed->e);
  free(bed->dir);
}

const uint8_t *qm_bytes(const struct qm_bed *bed, const struct qm_packet *p) {
  const struct qm_capture *c = &bed->captures[p->file];
  return c->data + c->records[p->record].at;
}

const char *qm_line_text(const struct qm_bed *bed, size_t line) {
  return bed->texts[bed->lines[line].text].lines[bed->lines[line].line];
}

const char *qm_line_kind(const struct qm_bed *bed, size_t line) {
  return bed->texts[bed->lines[line].text].kind;
}

size_t qm_sighting(const struct qm_bed *bed, size_t packet_at, size_t *at) {
  const struct qm_packet *p = &bed->packets[packet_at];
  for (; *at < bed->n_packets; (*at)++) {
    const struct qm_packet *q = &bed->packets[*at];
    bool same = q->conn == p->conn && q->side == p->side && q->space == p->space &&
                q->type == p->type && q->len == p->len;
    if (*at == packet_at || (same && q->opened && p->opened && q->pn == p->pn))
      return (*at)++;
  }
  return SIZE_MAX;
}

const struct judge_check *qm_check(const struct judge_report *report, const char *name) {
  for (size_t i = 0; i < report->n_checks; i++)
    if (!strcmp(report->checks[i].name, name))
      return &report->checks[i];
  return NULL;
}

const struct qp_node *qm_node(const struct qm_bed *bed, const struct qm_packet *p, unsigned side) {
  return qp_node_at(&bed->e, p->conn, side);
}
