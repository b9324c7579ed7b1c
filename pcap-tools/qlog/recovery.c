#include "pcap-tools/qlog/recovery.h"

#include <stdlib.h>

#include "pcap-tools/read/memory.h"

static struct qp_flying *slot(struct qp_flight *f, uint64_t pn) {
  struct qp_flying *s = f->ring ? &f->ring[pn % QP_FLIGHT_RING] : NULL;
  return s && s->bytes && s->pn == pn ? s : NULL;
}

static void land(struct qp_recovery *v, struct qp_flying *s) {
  if (!s || !s->bytes)
    return;
  v->bytes_in_flight -= s->bytes;
  v->packets_in_flight--;
  s->bytes = 0;
}

void qp_recovery_sent(struct qp_recovery *v, enum qp_space space, uint64_t pn, uint64_t time_ns,
                      size_t bytes, bool eliciting, bool in_flight) {
  struct qp_flight *f = &v->flight[space];
  if (!in_flight || !bytes)
    return;
  if (!f->ring)
    f->ring = qp_alloc(QP_FLIGHT_RING, sizeof *f->ring);
  struct qp_flying *s = &f->ring[pn % QP_FLIGHT_RING];
  land(v, s);
  *s = (struct qp_flying){
      .pn = pn, .time_ns = time_ns, .bytes = (uint32_t)bytes, .eliciting = eliciting};
  v->bytes_in_flight += bytes;
  v->packets_in_flight++;
}

/* What lo..hi has in common with `sent` goes to `to`. */
static void add_common(const struct qp_ranges *sent, uint64_t lo, uint64_t hi,
                       struct qp_ranges *to) {
  for (size_t i = qp_ranges_at(sent, lo); i < sent->n && sent->spans[i].lo <= hi; i++) {
    const struct qp_span *s = &sent->spans[i];
    qp_ranges_add(to, s->lo > lo ? s->lo : lo, s->hi < hi ? s->hi : hi);
  }
}

/* The parts of lo..hi that were sent and are not in `known` go to `to`. */
static void add_new(const struct qp_ranges *sent, const struct qp_ranges *known, uint64_t lo,
                    uint64_t hi, struct qp_ranges *to) {
  uint64_t at = lo;
  for (size_t i = qp_ranges_at(known, lo); i < known->n && known->spans[i].lo <= hi; i++) {
    const struct qp_span *k = &known->spans[i];
    if (k->lo > at)
      add_common(sent, at, k->lo - 1, to);
    if (k->hi >= hi)
      return;
    at = k->hi + 1;
  }
  add_common(sent, at, hi, to);
}

/* RFC 9002 5.3. */
static void sample(struct qp_recovery *v, uint64_t rtt_ns, uint64_t delay_ns) {
  bool first = v->latest_ns == 0;
  v->latest_ns = rtt_ns;
  if (first || rtt_ns < v->min_rtt_ns)
    v->min_rtt_ns = rtt_ns;
  if (first) {
    v->smoothed_ns = rtt_ns;
    v->variance_ns = rtt_ns / 2;
    return;
  }
  uint64_t adjusted = rtt_ns >= v->min_rtt_ns + delay_ns ? rtt_ns - delay_ns : rtt_ns;
  uint64_t apart =
      v->smoothed_ns > adjusted ? v->smoothed_ns - adjusted : adjusted - v->smoothed_ns;
  v->variance_ns = v->variance_ns - v->variance_ns / 4 + apart / 4;
  v->smoothed_ns = v->smoothed_ns - v->smoothed_ns / 8 + adjusted / 8;
}

/* Numbers that are three or more behind the largest acknowledged one, RFC 9002 6.1.1. */
static void find_lost(struct qp_flight *f, const struct qp_ranges *sent, struct qp_ranges *lost) {
  uint64_t acked = f->acked.n ? f->acked.spans[f->acked.n - 1].hi : 0;
  uint64_t top = sent->n ? sent->spans[sent->n - 1].hi : 0, largest = acked < top ? acked : top;
  if (largest < QP_REORDERING || f->judged > largest - QP_REORDERING)
    return;
  add_new(sent, &f->acked, f->judged, largest - QP_REORDERING, lost);
  f->judged = largest - QP_REORDERING + 1;
}

/* All of a list leaves the flight. True: one of them asked for an ACK. */
static bool land_all(struct qp_recovery *v, struct qp_flight *f, const struct qp_ranges *list) {
  bool eliciting = false;
  for (size_t i = 0; i < list->n; i++)
    for (uint64_t pn = list->spans[i].lo; pn <= list->spans[i].hi; pn++) {
      struct qp_flying *s = slot(f, pn);
      eliciting |= s && s->eliciting;
      land(v, s);
    }
  return eliciting;
}

bool qp_recovery_ack(struct qp_recovery *v, enum qp_space space, struct qp_quic_frame *ack,
                     const struct qp_ranges *sent, uint64_t now_ns, uint64_t delay_ns,
                     struct qp_ranges *fresh, struct qp_ranges *lost) {
  struct qp_flight *f = &v->flight[space];
  struct qp_ack_walk walk = {0};
  uint64_t lo, hi;
  fresh->n = lost->n = 0;
  bool newest = !qp_ranges_has(&f->acked, ack->ack.largest);
  while (qp_ack_next(ack, &walk, &lo, &hi)) {
    add_new(sent, &f->acked, lo, hi, fresh);
    qp_ranges_add(&f->acked, lo, hi);
  }
  if (!fresh->n)
    return false;
  const struct qp_flying *top = slot(f, ack->ack.largest);
  uint64_t sent_ns = top ? top->time_ns : 0;
  bool eliciting = land_all(v, f, fresh);
  find_lost(f, sent, lost);
  land_all(v, f, lost);
  if (!newest || !sent_ns || !eliciting || now_ns <= sent_ns)
    return false;
  sample(v, now_ns - sent_ns, delay_ns);
  return true;
}

void qp_recovery_clear(struct qp_recovery *v) {
  for (int space = 0; space < QP_SPACE_COUNT; space++) {
    qp_ranges_clear(&v->flight[space].acked);
    free(v->flight[space].ring);
  }
}
