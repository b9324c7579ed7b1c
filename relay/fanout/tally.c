#include "relay/fanout/tally.h"

void tally_begin(struct tally *tally) {
  *tally = (struct tally){.told = TALLY_UNTOLD};
}

void tally_forget(struct tally *tally) {
  tally->told = TALLY_UNTOLD;
}

void tally_saw(struct tally *tally, uint64_t now_ns) {
  tally->seen++;
  tally->until_ns = now_ns + tally->patience_ns;
}

void tally_told(struct tally *tally, uint64_t streams, uint64_t delivery_ns, uint64_t now_ns) {
  tally->told = streams;
  tally->patience_ns = TALLY_PATIENCE_NS + delivery_ns;
  tally->until_ns = now_ns + tally->patience_ns;
}

bool tally_waits(const struct tally *tally, uint64_t now_ns) {
  return tally_deadline(tally) != UINT64_MAX && now_ns < tally->until_ns;
}

uint64_t tally_deadline(const struct tally *tally) {
  bool short_of = tally->told != TALLY_UNTOLD && tally->seen < tally->told;
  return short_of ? tally->until_ns : UINT64_MAX;
}
