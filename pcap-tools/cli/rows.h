/* Rows for people and for programs: one row is either a line of a table or one JSON
 * object. The cells are given once. A table fits its terminal: a text that is longer than its
 * column loses its middle ("highl~track-9"), a line that is longer than the terminal its end
 * (a "+" stands there). Where the output is no terminal nothing is lost.
 *
 * Order of calls: qp_rows_open(), then for each row qp_rows_begin(), cells in
 * the order of the columns, extras (JSON only), qp_rows_end(). */
#ifndef FANBENCH_PCAP_CLI_ROWS_H
#define FANBENCH_PCAP_CLI_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct qp_column {
  const char *title; /* of the table */
  const char *key;   /* of the JSON member */
  int width;         /* least; negative: aligned to the left; the last column takes the rest */
};

struct qp_rows {
  FILE *to;
  bool json;
  unsigned line_width; /* 0: never cut */
  const struct qp_column *columns;
  size_t n_columns, at;
  char line[4096];
  size_t len;
};

void qp_rows_open(struct qp_rows *r, FILE *to, bool json, const struct qp_column *columns,
                  size_t n);
void qp_rows_begin(struct qp_rows *r);
void qp_rows_text(struct qp_rows *r, const char *text);
void qp_rows_number(struct qp_rows *r, uint64_t number);
/* Nothing to say: "-", in JSON null. */
void qp_rows_none(struct qp_rows *r);
/* Seconds with nine digits, as text. */
void qp_rows_seconds(struct qp_rows *r, uint64_t ns);
/* A member that only the JSON form has. */
void qp_rows_extra_text(struct qp_rows *r, const char *key, const char *text);
void qp_rows_extra_number(struct qp_rows *r, const char *key, uint64_t number);
void qp_rows_extra_none(struct qp_rows *r, const char *key);
void qp_rows_extra_bool(struct qp_rows *r, const char *key, bool value);
void qp_rows_extra_texts(struct qp_rows *r, const char *key, const char *const *texts, size_t n);
void qp_rows_end(struct qp_rows *r);

/* Width to cut lines to: COLUMNS, or the terminal's; 0 if `to` is no terminal. */
unsigned qp_rows_width(FILE *to);
/* Writes a JSON string with its quotes. Bytes that are no UTF-8 become "?". */
void qp_rows_json_string(FILE *to, const char *text);

#endif
