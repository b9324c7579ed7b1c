#include "bench/run/keylog.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS (64u << 20) /* bytes: 64 MiB are 80,000 connections */

static int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* LABEL RANDOM SECRET. False: it names no random. */
static bool parse(const char *line, size_t len, uint8_t random[HELLO_RANDOM]) {
  const char *space = memchr(line, ' ', len);
  const size_t at = space != NULL ? (size_t)(space - line) + 1 : len;
  if (line[0] == '#' || len - at < 2 * HELLO_RANDOM + 1 || line[at + 2 * HELLO_RANDOM] != ' ')
    return false;
  for (size_t i = 0; i < HELLO_RANDOM; i++) {
    const int high = digit(line[at + 2 * i]), low = digit(line[at + 2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    random[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static int compare(const void *a, const void *b) {
  const struct keylog_line *one = a, *other = b;
  const int order = memcmp(one->random, other->random, HELLO_RANDOM);
  if (order != 0)
    return order;
  return one->at < other->at ? -1 : one->at > other->at;
}

static int add_line(struct keylog *log, size_t *room, size_t at, size_t len) {
  if (log->n == *room) {
    *room = *room * 2 + 64;
    struct keylog_line *bigger = realloc(log->lines, *room * sizeof *bigger);
    if (bigger == NULL)
      return -1;
    log->lines = bigger;
  }
  struct keylog_line *line = &log->lines[log->n];
  line->at = at;
  line->len = len;
  log->n += parse(log->text + at, len, line->random);
  return 0;
}

static int index_lines(struct keylog *log) {
  size_t room = 0;
  for (size_t at = 0; at < log->len;) {
    const char *end = memchr(log->text + at, '\n', log->len - at);
    if (end == NULL) /* who wrote it was killed within the line */
      break;
    const size_t len = (size_t)(end - log->text) + 1 - at;
    if (add_line(log, &room, at, len) != 0)
      return -1;
    at += len;
  }
  if (log->n > 0)
    qsort(log->lines, log->n, sizeof *log->lines, compare);
  return 0;
}

static int read_text(struct keylog *log, FILE *from) {
  const long len = fseek(from, 0, SEEK_END) == 0 ? ftell(from) : -1;
  rewind(from);
  if (len < 0)
    return -1;
  if ((unsigned long)len > MAX_KEYS) {
    errno = EFBIG;
    return -1;
  }
  log->text = malloc((size_t)len + 1);
  if (log->text == NULL)
    return -1;
  log->len = fread(log->text, 1, (size_t)len, from);
  return ferror(from) ? -1 : 0;
}

int keylog_load(struct keylog *log, const char *dir, char *err, size_t err_len) {
  char *path = NULL;
  *log = (struct keylog){0};
  if (asprintf(&path, "%s/keys.log", dir) < 0) {
    snprintf(err, err_len, "no memory for a path");
    return -1;
  }
  FILE *from = fopen(path, "re");
  const bool none = from == NULL && errno == ENOENT;
  const bool ok = none || (from != NULL && read_text(log, from) == 0 && index_lines(log) == 0);
  if (!ok) {
    snprintf(err, err_len, "cannot read %s: %s", path, strerror(errno));
    keylog_free(log);
  }
  if (from != NULL)
    fclose(from);
  free(path);
  return ok ? 0 : -1;
}

void keylog_free(struct keylog *log) {
  free(log->text);
  free(log->lines);
  *log = (struct keylog){0};
}

/* ---- picking ------------------------------------------------------------------------------ */

/* The first line of this connection or a later one. */
static size_t find(const struct keylog *log, const uint8_t random[HELLO_RANDOM]) {
  size_t low = 0, high = log->n;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (memcmp(log->lines[middle].random, random, HELLO_RANDOM) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Whether an earlier line of the connection, from `first` on, is the same. */
static bool repeats(const struct keylog *log, size_t first, size_t i) {
  const struct keylog_line *line = &log->lines[i];
  for (size_t k = first; k < i; k++)
    if (log->lines[k].len == line->len &&
        memcmp(log->text + log->lines[k].at, log->text + line->at, line->len) == 0)
      return true;
  return false;
}

int keylog_pick(const struct keylog *log, const uint8_t (*randoms)[HELLO_RANDOM], size_t n,
                char **text, size_t *len) {
  *text = NULL;
  *len = 0;
  FILE *to = open_memstream(text, len);
  if (to == NULL)
    return -1;
  for (size_t r = 0; r < n; r++) {
    const size_t first = find(log, randoms[r]);
    for (size_t i = first;
         i < log->n && memcmp(log->lines[i].random, randoms[r], HELLO_RANDOM) == 0; i++)
      if (!repeats(log, first, i))
        fwrite(log->text + log->lines[i].at, log->lines[i].len, 1, to);
  }
  const int rc = ferror(to) ? -1 : 0;
  return fclose(to) == 0 ? rc : -1;
}
