#include "pcap-tools/read/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { PACKED_ROOM = 1 << 16 };

enum form { FORM_UNKNOWN, FORM_PLAIN, FORM_GZIP };

struct qp_source {
  int fd;
  enum form form;
  uint8_t *packed; /* gzip input; before that what the form was told from */
  size_t packed_len;
  z_stream z;
  bool member; /* inside a gzip member */
  bool ended;
  char damage[160];
};

int qp_source_open(const char *path, struct qp_source **out, char *err, size_t err_len) {
  struct qp_source *s = calloc(1, sizeof *s);
  uint8_t *packed = malloc(PACKED_ROOM);
  if (!s || !packed) {
    free(s);
    free(packed);
    snprintf(err, err_len, "%s: no memory", path);
    return -1;
  }
  s->packed = packed;
  s->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  if (s->fd < 0) {
    snprintf(err, err_len, "%s: %s", path, strerror(errno));
    qp_source_close(s);
    return -1;
  }
  *out = s;
  return 0;
}

static size_t stop(struct qp_source *s, const char *why) {
  s->ended = true;
  snprintf(s->damage, sizeof s->damage, "%s", why);
  return 0;
}

static size_t take(struct qp_source *s, uint8_t *out, size_t room) {
  ssize_t got;
  do
    got = read(s->fd, out, room);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return stop(s, strerror(errno));
  return (size_t)got;
}

/* Two bytes tell gzip (RFC 1952) from the rest. */
static void tell_form(struct qp_source *s) {
  while (s->packed_len < 2 && !s->ended) {
    size_t got = take(s, s->packed + s->packed_len, PACKED_ROOM - s->packed_len);
    if (!got)
      break;
    s->packed_len += got;
  }
  bool gzip = s->packed_len >= 2 && s->packed[0] == 0x1f && s->packed[1] == 0x8b;
  s->form = gzip ? FORM_GZIP : FORM_PLAIN;
  s->z.next_in = s->packed;
  s->z.avail_in = (uInt)s->packed_len;
}

static size_t read_plain(struct qp_source *s, uint8_t *out, size_t room) {
  if (!s->z.avail_in)
    return take(s, out, room);
  size_t n = s->z.avail_in < room ? s->z.avail_in : room;
  memcpy(out, s->z.next_in, n);
  s->z.next_in += n;
  s->z.avail_in -= (uInt)n;
  return n;
}

/* False: nothing more is to be had. */
static bool refill(struct qp_source *s) {
  if (s->z.avail_in)
    return true;
  size_t got = take(s, s->packed, PACKED_ROOM);
  s->z.next_in = s->packed;
  s->z.avail_in = (uInt)got;
  if (!got && s->member && !s->damage[0])
    stop(s, "the gzip data breaks off");
  return got != 0;
}

/* Members follow each other; bytes that begin no member end the file, as in gzip(1). */
static bool begin_member(struct qp_source *s, bool first) {
  if (!first && *s->z.next_in != 0x1f)
    return false;
  if ((first ? inflateInit2(&s->z, 15 + 16) : inflateReset(&s->z)) != Z_OK) {
    stop(s, "no memory to unpack it");
    return false;
  }
  s->member = true;
  return true;
}

static size_t read_gzip(struct qp_source *s, uint8_t *out, size_t room) {
  bool first = !s->z.state;
  s->z.next_out = out;
  s->z.avail_out = room < 1u << 30 ? (uInt)room : 1u << 30;
  uInt wanted = s->z.avail_out;
  while (s->z.avail_out == wanted) {
    if (!refill(s) || (!s->member && !begin_member(s, first)))
      break;
    first = false;
    int got = inflate(&s->z, Z_NO_FLUSH);
    if (got == Z_STREAM_END)
      s->member = false;
    else if (got != Z_OK && got != Z_BUF_ERROR) {
      stop(s, s->z.msg ? s->z.msg : "the gzip data is damaged");
      break;
    }
  }
  return wanted - s->z.avail_out;
}

size_t qp_source_read(struct qp_source *s, uint8_t *out, size_t room) {
  if (s->form == FORM_UNKNOWN)
    tell_form(s);
  if (s->ended)
    return 0;
  return s->form == FORM_GZIP ? read_gzip(s, out, room) : read_plain(s, out, room);
}

const char *qp_source_damage(const struct qp_source *s) {
  return s->damage[0] ? s->damage : NULL;
}

bool qp_source_packed(const struct qp_source *s) {
  return s->form == FORM_GZIP;
}

void qp_source_close(struct qp_source *s) {
  if (!s)
    return;
  if (s->z.state)
    inflateEnd(&s->z);
  if (s->fd > STDIN_FILENO)
    close(s->fd);
  free(s->packed);
  free(s);
}
