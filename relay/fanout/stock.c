/* What is handed to ngtcp2 can neither be dropped nor overtaken any more, and takes its place
 * there though a limit of the subscriber stops it (MoQT, Priorities: keep little queued inside
 * QUIC). So it gets no more than the next packet takes, when the congestion window has room for
 * one, and nothing that MAX_STREAMS, MAX_STREAM_DATA or MAX_DATA do not let out: that is parked
 * for the rest of the turn, so that it does not stand in the way. */
#include "bpf/wire/varint.h"
#include "relay/fanout/core.h"

enum handed { HANDED_ALL, HANDED_SOME, HANDED_NONE };

/* Type and length. */
#define FRAME_HEAD 3u

static bool has_more(const struct leg *leg) {
  uint64_t lo, hi;
  if (leg->done || leg->reset)
    return false;
  return ranges_next_gap(&leg->sent, 0, leg->stream->len, &lo, &hi) ||
         (leg->stream->fin && !leg->fin_sent);
}

/* What MoQT's order says between streams and datagrams, for the queues of `qc`: behind MoQT's own
 * streams. */
static uint32_t priority_of(uint64_t order) {
  return (uint32_t)(order >> 33) + QC_PRIORITY_DEFAULT + 1;
}

/* Which subscription it is of, and the publisher's priority. 0: of none. */
static uint64_t tag_of(const struct subscription *sub, uint8_t priority) {
  return sub && sub->req >= 0 ? ((uint64_t)sub->req + 1) << 8 | priority : 0;
}

static void hand_over_datagram(struct client *client) {
  const struct queued_datagram *d = client->dgram_head;
  const uint64_t tag = tag_of(client->subs[d->track], d->priority);
  qc_datagram_send_at(client->qc, priority_of(d->order), tag, d->data, d->len);
  datagram_gone(client);
}

static bool open_stream(struct client *client, struct leg *leg) {
  int64_t sid = qc_open_uni(client->qc);
  if (sid < 0)
    return false;
  leg_open(leg, (uint64_t)sid >> 2);
  qc_stream_priority(client->qc, sid, priority_of(leg->order));
  qc_stream_tag(client->qc, sid, tag_of(leg->sub, leg->stream->priority));
  return true;
}

/* Hands at most so many bytes of a leg to ngtcp2, which keeps them until they are acknowledged.
 * HANDED_NONE: a limit of the subscriber is in the way. */
static enum handed hand_over(struct client *client, struct leg *leg, uint64_t most) {
  struct stream *stream = leg->stream;
  bool opens = leg->ordinal == NO_ORDINAL;
  uint64_t room = qc_stream_room(client->qc, opens ? -1 : (int64_t)(leg->ordinal << 2 | 3));
  uint64_t lo, hi;
  if (!ranges_next_gap(&leg->sent, 0, stream->len, &lo, &hi))
    lo = hi = stream->len;
  if (lo < stream->base)
    return HANDED_ALL;
  if ((hi > lo && !room) || (opens && !open_stream(client, leg)))
    return HANDED_NONE;
  if (room < most)
    most = room;
  if (hi - lo > most)
    hi = lo + most;
  bool fin = stream->fin && hi == stream->len;
  if (qc_stream_send(client->qc, (int64_t)(leg->ordinal << 2 | 3), stream_bytes(stream, lo),
                     (size_t)(hi - lo), fin)) {
    leg_finish(leg);
    stream_settle(stream);
    return HANDED_ALL;
  }
  ranges_add(&leg->sent, lo, hi);
  ranges_add(&leg->acked, lo, hi); /* ngtcp2's from here on */
  if (fin) {
    leg->fin_sent = leg->fin_acked = true;
    leg_finish(leg);
    stream_settle(stream);
  }
  return has_more(leg) ? HANDED_SOME : HANDED_ALL;
}

/* What a frame of it adds to its bytes; a stream that is yet to be opened has an ID like the last. */
static uint64_t head_of(const struct leg *leg) {
  uint64_t lo, hi;
  if (!ranges_next_gap(&leg->sent, 0, leg->stream->len, &lo, &hi))
    lo = leg->stream->len;
  uint64_t ordinal = leg->ordinal == NO_ORDINAL ? HASH_COUNT(leg->client->legs) : leg->ordinal;
  return FRAME_HEAD + wire_varint_len(ordinal << 2) + (lo ? wire_varint_len(lo) : 0);
}

/* The next packet has no place for another one, or for none that is worth it: what is handed over
 * and does not leave with it is in the way of what comes until the one after. */
static bool is_full(const struct client *client, const struct leg *leg, uint64_t used) {
  uint64_t room = qc_packet_room(client->qc);
  if (!used)
    return false;
  uint64_t least = leg ? head_of(leg) + (leg->ordinal == NO_ORDINAL ? leg->stream->header_len : 1)
                       : FRAME_HEAD + client->dgram_head->len;
  return used + least > room;
}

void stock_feed(struct client *client) {
  if (!client->started || client->closed || !qc_congestion_room(client->qc))
    return;
  for (uint64_t used = qc_unsent(client->qc), heads = 0;; used = qc_unsent(client->qc) + heads) {
    struct leg *leg = client->n_pending ? client->pending[0] : NULL;
    struct queued_datagram *d = client->dgram_head;
    if (d && (!leg || d->order <= leg->order))
      leg = NULL;
    if ((!leg && !d) || is_full(client, leg, used))
      return;
    if (!leg) {
      hand_over_datagram(client);
      heads += FRAME_HEAD;
      continue;
    }
    uint64_t head = head_of(leg);
    enum handed handed = hand_over(client, leg, qc_packet_room(client->qc) - used - head);
    if (handed == HANDED_NONE) {
      pending_park(client, leg);
      continue;
    }
    heads += head;
    if (handed == HANDED_ALL)
      pending_remove(client, leg);
  }
}

static bool is_unwanted(void *arg, uint64_t tag, bool stream) {
  struct subscription *sub = arg;
  const uint8_t priority = (uint8_t)tag;
  if (tag != tag_of(sub, priority) || subscription_wants(sub, sub->start_group, priority))
    return false;
  sub->streams -= stream; /* its header never comes: the subscriber does not count it */
  return true;
}

void stock_withdraw(struct subscription *sub) {
  if (!sub->client->relay->cfg.plane)
    qc_withdraw(sub->client->qc, is_unwanted, sub, MOQT_RESET_CANCELLED);
}

static int64_t sid_of(const struct leg *leg) {
  return (int64_t)(leg->ordinal << 2 | 3);
}

static void reset_now(struct leg *leg) {
  qc_stream_reset(leg->client->qc, sid_of(leg), leg->reset_code);
  client_dirty(leg->client);
  leg_finish(leg);
  stream_settle(leg->stream);
}

/* The subscriber counts a stream by its header, unless its limits keep a part of that. */
static bool reset_may_go(const struct leg *leg) {
  uint32_t header_len = leg->stream->header_len;
  return !leg->sub || ranges_end(&leg->sent) < header_len ||
         qc_stream_acked(leg->client->qc, sid_of(leg)) >= header_len;
}

void stock_reset(struct leg *leg) {
  if (leg->sub && qc_stream_waits(leg->client->qc, sid_of(leg))) {
    leg->sub->streams--; /* as above */
    reset_now(leg);
  } else if (reset_may_go(leg)) {
    reset_now(leg);
  } else {
    leg_queue_reset(leg);
  }
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
