#include "bench/peer/peer_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES (1u << 20)

struct mapping {
  uint8_t *data;
  size_t len;
};

struct peer_files {
  const struct plan *plan;
  const struct plan_node *node;
  const char *dir; /* copied */
  FILE *journal, *qlog;
  int keys;
  int *received;           /* by track; -1 = not open */
  struct mapping *mapping; /* by track */
  int error;               /* the first errno of writing */
};

static void note_error(struct peer_files *files, int error) {
  if (!files->error)
    files->error = error ? error : EIO;
}

static FILE *create(const char *dir, const char *sub, const char *node, const char *end) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/%s%s%s", dir, sub, node, end) >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return NULL;
  }
  FILE *file = fopen(path, "we");
  if (file)
    setvbuf(file, NULL, _IOFBF, BUFFER_BYTES);
  return file;
}

static int make_folder(const char *dir, const char *name) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return mkdir(path, 0755) && errno != EEXIST ? -1 : 0;
}

static int open_keys(const char *dir) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/keys.log", dir) >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

struct peer_files *peer_files_open(const struct plan *plan, int node, const char *dir, char *err,
                                   size_t err_len) {
  struct peer_files *files = calloc(1, sizeof *files);
  snprintf(err, err_len, "no memory for the output files");
  if (!files)
    return NULL;
  *files = (struct peer_files){.plan = plan, .node = &plan->nodes[node], .keys = -1};
  files->dir = strdup(dir);
  files->received = calloc(plan->n_tracks + 1, sizeof *files->received);
  files->mapping = calloc(plan->n_tracks + 1, sizeof *files->mapping);
  for (size_t i = 0; files->received && i < plan->n_tracks; i++)
    files->received[i] = -1;
  if (!files->dir || !files->received || !files->mapping) {
    peer_files_close(files, NULL, 0);
    return NULL;
  }
  files->journal = create(dir, "", files->node->file_name, "-objects.jsonl");
  files->keys = open_keys(dir);
  if (make_folder(dir, "qlog") == 0)
    files->qlog = create(dir, "qlog/", files->node->file_name, ".sqlog");
  if (files->journal && files->keys >= 0 && files->qlog)
    return files;
  snprintf(err, err_len, "cannot write %s in %s: %s",
           !files->journal     ? "the journal"
           : files->keys < 0 ? "keys.log"
                             : "the qlog",
           dir, strerror(errno));
  peer_files_close(files, NULL, 0);
  return NULL;
}

static void close_file(struct peer_files *files, FILE *file) {
  if (file && (ferror(file) | fclose(file)))
    note_error(files, errno);
}

int peer_files_close(struct peer_files *files, char *err, size_t err_len) {
  if (!files)
    return 0;
  close_file(files, files->journal);
  close_file(files, files->qlog);
  if (files->keys >= 0)
    close(files->keys);
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
  free((char *)(uintptr_t)files->dir);
  free(files);
  return error ? -1 : 0;
}

void peer_files_journal(void *arg, const char *line, size_t len) {
  struct peer_files *files = arg;
  if (fwrite_unlocked(line, 1, len, files->journal) != len)
    note_error(files, errno);
}

/* One write a line: several processes append to the file. */
void peer_files_keylog(void *arg, const char *line) {
  struct peer_files *files = arg;
  char text[1024];
  const int len = snprintf(text, sizeof text, "%s\n", line);
  if (len < 0 || len >= (int)sizeof text || write(files->keys, text, (size_t)len) != len)
    note_error(files, errno);
}

void peer_files_qlog(void *arg, const void *data, size_t len) {
  struct peer_files *files = arg;
  if (fwrite_unlocked(data, 1, len, files->qlog) != len)
    note_error(files, errno);
}

static int open_received(struct peer_files *files, const struct plan_track *track) {
  char path[4096];
  if (make_folder(files->dir, "received"))
    return -1;
  if (snprintf(path, sizeof path, "%s/received/%s-%s", files->dir, files->node->file_name,
               track->name) >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

void peer_files_received(void *arg, const struct plan_track *track, uint64_t offset,
                         const uint8_t *data, size_t len) {
  struct peer_files *files = arg;
  int *fd = &files->received[track - files->plan->tracks];
  if (*fd < 0)
    *fd = open_received(files, track);
  if (*fd < 0 || offset > INT64_MAX ||
      pwrite(*fd, data, len, (off_t)offset) != (ssize_t)len)
    note_error(files, errno);
}

const uint8_t *peer_files_map(void *arg, const struct plan_track *track, size_t *len) {
  struct peer_files *files = arg;
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
  if (fflush(files->journal) | fflush(files->qlog))
    note_error(files, errno);
}
