#include "pcap-tools/track/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/read/memory.h"

static uint32_t index_of(struct qp_tracks *t, const struct qp_moq_message *m) {
  for (size_t i = 0; i < t->n; i++)
    if (t->items[i].full_len == m->full_name_len &&
        !memcmp(t->items[i].full, m->full_name, m->full_name_len))
      return (uint32_t)i;
  qp_grow((void **)&t->items, &t->room, t->n + 1, sizeof *t->items);
  struct qp_track *track = &t->items[t->n];
  track->full = qp_alloc(m->full_name_len, 1);
  track->full_len = m->full_name_len;
  memcpy(track->full, m->full_name, m->full_name_len);
  track->name = qp_text("%.*s", (int)m->name_len, (const char *)m->name);
  return (uint32_t)t->n++;
}

void qp_tracks_clear(struct qp_tracks *t) {
  for (size_t i = 0; i < t->n; i++)
    free(t->items[i].full), free(t->items[i].name);
  free(t->items);
  memset(t, 0, sizeof *t);
}

static struct qp_request *add_request(struct qp_conn *c, unsigned side, uint64_t stream,
                                      const struct qp_moq_message *m) {
  qp_grow((void **)&c->requests, &c->requests_room, c->n_requests + 1, sizeof *c->requests);
  struct qp_request *r = &c->requests[c->n_requests];
  *r = (struct qp_request){.stream = stream,
                           .side = (uint8_t)side,
                           .type = m->type,
                           .track = QP_MAP_NONE,
                           .default_priority = 128};
  qp_map_set(&c->request_of, stream, (uint32_t)c->n_requests++);
  return r;
}

/* A filter state: the former one changed by what the message holds. */
static void add_filter(struct qp_request *r, const struct qp_moq_params *p, struct qp_place place) {
  qp_grow((void **)&r->filters, &r->filters_room, r->n_filters + 1, sizeof *r->filters);
  struct qp_filter *f = &r->filters[r->n_filters];
  if (r->n_filters)
    *f = r->filters[r->n_filters - 1];
  else
    *f = (struct qp_filter){
        .forward = true, .location_fields = QP_NO_LOCATION, .subscriber_priority = 128};
  r->n_filters++;
  f->asked = place;
  f->answered = (struct qp_place){0};
  f->refused = false;
  if (p->has_forward)
    f->forward = p->forward != 0;
  if (p->has_location) {
    f->location_fields = p->location_fields ? p->location_fields : QP_NO_LOCATION;
    memcpy(f->location, p->location, sizeof f->location);
  }
  if (p->has_priority) {
    f->n_priority = p->n_priority;
    memcpy(f->priority, p->priority, sizeof f->priority);
  }
  if (p->has_subscriber_priority)
    f->subscriber_priority = p->subscriber_priority;
  if (p->has_object_timeout)
    f->object_timeout_ms = p->object_timeout_ms;
  if (p->has_subgroup_timeout)
    f->subgroup_timeout_ms = p->subgroup_timeout_ms;
}

static void end_request(struct qp_request *r, struct qp_place place) {
  if (!r->ended.frame)
    r->ended = place;
}

/* The first message of a request stream. */
static void ask(struct qp_conn *c, struct qp_tracks *tracks, unsigned side, uint64_t stream,
                const struct qp_moq_message *m, struct qp_place place) {
  struct qp_request *r = add_request(c, side, stream, m);
  if (m->type == QP_M_SUBSCRIBE || m->type == QP_M_PUBLISH || m->type == QP_M_FETCH ||
      m->type == QP_M_TRACK_STATUS)
    r->track = index_of(tracks, m);
  if (m->type != QP_M_SUBSCRIBE)
    return;
  add_filter(r, &m->params, place);
  r->order_asked = m->params.has_order;
  r->descending = m->params.has_order && m->params.order == 2;
}

static void accept_request(struct qp_request *r, const struct qp_moq_message *m,
                           struct qp_place place) {
  r->ok = true;
  r->answered = place;
  r->alias = m->alias;
  r->has_largest = m->params.has_largest;
  r->largest = m->params.largest;
  r->default_priority = m->default_priority;
  if (!r->order_asked)
    r->descending = m->default_order == 2;
  if (r->n_filters)
    r->filters[0].answered = place;
}

/* Updates are answered in their order. */
static void answer_update(struct qp_request *r, bool refused, struct qp_place place) {
  for (size_t i = 1; i < r->n_filters; i++) {
    struct qp_filter *f = &r->filters[i];
    if (f->answered.frame)
      continue;
    f->answered = place;
    f->refused = refused;
    return;
  }
}

static void answer(struct qp_request *r, const struct qp_moq_message *m, struct qp_place place) {
  switch (m->type) {
  case QP_M_SUBSCRIBE_OK:
    accept_request(r, m, place);
    break;
  case QP_M_REQUEST_OK:
    if (r->answered.frame)
      answer_update(r, false, place);
    else
      accept_request(r, m, place);
    break;
  case QP_M_REQUEST_ERROR:
    if (r->answered.frame) {
      answer_update(r, true, place);
      break;
    }
    r->error = true;
    r->code = m->code;
    r->answered = place;
    end_request(r, place);
    break;
  case QP_M_PUBLISH_DONE:
    r->done = true;
    r->done_status = m->code;
    r->done_streams = m->streams;
    end_request(r, place);
    break;
  default:
    break;
  }
}

void qp_session_message(struct qp_conn *c, struct qp_tracks *tracks, unsigned side, uint64_t stream,
                        const struct qp_moq_message *m, struct qp_place place) {
  struct qp_request *r = qp_conn_request(c, stream);
  if (!r) {
    if (side == qp_stream_opener(stream))
      ask(c, tracks, side, stream, m, place);
    return;
  }
  if (side != r->side)
    answer(r, m, place);
  else if (m->type == QP_M_REQUEST_UPDATE && r->n_filters)
    add_filter(r, &m->params, place);
}

void qp_session_cancel(struct qp_conn *c, unsigned side, uint64_t stream, struct qp_place place) {
  (void)side; /* whoever gives up the stream ends the request */
  struct qp_request *r = qp_conn_request(c, stream);
  if (r)
    end_request(r, place);
}

struct qp_request *qp_session_alias(const struct qp_conn *c, unsigned asker, uint64_t alias,
                                    uint64_t time_ns) {
  struct qp_request *best = NULL;
  for (size_t i = 0; i < c->n_requests; i++) {
    struct qp_request *r = &c->requests[i];
    if (r->type != QP_M_SUBSCRIBE || r->side != asker || !r->ok || r->alias != alias)
      continue;
    if (!best || r->answered.time_ns <= time_ns)
      best = r;
  }
  return best;
}

bool qp_filter_admits(const struct qp_filter *f, int priority) {
  for (unsigned i = 0; i < f->n_priority; i++)
    if ((uint64_t)priority >= f->priority[i].lo && (uint64_t)priority <= f->priority[i].hi)
      return true;
  return f->n_priority == 0;
}

bool qp_request_times_out(const struct qp_request *r) {
  for (size_t i = 0; i < r->n_filters; i++)
    if (r->filters[i].object_timeout_ms || r->filters[i].subgroup_timeout_ms)
      return true;
  return false;
}

struct qp_location qp_request_start(const struct qp_request *r) {
  struct qp_location none = {0, 0};
  const struct qp_filter *f = r->n_filters ? &r->filters[0] : NULL;
  /* without a filter, and with {0,0}: what follows the largest object */
  struct qp_location next = {r->largest.group, r->largest.object + 1};
  if (!f || f->location_fields == QP_NO_LOCATION)
    return r->has_largest ? next : none;
  if (f->location_fields == 1) {
    uint64_t n = f->location[0], group = r->has_largest ? r->largest.group + 1 : 0;
    struct qp_location start = {group > n ? group - n : 0, 0};
    /* what is past is not brought back */
    if (n && r->has_largest && start.group <= r->largest.group)
      return next;
    return start;
  }
  struct qp_location start = {f->location[0], f->location[1]};
  bool past = r->has_largest && (start.group < next.group ||
                                 (start.group == next.group && start.object < next.object));
  return past ? next : start;
}

bool qp_filter_past_end(const struct qp_filter *f, struct qp_location at) {
  if (f->location_fields < 3 || f->location_fields == QP_NO_LOCATION)
    return false;
  uint64_t end = f->location[0] + f->location[2];
  if (at.group != end)
    return at.group > end;
  return f->location_fields == 4 && at.object > f->location[3];
}
