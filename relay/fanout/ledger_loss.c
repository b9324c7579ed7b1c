/* Loss detection and the probe timeout (RFC 9002 section 6). */
#include "relay/fanout/ledger_table.h"

#define GRANULARITY_NS  1000000ull /* kGranularity */
#define MAX_BACKOFF     16         /* doublings of the PTO */
#define PERSISTENT_PTOS 3          /* kPersistentCongestionThreshold */

static uint64_t loss_delay(const struct ledger *l) {
  uint64_t rtt = l->srtt_ns > l->latest_rtt_ns ? l->srtt_ns : l->latest_rtt_ns;
  uint64_t delay = rtt + rtt / 8;

  return delay > GRANULARITY_NS ? delay : GRANULARITY_NS;
}

uint64_t ledger_pto(const struct ledger *l) {
  uint64_t spread = 4 * l->rttvar_ns;

  return l->srtt_ns + (spread > GRANULARITY_NS ? spread : GRANULARITY_NS) + l->max_ack_delay_ns;
}

uint64_t ledger_persistent_ns(const struct ledger *ledger) {
  return PERSISTENT_PTOS * ledger_pto(ledger);
}

static bool beyond_threshold(const struct ledger *l, uint64_t pn) {
  return l->largest_acked != LEDGER_NONE && l->largest_acked >= l->threshold &&
         pn <= l->largest_acked - l->threshold;
}

void ledger_watch(struct ledger *l, uint64_t pn, uint64_t sent_ns) {
  uint64_t due;

  if (l->largest_acked == LEDGER_NONE || pn >= l->largest_acked)
    return;
  if (pn < l->scan)
    l->scan = pn;
  due = beyond_threshold(l, pn) ? sent_ns : sent_ns + loss_delay(l);
  if (due < l->loss_ns)
    l->loss_ns = due;
}

bool ledger_detect(struct ledger *l, uint64_t now_ns) {
  uint64_t delay = loss_delay(l), keep = LEDGER_NONE, pn;
  bool any = false;

  l->loss_ns = LEDGER_NONE;
  if (l->largest_acked == LEDGER_NONE)
    return false;
  for (pn = l->scan > l->base ? l->scan : l->base; pn < l->largest_acked && pn < l->end; pn++) {
    struct ledger_slot *slot = ledger_slot(l, pn);

    if (!ledger_is_inflight(slot))
      continue;
    slot->by_packets = beyond_threshold(l, pn);
    if (slot->by_packets || slot->sent_ns + delay <= now_ns) {
      ledger_settle(l, pn, LEDGER_LOST, now_ns);
      any = true;
      continue;
    }
    if (keep == LEDGER_NONE)
      keep = pn;
    if (slot->sent_ns + delay < l->loss_ns)
      l->loss_ns = slot->sent_ns + delay;
  }
  l->scan = keep != LEDGER_NONE ? keep : pn;
  return any;
}

/* If anything is in flight, of whoever. */
static uint64_t probe_due(const struct ledger *l) {
  uint64_t from = l->last_eliciting_ns;

  if (l->last_probe_ns > from)
    from = l->last_probe_ns;
  return from + (ledger_pto(l) << l->pto_count);
}

static uint64_t pto_deadline(const struct ledger *l) {
  return l->inflight_eliciting ? probe_due(l) : LEDGER_NONE;
}

/* The loss timer, or without one the probe timeout (RFC 9002 A.8). */
static uint64_t timer(const struct ledger *l) {
  return l->loss_ns != LEDGER_NONE ? l->loss_ns : pto_deadline(l);
}

uint64_t ledger_deadline(const struct ledger *ledger) {
  uint64_t due = timer(ledger);

  return due < ledger->floor_ns ? due : ledger->floor_ns;
}

uint64_t ledger_slack(const struct ledger *ledger) {
  const struct ledger *l = ledger;
  return l->loss_ns != LEDGER_NONE || !l->inflight_eliciting ? 0
                                                             : (ledger_pto(l) << l->pto_count) / 8;
}

static void count_probe(struct ledger *l, uint64_t now_ns) {
  l->last_probe_ns = now_ns;
  if (l->pto_count < MAX_BACKOFF)
    l->pto_count++;
}

bool ledger_may_probe(const struct ledger *ledger, uint64_t now_ns) {
  const struct ledger *l = ledger;

  return (l->pair_ns && l->pair_ns == now_ns) || ledger_probe_at(l) <= now_ns;
}

uint64_t ledger_probe_at(const struct ledger *ledger) {
  return ledger->loss_ns == LEDGER_NONE ? probe_due(ledger) : LEDGER_NONE;
}

void ledger_probed(struct ledger *ledger, uint64_t now_ns) {
  struct ledger *l = ledger;

  if (l->loss_ns != LEDGER_NONE || probe_due(l) > now_ns)
    return;
  l->pair_ns = now_ns;
  if (l->inflight_eliciting)
    count_probe(l, now_ns);
}

void ledger_expiry(struct ledger *ledger, uint64_t now_ns) {
  struct ledger *l = ledger;
  bool lost, probe;

  ledger_clock(l, now_ns);
  lost = l->loss_ns != LEDGER_NONE && ledger_detect(l, now_ns);
  probe = !lost && l->loss_ns == LEDGER_NONE && pto_deadline(l) <= now_ns;
  if (probe)
    count_probe(l, now_ns);
  ledger_move_floor(l, now_ns);
  /* Last, so that the owner may enter the probes at once. */
  if (probe && l->ops.probe)
    l->ops.probe(l->arg, l->inflight_eliciting > 1 ? 2 : 1);
}
