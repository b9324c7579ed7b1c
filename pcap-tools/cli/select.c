#include "pcap-tools/cli/select.h"

#include <stdlib.h>
#include <strings.h>

/* Digits only; *end is set behind them. */
static bool number(const char *text, uint64_t *value, const char **end) {
  uint64_t v = 0;
  const char *p = text;
  for (; *p >= '0' && *p <= '9'; p++) {
    if (v > (UINT64_MAX - 9) / 10)
      return false;
    v = v * 10 + (uint64_t)(*p - '0');
  }
  *value = v;
  *end = p;
  return p != text;
}

static bool whole_number(const char *text, uint64_t *value) {
  const char *end;
  return number(text, value, &end) && !*end;
}

/* "7", "3..9", "3.." */
static bool numbers(const char *text, uint64_t *lo, uint64_t *hi) {
  const char *end;
  if (!number(text, lo, &end))
    return false;
  *hi = *lo;
  if (!*end)
    return true;
  if (end[0] != '.' || end[1] != '.')
    return false;
  *hi = UINT64_MAX;
  return !end[2] || (whole_number(end + 2, hi) && *hi >= *lo);
}

/* "1", "1.5" */
static bool seconds(const char *text, uint64_t *ns) {
  const char *p;
  uint64_t unit = 1000000000u;
  if (!number(text, ns, &p) || *ns > UINT64_MAX / unit / 2)
    return false;
  *ns *= unit;
  if (*p == '.') {
    for (p++; *p >= '0' && *p <= '9'; p++)
      *ns += (uint64_t)(*p - '0') * (unit /= 10);
  }
  return !*p;
}

static bool frame_name(const char *text) {
  for (uint64_t type = 0; type <= QP_F_ACK_FREQUENCY; type++)
    if (!strcasecmp(text, qp_frame_name(type)))
      return strcasecmp(text, "unknown") != 0;
  return false;
}

static bool side_name(const char *text, unsigned *side) {
  *side = !strcmp(text, "server") ? QP_SERVER : QP_CLIENT;
  return !strcmp(text, "client") || !strcmp(text, "server");
}

const char *qp_select_take(struct qp_select *s, unsigned by, const char *value) {
  s->given |= by;
  switch (by) {
  case QP_BY_CONN:
    return whole_number(value, &s->conn) ? NULL : "a connection's number, as in `summary`";
  case QP_BY_FROM:
    return side_name(value, &s->from) ? NULL : "client or server";
  case QP_BY_NUMBER:
    return numbers(value, &s->number_lo, &s->number_hi) ? NULL : "packet numbers A, A.. or A..B";
  case QP_BY_STREAM:
    return whole_number(value, &s->stream) ? NULL : "a stream ID";
  case QP_BY_FRAME:
    s->frame = value;
    return frame_name(value) ? NULL : "a frame type such as STREAM, ACK or RESET_STREAM";
  case QP_BY_SINCE:
    return seconds(value, &s->since_ns) ? NULL : "seconds since the first packet, such as 1.5";
  default:
    return seconds(value, &s->until_ns) ? NULL : "seconds since the first packet, such as 1.5";
  }
}

void qp_select_start(struct qp_select *s, uint64_t time_ns) {
  if (!s->started)
    s->start_ns = time_ns;
  s->started = true;
}

bool qp_select_conn(const struct qp_select *s, const struct qp_conn *conn) {
  return !(s->given & QP_BY_CONN) || conn->index == s->conn;
}

bool qp_select_side(const struct qp_select *s, unsigned side) {
  return !(s->given & QP_BY_FROM) || side == s->from;
}

bool qp_select_time(const struct qp_select *s, uint64_t time_ns) {
  uint64_t t = time_ns > s->start_ns ? time_ns - s->start_ns : 0;
  return (!(s->given & QP_BY_SINCE) || t >= s->since_ns) &&
         (!(s->given & QP_BY_UNTIL) || t < s->until_ns);
}

bool qp_select_packet(const struct qp_select *s, const struct qp_seen *seen) {
  bool by_number = !(s->given & QP_BY_NUMBER) ||
                   (seen->opened && seen->pn >= s->number_lo && seen->pn <= s->number_hi);
  return by_number && qp_select_conn(s, seen->conn) && qp_select_side(s, seen->side) &&
         qp_select_time(s, seen->place.time_ns);
}

/* The stream a frame is about; false: none. */
static bool stream_of(const struct qp_quic_frame *f, uint64_t *id) {
  switch (f->kind) {
  case QP_F_STREAM:
    *id = f->stream.id;
    return true;
  case QP_F_RESET_STREAM:
  case QP_F_RESET_STREAM_AT:
  case QP_F_STOP_SENDING:
    *id = f->reset.id;
    return true;
  case QP_F_MAX_STREAM_DATA:
  case QP_F_STREAM_DATA_BLOCKED:
    *id = f->limit.id;
    return true;
  default:
    return false;
  }
}

bool qp_select_frame(const struct qp_select *s, const struct qp_quic_frame *f) {
  uint64_t id;
  if (s->given & QP_BY_STREAM && (!stream_of(f, &id) || id != s->stream))
    return false;
  return !(s->given & QP_BY_FRAME) || !strcasecmp(s->frame, qp_frame_name(f->type));
}

bool qp_select_any_frame(const struct qp_select *s, const struct qp_seen *seen) {
  struct qp_cur c = qp_cur(seen->payload, seen->len);
  struct qp_quic_frame f;
  const char *why;
  if (!(s->given & (QP_BY_STREAM | QP_BY_FRAME)))
    return true;
  while (seen->opened && qp_quic_frame_next(&c, &f, &why) == 1)
    if (qp_select_frame(s, &f))
      return true;
  return false;
}
