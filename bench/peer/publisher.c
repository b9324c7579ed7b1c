#include <stdlib.h>
#include <string.h>

#include "bench/peer/publisher_state.h"
#include "relay/moqt/object.h"

#include <xxhash.h>

#define HEADERS_MAX (MOQT_SUBGROUP_HEADER_MAX + MOQT_OBJECT_HEADER_MAX)

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

void publisher_forget(struct pub_track *track) {
  track->req = -1;
  track->n_open = 0;
  track->streams = 0;
  track->blocked = false;
  track->held_ns = 0;
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
    publisher_forget(&pub->tracks[i]);
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

/* What came due without a subscription was never published; the next group is
 * the first that is. */
void publisher_resume(struct publisher *pub, struct pub_track *track) {
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

void publisher_start(struct publisher *pub, uint64_t t0_ns, bool again) {
  if (pub->started)
    return;
  pub->started = true;
  pub->t0_ns = t0_ns;
  for (size_t i = 0; i < pub->n_tracks; i++) {
    pub->tracks[i].base_ns = t0_ns;
    if (again && pub->now_ns > t0_ns && is_active(&pub->tracks[i]))
      publisher_resume(pub, &pub->tracks[i]);
  }
}

void publisher_cut(struct publisher *pub, struct pub_track *track) {
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

/* MAX_STREAMS keeps it: that is the way of the load, no lateness of this process. */
static void hold(const struct publisher *pub, struct pub_track *track) {
  track->blocked = true;
  if (track->held_ns == 0)
    track->held_ns = pub->now_ns;
}

static void note(struct publisher *pub, struct pub_track *track, const struct source_object *object,
                 const uint8_t *payload) {
  const uint64_t due = track->base_ns + object->due_ns;
  uint64_t ready = pub->now_ns; /* it would have left then */
  if (track->held_ns)
    ready = due > track->held_ns ? due : track->held_ns;
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
  journal_published(pub->journal, pub->now_ns, pub->now_ns - ready, &line);
  lateness_add(&pub->late, ready > due ? ready - due : 0);
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
  *stream = (struct open_stream){
      .sid = qc_open_uni(pub->conn), .group = object->group, .subgroup = object->subgroup};
  if (stream->sid < 0) {
    track->n_open--;
    hold(pub, track);
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

void publisher_finish_track(struct publisher *pub, struct pub_track *track) {
  publisher_cut(pub, track); /* empty unless time ran out */
  moqt_publish_done(pub->session, track->req, MOQT_DONE_TRACK_ENDED, track->streams, "");
  publisher_forget(track);
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
      publisher_finish_track(pub, &pub->tracks[i]);
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
    if (!pub->tracks[i].blocked)
      pub->tracks[i].held_ns = 0; /* all that was due has left */
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
