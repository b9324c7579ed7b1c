/* delivery-order: under a backlog objects leave a relay in MoQT order (section 6.1 of
 * the MoQT reference): the subscription with the lower subscriber priority number
 * first; then the lower publisher priority number; within one subscription the group
 * order that was asked for, in a group datagrams before subgroups, then the lower
 * subgroup or object ID. Between subscriptions of equal priorities the order is free.
 *
 * Only where the capture shows a backlog: an object that leaves is held against every
 * other of its connection that had reached the relay whole and had not begun to leave,
 * although the relay's user space had run TURN_NS since (check/awake.h: reading, and
 * what it had begun). What a relay on datapath stock hands to its QUIC library can no longer be
 * overtaken there; section 6.1 says to keep that little, and it has a turn as well: what did not
 * leave with the packet it was for it can take back.
 * What is judged is where an object begins; an object that has begun may be finished. One that
 * was read only when a hole in front of it was filled had begun before: it is not looked at.
 *
 * Vantage: the relay's interfaces, both sides.
 *
 * Excused: an object that flow control stopped (no stream, MAX_STREAM_DATA, MAX_DATA) at
 * that moment, or until the relay's user space, which reads the limits, had run TURN_NS less;
 * what a delivery timeout or a reset took away (it does not leave); a subscriber priority
 * changed within CHANGE_NS.
 *
 * Source: draft-ietf-moq-transport-20, Priorities. */
#include <stdlib.h>

#include "pcap-tools/check/awake.h"
#include "pcap-tools/check/credit.h"
#include "pcap-tools/check/fanout.h"

#define TURN_NS   25000000u
#define CHANGE_NS 1000000000u

/* An object on its way through a relay. */
struct item {
  const struct qp_due *due;
  uint64_t arrived, left;
  uint64_t group; /* as it counts for the order */
};

/* Waiting objects of one subscription, the first to send on top. */
struct heap {
  const struct item **items;
  size_t n, room;
};

struct delivery_order {
  struct qp_per_conn credits; /* struct qp_credit: what may leave towards a subscriber */
  struct qp_awake awake;
  struct item *items;
  size_t n, room;
};

/* ---- while packets pass ------------------------------------------------------ */

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct qp_judged *self = arg;
  struct delivery_order *state = self->state;
  (void)effect;
  /* Who asks a relay is its client. On a plain link one capture shows both ends. */
  bool leaves = s->side == QP_SERVER && (s->views & QP_SENT);
  bool comes = s->side == QP_CLIENT && (s->views & QP_REACHED);
  if (!self->evidence->manifest || (!leaves && !comes) || s->space != QP_SPACE_APP)
    return;
  struct qp_credit *c = qp_per_conn(&state->credits, s->conn, sizeof *c);
  if (!qp_credit_begin(c, s->conn, QP_SERVER))
    return;
  if (leaves && f->kind == QP_F_STREAM)
    qp_credit_sent(c, s->conn, QP_SERVER, f->stream.id, f->stream.offset + f->stream.len,
                   s->place.time_ns);
  else if (leaves && (f->kind == QP_F_RESET_STREAM || f->kind == QP_F_RESET_STREAM_AT))
    qp_credit_sent(c, s->conn, QP_SERVER, f->reset.id, f->reset.final_size, s->place.time_ns);
  else if (comes)
    qp_credit_allowed(c, s->conn, QP_SERVER, f, s->place.time_ns);
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct delivery_order *state = self->state;
  if (!self->evidence->manifest || !s->opened)
    return;
  qp_awake_packet(&state->awake, self->evidence, s);
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
  w->frame = frame;
  w->kinds = QP_KIND(QP_F_STREAM) | QP_KIND(QP_F_RESET_STREAM) | QP_KIND(QP_F_RESET_STREAM_AT) |
             QP_KIND(QP_F_MAX_DATA) | QP_KIND(QP_F_MAX_STREAM_DATA) | QP_KIND(QP_F_MAX_STREAMS_UNI);
}

/* ---- the order ---------------------------------------------------------------- */

static unsigned subscriber_priority(const struct qp_request *r, uint64_t t) {
  unsigned priority = r->filters[0].subscriber_priority;
  for (size_t i = 1; i < r->n_filters; i++)
    if (!r->filters[i].refused && r->filters[i].asked.time_ns <= t)
      priority = r->filters[i].subscriber_priority;
  return priority;
}

static bool changed_lately(const struct qp_request *r, uint64_t t) {
  uint64_t before = t > CHANGE_NS ? t - CHANGE_NS : 0;
  return subscriber_priority(r, before) != subscriber_priority(r, t);
}

/* Within one subscription: negative if a goes first. */
static int compare(const struct item *a, const struct item *b) {
  const struct qp_object *x = a->due->in, *y = b->due->in;
  if (a->due->in_priority != b->due->in_priority)
    return a->due->in_priority < b->due->in_priority ? -1 : 1;
  if (a->group != b->group)
    return a->group < b->group ? -1 : 1;
  if (x->datagram != y->datagram)
    return x->datagram ? -1 : 1;
  if (!x->datagram && x->subgroup != y->subgroup)
    return x->subgroup < y->subgroup ? -1 : 1;
  return x->object < y->object ? -1 : x->object > y->object;
}

/* Must the waiting one have gone before the one that leaves? */
static bool goes_first(const struct item *waiting, const struct item *leaving) {
  const struct qp_request *a = waiting->due->request, *b = leaving->due->request;
  uint64_t t = leaving->left;
  if (a == b)
    return compare(waiting, leaving) < 0;
  if (changed_lately(a, t) || changed_lately(b, t))
    return false;
  unsigned x = subscriber_priority(a, t), y = subscriber_priority(b, t);
  return x != y ? x < y : waiting->due->in_priority < leaving->due->in_priority;
}

/* ---- the heap ------------------------------------------------------------------ */

static void swap(const struct item **a, const struct item **b) {
  const struct item *other = *a;
  *a = *b;
  *b = other;
}

static void push(struct heap *h, const struct item *item) {
  qp_grow((void **)&h->items, &h->room, h->n + 1, sizeof *h->items);
  size_t i = h->n++;
  h->items[i] = item;
  for (; i && compare(h->items[i], h->items[(i - 1) / 2]) < 0; i = (i - 1) / 2)
    swap(&h->items[i], &h->items[(i - 1) / 2]);
}

static void pop(struct heap *h) {
  size_t i = 0;
  h->items[0] = h->items[--h->n];
  for (;;) {
    size_t least = i, left = 2 * i + 1, right = left + 1;
    if (left < h->n && compare(h->items[left], h->items[least]) < 0)
      least = left;
    if (right < h->n && compare(h->items[right], h->items[least]) < 0)
      least = right;
    if (least == i)
      return;
    swap(&h->items[i], &h->items[least]);
    i = least;
  }
}

/* ---- judging ------------------------------------------------------------------- */

/* It was stopped at that time, or the relay has had no turn since. */
static bool stopped_by(const struct qp_credit *c, const struct qp_awake_clock *clock, uint64_t what,
                       uint64_t time_ns) {
  uint64_t since = qp_credit_free_since(c, what, time_ns);
  if (since == 0 || since == UINT64_MAX)
    return since != 0;
  return qp_awake_back_at(clock, time_ns) <= qp_awake_back_at(clock, since) + TURN_NS;
}

/* Flow control let nothing of it out when the other one left. */
static bool stopped(const struct delivery_order *state, const struct qp_awake_clock *clock,
                    const struct item *waiting, const struct item *leaving) {
  const struct qp_credit *c = qp_per_conn_peek(&state->credits, waiting->due->conn);
  const struct qp_half *h = waiting->due->out->half;
  const struct qp_half *other = leaving->due->out->half;
  uint64_t t = leaving->left;
  if (!h || !c) /* datagrams need none */
    return false;
  if ((!other || leaving->due->out->in_hole) && stopped_by(c, clock, QP_CREDIT_DATA, t))
    return true; /* the other one needs no credit: a datagram, or below what its stream has used */
  bool opens = h->opened.time_ns > t, other_opens = other && other->opened.time_ns == t;
  if (opens)
    return !other_opens && stopped_by(c, clock, QP_CREDIT_STREAMS, t);
  return stopped_by(c, clock, h->id, t);
}

static void report(struct qp_judged *self, const struct item *waiting, const struct item *leaving) {
  const struct qp_evidence *e = self->evidence;
  char flow[QP_FLOW_TEXT];
  char *first = qp_object_text(e, waiting->due), *then = qp_object_text(e, leaving->due);
  qp_describe(
      self, leaving->due->out->first,
      (struct qp_words){
          .layer = "moqt",
          .field = "object",
          .expected = qp_text("%s, priority %d, which had waited for %llu ms", first,
                              waiting->due->in_priority,
                              (unsigned long long)((leaving->left - waiting->arrived) / 1000000)),
          .actual = qp_text("%s, priority %d", then, leaving->due->in_priority),
          .explain = qp_text("%s: what waits does not leave in MoQT order",
                             qp_flow(e, leaving->due->conn, QP_SERVER, flow)),
      });
  free(first), free(then);
}

/* The first of a subscription's waiting objects that is still there and not stopped. */
static const struct item *top(const struct delivery_order *state,
                              const struct qp_awake_clock *clock, struct heap *h,
                              const struct item *leaving) {
  while (h->n &&
         (h->items[0]->left <= leaving->left || stopped(state, clock, h->items[0], leaving)))
    pop(h);
  return h->n ? h->items[0] : NULL;
}

/* Has it been there so long that it must be next? */
static bool waits_at(const struct qp_awake_clock *clock, const struct item *item,
                     uint64_t time_ns) {
  return qp_awake_back_at(clock, item->arrived) + TURN_NS < qp_awake_back_at(clock, time_ns);
}

static void judge_leaving(struct qp_judged *self, const struct qp_awake_clock *clock,
                          struct heap *heaps, size_t n, const struct item *leaving) {
  bool backlog = false;
  const struct item *first = NULL;
  for (size_t i = 0; i < n; i++) {
    const struct item *waiting = top(self->state, clock, &heaps[i], leaving);
    backlog |= waiting != NULL;
    if (waiting && !first && goes_first(waiting, leaving))
      first = waiting;
  }
  self->out->examined += backlog;
  if (first && qp_found(self))
    report(self, first, leaving);
}

static int by_arrival(const void *a, const void *b) {
  const struct item *x = *(const struct item *const *)a, *y = *(const struct item *const *)b;
  return x->arrived < y->arrived ? -1 : x->arrived > y->arrived;
}

/* All objects of one connection, in the order in which they left. */
static void judge_conn(struct qp_judged *self, const struct item *items, size_t n) {
  struct delivery_order *state = self->state;
  const struct qp_conn *c = items->due->conn;
  const struct qp_awake_clock *clock = qp_awake_clock(&state->awake, self->evidence, c, QP_SERVER);
  const struct item **coming = qp_alloc(n, sizeof *coming);
  struct heap *heaps = qp_alloc(c->n_requests, sizeof *heaps);
  for (size_t i = 0; i < n; i++)
    coming[i] = &items[i];
  qsort(coming, n, sizeof *coming, by_arrival);
  for (size_t i = 0, next = 0; i < n; i++) {
    for (; next < n && waits_at(clock, coming[next], items[i].left); next++)
      push(&heaps[coming[next]->due->request - c->requests], coming[next]);
    judge_leaving(self, clock, heaps, c->n_requests, &items[i]);
  }
  for (size_t i = 0; i < c->n_requests; i++)
    free(heaps[i].items);
  free(heaps);
  free(coming);
}

static int by_leaving(const void *a, const void *b) {
  const struct item *x = a, *y = b;
  if (x->due->conn != y->due->conn)
    return x->due->conn->index < y->due->conn->index ? -1 : 1;
  return x->left < y->left ? -1 : x->left > y->left;
}

static void gather(struct delivery_order *state, const struct qp_fanout *fanout) {
  for (size_t i = 0; i < fanout->n; i++) {
    const struct qp_due *d = &fanout->due[i];
    if (!d->out || d->copies != 1 || d->out->behind_hole || !d->request->n_filters)
      continue;
    qp_grow((void **)&state->items, &state->room, state->n + 1, sizeof *state->items);
    state->items[state->n++] =
        (struct item){.due = d,
                      .arrived = d->in->last.time_ns,
                      .left = d->out->first.time_ns,
                      .group = d->request->descending ? UINT64_MAX - d->in->group : d->in->group};
  }
}

static void finish(struct qp_judged *self) {
  struct delivery_order *state = self->state;
  gather(state, self->evidence->fanout);
  if (state->n)
    qsort(state->items, state->n, sizeof *state->items, by_leaving);
  for (size_t i = 0, end; i < state->n; i = end) {
    for (end = i; end < state->n && state->items[end].due->conn == state->items[i].due->conn;)
      end++;
    judge_conn(self, &state->items[i], end - i);
  }
}

static void drop(void *item) {
  qp_credit_clear(item);
}

static void clear(struct qp_judged *self) {
  struct delivery_order *state = self->state;
  qp_per_conn_clear(&state->credits, drop);
  qp_awake_clear(&state->awake);
  free(state->items);
}

const struct qp_check qp_check_delivery_order = {
    .info = {"delivery-order", "media", "Under a backlog objects leave in MoQT order.", true},
    .state = sizeof(struct delivery_order),
    .needs_run = true,
    .watch = watch,
    .finish = finish,
    .clear = clear,
};
