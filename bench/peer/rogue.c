#include "bench/peer/rogue.h"

#include <stdlib.h>
#include <string.h>

#include "bench/peer/rogue_state.h"
#include "bpf/wire/frame.h"

#define MS UINT64_C(1000000)
/* From the start of publishing, and of a connection, to the first deed: so that there is
 * something to hurt. */
#define LEAD_NS (200 * MS)
#define TURN_NS (20 * MS)
/* A slow reader: what it takes at first (MoQT's set-up is less), and 1 kbit/s. */
#define SLOW_WINDOW   4096
#define SLOW_PER_S    125
#define FLOOD_EACH_NS MS
#define FLOOD_FRAMES  4
/* A frame type of nobody's (RFC 9000 19.21 keeps 0x21 to 0x2f free). */
#define UNKNOWN_FRAME 0x2f
/* Numbers ahead of what its peer can have sent. */
#define UNSENT 100000
/* A stream, and an offset, beyond every limit. */
#define FAR_STREAM ((UINT64_C(1) << 40) | 2)
#define FAR_OFFSET (UINT64_C(1) << 50)
/* How far behind its data it says that a stream ends. */
#define OTHER_SIZE 5000

struct rogue *rogue_new(const struct plan *plan, int node, const struct rogue_owner *owner) {
  struct rogue *rogue = calloc(1, sizeof *rogue);
  if (!rogue)
    return NULL;
  rogue->plan = plan;
  rogue->node = node;
  rogue->owner = *owner;
  rogue->publishes = plan_part(plan, node) == PLAN_PUBLISHER;
  return rogue;
}

void rogue_free(struct rogue *rogue) {
  free(rogue);
}

void rogue_config(struct rogue *rogue, struct qc_config *config) {
  config->protect = &rogue_hooks;
  config->protect_arg = rogue;
  if (rogue_does(rogue, PLAN_DEED_NO_STREAMS))
    config->max_streams_uni = 0;
  if (rogue_does(rogue, PLAN_DEED_TINY_WINDOW))
    config->max_data = config->max_stream_data_uni = config->max_stream_data_bidi = 1;
  if (rogue_does(rogue, PLAN_DEED_SLOW_READER))
    config->max_data = SLOW_WINDOW;
}

void rogue_attach(struct rogue *rogue, struct qc *conn) {
  rogue->conn = conn;
  rogue->acted = false;
  rogue->dialled_ns = rogue->now_ns;
  rogue->next_ns = rogue->now_ns + LEAD_NS;
  rogue->largest = 0;
  rogue->told = SLOW_WINDOW;
  rogue->open = rogue->finished = (struct rogue_stream){0};
  rogue->id_sequence = rogue->prior_to = 0;
  rogue->id_len = 0;
  rogue->owner.random(rogue->owner.arg, rogue->mark, sizeof rogue->mark);
}

void rogue_detach(struct rogue *rogue) {
  rogue->conn = NULL;
}

void rogue_start(struct rogue *rogue, uint64_t t0_ns) {
  rogue->started = true;
  rogue->t0_ns = t0_ns;
  if (rogue->next_ns < t0_ns + LEAD_NS)
    rogue->next_ns = t0_ns + LEAD_NS;
}

void rogue_clock(struct rogue *rogue, uint64_t now_ns) {
  rogue->now_ns = now_ns;
}

/* ---- forged frames --------------------------------------------------------------------------- */

static void put_ack(struct rogue *rogue, uint64_t largest) {
  uint8_t frame[32], *p = frame;
  *p++ = WIRE_ACK;
  p += wire_varint_put(p, largest);
  *p++ = 0;
  *p++ = 0;
  *p++ = 0;
  rogue->acted |= rogue_forge(rogue, frame, (size_t)(p - frame));
}

/* Every other number that came, down from the largest: a hundred ranges in 200 bytes. */
static size_t striped_ack(const struct rogue *rogue, uint8_t *buf, size_t room) {
  uint8_t pairs[ROGUE_FRAMES_MAX], *p = buf;
  const uint64_t largest = rogue->largest - 1;
  size_t len = 0;
  uint64_t last = largest;
  for (uint64_t back = 2; back <= largest && back < ROGUE_SEEN && len + 26 <= room; back++) {
    const uint64_t pn = largest - back;
    if (pn + 2 > last || last - pn - 2 >= 64 || !rogue_saw(rogue, pn))
      continue;
    pairs[len++] = (uint8_t)(last - pn - 2); /* so many and one more are not acknowledged */
    pairs[len++] = 0;                        /* one is */
    last = pn;
  }
  *p++ = WIRE_ACK;
  p += wire_varint_put(p, largest);
  *p++ = 0;
  p += wire_varint_put(p, len / 2);
  *p++ = 0;
  memcpy(p, pairs, len);
  return (size_t)(p - buf) + len;
}

static void flood(struct rogue *rogue) {
  uint8_t frames[ROGUE_FRAMES_MAX];
  size_t len = 0;
  if (rogue->largest == 0)
    return;
  for (int i = 0; i < FLOOD_FRAMES; i++)
    len += striped_ack(rogue, frames + len, ROGUE_FRAMES_MAX / FLOOD_FRAMES);
  rogue_forge(rogue, frames, len);
}

/* STREAM with offset and length, and no bytes but those given. */
static bool put_stream(struct rogue *rogue, uint64_t sid, uint64_t offset, const uint8_t *data,
                       size_t len, bool fin) {
  uint8_t frame[128], *p = frame;
  *p++ = (uint8_t)(WIRE_STREAM | WIRE_STREAM_OFF | WIRE_STREAM_LEN | (fin ? WIRE_STREAM_FIN : 0));
  p += wire_varint_put(p, sid);
  p += wire_varint_put(p, offset);
  p += wire_varint_put(p, len);
  memcpy(p, data, len);
  p += len;
  return rogue_forge(rogue, frame, (size_t)(p - frame));
}

static void far_stream(struct rogue *rogue) {
  uint8_t data[64];
  const size_t len = rogue_object(rogue, data, 10);
  rogue->acted |= put_stream(rogue, FAR_STREAM, 0, data, len, false);
}

/* On a stream of its own that has data, or its control stream. */
static void far_offset(struct rogue *rogue) {
  const uint64_t sid = rogue->open.any && !rogue->open.fin ? rogue->open.sid : 2;
  rogue->acted |= put_stream(rogue, sid, FAR_OFFSET, (const uint8_t *)"far", 3, false);
}

static void other_size(struct rogue *rogue) {
  const struct rogue_stream *open = &rogue->open;
  if (open->any && !open->fin)
    rogue->acted |= put_stream(rogue, open->sid, open->end + OTHER_SIZE, NULL, 0, true);
}

static void second_fin(struct rogue *rogue) {
  const struct rogue_stream *last = &rogue->finished;
  if (last->any)
    put_stream(rogue, last->sid, last->end, NULL, 0, true);
}

/* The newest ID again, with the next older one to be retired. */
static void retire_one(struct rogue *rogue) {
  uint8_t frame[64], *p = frame;
  if (rogue->id_len == 0 || rogue->prior_to >= rogue->id_sequence)
    return;
  *p++ = WIRE_NEW_CONNECTION_ID;
  p += wire_varint_put(p, rogue->id_sequence);
  p += wire_varint_put(p, rogue->prior_to + 1);
  *p++ = rogue->id_len;
  memcpy(p, rogue->id, rogue->id_len);
  p += rogue->id_len;
  memcpy(p, rogue->id_token, sizeof rogue->id_token);
  p += sizeof rogue->id_token;
  if (rogue_forge(rogue, frame, (size_t)(p - frame)))
    rogue->prior_to++;
}

/* MAX_DATA for what 1 kbit/s has read by now. */
static void read_slowly(struct rogue *rogue) {
  uint8_t frame[16], *p = frame;
  const uint64_t read = (rogue->now_ns - rogue->dialled_ns) / MS * SLOW_PER_S / 1000;
  if (SLOW_WINDOW + read <= rogue->told)
    return;
  *p++ = WIRE_MAX_DATA;
  p += wire_varint_put(p, SLOW_WINDOW + read);
  if (rogue_forge(rogue, frame, (size_t)(p - frame)))
    rogue->told = SLOW_WINDOW + read;
}

/* ---- what is due ------------------------------------------------------------------------------- */

/* Deeds that end a connection: once on each, and not two of them at a time. */
static void act_once(struct rogue *rogue) {
  static const uint8_t unknown = UNKNOWN_FRAME;
  if (!rogue->acted && rogue_does(rogue, PLAN_DEED_ACK_UNSENT))
    put_ack(rogue, rogue->largest + UNSENT);
  if (!rogue->acted && rogue_does(rogue, PLAN_DEED_BAD_FRAME))
    rogue->acted = rogue_forge(rogue, &unknown, 1);
  if (!rogue->acted && rogue_does(rogue, PLAN_DEED_STREAM_LIMIT))
    far_stream(rogue);
  if (!rogue->acted && rogue_does(rogue, PLAN_DEED_FLOW_LIMIT))
    far_offset(rogue);
  if (!rogue->acted && rogue_does(rogue, PLAN_DEED_OTHER_SIZE))
    other_size(rogue);
  if (!rogue->acted && rogue_does(rogue, PLAN_DEED_CUT_MOQT))
    rogue_cut_message(rogue);
  if (!rogue->acted && rogue_does(rogue, PLAN_DEED_BAD_LENGTH))
    rogue_bad_length(rogue);
}

void rogue_run(struct rogue *rogue) {
  if (!rogue->conn || !qc_is_established(rogue->conn) || rogue->now_ns < rogue->next_ns)
    return;
  rogue->next_ns = rogue->now_ns + TURN_NS;
  if (rogue_does(rogue, PLAN_DEED_SLOW_READER))
    read_slowly(rogue);
  if (!rogue->started)
    return;
  if (rogue_does(rogue, PLAN_DEED_RETIRE_PRIOR_TO))
    retire_one(rogue);
  if (rogue_does(rogue, PLAN_DEED_DOUBLE_FIN))
    second_fin(rogue);
  if (rogue_does(rogue, PLAN_DEED_ACK_FLOOD)) {
    flood(rogue);
    rogue->next_ns = rogue->now_ns + FLOOD_EACH_NS;
  }
  act_once(rogue);
}

uint64_t rogue_deadline(const struct rogue *rogue) {
  const bool runs = rogue->conn && !qc_is_closed(rogue->conn) && qc_is_established(rogue->conn);
  return runs ? rogue->next_ns : UINT64_MAX;
}
