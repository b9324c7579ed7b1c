#include "relay/fanout/ledger_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

/* Late records of given-up numbers are told from numbers used twice as long as
 * there are fewer spans of them than this. */
#define MAX_ABSENT_SPANS 1024

struct ledger_slot *ledger_slot(const struct ledger *l, uint64_t pn) {
  return &l->slots[pn & (l->room - 1)];
}

static bool grow(struct ledger *l, uint64_t span) {
  size_t room = l->room ? l->room : FIRST_ROOM;
  struct ledger_slot *slots;

  while (room < span)
    room *= 2;
  if (room == l->room)
    return true;
  slots = malloc(room * sizeof(*slots));
  if (!slots) {
    errno = ENOMEM;
    return false;
  }
  for (uint64_t pn = l->base; pn < l->end; pn++)
    slots[pn & (room - 1)] = *ledger_slot(l, pn);
  free(l->slots);
  l->slots = slots;
  l->room = room;
  return true;
}

bool ledger_reach(struct ledger *l, uint64_t pn, uint64_t now_ns) {
  if (pn < l->end)
    return true;
  if (pn - l->base >= LEDGER_MAX_SPAN) {
    errno = ERANGE;
    return false;
  }
  if (!grow(l, pn - l->base + 1))
    return false;
  for (; l->end <= pn; l->end++) {
    struct ledger_slot *slot = ledger_slot(l, l->end);
    memset(slot, 0, sizeof(*slot));
    slot->sent_ns = now_ns;
  }
  return true;
}

static bool still_needed(const struct ledger *l, const struct ledger_slot *slot) {
  bool unacked = slot->fate == LEDGER_LOST || slot->fate == LEDGER_NEVER_SENT;

  return slot->entered && unacked && l->floor - l->base <= LEDGER_HISTORY &&
         l->now_ns < slot->fate_ns + 3 * ledger_pto(l);
}

void ledger_trim(struct ledger *l) {
  uint64_t before = l->base;

  for (; l->base < l->floor; l->base++) {
    struct ledger_slot *slot = ledger_slot(l, l->base);
    if (still_needed(l, slot))
      break;
    ledger_drop_pieces(l, slot);
    /* No memory or too many: a late record is then refused as a second use. */
    if (!slot->entered && ranges_count(&l->absent) < MAX_ABSENT_SPANS)
      ranges_add(&l->absent, l->base, l->base + 1);
  }
  /* Joins the holes that no ACK will fill, so that the set stays small. */
  if (l->base != before)
    ranges_add(&l->acked, 0, l->base);
}

static struct ledger_block *take_block(struct ledger *l, size_t n) {
  struct ledger_block *block;
  unsigned size = 0;

  while ((size_t)4 << size < n)
    size++;
  block = l->free_blocks[size];
  if (block) {
    l->free_blocks[size] = block->next;
    return block;
  }
  block = malloc(sizeof(*block) + ((size_t)4 << size) * sizeof(block->piece[0]));
  if (block)
    block->size = size;
  return block;
}

bool ledger_keep_pieces(struct ledger *l, struct ledger_slot *slot,
                        const struct ledger_piece *pieces, size_t n) {
  struct ledger_piece *to = slot->inside;

  if (n > (size_t)4 << (LEDGER_BLOCK_SIZES - 1)) {
    errno = ERANGE;
    return false;
  }
  if (n > LEDGER_INSIDE) {
    struct ledger_block *block = take_block(l, n);
    if (!block) {
      errno = ENOMEM;
      return false;
    }
    slot->block = block;
    to = block->piece;
  }
  if (n)
    memcpy(to, pieces, n * sizeof(*to));
  slot->n_pieces = (uint16_t)n;
  return true;
}

void ledger_drop_pieces(struct ledger *l, struct ledger_slot *slot) {
  if (slot->n_pieces > LEDGER_INSIDE) {
    slot->block->next = l->free_blocks[slot->block->size];
    l->free_blocks[slot->block->size] = slot->block;
  }
  slot->n_pieces = 0;
}

void ledger_number_of(const struct ledger *l, uint64_t pn, const struct ledger_slot *slot,
                      struct ledger_number *out) {
  *out = (struct ledger_number){
      .pn = pn,
      .own = slot->own,
      .origin = slot->origin,
      .fate = slot->fate,
      .sent_ns = slot->sent_ns,
      .fate_ns = slot->fate_ns,
      .bytes = slot->bytes,
      .ack_eliciting = slot->ack_eliciting,
      .other_path = !ledger_on_path(l, pn, slot),
      .pieces = slot->n_pieces > LEDGER_INSIDE ? slot->block->piece : slot->inside,
      .n_pieces = slot->n_pieces,
  };
}
