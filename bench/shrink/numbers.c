/* Numbers: down to the least that still does it, and with few digits. */
#include <string.h>

#include "bench/shrink/steps.h"

/* Shorter times are not plainer, nor those between two of these. */
#define MS_NS 1000000

/* Up to two figures that are the same number and change together. */
struct number {
  void *at[2]; /* [1] may be NULL */
  size_t size; /* 4 or 8 bytes, unsigned */
  uint64_t least;
  uint64_t most; /* above 0: it goes up, to this at most */
  uint64_t unit; /* it becomes a whole number of these; 0: of 1 */
};

static uint64_t value_of(const struct number *n) {
  uint32_t small;
  uint64_t big;
  if (n->size == sizeof small) {
    memcpy(&small, n->at[0], sizeof small);
    return small;
  }
  memcpy(&big, n->at[0], sizeof big);
  return big;
}

static void put_value(struct edit *edit, const struct number *n, uint64_t value) {
  const uint32_t small = (uint32_t)value;
  for (size_t i = 0; i < 2 && n->at[i]; i++)
    edit_put(edit, n->at[i], n->size == sizeof small ? (const void *)&small : &value, n->size);
}

/* The largest number of so many digits, and zeros behind, that is not above. */
static uint64_t floor_to(uint64_t value, unsigned digits) {
  uint64_t unit = 1, limit = 1;
  while (digits-- > 0)
    limit *= 10;
  while (value / unit >= limit)
    unit *= 10;
  return value / unit * unit;
}

static uint64_t whole(uint64_t value, uint64_t unit) {
  return unit ? value - value % unit : value;
}

static unsigned digits_of(uint64_t value) {
  unsigned n = 0;
  while (value && value % 10 == 0)
    value /= 10;
  for (; value; value /= 10)
    n++;
  return n;
}

/* Shares of what it is, in 1/64; plainest numbers first. */
static const unsigned shares[] = {1, 4, 8, 16, 32, 48, 58};
#define N_SHARES (sizeof shares / sizeof *shares)

static uint64_t share_of(uint64_t value, size_t i) {
  const uint64_t part = value / 64 * shares[i] + value % 64 * shares[i] / 64;
  return floor_to(part, shares[i] <= 32 ? 1 : 2);
}

/* Each smaller (or, going up, larger) than what it is, the boldest first. */
static struct edits bolder(const struct number *n) {
  struct edits edits = {0};
  const uint64_t now = value_of(n);
  if (n->most) {
    const uint64_t up[] = {n->most, now * 16, now * 4, now * 2, now + now / 4};
    uint64_t last = UINT64_MAX;
    for (size_t i = 0; i < sizeof up / sizeof *up; i++) {
      const uint64_t v = up[i] < n->most ? whole(floor_to(up[i], 2), n->unit) : n->most;
      if (v > now && v < last)
        put_value(edits_add(&edits), n, v);
      last = v < last ? v : last;
    }
    return edits;
  }
  uint64_t last = n->least;
  if (now > n->least)
    put_value(edits_add(&edits), n, n->least);
  for (size_t i = 0; i < N_SHARES; i++) {
    const uint64_t v = whole(share_of(now, i), n->unit);
    if (v <= last || v >= now)
      continue;
    put_value(edits_add(&edits), n, v);
    last = v;
  }
  return edits;
}

/* With fewer digits: one, else two, below and above. */
static struct edits rounder(const struct number *n) {
  struct edits edits = {0};
  const uint64_t now = value_of(n);
  for (unsigned digits = 1; digits <= 2 && digits < digits_of(now); digits++) {
    const uint64_t below = floor_to(now, digits);
    uint64_t step = 1;
    while (floor_to(now, digits) == floor_to(below + step, digits))
      step *= 10;
    if (whole(below, n->unit) >= n->least)
      put_value(edits_add(&edits), n, whole(below, n->unit));
    if (below + step == whole(below + step, n->unit) &&
        (n->size == 8 || below + step <= UINT32_MAX))
      put_value(edits_add(&edits), n, below + step);
  }
  return edits;
}

#define MOST_TURNS 12 /* each takes a tenth at least, if any */

static bool try_one(struct reduction *r, struct edits edits) {
  const bool stays = reduction_first(r, &edits) < edits.n;
  edits_free(&edits);
  return stays;
}

static void move(struct reduction *r, const struct number *n) {
  for (int turn = 0; turn < MOST_TURNS && value_of(n) != n->least && try_one(r, bolder(n)); turn++)
    ;
}

static void round_off(struct reduction *r, const struct number *n) {
  try_one(r, rounder(n));
}

#define NUMBER(field, least_)                                                                      \
  (struct number) {                                                                                \
    .at = {&(field), NULL}, .size = sizeof(field), .least = (least_)                               \
  }

static void lower(struct reduction *r, struct number n) {
  move(r, &n);
  round_off(r, &n);
}

#define TIME(field, least_)                                                                        \
  (struct number) {                                                                                \
    .at = {&(field), NULL}, .size = sizeof(field), .least = (least_), .unit = MS_NS                \
  }

/* Zero is another setting, which steps_plain() has tried. */
static void lower_if_set(struct reduction *r, struct number n) {
  if (value_of(&n))
    lower(r, n);
}

/* A whole number of KiB is plain enough. */
static void only_round(struct reduction *r, struct number n) {
  if (value_of(&n) % 1024)
    round_off(r, &n);
}

/* ---- time --------------------------------------------------------------------------------------- */

/* The whole clock runs faster: the duration and all that has a time. */
static void scale(struct edit *edit, const struct model *m, uint64_t duration_ns) {
  struct plan *plan = m->plan;
  const double by = (double)duration_ns / (double)plan->duration_ns;
  edit_put(edit, &plan->duration_ns, &duration_ns, sizeof duration_ns);
  for (size_t i = 0; i < plan->n_subscriptions; i++) {
    uint64_t *at = &plan->subscriptions[i].at_ns;
    const uint64_t sooner = whole(floor_to((uint64_t)((double)*at * by), 2), MS_NS);
    if (model_has_subscription(m, i) && *at)
      edit_put(edit, at, &sooner, sizeof sooner);
  }
  for (size_t i = 0; i < plan->n_events; i++) {
    uint64_t *at = &plan->events[i].at_ns;
    const uint64_t sooner = whole(floor_to((uint64_t)((double)*at * by), 2), MS_NS);
    if (model_has_event(m, i) && *at)
      edit_put(edit, at, &sooner, sizeof sooner);
  }
}

void steps_duration(struct reduction *r) {
  const struct model *m = reduction_model(r);
  uint64_t *duration_ns = &m->plan->duration_ns;
  bool shorter;
  int turn = 0;
  do {
    struct edits edits = {0};
    const uint64_t least = MS_NS;
    if (*duration_ns > least)
      edit_put(edits_add(&edits), duration_ns, &least, sizeof least);
    for (size_t i = 0; i < N_SHARES; i++) {
      const uint64_t v = whole(share_of(*duration_ns, i), MS_NS);
      if (v < MS_NS || v >= *duration_ns)
        continue;
      edit_put(edits_add(&edits), duration_ns, &v, sizeof v);
      scale(edits_add(&edits), m, v);
    }
    shorter = try_one(r, edits);
  } while (shorter && ++turn < MOST_TURNS);
  only_round(r, TIME(*duration_ns, MS_NS));
}

/* ---- everything else ---------------------------------------------------------------------------- */

static void of_impair(struct reduction *r, struct plan_impair *i) {
  lower_if_set(r, TIME(i->jitter_ns, 0));
  lower_if_set(r, TIME(i->delay_ns, 0));
  lower_if_set(r, NUMBER(i->loss_ppm, 0));
  lower_if_set(r, NUMBER(i->duplicate_ppm, 0));
  lower_if_set(r, NUMBER(i->corrupt_ppm, 0));
  lower_if_set(r, NUMBER(i->reorder_ppm, 0));
  lower_if_set(r, TIME(i->reorder_by_ns, MS_NS));
  only_round(r, NUMBER(i->rate_bps, 1));
  only_round(r, NUMBER(i->queue_bytes, 1));
  if (!i->burst)
    return;
  lower_if_set(r, NUMBER(i->burst_enter_ppm, 1));
  only_round(r, NUMBER(i->burst_leave_ppm, 1));
  lower_if_set(r, NUMBER(i->burst_loss_ppm, 1));
}

static void of_faults(struct reduction *r, struct plan_fault *faults, size_t n) {
  for (size_t i = 0; i < n; i++) {
    struct plan_fault *f = &faults[i];
    lower_if_set(r, NUMBER(f->nth, 1));
    if (f->index_lo <= f->index_hi) {
      lower(r, NUMBER(f->index_hi, f->index_lo));
      struct number lo = NUMBER(f->index_lo, 0);
      if (f->index_lo < f->index_hi) {
        lo.most = f->index_hi;
        move(r, &lo);
      }
    }
    if (f->what == PLAN_FAULT_DELAY)
      lower_if_set(r, TIME(f->by_ns, MS_NS));
  }
}

static void of_track(struct reduction *r, struct plan_track *t, uint64_t duration_ns) {
  if (t->trace_path)
    return;
  struct number size = NUMBER(t->size_min, 1), every = TIME(t->every_ns, 0);
  if (t->size_min == t->size_max) {
    size.at[1] = &t->size_max;
    lower(r, size);
  } else {
    lower(r, NUMBER(t->size_max, t->size_min));
    lower(r, size);
  }
  if (t->every_ns < duration_ns) { /* fewer objects */
    every.most = duration_ns;
    move(r, &every);
    round_off(r, &every);
  }
  if (t->group_objects != 25)
    lower(r, NUMBER(t->group_objects, 1));
  if (t->subgroup == PLAN_SUBGROUP_LAYER)
    lower(r, NUMBER(t->layers, 1));
  lower_if_set(r, NUMBER(t->objects, 1));
}

static void of_event(struct reduction *r, struct plan_event *e) {
  lower(r, TIME(e->at_ns, 0));
  if (e->kind == PLAN_EV_STALL)
    lower_if_set(r, TIME(e->for_ns, MS_NS));
  if (e->kind != PLAN_EV_LINK_SET)
    return;
  of_impair(r, &e->set);
  of_impair(r, &e->set_backward);
}

void steps_numbers(struct reduction *r) {
  const struct model *m = reduction_model(r);
  struct plan *plan = m->plan;
  for (size_t i = 0; i < plan->n_tracks; i++)
    if (model_has_track(m, (int)i))
      of_track(r, &plan->tracks[i], plan->duration_ns);
  for (size_t i = 0; i < plan->n_links; i++) {
    struct plan_link *l = &plan->links[i];
    if (!model_has_link(m, i))
      continue;
    of_impair(r, &l->forward);
    of_impair(r, &l->backward);
    of_faults(r, l->forward_faults, l->n_forward_faults);
    of_faults(r, l->backward_faults, l->n_backward_faults);
  }
  for (size_t i = 0; i < plan->n_subscriptions; i++) {
    struct plan_subscription *s = &plan->subscriptions[i];
    if (!model_has_subscription(m, i))
      continue;
    lower_if_set(r, TIME(s->at_ns, 0));
    lower_if_set(r, TIME(s->delivery_timeout_ns, MS_NS));
  }
  for (size_t i = 0; i < plan->n_events; i++)
    if (model_has_event(m, i))
      of_event(r, &plan->events[i]);
  for (size_t i = 0; i < plan->n_nodes; i++) {
    struct plan_node *node = &plan->nodes[i];
    if (!model_has_node(m, (int)i))
      continue;
    if (node->role == PLAN_RELAY)
      only_round(r, NUMBER(node->cache_bytes, 1));
    else if (node->role != PLAN_ROUTER)
      only_round(r, NUMBER(node->window_bytes, 1));
  }
}
