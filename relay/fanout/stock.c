/* What ngtcp2 holds can neither be dropped nor overtaken any more, and takes its place there though a
 * limit of the subscriber stops it (MoQT, Priorities: keep little queued inside QUIC). So before each
 * packet it gets no more than that takes, when the congestion window has room for one, and nothing
 * that MAX_STREAMS, MAX_STREAM_DATA or MAX_DATA do not let out: that is parked for the rest of the
 * turn, so that it does not stand in the way. What has not left with the packet is taken back. */
#include "bpf/wire/varint.h"
#include "relay/fanout/core.h"

/* Type and length. */
#define FRAME_HEAD 3u

/* What MoQT's order says between streams and datagrams, for the queues of `qc`: behind MoQT's own
 * streams. */
static uint32_t priority_of(uint64_t order) {
  return (uint32_t)(order >> 33) + QC_PRIORITY_DEFAULT + 1;
}

static int64_t sid_of(const struct leg *leg) {
  return (int64_t)(leg->ordinal << 2 | 3);
}

static bool open_stream(struct client *client, struct leg *leg) {
  int64_t sid = qc_open_uni(client->qc);
  if (sid < 0)
    return false;
  leg_open(leg, (uint64_t)sid >> 2);
  qc_stream_priority(client->qc, sid, priority_of(leg->order));
  return true;
}

/* It is ngtcp2's, or nobody's, from here on. */
static void let_go(struct leg *leg) {
  leg_finish(leg);
  stream_settle(leg->stream);
}

/* What there is to hand over: of one that is being reset its header. */
static uint64_t end_of(const struct leg *leg) {
  return leg->reset ? leg->stream->header_len : leg->stream->len;
}

/* Where it goes on. */
static uint64_t next_of(const struct leg *leg) {
  uint64_t lo, hi;
  return ranges_next_gap(&leg->sent, 0, end_of(leg), &lo, &hi) ? lo : end_of(leg);
}

static bool ends_with(const struct leg *leg, uint64_t end) {
  return !leg->reset && leg->stream->fin && end == leg->stream->len;
}

/* Hands at most so many bytes of a leg to ngtcp2, which keeps those that leave until they are
 * acknowledged. False: a limit of the subscriber is in the way. */
static bool hand_over(struct client *client, struct leg *leg, uint64_t most) {
  struct stream *stream = leg->stream;
  bool opens = leg->ordinal == NO_ORDINAL;
  uint64_t room = qc_stream_room(client->qc, opens ? -1 : sid_of(leg));
  uint64_t lo = next_of(leg), hi = end_of(leg);
  if (lo < stream->base) {
    pending_remove(client, leg);
    return true;
  }
  if ((hi > lo && !room) || (opens && !open_stream(client, leg)))
    return false;
  if (room < most)
    most = room;
  if (hi - lo > most)
    hi = lo + most;
  pending_remove(client, leg);
  if (qc_stream_send(client->qc, sid_of(leg), stream_bytes(stream, lo), (size_t)(hi - lo),
                     ends_with(leg, hi))) {
    let_go(leg);
    return true;
  }
  leg->next_aside = client->handed;
  client->handed = leg;
  return true;
}

/* What a frame of it adds to its bytes; a stream that is yet to be opened has an ID like the last. */
static uint64_t head_of(const struct leg *leg) {
  uint64_t lo = next_of(leg);
  uint64_t ordinal = leg->ordinal == NO_ORDINAL ? HASH_COUNT(leg->client->legs) : leg->ordinal;
  return FRAME_HEAD + wire_varint_len(ordinal << 2) + (lo ? wire_varint_len(lo) : 0);
}

/* False: the packet has to leave first. */
static bool hand_over_datagram(struct client *client, const struct queued_datagram *d) {
  if (!qc_datagram_send_at(client->qc, priority_of(d->order), d->data, d->len)) {
    client->handed_datagrams++;
    return true;
  }
  if (d != client->dgram_head)
    return false;
  datagram_gone(client); /* it is too large for this subscriber */
  return true;
}

/* The next packet has no place for this one, or for none of it that is worth it. */
static bool is_full(const struct client *client, const struct leg *leg,
                    const struct queued_datagram *d, uint64_t used) {
  uint64_t least = leg ? head_of(leg) + (leg->ordinal == NO_ORDINAL ? leg->stream->header_len : 1)
                       : FRAME_HEAD + d->len;
  return used && used + least > qc_packet_room(client->qc);
}

void stock_feed(struct client *client) {
  if (!client->started || client->closed || !qc_congestion_room(client->qc))
    return;
  subscription_enter(client);
  if (client->entering)
    return;
  struct queued_datagram *d = client->dgram_head;
  for (uint64_t used = qc_unsent(client->qc), heads = 0;; used = qc_unsent(client->qc) + heads) {
    struct leg *leg = client->n_pending ? client->pending[0] : NULL;
    if (d && (!leg || d->order <= leg->order))
      leg = NULL;
    if ((!leg && !d) || is_full(client, leg, d, used))
      return;
    if (leg) {
      uint64_t head = head_of(leg);
      if (hand_over(client, leg, qc_packet_room(client->qc) - used - head))
        heads += head;
      else
        pending_park(client, leg);
      continue;
    }
    struct queued_datagram *next = d->next;
    if (!hand_over_datagram(client, d))
      return;
    heads += FRAME_HEAD;
    d = next;
  }
}

static void take_back_stream(struct client *client, struct leg *leg) {
  bool fin;
  uint64_t end = qc_stream_take_back(client->qc, sid_of(leg), &fin);
  if (end == UINT64_MAX) {
    let_go(leg);
    return;
  }
  if (!end && !fin)
    leg_unopen(leg);
  ranges_add(&leg->sent, 0, end);
  ranges_add(&leg->acked, 0, end); /* ngtcp2's from here on */
  leg->fin_sent = leg->fin_acked = fin;
  if (fin)
    let_go(leg);
  else if (end < end_of(leg) || ends_with(leg, end))
    pending_push(client, leg);
}

void stock_take_back(struct client *client) {
  while (client->handed) {
    struct leg *leg = client->handed;
    client->handed = leg->next_aside;
    take_back_stream(client, leg);
  }
  size_t left = client->handed_datagrams - qc_datagrams_take_back(client->qc);
  for (client->handed_datagrams = 0; left; left--)
    datagram_gone(client);
}

static void reset_now(struct leg *leg) {
  qc_stream_reset(leg->client->qc, sid_of(leg), leg->reset_code);
  client_dirty(leg->client);
  let_go(leg);
}

/* The subscriber counts a stream by its header, so that goes first, unless a limit keeps it. */
static bool reset_may_go(struct leg *leg) {
  const struct client *client = leg->client;
  if (!leg->sub || qc_stream_acked(client->qc, sid_of(leg)) >= leg->stream->header_len)
    return true;
  if (next_of(leg) == end_of(leg) || qc_stream_room(client->qc, sid_of(leg)))
    return false;
  leg->sub->streams--;
  return true;
}

void stock_reset(struct leg *leg) {
  if (reset_may_go(leg)) {
    reset_now(leg);
    return;
  }
  if (next_of(leg) < end_of(leg))
    pending_push(leg->client, leg);
  leg_queue_reset(leg);
}

static void reset_due(struct client *client) {
  for (size_t i = 0; i < client->n_resets; i++) {
    struct leg *leg = client->resets[i];
    if (!reset_may_go(leg))
      continue;
    client->resets[i--] = client->resets[--client->n_resets];
    leg->reset_sent = true;
    reset_now(leg);
  }
}

void stock_begin(struct client *client) {
  if (!client->started || client->closed)
    return;
  reset_due(client);
  drop_what_waits(client);
  if (qc_congestion_room(client->qc))
    pending_unpark(client);
}
