/* ACKs and the round-trip time (RFC 9002 section 5 and 6.1). */
#include "relay/fanout/ledger_table.h"

#define LARGEST_NUMBER ((1ull << 62) - 1)

/* What one ACK frame brings. */
struct news {
  uint64_t now_ns;
  uint64_t before; /* largest acknowledged before this frame; LEDGER_NONE */
  bool any;        /* something is newly acknowledged */
  bool eliciting;  /* and is ack-eliciting */
};

/* The ACK before this one showed `before`, and not pn: the path reorders by at
 * least that distance. */
static void learn_reordering(struct ledger *l, uint64_t pn, uint64_t before) {
  uint64_t need;

  if (before == LEDGER_NONE || before <= pn)
    return;
  need = before - pn + 1;
  if (need > LEDGER_MAX_THRESHOLD)
    need = LEDGER_MAX_THRESHOLD;
  if (need > l->threshold)
    l->threshold = need;
}

static void unsettle(struct ledger *l, uint64_t pn, struct ledger_slot *slot,
                     const struct news *news) {
  struct ledger_number number;

  if (slot->fate == LEDGER_LOST && slot->by_packets)
    learn_reordering(l, pn, news->before);
  slot->fate = LEDGER_ACKED;
  slot->fate_ns = news->now_ns;
  ledger_number_of(l, pn, slot, &number);
  if (l->ops.spurious)
    l->ops.spurious(l->arg, &number);
  ledger_drop_pieces(l, slot);
}

static void ack_one(struct ledger *l, uint64_t pn, struct news *news) {
  struct ledger_slot *slot = ledger_slot(l, pn);

  if (slot->fate == LEDGER_ACKED)
    return;
  if (!slot->entered) {
    slot->fate = LEDGER_ACKED;
    slot->fate_ns = news->now_ns;
    news->any = true;
    return;
  }
  if (slot->fate != LEDGER_OUTSTANDING) {
    unsettle(l, pn, slot, news);
    return;
  }
  news->any = true;
  news->eliciting |= slot->ack_eliciting;
  ledger_settle(l, pn, LEDGER_ACKED, news->now_ns);
}

/* [lo, hi]; numbers that an earlier ACK told are stepped over in O(log n). */
static void ack_range(struct ledger *l, uint64_t lo, uint64_t hi, struct news *news) {
  uint64_t gap_lo, gap_hi, at;

  if (lo < l->base)
    lo = l->base;
  if (hi > LARGEST_NUMBER || lo > hi)
    return;
  if (!ledger_reach(l, hi, news->now_ns)) {
    if (lo >= l->end)
      return;
    hi = l->end - 1;
  }
  for (at = lo; ranges_next_gap(&l->acked, at, hi + 1, &gap_lo, &gap_hi); at = gap_hi)
    for (uint64_t pn = gap_lo; pn < gap_hi; pn++)
      ack_one(l, pn, news);
  /* Without memory the numbers are only looked at again: ack_one() knows them. */
  ranges_add(&l->acked, lo, hi + 1);
}

static uint64_t ack_delay_ns(const struct ledger *l, uint64_t raw) {
  uint64_t most_us = l->max_ack_delay_ns / 1000;

  if (l->ack_delay_exponent >= 64 || raw > most_us >> l->ack_delay_exponent)
    return l->max_ack_delay_ns;
  return (raw << l->ack_delay_exponent) * 1000;
}

static void sample_rtt(struct ledger *l, uint64_t sent_ns, uint64_t delay_raw, uint64_t now_ns) {
  uint64_t latest = now_ns > sent_ns ? now_ns - sent_ns : 1;
  uint64_t delay = ack_delay_ns(l, delay_raw), adjusted = latest, apart;

  l->latest_rtt_ns = latest;
  if (!l->has_rtt) {
    l->has_rtt = true;
    l->min_rtt_ns = l->srtt_ns = latest;
    l->rttvar_ns = latest / 2;
    return;
  }
  if (latest < l->min_rtt_ns)
    l->min_rtt_ns = latest;
  if (latest >= l->min_rtt_ns + delay)
    adjusted = latest - delay;
  apart = l->srtt_ns > adjusted ? l->srtt_ns - adjusted : adjusted - l->srtt_ns;
  l->rttvar_ns = (3 * l->rttvar_ns + apart) / 4;
  l->srtt_ns = (7 * l->srtt_ns + adjusted) / 8;
}

void ledger_ack(struct ledger *ledger, const struct shim_range *ranges, size_t n,
                uint64_t delay_raw, uint64_t now_ns) {
  struct ledger *l = ledger;
  struct news news = {.now_ns = now_ns, .before = l->largest_acked};
  bool fresh = false, sampled = false;
  uint64_t sent_ns = 0;

  if (n == 0)
    return;
  ledger_clock(l, now_ns);
  if (ranges[0].hi >= l->base && ranges[0].hi < l->end) {
    const struct ledger_slot *slot = ledger_slot(l, ranges[0].hi);
    fresh =
        slot->entered && slot->fate == LEDGER_OUTSTANDING && ledger_on_path(l, ranges[0].hi, slot);
    sent_ns = slot->sent_ns;
    /* The owner's congestion control wants to see the sample first. */
    sampled = fresh && slot->ack_eliciting;
  }
  if (sampled)
    sample_rtt(l, sent_ns, delay_raw, now_ns);
  if (l->largest_acked == LEDGER_NONE || ranges[0].hi > l->largest_acked)
    l->largest_acked = ranges[0].hi;
  for (size_t i = 0; i < n; i++)
    ack_range(l, ranges[i].lo, ranges[i].hi, &news);
  if (fresh && !sampled && news.eliciting)
    sample_rtt(l, sent_ns, delay_raw, now_ns);
  if (news.any)
    l->pto_count = 0;
  ledger_detect(l, now_ns);
  ledger_move_floor(l, now_ns);
}

uint64_t ledger_smoothed_rtt(const struct ledger *ledger) {
  return ledger->has_rtt ? ledger->srtt_ns : 0;
}

bool ledger_any_acked(const struct ledger *ledger, uint64_t lo, uint64_t hi) {
  uint64_t gap_lo, gap_hi;

  if (lo >= hi)
    return false;
  return !ranges_next_gap(&ledger->acked, lo, hi, &gap_lo, &gap_hi) || gap_lo > lo || gap_hi < hi;
}

void ledger_forget_min_rtt(struct ledger *ledger) {
  ledger->min_rtt_ns = ledger->latest_rtt_ns;
}
