#include "bench/fate/journal.h"

#include <inttypes.h>

#include <xxhash.h>

void journal_link(FILE *to, const char *way, const char *what, uint64_t at_ns) {
  fprintf(to, "{\"ev\":\"link\",\"t\":%" PRIu64 ",\"link\":\"%s\",\"what\":\"%s\"}\n", at_ns, way,
          what);
}

void journal_packet(FILE *to, const char *way, const struct fate *fate, uint64_t arrived_ns,
                    const uint8_t *payload, size_t len) {
  fprintf(to,
          "{\"ev\":\"packet\",\"t\":%" PRIu64 ",\"link\":\"%s\",\"index\":%" PRIu64 ",\"drop\":",
          arrived_ns, way, fate->index);
  if (fate->copies == 0)
    fprintf(to, "\"%s\"", fate_drop_name(fate->drop));
  else
    fputs("null", to);
  fprintf(to, ",\"copies\":%d,\"delay_ns\":[", fate->copies);
  for (int i = 0; i < fate->copies; i++)
    fprintf(to, "%s%" PRIu64, i > 0 ? "," : "", fate->deliver_at_ns[i] - arrived_ns);
  fprintf(to, "],\"reordered\":%s,\"corrupt_bit\":", fate->reordered ? "true" : "false");
  if (fate->corrupt)
    fprintf(to, "%" PRIu32, fate->corrupt_bit);
  else
    fputs("null", to);
  fprintf(to, ",\"len\":%zu,\"hash\":\"%016" PRIx64 "\"}\n", len, (uint64_t)XXH64(payload, len, 0));
}

void journal_total(FILE *to, const char *way, uint64_t packets, const struct fate_total *total,
                   const struct fate_late *late, uint64_t at_ns) {
  fprintf(to,
          "{\"ev\":\"total\",\"t\":%" PRIu64 ",\"link\":\"%s\",\"packets\":%" PRIu64
          ",\"passed\":%" PRIu64 ",\"doubled\":%" PRIu64 ",\"corrupted\":%" PRIu64
          ",\"reordered\":%" PRIu64 ",\"dropped\":{",
          at_ns, way, packets, total->passed, total->doubled, total->corrupted, total->reordered);
  for (int drop = FATE_DROP_DOWN; drop <= FATE_DROP_QUEUE; drop++)
    fprintf(to, "%s\"%s\":%" PRIu64, drop > FATE_DROP_DOWN ? "," : "",
            fate_drop_name((enum fate_drop)drop), total->dropped[drop]);
  fprintf(to,
          "},\"no_room\":%" PRIu64 ",\"late_p99_ns\":%" PRIu64 ",\"late_max_ns\":%" PRIu64 "}\n",
          total->no_room, late->p99_ns, late->max_ns);
}
