#include "relay/fanout/ledger.h"

#include <errno.h>
#include <stdlib.h>

#include "relay/fanout/ledger_table.h"

struct ledger *ledger_new(const struct ledger_config *config) {
  struct ledger *l = calloc(1, sizeof(*l));

  if (!l)
    return NULL;
  l->ops = *config->ops;
  l->arg = config->arg;
  l->max_ack_delay_ns = config->max_ack_delay_ns;
  l->ack_delay_exponent = config->ack_delay_exponent;
  l->srtt_ns = config->initial_rtt_ns;
  l->rttvar_ns = config->initial_rtt_ns / 2;
  l->largest_acked = LEDGER_NONE;
  l->threshold = LEDGER_PACKET_THRESHOLD;
  l->loss_ns = LEDGER_NONE;
  l->floor_ns = LEDGER_NONE;
  return l;
}

void ledger_set_peer(struct ledger *l, uint64_t initial_rtt_ns, uint64_t max_ack_delay_ns,
                     unsigned ack_delay_exponent) {
  l->max_ack_delay_ns = max_ack_delay_ns;
  l->ack_delay_exponent = ack_delay_exponent;
  if (l->has_rtt || initial_rtt_ns == 0)
    return;
  l->srtt_ns = initial_rtt_ns;
  l->rttvar_ns = initial_rtt_ns / 2;
}

void ledger_new_path(struct ledger *ledger, uint64_t from, uint64_t initial_rtt_ns) {
  struct ledger *l = ledger;

  for (uint64_t pn = l->floor > l->path_from ? l->floor : l->path_from; pn < from && pn < l->end;
       pn++) {
    const struct ledger_slot *slot = ledger_slot(l, pn);
    if (ledger_is_inflight(slot) && !slot->aside)
      l->inflight_bytes -= slot->bytes;
  }
  if (from > l->path_from)
    l->path_from = from;
  l->has_rtt = false;
  l->min_rtt_ns = l->latest_rtt_ns = 0;
  l->srtt_ns = initial_rtt_ns;
  l->rttvar_ns = initial_rtt_ns / 2;
  l->pto_count = 0;
  ledger_detect(l, l->now_ns); /* the loss timer goes by the new round trip */
  ledger_move_floor(l, l->now_ns);
}

void ledger_aside(struct ledger *ledger, uint64_t pn) {
  struct ledger_slot *slot;

  if (pn < ledger->base || pn >= ledger->end)
    return;
  slot = ledger_slot(ledger, pn);
  if (ledger_is_inflight(slot) && ledger_on_path(ledger, pn, slot))
    ledger->inflight_bytes -= slot->bytes;
  slot->aside = true;
}

void ledger_free(struct ledger *ledger) {
  if (!ledger)
    return;
  for (uint64_t pn = ledger->base; pn < ledger->end; pn++)
    ledger_drop_pieces(ledger, ledger_slot(ledger, pn));
  for (size_t i = 0; i < LEDGER_BLOCK_SIZES; i++) {
    struct ledger_block *block = ledger->free_blocks[i], *next;
    for (; block; block = next) {
      next = block->next;
      free(block);
    }
  }
  ranges_clear(&ledger->acked);
  ranges_clear(&ledger->absent);
  free(ledger->slots);
  free(ledger);
}

void ledger_settle(struct ledger *l, uint64_t pn, enum ledger_fate fate, uint64_t now_ns) {
  struct ledger_slot *slot = ledger_slot(l, pn);
  struct ledger_number number;

  if (ledger_is_inflight(slot)) {
    l->inflight -= ledger_is_ours(slot);
    l->inflight_eliciting -= ledger_is_ours(slot) && slot->ack_eliciting;
    l->inflight_bytes -= ledger_on_path(l, pn, slot) ? slot->bytes : 0;
  }
  slot->fate = (uint8_t)fate;
  slot->fate_ns = now_ns;
  ledger_number_of(l, pn, slot, &number);
  if (l->ops.settled)
    l->ops.settled(l->arg, &number);
  if (fate == LEDGER_ACKED)
    ledger_drop_pieces(l, slot);
}

/* ---- the floor ---- */

/* When the number at the floor stops being waited for: LEDGER_NONE = it is
 * waited for, 0 = now. */
static uint64_t patience_ends(const struct ledger *l, uint64_t pn, const struct ledger_slot *slot) {
  uint64_t wait_ns = 3 * ledger_pto(l);
  bool below = l->largest_acked != LEDGER_NONE && pn < l->largest_acked;

  if (ledger_is_inflight(slot))
    return LEDGER_NONE;
  if (below && l->largest_acked - pn > LEDGER_PATIENCE)
    return 0;
  if (!slot->entered && wait_ns < LEDGER_RECORD_WAIT_NS)
    wait_ns = LEDGER_RECORD_WAIT_NS;
  if (below)
    return slot->sent_ns + wait_ns;
  /* The peer need not acknowledge it, so perhaps no ACK comes at all. */
  if (slot->entered && !slot->ack_eliciting && l->end - pn > LEDGER_UNASKED)
    return slot->sent_ns + wait_ns;
  return LEDGER_NONE;
}

static bool is_settled(const struct ledger_slot *slot) {
  return slot->entered ? slot->fate != LEDGER_OUTSTANDING : slot->given_up;
}

void ledger_move_floor(struct ledger *l, uint64_t now_ns) {
  l->floor_ns = LEDGER_NONE;
  for (; l->floor < l->end; l->floor++) {
    struct ledger_slot *slot = ledger_slot(l, l->floor);
    uint64_t due;

    if (is_settled(slot))
      continue;
    due = patience_ends(l, l->floor, slot);
    if (due > now_ns) {
      l->floor_ns = due;
      break;
    }
    if (slot->entered) {
      ledger_settle(l, l->floor, LEDGER_LOST, l->now_ns);
    } else {
      slot->given_up = true;
      l->missing++;
    }
  }
  ledger_trim(l);
}

/* ---- entering ---- */

/* The record of a number whose slot is gone comes after all. */
static int enter_absent(struct ledger *l, const struct ledger_number *number) {
  struct ledger_number late = *number;

  if (!ranges_contains(&l->absent, number->pn, number->pn + 1)) {
    errno = EEXIST;
    return -1;
  }
  if (!ranges_remove(&l->absent, number->pn, number->pn + 1)) {
    errno = ENOMEM;
    return -1;
  }
  l->missing--;
  late.other_path = number->pn < l->path_from;
  late.fate = number->origin == LEDGER_BURNED ? LEDGER_NEVER_SENT : LEDGER_LOST;
  late.fate_ns = l->now_ns;
  if (l->ops.settled)
    l->ops.settled(l->arg, &late);
  return 0;
}

static void start_flight(struct ledger *l, uint64_t pn, const struct ledger_slot *slot) {
  if (ledger_is_ours(slot)) {
    l->inflight++;
    l->inflight_eliciting += slot->ack_eliciting;
  }
  /* Of whoever: after a probe of ngtcp2's, ours has time (RFC 9002 6.2.1). */
  if (slot->ack_eliciting && slot->sent_ns > l->last_eliciting_ns)
    l->last_eliciting_ns = slot->sent_ns;
  l->inflight_bytes += ledger_on_path(l, pn, slot) ? slot->bytes : 0;
  ledger_watch(l, pn, slot->sent_ns);
}

/* What is known of a number before its record has come: LEDGER_OUTSTANDING = nothing. */
static enum ledger_fate early_fate(const struct ledger_slot *slot, enum ledger_origin origin) {
  if (slot->fate != LEDGER_OUTSTANDING)
    return slot->fate;
  if (origin == LEDGER_BURNED)
    return LEDGER_NEVER_SENT;
  return slot->given_up ? LEDGER_LOST : LEDGER_OUTSTANDING;
}

int ledger_enter(struct ledger *ledger, const struct ledger_number *number) {
  struct ledger *l = ledger;
  struct ledger_slot *slot;
  enum ledger_fate early;
  uint64_t early_ns;

  ledger_clock(l, number->sent_ns);
  if (number->pn < l->base)
    return enter_absent(l, number);
  if (!ledger_reach(l, number->pn, number->sent_ns))
    return -1;
  slot = ledger_slot(l, number->pn);
  if (slot->entered) {
    errno = EEXIST;
    return -1;
  }
  if (!ledger_keep_pieces(l, slot, number->pieces, number->n_pieces))
    return -1;
  early = early_fate(slot, number->origin);
  early_ns = slot->fate != LEDGER_OUTSTANDING ? slot->fate_ns : l->now_ns;
  if (slot->given_up)
    l->missing--;
  slot->given_up = false;
  slot->entered = true;
  slot->fate = LEDGER_OUTSTANDING;
  slot->origin = (uint8_t)number->origin;
  slot->own = number->own;
  slot->sent_ns = number->sent_ns;
  slot->bytes = number->bytes;
  slot->ack_eliciting = number->ack_eliciting;
  if (ledger_is_inflight(slot))
    start_flight(l, number->pn, slot);
  if (early != LEDGER_OUTSTANDING)
    ledger_settle(l, number->pn, early, early_ns);
  ledger_move_floor(l, 0);
  return 0;
}

void ledger_failed(struct ledger *ledger, uint64_t pn, uint64_t now_ns) {
  struct ledger_slot *slot;

  ledger_clock(ledger, now_ns);
  if (pn < ledger->base || !ledger_reach(ledger, pn, now_ns))
    return;
  slot = ledger_slot(ledger, pn);
  if (slot->fate != LEDGER_OUTSTANDING)
    return;
  if (slot->entered) {
    ledger_settle(ledger, pn, LEDGER_NEVER_SENT, now_ns);
  } else {
    slot->fate = LEDGER_NEVER_SENT;
    slot->fate_ns = now_ns;
  }
  ledger_move_floor(ledger, now_ns);
}

/* ---- questions ---- */

uint64_t ledger_floor(const struct ledger *ledger) {
  return ledger->floor;
}

uint64_t ledger_memory(const struct ledger *ledger) {
  return ledger->base;
}

uint64_t ledger_inflight(const struct ledger *ledger) {
  return ledger->inflight;
}

uint64_t ledger_inflight_bytes(const struct ledger *ledger) {
  return ledger->inflight_bytes;
}

uint64_t ledger_largest_acked(const struct ledger *ledger) {
  return ledger->largest_acked;
}

uint64_t ledger_missing(const struct ledger *ledger) {
  return ledger->missing;
}

void ledger_each_outstanding(const struct ledger *ledger,
                             void (*visit)(void *arg, const struct ledger_number *number),
                             void *arg) {
  for (uint64_t pn = ledger->floor; pn < ledger->end; pn++) {
    const struct ledger_slot *slot = ledger_slot(ledger, pn);
    struct ledger_number number;

    if (!slot->entered || slot->fate != LEDGER_OUTSTANDING)
      continue;
    ledger_number_of(ledger, pn, slot, &number);
    visit(arg, &number);
  }
}
