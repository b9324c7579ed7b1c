#include "pcap-tools/read/merge.h"

#include <stdlib.h>

#include "pcap-tools/read/memory.h"

struct source {
  struct qp_capture *capture;
  struct qp_frame frame;
  bool ready;
  uint64_t frames;
  char *damage;
};

struct qp_merge {
  struct source *sources;
  size_t n;
  uint32_t *heap; /* sources that have a frame, the earliest on top */
  size_t n_heap;
  bool given; /* the frame of the one on top is in the caller's hands */
};

static void advance(struct source *s) {
  char err[512];
  int got = qp_capture_next(s->capture, &s->frame, err, sizeof err);
  s->ready = got == 1;
  if (s->ready)
    s->frames++;
  if (got < 0)
    s->damage = qp_copy_text(err);
}

/* Of frames of one time that of the first file goes first. */
static bool before(const struct qp_merge *m, uint32_t a, uint32_t b) {
  const uint64_t ta = m->sources[a].frame.time_ns, tb = m->sources[b].frame.time_ns;
  return ta != tb ? ta < tb : a < b;
}

static void sink(struct qp_merge *m, size_t at) {
  const uint32_t moved = m->heap[at];
  for (size_t child; (child = 2 * at + 1) < m->n_heap; at = child) {
    if (child + 1 < m->n_heap && before(m, m->heap[child + 1], m->heap[child]))
      child++;
    if (!before(m, m->heap[child], moved))
      break;
    m->heap[at] = m->heap[child];
  }
  m->heap[at] = moved;
}

static void make_heap(struct qp_merge *m) {
  for (size_t i = 0; i < m->n; i++)
    if (m->sources[i].ready)
      m->heap[m->n_heap++] = (uint32_t)i;
  for (size_t i = m->n_heap / 2; i-- > 0;)
    sink(m, i);
}

struct qp_merge *qp_merge_open(const char *const *paths, size_t n, qp_secrets_fn *secrets,
                               void *arg) {
  struct qp_merge *m = qp_alloc(1, sizeof *m);
  m->sources = qp_alloc(n, sizeof *m->sources);
  m->heap = qp_alloc(n, sizeof *m->heap);
  m->n = n;
  for (size_t i = 0; i < n; i++) {
    char err[512];
    if (!qp_capture_open(paths[i], (uint32_t)i, secrets, arg, &m->sources[i].capture, err,
                         sizeof err))
      advance(&m->sources[i]);
    else
      m->sources[i].damage = qp_copy_text(err);
  }
  make_heap(m);
  return m;
}

bool qp_merge_opened(const struct qp_merge *m, size_t i) {
  return m->sources[i].capture != NULL;
}

const struct qp_frame *qp_merge_next(struct qp_merge *m) {
  if (m->given) {
    struct source *s = &m->sources[m->heap[0]];
    advance(s);
    if (!s->ready)
      m->heap[0] = m->heap[--m->n_heap];
    if (m->n_heap)
      sink(m, 0);
  }
  m->given = m->n_heap > 0;
  return m->given ? &m->sources[m->heap[0]].frame : NULL;
}

const char *qp_merge_damage(const struct qp_merge *m, size_t i) {
  return m->sources[i].damage;
}

uint64_t qp_merge_frames(const struct qp_merge *m, size_t i) {
  return m->sources[i].frames;
}

const struct qp_blocks *qp_merge_blocks(const struct qp_merge *m, size_t i) {
  return m->sources[i].capture ? qp_capture_blocks(m->sources[i].capture) : NULL;
}

void qp_merge_close(struct qp_merge *m) {
  if (!m)
    return;
  for (size_t i = 0; i < m->n; i++) {
    qp_capture_close(m->sources[i].capture);
    free(m->sources[i].damage);
  }
  free(m->sources);
  free(m->heap);
  free(m);
}
