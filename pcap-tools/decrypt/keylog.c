#include "pcap-tools/decrypt/keylog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "pcap-tools/read/hex.h"

/* The place of a random in the index: its own, or the free one where it belongs. */
static uint32_t *place(const struct qp_keylog *log, const uint8_t random[32]) {
  uint64_t hash;
  memcpy(&hash, random, sizeof hash); /* whoever chose it, the index is at most half full */
  hash *= 0x9e3779b97f4a7c15u;
  size_t mask = 2 * log->room - 1;
  for (size_t i = (size_t)(hash >> 32) & mask;; i = (i + 1) & mask) {
    uint32_t at = log->index[i];
    if (!at || !memcmp(log->entries[at - 1].random, random, 32))
      return &log->index[i];
  }
}

static bool widen(struct qp_keylog *log) {
  size_t room = log->room ? log->room * 2 : 16;
  struct qp_secrets *more = realloc(log->entries, room * sizeof *more);
  if (more)
    log->entries = more;
  uint32_t *index = calloc(2 * room, sizeof *index);
  if (!more || !index) {
    free(index);
    return false;
  }
  free(log->index);
  log->index = index;
  log->room = room;
  for (size_t i = 0; i < log->n; i++)
    *place(log, log->entries[i].random) = (uint32_t)i + 1;
  return true;
}

static struct qp_secrets *entry(struct qp_keylog *log, const uint8_t random[32]) {
  if (log->n == log->room && !widen(log))
    return NULL;
  uint32_t *at = place(log, random);
  if (*at)
    return &log->entries[*at - 1];
  struct qp_secrets *e = &log->entries[log->n++];
  *at = (uint32_t)log->n;
  memset(e, 0, sizeof *e);
  memcpy(e->random, random, 32);
  return e;
}

static const char *const labels[QP_SECRET_COUNT] = {
    "CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"};

const char *qp_secret_label(enum qp_secret_name name) {
  return labels[name];
}

static bool is_secret(const struct qp_secret *s, const uint8_t *data, size_t len) {
  return s->len == len && !memcmp(s->data, data, len);
}

/* Room for what a later line wins over: all secrets of the random, as a server's come together. */
static bool put_behind(struct qp_keylog *log, struct qp_secrets *e) {
  if (log->n_older == log->older_room) {
    size_t room = log->older_room ? 2 * log->older_room : 4;
    struct qp_secrets *more = realloc(log->older, room * sizeof *more);
    if (!more)
      return false;
    log->older = more;
    log->older_room = room;
  }
  log->older[log->n_older++] = *e;
  memset(e->secret, 0, sizeof e->secret);
  e->before = (uint32_t)log->n_older;
  return true;
}

static bool add_secret(struct qp_keylog *log, struct qp_secrets *e, int name, const uint8_t *data,
                       size_t len) {
  for (const struct qp_secrets *s = e; s; s = qp_keylog_before(log, s))
    if (is_secret(&s->secret[name], data, len)) /* the other end said it, or the file did */
      return true;
  if (e->secret[name].len && !put_behind(log, e))
    return false;
  e->secret[name].len = (uint8_t)len;
  memcpy(e->secret[name].data, data, len);
  return true;
}

/* False: not a line of a key log. Labels that QUIC does not need are fine. */
static bool add_line(struct qp_keylog *log, const char *p, const char *end) {
  while (end > p && (end[-1] == '\r' || end[-1] == ' '))
    end--;
  if (p == end || *p == '#')
    return true;
  const char *label_end = memchr(p, ' ', (size_t)(end - p));
  const char *random = label_end ? label_end + 1 : NULL;
  const char *random_end = random ? memchr(random, ' ', (size_t)(end - random)) : NULL;
  uint8_t r[32], s[QP_SECRET_MAX];
  if (!random_end || qp_unhex(random, (size_t)(random_end - random), r, sizeof r) != 32)
    return false;
  size_t len = qp_unhex(random_end + 1, (size_t)(end - random_end - 1), s, sizeof s);
  if (!len)
    return false;
  for (int i = 0; i < QP_SECRET_COUNT; i++) {
    size_t n = strlen(labels[i]);
    if ((size_t)(label_end - p) != n || memcmp(p, labels[i], n) != 0)
      continue;
    if (len != 32 && len != 48) /* SHA-256 or SHA-384 */
      return false;
    struct qp_secrets *e = entry(log, r);
    return e && add_secret(log, e, i, s, len);
  }
  return true;
}

/* One line at this place of its text. */
static void take_line(struct qp_keylog *log, const char *p, const char *end, uint64_t number,
                      uint64_t at) {
  if (add_line(log, p, end) || log->bad_lines++)
    return;
  log->bad_line = number;
  log->bad_at = at;
}

void qp_keylog_add(struct qp_keylog *log, const char *text, size_t len) {
  const char *begin = text, *end = text + len;
  for (uint64_t number = 1; text < end; number++) {
    const char *nl = memchr(text, '\n', (size_t)(end - text));
    const char *stop = nl ? nl : end;
    take_line(log, text, stop, number, (uint64_t)(text - begin));
    text = nl ? nl + 1 : end;
  }
}

int qp_keylog_load(struct qp_keylog *log, const char *path, char *err, size_t err_len) {
  FILE *f = fopen(path, "r");
  if (!f) {
    if (errno == ENOENT)
      return 1;
    snprintf(err, err_len, "%s: %s", path, strerror(errno));
    return -1;
  }
  char *line = NULL;
  size_t room = 0;
  ssize_t got;
  uint64_t at = 0, number = 1;
  for (; (got = getline(&line, &room, f)) > 0; at += (uint64_t)got, number++)
    take_line(log, line, line + got - (line[got - 1] == '\n'), number, at);
  free(line);
  fclose(f);
  return 0;
}

const struct qp_secrets *qp_keylog_find(const struct qp_keylog *log, const uint8_t random[32]) {
  uint32_t at = log->n ? *place(log, random) : 0;
  return at ? &log->entries[at - 1] : NULL;
}

const struct qp_secrets *qp_keylog_before(const struct qp_keylog *log, const struct qp_secrets *s) {
  return s->before ? &log->older[s->before - 1] : NULL;
}

void qp_keylog_clear(struct qp_keylog *log) {
  free(log->entries);
  free(log->older);
  free(log->index);
  memset(log, 0, sizeof *log);
}
