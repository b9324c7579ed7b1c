#include "bpf/t/world.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* ---- the transcript ---------------------------------------------------------------- */

void world_note(struct world *w, const void *bytes, size_t len) {
  struct transcript *t = &w->transcript;
  if (t->len + len > t->room) {
    t->room = (t->len + len) * 2;
    t->bytes = realloc(t->bytes, t->room);
    assert_non_null(t->bytes);
  }
  memcpy(t->bytes + t->len, bytes, len);
  t->len += len;
}

/* Time and CPU differ between two runs of the same thing; all else counts. */
void world_note_record(struct world *w, const void *record, size_t len) {
  w->records = realloc(w->records, (w->n_records + 1) * sizeof(*w->records));
  assert_non_null(w->records);
  union record *r = &w->records[w->n_records++];
  memset(r, 0, sizeof(*r));
  memcpy(r, record, len);
  if (r->copy.magic == FB_RECORD_COPY) {
    assert_int_equal(len, FB_RECORD_LEN(r->copy.n_subs));
    r->copy.cpu = 0;
    r->copy.time_ns = 0;
    for (uint32_t i = 0; i < r->copy.n_subs; i++)
      for (uint32_t f = 0; f < r->copy.n_frames; f++)
        w->seen_decisions |= 1u << r->copy.subs[i].decision[f];
  } else {
    assert_int_equal(r->failed.magic, FB_RECORD_FAILED);
    assert_int_equal(len, sizeof(r->failed));
  }
  world_note(w, r, len);
}

void world_end(struct world *w) {
  for (uint32_t i = 0; i < WORLD_SUBSCRIBERS; i++)
    world_lag(w, i, 0); /* a time, too */
  world_note(w, w->ops->counters(w), WORLD_SUBSCRIBERS * sizeof(struct fb_counters));
  world_note(w, w->ops->downs(w),
             (size_t)WORLD_STREAMS * WORLD_SUBSCRIBERS * sizeof(struct fb_down));
  world_note(w, w->ops->state(w), WORLD_UPSTREAMS * sizeof(struct fb_upstream_state));
  for (uint32_t i = 0; i < WORLD_STREAMS; i++) {
    struct fb_stream st;
    w->ops->get_stream(w, i, &st);
    memset(&st.lock, 0, sizeof(st.lock));
    world_note(w, &st, sizeof(st));
  }
  for (uint32_t i = 0; i < WORLD_SUBSCRIBERS; i++)
    if (w->ops->counters(w)[i].decisions[FB_DEC_INACTIVE])
      w->seen_decisions |= 1u << FB_DEC_INACTIVE;
}

void world_free(struct world *w) {
  if (!w)
    return;
  w->ops->close(w);
  free(w->records);
  free(w->transcript.bytes);
  free(w);
}

/* ---- who is there ------------------------------------------------------------------- */

void world_begin(struct world *w, int family) {
  w->ops->reset(w);
  w->ops->limit_copies(w, WORLD_COPIES);
  w->transcript.len = 0;
  w->n_records = 0;
  w->keep_records = false;
  world_sealed_begin(w);
  w->config = (struct fb_config){.on = 1, .port = WORLD_PORT};
  w->ops->set_config(w, &w->config);
  struct fb_upstream up = {.gen = 1, .active = 1, .path = publisher_path(family)};
  w->ops->set_upstream(w, 0, &up);
  w->ops->set_cid(w, &publisher_cid, &(struct fb_cid_value){.upstream = 0, .gen = 1});
  for (uint32_t t = 0; t < 2; t++) {
    struct fb_alias_key key = {.alias = 1 + t, .upstream = 0, .upstream_gen = 1};
    struct fb_alias_value value = {
        .track = t, .out_alias = 5 + t, .default_priority = t ? 10 : 128};
    w->ops->set_alias(w, &key, &value);
  }
}

struct fb_subscriber world_subscriber(uint32_t slot, int family) {
  struct fb_subscriber v = {.gen = 100 + slot,
                            .state = FB_SUB_ACTIVE,
                            .family = (__u8)family,
                            .dcid_len = 8,
                            .ifindex = 7,
                            .max_payload = 1472,
                            .max_datagram = 1200,
                            .dst_mac = {2, 0, 0, 1, 0, (__u8)slot},
                            .src_mac = {2, 0, 0, 2, 0, (__u8)slot},
                            .dst_port = htons((uint16_t)(30000 + slot)),
                            .src_port = htons(WORLD_PORT),
                            .flow_label = 0xabcde,
                            .initial_max_stream_data = 1 << 20};
  for (uint32_t i = 0; i < FB_MAX_CID; i++)
    v.dcid[i] = (__u8)(0xc0 + slot + i);
  if (family == 4) {
    inet_pton(AF_INET, "10.0.1.1", v.src_addr);
    inet_pton(AF_INET, "10.0.1.2", v.dst_addr);
    v.dst_addr[2] = (__u8)slot;
  } else {
    inet_pton(AF_INET6, "fd00:0:0:1::1", v.src_addr);
    inet_pton(AF_INET6, "fd00:0:0:1::2", v.dst_addr);
    v.dst_addr[7] = (__u8)slot;
  }
  return v;
}

struct fb_subscription world_subscription(uint32_t slot) {
  return (struct fb_subscription){.gen = 100 + slot, .on = 1, .forward = 1, .priority_hi = 255};
}

void world_add(struct world *w, uint32_t slot, const struct fb_subscriber *v) {
  struct fb_subscription want = world_subscription(slot);
  struct fb_counters *c = counters_of(w, slot);
  c->next_pn = 1000ull * (slot + 1);
  c->next_stream = 3;
  c->pn_limit = c->max_data = c->max_streams = c->credit = 1ull << 40;
  w->ops->set_subscription(w, slot, 0, &want);
  w->ops->set_subscription(w, slot, 1, &want);
  w->ops->set_subscriber(w, slot, v);
  if (slot >= w->config.subscribers)
    w->config.subscribers = slot + 1;
  w->ops->set_config(w, &w->config);
}

void world_join(struct world *w, uint32_t first, uint32_t count) {
  for (uint32_t i = first; i < first + count; i++) {
    struct fb_subscriber v = world_subscriber(i, 4);
    world_add(w, i, &v);
  }
}

/* Perhaps before the machine was started: the datapath looks at the difference alone. */
static uint64_t ago(uint64_t ms) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec - ms * 1000000u;
}

void world_lag(struct world *w, uint32_t slot, uint64_t ms) {
  w->ops->counters(w)[slot].oldest_ns = ms ? ago(ms) : 0;
}

void world_object(struct world *w, uint64_t ordinal, uint64_t end, uint64_t ms) {
  struct fb_stream st;
  w->ops->get_stream(w, (uint32_t)(ordinal % WORLD_STREAMS), &st);
  w->ops->objects(w)[ordinal % WORLD_STREAMS] =
      (struct fb_object){.end = (uint64_t)st.claim << FB_CLAIM_SHIFT | end, .since_ns = ago(ms)};
}

struct fb_counters *counters_of(struct world *w, uint32_t slot) {
  return &w->ops->counters(w)[slot];
}

struct fb_down *down_of(struct world *w, uint64_t ordinal, uint32_t slot) {
  return &w->ops->downs(w)[(ordinal % WORLD_STREAMS) * WORLD_SUBSCRIBERS + slot];
}

/* ---- packets ------------------------------------------------------------------------ */

static enum fb_packet_reason run(struct world *w, const struct piece *frame, bool gso) {
  w->n_copies = 0;
  w->n_records = 0;
  world_sealed_feed(w);
  uint32_t reason = (uint32_t)w->ops->run(w, frame, gso);
  w->seen_reasons |= 1u << reason;
  world_note(w, &reason, sizeof(reason));
  for (size_t i = 0; i < w->n_copies; i++) {
    const struct copy *c = &w->copies[i];
    world_note(w, c, offsetof(struct copy, frame) + c->len);
  }
  world_sealed_open(w);
  if (!w->keep_records)
    w->ops->drain(w);
  return (enum fb_packet_reason)reason;
}

enum fb_packet_reason send_frame(struct world *w, struct piece frame) {
  return run(w, &frame, false);
}

enum fb_packet_reason send_packet(struct world *w, const struct packet *p) {
  struct fb_path path = publisher_path(4);
  return send_frame(w, ethernet(&path, packet_payload(p), CHECKSUM_GOOD));
}

/* ---- what came of it ---------------------------------------------------------------- */

const struct fb_record_sub *recorded(struct world *w, uint32_t slot) {
  for (size_t i = 0; i < w->n_records; i++) {
    const struct fb_record *r = &w->records[i].copy;
    if (r->magic != FB_RECORD_COPY)
      continue;
    for (uint32_t n = 0; n < r->n_subs; n++)
      if (r->subs[n].slot == slot)
        return &r->subs[n];
  }
  fail_msg("%s: no record has subscriber %u", w->ops->name, slot);
  return NULL;
}

const struct fb_frame *recorded_frame(struct world *w, uint32_t f) {
  assert_true(w->n_records > 0 && w->records[0].copy.magic == FB_RECORD_COPY);
  assert_true(f < w->records[0].copy.n_frames);
  return &w->records[0].copy.frames[f];
}

enum fb_decision decided(struct world *w, uint32_t slot, uint32_t f) {
  recorded_frame(w, f);
  return (enum fb_decision)recorded(w, slot)->decision[f];
}

const struct copy *copy_for(struct world *w, uint32_t slot) {
  for (size_t i = 0; i < w->n_copies; i++)
    if (w->copies[i].slot == slot)
      return &w->copies[i];
  return NULL;
}

const uint8_t *copy_payload(const struct copy *c, size_t *len) {
  size_t head = c->frame[12] == 0x86 ? 62 : 42;
  *len = c->len - head;
  return c->frame + head;
}
