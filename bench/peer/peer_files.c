#include "bench/peer/peer_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Small: a simulation has two of them for each of its thousand endpoints, and what does
 * not stay in the processor's caches is what a simulation waits for. */
#define BUFFER_BYTES 16384u

struct mapping {
  uint8_t *data;
  size_t len;
};

/* A simulation of more nodes has no descriptor for each of their files: they are open only
 * while they are written. Systems allow 20,000 and more, and captures need theirs. */
#define SPARING_ABOVE 2048

/* Whole pieces are written, never a part of one. */
struct stream {
  int fd;     /* -1 = not open */
  char *path; /* not NULL: it is, to be opened for each piece */
  size_t len;
  char data[BUFFER_BYTES];
};

struct peer_files {
  const struct plan *plan;
  const struct plan_node *node;
  char *dir;
  struct stream journal, qlog;
  uint32_t qlog_connection; /* that the open qlog belongs to */
  bool sparing;             /* see SPARING_ABOVE */
  int keys;                 /* -1 = not open */
  int *received;            /* by track; -1 = not open */
  struct mapping *mapping;  /* by track */
  int error;                /* the first errno of writing */
};

static void note_error(struct peer_files *files, int error) {
  if (!files->error)
    files->error = error ? error : EIO;
}

/* ---- writing in pieces ----------------------------------------------------------- */

static void write_all(struct peer_files *files, int fd, const char *data, size_t len) {
  for (size_t at = 0; at < len;) {
    const ssize_t n = write(fd, data + at, len - at);
    if (n < 0 && errno != EINTR) {
      note_error(files, errno);
      break;
    }
    at += n > 0 ? (size_t)n : 0;
  }
}

static bool stream_is_open(const struct stream *stream) {
  return stream->fd >= 0 || stream->path;
}

static void stream_write(struct peer_files *files, const struct stream *stream, const char *data,
                         size_t len) {
  const int fd = stream->path ? open(stream->path, O_WRONLY | O_APPEND | O_CLOEXEC) : stream->fd;
  if (fd < 0) {
    note_error(files, errno);
    return;
  }
  write_all(files, fd, data, len);
  if (stream->path && close(fd))
    note_error(files, errno);
}

static void stream_flush(struct peer_files *files, struct stream *stream) {
  if (stream->len > 0)
    stream_write(files, stream, stream->data, stream->len);
  stream->len = 0;
}

static void stream_put(struct peer_files *files, struct stream *stream, const void *data,
                       size_t len) {
  if (len > sizeof stream->data - stream->len)
    stream_flush(files, stream);
  if (len > sizeof stream->data) {
    stream_write(files, stream, data, len);
    return;
  }
  memcpy(stream->data + stream->len, data, len);
  stream->len += len;
}

static void stream_close(struct peer_files *files, struct stream *stream) {
  if (!stream_is_open(stream))
    return;
  stream_flush(files, stream);
  if (stream->fd >= 0 && close(stream->fd))
    note_error(files, errno);
  stream->fd = -1;
  free(stream->path);
  stream->path = NULL;
}

/* ---- opening ------------------------------------------------------------------------ */

/* path: of PATH_ROOM bytes. */
#define PATH_ROOM 4096
static int open_at(char *path, const char *dir, const char *name, const char *end, int flags,
                   mode_t mode) {
  if (snprintf(path, PATH_ROOM, "%s/%s%s", dir, name, end) >= PATH_ROOM) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode);
}

static int open_in(const char *dir, const char *name, const char *end, int flags, mode_t mode) {
  char path[PATH_ROOM];
  return open_at(path, dir, name, end, flags, mode);
}

/* 0, or -1 with errno. */
static int stream_open(const struct peer_files *files, struct stream *stream, const char *name,
                       const char *end, int flags) {
  char path[PATH_ROOM];
  const int fd = open_at(path, files->dir, name, end, flags, 0644);
  if (fd < 0 || !files->sparing) {
    stream->fd = fd;
    return fd < 0 ? -1 : 0;
  }
  close(fd);
  stream->path = strdup(path);
  return stream->path ? 0 : -1;
}

static int make_folder(const char *dir, const char *name) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return mkdir(path, 0755) && errno != EEXIST ? -1 : 0;
}

/* A trace of a connection that was never there before. */
static int open_qlog(struct peer_files *files) {
  char name[256], end[32] = ".sqlog";
  if (make_folder(files->dir, "qlog"))
    return -1;
  snprintf(name, sizeof name, "qlog/%s", files->node->file_name);
  for (uint32_t i = 2;; i++) {
    if (stream_open(files, &files->qlog, name, end, O_EXCL) == 0)
      return 0;
    if (errno != EEXIST)
      return -1;
    snprintf(end, sizeof end, "-%u.sqlog", i);
  }
}

static struct peer_files *new_files(const struct plan *plan, int node, const char *dir) {
  struct peer_files *files = calloc(1, sizeof *files);
  if (!files)
    return NULL;
  files->plan = plan;
  files->node = &plan->nodes[node];
  files->sparing = plan->n_nodes > SPARING_ABOVE;
  files->journal.fd = files->qlog.fd = files->keys = -1;
  files->dir = strdup(dir);
  files->received = calloc(plan->n_tracks + 1, sizeof *files->received);
  files->mapping = calloc(plan->n_tracks + 1, sizeof *files->mapping);
  for (size_t i = 0; files->received && i < plan->n_tracks; i++)
    files->received[i] = -1;
  if (files->dir && files->received && files->mapping)
    return files;
  peer_files_close(files, NULL, 0);
  return NULL;
}

static int open_keys(const struct peer_files *files) {
  return open_in(files->dir, "keys.log", "", O_APPEND, 0600);
}

static void close_keys(struct peer_files *files) {
  close(files->keys);
  files->keys = -1;
}

struct peer_files *peer_files_open(const struct plan *plan, int node, const char *dir, char *err,
                                   size_t err_len) {
  struct peer_files *files = new_files(plan, node, dir);
  if (!files) {
    snprintf(err, err_len, "no memory for the output files");
    return NULL;
  }
  const char *what = "the journal";
  if (stream_open(files, &files->journal, files->node->file_name, "-objects.jsonl", O_APPEND) ==
      0) {
    what = "keys.log";
    files->keys = open_keys(files);
  }
  if (files->keys >= 0) {
    if (files->sparing)
      close_keys(files);
    return files;
  }
  snprintf(err, err_len, "cannot write %s in %s: %s", what, dir, strerror(errno));
  peer_files_close(files, NULL, 0);
  return NULL;
}

int peer_files_close(struct peer_files *files, char *err, size_t err_len) {
  if (!files)
    return 0;
  stream_close(files, &files->journal);
  stream_close(files, &files->qlog);
  if (files->keys >= 0)
    close_keys(files);
  for (size_t i = 0; files->received && i < files->plan->n_tracks; i++)
    if (files->received[i] >= 0 && close(files->received[i]))
      note_error(files, errno);
  for (size_t i = 0; files->mapping && i < files->plan->n_tracks; i++)
    if (files->mapping[i].data)
      munmap(files->mapping[i].data, files->mapping[i].len);
  const int error = files->error;
  if (error && err)
    snprintf(err, err_len, "writing to %s failed: %s", files->dir, strerror(error));
  free(files->received);
  free(files->mapping);
  free(files->dir);
  free(files);
  return error ? -1 : 0;
}

/* ---- what the core writes ---------------------------------------------------------------- */

void peer_files_journal(void *arg, const char *line, size_t len) {
  struct peer_files *files = arg;
  stream_put(files, &files->journal, line, len);
}

/* One write a line: several processes append to the file. */
void peer_files_keylog(struct peer_files *files, const char *line) {
  char text[1024];
  const int len = snprintf(text, sizeof text, "%s\n", line);
  if (files->sparing)
    files->keys = open_keys(files);
  if (len < 0 || len >= (int)sizeof text || write(files->keys, text, (size_t)len) != len)
    note_error(files, errno);
  if (files->sparing && files->keys >= 0)
    close_keys(files);
}

void peer_files_qlog(struct peer_files *files, uint32_t connection, const void *data, size_t len) {
  if (connection != files->qlog_connection) {
    stream_close(files, &files->qlog);
    files->qlog_connection = connection;
    if (open_qlog(files) != 0)
      note_error(files, errno);
  }
  if (stream_is_open(&files->qlog))
    stream_put(files, &files->qlog, data, len);
}

static int open_received(const struct peer_files *files, const struct plan_track *track) {
  char name[256];
  if (make_folder(files->dir, "received"))
    return -1;
  snprintf(name, sizeof name, "received/%s-", files->node->file_name);
  return open_in(files->dir, name, track->name, 0, 0644);
}

void peer_files_received(struct peer_files *files, const struct plan_track *track, uint64_t offset,
                         const uint8_t *data, size_t len) {
  int *fd = &files->received[track - files->plan->tracks];
  if (*fd < 0)
    *fd = open_received(files, track);
  if (*fd < 0 || offset > INT64_MAX || pwrite(*fd, data, len, (off_t)offset) != (ssize_t)len)
    note_error(files, errno);
}

const uint8_t *peer_files_map(struct peer_files *files, const struct plan_track *track,
                              size_t *len) {
  struct mapping *mapping = &files->mapping[track - files->plan->tracks];
  struct stat st;
  const int fd = open(track->file, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return NULL;
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data != MAP_FAILED)
      *mapping = (struct mapping){.data = data, .len = (size_t)st.st_size};
  }
  close(fd);
  *len = mapping->len;
  return mapping->data;
}

void peer_files_flush(struct peer_files *files) {
  stream_flush(files, &files->journal);
  if (stream_is_open(&files->qlog))
    stream_flush(files, &files->qlog);
}
