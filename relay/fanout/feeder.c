#include "relay/fanout/feeder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bpf/abi/keys.h"
#include "relay/quic/keystream.h"

/* Packets a line makes in its turn, so that one does not starve the others. */
#define TURN 16

struct line {
  struct keystream *keystream; /* NULL = at rest */
  struct feeder_line is;
  uint64_t generation, from, until;
  uint64_t made;  /* all below are made, or not worth it any more */
  uint64_t wiped; /* all below are zero or overwritten */
  uint64_t seen;  /* what was next in the step before */
};

struct feeder {
  const struct plane *plane;
  pthread_mutex_t lock;
  pthread_cond_t filled; /* a line has started */
  struct line *lines;    /* [subscribers, then upstreams] */
  uint32_t n_lines;
  uint32_t *at_work; /* indices of lines */
  uint32_t n_at_work, turn;
  uint64_t n_made;
};

struct feeder *feeder_new(const struct plane *plane) {
  struct feeder *f = calloc(1, sizeof *f);
  if (!f)
    return NULL;
  f->plane = plane;
  f->n_lines = plane->max_subscribers + FB_MAX_UPSTREAMS;
  f->lines = calloc(f->n_lines, sizeof *f->lines);
  f->at_work = calloc(f->n_lines, sizeof *f->at_work);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&f->filled, &attr);
  pthread_condattr_destroy(&attr);
  /* the one who starts a line may have a higher priority than the one who steps */
  pthread_mutexattr_t inherit;
  pthread_mutexattr_init(&inherit);
  pthread_mutexattr_setprotocol(&inherit, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&f->lock, &inherit);
  pthread_mutexattr_destroy(&inherit);
  if (f->lines && f->at_work)
    return f;
  feeder_free(f);
  return NULL;
}

/* ---- one keystream -------------------------------------------------------------------- */

static uint32_t ring_of(const struct feeder *f, const struct line *l) {
  return l->is.up ? f->plane->keystreams_up : f->plane->keystreams_down;
}

/* Elements that are left alone behind the next number: packets that are being opened or sealed,
 * and up those that come late. */
static uint32_t margin_of(const struct feeder *f, const struct line *l) {
  const uint32_t ring = ring_of(f, l);
  return ring / 4 < 16 ? ring / 4 : 16;
}

static struct fb_keystream *element(const struct feeder *f, const struct line *l, uint64_t pn) {
  const struct plane *p = f->plane;
  const uint32_t at = l->is.up ? fb_keystream_up(p->max_subscribers, p->keystreams_down,
                                                 p->keystreams_up, l->is.slot, pn)
                               : fb_keystream_down(p->keystreams_down, l->is.slot, pn);
  return &p->keystreams[at];
}

/* From here on no reader finds it; one that has begun sees the other tag behind. */
static void untag(const struct feeder *f, struct fb_keystream *e) {
  plane_store(f->plane, &e->tag, 0);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void make(const struct feeder *f, const struct line *l, uint64_t pn) {
  struct fb_keystream *e = element(f, l, pn);
  untag(f, e);
  plane_write_begin(f->plane, e, sizeof *e);
  keystream_make(l->keystream, pn, e->once, e->bytes, sizeof e->bytes);
  plane_wrote(f->plane, e, sizeof *e);
  plane_store(f->plane, &e->tag, fb_keystream_tag(l->generation, pn));
}

static void wipe(const struct feeder *f, struct fb_keystream *e) {
  untag(f, e);
  plane_wipe(f->plane, e->once, sizeof e->once);
  plane_wipe(f->plane, e->bytes, sizeof e->bytes);
}

/* ---- a line ------------------------------------------------------------------------------ */

static uint64_t next_of(const struct feeder *f, const struct line *l) {
  return plane_load(f->plane, l->is.up ? &f->plane->upstream_state[l->is.slot].expected
                                       : &f->plane->counters[l->is.slot].next_pn);
}

/* Nothing was taken since the step before, so whoever used these is done. */
static void wipe_used(const struct feeder *f, struct line *l, uint64_t next) {
  const uint64_t ring = ring_of(f, l);
  if (l->wiped + ring < next)
    l->wiped = next - ring;
  for (; l->wiped < next; l->wiped++) {
    struct fb_keystream *e = element(f, l, l->wiped);
    if (plane_load(f->plane, &e->tag) == fb_keystream_tag(l->generation, l->wiped))
      wipe(f, e);
  }
}

static uint32_t step_line(const struct feeder *f, struct line *l, uint32_t most) {
  const uint64_t next = next_of(f, l), ring = ring_of(f, l), margin = margin_of(f, l);
  uint64_t end = next + ring - margin;
  uint32_t n = 0;
  if (l->made < next)
    l->made = next;
  if (l->made < l->from)
    l->made = l->from;
  if (end > l->until)
    end = l->until;
  if (end > FB_KEYSTREAM_NUMBERS)
    end = FB_KEYSTREAM_NUMBERS;
  for (; l->made < end && n < most; l->made++, n++)
    make(f, l, l->made);
  if (n == 0 && l->seen == next)
    wipe_used(f, l, next);
  l->seen = next;
  return n;
}

static void rest(struct feeder *f, struct line *l) {
  if (!l->keystream)
    return;
  const uint32_t ring = ring_of(f, l);
  for (uint32_t i = 0; i < ring; i++)
    wipe(f, element(f, l, i));
  keystream_free(l->keystream);
  l->keystream = NULL;
  const uint32_t me = (uint32_t)(l - f->lines);
  uint32_t i = 0;
  while (f->at_work[i] != me)
    i++;
  f->at_work[i] = f->at_work[--f->n_at_work];
}

static struct line *find(const struct feeder *f, struct feeder_line which) {
  return &f->lines[which.up ? f->plane->max_subscribers + which.slot : which.slot];
}

bool feeder_start(struct feeder *f, struct feeder_line which, const struct protect_keys *keys,
                  uint64_t generation, uint64_t from, uint64_t until) {
  struct line *l = find(f, which);
  struct keystream *keystream = keystream_new(keys);
  pthread_mutex_lock(&f->lock);
  rest(f, l);
  if (keystream && (which.up ? f->plane->keystreams_up : f->plane->keystreams_down)) {
    *l = (struct line){.keystream = keystream,
                       .is = which,
                       .generation = generation,
                       .from = from,
                       .until = until,
                       .made = from,
                       .wiped = from};
    f->at_work[f->n_at_work++] = (uint32_t)(l - f->lines);
    pthread_cond_signal(&f->filled);
  } else {
    keystream_free(keystream);
  }
  pthread_mutex_unlock(&f->lock);
  return keystream != NULL;
}

void feeder_stop(struct feeder *f, struct feeder_line which) {
  pthread_mutex_lock(&f->lock);
  rest(f, find(f, which));
  pthread_mutex_unlock(&f->lock);
}

/* ---- all ----------------------------------------------------------------------------------- */

uint32_t feeder_step(struct feeder *f, uint32_t most) {
  uint32_t n = 0;
  pthread_mutex_lock(&f->lock);
  for (uint32_t i = 0; i < f->n_at_work && n < most; i++) {
    if (f->turn >= f->n_at_work)
      f->turn = 0;
    const uint32_t left = most - n;
    n += step_line(f, &f->lines[f->at_work[f->turn++]], left < TURN ? left : TURN);
  }
  f->n_made += n;
  pthread_mutex_unlock(&f->lock);
  return n;
}

void feeder_wait(struct feeder *f, uint64_t wait_ns) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  wait_ns += (uint64_t)until.tv_nsec;
  until.tv_sec += (time_t)(wait_ns / 1000000000);
  until.tv_nsec = (long)(wait_ns % 1000000000);
  pthread_mutex_lock(&f->lock);
  if (f->n_at_work == 0)
    pthread_cond_timedwait(&f->filled, &f->lock, &until);
  pthread_mutex_unlock(&f->lock);
}

struct feeder_sums feeder_sums(struct feeder *f) {
  pthread_mutex_lock(&f->lock);
  const struct feeder_sums sums = {.made = f->n_made, .lines = f->n_at_work};
  pthread_mutex_unlock(&f->lock);
  return sums;
}

void feeder_free(struct feeder *f) {
  if (!f)
    return;
  while (f->n_at_work)
    rest(f, &f->lines[f->at_work[0]]);
  pthread_cond_destroy(&f->filled);
  pthread_mutex_destroy(&f->lock);
  free(f->at_work);
  free(f->lines);
  free(f);
}
