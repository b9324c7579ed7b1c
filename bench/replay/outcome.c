#include <stdlib.h>
#include <string.h>

#include "bench/replay/executor.h"

void outcome_clear(struct outcome *o) {
  o->n_copies = o->records_len = 0;
  o->failed = false;
}

void outcome_free(struct outcome *o) {
  free(o->copies);
  free(o->records);
}

struct outcome_copy *outcome_copy(struct outcome *o, const struct journal_copy *head,
                                  const void *frame, size_t len) {
  if (o->n_copies == o->room_copies) {
    const size_t room = o->room_copies * 2 + 64;
    struct outcome_copy *grown = realloc(o->copies, room * sizeof *grown);
    if (grown == NULL) {
      o->failed = true;
      return NULL;
    }
    o->copies = grown;
    o->room_copies = room;
  }
  struct outcome_copy *c = &o->copies[o->n_copies++];
  c->head = *head;
  c->len = (uint32_t)(len < sizeof c->frame ? len : sizeof c->frame);
  memcpy(c->frame, frame, c->len);
  return c;
}

void outcome_record(struct outcome *o, const void *record, size_t len) {
  const size_t need = o->records_len + sizeof len + len;
  if (need > o->records_room) {
    uint8_t *grown = realloc(o->records, 2 * need);
    if (grown == NULL) {
      o->failed = true;
      return;
    }
    o->records = grown;
    o->records_room = 2 * need;
  }
  uint8_t *at = o->records + o->records_len;
  memcpy(at, &len, sizeof len);
  memcpy(at + sizeof len, record, len);
  if (len >= 8 && *(const uint32_t *)record == FB_RECORD_COPY)
    memset(at + sizeof len + offsetof(struct fb_record, cpu), 0, sizeof(uint32_t));
  o->records_len = need;
}
