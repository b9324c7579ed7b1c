#include "relay/fanout/congestion.h"

#include <string.h>

#define NO_THRESHOLD UINT64_MAX
/* CUBIC's clock: 1,024 ticks a second; 128 s from the plateau is as far as it counts. */
#define TICKS_SHIFT 10
#define MOST_TICKS  (1ull << 17)
#define SECOND_NS   1000000000ull

static uint64_t least(const struct congestion *c) {
  return CONGESTION_LEAST_PACKETS * c->packet;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

void congestion_init(struct congestion *c, bool cubic, uint64_t packet) {
  memset(c, 0, sizeof(*c));
  c->cubic = cubic;
  c->packet = packet;
  c->now.cwnd =
      smaller(CONGESTION_INITIAL_PACKETS * packet, larger(CONGESTION_INITIAL_BYTES, 2 * packet));
  c->now.ssthresh = NO_THRESHOLD;
}

static bool in_slow_start(const struct congestion *c) {
  return c->now.cwnd < c->now.ssthresh;
}

/* ---- use of the window ---- */

uint64_t congestion_enough(const struct congestion *c) {
  if (in_slow_start(c))
    return (c->now.cwnd + 1) / 2;
  return c->now.cwnd >= c->packet ? c->now.cwnd - c->packet + 1 : 0;
}

void congestion_sent(struct congestion *c, uint64_t sent_ns, uint64_t in_flight) {
  if (in_flight >= congestion_enough(c))
    c->used_ns = larger(c->used_ns, sent_ns);
}

uint64_t congestion_room(const struct congestion *c, uint64_t in_flight) {
  return c->now.cwnd > in_flight ? c->now.cwnd - in_flight : 0;
}

uint64_t congestion_credit(const struct congestion *c, uint64_t entered, uint64_t in_flight) {
  uint64_t most = entered + c->now.cwnd;

  return most > in_flight ? most - in_flight : 0;
}

/* ---- CUBIC ---- */

static uint64_t to_ticks(uint64_t ns) {
  uint64_t seconds = ns / SECOND_NS;

  if (seconds >= MOST_TICKS >> TICKS_SHIFT)
    return MOST_TICKS;
  return ((seconds * SECOND_NS + ns % SECOND_NS) << TICKS_SHIFT) / SECOND_NS;
}

/* Largest r with r^3 <= v. */
static uint64_t cube_root(uint64_t v) {
  uint64_t r = 0;

  for (uint64_t bit = 1ull << 20; bit; bit >>= 1) {
    uint64_t next = r | bit;
    if (next * next * next <= v)
      r = next;
  }
  return r;
}

/* RFC 9438 4.2: K = cbrt((W_max - cwnd) / C), C = 2/5 packets a second cubed. */
static uint64_t plateau(const struct congestion *c, uint64_t below) {
  return cube_root((below * 5 << 3 * TICKS_SHIFT) / (2 * c->packet));
}

/* RFC 9438 4.2: W_cubic(t) = C (t - K)^3 + W_max. */
static uint64_t w_cubic(const struct congestion *c, uint64_t ticks) {
  bool rises = ticks > c->now.k_ticks;
  uint64_t d = rises ? ticks - c->now.k_ticks : c->now.k_ticks - ticks;
  uint64_t apart;

  d = smaller(d, MOST_TICKS);
  apart = d * d * d * 2 * c->packet / 5 >> 3 * TICKS_SHIFT;
  if (rises)
    return c->now.w_max + apart;
  return c->now.w_max > apart ? c->now.w_max - apart : 0;
}

static void start_epoch(struct congestion *c, uint64_t now_ns) {
  struct congestion_curve *w = &c->now;

  w->epoch_ns = now_ns;
  w->w_est = w->cwnd;
  w->k_ticks = w->cwnd < w->w_max ? plateau(c, w->w_max - w->cwnd) : 0;
  if (w->cwnd >= w->w_max)
    w->w_max = w->cwnd;
  c->part = c->est_part = 0;
  c->unused_ns = 0;
}

/* Time without use of the window does not count (RFC 9438 5.8). */
static void run_clock(struct congestion *c, uint64_t now_ns) {
  if (c->unused_ns && now_ns > c->unused_ns)
    c->now.epoch_ns += now_ns - c->unused_ns;
  c->unused_ns = 0;
}

/* RFC 9438 4.3: a = 3 (1 - b) / (1 + b) = 9/17 until Reno is where the event was, then 1. */
static void grow_estimate(struct congestion *c, uint64_t bytes) {
  struct congestion_curve *w = &c->now;
  uint64_t alpha = w->w_est < w->cwnd_prior ? 9 : 17;

  c->est_part += alpha * c->packet * bytes;
  w->w_est += c->est_part / (17 * w->cwnd);
  c->est_part %= 17 * w->cwnd;
}

static void grow_cubic(struct congestion *c, uint64_t bytes, uint64_t rtt_ns, uint64_t now_ns) {
  struct congestion_curve *w = &c->now;
  uint64_t since, target;

  if (w->epoch_ns == 0)
    start_epoch(c, now_ns);
  run_clock(c, now_ns);
  since = now_ns > w->epoch_ns ? now_ns - w->epoch_ns : 0;
  grow_estimate(c, bytes);
  if (w_cubic(c, to_ticks(since)) < w->w_est) {
    w->cwnd = larger(w->cwnd, w->w_est);
    return;
  }
  target = w_cubic(c, to_ticks(since + rtt_ns));
  target = smaller(larger(target, w->cwnd), w->cwnd + w->cwnd / 2);
  c->part += (target - w->cwnd) * bytes;
  w->cwnd += c->part / w->cwnd;
  c->part %= w->cwnd;
}

/* ---- NewReno ---- */

/* RFC 9002 7.3.3: one packet for each window acknowledged. */
static void grow_reno(struct congestion *c, uint64_t bytes) {
  c->part += bytes;
  if (c->part < c->now.cwnd)
    return;
  c->part -= c->now.cwnd;
  c->now.cwnd += c->packet;
}

/* ---- events ---- */

void congestion_acked(struct congestion *c, uint64_t sent_ns, uint64_t bytes, uint64_t rtt_ns,
                      uint64_t now_ns) {
  if (c->first_ack_ns == 0)
    c->first_ack_ns = now_ns;
  if (sent_ns <= c->recovery_ns)
    return;
  if (sent_ns > c->used_ns) {
    if (c->unused_ns == 0)
      c->unused_ns = now_ns;
    return;
  }
  if (in_slow_start(c))
    c->now.cwnd += bytes;
  else if (c->cubic)
    grow_cubic(c, bytes, rtt_ns, now_ns);
  else
    grow_reno(c, bytes);
  c->now.cwnd = smaller(c->now.cwnd, CONGESTION_MOST_BYTES);
}

/* RFC 9002 7.3.2, RFC 9438 4.6 and 4.7. */
static void reduce(struct congestion *c) {
  struct congestion_curve *w = &c->now;
  uint64_t less = c->cubic ? w->cwnd * 7 / 10 : w->cwnd / 2;

  w->cwnd_prior = w->cwnd;
  w->w_max = w->cwnd < w->w_max ? w->cwnd * 17 / 20 : w->cwnd;
  w->ssthresh = w->cwnd = larger(less, least(c));
  w->epoch_ns = 0;
  c->part = 0;
}

/* RFC 9002 7.6.2; RFC 9438 4.8: what was the plateau is not aimed at any more. */
static void collapse(struct congestion *c) {
  c->now.cwnd = least(c);
  c->now.w_max = 0;
  c->now.epoch_ns = 0;
  c->recovery_ns = 0;
  c->run_ns = 0;
  c->lost = 0;
}

bool congestion_lost(struct congestion *c, uint64_t sent_ns, bool unbroken, uint64_t persistent_ns,
                     uint64_t now_ns) {
  if (sent_ns > c->event_ns) {
    c->before = c->now;
    c->before_event_ns = c->event_ns;
    c->lost = 1;
    c->event_ns = c->recovery_ns = now_ns;
    reduce(c);
  } else if (c->lost && sent_ns > c->before_event_ns) {
    c->lost++;
  }
  /* Before the first sample nobody knows how long a round trip is. */
  if (c->first_ack_ns == 0 || sent_ns <= c->first_ack_ns) {
    c->run_ns = 0;
    return false;
  }
  if (!unbroken || c->run_ns == 0)
    c->run_ns = sent_ns;
  if (sent_ns <= c->run_ns || sent_ns - c->run_ns < persistent_ns)
    return false;
  collapse(c);
  return true;
}

void congestion_spurious(struct congestion *c, uint64_t sent_ns) {
  if (c->lost == 0 || sent_ns > c->event_ns || sent_ns <= c->before_event_ns)
    return;
  if (--c->lost)
    return;
  /* It was none, so what else was sent before it may still be the loss that begins one. */
  c->event_ns = c->before_event_ns;
  /* Whatever was gained since is kept. */
  c->before.cwnd = larger(c->before.cwnd, c->now.cwnd);
  c->now = c->before;
  c->recovery_ns = 0;
  c->part = c->est_part = 0;
}
