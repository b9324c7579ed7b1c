#include "bench/peer/publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peer/lateness.h"
#include "bench/peer/source.h"
#include "relay/moqt/object.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HEADERS_MAX (MOQT_SUBGROUP_HEADER_MAX + MOQT_OBJECT_HEADER_MAX)
/* A start told later than this is told to a publisher that the timeline brought
 * back in the middle: it goes on where its source is by now. An earlier one is
 * merely slow, and what that costs shows as lateness. */
#define START_GRACE_NS UINT64_C(500000000)

/* A subgroup that is not finished. */
struct open_stream {
  int64_t sid;
  uint64_t group, subgroup;
  uint64_t previous; /* object */
  bool stopped;      /* by the peer: the rest of the subgroup is left out */
};

struct pub_track {
  const struct plan_track *plan;
  struct source source;
  uint64_t alias;
  uint64_t next;    /* number of the next object */
  uint64_t base_ns; /* when object 0 is due; a file's moves while it waits */
  bool blocked;     /* waits for a stream */

  int64_t req; /* of the subscription; -1: none */
  bool forward;
  struct moqt_location_range range;
  uint64_t streams; /* opened for the subscription */
  bool has_largest;
  struct moqt_location largest;
  struct open_stream *open;
  size_t n_open, room_open;
};

struct publisher {
  const struct plan *plan;
  const struct plan_node *node;
  const struct journal *journal;
  struct publisher_owner owner;
  struct pub_track *tracks;
  size_t n_tracks;

  struct qc *conn;
  struct moqt_session *session;
  int64_t namespace_req;
  uint64_t now_ns, t0_ns;
  bool started, done;

  uint64_t objects, unsent;
  struct lateness late;
  uint8_t *scratch;
  size_t scratch_room;
};

/* ---- life --------------------------------------------------------------------------- */

static int init_track(struct publisher *pub, struct pub_track *track, size_t index) {
  const uint8_t *file = NULL;
  size_t len = 0;
  track->plan = &pub->plan->tracks[index];
  track->alias = index; /* one byte on the wire for the first 128 */
  track->req = -1;
  if (track->plan->file) {
    file = pub->owner.file(pub->owner.arg, track->plan, &len);
    if (!file)
      return -1;
  }
  return source_init(&track->source, pub->plan, track->plan, file, len);
}

struct publisher *publisher_new(const struct plan *plan, int node, const struct journal *journal,
                                const struct publisher_owner *owner) {
  struct publisher *pub = calloc(1, sizeof *pub);
  if (!pub)
    return NULL;
  pub->plan = plan;
  pub->node = &plan->nodes[node];
  pub->journal = journal;
  pub->owner = *owner;
  pub->namespace_req = -1;
  pub->tracks = calloc(plan->n_tracks + 1, sizeof *pub->tracks);
  bool ok = pub->tracks != NULL;
  for (size_t i = 0; ok && i < plan->n_tracks; i++)
    if (plan->tracks[i].from == node)
      ok = init_track(pub, &pub->tracks[pub->n_tracks++], i) == 0;
  if (ok)
    return pub;
  publisher_free(pub);
  return NULL;
}

void publisher_free(struct publisher *pub) {
  if (!pub)
    return;
  for (size_t i = 0; i < pub->n_tracks; i++) {
    source_free(&pub->tracks[i].source);
    free(pub->tracks[i].open);
  }
  free(pub->tracks);
  free(pub->scratch);
  free(pub);
}

static void forget_subscription(struct pub_track *track) {
  track->req = -1;
  track->n_open = 0;
  track->streams = 0;
  track->blocked = false;
}

void publisher_attach(struct publisher *pub, struct qc *conn, struct moqt_session *session) {
  pub->conn = conn;
  pub->session = session;
}

void publisher_detach(struct publisher *pub) {
  pub->conn = NULL;
  pub->session = NULL;
  pub->namespace_req = -1;
  for (size_t i = 0; i < pub->n_tracks; i++)
    forget_subscription(&pub->tracks[i]);
}

void publisher_clock(struct publisher *pub, uint64_t now_ns) {
  pub->now_ns = now_ns;
}

uint64_t publisher_objects(const struct publisher *pub) {
  return pub->objects;
}

bool publisher_is_done(const struct publisher *pub) {
  return pub->done;
}

/* ---- where a track stands --------------------------------------------------------------- */

static bool is_active(const struct pub_track *track) {
  return track->req >= 0 && track->forward;
}

static uint64_t due_of(const struct pub_track *track, uint64_t n) {
  struct source_object object;
  source_get(&track->source, n, &object);
  return track->base_ns + object.due_ns;
}

/* A subscription begins or goes on. What came due without one was never
 * published; the next group is the first that is. */
static void resume(struct publisher *pub, struct pub_track *track) {
  const struct source *source = &track->source;
  if (!pub->started)
    return;
  if (track->plan->file) {
    track->next = source_group_start(source, track->next);
    if (track->next < source->count && due_of(track, track->next) < pub->now_ns)
      track->base_ns += pub->now_ns - due_of(track, track->next);
    return;
  }
  const uint64_t since = pub->now_ns > track->base_ns ? pub->now_ns - track->base_ns : 0;
  const uint64_t live = source_due_from(source, since);
  track->next = source_group_start(source, live > track->next ? live : track->next);
}

void publisher_start(struct publisher *pub, uint64_t t0_ns) {
  if (pub->started)
    return;
  pub->started = true;
  pub->t0_ns = t0_ns;
  for (size_t i = 0; i < pub->n_tracks; i++) {
    pub->tracks[i].base_ns = t0_ns;
    if (pub->now_ns > t0_ns + START_GRACE_NS && is_active(&pub->tracks[i]))
      resume(pub, &pub->tracks[i]);
  }
}

/* Resets what is open: the subscription ends or pauses in the middle. */
static void cut_streams(struct publisher *pub, struct pub_track *track) {
  for (size_t i = 0; i < track->n_open; i++)
    qc_stream_reset(pub->conn, track->open[i].sid, MOQT_RESET_CANCELLED);
  track->n_open = 0;
}

static struct open_stream *find_open(struct pub_track *track, const struct source_object *object) {
  for (size_t i = 0; i < track->n_open; i++)
    if (track->open[i].group == object->group && track->open[i].subgroup == object->subgroup)
      return &track->open[i];
  return NULL;
}

void publisher_stopped(struct publisher *pub, int64_t sid) {
  for (size_t t = 0; t < pub->n_tracks; t++)
    for (size_t i = 0; i < pub->tracks[t].n_open; i++)
      if (pub->tracks[t].open[i].sid == sid)
        pub->tracks[t].open[i].stopped = true;
}

/* ---- one object ---------------------------------------------------------------------------- */

static uint8_t *scratch(struct publisher *pub, size_t len) {
  if (len > pub->scratch_room) {
    uint8_t *grown = realloc(pub->scratch, len);
    if (!grown)
      return NULL;
    pub->scratch = grown;
    pub->scratch_room = len;
  }
  return pub->scratch;
}

/* Payload at scratch + HEADERS_MAX, so that headers of any length fit before. */
static uint8_t *fill(struct publisher *pub, const struct pub_track *track,
                     const struct source_object *object) {
  uint8_t *buf = scratch(pub, HEADERS_MAX + (size_t)object->size);
  if (!buf) {
    pub->owner.failed(pub->owner.arg, "no memory for an object");
    return NULL;
  }
  source_fill(&track->source, object, buf + HEADERS_MAX);
  return buf + HEADERS_MAX;
}

static void note(struct publisher *pub, struct pub_track *track,
                 const struct source_object *object, const uint8_t *payload) {
  const uint64_t due = track->base_ns + object->due_ns;
  const struct journal_object line = {
      .track = track->plan->name,
      .group = object->group,
      .object = object->object,
      .has_subgroup = track->plan->as == PLAN_SUBGROUPS,
      .subgroup = object->subgroup,
      .size = object->size,
      .hash = XXH64(payload, object->size, 0),
      .priority = object->priority,
  };
  journal_published(pub->journal, pub->now_ns, &line);
  lateness_add(&pub->late, pub->now_ns > due ? pub->now_ns - due : 0);
  pub->objects++;
  track->has_largest = true;
  track->largest = (struct moqt_location){.group = object->group, .object = object->object};
}

static void send_datagram(struct publisher *pub, struct pub_track *track,
                          const struct source_object *object) {
  const struct moqt_datagram header = {
      .alias = track->alias,
      .group = object->group,
      .object = object->object,
      .end_of_group = object->group_last,
      .has_priority = true,
      .priority = object->priority,
  };
  uint8_t bytes[MOQT_DATAGRAM_HEADER_MAX];
  const size_t len = moqt_datagram_write(bytes, &header);
  uint8_t *payload = fill(pub, track, object);
  if (!payload)
    return;
  memcpy(payload - len, bytes, len);
  if (qc_datagram_send(pub->conn, payload - len, len + object->size) == 0) {
    note(pub, track, object, payload);
    return;
  }
  pub->unsent++;
  journal_unsent(pub->journal, pub->now_ns,
                 &(struct journal_object){.track = track->plan->name,
                                          .group = object->group,
                                          .object = object->object,
                                          .size = object->size},
                 "too big for a datagram of this connection");
}

static struct open_stream *add_open(struct pub_track *track) {
  if (track->n_open == track->room_open) {
    const size_t room = track->room_open ? 2 * track->room_open : 8;
    struct open_stream *grown = realloc(track->open, room * sizeof *grown);
    if (!grown)
      return NULL;
    track->open = grown;
    track->room_open = room;
  }
  return &track->open[track->n_open++];
}

/* Opens the subgroup's stream; NULL with track->blocked if none can be opened
 * now. */
static struct open_stream *open_subgroup(struct publisher *pub, struct pub_track *track,
                                         const struct source_object *object) {
  struct open_stream *stream = add_open(track);
  if (!stream) {
    pub->owner.failed(pub->owner.arg, "no memory for a stream");
    return NULL;
  }
  *stream = (struct open_stream){.sid = qc_open_uni(pub->conn),
                                 .group = object->group,
                                 .subgroup = object->subgroup};
  if (stream->sid < 0) {
    track->n_open--;
    track->blocked = true;
    return NULL;
  }
  track->streams++;
  /* MoQT 6.1: more important first. Datagrams go before all of them. */
  qc_stream_priority(pub->conn, stream->sid, 1u + object->priority);
  return stream;
}

static size_t write_headers(const struct pub_track *track, const struct open_stream *stream,
                            const struct source_object *object, bool fresh, uint8_t *buf) {
  size_t len = 0;
  if (fresh)
    len = moqt_subgroup_write(
        buf, &(struct moqt_subgroup){
                 .alias = track->alias,
                 .group = object->group,
                 .subgroup = object->subgroup,
                 .subgroup_by_object =
                     track->plan->subgroup == PLAN_SUBGROUP_OBJECT && object->subgroup != 0,
                 .first_object = object->subgroup_first,
                 .end_of_group = object->subgroup_has_end,
                 .has_priority = true,
                 .priority = object->priority,
             });
  return len + moqt_object_write(buf + len, object->object, fresh ? NULL : &stream->previous,
                                 object->size);
}

/* False: it waits for a stream. */
static bool send_on_stream(struct publisher *pub, struct pub_track *track,
                           const struct source_object *object) {
  struct open_stream *stream = find_open(track, object);
  const bool fresh = stream == NULL;
  uint8_t bytes[HEADERS_MAX];
  if (fresh && !(stream = open_subgroup(pub, track, object)))
    return false;
  if (!stream->stopped) {
    const size_t len = write_headers(track, stream, object, fresh, bytes);
    uint8_t *payload = fill(pub, track, object);
    if (!payload)
      return false;
    memcpy(payload - len, bytes, len);
    if (qc_stream_send(pub->conn, stream->sid, payload - len, len + object->size,
                       object->subgroup_last) == 0)
      note(pub, track, object, payload);
    else
      stream->stopped = true;
    stream->previous = object->object;
  }
  if (object->subgroup_last)
    *stream = track->open[--track->n_open];
  return true;
}

/* ---- on schedule ------------------------------------------------------------------------------ */

static void step(struct publisher *pub, struct pub_track *track) {
  struct source_object object;
  source_get(&track->source, track->next, &object);
  const struct moqt_location at = {.group = object.group, .object = object.object};
  if (!moqt_location_in(&track->range, at))
    track->next++; /* the subscription does not want it */
  else if (track->plan->as == PLAN_DATAGRAMS) {
    send_datagram(pub, track, &object);
    track->next++;
  } else if (send_on_stream(pub, track, &object))
    track->next++;
}

static struct pub_track *most_due(struct publisher *pub) {
  struct pub_track *first = NULL;
  uint64_t first_due = 0;
  for (size_t i = 0; i < pub->n_tracks; i++) {
    struct pub_track *track = &pub->tracks[i];
    if (!is_active(track) || track->blocked || track->next >= track->source.count)
      continue;
    const uint64_t due = due_of(track, track->next);
    if (due <= pub->now_ns && (!first || due < first_due)) {
      first = track;
      first_due = due;
    }
  }
  return first;
}

static uint64_t over_ns(const struct publisher *pub) {
  return pub->t0_ns + pub->plan->duration_ns;
}

/* Nothing more of this track will come. */
static bool is_over(const struct publisher *pub, const struct pub_track *track) {
  if (track->next >= track->source.count || pub->now_ns >= over_ns(pub) + pub->plan->drain_ns)
    return true;
  return !is_active(track) && pub->now_ns >= over_ns(pub);
}

static void finish_track(struct publisher *pub, struct pub_track *track) {
  cut_streams(pub, track); /* empty unless time ran out */
  moqt_publish_done(pub->session, track->req, MOQT_DONE_TRACK_ENDED, track->streams, "");
  forget_subscription(track);
}

static void finish(struct publisher *pub) {
  struct publisher_report report = {
      .objects = pub->objects,
      .planned = pub->objects + pub->unsent,
      .late_p99_ns = lateness_quantile(&pub->late, 990),
      .late_max_ns = pub->late.max_ns,
  };
  for (size_t i = 0; i < pub->n_tracks; i++)
    if (is_active(&pub->tracks[i]))
      report.planned += pub->tracks[i].source.count - pub->tracks[i].next;
  for (size_t i = 0; i < pub->n_tracks; i++)
    if (pub->tracks[i].req >= 0)
      finish_track(pub, &pub->tracks[i]);
  pub->done = true;
  pub->owner.published(pub->owner.arg, &report);
}

void publisher_run(struct publisher *pub) {
  struct pub_track *track;
  if (!pub->conn || qc_is_closed(pub->conn) || !pub->started || pub->done)
    return;
  for (size_t i = 0; i < pub->n_tracks; i++)
    pub->tracks[i].blocked = false;
  if (pub->now_ns < over_ns(pub) + pub->plan->drain_ns)
    while ((track = most_due(pub)))
      step(pub, track);
  for (size_t i = 0; i < pub->n_tracks; i++)
    if (!is_over(pub, &pub->tracks[i]))
      return;
  if (qc_unacked(pub->conn) == 0)
    finish(pub);
}

uint64_t publisher_deadline(const struct publisher *pub) {
  uint64_t next = UINT64_MAX;
  if (!pub->conn || qc_is_closed(pub->conn) || !pub->started || pub->done)
    return next;
  for (size_t i = 0; i < pub->n_tracks; i++) {
    const struct pub_track *track = &pub->tracks[i];
    uint64_t at = over_ns(pub) + pub->plan->drain_ns;
    if (is_over(pub, track))
      continue; /* acknowledgements come in, not up */
    if (!is_active(track))
      at = over_ns(pub);
    else if (!track->blocked && due_of(track, track->next) < at)
      at = due_of(track, track->next);
    if (at < next)
      next = at;
  }
  return next;
}

/* ---- what the session tells ----------------------------------------------------------------------- */

static struct pub_track *track_of(struct publisher *pub, int64_t req) {
  for (size_t i = 0; i < pub->n_tracks; i++)
    if (pub->tracks[i].req == req)
      return &pub->tracks[i];
  return NULL;
}

static void on_setup(void *app, const struct moqt_setup *peer) {
  struct publisher *pub = app;
  struct moqt_name name;
  (void)peer;
  moqt_name_set(&name, pub->node->name, NULL);
  pub->namespace_req = moqt_publish_namespace(pub->session, &name);
  if (pub->namespace_req < 0)
    pub->owner.failed(pub->owner.arg, "the relay allows no stream for PUBLISH_NAMESPACE");
}

static void on_accepted(void *app, int64_t req) {
  struct publisher *pub = app;
  if (req == pub->namespace_req)
    pub->owner.announced(pub->owner.arg);
}

static void on_refused(void *app, int64_t req, uint64_t code, uint64_t retry_ms,
                       const char *reason) {
  struct publisher *pub = app;
  char text[256];
  (void)retry_ms;
  if (req != pub->namespace_req)
    return;
  snprintf(text, sizeof text, "PUBLISH_NAMESPACE was refused with 0x%llx: %s",
           (unsigned long long)code, reason);
  pub->owner.failed(pub->owner.arg, text);
}

static struct pub_track *find_track(struct publisher *pub, const struct moqt_name *name) {
  for (size_t i = 0; i < pub->n_tracks; i++) {
    struct moqt_name own;
    moqt_name_set(&own, pub->node->name, pub->tracks[i].plan->name);
    if (moqt_name_equal(name, &own))
      return &pub->tracks[i];
  }
  return NULL;
}

/* What this publisher does not do it says. */
static const char *unsupported(const struct moqt_params *params) {
  if ((params->has & MOQT_HAS_OBJECT_TIMEOUT) && params->object_timeout_ms)
    return "this publisher drops nothing: no delivery timeouts";
  if ((params->has & MOQT_HAS_SUBGROUP_TIMEOUT) && params->subgroup_timeout_ms)
    return "this publisher drops nothing: no delivery timeouts";
  if (params->has & MOQT_HAS_PRIORITY_FILTER)
    return "this publisher has no range filters";
  return NULL;
}

static bool set_range(struct pub_track *track, const struct moqt_params *params) {
  return moqt_location_resolve(&params->location, track->has_largest ? &track->largest : NULL,
                               &track->range);
}

static void on_subscribe(void *app, int64_t req, const struct moqt_name *name,
                         const struct moqt_params *params) {
  struct publisher *pub = app;
  struct pub_track *track = find_track(pub, name);
  struct moqt_params answer;
  const char *why;
  if (!track)
    moqt_refuse(pub->session, req, MOQT_REQ_DOES_NOT_EXIST, UINT64_MAX, "no such track");
  else if (params->refuse_code)
    moqt_refuse(pub->session, req, params->refuse_code, UINT64_MAX, params->refuse_reason);
  else if ((why = unsupported(params)))
    moqt_refuse(pub->session, req, MOQT_REQ_NOT_SUPPORTED, UINT64_MAX, why);
  else if (track->req >= 0)
    moqt_refuse(pub->session, req, MOQT_REQ_NOT_SUPPORTED, UINT64_MAX,
                "one subscription to a track in one session");
  else if (!set_range(track, params))
    moqt_refuse(pub->session, req, MOQT_REQ_INVALID_RANGE, UINT64_MAX, "range overflows");
  else {
    moqt_params_init(&answer);
    if (track->has_largest) {
      answer.has = MOQT_HAS_LARGEST;
      answer.largest = track->largest;
    }
    if (moqt_subscribe_accept(pub->session, req, track->alias, &answer, (struct moqt_bytes){0}))
      return;
    track->req = req;
    track->forward = params->forward;
    if (pub->done)
      finish_track(pub, track);
    else if (track->forward)
      resume(pub, track);
  }
}

static void on_update(void *app, int64_t req, const struct moqt_params *changed) {
  struct publisher *pub = app;
  struct pub_track *track = track_of(pub, req);
  const char *why = unsupported(changed);
  if (!track)
    return;
  if (changed->refuse_code || why) {
    moqt_update_refuse(pub->session, req,
                       changed->refuse_code ? changed->refuse_code : MOQT_REQ_NOT_SUPPORTED,
                       changed->refuse_code ? changed->refuse_reason : why);
    return;
  }
  if ((changed->has & MOQT_HAS_LOCATION_FILTER) && !set_range(track, changed)) {
    moqt_update_refuse(pub->session, req, MOQT_REQ_INVALID_RANGE, "range overflows");
    return;
  }
  const bool forward = changed->has & MOQT_HAS_FORWARD ? changed->forward : track->forward;
  if (!forward || (changed->has & MOQT_HAS_LOCATION_FILTER))
    cut_streams(pub, track);
  const bool again = forward && (!track->forward || (changed->has & MOQT_HAS_LOCATION_FILTER));
  track->forward = forward;
  if (again)
    resume(pub, track);
  moqt_update_ok(pub->session, req, track->has_largest ? &track->largest : NULL);
}

static void on_ended(void *app, int64_t req, enum moqt_end why) {
  struct publisher *pub = app;
  struct pub_track *track = track_of(pub, req);
  if (!track)
    return;
  cut_streams(pub, track);
  if (why == MOQT_END_UPDATE_FAILED)
    moqt_publish_done(pub->session, req, MOQT_DONE_UPDATE_FAILED, track->streams, "");
  forget_subscription(track);
}

static void on_done(void *app, int64_t req, uint64_t status, uint64_t streams,
                    const char *reason) {
  struct publisher *pub = app;
  (void)status;
  (void)streams;
  (void)reason;
  if (req != pub->namespace_req)
    return;
  pub->namespace_req = -1;
  pub->owner.failed(pub->owner.arg, "the relay no longer accepts this publisher's namespace");
}

const struct moqt_events publisher_events = {
    .setup = on_setup,
    .subscribe = on_subscribe,
    .update = on_update,
    .ended = on_ended,
    .accepted = on_accepted,
    .refused = on_refused,
    .done = on_done,
};
