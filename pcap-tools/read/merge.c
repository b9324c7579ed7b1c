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
  struct source *given; /* its frame is in the caller's hands */
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

struct qp_merge *qp_merge_open(const char *const *paths, size_t n, qp_secrets_fn *secrets,
                               void *arg) {
  struct qp_merge *m = qp_alloc(1, sizeof *m);
  m->sources = qp_alloc(n, sizeof *m->sources);
  m->n = n;
  for (size_t i = 0; i < n; i++) {
    char err[512];
    if (!qp_capture_open(paths[i], (uint32_t)i, secrets, arg, &m->sources[i].capture, err,
                         sizeof err))
      advance(&m->sources[i]);
    else
      m->sources[i].damage = qp_copy_text(err);
  }
  return m;
}

bool qp_merge_opened(const struct qp_merge *m, size_t i) {
  return m->sources[i].capture != NULL;
}

const struct qp_frame *qp_merge_next(struct qp_merge *m) {
  if (m->given)
    advance(m->given);
  m->given = NULL;
  for (size_t i = 0; i < m->n; i++) {
    struct source *s = &m->sources[i];
    if (s->ready && (!m->given || s->frame.time_ns < m->given->frame.time_ns))
      m->given = s;
  }
  return m->given ? &m->given->frame : NULL;
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
  free(m);
}
