/* JSON text in a buffer that grows: objects, arrays, members, in the order of the calls.
 * Numbers are written from integers only, so that no digit is lost.
 *
 * Zero-initialised = empty. The caller closes what it opens; qp_json_free() at the end. */
#ifndef FANBENCH_PCAP_QLOG_JSON_H
#define FANBENCH_PCAP_QLOG_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qp_json {
  char *p; /* not ended by a zero */
  size_t len, room;
  bool comma; /* a value stands in front of the next one */
};

/* Forgets the text, keeps the room. */
static inline void qp_json_clear(struct qp_json *j) {
  j->len = 0;
  j->comma = false;
}
void qp_json_free(struct qp_json *j);

/* Bytes as they are. */
void qp_json_raw(struct qp_json *j, const char *text, size_t len);
/* bracket: '{' or '['. key: of a member; NULL in an array and at the start. */
void qp_json_open(struct qp_json *j, const char *key, char bracket);
void qp_json_close(struct qp_json *j, char bracket); /* '}' or ']' */

/* key as above. */
/* Above 2^53-1, what a double holds without loss, the digits stand in a string. */
void qp_json_number(struct qp_json *j, const char *key, uint64_t value);
/* value / 10^places with all its digits, e.g. (1500000, 6) "1.500000". */
void qp_json_decimal(struct qp_json *j, const char *key, uint64_t value, unsigned places);
/* Bytes that are no printing ASCII are escaped as Unicode of the same number. */
void qp_json_text(struct qp_json *j, const char *key, const char *text);
void qp_json_text_bytes(struct qp_json *j, const char *key, const uint8_t *text, size_t len);
void qp_json_hex(struct qp_json *j, const char *key, const uint8_t *bytes, size_t len);
void qp_json_bool(struct qp_json *j, const char *key, bool value);
/* A member whose value is complete JSON already. */
void qp_json_member(struct qp_json *j, const char *key, const struct qp_json *value);

#endif
