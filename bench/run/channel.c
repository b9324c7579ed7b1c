#include "bench/run/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

int channel_pair(int fds[2]) {
  return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds);
}

int channel_send(int fd, json_t *message) {
  char *text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
  json_decref(message);
  if (text == NULL) {
    errno = ENOMEM;
    return -1;
  }
  ssize_t n;
  do
    n = send(fd, text, strlen(text), MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  int saved = errno;
  free(text);
  errno = saved;
  return n < 0 ? -1 : 0;
}

enum channel_result channel_recv(int fd, json_t **message) {
  static char buf[CHANNEL_MAX];
  *message = NULL;
  ssize_t n;
  do
    n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno == EAGAIN ? CHANNEL_NOTHING : CHANNEL_CLOSED;
  if (n == 0)
    return CHANNEL_CLOSED;
  json_error_t where;
  json_t *got = json_loadb(buf, (size_t)n, JSON_REJECT_DUPLICATES, &where);
  if (!json_is_object(got)) {
    json_decref(got);
    return CHANNEL_GARBAGE;
  }
  *message = got;
  return CHANNEL_MESSAGE;
}

const char *channel_text(const json_t *message, const char *key) {
  const char *text = json_string_value(json_object_get(message, key));
  return text != NULL ? text : "";
}

json_int_t channel_int(const json_t *message, const char *key, json_int_t otherwise) {
  const json_t *value = json_object_get(message, key);
  return json_is_integer(value) ? json_integer_value(value) : otherwise;
}
