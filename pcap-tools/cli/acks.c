/* quicpcap acks: one row an ACK frame, as it arrives at the sender of the data.
 *
 * Send times are kept in a ring for each number space, which grows up to
 * RING_MAX packets: an acknowledgement of something older has no time sample. */
#include <stdlib.h>

#include "pcap-tools/cli/commands.h"
#include "pcap-tools/cli/gaps.h"
#include "pcap-tools/cli/rows.h"

static const struct qp_column columns[] = {
    {"FRAME", "frame", 7},   {"TIME", "time", 12},   {"CONN", "conn", 4},
    {"FROM", "from", -6},    {"SPACE", "space", -9}, {"DELAY us", "delay_us", 8},
    {"RTT us", "rtt_us", 8}, {"NEW", "new", 5},      {"RANGES", "ranges", -1},
};

enum { RING_MIN = 64, RING_MAX = 8192 };

struct sent {
  uint64_t pn, time_ns; /* time 0: free */
  bool eliciting;
};

/* What one side sent in one space. */
struct flight {
  struct sent *ring;
  size_t room; /* a power of two, or 0 */
  struct qp_ranges acked;
};

struct acks {
  struct qp_rows rows;
  const struct qp_evidence *evidence;
  struct qp_select select;
  struct flight (*flights)[2][QP_SPACE_COUNT]; /* by connection */
  size_t flights_room;
  size_t n_conns;
};

static struct flight *flight_of(struct acks *a, const struct qp_conn *c, unsigned side,
                                enum qp_space space) {
  size_t had = a->flights_room;
  qp_grow((void **)&a->flights, &a->flights_room, (size_t)c->index + 1, sizeof *a->flights);
  memset(a->flights + had, 0, (a->flights_room - had) * sizeof *a->flights);
  if (c->index >= a->n_conns)
    a->n_conns = (size_t)c->index + 1;
  return &a->flights[c->index][side][space];
}

static struct sent *slot(const struct flight *f, uint64_t pn) {
  return &f->ring[pn & (f->room - 1)];
}

static void widen(struct flight *f) {
  struct flight wide = {.room = f->room ? f->room * 2 : RING_MIN};
  wide.ring = qp_alloc(wide.room, sizeof *wide.ring);
  for (size_t i = 0; i < f->room; i++)
    if (f->ring[i].time_ns)
      *slot(&wide, f->ring[i].pn) = f->ring[i];
  free(f->ring);
  f->ring = wide.ring;
  f->room = wide.room;
}

/* A slot in use is free again when its packet is acknowledged. */
static void remember(struct flight *f, uint64_t pn, uint64_t time_ns) {
  while (!f->room ||
         (f->room < RING_MAX && slot(f, pn)->time_ns && !qp_ranges_has(&f->acked, slot(f, pn)->pn)))
    widen(f);
  *slot(f, pn) = (struct sent){.pn = pn, .time_ns = time_ns};
}

static void packet(void *arg, const struct qp_seen *s) {
  struct acks *a = arg;
  qp_select_start(&a->select, s->place.time_ns);
  if (s->opened && (s->views & QP_SENT) && !s->repeated)
    remember(flight_of(a, s->conn, s->side, s->space), s->pn, s->place.time_ns);
}

/* An ACK frame as it is understood. */
struct reading {
  char ranges[512];
  size_t len;
  bool cut; /* `ranges` is full: the rest is counted, not told */
  uint64_t fresh;
  bool eliciting; /* something new asks for an ACK (RFC 9002 5.1) */
};

static void tell_range(struct reading *r, const char *format, uint64_t lo, uint64_t hi) {
  char one[64], text[80];
  if (r->len > sizeof r->ranges - 96) {
    r->cut = true;
    return;
  }
  if (lo == hi)
    snprintf(one, sizeof one, "%llu", (unsigned long long)lo);
  else
    snprintf(one, sizeof one, "%llu-%llu", (unsigned long long)lo, (unsigned long long)hi);
  snprintf(text, sizeof text, "%s%s%s%s", r->len ? " " : "", *format ? "[" : "", one,
           *format ? "]" : "");
  r->len += (size_t)snprintf(r->ranges + r->len, sizeof r->ranges - r->len, "%s", text);
}

/* Parts that are new in brackets, the largest first as on the wire. */
static void read_range(struct reading *r, struct flight *f, uint64_t lo, uint64_t hi) {
  uint64_t at = lo, from, to;
  struct qp_span parts[64];
  size_t n = 0;
  while (qp_gap_next(&f->acked, at, hi, &from, &to)) {
    for (uint64_t pn = from; pn <= to && pn - from < RING_MAX && f->room && !r->eliciting; pn++)
      r->eliciting = slot(f, pn)->pn == pn && slot(f, pn)->time_ns && slot(f, pn)->eliciting;
    if (n < sizeof parts / sizeof *parts)
      parts[n++] = (struct qp_span){from, to};
    else
      r->cut = true;
    at = to + 1;
  }
  r->fresh += qp_ranges_add(&f->acked, lo, hi);
  uint64_t top = hi;
  for (size_t i = n; i-- > 0; top = parts[i].lo - 1) {
    if (parts[i].hi < top)
      tell_range(r, "", parts[i].hi + 1, top);
    tell_range(r, "[]", parts[i].lo, parts[i].hi);
    if (parts[i].lo == 0)
      return;
  }
  if (!n || parts[0].lo > lo)
    tell_range(r, "", lo, top);
}

/* 0: none. */
static uint64_t sample(const struct flight *f, const struct reading *r, uint64_t largest,
                       bool largest_new, uint64_t now_ns) {
  if (!f->room || !largest_new || !r->eliciting)
    return 0;
  const struct sent *s = slot(f, largest);
  return s->pn == largest && s->time_ns && now_ns > s->time_ns ? now_ns - s->time_ns : 0;
}

static uint64_t delay_us(const struct qp_seen *s, const struct qp_quic_frame *f) {
  const struct qp_params *p = qp_conn_params(s->conn, s->side);
  uint64_t exponent = s->space == QP_SPACE_APP && p->seen ? p->ack_delay_exponent : 3;
  return exponent > 20 ? f->ack.delay : f->ack.delay << exponent;
}

static void row(struct acks *a, const struct qp_seen *s, const struct qp_quic_frame *f,
                const struct reading *r, uint64_t rtt_ns) {
  struct qp_rows *rows = &a->rows;
  char cid[QP_CID_TEXT], ranges[sizeof r->ranges + 8];
  snprintf(ranges, sizeof ranges, "%s%s", r->ranges, r->cut ? " ..." : "");
  qp_rows_begin(rows);
  qp_rows_number(rows, s->place.frame);
  qp_rows_seconds(rows, s->place.time_ns - a->select.start_ns);
  qp_rows_number(rows, s->conn->index);
  qp_rows_text(rows, s->side == QP_CLIENT ? "client" : "server");
  qp_rows_text(rows, s->space == QP_SPACE_APP ? "1-RTT" : qp_space_name(s->space));
  qp_rows_number(rows, delay_us(s, f));
  if (rtt_ns)
    qp_rows_number(rows, rtt_ns / 1000);
  else
    qp_rows_none(rows);
  qp_rows_number(rows, r->fresh);
  qp_rows_text(rows, ranges);
  qp_rows_extra_number(rows, "number", s->pn);
  qp_rows_extra_number(rows, "largest", f->ack.largest);
  qp_rows_extra_number(rows, "range_count", f->ack.count + 1);
  qp_rows_extra_bool(rows, "ecn", f->type == QP_F_ACK + 1);
  qp_rows_extra_text(rows, "odcid", qp_cid_text(&s->conn->odcid, cid));
  qp_rows_extra_text(rows, "file", a->evidence->files[s->place.file]);
  qp_rows_extra_number(rows, "time_ns", s->place.time_ns);
  qp_rows_end(rows);
}

static void ack(struct acks *a, const struct qp_seen *s, struct qp_quic_frame *f) {
  struct flight *flight = flight_of(a, s->conn, !s->side, s->space);
  struct reading r = {.len = 0};
  struct qp_ack_walk walk = {0};
  uint64_t lo, hi;
  bool largest_new = !qp_ranges_has(&flight->acked, f->ack.largest);
  while (qp_ack_next(f, &walk, &lo, &hi))
    read_range(&r, flight, lo, hi);
  uint64_t rtt_ns = sample(flight, &r, f->ack.largest, largest_new, s->place.time_ns);
  if (qp_select_packet(&a->select, s) && qp_select_any_frame(&a->select, s))
    row(a, s, f, &r, rtt_ns);
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct acks *a = arg;
  (void)effect;
  if (f->kind == QP_F_ACK) {
    if (s->views & QP_REACHED)
      ack(a, s, f);
    return;
  }
  bool eliciting = f->kind != QP_F_PADDING && f->kind != QP_F_CONNECTION_CLOSE &&
                   f->kind != QP_F_CONNECTION_CLOSE_APP;
  struct flight *own = flight_of(a, s->conn, s->side, s->space);
  if (eliciting && own->room && slot(own, s->pn)->pn == s->pn)
    slot(own, s->pn)->eliciting = true;
}

static void clear(struct acks *a) {
  for (size_t i = 0; i < a->n_conns; i++) {
    for (int k = 0; k < 2 * QP_SPACE_COUNT; k++) {
      struct flight *f = &a->flights[i][k / QP_SPACE_COUNT][k % QP_SPACE_COUNT];
      qp_ranges_clear(&f->acked);
      free(f->ring);
    }
  }
  free(a->flights);
  free(a);
}

int qp_cmd_acks(const struct qp_options *o) {
  struct qp_evidence e;
  int code = qp_cli_open(o, &e);
  if (code)
    return code;
  struct acks *a = qp_alloc(1, sizeof *a);
  a->evidence = &e;
  a->select = o->select;
  qp_rows_open(&a->rows, o->out, o->json, columns, sizeof columns / sizeof *columns);
  qp_cli_keep_little(&e);
  code = qp_cli_read(o, &e, &(struct qp_watcher){.arg = a, .packet = packet, .frame = frame});
  if (!code)
    code = qp_cli_talk(o, &e) ? 2 : 0;
  clear(a);
  qp_evidence_clear(&e);
  return code;
}
