/* Entry of the native target: port/native.h. */
#include "bpf/port/native.h"

#include "bpf/dp/dp.h"
#include "bpf/dp/take.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(DP_MAX_BATCHES *FB_BATCH == DP_NATIVE_MAX_SUBSCRIBERS,
               "an instance has slots that no packet reaches");

static struct dp_scratch *scratch_of(struct dp_native *dp, unsigned cpu) {
  if (!dp->scratch[cpu])
    dp->scratch[cpu] = calloc(1, sizeof(struct dp_scratch));
  return dp->scratch[cpu];
}

/* The steps in front of dp_packet() for a frame: the same as port_receive() of the kernel. */
static enum fb_packet_reason receive_frame(port_t *p, struct dp_scratch *s, const uint8_t *frame,
                                           size_t len, bool gso) {
  if (!p->dp->config.on)
    return FB_PKT_OFF;
  uint32_t type = len >= L4_ETH_LEN ? l4_get16(frame + 12) : 0;
  uint32_t family = type == 0x0800 ? 4 : type == 0x86dd ? 6 : 0;
  if (!family)
    return FB_PKT_NOT_IP;
  uint32_t head = l4_head_len(family);
  if (len < head)
    return FB_PKT_NOT_UDP;
  memcpy(s->raw + FB_MAX_HEADERS - head, frame, head);
  enum fb_packet_reason reason =
      l4_parse(s->raw, family, (uint32_t)len, gso ? 1 : 0, p->dp->config.port, &s->path, &s->len);
  if (reason != FB_PKT_FANNED)
    return reason;
  if (s->len == 0)
    return FB_PKT_LENGTH;
  p->payload = frame + head;
  p->payload_len = s->len;
  memcpy(s->raw + FB_MAX_HEADERS, p->payload, s->len);
  return l4_check(s->raw, family, s->len, &s->partial_csum);
}

/* The same for a bare payload. */
static enum fb_packet_reason receive_payload(port_t *p, struct dp_scratch *s,
                                             const struct fb_path *path, const uint8_t *payload,
                                             size_t len) {
  if (!p->dp->config.on)
    return FB_PKT_OFF;
  if (len == 0 || len > FB_MAX_PAYLOAD)
    return FB_PKT_LENGTH;
  p->payload = payload;
  p->payload_len = len;
  memcpy(s->raw + FB_MAX_HEADERS, payload, len);
  s->path = *path;
  s->len = (uint32_t)len;
  s->partial_csum = 0;
  return FB_PKT_FANNED;
}

/* Counts as the kernel's program does around its packet. */
static enum fb_packet_reason finish(port_t *p, struct dp_scratch *s, enum fb_packet_reason reason) {
  if (reason == FB_PKT_FANNED)
    reason = (enum fb_packet_reason)dp_packet(p, s);
  struct fb_cpu *cpu = &p->dp->cpus[p->cpu];
  port_count(p, &cpu->packets[reason], 1);
  port_add(p, &cpu->sequence, 1);
  return reason;
}

static struct dp_scratch *begin(port_t *p) {
  struct dp_scratch *s = scratch_of(p->dp, p->cpu);
  if (s)
    port_add(p, &p->dp->cpus[p->cpu].sequence, 1);
  return s;
}

enum fb_packet_reason dp_native_packet(struct dp_native *dp, const struct fb_path *path,
                                       const uint8_t *payload, size_t len, uint64_t now_ns,
                                       unsigned cpu) {
  port_t p = {.dp = dp, .now_ns = now_ns, .cpu = cpu};
  struct dp_scratch *s = begin(&p);
  if (!s)
    return FB_PKT_LOAD_FAILED;
  return finish(&p, s, receive_payload(&p, s, path, payload, len));
}

enum fb_packet_reason dp_native_frame(struct dp_native *dp, const uint8_t *frame, size_t len,
                                      bool gso, uint64_t now_ns, unsigned cpu) {
  port_t p = {.dp = dp, .now_ns = now_ns, .cpu = cpu, .framed = 1};
  struct dp_scratch *s = begin(&p);
  if (!s)
    return FB_PKT_LOAD_FAILED;
  return finish(&p, s, receive_frame(&p, s, frame, len, gso));
}

void dp_native_take_stream(struct dp_native *dp, struct fb_take *take) {
  port_t p = {.dp = dp};
  dp_take_stream(&p, take);
}
