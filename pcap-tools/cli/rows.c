#include "pcap-tools/cli/rows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Narrower columns hold words that a reader has to see whole. */
enum { SHORTEST = 10 };

unsigned qp_rows_width(FILE *to) {
  struct winsize size;
  if (!isatty(fileno(to)))
    return 0;
  const char *columns = getenv("COLUMNS");
  long n = columns ? strtol(columns, NULL, 10) : 0;
  if (n > 20 && n < 4096)
    return (unsigned)n;
  return ioctl(fileno(to), TIOCGWINSZ, &size) || size.ws_col < 20 ? 80 : size.ws_col;
}

static void put(struct qp_rows *r, const char *text) {
  size_t n = strlen(text), room = sizeof r->line - 1 - r->len;
  n = n < room ? n : room;
  memcpy(r->line + r->len, text, n);
  r->len += n;
  r->line[r->len] = 0;
}

static void flush(struct qp_rows *r) {
  while (r->len && r->line[r->len - 1] == ' ')
    r->len--;
  if (r->line_width && r->len > r->line_width) {
    r->len = r->line_width - 1;
    put(r, "+"); /* more than fits */
  }
  r->line[r->len] = 0;
  fprintf(r->to, "%s\n", r->line);
}

static void pad(struct qp_rows *r, const char *text) {
  char cell[512];
  int width = r->columns[r->at].width;
  if (r->at + 1 == r->n_columns)
    width = 0;
  snprintf(cell, sizeof cell, "%*s", width, text);
  if (r->at)
    put(r, "  ");
  put(r, cell);
}

/* Takes the middle out of a text that is longer than `most`; at least 5. */
static void shorten(char *text, size_t most) {
  size_t len = strlen(text), back = (most - 1) / 2, front = most - 1 - back;
  if (len <= most)
    return;
  text[front] = '~';
  memmove(text + front + 1, text + len - back, back + 1);
}

static void pad_text(struct qp_rows *r, const char *text) {
  char cell[512];
  const struct qp_column *c = &r->columns[r->at];
  size_t most = (size_t)abs(c->width);
  if ((size_t)snprintf(cell, sizeof cell, "%s", text) >= sizeof cell)
    strcpy(cell + sizeof cell - 4, "...");
  if (r->line_width && r->at + 1 < r->n_columns && most >= SHORTEST)
    shorten(cell, most);
  pad(r, cell);
}

void qp_rows_open(struct qp_rows *r, FILE *to, bool json, const struct qp_column *columns,
                  size_t n) {
  *r = (struct qp_rows){
      .to = to, .json = json, .line_width = qp_rows_width(to), .columns = columns, .n_columns = n};
  if (json)
    return;
  for (; r->at < n; r->at++)
    pad(r, columns[r->at].title);
  flush(r);
}

void qp_rows_begin(struct qp_rows *r) {
  r->at = 0;
  r->len = 0;
  if (r->json)
    fputc('{', r->to);
}

void qp_rows_json_string(FILE *to, const char *text) {
  fputc('"', to);
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
    if (*p == '"' || *p == '\\')
      fprintf(to, "\\%c", *p);
    else if (*p < ' ')
      fprintf(to, "\\u%04x", *p);
    else
      fputc(*p < 0x7f ? *p : '?', to);
  }
  fputc('"', to);
}

static void member(struct qp_rows *r, const char *key) {
  if (r->len)
    fputc(',', r->to);
  r->len = 1; /* a member was written */
  qp_rows_json_string(r->to, key);
  fputc(':', r->to);
}

void qp_rows_text(struct qp_rows *r, const char *text) {
  if (r->json)
    qp_rows_extra_text(r, r->columns[r->at].key, text);
  else
    pad_text(r, text);
  r->at++;
}

void qp_rows_number(struct qp_rows *r, uint64_t number) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)number);
  if (r->json)
    qp_rows_extra_number(r, r->columns[r->at].key, number);
  else
    pad(r, text);
  r->at++;
}

void qp_rows_none(struct qp_rows *r) {
  if (r->json)
    qp_rows_extra_none(r, r->columns[r->at].key);
  else
    pad(r, "-");
  r->at++;
}

void qp_rows_seconds(struct qp_rows *r, uint64_t ns) {
  char text[40];
  snprintf(text, sizeof text, "%llu.%09llu", (unsigned long long)(ns / 1000000000u),
           (unsigned long long)(ns % 1000000000u));
  if (r->json)
    qp_rows_extra_text(r, r->columns[r->at].key, text);
  else
    pad(r, text);
  r->at++;
}

void qp_rows_extra_text(struct qp_rows *r, const char *key, const char *text) {
  if (!r->json)
    return;
  member(r, key);
  qp_rows_json_string(r->to, text);
}

void qp_rows_extra_number(struct qp_rows *r, const char *key, uint64_t number) {
  if (!r->json)
    return;
  member(r, key);
  fprintf(r->to, "%llu", (unsigned long long)number);
}

void qp_rows_extra_none(struct qp_rows *r, const char *key) {
  if (!r->json)
    return;
  member(r, key);
  fputs("null", r->to);
}

void qp_rows_extra_bool(struct qp_rows *r, const char *key, bool value) {
  if (!r->json)
    return;
  member(r, key);
  fputs(value ? "true" : "false", r->to);
}

void qp_rows_extra_texts(struct qp_rows *r, const char *key, const char *const *texts, size_t n) {
  if (!r->json)
    return;
  member(r, key);
  fputc('[', r->to);
  for (size_t i = 0; i < n; i++) {
    fputs(i ? "," : "", r->to);
    qp_rows_json_string(r->to, texts[i]);
  }
  fputc(']', r->to);
}

void qp_rows_end(struct qp_rows *r) {
  if (r->json)
    fputs("}\n", r->to);
  else
    flush(r);
}
