#include "relay/fanout/alias.h"

/* What one byte holds, but 0: a copy cannot be longer than its packet. */
#define ALIASES 127
_Static_assert(ALIASES > FB_MAX_TRACKS, "one is always free");

static bool has_alias(const struct relay *relay, uint32_t alias) {
  for (size_t t = 0; t < FB_MAX_TRACKS; t++)
    if (relay->tracks[t] && relay->tracks[t]->out_alias == alias)
      return true;
  return false;
}

uint32_t alias_free(struct relay *relay) {
  do
    relay->last_alias = relay->last_alias % ALIASES + 1;
  while (has_alias(relay, relay->last_alias));
  return relay->last_alias;
}
