#include "relay/fanout/core.h"

enum handed { HANDED_ALL, HANDED_SOME, HANDED_NONE };

static bool has_more(const struct leg *leg) {
  uint64_t lo, hi;
  if (leg->done || leg->reset)
    return false;
  return ranges_next_gap(&leg->sent, 0, leg->stream->len, &lo, &hi) ||
         (leg->stream->fin && !leg->fin_sent);
}

/* What MoQT's order says between streams and datagrams, for the queues of `qc`. */
static uint32_t priority_of(uint64_t order) {
  return (uint32_t)(order >> 32);
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

/* Hands a leg's bytes to ngtcp2, which keeps them until they are acknowledged.
 * HANDED_NONE: it takes no more now. */
static enum handed hand_over(struct client *client, struct leg *leg) {
  struct stream *stream = leg->stream;
  if (leg->ordinal == NO_ORDINAL) {
    int64_t sid = qc_open_uni(client->qc);
    if (sid < 0)
      return HANDED_NONE;
    leg_open(leg, (uint64_t)sid >> 2);
    qc_stream_priority(client->qc, sid, priority_of(leg->order));
    qc_stream_tag(client->qc, sid, tag_of(leg->sub, stream->priority));
  }
  int64_t sid = (int64_t)(leg->ordinal << 2 | 3);
  uint64_t lo, hi;
  if (!ranges_next_gap(&leg->sent, 0, stream->len, &lo, &hi))
    lo = hi = stream->len;
  if (lo < stream->base)
    return HANDED_ALL;
  if (hi - lo > RELAY_STOCK_AHEAD)
    hi = lo + RELAY_STOCK_AHEAD;
  bool fin = stream->fin && hi == stream->len;
  if (qc_stream_send(client->qc, sid, stream_bytes(stream, lo), (size_t)(hi - lo), fin)) {
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

/* ngtcp2 has all it may have, of streams that wait for the subscriber's limits and not for the
 * path: those limits are none for datagrams. The room that an ACK has just made is for streams
 * that may be sent. */
static void pass_blocked_streams(struct client *client) {
  if (qc_streams_wait(client->qc))
    return;
  uint64_t room = qc_congestion_room(client->qc);
  for (struct queued_datagram *d = client->dgram_head; d && d->len < room; d = client->dgram_head) {
    room -= d->len;
    hand_over_datagram(client);
  }
}

bool stock_run(struct client *client) {
  if (!client->started)
    return false;
  drop_what_waits(client);
  bool blocked = false; /* no more streams; datagrams need none */
  while (qc_unacked(client->qc) <= qc_congestion_window(client->qc) + RELAY_STOCK_AHEAD) {
    struct leg *leg = client->n_pending && !blocked ? client->pending[0] : NULL;
    struct queued_datagram *d = client->dgram_head;
    if (d && (!leg || d->order <= leg->order)) {
      hand_over_datagram(client);
      continue;
    }
    if (!leg)
      break;
    enum handed handed = hand_over(client, leg);
    blocked = handed == HANDED_NONE;
    if (handed == HANDED_ALL)
      pending_remove(client, leg);
  }
  pass_blocked_streams(client);
  return false;
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
