#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/report/files.h"

int report_file_open(struct report_file *file, const char *path) {
  static const char suffix[] = ".part";
  size_t len = strlen(path);
  *file = (struct report_file){.path = strdup(path), .temporary = malloc(len + sizeof suffix)};
  if (file->path && file->temporary) {
    memcpy(file->temporary, path, len);
    memcpy(file->temporary + len, suffix, sizeof suffix);
    file->to = fopen(file->temporary, "w");
  }
  if (file->to)
    return 0;
  int why = errno;
  free(file->path);
  free(file->temporary);
  *file = (struct report_file){0};
  errno = why;
  return -1;
}

int report_file_commit(struct report_file *file) {
  /* A full disk may show at the flush only; ferror() says that it was, not why. */
  int why = 0;
  if (fflush(file->to) || ferror(file->to))
    why = errno ? errno : EIO;
  if (fclose(file->to) && !why)
    why = errno;
  if (!why && rename(file->temporary, file->path))
    why = errno;
  if (why)
    unlink(file->temporary);
  free(file->path);
  free(file->temporary);
  *file = (struct report_file){0};
  errno = why;
  return why ? -1 : 0;
}
