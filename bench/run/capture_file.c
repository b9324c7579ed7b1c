#include "bench/run/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/run/capture_secrets.h"
#include "bench/run/pcapng.h"
#include "version.h"

#define ETHERNET    1
#define APPLICATION "fanbench " FANBENCH_VERSION
/* A connection has four lines of at most 165 bytes: six of them. */
#define FRONT_ROOM 3960
/* There are a thousand files and more: what does not stay in the processor's caches is
 * what a simulation waits for. */
#define BUFFER 16384u

/* What a packet touches comes first. */
struct capture_file {
  int fd, error; /* the first errno */
  uint32_t used; /* of the buffer */
  uint64_t packets, last_ns;
  struct capture_secrets secrets;
  off_t secrets_at; /* the block in front begins here */
  off_t packets_at; /* and the packets here */
  char *path, *ifname;
  uint8_t buffer[BUFFER];
};

/* ---- bytes out ---------------------------------------------------------------------------- */

static int write_all(struct capture_file *file, const uint8_t *data, size_t len) {
  while (len > 0 && file->error == 0) {
    const ssize_t n = write(file->fd, data, len);
    if (n < 0 && errno != EINTR)
      file->error = errno;
    data += n > 0 ? n : 0;
    len -= n > 0 ? (size_t)n : 0;
  }
  return file->error == 0 ? 0 : -1;
}

static int flush(struct capture_file *file) {
  const int rc = write_all(file, file->buffer, file->used);
  file->used = 0;
  return rc;
}

static int put(void *arg, const void *data, size_t len) {
  struct capture_file *file = arg;
  if (len > BUFFER - file->used && flush(file) != 0)
    return -1;
  if (len > BUFFER)
    return write_all(file, data, len);
  memcpy(file->buffer + file->used, data, len);
  file->used += (uint32_t)len;
  return 0;
}

static struct pcapng_sink sink_of(struct capture_file *file) {
  return (struct pcapng_sink){.put = put, .arg = file};
}

/* Where the next byte goes. */
static off_t position(const struct capture_file *file) {
  const off_t at = lseek(file->fd, 0, SEEK_CUR);
  return at < 0 ? 0 : at + (off_t)file->used; /* a file that has no places is full or broken */
}

/* ---- the beginning --------------------------------------------------------------------------- */

static int begin(struct capture_file *file) {
  const struct pcapng_sink sink = sink_of(file);
  /* It is to hold secrets. */
  file->fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file->fd < 0 || pcapng_begin(&sink, ETHERNET, file->ifname, APPLICATION) != 0)
    return -1;
  file->secrets_at = position(file);
  return 0;
}

/* A full block: the lines, then blank ones. */
static int write_front(struct capture_file *file, const char *text, size_t len) {
  const struct pcapng_sink sink = sink_of(file);
  char front[FRONT_ROOM];
  if (len > 0)
    memcpy(front, text, len);
  memset(front + len, '\n', sizeof front - len);
  return pcapng_secrets(&sink, front, sizeof front);
}

struct capture_file *capture_file_open(const char *path, const char *ifname) {
  struct capture_file *file = malloc(sizeof *file);
  if (file == NULL)
    return NULL;
  memset(file, 0, offsetof(struct capture_file, buffer));
  file->fd = -1;
  file->path = strdup(path);
  file->ifname = strdup(ifname);
  if (file->path == NULL || file->ifname == NULL)
    errno = ENOMEM;
  else if (begin(file) == 0 && write_front(file, NULL, 0) == 0) {
    file->packets_at = position(file);
    return file;
  }
  const int error = errno;
  capture_file_discard(file);
  errno = error;
  return NULL;
}

void capture_file_packet(struct capture_file *file, uint64_t time_ns, const uint8_t *data,
                         uint32_t len, uint32_t wire_len) {
  const struct pcapng_sink sink = sink_of(file);
  capture_secrets_see(&file->secrets, data, len);
  pcapng_packet(&sink, time_ns, data, len, wire_len);
  file->last_ns = time_ns;
  file->packets++;
}

uint64_t capture_file_packets(const struct capture_file *file) {
  return file->packets;
}

/* ---- the end ----------------------------------------------------------------------------- */

static int copy_packets(struct capture_file *file, int from) {
  uint8_t piece[16384];
  ssize_t n;
  if (lseek(from, file->packets_at, SEEK_SET) < 0)
    return -1;
  while ((n = read(from, piece, sizeof piece)) > 0)
    if (put(file, piece, (size_t)n) != 0)
      return -1;
  return n == 0 ? 0 : -1;
}

/* The file once more, with a larger block in front; the old one has no name any more. */
static int rewrite(struct capture_file *file, const char *text, size_t len) {
  const struct pcapng_sink sink = sink_of(file);
  const int old = open(file->path, O_RDONLY | O_CLOEXEC);
  if (old < 0)
    return -1;
  close(file->fd);
  file->fd = -1;
  int rc = -1;
  if (unlink(file->path) == 0 && begin(file) == 0 && pcapng_secrets(&sink, text, len) == 0)
    rc = copy_packets(file, old);
  close(old);
  return rc == 0 ? flush(file) : -1;
}

static int put_secrets(struct capture_file *file, const struct keylog *keys, uint64_t dropped) {
  char *text = NULL;
  size_t len = 0;
  int rc = capture_secrets_pick(&file->secrets, keys, dropped == 0, &text, &len);
  if (rc == 0 && len > FRONT_ROOM)
    rc = rewrite(file, text, len);
  else if (rc == 0 && len > 0)
    rc = lseek(file->fd, file->secrets_at, SEEK_SET) >= 0 && write_front(file, text, len) == 0
             ? flush(file)
             : -1;
  free(text);
  return rc;
}

int capture_file_close(struct capture_file *file, const struct keylog *keys, uint64_t dropped) {
  const struct pcapng_sink sink = sink_of(file);
  int rc = pcapng_end(&sink, file->last_ns, file->packets + dropped, dropped);
  errno = 0;
  if (rc == 0 && flush(file) == 0)
    rc = put_secrets(file, keys, dropped);
  else
    rc = -1;
  int error = rc == 0 ? 0 : file->error != 0 ? file->error : errno != 0 ? errno : EIO;
  if (file->fd >= 0 && close(file->fd) != 0 && error == 0)
    error = errno;
  file->fd = -1;
  capture_file_discard(file);
  errno = error;
  return error == 0 ? 0 : -1;
}

void capture_file_discard(struct capture_file *file) {
  if (file == NULL)
    return;
  if (file->fd >= 0) {
    flush(file);
    close(file->fd);
  }
  capture_secrets_free(&file->secrets);
  free(file->path);
  free(file->ifname);
  free(file);
}
