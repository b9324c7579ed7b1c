#include "bench/scenario/bytes.h"

#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads to the end: a file may grow or shrink meanwhile. */
static bool read_all(int fd, char *bytes, size_t max, size_t *len) {
  *len = 0;
  while (*len <= max) {
    ssize_t n = read(fd, bytes + *len, max + 1 - *len);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n == 0;
    *len += (size_t)n;
  }
  return true;
}

bool plan_bytes_regular(const char *path, uint64_t *len, const char **why) {
  struct stat st;
  /* Asked before anything is opened: opening some devices does things. */
  bool there = stat(path, &st) == 0 && access(path, R_OK) == 0;
  if (!there)
    *why = strerror(errno);
  else if (S_ISDIR(st.st_mode))
    *why = "it is a folder";
  else if (!S_ISREG(st.st_mode))
    *why = "it is no regular file";
  else
    *why = NULL;
  *len = there && st.st_size > 0 ? (uint64_t)st.st_size : 0;
  return !*why;
}

char *plan_bytes_read(const char *path, size_t max, size_t *len, struct plan_error *err) {
  const char *why;
  uint64_t size;
  if (!plan_bytes_regular(path, &size, &why)) {
    plan_refuse_at(err, 0, 0, "cannot read the file: %s", why);
    return NULL;
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  size_t room = size > 0 && size < max ? (size_t)size : max;
  char *bytes = plan_new(room + 2, 1);
  bool ok = fd >= 0 && read_all(fd, bytes, room, len);
  if (!ok)
    plan_refuse_at(err, 0, 0, "cannot read the file: %s", strerror(errno));
  else if (*len > room)
    ok = plan_refuse_at(err, 0, 0, "expected at most %zu bytes, found more", room);
  if (fd >= 0)
    close(fd);
  if (ok)
    return bytes;
  free(bytes);
  return NULL;
}
