#include "pcap-tools/check/envelope.h"

#include <stdlib.h>

#include "pcap-tools/read/memory.h"

#define DATAGRAM_LEAST 1200u  /* RFC 9000 section 14 */
#define INITIAL_WINDOW 14720u /* RFC 9002 7.2 */
#define SETTLE_EACH_NS 1000000u
#define UNREAD_PASSED  64u      /* entries behind us before the rest moves up */
#define GRAIN_NS       1000000u /* RFC 9002 6.1.2 */

static uint64_t larger(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static uint64_t initial_window(const struct qp_envelope *v) {
  return larger(INITIAL_WINDOW, 2 * v->datagram);
}

static uint64_t reduced(const struct qp_envelope *v, uint64_t window) {
  return larger(v->cubic ? window / 10 * 7 : window / 2, 2 * v->datagram);
}

static void begin(struct qp_envelope *v) {
  if (v->begun)
    return;
  v->begun = true;
  v->datagram = DATAGRAM_LEAST;
  v->window = initial_window(v);
  v->threshold = UINT64_MAX;
  v->first = v->last = QP_FLIGHT_NONE;
}

uint64_t qp_envelope_allowed(const struct qp_envelope *v) {
  return v->window + 2 * v->datagram;
}

static uint64_t avoidance(const struct qp_envelope *v, uint64_t window, uint64_t len) {
  return v->cubic ? len / 2 : (v->datagram * len + window - 1) / window;
}

static void grow(struct qp_envelope *v, uint64_t len) {
  uint64_t cap = 3 * larger(initial_window(v), v->most_in_flight);
  uint64_t to = v->window + (v->window < v->threshold ? len : avoidance(v, v->window, len));
  if (v->shadow)
    v->shadow += avoidance(v, v->shadow, len);
  v->window = to <= cap ? to : larger(v->window, cap);
}

/* ---- the flight as the latest sender counts it --------------------------------- */

static void acked_unread(struct qp_envelope *v, uint64_t len, uint64_t awake_ns) {
  uint64_t due = ((awake_ns + QP_ENVELOPE_AWAKE_NS) / GRAIN_NS + 1) * GRAIN_NS;
  if (v->n_unread > v->unread_first && due == v->unread[v->n_unread - 1].awake_ns) {
    v->unread[v->n_unread - 1].len += len;
    return;
  }
  if (v->unread_first >= UNREAD_PASSED) {
    v->n_unread -= v->unread_first;
    memmove(v->unread, v->unread + v->unread_first, v->n_unread * sizeof *v->unread);
    v->unread_first = 0;
  }
  qp_grow((void **)&v->unread, &v->unread_room, v->n_unread + 1, sizeof *v->unread);
  v->unread[v->n_unread++] = (struct qp_unread){due, len};
}

static void read_acks(struct qp_envelope *v, uint64_t awake_ns) {
  for (; v->unread_first < v->n_unread && v->unread[v->unread_first].awake_ns <= awake_ns;
       v->unread_first++)
    v->late_in_flight -= v->unread[v->unread_first].len;
}

/* ---- the list --------------------------------------------------------------- */

static void link_in(struct qp_envelope *v, uint32_t i) {
  struct qp_flight *f = &v->items[i];
  uint32_t prev = v->last;
  while (prev != QP_FLIGHT_NONE && v->items[prev].pn > f->pn)
    prev = v->items[prev].prev;
  f->prev = prev;
  f->next = prev == QP_FLIGHT_NONE ? v->first : v->items[prev].next;
  /* out of order nobody knows what was acknowledged between */
  f->after_acked = f->next != QP_FLIGHT_NONE || v->tail_acked;
  if (f->next == QP_FLIGHT_NONE) {
    v->last = i;
    v->tail_acked = false;
  } else {
    v->items[f->next].prev = i;
  }
  if (prev == QP_FLIGHT_NONE)
    v->first = i;
  else
    v->items[prev].next = i;
}

static void unlink(struct qp_envelope *v, uint32_t i) {
  struct qp_flight *f = &v->items[i];
  if (f->prev == QP_FLIGHT_NONE)
    v->first = f->next;
  else
    v->items[f->prev].next = f->next;
  if (f->next == QP_FLIGHT_NONE)
    v->last = f->prev;
  else
    v->items[f->next].prev = f->prev;
}

/* Puts the list to the front of its array once most of that is unused. */
static void compact(struct qp_envelope *v) {
  uint32_t live = 0;
  for (uint32_t i = v->first; i != QP_FLIGHT_NONE; i = v->items[i].next)
    live++;
  if (v->n < 1024 || live > v->n / 2)
    return;
  struct qp_flight *kept = qp_alloc(live, sizeof *kept);
  uint32_t n = 0;
  for (uint32_t i = v->first; i != QP_FLIGHT_NONE; i = v->items[i].next) {
    kept[n] = v->items[i];
    kept[n].prev = n ? n - 1 : QP_FLIGHT_NONE;
    kept[n].next = n + 1 < live ? n + 1 : QP_FLIGHT_NONE;
    n++;
  }
  memcpy(v->items, kept, n * sizeof *kept);
  free(kept);
  v->n = n;
  v->first = n ? 0 : QP_FLIGHT_NONE;
  v->last = n ? n - 1 : QP_FLIGHT_NONE;
}

/* ---- losses ----------------------------------------------------------------- */

static uint64_t round_trip_most(const struct qp_envelope *v) {
  return v->rtt_most_ns + QP_ENVELOPE_LATE_NS;
}

static bool may_be_mtu_probe(const struct qp_envelope *v, const struct qp_flight *f) {
  return f->len > v->largest_acked_len;
}

static void suspect(struct qp_envelope *v, struct qp_flight *f, uint64_t now_ns,
                    uint64_t awake_ns) {
  if (f->passed_ns)
    return;
  f->passed_ns = now_ns;
  f->passed_awake_ns = awake_ns;
  f->passed_acked = v->acked;
  f->episode = UINT32_MAX;
  if (f->sent_ns <= v->recovery_ns || may_be_mtu_probe(v, f))
    return;
  f->episode = v->episode;
  v->suspects++;
  if (!v->shadow)
    v->shadow = reduced(v, v->window);
}

static void cleared(struct qp_envelope *v, const struct qp_flight *f) {
  if (!f->passed_ns || f->state == QP_LOST || f->episode != v->episode)
    return;
  if (--v->suspects == 0)
    v->shadow = 0;
}

/* The earliest sender gives it up. */
static void shed(struct qp_envelope *v, struct qp_flight *f, uint64_t now_ns) {
  if (f->state != QP_FLYING || !f->passed_ns)
    return;
  if (f->pn + 3 > v->acked_pn && f->sent_ns + v->rtt_latest_ns > now_ns)
    return;
  f->state = QP_SHED;
  v->in_flight -= f->len;
}

static void reduce(struct qp_envelope *v, uint64_t now_ns) {
  v->undo_window = v->window;
  v->undo_threshold = v->threshold;
  v->window = larger(reduced(v, v->window), v->shadow);
  v->threshold = v->window;
  v->recovery_ns = now_ns;
  v->shadow = 0;
  v->suspects = 0;
  v->episode++;
  v->reductions++;
}

/* Two datagrams, and what so many bytes acknowledged since let them grow to. */
static uint64_t regrown(const struct qp_envelope *v, uint64_t acked) {
  uint64_t least = 2 * v->datagram;
  uint64_t slow = v->threshold > least ? v->threshold - least : 0;
  if (acked <= slow)
    return least + acked;
  return least + slow + avoidance(v, least + slow, acked - slow);
}

static void persistent(struct qp_envelope *v, const struct qp_flight *f) {
  uint64_t long_enough = 3 * (5 * round_trip_most(v) + v->max_ack_delay_ns);
  if (!v->any_rtt || f->sent_ns < v->rtt_first_ns || f->sent_ns <= v->moved_ns) {
    v->in_run = false;
    return;
  }
  if (!v->in_run || f->after_acked)
    v->run_ns = f->sent_ns;
  v->in_run = true;
  /* by number; what took the lower one may have sent it later */
  if (f->sent_ns <= v->run_ns || f->sent_ns - v->run_ns < long_enough)
    return;
  uint64_t window = regrown(v, v->acked - f->passed_acked);
  v->window = window < v->window ? window : v->window;
  v->in_run = false; /* what is given up later is no part of it */
}

/* The latest sender gives it up. */
static void lose(struct qp_envelope *v, struct qp_flight *f, uint64_t now_ns) {
  bool counts = f->episode == v->episode;
  if (f->state == QP_FLYING)
    v->in_flight -= f->len;
  f->state = QP_LOST;
  v->late_in_flight -= f->len;
  f->lost_ns = now_ns;
  if (counts && f->sent_ns > v->recovery_ns) {
    reduce(v, now_ns);
    f->episode = v->episode; /* what its ACK would take back */
  }
  persistent(v, f);
}

static bool surely_lost(const struct qp_envelope *v, const struct qp_flight *f, uint64_t now_ns,
                        uint64_t awake_ns) {
  uint64_t rtt = round_trip_most(v);
  return f->passed_ns && awake_ns >= f->passed_awake_ns + QP_ENVELOPE_AWAKE_NS &&
         now_ns >= f->passed_ns && now_ns >= f->sent_ns + rtt + rtt / 8;
}

static void settle(struct qp_envelope *v, uint64_t now_ns, uint64_t awake_ns) {
  v->settled_ns = now_ns;
  for (uint32_t i = v->first, next; i != QP_FLIGHT_NONE; i = next) {
    struct qp_flight *f = &v->items[i];
    next = f->next;
    if (!f->passed_ns)
      break;
    shed(v, f, now_ns);
    if (f->state != QP_LOST && surely_lost(v, f, now_ns, awake_ns))
      lose(v, f, now_ns);
    else if (f->state == QP_LOST && now_ns > f->lost_ns + 3 * round_trip_most(v))
      unlink(v, i);
  }
}

/* ---- ACKs ------------------------------------------------------------------- */

/* The ranges of an ACK, the lowest first, those below the first packet left out. */
static size_t take_spans(struct qp_envelope *v, struct qp_quic_frame *ack) {
  struct qp_ack_walk walk = {0};
  uint64_t lo, hi, least = v->items[v->first].pn;
  size_t n = 0;
  while (qp_ack_next(ack, &walk, &lo, &hi) && hi >= least) {
    qp_grow((void **)&v->spans, &v->spans_room, n + 1, sizeof *v->spans);
    v->spans[n++] = (struct qp_span){lo, hi};
  }
  for (size_t i = 0; i < n / 2; i++) {
    struct qp_span other = v->spans[i];
    v->spans[i] = v->spans[n - 1 - i];
    v->spans[n - 1 - i] = other;
  }
  return n;
}

static void sample(struct qp_envelope *v, const struct qp_flight *f, uint64_t now_ns,
                   uint64_t read_ns) {
  uint64_t rtt = now_ns - f->sent_ns;
  if (!v->any_rtt) {
    v->any_rtt = true;
    v->rtt_first_ns = now_ns;
    v->rtt_least_ns = rtt;
  }
  v->rtt_latest_ns = rtt;
  v->rtt_least_ns = rtt < v->rtt_least_ns ? rtt : v->rtt_least_ns;
  v->rtt_most_ns = larger(read_ns - f->sent_ns, v->rtt_most_ns);
}

/* Without a sample of its own the sender has one of the handshake, of whatever length. */
static uint64_t probe_timeout_least(const struct qp_envelope *v) {
  return (v->any_rtt ? v->rtt_least_ns : 0) + v->max_ack_delay_ns;
}

static void take_back(struct qp_envelope *v, const struct qp_flight *f) {
  v->in_run = false;
  if (f->episode != v->episode || !v->undo_window)
    return;
  v->window = larger(v->window, v->undo_window);
  v->threshold = larger(v->threshold, v->undo_threshold);
  v->undo_window = 0;
}

static void acknowledge(struct qp_envelope *v, uint32_t i, uint64_t awake_ns) {
  struct qp_flight *f = &v->items[i];
  cleared(v, f);
  if (f->state == QP_FLYING)
    v->in_flight -= f->len;
  if (f->state == QP_LOST)
    take_back(v, f);
  else
    acked_unread(v, f->len, awake_ns);
  v->largest_acked_len = larger(v->largest_acked_len, f->len);
  v->acked += f->len;
  grow(v, f->len);
  if (f->next == QP_FLIGHT_NONE)
    v->tail_acked = true;
  else
    v->items[f->next].after_acked = true;
  unlink(v, i);
}

void qp_envelope_acked(struct qp_envelope *v, struct qp_quic_frame *ack, uint64_t now_ns,
                       uint64_t awake_ns, uint64_t read_ns) {
  begin(v);
  uint64_t largest = ack->ack.largest;
  v->acked_pn = v->any_acked ? larger(v->acked_pn, largest) : largest;
  v->any_acked = true;
  if (v->first == QP_FLIGHT_NONE)
    return;
  size_t n = take_spans(v, ack), at = 0;
  for (uint32_t i = v->first, next; i != QP_FLIGHT_NONE && v->items[i].pn <= largest; i = next) {
    struct qp_flight *f = &v->items[i];
    next = f->next;
    while (at < n && v->spans[at].hi < f->pn) {
      at++;
      f->after_acked = true;
    }
    if (at == n || v->spans[at].lo > f->pn) {
      suspect(v, f, now_ns, awake_ns);
      continue;
    }
    if (f->pn == largest)
      sample(v, f, now_ns, read_ns);
    acknowledge(v, i, awake_ns);
  }
  settle(v, now_ns, awake_ns);
}

/* ---- sending ---------------------------------------------------------------- */

void qp_envelope_handshake(struct qp_envelope *v, uint64_t len) {
  begin(v);
  v->window += len;
}

static void add(struct qp_envelope *v, uint64_t pn, uint32_t len, uint64_t now_ns) {
  if (v->n == v->room)
    compact(v);
  qp_grow((void **)&v->items, &v->room, v->n + 1, sizeof *v->items);
  v->items[v->n] = (struct qp_flight){.pn = pn, .sent_ns = now_ns, .len = len};
  link_in(v, (uint32_t)v->n++);
  v->datagram = larger(v->datagram, len);
  v->in_flight += len;
  v->late_in_flight += len;
}

uint64_t qp_envelope_sent(struct qp_envelope *v, uint64_t pn, uint32_t len, uint64_t now_ns,
                          uint64_t awake_ns) {
  begin(v);
  if (now_ns >= v->settled_ns + SETTLE_EACH_NS)
    settle(v, now_ns, awake_ns);
  if (now_ns >= v->last_sent_ns + probe_timeout_least(v))
    v->probes = 2;
  v->last_sent_ns = now_ns;
  add(v, pn, len, now_ns);
  if (v->in_flight > qp_envelope_allowed(v))
    settle(v, now_ns, awake_ns);
  read_acks(v, awake_ns);
  v->most_in_flight = larger(v->most_in_flight, v->late_in_flight);
  bool probe = v->probes > 0;
  v->probes -= probe;
  return probe || v->in_flight <= qp_envelope_allowed(v) ? 0
                                                         : v->in_flight - qp_envelope_allowed(v);
}

void qp_envelope_moved(struct qp_envelope *v, uint64_t now_ns) {
  begin(v);
  for (uint32_t i = v->first; i != QP_FLIGHT_NONE; i = v->items[i].next)
    if (v->items[i].state == QP_FLYING)
      v->items[i].state = QP_SHED; /* its ACK may still let the window grow */
  v->in_flight = 0;
  v->window = larger(v->window, initial_window(v));
  v->threshold = UINT64_MAX;
  v->recovery_ns = v->moved_ns = now_ns;
  v->in_run = false;
  v->shadow = 0;
  v->suspects = 0;
  v->episode++;
}

void qp_envelope_clear(struct qp_envelope *v) {
  free(v->items);
  free(v->spans);
  free(v->unread);
}
