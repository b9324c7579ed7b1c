#include <stdlib.h>
#include <string.h>

#include "relay/fanout/core.h"

/* The upstream a record speaks of; NULL if that connection is gone. */
static struct client *record_upstream(struct relay *relay, const struct fb_record *record) {
  if (record->upstream >= FB_MAX_UPSTREAMS)
    return NULL;
  struct client *up = relay->upstreams[record->upstream];
  return up && up->upstream_gen == record->upstream_gen ? up : NULL;
}

static struct track *frame_track(struct relay *relay, const struct fb_frame *frame) {
  return frame->track < FB_MAX_TRACKS ? relay->tracks[frame->track] : NULL;
}

static void trace_copy(struct relay *relay, struct client *up, const struct fb_record *record) {
  if (!relay->cfg.trace || !relay->cfg.trace->copy)
    return;
  static const struct qc_cid gone = {0};
  const char *names[FB_MAX_FRAMES] = {0};
  for (unsigned f = 0; f < record->n_frames; f++) {
    struct track *track = frame_track(relay, &record->frames[f]);
    names[f] = track ? track->label : NULL;
  }
  relay->cfg.trace->copy(relay->cfg.trace_arg, up ? &up->odcid : &gone, record, names);
}

/* The stream of a frame, made known by the datapath ahead of its bytes. */
static struct stream *frame_stream(struct relay *relay, struct client *up,
                                   const struct fb_frame *frame) {
  if (!up || frame->kind != FB_FRAME_STREAM)
    return NULL;
  struct track *track = frame_track(relay, frame);
  bool follows = frame->admit == FB_DEC_SEND && track && track->up == up;
  struct stream *stream = stream_get(up, (int64_t)frame->stream, follows);
  if (stream && frame->claim && frame->offset + frame->len > stream->admitted)
    stream->admitted = frame->offset + frame->len;
  if (!stream || !follows)
    return stream;
  stream_place(stream, track, frame->group, frame->subgroup, frame->priority);
  stream->claim = frame->claim;
  stream->upstream = (uint32_t)up->upstream;
  return stream;
}

static struct datagram_note *note_of(struct client *up, uint64_t pn) {
  if (!up->notes)
    up->notes = calloc(RELAY_DATAGRAM_NOTES, sizeof *up->notes);
  if (!up->notes)
    return NULL;
  struct datagram_note *note = &up->notes[pn % RELAY_DATAGRAM_NOTES];
  if (!note->valid || note->pn != pn) {
    memset(note, 0, sizeof *note);
    note->valid = true;
    note->pn = pn;
  }
  return note;
}

static struct ledger_piece piece_of(const struct fb_frame *frame, const struct stream *stream,
                                    uint32_t down) {
  return (struct ledger_piece){
      .kind = frame->kind == FB_FRAME_STREAM ? LEDGER_STREAM : LEDGER_DATAGRAM,
      .fin = frame->fin,
      .len = frame->len,
      .stream = stream ? stream->uid : 0,
      .down = down ? down - 1 : 0,
      .offset = frame->offset,
  };
}

/* One (stream frame, subscriber). */
static void take_stream_frame(struct client *client, struct stream *stream,
                              const struct fb_frame *frame, const struct fb_record_sub *sub,
                              unsigned f) {
  if (!stream)
    return;
  enum fb_decision decision = sub->decision[f];
  struct leg *leg = leg_get(stream, client, sub->down[f] != 0);
  if (!leg && frame->header &&
      (decision == FB_DEC_FILTERED || decision == FB_DEC_POLICY ||
       decision == FB_DEC_NOT_FORWARDED)) {
    leg = leg_get(stream, client, true);
    if (leg)
      leg_skip(leg);
    return;
  }
  if (!leg)
    return;
  if (sub->down[f])
    leg_open(leg, sub->down[f] - 1);
  uint64_t end = frame->offset + frame->len;
  if ((decision == FB_DEC_SEND || sub->charged >> f & 1) && end > leg->charged)
    leg->charged = end;
  if (decision == FB_DEC_POLICY)
    leg_drop(leg);
  /* Defect header-per-packet: user space takes the datapath's word for it. */
  bool believed = decision == FB_DEC_FILTERED && client->relay->cfg.defects.header_per_packet;
  if (decision != FB_DEC_SEND && !believed)
    return;
  ranges_add(&leg->sent, frame->offset, end);
  if (frame->fin)
    leg->fin_sent = true;
}

/* Defect zero-number: the number is read through a pointer that is set too late, so it is that
 * of the entry before, and zero for the first of a record. */
static uint64_t stale_number(const struct fb_record *record, const struct fb_record_sub *sub) {
  return sub == record->subs ? 0 : sub[-1].pn;
}

/* Nobody has to send it any more. Who has subscribed since, or waits for its SUBSCRIBE_OK to leave
 * before it enters the datapath, gets it from user space, if its subscription wants it. */
static bool is_final(const struct client *client, const struct fb_frame *frame,
                     enum fb_decision decision) {
  if (decision == FB_DEC_NOT_SUBSCRIBED && frame->track < FB_MAX_TRACKS &&
      client->subs[frame->track])
    return false;
  return decision <= FB_DEC_LAST_FINAL;
}

static void take_sub(struct relay *relay, const struct fb_record *record, struct client *up,
                     struct stream *const *streams, const struct fb_record_sub *sub) {
  struct client *client = sub->slot < relay->n_slots ? relay->clients[sub->slot] : NULL;
  if (!client || client->gen != sub->gen)
    return;
  struct ledger_piece pieces[FB_MAX_FRAMES];
  size_t n = 0;
  for (unsigned f = 0; f < record->n_frames; f++) {
    const struct fb_frame *frame = &record->frames[f];
    if (frame->kind == FB_FRAME_STREAM) {
      take_stream_frame(client, streams[f], frame, sub, f);
    } else if (up && is_final(client, frame, sub->decision[f]) && frame->index < FB_MAX_FRAMES) {
      struct datagram_note *note = note_of(up, record->pn);
      if (note)
        note->settled[frame->index][sub->slot / 64] |= 1ull << (sub->slot % 64);
    }
    if (sub->decision[f] == FB_DEC_SEND)
      pieces[n++] = piece_of(frame, streams[f], sub->down[f]);
  }
  if (!sub->sent || !client->ledger)
    return;
  client->window.entered += record->payload_len; /* whatever becomes of it, see congestion.h */
  struct ledger_number number = {
      .pn = relay->cfg.defects.zero_number ? stale_number(record, sub) : sub->pn,
      .origin = LEDGER_FAST,
      .sent_ns = record->time_ns,
      .bytes = record->payload_len,
      .ack_eliciting = true,
      .pieces = pieces,
      .n_pieces = n,
  };
  if (relay->cfg.trace && relay->cfg.trace->fast_packet)
    relay->cfg.trace->fast_packet(relay->cfg.trace_arg, &client->odcid, record, sub);
  joint_enter(client, &number);
}

static void take_record(struct relay *relay, const struct fb_record *record) {
  struct client *up = record_upstream(relay, record);
  trace_copy(relay, up, record);
  struct stream *streams[FB_MAX_FRAMES];
  for (unsigned f = 0; f < record->n_frames; f++) {
    const struct fb_frame *frame = &record->frames[f];
    streams[f] = frame_stream(relay, up, frame);
    struct track *track = frame_track(relay, frame);
    /* The datapath is ahead of user space: a joining subscriber must start behind this. A header
     * alone is no object. */
    const bool datagram = frame->kind == FB_FRAME_DATAGRAM;
    const bool object = datagram || (frame->header && frame->len > frame->header_len);
    if (track && frame->admit == FB_DEC_SEND && object)
      track_saw(track, frame->group, datagram ? frame->subgroup : 0);
  }
  for (unsigned s = 0; s < record->n_subs; s++)
    take_sub(relay, record, up, streams, &record->subs[s]);
}

static void on_drained(void *arg, const struct fb_record *record, const struct fb_failed *failed) {
  struct relay *relay = arg;
  if (record) {
    take_record(relay, record);
    return;
  }
  struct client *client = failed->slot < relay->n_slots ? relay->clients[failed->slot] : NULL;
  if (client && client->gen == failed->gen && client->ledger) {
    ledger_failed(client->ledger, failed->pn, relay->now);
    client_touched(client);
  }
  if (relay->cfg.trace && relay->cfg.trace->emit_failed)
    relay->cfg.trace->emit_failed(relay->cfg.trace_arg, relay->now, failed);
}

void copies_drain(struct relay *relay) {
  struct plane *plane = relay->cfg.plane;
  if (!plane)
    return;
  plane->ops->drain(plane->ctx, on_drained, relay);
  leg_drop_due(relay);
}
