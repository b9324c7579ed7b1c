#include "bench/peer/early.h"

#include <stdlib.h>
#include <string.h>

void early_init(struct early *early, size_t limit) {
  *early = (struct early){.limit = limit};
}

void early_clear(struct early *early) {
  struct early_item *item;
  while ((item = early_take(early)))
    early_free(item);
}

void early_put_back(struct early *early, struct early_item *item) {
  item->next = NULL;
  if (early->tail)
    early->tail->next = item;
  else
    early->head = item;
  early->tail = item;
  early->bytes += item->len;
}

struct early_item *early_take(struct early *early) {
  struct early_item *item = early->head;
  if (!item)
    return NULL;
  early->head = item->next;
  if (!early->head)
    early->tail = NULL;
  early->bytes -= item->len;
  item->next = NULL;
  return item;
}

void early_free(struct early_item *item) {
  free(item->data);
  free(item);
}

static bool has_room(const struct early *early, size_t len) {
  return early->bytes <= early->limit && len <= early->limit - early->bytes;
}

static int append(struct early_item *item, const uint8_t *data, size_t len, bool fin) {
  if (len > item->room - item->len) {
    const size_t room = 2 * item->room + len;
    uint8_t *grown = realloc(item->data, room);
    if (!grown)
      return -1;
    item->data = grown;
    item->room = room;
  }
  if (len)
    memcpy(item->data + item->len, data, len);
  item->len += len;
  item->fin = fin;
  return 0;
}

int early_add(struct early *early, int64_t sid, uint64_t alias, const uint8_t *data, size_t len,
              bool fin) {
  if (!has_room(early, len))
    return -1;
  struct early_item *item = calloc(1, sizeof *item);
  if (!item)
    return -1;
  item->sid = sid;
  item->alias = alias;
  if (append(item, data, len, fin)) {
    early_free(item);
    return -1;
  }
  early_put_back(early, item);
  return 0;
}

static struct early_item *find(const struct early *early, int64_t sid) {
  struct early_item *item = early->head;
  while (item && item->sid != sid)
    item = item->next;
  return item;
}

bool early_reset(struct early *early, int64_t sid, uint64_t code) {
  struct early_item *item = find(early, sid);
  if (!item)
    return false;
  item->reset = true;
  item->code = code;
  return true;
}

static void drop(struct early *early, int64_t sid) {
  struct early all = *early;
  struct early_item *item;
  early_init(early, all.limit);
  while ((item = early_take(&all)))
    if (item->sid == sid)
      early_free(item);
    else
      early_put_back(early, item);
}

int early_append(struct early *early, int64_t sid, const uint8_t *data, size_t len, bool fin) {
  struct early_item *item = find(early, sid);
  if (!item)
    return 0;
  if (has_room(early, len) && append(item, data, len, fin) == 0) {
    early->bytes += len;
    return 0;
  }
  drop(early, sid);
  return -1;
}
