/* A rogue's 1-RTT packets, in clear, right before they are sealed. */
#include <string.h>

#include "bench/peer/rogue_state.h"
#include "bpf/wire/frame.h"
#include "bpf/wire/short_header.h"

#define PN_LEN 4

bool rogue_forge(struct rogue *rogue, const uint8_t *frames, size_t len) {
  uint8_t datagram[ROGUE_MARK + ROGUE_FRAMES_MAX];
  if (len > ROGUE_FRAMES_MAX)
    return false;
  memcpy(datagram, rogue->mark, ROGUE_MARK);
  memcpy(datagram + ROGUE_MARK, frames, len);
  return qc_datagram_send(rogue->conn, datagram, ROGUE_MARK + len) == 0;
}

/* ---- frames of ngtcp2's ------------------------------------------------------------------ */

static void hide(uint8_t *payload, const struct wire_frame *f) {
  memset(payload + f->at, WIRE_PADDING, f->end - f->at);
}

/* The forged frames are shorter than the DATAGRAM by its header and the mark. */
static void unwrap(struct rogue *rogue, uint8_t *payload, const struct wire_frame *f) {
  const uint8_t *data = payload + f->data_at;
  if (f->data_len < ROGUE_MARK || memcmp(data, rogue->mark, ROGUE_MARK) != 0)
    return;
  const size_t len = f->data_len - ROGUE_MARK;
  memmove(payload + f->at, data + ROGUE_MARK, len);
  memset(payload + f->at + len, WIRE_PADDING, f->end - f->at - len);
}

/* The longest range below `largest` that can be written in `room` bytes. */
static uint64_t longest_range(uint64_t largest, size_t room) {
  static const uint64_t most[9] = {0,          63,         16383,      16383,     1073741823,
                                   1073741823, 1073741823, 1073741823, UINT64_MAX};
  const uint64_t fits = most[room < 8 ? room : 8];
  return largest < fits ? largest : fits;
}

/* One range from 0 on, or from as far down as fits where the ranges were. */
static void claim_all(uint8_t *payload, const struct wire_frame *f) {
  uint8_t frame[1 + 4 * 8], *p = frame;
  *p++ = WIRE_ACK;
  p += wire_varint_put(p, f->largest.v);
  p += wire_varint_put(p, f->delay.v);
  *p++ = 0; /* no range behind the first */
  const size_t room = f->end - f->at, used = (size_t)(p - frame);
  if (used >= room)
    return;
  p += wire_varint_put(p, longest_range(f->largest.v, room - used));
  const size_t len = (size_t)(p - frame);
  memcpy(payload + f->at, frame, len);
  memset(payload + f->at + len, WIRE_PADDING, room - len);
}

static void see_stream(struct rogue *rogue, const struct wire_frame *f) {
  const uint64_t end = f->offset.v + f->data_len;
  /* a client's unidirectional ones behind its control stream */
  if ((f->id.v & 3) != 2 || f->id.v < 6)
    return;
  struct rogue_stream *open = &rogue->open;
  if (!open->any || f->id.v > open->sid)
    *open = (struct rogue_stream){.any = true, .sid = f->id.v};
  if (f->id.v == open->sid) {
    open->end = end > open->end ? end : open->end;
    open->fin |= f->fin;
  }
  if (f->fin)
    rogue->finished = (struct rogue_stream){.any = true, .fin = true, .sid = f->id.v, .end = end};
}

static void see_id(struct rogue *rogue, const uint8_t *payload, const struct wire_frame *f) {
  if (rogue->id_len > 0 && f->id.v <= rogue->id_sequence)
    return;
  rogue->id_sequence = f->id.v;
  rogue->id_len = (uint8_t)f->data_len;
  memcpy(rogue->id, payload + f->data_at, f->data_len);
  memcpy(rogue->id_token, payload + f->extra_at, sizeof rogue->id_token);
}

static void bend(struct rogue *rogue, uint8_t *payload, const struct wire_frame *f) {
  if (f->type == WIRE_ACK || f->type == WIRE_ACK_ECN) {
    if (rogue->started && rogue_does(rogue, PLAN_DEED_NEVER_ACK))
      hide(payload, f);
    else if (rogue->started && rogue_does(rogue, PLAN_DEED_OPTIMISTIC_ACK))
      claim_all(payload, f);
  } else if (f->type == WIRE_MAX_DATA || f->type == WIRE_MAX_STREAM_DATA) {
    if (rogue_does(rogue, PLAN_DEED_SLOW_READER))
      hide(payload, f);
  } else if (f->type == WIRE_NEW_CONNECTION_ID)
    see_id(rogue, payload, f);
  else if (wire_is_stream(f->type))
    see_stream(rogue, f);
}

/* Forged frames go in last: they are not to be bent. */
static void walk(struct rogue *rogue, uint8_t *payload, size_t len, bool forged) {
  struct wire_cursor c = wire_cursor(payload, 0, len);
  struct wire_frame f;
  while (wire_frame_next(&c, &f) == WIRE_FRAME_OK) {
    if (!forged)
      bend(rogue, payload, &f);
    else if (wire_is_datagram(f.type))
      unwrap(rogue, payload, &f);
  }
}

/* ---- hooks ------------------------------------------------------------------------------- */

/* The number keeps its value and is written in 4 bytes, as the seam asks for. */
static int sealing(void *arg, struct protect_out *pkt) {
  const size_t own_len = wire_short_pn_len(pkt->hdr[0]), moved = PN_LEN - own_len;
  walk(arg, pkt->payload, pkt->payload_len, false);
  walk(arg, pkt->payload, pkt->payload_len, true);
  memmove(pkt->payload + moved, pkt->payload, pkt->payload_len);
  pkt->payload += moved;
  wire_store_be(pkt->hdr + pkt->hdr_len - own_len, PN_LEN, pkt->own_pn);
  pkt->hdr_len += moved;
  pkt->hdr[0] |= WIRE_PN_LEN_BITS;
  return 0;
}

static void see_number(struct rogue *rogue, uint64_t pn) {
  for (; rogue->largest <= pn; rogue->largest++)
    rogue->seen[rogue->largest % ROGUE_SEEN / 64] &= ~(UINT64_C(1) << (rogue->largest % 64));
  if (rogue->largest - pn <= ROGUE_SEEN)
    rogue->seen[pn % ROGUE_SEEN / 64] |= UINT64_C(1) << (pn % 64);
}

static int opened(void *arg, uint64_t pn, uint8_t *payload, size_t len, uint64_t *error) {
  struct rogue *rogue = arg;
  (void)payload;
  (void)len;
  (void)error;
  see_number(rogue, pn);
  return 0;
}

const struct protect_hooks rogue_hooks = {.sealing = sealing, .opened = opened};
