#include "bench/peer/peer_control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <jansson.h>

/* ---- in -------------------------------------------------------------------------------- */

static uint64_t number(const json_t *object, const char *key) {
  const json_int_t value = json_integer_value(json_object_get(object, key));
  return value > 0 ? (uint64_t)value : 0;
}

static bool is_text(const json_t *object, const char *key, const char *text) {
  const char *value = json_string_value(json_object_get(object, key));
  return value && strcmp(value, text) == 0;
}

static bool find_event(const json_t *object, enum plan_event_kind *kind) {
  for (int i = PLAN_EV_LINK_SET; i <= PLAN_EV_UNSUBSCRIBE; i++)
    if (is_text(object, "kind", plan_event_name((enum plan_event_kind)i))) {
      *kind = (enum plan_event_kind)i;
      return true;
    }
  return false;
}

static const char *read_tracks(const struct plan *plan, const json_t *list,
                               struct peer_control_message *out) {
  size_t i;
  const json_t *item;
  json_array_foreach(list, i, item) {
    const char *name = json_string_value(item);
    const int track = name ? plan_track_find(plan, name) : -1;
    if (track < 0)
      return "expected `tracks` to name tracks of the plan";
    if (i == PEER_CONTROL_TRACKS)
      return "expected at most 256 `tracks`";
    out->tracks[i] = track;
    out->command.n_tracks = i + 1;
  }
  return NULL;
}

static const char *read_event(const struct plan *plan, const json_t *object,
                              struct peer_control_message *out) {
  const json_t *value = json_object_get(object, "value");
  out->command.what = PEER_DO_EVENT;
  if (!find_event(object, &out->command.event))
    return "expected `kind` to be an event of the timeline";
  out->command.same_port = json_is_true(json_object_get(object, "same_port"));
  out->command.priority_limit = -1;
  if (json_is_integer(value)) {
    const json_int_t limit = json_integer_value(value);
    if (limit < 0 || limit > 255)
      return "expected `value` to be a priority, 0 to 255, or null";
    out->command.priority_limit = (int)limit;
  }
  return read_tracks(plan, json_object_get(object, "tracks"), out);
}

static const char *read_command(const struct plan *plan, const json_t *object,
                                struct peer_control_message *out) {
  if (is_text(object, "do", "start")) {
    out->command.what = PEER_DO_START;
    out->command.t0_ns = number(object, "t0");
    out->command.again = number(object, "again") != 0;
    return out->command.t0_ns ? NULL : "expected `t0`, a monotonic time in ns";
  }
  if (is_text(object, "do", "event"))
    return read_event(plan, object, out);
  out->command.what = PEER_DO_POLL;
  if (is_text(object, "do", "poll"))
    return NULL;
  out->command.what = PEER_DO_STOP;
  if (is_text(object, "do", "stop"))
    return NULL;
  return "expected `do` to be start, poll, stop or event";
}

int peer_control_parse(const struct plan *plan, const char *text, size_t len,
                       struct peer_control_message *out, const char **why) {
  json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
  memset(out, 0, sizeof *out);
  out->command.tracks = out->tracks;
  *why = json_is_object(object) ? read_command(plan, object, out) : "expected a JSON object";
  json_decref(object);
  return *why ? -1 : 0;
}

/* ---- out ----------------------------------------------------------------------------------- */

static void send_message(int fd, json_t *message) {
  char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
  json_decref(message);
  if (!text || fd < 0) {
    free(text);
    return;
  }
  while (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 && errno == EINTR)
    ;
  free(text);
}

void peer_control_ready(int fd) {
  send_message(fd, json_pack("{s:s}", "ev", "ready"));
}

static json_t *pack(const struct peer_event *e) {
  switch (e->kind) {
  case PEER_ANNOUNCED:
    return json_pack("{s:s}", "ev", "announced");
  case PEER_PUBLISHED:
    return json_pack("{s:s, s:I, s:I, s:I, s:I}", "ev", "published", "objects",
                     (json_int_t)e->objects, "planned", (json_int_t)e->planned, "late_p99_ns",
                     (json_int_t)e->late_p99_ns, "late_max_ns", (json_int_t)e->late_max_ns);
  case PEER_ANSWERED:
    return json_pack("{s:s, s:I, s:I}", "ev", "answered", "ok", (json_int_t)e->ok, "refused",
                     (json_int_t)e->refused);
  case PEER_STATE:
    return json_pack("{s:s, s:I, s:I}", "ev", "state", "objects", (json_int_t)e->objects,
                     "last_rx_ns", (json_int_t)e->last_rx_ns);
  case PEER_DID:
    return json_pack("{s:s, s:s, s:b}", "ev", "did", "kind", plan_event_name(e->command), "ok",
                     (int)e->done);
  case PEER_FAILED:
    /* Reasons of a peer stand in it: they need not be UTF-8. */
    return json_pack("{s:s, s:o}", "ev", "error", "text",
                     json_stringn_nocheck(e->text, strlen(e->text)));
  case PEER_BYE:
    return json_pack("{s:s}", "ev", "bye");
  }
  return NULL;
}

void peer_control_tell(int fd, const struct peer_event *event) {
  send_message(fd, pack(event));
}
