#include <stdlib.h>
#include <string.h>

#include "relay/fanout/builder.h"
#include "relay/fanout/core.h"
#include "relay/fanout/ordinal.h"

struct packet {
  struct client *client;
  struct builder builder;
  uint8_t buf[2048];
  struct ledger_piece pieces[FB_MAX_FRAMES];
  size_t n_pieces;
  bool full;
  bool no_donor; /* nobody that waits has an ordinal to give */
};

static uint64_t sid_of(const struct leg *leg) {
  return leg->ordinal << 2 | 3;
}

static bool take_piece(struct packet *pkt, struct ledger_piece piece) {
  pkt->pieces[pkt->n_pieces++] = piece;
  if (pkt->n_pieces == FB_MAX_FRAMES)
    pkt->full = true;
  return true;
}

/* Writes [lo, hi) of a leg as far as it fits; returns the end written (lo if nothing). */
static uint64_t put_stream(struct packet *pkt, struct leg *leg, uint64_t lo, uint64_t hi, bool fin,
                           bool again) {
  long room = builder_stream_room(&pkt->builder, sid_of(leg), lo);
  if (room < 0 || (room == 0 && hi > lo)) {
    pkt->full = true;
    return lo;
  }
  size_t len = hi - lo < (uint64_t)room ? (size_t)(hi - lo) : (size_t)room;
  if (lo + len < hi)
    fin = false;
  const uint8_t *data = len ? stream_bytes(leg->stream, lo) : pkt->buf;
  if (!builder_stream(&pkt->builder, sid_of(leg), lo, data, len, fin)) {
    pkt->full = true;
    return lo;
  }
  if (lo + len < hi)
    pkt->full = true;
  take_piece(pkt, (struct ledger_piece){.kind = LEDGER_STREAM,
                                        .fin = fin,
                                        .again = again,
                                        .len = (uint32_t)len,
                                        .stream = leg->stream->uid,
                                        .down = leg->ordinal,
                                        .offset = lo});
  return lo + len;
}

/* ---- resets ------------------------------------------------------------------------- */

/* The receiver counts a stream by its header: that has to arrive first, also if the rest was
 * let go before anything was sent. Not for a subscription that is over, for which nobody counts:
 * the header would be taken for the next subscription's, of the same track and alias. */
static void put_header(struct packet *pkt, struct leg *leg) {
  const struct stream *stream = leg->stream;
  uint64_t lo, hi;
  if (!stream->header_known || !leg->sub)
    return;
  if (!ranges_next_gap(&leg->sent, 0, stream->header_len, &lo, &hi))
    return;
  if (!leg_charge(leg, hi))
    return;
  uint64_t end = put_stream(pkt, leg, lo, hi, false, false);
  if (end > lo)
    ranges_add(&leg->sent, lo, end);
}

static bool reset_may_go(const struct leg *leg) {
  const struct stream *stream = leg->stream;
  if (!leg->sub)
    return true;
  if (!stream->header_known)
    return stream->ended; /* none will come */
  return ranges_contains(&leg->acked, 0, stream->header_len);
}

/* spare: those of which nothing has left and nothing needs to, which come behind new data: whoever
 * goes first may have their place (ordinal.h). */
static void put_resets(struct packet *pkt, bool spare) {
  struct client *client = pkt->client;
  uint64_t most = plane_load(client->relay->cfg.plane, &client_counters(client)->max_streams);
  for (size_t i = 0; i < client->n_resets && !pkt->full; i++) {
    struct leg *leg = client->resets[i];
    if (leg->ordinal >= most || ordinal_is_spare(leg) != spare)
      continue;
    put_header(pkt, leg);
    if (pkt->full)
      return;
    if (!reset_may_go(leg))
      continue;
    uint64_t charged = leg_charged(leg), sent = ranges_end(&leg->sent);
    leg->final_size = charged > sent ? charged : sent;
    if (!builder_reset_stream(&pkt->builder, sid_of(leg), leg->reset_code, leg->final_size)) {
      pkt->full = true;
      return;
    }
    take_piece(pkt, (struct ledger_piece){.kind = LEDGER_RESET,
                                          .stream = leg->stream->uid,
                                          .down = leg->ordinal,
                                          .offset = leg->final_size});
    leg->reset_sent = true;
    client->resets[i--] = client->resets[--client->n_resets];
  }
}

/* ---- lost data ----------------------------------------------------------------------- */

/* What of a resend is still wanted; false if nothing is. */
static bool trim_resend(struct client *client, struct resend *r, struct leg **leg) {
  struct stream *stream = stream_find(client->relay, r->uid);
  *leg = stream ? leg_get(stream, client, false) : NULL;
  if (!*leg || (*leg)->done || ((*leg)->reset && !(*leg)->sub))
    return false;
  if ((*leg)->reset && r->hi > stream->header_len)
    r->hi = stream->header_len; /* header only */
  if ((*leg)->reset)
    r->fin = false;
  if ((*leg)->fin_acked)
    r->fin = false;
  uint64_t lo, hi;
  if (!ranges_next_gap(&(*leg)->acked, r->lo, r->hi, &lo, &hi)) {
    r->lo = r->hi;
    return r->fin;
  }
  r->lo = lo;
  return true;
}

/* Writes as much of one resend as fits; true if it is through. */
static bool put_resend(struct packet *pkt, struct leg *leg, struct resend *r) {
  struct relay *relay = pkt->client->relay;
  for (;;) {
    uint64_t lo = r->lo, hi = r->hi;
    if (hi > lo && !ranges_next_gap(&leg->acked, r->lo, r->hi, &lo, &hi))
      lo = hi = r->hi;
    bool last = hi == r->hi;
    uint64_t end = put_stream(pkt, leg, lo, hi, last && r->fin, true);
    relay->resent_bytes += end - lo;
    pkt->client->resent_bytes += end - lo;
    if (pkt->n_pieces == 0 || (end == lo && hi > lo))
      return false;
    const struct ledger_piece *piece = &pkt->pieces[pkt->n_pieces - 1];
    bool fin_done = !r->fin || (piece->stream == leg->stream->uid && piece->fin);
    r->lo = end;
    if (last && end == hi && fin_done)
      return true;
    if (pkt->full)
      return false;
  }
}

static void put_resends(struct packet *pkt) {
  struct client *client = pkt->client;
  struct resend **at = &client->resend_head;
  while (*at && !pkt->full) {
    struct resend *r = *at;
    struct leg *leg;
    bool wanted = trim_resend(client, r, &leg);
    /* A lost copy whose bytes have not reached user space waits for them. */
    if (wanted && !stream_has(leg->stream, r->lo, r->hi)) {
      at = &r->next;
      continue;
    }
    if (wanted && !put_resend(pkt, leg, r))
      return;
    *at = r->next;
    if (client->resend_tail == &r->next)
      client->resend_tail = at;
    free(r);
  }
}

/* ---- new data ------------------------------------------------------------------------- */

/* How far the peer's limits let a leg go, from lo on, up to hi. */
static uint64_t allowed_end(const struct leg *leg, uint64_t hi) {
  const struct fb_counters *counters = client_counters(leg->client);
  const struct plane *plane = leg->client->relay->cfg.plane;
  uint64_t used = plane_load(plane, &counters->data_used);
  uint64_t most = plane_load(plane, &counters->max_data);
  uint64_t end = leg_charged(leg) + (most > used ? most - used : 0);
  if (end > leg->limit)
    end = leg->limit;
  return end < hi ? end : hi;
}

enum leg_result { LEG_DONE, LEG_BLOCKED, LEG_PARKED, LEG_FULL };

/* Whoever finds no ordinal to exchange is followed by none that does: they go after it. */
static bool may_open(struct packet *pkt, struct leg *leg) {
  const struct client *client = leg->client;
  uint64_t most = plane_load(client->relay->cfg.plane, &client_counters(client)->max_streams);
  if (leg->ordinal < most)
    return true;
  if (!pkt->no_donor && ordinal_exchange(leg))
    return true;
  pkt->no_donor = true;
  return false;
}

static enum leg_result put_leg(struct packet *pkt, struct leg *leg) {
  struct stream *stream = leg->stream;
  const struct plane *plane = leg->client->relay->cfg.plane;
  struct fb_counters *counters = client_counters(leg->client);
  /* If the datapath turns out to follow the stream, its record has the ordinal. */
  if (leg->ordinal == NO_ORDINAL)
    entry_take_stream(stream);
  entry_take_rest(stream);
  if (leg->done || leg->reset)
    return LEG_DONE;
  if (leg->ordinal == NO_ORDINAL)
    leg_open(leg, plane_add(plane, &counters->next_stream, 1));
  if (!may_open(pkt, leg))
    return LEG_PARKED;
  if (leg->done || leg->reset)
    return LEG_DONE; /* as the records say that came with that */
  uint64_t lo, hi;
  while (ranges_next_gap(&leg->sent, 0, stream->len, &lo, &hi)) {
    if (pkt->full)
      return LEG_FULL;
    if (!stream_has(stream, lo, hi))
      return LEG_BLOCKED; /* it came too late for these */
    long room = builder_stream_room(&pkt->builder, sid_of(leg), lo);
    if (room <= 0) {
      pkt->full = true;
      return LEG_FULL;
    }
    if (hi - lo > (uint64_t)room)
      hi = lo + (uint64_t)room;
    hi = allowed_end(leg, hi);
    if (hi <= lo || !leg_charge(leg, hi))
      return LEG_BLOCKED;
    bool fin = stream->fin && hi == stream->len;
    uint64_t end = put_stream(pkt, leg, lo, hi, fin, false);
    if (end == lo)
      return LEG_FULL;
    ranges_add(&leg->sent, lo, end);
    if (end == stream->len && stream->fin)
      leg->fin_sent = true;
  }
  if (stream->fin && !leg->fin_sent) {
    if (pkt->full || builder_stream_room(&pkt->builder, sid_of(leg), stream->len) < 0)
      return LEG_FULL;
    put_stream(pkt, leg, stream->len, stream->len, true, false);
    leg->fin_sent = true;
  }
  return LEG_DONE;
}

static bool put_datagram(struct packet *pkt) {
  struct client *client = pkt->client;
  struct queued_datagram *d = client->dgram_head;
  bool fits = builder_datagram(&pkt->builder, d->data, d->len);
  if (!fits && !builder_is_empty(&pkt->builder)) {
    pkt->full = true;
    return false;
  }
  if (fits)
    take_piece(pkt, (struct ledger_piece){.kind = LEDGER_DATAGRAM, .len = (uint32_t)d->len});
  datagram_gone(client); /* also one that can never fit, as MoQT 5.3 says */
  return true;
}

static void put_new(struct packet *pkt) {
  struct client *client = pkt->client;
  struct leg *blocked = NULL; /* they go back into the heap when the packet is full */
  while (!pkt->full && (client->n_pending || client->dgram_head)) {
    struct leg *leg = client->n_pending ? client->pending[0] : NULL;
    if (client->dgram_head && (!leg || client->dgram_head->order <= leg->order)) {
      if (!put_datagram(pkt))
        break;
      continue;
    }
    struct leg *parked = pkt->no_donor ? NULL : ordinal_first_parked(leg);
    if (parked) {
      pending_remove(client, parked);
      pending_push(client, parked);
      continue;
    }
    enum leg_result result = put_leg(pkt, leg);
    if (result == LEG_FULL)
      break;
    if (result == LEG_PARKED) {
      pending_park(client, leg);
      continue;
    }
    pending_remove(client, leg); /* no-op if it is done */
    if (result == LEG_DONE)
      continue;
    leg->next_aside = blocked;
    blocked = leg;
  }
  for (; blocked; blocked = blocked->next_aside) {
    if (!blocked->done && !blocked->reset)
      pending_push(client, blocked);
  }
}

/* ---- one packet -------------------------------------------------------------------------- */

static void put_number(struct builder *b, uint64_t pn) {
  uint8_t *at = b->buf + b->hdr_len - 4;
  for (int i = 3; i >= 0; i--, pn >>= 8)
    at[i] = (uint8_t)pn;
}

/* The number is taken last: a packet that stays empty takes none. */
static bool send_packet(struct packet *pkt, enum ledger_origin origin) {
  struct client *client = pkt->client;
  struct relay *relay = client->relay;
  size_t payload_len;
  size_t hdr_len = builder_end(&pkt->builder, &payload_len);
  uint64_t pn = joint_take_number(client);
  put_number(&pkt->builder, pn);
  size_t len = qc_seal(client->qc, pkt->buf, hdr_len, payload_len, pn);
  struct ledger_number number = {
      .pn = pn,
      .origin = origin,
      .sent_ns = relay->now,
      .bytes = (uint32_t)len,
      .ack_eliciting = true,
      .pieces = pkt->pieces,
      .n_pieces = pkt->n_pieces,
  };
  joint_enter(client, &number);
  if (len == 0) {
    ledger_failed(client->ledger, pn, relay->now);
    return false;
  }
  client->sent = true;
  client->slow_packets++;
  relay->slow_packets++;
  window_paced(client, len);
  relay->cfg.ops->send(relay->cfg.ops_arg, &client->path, pkt->buf, len);
  return true;
}

static void begin(struct packet *pkt, struct client *client) {
  pkt->client = client;
  pkt->n_pieces = 0;
  pkt->full = false;
  pkt->no_donor = false;
  builder_begin(&pkt->builder, pkt->buf, client->max_payload, client->dcid.data, client->dcid.len,
                false, false, 0);
}

static bool number_free(const struct client *client) {
  const struct fb_counters *counters = client_counters(client);
  const struct plane *plane = client->relay->cfg.plane;
  return plane_load(plane, &counters->next_pn) < plane_load(plane, &counters->pn_limit) &&
         !keys_spent(client);
}

static bool has_work(const struct client *client) {
  return client->n_resets || client->resend_head || !slow_is_idle(client) || client->probes;
}

static bool waits_for_answer(const struct client *client) {
  return client->entering && !slow_is_idle(client);
}

enum run_result { RUN_EMPTY, RUN_WAITS, RUN_MORE };

/* Probes are due whatever the window says (RFC 9002 7.5). */
static enum run_result send_all(struct client *client) {
  struct packet pkt;
  for (int i = 0; i < RELAY_SLOW_BURST; i++) {
    if (!number_free(client))
      return RUN_WAITS;
    enum window_answer answer = client->probes ? WINDOW_OPEN : window_admits(client);
    if (answer == WINDOW_FULL || (answer == WINDOW_PACED && !slow_is_idle(client)) ||
        waits_for_answer(client))
      window_hold(client); /* new data must not overtake what waits, be it for its pacing */
    if (answer != WINDOW_OPEN)
      return RUN_WAITS;
    begin(&pkt, client);
    put_resets(&pkt, false);
    if (!pkt.full)
      put_resends(&pkt);
    if (!pkt.full && !client->entering)
      put_new(&pkt);
    if (!pkt.full)
      put_resets(&pkt, true);
    if (builder_is_empty(&pkt.builder))
      return waits_for_answer(client) ? RUN_WAITS : RUN_EMPTY;
    if (client->probes)
      client->probes--;
    if (!send_packet(&pkt, LEDGER_SLOW))
      return RUN_WAITS;
  }
  return RUN_MORE;
}

static void send_probes(struct client *client) {
  struct packet pkt;
  for (; client->probes; client->probes--) {
    begin(&pkt, client);
    builder_ping(&pkt.builder);
    if (!send_packet(&pkt, LEDGER_PROBE))
      return;
  }
}

bool slow_run(struct client *client) {
  if (!client->ledger || client->path_held || !client->started)
    return false;
  enum run_result result = RUN_EMPTY;
  client->window.due_ns = 0;
  drop_what_waits(client);
  if (has_work(client)) {
    result = send_all(client);
    if (result != RUN_MORE)
      send_probes(client);
  }
  client->window.waits = result == RUN_WAITS;
  if (slow_is_idle(client))
    drop_none_waits(client);
  window_grant(client);
  return result == RUN_MORE;
}

void slow_lost(struct client *client, const struct ledger_number *number) {
  for (size_t i = 0; i < number->n_pieces; i++) {
    const struct ledger_piece *piece = &number->pieces[i];
    struct stream *stream = stream_find(client->relay, piece->stream);
    struct leg *leg = stream ? leg_get(stream, client, false) : NULL;
    if (piece->kind == LEDGER_DATAGRAM || !leg || leg->done)
      continue;
    if (piece->kind == LEDGER_RESET) {
      leg_queue_reset(leg);
      continue;
    }
    struct resend *r = malloc(sizeof *r);
    if (!r)
      continue;
    *r = (struct resend){.uid = piece->stream,
                         .lo = piece->offset,
                         .hi = piece->offset + piece->len,
                         .fin = piece->fin};
    *client->resend_tail = r;
    client->resend_tail = &r->next;
  }
  client_dirty(client);
}

bool slow_is_idle(const struct client *client) {
  return client->n_pending == 0 && client->dgram_head == NULL;
}
