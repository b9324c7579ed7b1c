#include "relay/host/control.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_BYTES 4096

static void send_object(int fd, json_t *object) {
  if (fd < 0 || !object) {
    json_decref(object);
    return;
  }
  char *text = json_dumps(object, JSON_COMPACT);
  if (text)
    send(fd, text, strlen(text), MSG_NOSIGNAL);
  free(text);
  json_decref(object);
}

enum control_what control_read(int fd) {
  char text[MESSAGE_BYTES];
  ssize_t n = recv(fd, text, sizeof text, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return CONTROL_NOTHING;
  if (n <= 0)
    return CONTROL_STOP; /* the runner is gone */
  json_t *object = json_loadb(text, (size_t)n, 0, NULL);
  const char *what = json_string_value(json_object_get(object, "do"));
  enum control_what result = CONTROL_UNKNOWN;
  if (what && strcmp(what, "poll") == 0)
    result = CONTROL_POLL;
  if (what && strcmp(what, "stop") == 0)
    result = CONTROL_STOP;
  const char *kind = json_string_value(json_object_get(object, "kind"));
  if (what && kind && strcmp(what, "event") == 0) {
    if (strcmp(kind, "die") == 0)
      result = CONTROL_DIE;
    if (strcmp(kind, "vanish") == 0)
      result = CONTROL_VANISH;
    if (strcmp(kind, "update-key") == 0)
      result = CONTROL_UPDATE_KEY;
  }
  json_decref(object);
  return result;
}

void control_ready(int fd) {
  send_object(fd, json_pack("{s:s}", "ev", "ready"));
}

void control_state(int fd, const struct relay_state *state) {
  send_object(fd, json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "ev", "state", "connections",
                            (json_int_t)state->clients, "backlog", (json_int_t)state->backlog_bytes,
                            "inflight", (json_int_t)state->inflight, "cached",
                            (json_int_t)state->cached_bytes, "resent",
                            (json_int_t)state->resent_bytes));
}

void control_error(int fd, const char *text) {
  send_object(fd, json_pack("{s:s,s:s}", "ev", "error", "text", text));
}

void control_bye(int fd) {
  send_object(fd, json_pack("{s:s}", "ev", "bye"));
}

void control_did(int fd, bool ok) {
  send_object(fd, json_pack("{s:s,s:b}", "ev", "did", "ok", ok));
}
