#include "relay/quic/shim.h"

#include <stdlib.h>
#include <string.h>

#include "bpf/wire/frame.h"
#include "bpf/wire/short_header.h"
#include "relay/quic/shim_runs.h"

#define PN_LEN         4
#define TAG_LEN        16
#define PROTOCOL_ERROR 0x0a /* PROTOCOL_VIOLATION, RFC 9000 20.1 */

/* ngtcp2 skips one number at a time; a larger jump would be a mistake here. */
#define MAX_SKIP 16

struct shim {
  struct shim_ops ops;
  void *arg;
  struct shim_runs runs;
  uint64_t next_own; /* ngtcp2's 1-RTT numbers begin with 0 */
  size_t own_len;    /* bytes in which ngtcp2 wrote its last number */
  uint64_t truncated;
  uint64_t told; /* the largest of ngtcp2's numbers that it was told of */
  bool any_told;
  unsigned owed_acks;
};

struct shim *shim_new(const struct shim_ops *ops, void *arg) {
  struct shim *shim = calloc(1, sizeof(*shim));

  if (!shim)
    return NULL;
  shim->ops = *ops;
  shim->arg = arg;
  return shim;
}

void shim_free(struct shim *shim) {
  if (!shim)
    return;
  shim_runs_free(&shim->runs);
  free(shim);
}

bool shim_own(const struct shim *shim, uint64_t joint, uint64_t *own) {
  return shim_runs_own(&shim->runs, joint, own);
}

void shim_forget(struct shim *shim, uint64_t joint) {
  shim_runs_forget(&shim->runs, joint);
}

uint64_t shim_truncated(const struct shim *shim) {
  return shim->truncated;
}

unsigned shim_owed_acks(const struct shim *shim) {
  return shim->owed_acks;
}

static bool elicits_ack(const struct wire_frame *f) {
  return f->type != WIRE_PADDING && f->type != WIRE_ACK && f->type != WIRE_ACK_ECN &&
         f->type != WIRE_CONNECTION_CLOSE && f->type != WIRE_CONNECTION_CLOSE_APP;
}

/* ---- sending ---- */

/* *ack: an ACK is in it. */
static bool is_ack_eliciting(const uint8_t *payload, size_t len, bool *ack) {
  struct wire_cursor c = wire_cursor(payload, 0, len);
  struct wire_frame f;
  bool eliciting = false;

  *ack = false;
  while (wire_frame_next(&c, &f) == WIRE_FRAME_OK) {
    *ack |= f.type == WIRE_ACK;
    eliciting |= elicits_ack(&f);
  }
  return eliciting;
}

/* Defect retire-first: a NEW_CONNECTION_ID for which no ID is left does not leave. */
static void withhold_ids(struct shim *shim, uint8_t *payload, size_t len) {
  struct wire_cursor c = wire_cursor(payload, 0, len);
  struct wire_frame f;

  while (wire_frame_next(&c, &f) == WIRE_FRAME_OK)
    if (f.type == WIRE_NEW_CONNECTION_ID && !shim->ops.may_issue(shim->arg))
      memset(payload + f.at, WIRE_PADDING, f.end - f.at);
}

/* Nothing but PINGs asks for an ACK; *ack: beside an ACK. */
static bool is_ping(const uint8_t *payload, size_t len, bool *ack) {
  struct wire_cursor c = wire_cursor(payload, 0, len);
  struct wire_frame f;
  bool ping = false;

  *ack = false;
  while (wire_frame_next(&c, &f) == WIRE_FRAME_OK) {
    *ack |= f.type == WIRE_ACK;
    ping |= f.type == WIRE_PING;
    if (f.type != WIRE_ACK && f.type != WIRE_PING && f.type != WIRE_PADDING)
      return false;
  }
  return ping;
}

static void withhold_pings(uint8_t *payload, size_t len) {
  struct wire_cursor c = wire_cursor(payload, 0, len);
  struct wire_frame f;

  while (wire_frame_next(&c, &f) == WIRE_FRAME_OK)
    if (f.type == WIRE_PING)
      memset(payload + f.at, WIRE_PADDING, f.end - f.at);
}

/* Joint numbers for those that ngtcp2 skipped on purpose. */
static bool burn_skipped(struct shim *shim, uint64_t own) {
  if (own < shim->next_own || own - shim->next_own > MAX_SKIP)
    return false;
  for (; shim->next_own < own; shim->next_own++) {
    uint64_t joint = shim->ops.take_number(shim->arg);
    shim->ops.own_sent(shim->arg, joint, shim->next_own, 0, false, true);
    if (!shim_runs_add(&shim->runs, shim->next_own, joint))
      return false;
  }
  return true;
}

static bool must_wait(const struct shim *shim, const struct protect_out *pkt, size_t bytes) {
  bool ack;

  return shim->ops.has_room && is_ping(pkt->payload, pkt->payload_len, &ack) &&
         !shim->ops.has_room(shim->arg, bytes, !ack);
}

static int sealing(void *arg, struct protect_out *pkt) {
  struct shim *shim = arg;
  size_t own_len = wire_short_pn_len(pkt->hdr[0]), moved = PN_LEN - own_len;
  size_t bytes = pkt->hdr_len + moved + pkt->payload_len + TAG_LEN;
  bool ack, ack_eliciting = is_ack_eliciting(pkt->payload, pkt->payload_len, &ack);

  if (must_wait(shim, pkt, bytes)) {
    withhold_pings(pkt->payload, pkt->payload_len);
    ack_eliciting = false;
  }
  if (!burn_skipped(shim, pkt->own_pn))
    return -1;
  pkt->joint_pn = shim->ops.take_number(shim->arg);
  if (!shim_runs_add(&shim->runs, pkt->own_pn, pkt->joint_pn)) {
    shim->ops.own_sent(shim->arg, pkt->joint_pn, pkt->own_pn, 0, false, true);
    return -1;
  }
  shim->next_own++;
  shim->own_len = own_len;
  if (ack)
    shim->owed_acks = 0;
  if (shim->ops.may_issue)
    withhold_ids(shim, pkt->payload, pkt->payload_len);
  memmove(pkt->payload + moved, pkt->payload, pkt->payload_len);
  pkt->payload += moved;
  wire_store_be(pkt->hdr + pkt->hdr_len - own_len, PN_LEN, pkt->joint_pn);
  pkt->hdr_len += moved;
  pkt->hdr[0] |= WIRE_PN_LEN_BITS;
  shim->ops.own_sent(shim->arg, pkt->joint_pn, pkt->own_pn, bytes, ack_eliciting, false);
  return 0;
}

/* ---- receiving ---- */

/* One ACK frame in joint numbers and what is left of it in own ones. */
struct split {
  struct shim_range joint[SHIM_MAX_RANGES], own[SHIM_MAX_RANGES];
  size_t n_joint, n_own;
};

/* What is left of numbers that are kept in `width` bytes. */
static struct shim_range narrowed(const struct shim_range *own, size_t width) {
  uint64_t mask = (UINT64_C(1) << (8 * width)) - 1;
  uint64_t lo = own->lo & mask, hi = own->hi & mask;
  return (struct shim_range){lo < hi ? lo : hi, hi};
}

static void split_ack(struct shim *shim, const uint8_t *payload, const struct wire_frame *f,
                      struct split *split) {
  struct wire_ack_iter it = wire_ack_iter(payload, f);
  struct shim_range joint, own;

  split->n_joint = split->n_own = 0;
  while (wire_ack_next(&it, &joint.lo, &joint.hi)) {
    if (split->n_joint == SHIM_MAX_RANGES) {
      shim->truncated++;
      continue;
    }
    split->joint[split->n_joint++] = joint;
    if (!shim_runs_within(&shim->runs, joint.lo, joint.hi, &own.lo, &own.hi))
      continue;
    if (shim->ops.mixed_widths)
      own = narrowed(&own, shim->own_len);
    if (split->n_own && split->own[split->n_own - 1].lo == own.hi + 1)
      split->own[split->n_own - 1].lo = own.lo;
    else
      split->own[split->n_own++] = own;
  }
}

/* Gap field between range i - 1 and range i (RFC 9000 19.3.1). */
static uint64_t gap_before(const struct shim_range *own, size_t i) {
  return own[i - 1].lo - own[i].hi - 2;
}

static size_t range_len(const struct shim_range *own, size_t i) {
  return wire_varint_len(gap_before(own, i)) + wire_varint_len(own[i].hi - own[i].lo);
}

/* How many of the n ranges, largest numbers first, fit into an ACK frame of `room` bytes. */
static size_t ranges_that_fit(const struct shim_range *own, size_t n, uint64_t delay, size_t room) {
  size_t len, fit;

  if (n == 0)
    return 0;
  len = 1 + wire_varint_len(own[0].hi) + wire_varint_len(delay) +
        wire_varint_len(own[0].hi - own[0].lo);
  for (fit = 1; fit < n && len + range_len(own, fit) + wire_varint_len(fit) <= room; fit++)
    len += range_len(own, fit);
  return len + wire_varint_len(fit - 1) <= room ? fit : 0;
}

static void write_ack(uint8_t *p, const uint8_t *end, const struct shim_range *own, size_t n,
                      uint64_t delay) {
  *p++ = WIRE_ACK;
  p += wire_varint_put(p, own[0].hi);
  p += wire_varint_put(p, delay);
  p += wire_varint_put(p, n - 1);
  p += wire_varint_put(p, own[0].hi - own[0].lo);
  for (size_t i = 1; i < n; i++) {
    p += wire_varint_put(p, gap_before(own, i));
    p += wire_varint_put(p, own[i].hi - own[i].lo);
  }
  memset(p, WIRE_PADDING, (size_t)(end - p));
}

static void note_told(struct shim *shim, uint64_t own) {
  if (!shim->any_told || own > shim->told)
    shim->told = own;
  shim->any_told = true;
}

/* Nothing for ngtcp2, but PADDING alone would be a probe: from a new address it would not be taken
 * for the move that it is (RFC 9000 9.2). So what was told before is told again. */
static void write_old_ack(const struct shim *shim, uint8_t *at, const uint8_t *end) {
  const struct shim_range old = {shim->told, shim->told};

  if (shim->any_told && ranges_that_fit(&old, 1, 0, (size_t)(end - at)))
    write_ack(at, end, &old, 1, 0);
  else
    memset(at, WIRE_PADDING, (size_t)(end - at));
}

static int told(struct shim *shim, const struct split *split, const struct shim_range *own,
                size_t n, uint64_t delay, uint64_t *error) {
  if (shim->ops.ack(shim->arg, split->joint, split->n_joint, own, n, delay))
    return 0;
  *error = PROTOCOL_ERROR;
  return -1;
}

static int on_ack(struct shim *shim, uint8_t *payload, const struct wire_frame *f,
                  uint64_t *error) {
  uint8_t *at = payload + f->at, *end = payload + f->end;
  struct split split;
  size_t fit;

  if (f->largest.v >= shim->ops.next_number(shim->arg)) {
    *error = PROTOCOL_ERROR;
    return -1;
  }
  split_ack(shim, payload, f, &split);
  if (shim->ops.raw_acks)
    return told(shim, &split, split.joint, split.n_joint, f->delay.v, error);
  fit = ranges_that_fit(split.own, split.n_own, f->delay.v, (size_t)(end - at));
  shim->truncated += split.n_own - fit;
  if (fit) {
    write_ack(at, end, split.own, fit, f->delay.v);
    note_told(shim, split.own[0].hi);
  } else {
    write_old_ack(shim, at, end);
  }
  return told(shim, &split, split.own, fit, f->delay.v, error);
}

/* ngtcp2 does not know the stream; it must still acknowledge the packet. */
static void hide(uint8_t *payload, const struct wire_frame *f) {
  memset(payload + f->at, WIRE_PADDING, f->end - f->at);
  payload[f->at] = WIRE_PING;
}

static int opened(void *arg, uint64_t pn, uint8_t *payload, size_t len, uint64_t *error) {
  struct shim *shim = arg;
  const struct shim_ops *ops = &shim->ops;
  struct wire_cursor c = wire_cursor(payload, 0, len);
  struct wire_frame f;
  bool eliciting = false;

  (void)pn;
  /* A frame that cannot be read ends the walk: ngtcp2 meets it too and closes. */
  while (wire_frame_next(&c, &f) == WIRE_FRAME_OK) {
    eliciting |= elicits_ack(&f);
    switch (f.type) {
    case WIRE_ACK:
    case WIRE_ACK_ECN:
      if (on_ack(shim, payload, &f, error))
        return -1;
      break;
    case WIRE_MAX_DATA:
      ops->max_data(shim->arg, f.limit.v);
      break;
    case WIRE_MAX_STREAMS_UNI:
      ops->max_streams_uni(shim->arg, f.limit.v);
      break;
    case WIRE_MAX_STREAM_DATA:
      if (ops->is_fanout_stream(shim->arg, f.id.v)) {
        hide(payload, &f);
        ops->max_stream_data(shim->arg, f.id.v, f.limit.v);
      }
      break;
    case WIRE_STOP_SENDING:
      if (ops->is_fanout_stream(shim->arg, f.id.v)) {
        hide(payload, &f);
        ops->stop_sending(shim->arg, f.id.v, f.code.v);
      }
      break;
    default:
      break;
    }
  }
  shim->owed_acks += eliciting;
  return 0;
}

const struct protect_hooks shim_protect_hooks = {.sealing = sealing, .opened = opened};
