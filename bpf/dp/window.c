#include "bpf/dp/window.h"

/* Raises expected to `next` unless it is there already. Losing to another CPU
 * FB_CAS_TRIES times means that it was raised that often meanwhile. */
PORT_INLINE void dp_raise_expected(port_t *p, struct fb_upstream_state *state, __u64 next) {
  PORT_NO_UNROLL
  for (int i = 0; i < FB_CAS_TRIES; i++) {
    __u64 old = port_load(p, &state->expected);
    if (old >= next || port_cas(p, &state->expected, old, next))
      return;
  }
}

PORT_GLOBAL int dp_window_take(port_t *p, struct dp_scratch *s) {
  if (!s)
    return FB_PKT_LENGTH;
  struct fb_upstream_state *state = port_upstream_state(p, s->upstream);
  if (!state)
    return FB_PKT_UNKNOWN_CID;
  __u64 pn = s->pn;
  __u32 block = (__u32)(pn / 32);
  __u64 bit = 1ull << (pn % 32);
  __u64 *word = &state->window[block % FB_WINDOW_WORDS];
  PORT_NO_UNROLL
  for (int i = 0; i < FB_CAS_TRIES; i++) {
    __u64 old = port_load(p, word);
    __s32 newer = (__s32)(block - (__u32)(old >> 32)); /* blocks count modulo 2^32 */
    if (newer < 0 || (newer == 0 && (old & bit)))
      return FB_PKT_DUPLICATE;
    __u64 taken = newer == 0 ? old | bit : (__u64)block << 32 | bit;
    if (port_cas(p, word, old, taken)) {
      dp_raise_expected(p, state, pn + 1);
      return FB_PKT_FANNED;
    }
  }
  return FB_PKT_DUPLICATE;
}
