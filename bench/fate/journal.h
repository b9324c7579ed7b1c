/* Lines of links.jsonl, the same in every mode. Times are those of the run's clock, ns;
 * names hold nothing that JSON escapes.
 *
 *   {"ev":"link","t","link":"A>B","what":"set|down|up"}
 *   {"ev":"packet","t" (arrival),"link","index","drop":null|"loss"...,"copies",
 *    "delay_ns":[one a copy],"reordered","corrupt_bit":null|N,"len" and "hash" of the UDP
 *    payload as it came}
 *   {"ev":"total","t","link","packets","passed","doubled","corrupted","reordered",
 *    "dropped":{"loss":N,...},"no_room","late_p99_ns","late_max_ns"}
 *
 * bench/fate/way.h says which packets have a line. */
#ifndef FANBENCH_FATE_JOURNAL_H
#define FANBENCH_FATE_JOURNAL_H

#include <stdio.h>

#include "bench/fate/fate.h"

/* What became of the packets of one direction. */
struct fate_total {
  uint64_t passed, doubled, corrupted, reordered, dropped[FATE_DROP_QUEUE + 1];
  uint64_t no_room; /* found no memory, or could not be sent: none of the others */
};

/* How late they left: nothing on virtual time. */
struct fate_late {
  uint64_t p99_ns, max_ns;
};

void journal_link(FILE *to, const char *way, const char *what, uint64_t at_ns);
void journal_packet(FILE *to, const char *way, const struct fate *fate, uint64_t arrived_ns,
                    const uint8_t *payload, size_t len);
/* packets: how many came. */
void journal_total(FILE *to, const char *way, uint64_t packets, const struct fate_total *total,
                   const struct fate_late *late, uint64_t at_ns);

#endif
