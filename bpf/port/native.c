/* See native.h: memory, tables, rings and emission of an instance. */
#include "bpf/port/native.h"

#include "bpf/port/native_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ---------------------------------------------------------------------- */

/* Open addressing with linear probing; keys and values are plain bytes. The table has
 * twice as many places as entries, so that a probe ends soon. */
struct dp_native_table {
  size_t key_len, value_len, entries, most, places;
  uint8_t *bytes; /* of a place: 1 if used, then key, then value at the next multiple of 8 */
};

static size_t align8(size_t n) {
  return (n + 7) & ~(size_t)7;
}
static size_t place_len(const struct dp_native_table *t) {
  return 8 + align8(t->key_len) + align8(t->value_len);
}
static uint8_t *place_of(const struct dp_native_table *t, size_t i) {
  return t->bytes + i * place_len(t);
}
static void *value_of(const struct dp_native_table *t, uint8_t *place) {
  return place + 8 + align8(t->key_len);
}

static struct dp_native_table *table_new(size_t key_len, size_t value_len, size_t most) {
  struct dp_native_table *t = calloc(1, sizeof(*t));
  if (!t)
    return NULL;
  *t = (struct dp_native_table){key_len, value_len, 0, most, 2 * most + 1, NULL};
  t->bytes = calloc(t->places, place_len(t));
  if (t->bytes)
    return t;
  free(t);
  return NULL;
}

static void table_free(struct dp_native_table *t) {
  if (t)
    free(t->bytes);
  free(t);
}

static size_t table_home(const struct dp_native_table *t, const void *key) {
  const uint8_t *p = key;
  uint64_t hash = 14695981039346656037ull; /* FNV-1a */
  for (size_t i = 0; i < t->key_len; i++)
    hash = (hash ^ p[i]) * 1099511628211ull;
  return (size_t)(hash % t->places);
}

/* The key's place, or the free one where it would go. */
static uint8_t *table_find(const struct dp_native_table *t, const void *key) {
  size_t i = table_home(t, key);
  for (;; i = (i + 1) % t->places) {
    uint8_t *place = place_of(t, i);
    if (!place[0] || memcmp(place + 8, key, t->key_len) == 0)
      return place;
  }
}

static bool table_set(struct dp_native_table *t, const void *key, const void *value) {
  uint8_t *place = table_find(t, key);
  if (!place[0]) {
    if (t->entries == t->most)
      return false;
    t->entries++;
    place[0] = 1;
    memcpy(place + 8, key, t->key_len);
  }
  memcpy(value_of(t, place), value, t->value_len);
  return true;
}

/* Removes a key and moves up what had to step over it. */
static bool table_delete(struct dp_native_table *t, const void *key) {
  uint8_t *place = table_find(t, key);
  if (!place[0])
    return false;
  place[0] = 0;
  t->entries--;
  size_t i = (size_t)(place - t->bytes) / place_len(t);
  for (;;) {
    i = (i + 1) % t->places;
    uint8_t *next = place_of(t, i);
    if (!next[0])
      return true;
    next[0] = 0;
    uint8_t *better = table_find(t, next + 8);
    if (better != next)
      memcpy(better, next, place_len(t));
    better[0] = 1;
  }
}

static const void *table_get(const struct dp_native_table *t, const void *key) {
  uint8_t *place = table_find(t, key);
  return place[0] ? value_of(t, place) : NULL;
}

const struct fb_cid_value *dp_native_cid(const struct dp_native *dp, const struct fb_cid_key *key) {
  return table_get(dp->cids, key);
}

const struct fb_alias_value *dp_native_alias(const struct dp_native *dp,
                                             const struct fb_alias_key *key) {
  return table_get(dp->aliases, key);
}

const struct fb_cid_value *port_cid(port_t *p, const struct fb_cid_key *key) {
  return dp_native_cid(p->dp, key);
}

const struct fb_alias_value *port_alias(port_t *p, const struct fb_alias_key *key) {
  return dp_native_alias(p->dp, key);
}

bool dp_native_cid_set(struct dp_native *dp, const struct fb_cid_key *key,
                       const struct fb_cid_value *value) {
  return table_set(dp->cids, key, value);
}
bool dp_native_cid_delete(struct dp_native *dp, const struct fb_cid_key *key) {
  return table_delete(dp->cids, key);
}

bool dp_native_alias_set(struct dp_native *dp, const struct fb_alias_key *key,
                         const struct fb_alias_value *value) {
  return table_set(dp->aliases, key, value);
}
bool dp_native_alias_delete(struct dp_native *dp, const struct fb_alias_key *key) {
  return table_delete(dp->aliases, key);
}

size_t dp_native_cids(const struct dp_native *dp) {
  return dp->cids->entries;
}

size_t dp_native_aliases(const struct dp_native *dp) {
  return dp->aliases->entries;
}

/* ---- rings ----------------------------------------------------------------------- */

/* Counts bytes as the kernel's ring buffer does, so that both are full at the same
 * record; memory is taken as records come. */
struct dp_native_ring {
  uint8_t *bytes; /* records, each behind its length in 8 bytes */
  size_t used, room;
};

static uint64_t ring_cost(uint64_t len) {
  return align8(len + 8);
}

int port_ring_room(port_t *p, uint64_t bytes) {
  return p->dp->rings[p->cpu].used + bytes <= p->dp->sizes.ring_bytes;
}

long port_ring_write(port_t *p, const void *data, uint64_t len) {
  struct dp_native_ring *r = &p->dp->rings[p->cpu];
  uint64_t cost = ring_cost(len);
  if (r->used + cost > p->dp->sizes.ring_bytes)
    return -EAGAIN;
  if (r->used + cost > r->room) {
    size_t room = r->room * 2 + cost;
    uint8_t *bytes = realloc(r->bytes, room);
    if (!bytes)
      return -ENOMEM;
    r->bytes = bytes;
    r->room = room;
  }
  memcpy(r->bytes + r->used, &len, 8);
  memcpy(r->bytes + r->used + 8, data, len);
  r->used += cost;
  return 0;
}

size_t dp_native_drain(struct dp_native *dp, unsigned cpu, dp_native_record_fn *record,
                       void *user) {
  struct dp_native_ring *r = &dp->rings[cpu];
  size_t n = 0;
  for (size_t at = 0; at < r->used; n++) {
    uint64_t len;
    memcpy(&len, r->bytes + at, 8);
    record(user, r->bytes + at + 8, len);
    at += ring_cost(len);
  }
  r->used = 0;
  return n;
}

/* ---- emission -------------------------------------------------------------------- */

long port_emit(port_t *p, uint8_t *buf, const struct fb_subscriber_copy *sub, uint32_t slot,
               uint64_t pn, uint32_t payload_len, uint8_t partial) {
  struct dp_native_copy copy = {.slot = slot,
                                .gen = sub->gen,
                                .ifindex = sub->ifindex,
                                .pn = pn,
                                .payload = buf + FB_MAX_HEADERS,
                                .len = payload_len};
  memcpy(copy.path.local_addr, sub->src_addr, 16);
  memcpy(copy.path.remote_addr, sub->dst_addr, 16);
  copy.path.local_port = sub->src_port;
  copy.path.remote_port = sub->dst_port;
  copy.path.family = sub->family;
  if (p->framed) {
    l4_build(buf, sub->family, sub, payload_len, partial);
    copy.frame = buf + FB_MAX_HEADERS - l4_head_len(sub->family);
    copy.frame_len = l4_head_len(sub->family) + payload_len;
  }
  return p->dp->emit ? p->dp->emit(p->dp->emit_user, &copy) : -ENODEV;
}

size_t dp_native_wrap(const struct fb_path *path, const uint8_t *payload, size_t len,
                      uint8_t frame[DP_NATIVE_WRAPPED]) {
  uint8_t buf[FB_BUF_LEN] = {0};
  struct fb_subscriber_copy to = {
      .family = path->family, .src_port = path->local_port, .dst_port = path->remote_port};
  memcpy(to.src_addr, path->local_addr, sizeof(to.src_addr));
  memcpy(to.dst_addr, path->remote_addr, sizeof(to.dst_addr));
  memcpy(buf + FB_MAX_HEADERS, payload, len);
  l4_build(buf, path->family, &to, (uint32_t)len, 0);
  const size_t head = l4_head_len(path->family);
  memcpy(frame, buf + FB_MAX_HEADERS - head, head + len);
  return head + len;
}

void dp_native_on_emit(struct dp_native *dp, dp_native_emit_fn *emit, void *user) {
  dp->emit = emit;
  dp->emit_user = user;
}

void dp_native_on_access(struct dp_native *dp, dp_native_access_fn *access, void *user) {
  dp->access = access;
  dp->access_user = user;
}

void dp_native_use_aead(struct dp_native *dp, const struct dp_native_aead *aead, void *user) {
  dp->aead = aead;
  dp->aead_user = user;
}

/* ---- entries --------------------------------------------------------------------- */

/* Writes everything behind the lock word, under the lock. */
static void set_body(fb_lock *lock, const void *value, size_t len) {
  while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE))
    continue;
  memcpy((uint8_t *)lock + sizeof(*lock), (const uint8_t *)value + sizeof(*lock),
         len - sizeof(*lock));
  __atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

void dp_native_set_upstream(struct dp_native *dp, uint32_t slot, const struct fb_upstream *value) {
  set_body(&dp->upstreams[slot].lock, value, sizeof(*value));
}

void dp_native_set_subscriber(struct dp_native *dp, uint32_t slot,
                              const struct fb_subscriber *value) {
  set_body(&dp->subscribers[slot].lock, value, sizeof(*value));
}

void dp_native_set_subscription(struct dp_native *dp, uint32_t subscriber, uint32_t track,
                                const struct fb_subscription *value) {
  set_body(&dp_native_subscription(dp, subscriber, track)->lock, value, sizeof(*value));
}

/* ---- memory ---------------------------------------------------------------------- */

static uint32_t size_or(uint32_t given, uint32_t usual) {
  return given ? given : usual;
}

static struct dp_native_sizes full_sizes(const struct dp_native_sizes *given) {
  struct dp_native_sizes s = *given;
  s.subscribers = size_or(s.subscribers, FB_MAX_SUBSCRIBERS);
  s.tracks = size_or(s.tracks, FB_MAX_TRACKS);
  s.streams = size_or(s.streams, FB_STREAM_SLOTS);
  s.upstreams = size_or(s.upstreams, FB_MAX_UPSTREAMS);
  s.cids = size_or(s.cids, FB_MAX_UPSTREAM_CIDS);
  s.aliases = size_or(s.aliases, s.tracks * s.upstreams);
  s.cpus = size_or(s.cpus, 1);
  s.ring_bytes = size_or(s.ring_bytes, FB_RING_BYTES);
  return s;
}

/* Arrays of protection: false if there is no memory. */
static bool make_keys(struct dp_native *dp) {
  const struct dp_native_sizes *s = &dp->sizes;
  uint32_t n = fb_keys(s->subscribers, s->upstreams);
  uint32_t streams =
      fb_keystreams(s->subscribers, s->upstreams, s->keystreams_down, s->keystreams_up);
  if (!s->protect)
    return true;
  dp->keys = calloc(n, sizeof(*dp->keys));
  if (s->protect >> FB_PROTECT_AES128GCM & 1)
    dp->ghash = calloc(n, sizeof(*dp->ghash));
  if (streams)
    dp->keystreams = calloc(streams, sizeof(*dp->keystreams));
  return dp->keys && (dp->ghash || !(s->protect >> FB_PROTECT_AES128GCM & 1)) &&
         (dp->keystreams || !streams);
}

/* What was secret is zero before the memory goes back. */
static void free_keys(struct dp_native *dp) {
  const struct dp_native_sizes *s = &dp->sizes;
  uint32_t n = fb_keys(s->subscribers, s->upstreams);
  uint32_t streams =
      fb_keystreams(s->subscribers, s->upstreams, s->keystreams_down, s->keystreams_up);
  if (dp->keys)
    explicit_bzero(dp->keys, n * sizeof(*dp->keys));
  if (dp->ghash)
    explicit_bzero(dp->ghash, n * sizeof(*dp->ghash));
  if (dp->keystreams)
    explicit_bzero(dp->keystreams, streams * sizeof(*dp->keystreams));
  free(dp->keys);
  free(dp->ghash);
  free(dp->keystreams);
}

struct dp_native *dp_native_new(const struct dp_native_sizes *sizes) {
  struct dp_native *dp = NULL;
  if (sizes->subscribers <= DP_NATIVE_MAX_SUBSCRIBERS)
    dp = calloc(1, sizeof(*dp));
  if (!dp)
    return NULL;
  struct dp_native_sizes s = full_sizes(sizes);
  dp->sizes = s;
  dp->upstreams = calloc(s.upstreams, sizeof(*dp->upstreams));
  dp->upstream_state = calloc(s.upstreams, sizeof(*dp->upstream_state));
  dp->track_state = calloc(s.tracks, sizeof(*dp->track_state));
  dp->subscribers = calloc(s.subscribers, sizeof(*dp->subscribers));
  dp->subscriptions = calloc((size_t)s.subscribers * s.tracks, sizeof(*dp->subscriptions));
  dp->counters = calloc(s.subscribers, sizeof(*dp->counters));
  dp->streams = calloc(s.streams, sizeof(*dp->streams));
  dp->downs = calloc((size_t)s.streams * s.subscribers, sizeof(*dp->downs));
  dp->objects = calloc(s.streams, sizeof(*dp->objects));
  dp->cpus = calloc(s.cpus, sizeof(*dp->cpus));
  dp->cids = table_new(sizeof(struct fb_cid_key), sizeof(struct fb_cid_value), s.cids);
  dp->aliases = table_new(sizeof(struct fb_alias_key), sizeof(struct fb_alias_value), s.aliases);
  dp->rings = calloc(s.cpus, sizeof(*dp->rings));
  dp->scratch = calloc(s.cpus, sizeof(*dp->scratch));
  if (dp->upstreams && dp->upstream_state && dp->track_state && dp->subscribers &&
      dp->subscriptions && dp->counters && dp->streams && dp->downs && dp->objects && dp->cpus &&
      dp->cids && dp->aliases && dp->rings && dp->scratch && make_keys(dp))
    return dp;
  dp_native_free(dp);
  return NULL;
}

void dp_native_free(struct dp_native *dp) {
  if (!dp)
    return;
  for (uint32_t i = 0; dp->scratch && i < dp->sizes.cpus; i++)
    free(dp->scratch[i]);
  for (uint32_t i = 0; dp->rings && i < dp->sizes.cpus; i++)
    free(dp->rings[i].bytes);
  free(dp->scratch);
  free(dp->rings);
  free_keys(dp);
  table_free(dp->aliases);
  table_free(dp->cids);
  free(dp->cpus);
  free(dp->objects);
  free(dp->downs);
  free(dp->streams);
  free(dp->counters);
  free(dp->subscriptions);
  free(dp->subscribers);
  free(dp->upstream_state);
  free(dp->track_state);
  free(dp->upstreams);
  free(dp);
}
