/* Fuzz: whatever arrives at the native datapath, with and without Ethernet around it.
 *
 * Input: packets, each behind its length (2 bytes, big-endian). They are given the right
 * connection ID, path and tag, so that the bytes behind the header reach the parsers;
 * an odd first byte of the input leaves them as they are, as Ethernet frames. */
#include "bpf/port/native.h"

#include <stdlib.h>
#include <string.h>

#define SUBSCRIBERS 3

static int swallow(void *user, const struct dp_native_copy *copy) {
  size_t *expected = user;
  if (copy->len != *expected)
    abort(); /* a copy is as long as its packet */
  return 0;
}

static void check_record(void *user, const void *record, size_t len) {
  const struct fb_record *r = record;
  (void)user;
  if (r->magic != FB_RECORD_COPY || len != FB_RECORD_LEN(r->n_subs) || r->n_subs > SUBSCRIBERS)
    abort();
}

static void add_subscriber(struct dp_native *dp, uint32_t slot) {
  struct fb_subscriber v = {.gen = 1 + slot,
                            .state = FB_SUB_ACTIVE,
                            .family = 4,
                            .dcid_len = (__u8)(8 * slot),
                            .max_payload = 1472,
                            .max_datagram = 1200,
                            .initial_max_stream_data = 5000};
  struct fb_subscription want = {.gen = 1 + slot, .on = 1, .forward = 1, .priority_hi = 200};
  struct fb_counters *c = &dp->counters[slot];
  c->pn_limit = c->credit = c->max_streams = 1 << 20;
  c->max_data = 3000;
  dp_native_set_subscription(dp, slot, 0, &want);
  dp_native_set_subscriber(dp, slot, &v);
}

static struct dp_native *new_instance(const struct fb_path *path) {
  struct dp_native_sizes sizes = {
      .subscribers = SUBSCRIBERS, .tracks = 1, .streams = 4, .upstreams = 1};
  struct dp_native *dp = dp_native_new(&sizes);
  if (!dp)
    abort();
  struct fb_cid_key cid = {.len = FB_UPSTREAM_CID};
  struct fb_upstream up = {.gen = 1, .active = 1, .path = *path};
  dp->config = (struct fb_config){.on = 1, .port = 4433, .subscribers = SUBSCRIBERS};
  dp_native_set_upstream(dp, 0, &up);
  dp_native_cid_set(dp, &cid, &(struct fb_cid_value){.upstream = 0, .gen = 1});
  dp_native_alias_set(dp, &(struct fb_alias_key){.alias = 1, .upstream_gen = 1},
                      &(struct fb_alias_value){.out_alias = 5});
  for (uint32_t i = 0; i < SUBSCRIBERS; i++)
    add_subscriber(dp, i);
  return dp;
}

/* Header with the ID of zeros and this number, and the tag of zeros. */
static void make_valid(uint8_t *p, size_t len, uint32_t pn) {
  memset(p, 0, 25);
  p[0] = 0x43;
  p[23] = (uint8_t)(pn >> 8);
  p[24] = (uint8_t)pn;
  memset(p + len - FB_TAG_LEN, 0, FB_TAG_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fb_path path = {.family = 4, .local_port = 1, .remote_port = 2};
  size_t len = 0;
  if (size < 3)
    return 0;
  struct dp_native *dp = new_instance(&path);
  dp_native_on_emit(dp, swallow, &len);
  int raw = data[0] & 1;
  for (uint32_t pn = 0; size >= 2; pn++) {
    len = (size_t)(data[0] << 8 | data[1]) % 1600;
    data += 2, size -= 2;
    if (len > size)
      len = size;
    uint8_t *exact = malloc(len ? len : 1); /* its own size: the sanitizer sees the end */
    if (!exact)
      abort();
    memcpy(exact, data, len);
    data += len, size -= len;
    if (!raw && len > 25 + FB_TAG_LEN)
      make_valid(exact, len, pn);
    if (raw)
      dp_native_frame(dp, exact, len, false, pn, 0);
    else
      dp_native_packet(dp, &path, exact, len, pn, 0);
    dp_native_drain(dp, 0, check_record, NULL);
    free(exact);
  }
  for (uint32_t i = 0; i < SUBSCRIBERS; i++)
    if (dp->counters[i].data_used > dp->counters[i].max_data)
      abort();
  dp_native_free(dp);
  return 0;
}
