#include "bpf/dp/admit.h"

#include "bpf/dp/policy/policy.h"
#include "bpf/dp/take.h"
#include "bpf/wire/moqt_data.h"

/* The track behind an alias of the publisher, and whether the relay's own alias can be
 * written in its place. SEND, UNKNOWN_ALIAS or ALIAS_WIDTH; *track is set but for
 * UNKNOWN_ALIAS. */
PORT_INLINE __u32 dp_find_track(port_t *p, struct dp_scratch *s, const struct wire_num *alias,
                                struct fb_alias_value *track) {
  struct fb_alias_key key = {
      .alias = alias->v, .upstream = s->upstream, .upstream_gen = s->upstream_gen};
  const struct fb_alias_value *found = port_alias(p, &key);
  track->track = FB_NO_TRACK;
  if (!found || found->track >= port_max_tracks(p))
    return FB_DEC_UNKNOWN_ALIAS;
  *track = *found;
  return wire_vi64_fits(alias->len, track->out_alias) ? FB_DEC_SEND : FB_DEC_ALIAS_WIDTH;
}

PORT_INLINE void dp_write_alias(struct dp_scratch *s, const struct dp_place *place,
                                __u64 out_alias) {
  if (place->alias_len)
    wire_vi64_put_width(s->clear + wire_mask(place->alias_at), place->alias_len, out_alias);
}

/* ---- datagrams ------------------------------------------------------------------- */

PORT_GLOBAL int dp_admit_datagram(port_t *p, struct dp_scratch *s, __u32 f) {
  if (!s)
    return 0;
  struct fb_frame *fr = &s->record.frames[port_index(f, FB_MAX_FRAMES)];
  struct dp_place *place = &s->places[port_index(f, FB_MAX_FRAMES)];
  struct wire_cursor c = wire_cursor(s->clear, place->data_at, (__u32)place->data_at + fr->len);
  struct wire_datagram_header h;
  struct fb_alias_value track;
  wire_datagram_header_get(&c, &h); /* the walk has seen that it is whole */
  fr->admit = (__u8)dp_find_track(p, s, &h.alias, &track);
  fr->group = h.group.v;
  fr->subgroup = h.object.v;
  fr->track = track.track;
  fr->priority = h.priority;
  if (fr->track != FB_NO_TRACK && !h.priority_given)
    fr->priority = track.default_priority;
  if (fr->admit != FB_DEC_SEND)
    return 0;
  place->alias_at = (__u16)h.alias.at;
  place->alias_len = (__u8)h.alias.len;
  dp_write_alias(s, place, track.out_alias);
  return 0;
}

/* ---- streams --------------------------------------------------------------------- */

/* Reads the SUBGROUP_HEADER of a frame at offset 0 into `a`. */
PORT_INLINE void dp_read_header(port_t *p, struct dp_scratch *s, const struct fb_frame *fr,
                                struct dp_place *place, struct dp_arrival *a) {
  struct wire_cursor c = wire_cursor(s->clear, place->data_at, (__u32)place->data_at + fr->len);
  struct wire_subgroup_header h;
  struct fb_alias_value track;
  a->header = FB_DEC_NO_HEADER;
  a->begin.track = FB_NO_TRACK;
  if (wire_subgroup_header_get(&c, &h) != WIRE_MOQT_OK)
    return;
  a->header = dp_find_track(p, s, &h.alias, &track);
  a->begin.track = track.track;
  a->begin.group = h.group.v;
  a->begin.subgroup = h.subgroup_by_object ? FB_SUBGROUP_BY_OBJECT : h.subgroup.v;
  a->begin.header_len = (__u16)h.len;
  if (track.track == FB_NO_TRACK)
    return;
  a->begin.out_alias = track.out_alias;
  a->begin.priority = h.priority_given ? h.priority : track.default_priority;
  place->alias_at = (__u16)h.alias.at;
  place->alias_len = (__u8)h.alias.len;
}

/* How old is what stands at `offset` of a followed stream? 0 also if user space has not read
 * the object's header. */
PORT_INLINE __u32 dp_age_ms(port_t *p, struct fb_object *object, __u32 claim, __u64 offset) {
  __u64 end = port_load(p, &object->end);
  if (end >> FB_CLAIM_SHIFT != claim || offset >= (end & FB_DOWN_MASK))
    return 0;
  __u64 since_ns = port_load(p, &object->since_ns);
  return port_load(p, &object->end) == end ? dp_policy_ms(since_ns, port_now_ns(p)) : 0;
}

/* For a frame that may be dropped for its age. */
PORT_GLOBAL int dp_admit_age(port_t *p, struct dp_scratch *s, __u32 f) {
  if (!s)
    return 0;
  const struct fb_frame *fr = &s->record.frames[port_index(f, FB_MAX_FRAMES)];
  struct fb_object *object = port_object(p, s->stream_slots[port_index(f, FB_MAX_FRAMES)]);
  if (!object)
    return 0;
  if (!fr->header)
    s->age_ms[port_index(f, FB_MAX_FRAMES)] = dp_age_ms(p, object, fr->claim, fr->offset);
  else if (port_load(p, &object->end) >> FB_CLAIM_SHIFT == fr->claim)
    port_store(p, &object->end, 0); /* of an earlier owner whose claim number came round */
  return 0;
}

PORT_GLOBAL int dp_admit_stream(port_t *p, struct dp_scratch *s, __u32 f) {
  if (!s)
    return 0;
  struct fb_frame *fr = &s->record.frames[port_index(f, FB_MAX_FRAMES)];
  struct dp_place *place = &s->places[port_index(f, FB_MAX_FRAMES)];
  struct dp_arrival a = {.upstream = s->upstream,
                         .upstream_gen = s->upstream_gen,
                         .ordinal = fr->stream / 4,
                         .offset = fr->offset,
                         .end = fr->offset + fr->len,
                         .fin = fr->fin,
                         .unfiltered = port_defect(p, slow_agent) != 0,
                         .header = FB_DEC_NO_HEADER};
  __u32 slot = fb_stream_slot(a.upstream, a.ordinal, port_stream_slots(p)), began = 0, decision;
  struct fb_stream *st = port_stream(p, slot);
  fr->admit = FB_DEC_NO_HEADER;
  if (!st || a.end > FB_MAX_OFFSET)
    return 0;
  if (a.offset == 0) {
    dp_read_header(p, s, fr, place, &a);
    dp_find_gone(p, st, &a);
  }
  port_lock(p, &st->lock);
  decision = dp_stream_arrive(st, &a, &began);
  int known = dp_stream_is(st, &a);
  a.begin.track = st->track;
  a.begin.group = st->group;
  a.begin.subgroup = st->subgroup;
  a.begin.priority = st->priority;
  a.begin.out_alias = st->out_alias;
  a.begin.claim = st->used == FB_STREAM_SLOW || st->used == FB_STREAM_EARLY ? 0 : st->claim;
  port_unlock(p, &st->lock);

  fr->admit = (__u8)decision;
  fr->header = (__u8)began;
  fr->header_len = (__u8)a.begin.header_len;
  if ((!began && !a.unfiltered) || decision != FB_DEC_SEND)
    place->alias_len = 0;
  if (!known)
    return 0;
  fr->track = a.begin.track;
  fr->group = a.begin.group;
  fr->subgroup = a.begin.subgroup;
  fr->priority = a.begin.priority;
  if (port_defect(p, header_per_packet)) /* where it stands in a header with short numbers */
    fr->priority = s->clear[wire_mask(place->data_at + 3u)];
  fr->claim = a.begin.claim;
  s->stream_slots[port_index(f, FB_MAX_FRAMES)] = slot;
  dp_write_alias(s, place, a.begin.out_alias);
  if (decision == FB_DEC_SEND && port_policy(p) != DP_POLICY_NONE)
    dp_admit_age(p, s, f);
  return 0;
}

PORT_GLOBAL int dp_admit(port_t *p, struct dp_scratch *s) {
  if (!s)
    return 0;
  PORT_NO_UNROLL
  for (__u32 f = 0; f < FB_MAX_FRAMES; f++) {
    if (f >= s->record.n_frames)
      break;
    s->age_ms[f] = 0;
    if (s->record.frames[f].kind == FB_FRAME_STREAM)
      dp_admit_stream(p, s, f);
    else
      dp_admit_datagram(p, s, f);
  }
  return 0;
}
