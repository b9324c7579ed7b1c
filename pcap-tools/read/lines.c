#include "pcap-tools/read/lines.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap-tools/read/hex.h"

struct qp_lines {
  FILE *f;
  char *path;
  char *buffer;
  size_t room;
  uint64_t number;
  bool cut;
};

int qp_lines_open(const char *path, struct qp_lines **out, char *err, size_t err_len) {
  struct qp_lines *l = calloc(1, sizeof *l);
  if (!l || !(l->path = strdup(path))) {
    free(l);
    snprintf(err, err_len, "%s: no memory", path);
    return -1;
  }
  l->f = fopen(path, "r");
  if (!l->f) {
    int missing = errno == ENOENT;
    if (!missing)
      snprintf(err, err_len, "%s: %s", path, strerror(errno));
    qp_lines_close(l);
    return missing ? 1 : -1;
  }
  setvbuf(l->f, NULL, _IOFBF, 1 << 18);
  *out = l;
  return 0;
}

int qp_lines_next(struct qp_lines *l, struct qp_line *line, char *err, size_t err_len) {
  for (;;) {
    ssize_t got = getline(&l->buffer, &l->room, l->f);
    if (got <= 0)
      return 0;
    l->number++;
    if (l->buffer[got - 1] != '\n') {
      l->cut = true;
      return 0;
    }
    if (got == 1)
      continue;
    line->number = l->number;
    if (qp_line_parse(l->buffer, (size_t)got, line))
      return 1;
    snprintf(err, err_len, "%s:%llu: expected one JSON object of at most %d members, found: %.60s",
             l->path, (unsigned long long)l->number, QP_LINE_FIELDS, l->buffer);
    return -1;
  }
}

bool qp_lines_cut(const struct qp_lines *l) {
  return l->cut;
}

void qp_lines_close(struct qp_lines *l) {
  if (!l)
    return;
  if (l->f)
    fclose(l->f);
  free(l->buffer);
  free(l->path);
  free(l);
}

/* ---- one line ---------------------------------------------------------- */

struct text {
  const char *p, *end;
};

static void blank(struct text *t) {
  while (t->p < t->end && (*t->p == ' ' || *t->p == '\t' || *t->p == '\n' || *t->p == '\r'))
    t->p++;
}

static bool string(struct text *t, struct qp_slice *s) {
  if (t->p == t->end || *t->p != '"')
    return false;
  s->p = ++t->p;
  while (t->p < t->end && *t->p != '"')
    t->p += *t->p == '\\' && t->end - t->p > 1 ? 2 : 1;
  if (t->p >= t->end)
    return false;
  s->len = (size_t)(t->p++ - s->p);
  return true;
}

/* An array or object, stepped over; strings inside may hold brackets. */
static bool nested(struct text *t, struct qp_slice *s) {
  int depth = 0;
  s->p = t->p;
  while (t->p < t->end) {
    struct qp_slice skip;
    char c = *t->p;
    if (c == '"') {
      if (!string(t, &skip))
        return false;
      continue;
    }
    t->p++;
    if (c == '[' || c == '{')
      depth++;
    else if ((c == ']' || c == '}') && --depth == 0) {
      s->len = (size_t)(t->p - s->p);
      return true;
    }
  }
  return false;
}

static bool value(struct text *t, struct qp_line_field *f) {
  if (t->p == t->end)
    return false;
  char c = *t->p;
  if (c == '"') {
    f->type = '"';
    return string(t, &f->value);
  }
  if (c == '[' || c == '{') {
    f->type = c;
    return nested(t, &f->value);
  }
  f->type = c == '-' || (c >= '0' && c <= '9') ? '0' : 'w';
  f->value.p = t->p;
  while (t->p < t->end && !strchr(",}] \t\r\n", *t->p))
    t->p++;
  f->value.len = (size_t)(t->p - f->value.p);
  return f->value.len > 0;
}

bool qp_line_parse(const char *text, size_t len, struct qp_line *line) {
  struct text t = {text, text + len};
  line->n = 0;
  blank(&t);
  if (t.p == t.end || *t.p++ != '{')
    return false;
  blank(&t);
  if (t.p < t.end && *t.p == '}')
    return true;
  for (;;) {
    if (line->n == QP_LINE_FIELDS)
      return false;
    struct qp_line_field *f = &line->fields[line->n];
    blank(&t);
    if (!string(&t, &f->key))
      return false;
    blank(&t);
    if (t.p == t.end || *t.p++ != ':')
      return false;
    blank(&t);
    if (!value(&t, f))
      return false;
    line->n++;
    blank(&t);
    if (t.p == t.end)
      return false;
    char c = *t.p++;
    if (c == '}')
      break;
    if (c != ',')
      return false;
  }
  blank(&t);
  return t.p == t.end;
}

const struct qp_line_field *qp_line_get(const struct qp_line *line, const char *key) {
  size_t len = strlen(key);
  for (size_t i = 0; i < line->n; i++) {
    const struct qp_line_field *f = &line->fields[i];
    if (f->key.len == len && !memcmp(f->key.p, key, len))
      return f;
  }
  return NULL;
}

bool qp_line_is(const struct qp_line *line, const char *key, const char *text) {
  const struct qp_line_field *f = qp_line_get(line, key);
  return f && f->type == '"' && f->value.len == strlen(text) &&
         !memcmp(f->value.p, text, f->value.len);
}

bool qp_line_u64(const struct qp_line *line, const char *key, uint64_t *value_out) {
  const struct qp_line_field *f = qp_line_get(line, key);
  uint64_t v = 0;
  if (!f || f->type != '0')
    return false;
  for (size_t i = 0; i < f->value.len; i++) {
    char c = f->value.p[i];
    if (c < '0' || c > '9' || __builtin_mul_overflow(v, 10, &v) ||
        __builtin_add_overflow(v, (uint64_t)(c - '0'), &v))
      return false;
  }
  *value_out = v;
  return true;
}

const char *qp_line_text(const struct qp_line *line, const char *key, char *text, size_t size) {
  const struct qp_line_field *f = qp_line_get(line, key);
  text[0] = 0;
  if (!f || f->type != '"')
    return text;
  if (!memchr(f->value.p, '\\', f->value.len)) {
    snprintf(text, size, "%.*s", (int)f->value.len, f->value.p);
    return text;
  }
  /* the quotes stand around the slice */
  json_t *v = json_loadb(f->value.p - 1, f->value.len + 2, JSON_DECODE_ANY, NULL);
  if (v)
    snprintf(text, size, "%s", json_string_value(v));
  json_decref(v);
  return text;
}

size_t qp_line_hex(const struct qp_line *line, const char *key, uint8_t *bytes, size_t size) {
  const struct qp_line_field *f = qp_line_get(line, key);
  return f && f->type == '"' ? qp_unhex(f->value.p, f->value.len, bytes, size) : 0;
}
