/* Lines of links.jsonl. Times are CLOCK_MONOTONIC ns, names hold nothing that JSON escapes.
 *
 *   {"ev":"link","t","link":"A>B","what":"set|down|up"}
 *   {"ev":"packet","t" (arrival),"link","index","drop":null|"loss"...,"copies",
 *    "delay_ns":[one a copy],"reordered","corrupt_bit":null|N,"len" and "hash" of the UDP
 *    payload as it came}
 *   {"ev":"total","t","link","packets","passed","doubled","corrupted","reordered",
 *    "dropped":{"loss":N,...},"no_room","late_p99_ns","late_max_ns"} */
#ifndef FANBENCH_NET_WIRE_JOURNAL_H
#define FANBENCH_NET_WIRE_JOURNAL_H

#include <stdio.h>

#include "bench/fate/fate.h"
#include "bench/scenario/plan.h"

struct wire_way;

void journal_link(FILE *to, const char *way, enum plan_event_kind kind, uint64_t at_ns);
void journal_packet(FILE *to, const char *way, const struct fate *fate, uint64_t arrived_ns,
                    const uint8_t *payload, size_t len);
void journal_total(FILE *to, struct wire_way *way, uint64_t at_ns);

#endif
