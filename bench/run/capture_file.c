#include "bench/run/capture_file.h"

#include <errno.h>
#include <stdio.h>
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
/* Written so many bytes at a time. There are a thousand files and more: small buffers
 * stay where the processor finds them again. */
#define BUFFER (32u << 10)

struct capture_file {
  FILE *to;
  char *buffer, *path, *ifname;
  long secrets_at; /* the block in front begins here */
  long packets_at; /* and the packets here */
  uint64_t packets, last_ns;
  struct capture_secrets secrets;
  int error; /* the first errno */
};

static void note(struct capture_file *file, int rc) {
  if (rc != 0 && file->error == 0)
    file->error = errno != 0 ? errno : EIO;
}

/* A full block: the lines, then blank ones. */
static int write_front(FILE *to, const char *text, size_t len) {
  char front[FRONT_ROOM];
  memcpy(front, text, len);
  memset(front + len, '\n', sizeof front - len);
  return pcapng_secrets(to, front, sizeof front);
}

static int begin(struct capture_file *file) {
  file->to = fopen(file->path, "w+be");
  if (file->to == NULL)
    return -1;
  setvbuf(file->to, file->buffer, _IOFBF, BUFFER);
  if (pcapng_begin(file->to, ETHERNET, file->ifname, APPLICATION) != 0)
    return -1;
  file->secrets_at = ftell(file->to);
  return file->secrets_at < 0 ? -1 : 0;
}

struct capture_file *capture_file_open(const char *path, const char *ifname) {
  struct capture_file *file = calloc(1, sizeof *file);
  if (file == NULL)
    return NULL;
  file->path = strdup(path);
  file->ifname = strdup(ifname);
  file->buffer = malloc(BUFFER);
  if (file->path == NULL || file->ifname == NULL || file->buffer == NULL)
    errno = ENOMEM;
  else if (begin(file) == 0 && write_front(file->to, "", 0) == 0 &&
           (file->packets_at = ftell(file->to)) > 0)
    return file;
  const int error = errno;
  capture_file_discard(file);
  errno = error;
  return NULL;
}

void capture_file_packet(struct capture_file *file, uint64_t time_ns, const uint8_t *data,
                         uint32_t len, uint32_t wire_len) {
  capture_secrets_see(&file->secrets, data, len);
  note(file, pcapng_packet(file->to, time_ns, data, len, wire_len));
  file->last_ns = time_ns;
  file->packets++;
}

uint64_t capture_file_packets(const struct capture_file *file) {
  return file->packets;
}

/* ---- the end ----------------------------------------------------------------------------- */

static int copy_packets(const struct capture_file *file, FILE *from) {
  char piece[16384];
  size_t n;
  if (fseek(from, file->packets_at, SEEK_SET) != 0)
    return -1;
  while ((n = fread(piece, 1, sizeof piece, from)) > 0)
    if (fwrite(piece, 1, n, file->to) != n)
      return -1;
  return ferror(from) ? -1 : 0;
}

/* The file once more, with a larger block in front; the old one has no name any more. */
static int rewrite(struct capture_file *file, const char *text, size_t len) {
  FILE *old = fopen(file->path, "rbe");
  FILE *written = file->to;
  file->to = NULL;
  int rc = fclose(written);
  if (old == NULL)
    return -1;
  if (rc == 0 && unlink(file->path) == 0 && begin(file) == 0 &&
      pcapng_secrets(file->to, text, len) == 0)
    rc = copy_packets(file, old);
  else
    rc = -1;
  fclose(old);
  return rc;
}

static int put_secrets(struct capture_file *file, const struct keylog *keys, uint64_t dropped) {
  char *text = NULL;
  size_t len = 0;
  int rc = capture_secrets_pick(&file->secrets, keys, dropped == 0, &text, &len);
  if (rc == 0 && len > FRONT_ROOM)
    rc = rewrite(file, text, len);
  else if (rc == 0 && len > 0)
    rc = fseek(file->to, file->secrets_at, SEEK_SET) == 0 ? write_front(file->to, text, len) : -1;
  free(text);
  return rc;
}

int capture_file_close(struct capture_file *file, const struct keylog *keys, uint64_t dropped) {
  note(file, pcapng_end(file->to, file->last_ns, file->packets + dropped, dropped));
  if (file->error == 0)
    note(file, put_secrets(file, keys, dropped));
  if (file->to != NULL)
    note(file, fclose(file->to));
  file->to = NULL;
  const int error = file->error;
  capture_file_discard(file);
  errno = error;
  return error == 0 ? 0 : -1;
}

void capture_file_discard(struct capture_file *file) {
  if (file == NULL)
    return;
  if (file->to != NULL)
    fclose(file->to);
  capture_secrets_free(&file->secrets);
  free(file->buffer);
  free(file->path);
  free(file->ifname);
  free(file);
}
