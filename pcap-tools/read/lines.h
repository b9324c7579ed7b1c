/* JSON Lines, fast: one flat object a line, its members as slices of the line.
 * Run directories hold hundreds of thousands of such lines; values that nobody
 * asks for are only stepped over.
 *
 * Order of calls: qp_lines_open(), qp_lines_next() until it is not 1,
 * qp_lines_close(). Slices are valid until the next call. A last line without
 * newline is what a killed process leaves: it is skipped and `cut` is set. */
#ifndef FANBENCH_PCAP_READ_LINES_H
#define FANBENCH_PCAP_READ_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QP_LINE_FIELDS 32

struct qp_slice {
  const char *p;
  size_t len;
};

struct qp_line_field {
  struct qp_slice key, value; /* a string's value is without its quotes, escapes not undone */
  char type;                  /* '"' string, '0' number, 'w' true false null, '[' '{' */
};

struct qp_line {
  uint64_t number; /* from 1 */
  struct qp_line_field fields[QP_LINE_FIELDS];
  size_t n;
};

struct qp_lines;

/* Returns 0; 1 if there is no such file; -1 with a message. */
int qp_lines_open(const char *path, struct qp_lines **out, char *err, size_t err_len);
/* 1: *line is set; 0: the end; -1: not a JSON object, message with file and line. */
int qp_lines_next(struct qp_lines *lines, struct qp_line *line, char *err, size_t err_len);
bool qp_lines_cut(const struct qp_lines *lines);
void qp_lines_close(struct qp_lines *lines);

/* Parses one object; false if it is none or has more than QP_LINE_FIELDS members. */
bool qp_line_parse(const char *text, size_t len, struct qp_line *line);

/* The member, or NULL. */
const struct qp_line_field *qp_line_get(const struct qp_line *line, const char *key);
/* True if the member is the string `text`. */
bool qp_line_is(const struct qp_line *line, const char *key, const char *text);
/* False, *value unchanged, if the member is absent or no unsigned integer. */
bool qp_line_u64(const struct qp_line *line, const char *key, uint64_t *value);
/* A string with its escapes undone, cut to `size`; "" if absent or no string. */
const char *qp_line_text(const struct qp_line *line, const char *key, char *text, size_t size);
/* A string of hex digits as bytes; the number of bytes, 0 if it is none or too long. */
size_t qp_line_hex(const struct qp_line *line, const char *key, uint8_t *bytes, size_t size);

#endif
