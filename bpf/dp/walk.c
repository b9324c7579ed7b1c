#include "bpf/dp/walk.h"

#include "bpf/wire/moqt_data.h"

_Static_assert(WIRE_LOOP_LIMIT >= FB_MAX_ACK_RANGES, "the frame walker stops before its bound");

/* Streams that this upstream opens: a client's if it came to us, a server's if we
 * dialled it. */
PORT_INLINE __u64 dp_initiator(const struct dp_scratch *s) {
  return s->cid_len == FB_UPSTREAM_CID_DIAL ? WIRE_STREAM_SERVER : 0;
}

/* 1 = the frame can't stand in a packet of this peer (RFC 9000 19.8, 19.7, 19.20). */
PORT_INLINE int dp_illegal(const struct dp_scratch *s, const struct wire_frame *f) {
  if (wire_frame_server_only(f->type))
    return dp_initiator(s) != WIRE_STREAM_SERVER;
  if (!wire_is_stream(f->type) || !(f->id.v & WIRE_STREAM_UNI))
    return 0;
  return (f->id.v & WIRE_STREAM_SERVER) != dp_initiator(s);
}

/* 1 = fan-out material, as far as the frame alone tells. */
PORT_INLINE int dp_is_fanout(const struct dp_scratch *s, const struct wire_frame *f) {
  struct wire_cursor c = wire_cursor(s->clear, f->data_at, f->data_at + f->data_len);
  if (wire_is_stream(f->type)) {
    if (!(f->id.v & WIRE_STREAM_UNI))
      return 0;
    if (f->offset.v != 0)
      return 1;
    uint64_t type = 0;
    return !wire_get_vi64(&c, &type) || wire_is_subgroup(type);
  }
  struct wire_datagram_header h;
  return wire_is_datagram(f->type) && wire_datagram_header_get(&c, &h) == WIRE_MOQT_OK;
}

PORT_INLINE int dp_note_frame(port_t *p, struct dp_scratch *s, const struct wire_frame *f) {
  if (s->record.n_frames >= FB_MAX_FRAMES)
    return -FB_PKT_TOO_MANY_FRAMES;
  __u64 i = port_index(s->record.n_frames, FB_MAX_FRAMES);
  struct fb_frame *out = &s->record.frames[i];
  struct dp_place *place = &s->places[i];
  int stream = wire_is_stream(f->type);
  if (port_defect(p, one_stream_a_packet) && stream && s->kinds[FB_FRAME_STREAM]) {
    port_zero(s->clear, f->at, f->end);
    return 0;
  }
  out->kind = stream ? FB_FRAME_STREAM : FB_FRAME_DATAGRAM;
  out->fin = f->fin;
  out->len = (__u16)f->data_len;
  out->index = s->kinds[stream ? FB_FRAME_STREAM : FB_FRAME_DATAGRAM]++;
  out->track = FB_NO_TRACK;
  out->stream = stream ? f->id.v : 0;
  out->offset = stream ? f->offset.v : 0;
  place->at = (__u16)f->at;
  place->end = (__u16)f->end;
  place->id_at = (__u16)f->id.at;
  place->id_len = (__u8)f->id.len;
  place->data_at = (__u16)f->data_at;
  place->alias_len = 0;
  s->record.n_frames++;
  return 0;
}

PORT_GLOBAL int dp_walk_one(port_t *p, struct dp_scratch *s) {
  if (!s)
    return -FB_PKT_BAD_FRAME;
  struct wire_cursor c = wire_cursor(s->clear, s->walk_at, s->frames_end);
  struct wire_frame *f = &s->frame;
  enum wire_frame_error err = wire_frame_next(&c, f);
  if (err == WIRE_FRAME_END)
    return DP_WALK_END;
  if (err != WIRE_FRAME_OK)
    return -FB_PKT_BAD_FRAME;
  /* The kernel's bound counts for both targets, or they would differ. */
  if ((f->type == WIRE_ACK || f->type == WIRE_ACK_ECN) && f->ranges.v > FB_MAX_ACK_RANGES)
    return -FB_PKT_BAD_FRAME;
  if (dp_illegal(s, f))
    return -FB_PKT_BAD_FRAME;
  s->walk_at = f->end;
  if (dp_is_fanout(s, f))
    return dp_note_frame(p, s, f);
  if (f->type != WIRE_PADDING && !port_defect(p, copy_all_frames))
    port_zero(s->clear, f->at, f->end);
  return 0;
}

PORT_GLOBAL int dp_walk(port_t *p, struct dp_scratch *s) {
  if (!s)
    return FB_PKT_BAD_FRAME;
  s->walk_at = s->head_end;
  s->kinds[0] = s->kinds[1] = 0;
  s->record.n_frames = 0;
  __builtin_memset(s->record.frames, 0, sizeof(s->record.frames));
  PORT_NO_UNROLL
  for (int i = 0; i <= FB_MAX_WALK; i++) {
    int step = dp_walk_one(p, s);
    if (step == 0 && port_defect(p, first_frame_only) && s->record.n_frames)
      step = DP_WALK_END;
    if (step == DP_WALK_END)
      return s->record.n_frames ? FB_PKT_FANNED : FB_PKT_NO_FANOUT;
    if (step < 0)
      return -step;
  }
  return FB_PKT_TOO_MANY_FRAMES;
}
