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

char *plan_bytes_read(const char *path, size_t max, size_t *len, struct plan_error *err) {
  struct stat st;
  char *bytes = NULL;
  bool ok = false;
  /* Without O_NONBLOCK a FIFO would hang here. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &st) != 0) {
    plan_refuse_at(err, 0, 0, "cannot open the file: %s", strerror(errno));
  } else if (!S_ISREG(st.st_mode)) {
    plan_refuse_at(err, 0, 0, "expected a regular file, found %s",
                   S_ISDIR(st.st_mode) ? "a folder" : "something else");
  } else {
    size_t room = st.st_size > 0 && (size_t)st.st_size < max ? (size_t)st.st_size : max;
    bytes = plan_new(room + 2, 1);
    if (!read_all(fd, bytes, room, len))
      plan_refuse_at(err, 0, 0, "cannot read the file: %s", strerror(errno));
    else if (*len > room)
      plan_refuse_at(err, 0, 0, "expected at most %zu bytes, found more", max);
    else
      ok = true;
  }
  if (fd >= 0)
    close(fd);
  if (ok) {
    bytes[*len] = 0;
    return bytes;
  }
  free(bytes);
  return NULL;
}
