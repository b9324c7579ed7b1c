/* What a link does to packets: impairments and faults of the file -> plan. */
#include "bench/scenario/limits.h"
#include "bench/scenario/impairs.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/take.h"
#include "bench/scenario/unit.h"
#include "bench/scenario/words.h"

#include <stdlib.h>
#include <string.h>

/* How far a packet is put back when a file only says that it is: some packets
 * of a fast link, and less than any loss timer. */
#define DEFAULT_BY_NS 3000000

static bool is_off(const struct plan_tree *tree) {
  return tree->kind == PLAN_TREE_SCALAR && strcmp(tree->text, "off") == 0;
}

static bool read_burst(struct plan_error *err, const struct plan_tree *at, struct plan_impair *to) {
  struct plan_take from = {err, at};
  if (is_off(at)) {
    to->burst = false;
    to->burst_enter_ppm = to->burst_leave_ppm = to->burst_loss_ppm = 0;
    return true;
  }
  if (at->kind == PLAN_TREE_SCALAR)
    return plan_refuse(err, at,
                       "expected { enter: 1%%, leave: 30%%, loss: 100%% } or off, found %s",
                       *at->text ? plan_quote(at->text).text : "nothing");
  to->burst = true;
  to->burst_loss_ppm = 1000000;
  return plan_take_must(from, "enter", "chance of a packet to begin a burst") &&
         plan_take_must(from, "leave", "chance of a packet to end it") &&
         plan_take_share(from, "enter", &to->burst_enter_ppm) &&
         plan_take_share(from, "leave", &to->burst_leave_ppm) &&
         plan_take_share(from, "loss", &to->burst_loss_ppm);
}

static bool read_reorder(struct plan_error *err, const struct plan_tree *map,
                         struct plan_impair *to) {
  const struct plan_tree *at = plan_tree_get(map, "reorder");
  if (!at)
    return true;
  struct plan_take whole = {err, map}, from = {err, at};
  bool ok = at->kind == PLAN_TREE_SCALAR ? plan_take_share(whole, "reorder", &to->reorder_ppm)
                                         : plan_take_must(from, "share", "how many packets") &&
                                               plan_take_share(from, "share", &to->reorder_ppm);
  if (!ok)
    return false;
  to->reorder_by_ns = to->reorder_ppm ? DEFAULT_BY_NS : 0;
  return at->kind == PLAN_TREE_SCALAR ||
         plan_take_time(from, "by", 0, PLAN_MAX_DELAY_NS, &to->reorder_by_ns);
}

static bool read_impair(struct plan_error *err, const struct plan_tree *map,
                        struct plan_impair *to) {
  struct plan_take from = {err, map};
  const struct plan_tree *burst = plan_tree_get(map, "burst");
  return plan_take_time(from, "delay", 0, PLAN_MAX_DELAY_NS, &to->delay_ns) &&
         plan_take_time(from, "jitter", 0, PLAN_MAX_DELAY_NS, &to->jitter_ns) &&
         plan_take_share(from, "loss", &to->loss_ppm) &&
         plan_take_share(from, "duplicate", &to->duplicate_ppm) &&
         plan_take_share(from, "corrupt", &to->corrupt_ppm) &&
         plan_take_rate(from, "rate", &to->rate_bps) &&
         plan_take_size(from, "queue", 0, PLAN_MAX_QUEUE_BYTES, &to->queue_bytes) &&
         (!burst || read_burst(err, burst, to)) && read_reorder(err, map, to);
}

/* A packet varied by more than its delay would arrive before it was sent. */
static bool check(struct plan_error *err, const struct plan_tree *map,
                  const struct plan_impair *impair) {
  if (impair->jitter_ns <= impair->delay_ns)
    return true;
  const struct plan_tree *at = plan_tree_get(map, "jitter");
  return plan_refuse(err, at ? at : map, "expected a jitter of at most the delay, %s, found %s",
                     plan_unit_time_text(impair->delay_ns).text,
                     plan_unit_time_text(impair->jitter_ns).text);
}

bool plan_impairs_read(struct plan_error *err, const struct plan_tree *map, bool swap,
                       struct plan_impair *forward, struct plan_impair *backward) {
  struct plan_impair *named_forward = swap ? backward : forward;
  struct plan_impair *named_backward = swap ? forward : backward;
  const struct plan_tree *one = plan_tree_get(map, "forward");
  const struct plan_tree *other = plan_tree_get(map, "backward");
  return read_impair(err, map, forward) && read_impair(err, map, backward) &&
         (!one || read_impair(err, one, named_forward)) &&
         (!other || read_impair(err, other, named_backward)) &&
         check(err, one ? one : map, named_forward) &&
         check(err, other ? other : map, named_backward);
}

bool plan_impair_is_plain(const struct plan_impair *impair) {
  return !(impair->delay_ns || impair->jitter_ns || impair->loss_ppm || impair->duplicate_ppm ||
           impair->corrupt_ppm || impair->reorder_ppm || impair->reorder_by_ns ||
           impair->rate_bps || impair->queue_bytes || impair->burst);
}

bool plan_impair_equal(const struct plan_impair *a, const struct plan_impair *b) {
  return a->delay_ns == b->delay_ns && a->jitter_ns == b->jitter_ns && a->loss_ppm == b->loss_ppm &&
         a->duplicate_ppm == b->duplicate_ppm && a->corrupt_ppm == b->corrupt_ppm &&
         a->reorder_ppm == b->reorder_ppm && a->reorder_by_ns == b->reorder_by_ns &&
         a->rate_bps == b->rate_bps && a->queue_bytes == b->queue_bytes && a->burst == b->burst &&
         a->burst_enter_ppm == b->burst_enter_ppm && a->burst_leave_ppm == b->burst_leave_ppm &&
         a->burst_loss_ppm == b->burst_loss_ppm;
}

static bool read_fault(struct plan_error *err, const struct plan_tree *map,
                       struct plan_fault *fault) {
  struct plan_take from = {err, map};
  const struct plan_tree *index = plan_tree_get(map, "index");
  int what = 0, frame = -1;
  *fault = (struct plan_fault){.index_lo = 1, .index_hi = 0};
  if (!plan_take_must(from, "do", "drop, duplicate, corrupt or delay") ||
      !plan_take_word(from, "do", plan_words_fault, &what) ||
      !plan_take_word(from, "frame", plan_words_frame, &frame) ||
      !plan_take_count(from, "nth", 1, PLAN_MAX_VARINT, &fault->nth))
    return false;
  fault->what = (enum plan_fault_do)what;
  if (frame < 0 && !index)
    return plan_refuse(err, map,
                       "expected 'frame' or 'index' (which packets the fault hits), found neither");
  if (frame < 0 && !plan_take_not(from, "nth", "it counts packets with a 'frame'; use 'index'"))
    return false;
  if (index && !plan_take_not(from, "nth", "'index' already names the packets"))
    return false;
  if (index) {
    const char *expected =
        plan_unit_range(index->text, plan_unit_count, &fault->index_lo, &fault->index_hi);
    if (expected)
      return plan_refuse(err, index, "expected %s, found %s", expected,
                         plan_quote(index->text).text);
  }
  if (fault->what != PLAN_FAULT_DELAY)
    return plan_take_not(from, "by", "only 'do: delay' has it");
  fault->by_ns = DEFAULT_BY_NS;
  if (!plan_take_time(from, "by", 1, PLAN_MAX_DELAY_NS, &fault->by_ns))
    return false;
  return true;
}

bool plan_faults_read(struct plan_error *err, const struct plan_tree *list,
                      struct plan_fault **faults, size_t *n) {
  if (list->n > PLAN_MAX_FAULTS)
    return plan_refuse(err, list->items[PLAN_MAX_FAULTS],
                       "expected at most %d faults in one direction, found %zu", PLAN_MAX_FAULTS,
                       list->n);
  for (size_t i = 0; i < list->n; i++) {
    struct plan_fault fault;
    if (!read_fault(err, list->items[i], &fault))
      return false;
    const struct plan_tree *frame = plan_tree_get(list->items[i], "frame");
    fault.frame = frame ? plan_copy_text(frame->text) : NULL;
    *faults = plan_grow(*faults, *n, sizeof **faults);
    (*faults)[(*n)++] = fault;
  }
  return true;
}

struct plan_fault *plan_faults_copy(const struct plan_fault *faults, size_t n) {
  if (!n)
    return NULL;
  struct plan_fault *copy = plan_copy_bytes(faults, n * sizeof *faults);
  for (size_t i = 0; i < n; i++)
    copy[i].frame = faults[i].frame ? plan_copy_text(faults[i].frame) : NULL;
  return copy;
}

bool plan_faults_equal(const struct plan_fault *a, size_t n_a, const struct plan_fault *b,
                       size_t n_b) {
  bool same = n_a == n_b;
  for (size_t i = 0; i < n_a && same; i++) {
    bool same_frame =
        a[i].frame && b[i].frame ? strcmp(a[i].frame, b[i].frame) == 0 : a[i].frame == b[i].frame;
    same = same_frame && a[i].what == b[i].what && a[i].nth == b[i].nth &&
           a[i].index_lo == b[i].index_lo && a[i].index_hi == b[i].index_hi &&
           a[i].by_ns == b[i].by_ns;
  }
  return same;
}

void plan_faults_free(struct plan_fault *faults, size_t n) {
  for (size_t i = 0; i < n; i++)
    free(faults[i].frame);
  free(faults);
}
