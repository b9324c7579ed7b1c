/* Data that came before the answer that says which track it belongs to: whole
 * beginnings of streams, and datagrams, in order of arrival and bounded.
 *
 * Items taken out belong to the caller until early_free() or early_put_back(). */
#ifndef FANBENCH_PEER_EARLY_H
#define FANBENCH_PEER_EARLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EARLY_DATAGRAM (-1) /* in place of a stream ID */

struct early_item {
  struct early_item *next;
  int64_t sid;
  uint64_t alias;
  bool fin, reset;
  uint64_t code; /* of the reset */
  size_t len, room;
  uint8_t *data;
};

struct early {
  struct early_item *head, *tail;
  size_t bytes, limit;
};

void early_init(struct early *early, size_t limit);
void early_clear(struct early *early);

/* The beginning of a stream, or a datagram. Returns 0, or -1 if there is no
 * room. */
int early_add(struct early *early, int64_t sid, uint64_t alias, const uint8_t *data, size_t len,
              bool fin);
/* More of a stream. A stream that is not here is passed over. One that finds no
 * room goes: returns -1 then, else 0. */
int early_append(struct early *early, int64_t sid, const uint8_t *data, size_t len, bool fin);
/* The stream was reset: it ends behind what is here. False if it is not here. */
bool early_reset(struct early *early, int64_t sid, uint64_t code);

struct early_item *early_take(struct early *early);                /* the oldest, or NULL */
void early_put_back(struct early *early, struct early_item *item); /* at the end */
void early_free(struct early_item *item);

#endif
