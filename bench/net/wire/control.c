#include "bench/net/wire/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <jansson.h>

#define MESSAGE_MAX 4096

enum control_do control_parse(const char *text, size_t len, uint64_t *t0_ns) {
  json_t *message = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
  const char *what = json_string_value(json_object_get(message, "do"));
  const json_int_t t0 = json_integer_value(json_object_get(message, "t0"));
  enum control_do got = CONTROL_WRONG;
  if (what != NULL && strcmp(what, "start") == 0 && t0 > 0) {
    *t0_ns = (uint64_t)t0;
    got = CONTROL_START;
  } else if (what != NULL && strcmp(what, "poll") == 0)
    got = CONTROL_POLL;
  else if (what != NULL && strcmp(what, "stop") == 0)
    got = CONTROL_STOP;
  json_decref(message);
  return got;
}

enum control_do control_hear(int fd, uint64_t *t0_ns) {
  char text[MESSAGE_MAX];
  const ssize_t n = recv(fd, text, sizeof text, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return CONTROL_NOTHING;
  return n > 0 ? control_parse(text, (size_t)n, t0_ns) : CONTROL_STOP;
}

static void send_message(int fd, json_t *message) {
  char *text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
  json_decref(message);
  while (text != NULL && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 && errno == EINTR)
    ;
  free(text);
}

void control_say(int fd, const char *ev) {
  send_message(fd, json_pack("{s:s}", "ev", ev));
}

void control_say_error(int fd, const char *text) {
  send_message(fd, json_pack("{s:s, s:s}", "ev", "error", "text", text));
}

void control_say_did(int fd) {
  send_message(fd, json_pack("{s:s, s:s, s:b}", "ev", "did", "kind", "link", "ok", 1));
}

void control_say_state(int fd, uint64_t backlog) {
  send_message(fd, json_pack("{s:s, s:I}", "ev", "state", "backlog", (json_int_t)backlog));
}

void control_say_way(int fd, struct wire_way *way, uint64_t lost) {
  const uint64_t overflow = way->fate.total.no_room + lost;
  send_message(fd,
               json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "ev", "wire", "link",
                         way->fate.name, "packets", (json_int_t)way->fate.link.index,
                         "dropped_queue", (json_int_t)way->fate.total.dropped[FATE_DROP_QUEUE],
                         "late_p99_ns", (json_int_t)tally_quantile(&way->late, 990), "late_max_ns",
                         (json_int_t)way->late.max_ns, "overflow", (json_int_t)overflow));
}
