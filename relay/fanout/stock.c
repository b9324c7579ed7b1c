#include "relay/fanout/core.h"

/* Hands a leg's bytes to ngtcp2, which keeps them until they are acknowledged.
 * False: it takes no more now. */
static bool hand_over(struct client *client, struct leg *leg) {
  struct stream *stream = leg->stream;
  if (leg->ordinal == NO_ORDINAL) {
    int64_t sid = qc_open_uni(client->qc);
    if (sid < 0) return false;
    leg_open(leg, (uint64_t)sid >> 2);
    qc_stream_priority(client->qc, sid, (uint32_t)(leg->order >> 32));
  }
  int64_t sid = (int64_t)(leg->ordinal << 2 | 3);
  uint64_t lo, hi;
  if (!ranges_next_gap(&leg->sent, 0, stream->len, &lo, &hi)) lo = hi = stream->len;
  if (lo < stream->base) return true;
  if (qc_stream_send(client->qc, sid, stream_bytes(stream, lo), (size_t)(hi - lo), stream->fin)) {
    leg_finish(leg);
    stream_settle(stream);
    return true;
  }
  ranges_add(&leg->sent, lo, hi);
  ranges_add(&leg->acked, lo, hi); /* ngtcp2's from here on */
  if (stream->fin) {
    leg->fin_sent = leg->fin_acked = true;
    leg_finish(leg);
    stream_settle(stream);
  }
  return true;
}

bool stock_run(struct client *client) {
  if (!client->started) return false;
  while (client->n_pending) {
    if (qc_unacked(client->qc) > RELAY_STOCK_AHEAD) return false;
    struct leg *leg = client->pending[0];
    if (!hand_over(client, leg)) return false;
    pending_remove(client, leg);
  }
  return false;
}
