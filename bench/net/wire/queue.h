/* Frames on their way, by the time they are due; of one time, first come first out.
 *
 * Ownership: queue_put() copies the frame; queue_take() hands out memory that the
 * caller frees. */
#ifndef FANBENCH_NET_WIRE_QUEUE_H
#define FANBENCH_NET_WIRE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

/* A full 10 Gbit/s for 400 ms. */
#define QUEUE_MAX_BYTES ((size_t)512 << 20)

struct queued {
  uint64_t due_ns, place; /* place: in order of coming */
  uint32_t way;           /* index of the direction it takes */
  uint32_t len;
  uint8_t bytes[];
};

struct queue {
  struct queued **heap; /* [n], the first is due first */
  size_t n, room;
  size_t bytes; /* of all frames in it */
  uint64_t places;
};

/* The frame in the queue, the caller may still change its bytes; NULL: no room. */
struct queued *queue_put(struct queue *queue, uint64_t due_ns, uint32_t way, const uint8_t *bytes,
                         uint32_t len);

/* The first; NULL: empty. Stays the queue's. */
static inline const struct queued *queue_first(const struct queue *queue) {
  return queue->n > 0 ? queue->heap[0] : NULL;
}

struct queued *queue_take(struct queue *queue);

void queue_free(struct queue *queue);

#endif
