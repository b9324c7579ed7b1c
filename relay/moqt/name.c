#include "relay/moqt/name.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct moqt_bytes text(const char *s) {
  return (struct moqt_bytes){.data = (const uint8_t *)s, .len = strlen(s)};
}

void moqt_name_set(struct moqt_name *name, const char *node, const char *track) {
  memset(name, 0, sizeof(*name));
  name->n_fields = 2;
  name->field[0] = text("fanbench");
  name->field[1] = text(node);
  if (track)
    name->track = text(track);
}

struct moqt_name *moqt_name_dup(const struct moqt_name *name) {
  size_t total = name->track.len;
  struct moqt_name *copy;
  uint8_t *to;

  for (size_t i = 0; i < name->n_fields; i++)
    total += name->field[i].len;
  copy = malloc(sizeof(*copy) + total);
  if (!copy)
    return NULL;
  *copy = *name;
  to = (uint8_t *)(copy + 1);
  for (size_t i = 0; i <= name->n_fields; i++) {
    const struct moqt_bytes *from = i < name->n_fields ? &name->field[i] : &name->track;
    struct moqt_bytes *field = i < name->n_fields ? &copy->field[i] : &copy->track;
    if (from->len)
      memcpy(to, from->data, from->len);
    field->data = to;
    to += from->len;
  }
  return copy;
}

static bool same(struct moqt_bytes a, struct moqt_bytes b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool moqt_name_within(const struct moqt_name *name, const struct moqt_name *prefix) {
  if (prefix->n_fields > name->n_fields)
    return false;
  for (size_t i = 0; i < prefix->n_fields; i++)
    if (!same(name->field[i], prefix->field[i]))
      return false;
  return true;
}

bool moqt_name_equal(const struct moqt_name *a, const struct moqt_name *b) {
  return a->n_fields == b->n_fields && moqt_name_within(a, b) && same(a->track, b->track);
}

/* ---- wire form -------------------------------------------------------------------- */

bool moqt_bytes_read(struct wire_cursor *at, struct moqt_bytes *out) {
  uint64_t len;

  if (!wire_get_vi64(at, &len) || len > wire_left(at))
    return false;
  *out = (struct moqt_bytes){.data = wire_here(at), .len = (size_t)len};
  return wire_skip(at, len);
}

static size_t name_bytes(const struct moqt_name *name) {
  size_t total = name->track.len;
  for (size_t i = 0; i < name->n_fields; i++)
    total += name->field[i].len;
  return total;
}

bool moqt_namespace_read(struct wire_cursor *at, struct moqt_name *name) {
  uint64_t n;

  memset(name, 0, sizeof(*name));
  if (!wire_get_vi64(at, &n) || n > MOQT_NAMESPACE_FIELDS)
    return false;
  for (; name->n_fields < n; name->n_fields++) {
    struct moqt_bytes *field = &name->field[name->n_fields];
    if (!moqt_bytes_read(at, field) || field->len == 0)
      return false;
  }
  return name_bytes(name) <= MOQT_NAME_BYTES;
}

bool moqt_name_read(struct wire_cursor *at, struct moqt_name *name) {
  return moqt_namespace_read(at, name) && moqt_bytes_read(at, &name->track) &&
         name_bytes(name) <= MOQT_NAME_BYTES;
}

size_t moqt_bytes_write(uint8_t *buf, size_t room, struct moqt_bytes bytes) {
  uint8_t head[WIRE_VI64_MAX_LEN];
  const size_t n = wire_vi64_put(head, bytes.len);

  if (room < n + bytes.len)
    return 0;
  memcpy(buf, head, n);
  if (bytes.len)
    memcpy(buf + n, bytes.data, bytes.len);
  return n + bytes.len;
}

size_t moqt_namespace_write(uint8_t *buf, size_t room, const struct moqt_name *name) {
  size_t at = 1;

  if (room < 1)
    return 0;
  buf[0] = (uint8_t)name->n_fields; /* at most 32: one byte */
  for (size_t i = 0; i < name->n_fields; i++) {
    const size_t n = moqt_bytes_write(buf + at, room - at, name->field[i]);
    if (n == 0)
      return 0;
    at += n;
  }
  return at;
}

/* ---- for people ---------------------------------------------------------------------- */

struct printing {
  char *buf;
  size_t room, len;
  bool cut;
};

static void print_text(struct printing *out, const char *t) {
  const size_t n = strlen(t);

  if (out->cut || out->len + n + 1 > out->room) {
    out->cut = true;
    return;
  }
  memcpy(out->buf + out->len, t, n);
  out->len += n;
}

static void print_bytes(struct printing *out, struct moqt_bytes bytes) {
  for (size_t i = 0; i < bytes.len; i++) {
    const uint8_t c = bytes.data[i];
    char t[4];
    snprintf(t, sizeof(t), isalnum(c) || c == '_' ? "%c" : ".%02x", c);
    print_text(out, t);
  }
}

char *moqt_name_print(const struct moqt_name *name, char *buf, size_t room) {
  struct printing out = {.buf = buf, .room = room};

  if (room == 0)
    return buf;
  for (size_t i = 0; i < name->n_fields; i++) {
    if (i)
      print_text(&out, "/");
    print_bytes(&out, name->field[i]);
  }
  if (name->track.len) {
    print_text(&out, "--");
    print_bytes(&out, name->track);
  }
  buf[out.len] = 0;
  return buf;
}
