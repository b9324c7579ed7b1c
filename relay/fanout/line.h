/* One line of text on its way to a file, put together from pieces: printf, or a call of
 * stdio a piece, would be the dearest part of a simulation. A line longer than the room
 * goes out in parts. line_begin(), pieces, line_spill(). Errors stay with the file:
 * ferror(). One thread a file (the stdio calls take no lock). */
#ifndef FANBENCH_RELAY_FANOUT_LINE_H
#define FANBENCH_RELAY_FANOUT_LINE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "relay/quic/conn.h"

struct line {
  FILE *to;
  size_t len;
  char text[4096];
};

static inline void line_begin(struct line *line, FILE *to) {
  line->to = to;
  line->len = 0;
}

static inline void line_spill(struct line *line) {
  fwrite_unlocked(line->text, 1, line->len, line->to);
  line->len = 0;
}

/* n is below the room. */
static inline void line_bytes(struct line *line, const char *bytes, size_t n) {
  if (n > sizeof line->text - line->len)
    line_spill(line);
  memcpy(line->text + line->len, bytes, n);
  line->len += n;
}

/* Texts are names and literals, short of the room. */
static inline void line_put(struct line *line, const char *text) {
  line_bytes(line, text, strlen(text));
}

static inline void line_number(struct line *line, uint64_t value) {
  char digits[20], *at = digits + sizeof digits;
  do {
    *--at = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  line_bytes(line, at, (size_t)(digits + sizeof digits - at));
}

/* "text" and the number behind it. */
static inline void line_pair(struct line *line, const char *text, uint64_t value) {
  line_put(line, text);
  line_number(line, value);
}

static inline const char *line_hex(const struct qc_cid *cid, char out[41]) {
  static const char digits[] = "0123456789abcdef";
  for (unsigned i = 0; i < cid->len; i++) {
    out[2 * i] = digits[cid->data[i] >> 4];
    out[2 * i + 1] = digits[cid->data[i] & 15];
  }
  out[2 * cid->len] = '\0';
  return out;
}

#endif
