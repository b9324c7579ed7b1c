/* What the session tells a publisher: its announcement, subscriptions to its
 * tracks. */
#include <stdio.h>

#include "bench/peer/publisher_state.h"

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
      publisher_finish_track(pub, track);
    else if (track->forward)
      publisher_resume(pub, track);
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
    publisher_cut(pub, track);
  const bool again = forward && (!track->forward || (changed->has & MOQT_HAS_LOCATION_FILTER));
  track->forward = forward;
  if (again)
    publisher_resume(pub, track);
  moqt_update_ok(pub->session, req, track->has_largest ? &track->largest : NULL);
}

static void on_ended(void *app, int64_t req, enum moqt_end why) {
  struct publisher *pub = app;
  struct pub_track *track = track_of(pub, req);
  if (!track)
    return;
  publisher_cut(pub, track);
  if (why == MOQT_END_UPDATE_FAILED)
    moqt_publish_done(pub->session, req, MOQT_DONE_UPDATE_FAILED, track->streams, "");
  publisher_forget(track);
}

static void on_done(void *app, int64_t req, uint64_t status, uint64_t streams, const char *reason) {
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
