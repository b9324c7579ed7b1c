#include "bench/net/wire/queue.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool before(const struct queued *a, const struct queued *b) {
  return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->place < b->place;
}

static void swap(struct queue *queue, size_t i, size_t j) {
  struct queued *was = queue->heap[i];
  queue->heap[i] = queue->heap[j];
  queue->heap[j] = was;
}

static bool make_room(struct queue *queue) {
  if (queue->n < queue->room)
    return true;
  size_t room = queue->room * 2 + 1024;
  struct queued **bigger = realloc(queue->heap, room * sizeof *bigger);
  if (bigger == NULL)
    return false;
  queue->heap = bigger;
  queue->room = room;
  return true;
}

struct queued *queue_put(struct queue *queue, uint64_t due_ns, uint32_t way, const uint8_t *bytes,
                         uint32_t len) {
  if (queue->bytes + len > QUEUE_MAX_BYTES || !make_room(queue))
    return NULL;
  struct queued *frame = malloc(sizeof *frame + len);
  if (frame == NULL)
    return NULL;
  frame->due_ns = due_ns;
  frame->place = queue->places++;
  frame->way = way;
  frame->len = len;
  memcpy(frame->bytes, bytes, len);
  queue->bytes += len;
  size_t i = queue->n++;
  queue->heap[i] = frame;
  for (; i > 0 && before(queue->heap[i], queue->heap[(i - 1) / 2]); i = (i - 1) / 2)
    swap(queue, i, (i - 1) / 2);
  return frame;
}

struct queued *queue_take(struct queue *queue) {
  if (queue->n == 0)
    return NULL;
  struct queued *frame = queue->heap[0];
  queue->heap[0] = queue->heap[--queue->n];
  for (size_t i = 0;;) {
    size_t least = i;
    for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < queue->n; child++)
      if (before(queue->heap[child], queue->heap[least]))
        least = child;
    if (least == i)
      break;
    swap(queue, i, least);
    i = least;
  }
  queue->bytes -= frame->len;
  return frame;
}

void queue_free(struct queue *queue) {
  for (size_t i = 0; i < queue->n; i++)
    free(queue->heap[i]);
  free(queue->heap);
  *queue = (struct queue){0};
}
