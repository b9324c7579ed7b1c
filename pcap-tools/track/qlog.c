#include "pcap-tools/track/qlog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/read/lines.h"
#include "pcap-tools/read/memory.h"
#include "pcap-tools/track/ledger.h"

enum { RECORD_SEPARATOR = 0x1e };

static uint64_t key_of(enum qp_space space, bool sent, uint64_t pn) {
  return qp_map_mix(pn, 2 * (uint64_t)space + sent);
}

struct qp_qlog_packet *qp_qlog_packet(const struct qp_qlog *log, enum qp_space space, bool sent,
                                      uint64_t pn) {
  for (uint64_t key = key_of(space, sent, pn);; key++) {
    uint32_t i = qp_map_get(&log->at, key);
    if (i == QP_MAP_NONE)
      return NULL;
    struct qp_qlog_packet *p = &log->packets[i];
    if (p->pn == pn && p->space == space && p->sent == sent)
      return p;
  }
}

/* ---- one record ----------------------------------------------------------------- */

/* The object that begins at p, its length; 0: it does not end. */
static size_t object_len(const char *p, const char *end) {
  size_t depth = 0;
  for (const char *q = p; q < end; q++) {
    depth += *q == '{';
    if (*q == '}' && --depth == 0)
      return (size_t)(q + 1 - p);
  }
  return 0;
}

static uint64_t content_of(const struct qp_line *frame) {
  uint64_t id = 0, off = 0, len = 0;
  const struct qp_line_field *fin = qp_line_get(frame, "fin");
  qp_line_u64(frame, "stream_id", &id);
  qp_line_u64(frame, "offset", &off);
  qp_line_u64(frame, "length", &len);
  if (qp_line_is(frame, "frame_type", "stream"))
    return qp_content_stream(id, off, len, fin && fin->value.len == 4); /* true */
  if (qp_line_is(frame, "frame_type", "datagram"))
    return qp_content_datagram(len);
  return qp_line_is(frame, "frame_type", "reset_stream") ? qp_content_reset(id) : 0;
}

static uint64_t sum_of(const struct qp_line_field *frames) {
  struct qp_line frame;
  uint64_t sum = 0;
  if (!frames || frames->type != '[')
    return 0;
  const char *p = frames->value.p, *end = p + frames->value.len;
  while ((p = memchr(p, '{', (size_t)(end - p)))) {
    size_t len = object_len(p, end);
    if (!len || !qp_line_parse(p, len, &frame))
      break;
    sum += content_of(&frame);
    p += len;
  }
  return sum;
}

/* The member as an object of its own; false: there is none. */
static bool inner(const struct qp_line *line, const char *key, struct qp_line *out) {
  const struct qp_line_field *f = qp_line_get(line, key);
  return f && f->type == '{' && qp_line_parse(f->value.p, f->value.len, out);
}

static int space_of(const struct qp_line *header) {
  return qp_line_is(header, "packet_type", "initial")     ? QP_SPACE_INITIAL
         : qp_line_is(header, "packet_type", "handshake") ? QP_SPACE_HANDSHAKE
         : qp_line_is(header, "packet_type", "1RTT") || qp_line_is(header, "packet_type", "0RTT")
             ? QP_SPACE_APP
             : -1;
}

static void add_packet(struct qp_qlog *log, const struct qp_line *record, bool sent,
                       uint64_t number) {
  struct qp_line data, header;
  uint64_t pn;
  if (!inner(record, "data", &data) || !inner(&data, "header", &header) || space_of(&header) < 0 ||
      !qp_line_u64(&header, "packet_number", &pn))
    return;
  enum qp_space space = (enum qp_space)space_of(&header);
  if (qp_qlog_packet(log, space, sent, pn)) /* came again: pn-unique's business */
    return;
  uint64_t key = key_of(space, sent, pn);
  while (qp_map_get(&log->at, key) != QP_MAP_NONE)
    key++;
  qp_grow((void **)&log->packets, &log->room, log->n + 1, sizeof *log->packets);
  qp_map_set(&log->at, key, (uint32_t)log->n);
  log->packets[log->n++] = (struct qp_qlog_packet){.pn = pn,
                                                   .content = sum_of(qp_line_get(&data, "frames")),
                                                   .line = number,
                                                   .space = (uint8_t)space,
                                                   .sent = sent};
}

static void learn_id(struct qp_qlog *log, const struct qp_line *record) {
  struct qp_line trace, common;
  if (inner(record, "trace", &trace) && inner(&trace, "common_fields", &common))
    log->odcid.len =
        (uint8_t)qp_line_hex(&common, "group_id", log->odcid.data, sizeof log->odcid.data);
}

static void take(struct qp_qlog *log, const char *text, size_t len, uint64_t number) {
  struct qp_line record;
  if (!qp_line_parse(text, len, &record))
    log->cut = true;
  else if (number == 1)
    learn_id(log, &record);
  else if (qp_line_is(&record, "name", "transport:packet_sent"))
    add_packet(log, &record, true, number);
  else if (qp_line_is(&record, "name", "transport:packet_received"))
    add_packet(log, &record, false, number);
}

/* ---- files ------------------------------------------------------------------------- */

/* Returns 0; 1 if there is no such file; -1 with a message. */
static int load_one(struct qp_qlogs *logs, const char *dir, const char *name, char *err,
                    size_t err_len) {
  char path[4096], *line = NULL;
  size_t room = 0;
  uint64_t number = 0;
  ssize_t n;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "r");
  if (!f && errno == ENOENT)
    return 1;
  if (!f) {
    snprintf(err, err_len, "%s: %s", path, strerror(errno));
    return -1;
  }
  qp_grow((void **)&logs->items, &logs->room, logs->n + 1, sizeof *logs->items);
  struct qp_qlog *log = &logs->items[logs->n++];
  *log = (struct qp_qlog){.file = qp_copy_text(name)};
  while ((n = getline(&line, &room, f)) > 0) {
    size_t skip = line[0] == RECORD_SEPARATOR, len = (size_t)n - skip;
    len -= len && line[n - 1] == '\n';
    if (len)
      take(log, line + skip, len, ++number);
  }
  free(line);
  fclose(f);
  if (qp_by_id_get(&logs->at, 0, &log->odcid) == QP_MAP_NONE) /* else the first one counts */
    qp_by_id_set(&logs->at, 0, &log->odcid, (uint32_t)(log - logs->items));
  return 0;
}

int qp_qlog_load(struct qp_qlogs *logs, const char *dir, const char *file, char *err,
                 size_t err_len) {
  int got = 0;
  for (unsigned i = 1; got == 0; i++) {
    char *name = i == 1 ? qp_text("qlog/%s.sqlog", file) : qp_text("qlog/%s-%u.sqlog", file, i);
    got = load_one(logs, dir, name, err, err_len);
    free(name);
  }
  return got < 0 ? -1 : 0;
}

struct qp_qlog *qp_qlog_find(const struct qp_qlogs *logs, const struct qp_cid *odcid) {
  const uint32_t i = qp_by_id_get(&logs->at, 0, odcid);
  return i == QP_MAP_NONE ? NULL : &logs->items[i];
}

void qp_qlogs_clear(struct qp_qlogs *logs) {
  for (size_t i = 0; i < logs->n; i++) {
    free(logs->items[i].file), free(logs->items[i].packets);
    qp_map_clear(&logs->items[i].at);
  }
  free(logs->items);
  qp_by_id_clear(&logs->at);
  memset(logs, 0, sizeof *logs);
}
