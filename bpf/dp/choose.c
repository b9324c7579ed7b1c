#include "bpf/dp/choose.h"

#include "bpf/dp/charge.h"
#include "bpf/dp/number.h"
#include "bpf/dp/policy/policy.h"
#include "bpf/dp/seal.h"
#include "bpf/wire/varint.h"

#define DP_SUB(n)   port_index(n, FB_BATCH)
#define DP_FRAME(f) port_index(f, FB_MAX_FRAMES)

/* ---- the subscriber -------------------------------------------------------------- */

/* Refusals that concern the whole copy. */
PORT_INLINE __u8 dp_gate_first(port_t *p, const struct dp_scratch *s,
                               const struct fb_subscriber_copy *sub, struct fb_counters *c) {
  if (sub->state == FB_SUB_JOINING)
    return FB_DEC_JOINING;
  if (port_load(p, &c->hold))
    return FB_DEC_HELD;
  if (port_load(p, &c->next_pn) >= port_load(p, &c->pn_limit))
    return FB_DEC_PN_LIMIT;
  if (port_load(p, &c->sent_bytes) + s->len > port_load(p, &c->credit))
    return FB_DEC_CREDIT;
  return FB_DEC_SEND;
}

PORT_INLINE __u8 dp_gate_second(port_t *p, const struct dp_scratch *s,
                                const struct fb_subscriber_copy *sub, struct fb_counters *c) {
  if (s->len > sub->max_payload)
    return FB_DEC_TOO_BIG;
  /* What its ID leaves over of the publisher's header pays for the 4-byte number. */
  if (sub->dcid_len > FB_MAX_CID || sub->dcid_len + 4u > (__u32)s->cid_len + s->pn_len)
    return FB_DEC_TOO_BIG;
  if (sub->family != s->path.family)
    return FB_DEC_OTHER_FAMILY;
  if (!dp_has_key(p, sub->key_slot, sub->protection, port_load(p, &c->next_pn)))
    return FB_DEC_NO_KEY;
  return FB_DEC_SEND;
}

PORT_INLINE void dp_init_sub(struct fb_record_sub *r, __u32 slot, __u32 gen) {
  __builtin_memset(r, 0, sizeof(*r));
  r->slot = slot;
  r->gen = gen;
}

PORT_GLOBAL int dp_choose(port_t *p, struct dp_scratch *s, __u32 slot) {
  if (!s)
    return 0;
  __u64 n = DP_SUB(s->record.n_subs);
  struct fb_subscriber_copy *sub = &s->subs[n];
  struct fb_record_sub *r = &s->record.subs[n];
  struct fb_counters *c = port_counters(p, slot);
  if (!c || !port_get_subscriber(p, slot, sub) || sub->state == FB_SUB_FREE)
    return 0;
  if (sub->state == FB_SUB_CLOSING) {
    port_count(p, &c->decisions[FB_DEC_INACTIVE], s->record.n_frames);
    return 0;
  }
  dp_init_sub(r, slot, sub->gen);
  s->gate.first = dp_gate_first(p, s, sub, c);
  s->gate.second = dp_gate_second(p, s, sub, c);
  s->sends[n] = 0;
  PORT_NO_UNROLL
  for (__u32 f = 0; f < FB_MAX_FRAMES; f++) {
    if (f >= s->record.n_frames)
      break;
    if (port_defect(p, index_in_priority)) /* one field of the metadata for both */
      s->record.frames[f].priority = (__u8)n;
    int decision = dp_choose_frame(p, s, (__u32)n, f);
    r->decision[f] = (__u8)decision;
    port_count(p, &c->decisions[(__u32)decision & 31], 1);
    if (decision == FB_DEC_SEND)
      s->sends[n] |= (__u8)(1u << f);
  }
  if (s->sends[n])
    dp_number(p, s, (__u32)n);
  s->record.n_subs++;
  return 0;
}

/* ---- entitlement: what this subscription wants ------------------------------------- */

/* Defect drop-by-index: copies are counted from 1 where entries are from 0, so each
 * meets the filter of the subscriber behind it. */
PORT_INLINE void dp_next_filter(port_t *p, __u32 slot, __u32 track, struct fb_subscription *want) {
  struct fb_subscription next;
  if (!port_get_subscription(p, slot + 1, track, &next) || !next.on)
    return;
  want->priority_lo = next.priority_lo;
  want->priority_hi = next.priority_hi;
}

/* What keeps every copy of the packet from leaving at once: the subscriber may lag behind. */
PORT_INLINE __u8 dp_is_held(const struct dp_scratch *s) {
  return s->gate.first == FB_DEC_HELD || s->gate.first == FB_DEC_CREDIT ||
         s->gate.first == FB_DEC_PN_LIMIT;
}

/* Does the strategy drop the frame? It is asked for new data alone: what becomes of other
 * frames is for user space to decide, and it asks then. */
PORT_INLINE int dp_strategy_drops(port_t *p, const struct dp_scratch *s, __u32 f,
                                  const struct fb_subscription *want, struct fb_counters *c) {
  const struct fb_frame *fr = &s->record.frames[DP_FRAME(f)];
  __u32 policy = port_policy(p);
  if (policy == DP_POLICY_NONE || !want->delivery_timeout_ms || fr->admit != FB_DEC_SEND)
    return 0;
  const struct fb_track_state *track = port_track_state(p, fr->track);
  if (!track)
    return 0;
  struct dp_policy_input in = {.kind = fr->kind,
                               .header = fr->header,
                               .priority = fr->priority,
                               .held = dp_is_held(s),
                               .delivery_timeout_ms = want->delivery_timeout_ms,
                               .age_ms = s->age_ms[DP_FRAME(f)],
                               .lag_ms =
                                   dp_policy_ms(port_load(p, &c->oldest_ns), s->record.time_ns),
                               .group = fr->group,
                               .newest_group = port_load(p, &track->newest_group)};
  return dp_policy_drops(policy, &in);
}

/* SEND if the subscriber is to get the frame, by whichever path; else a final decision. */
PORT_INLINE __u32 dp_entitled(port_t *p, const struct dp_scratch *s, __u32 f,
                              const struct fb_record_sub *r, struct fb_counters *c) {
  const struct fb_frame *fr = &s->record.frames[DP_FRAME(f)];
  struct fb_subscription want;
  if (!port_get_subscription(p, r->slot, fr->track, &want))
    return FB_DEC_NOT_SUBSCRIBED;
  if (want.gen != r->gen || !want.on)
    return FB_DEC_NOT_SUBSCRIBED;
  if (!want.forward)
    return FB_DEC_NOT_FORWARDED;
  if (fr->group < want.start_group)
    return FB_DEC_BEFORE_START;
  if (port_defect(p, drop_by_index))
    dp_next_filter(p, r->slot, fr->track, &want);
  if (fr->priority < want.priority_lo || fr->priority > want.priority_hi)
    return FB_DEC_FILTERED;
  return dp_strategy_drops(p, s, f, &want, c) ? FB_DEC_POLICY : FB_DEC_SEND;
}

/* A new stream: nothing of an earlier owner of this slot, whose claim number came round,
 * may count for it. */
PORT_INLINE void dp_forget(port_t *p, __u64 *word, __u32 claim) {
  if (port_load(p, word) >> FB_CLAIM_SHIFT == claim)
    port_store(p, word, 0);
}

PORT_GLOBAL int dp_choose_stream(port_t *p, struct dp_scratch *s, __u32 n, __u32 f, __u32 wanted) {
  if (!s)
    return FB_DEC_NO_HEADER;
  const struct fb_frame *fr = &s->record.frames[DP_FRAME(f)];
  struct fb_record_sub *r = &s->record.subs[DP_SUB(n)];
  struct fb_counters *c = port_counters(p, r->slot);
  struct fb_down *down = port_down(p, s->stream_slots[DP_FRAME(f)], r->slot);
  if (!c || !down)
    return FB_DEC_NO_HEADER;
  __u64 mark = (__u64)fr->claim << FB_CLAIM_SHIFT, ordinal = 0;
  if (fr->header) {
    dp_forget(p, &down->charged, fr->claim);
    dp_forget(p, &down->limit, fr->claim);
    ordinal = wanted == FB_DEC_SEND ? port_add(p, &c->next_stream, 1) : FB_DOWN_SKIPPED;
    port_store(p, &down->id, mark | ordinal);
    if (wanted != FB_DEC_SEND)
      return (int)wanted;
    r->n_taken++;
  } else {
    __u64 id = port_load(p, &down->id);
    if (wanted != FB_DEC_SEND && wanted != FB_DEC_POLICY)
      return (int)wanted;
    if (id >> FB_CLAIM_SHIFT != fr->claim)
      return FB_DEC_NO_HEADER;
    ordinal = id & FB_DOWN_MASK;
    if (ordinal == FB_DOWN_SKIPPED)
      return FB_DEC_SKIPPED;
    /* Its tail goes with it; user space resets the stream when it reads the record. */
    if (wanted == FB_DEC_POLICY)
      port_cas(p, &down->id, id, mark | FB_DOWN_SKIPPED);
  }
  r->down[DP_FRAME(f)] = (__u32)ordinal + 1;
  return (int)wanted;
}

/* ---- the frame ------------------------------------------------------------------- */

/* Refusals behind the gates, for a stream that has its downstream ordinal. */
PORT_INLINE __u32 dp_fits_stream(port_t *p, const struct dp_scratch *s,
                                 const struct dp_place *place, struct fb_counters *c, __u32 down) {
  __u64 ordinal = (__u64)down - 1;
  if (ordinal >= port_load(p, &c->max_streams) && !port_defect(p, ignore_limits))
    return FB_DEC_STREAM_LIMIT;
  if (wire_varint_len(ordinal * 4 + (WIRE_STREAM_UNI | WIRE_STREAM_SERVER)) > place->id_len)
    return FB_DEC_ID_WIDTH;
  return s->gate.second;
}

PORT_INLINE __u32 dp_fits_datagram(const struct dp_scratch *s, const struct dp_place *place,
                                   const struct fb_subscriber_copy *sub) {
  if (s->gate.second != FB_DEC_SEND)
    return s->gate.second;
  return (__u32)(place->end - place->at) > sub->max_datagram ? FB_DEC_TOO_BIG : FB_DEC_SEND;
}

/* Decides a frame that is entitled to a copy. */
PORT_INLINE __u32 dp_try_send(port_t *p, struct dp_scratch *s, __u32 n, __u32 f,
                              struct fb_counters *c) {
  const struct fb_frame *fr = &s->record.frames[DP_FRAME(f)];
  const struct dp_place *place = &s->places[DP_FRAME(f)];
  const struct fb_subscriber_copy *sub = &s->subs[DP_SUB(n)];
  struct fb_record_sub *r = &s->record.subs[DP_SUB(n)];
  if (s->gate.first != FB_DEC_SEND)
    return s->gate.first;
  if (fr->kind == FB_FRAME_DATAGRAM)
    return dp_fits_datagram(s, place, sub);
  __u32 fits = dp_fits_stream(p, s, place, c, r->down[DP_FRAME(f)]);
  if (fits != FB_DEC_SEND)
    return fits;
  fits = (__u32)dp_charge(p, s, n, f);
  if (fits == FB_DEC_SEND)
    r->charged |= (__u8)(1u << DP_FRAME(f));
  return fits;
}

PORT_GLOBAL int dp_choose_frame(port_t *p, struct dp_scratch *s, __u32 n, __u32 f) {
  if (!s)
    return FB_DEC_NO_HEADER;
  const struct fb_frame *fr = &s->record.frames[DP_FRAME(f)];
  struct fb_counters *c = port_counters(p, s->record.subs[DP_SUB(n)].slot);
  if (!c)
    return FB_DEC_NO_HEADER;
  if (fr->track == FB_NO_TRACK)
    return fr->admit;
  __u32 decision = dp_entitled(p, s, f, &s->record.subs[DP_SUB(n)], c);
  if (fr->claim)
    decision = (__u32)dp_choose_stream(p, s, n, f, decision);
  if (decision != FB_DEC_SEND)
    return (int)decision;
  if (fr->admit != FB_DEC_SEND)
    return fr->admit;
  decision = dp_try_send(p, s, n, f, c);
  /* New data must not overtake what user space now has to send. */
  if (decision == FB_DEC_HELD || decision == FB_DEC_JOINING || decision == FB_DEC_PN_LIMIT ||
      decision == FB_DEC_CREDIT || decision == FB_DEC_FLOW_CONTROL ||
      decision == FB_DEC_CONTENDED) {
    port_add(p, &c->hold, 1);
    s->gate.first = FB_DEC_HELD;
  }
  return (int)decision;
}
