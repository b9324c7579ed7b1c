#include "pcap-tools/qlog/json.h"

#include <stdlib.h>
#include <string.h>

#include "pcap-tools/read/memory.h"

void qp_json_free(struct qp_json *j) {
  free(j->p);
  *j = (struct qp_json){0};
}

/* Room for n more bytes. */
static char *room(struct qp_json *j, size_t n) {
  if (j->room - j->len < n)
    qp_grow((void **)&j->p, &j->room, j->len + n, 1);
  return j->p + j->len;
}

void qp_json_raw(struct qp_json *j, const char *text, size_t len) {
  char *to = room(j, len + 1);
  memcpy(to, text, len);
  j->len += len;
}

static void byte(struct qp_json *j, char c) {
  *room(j, 1) = c;
  j->len++;
}

/* The comma and the key; a value follows. */
static void front(struct qp_json *j, const char *key) {
  if (j->comma)
    byte(j, ',');
  j->comma = true;
  if (!key)
    return;
  byte(j, '"');
  qp_json_raw(j, key, strlen(key));
  qp_json_raw(j, "\":", 2);
}

void qp_json_open(struct qp_json *j, const char *key, char bracket) {
  front(j, key);
  byte(j, bracket);
  j->comma = false;
}

void qp_json_close(struct qp_json *j, char bracket) {
  byte(j, bracket);
  j->comma = true;
}

/* At least `least` digits. */
static void digits(struct qp_json *j, uint64_t value, unsigned least) {
  char text[24];
  unsigned n = sizeof text;
  for (; value || least || n == sizeof text; value /= 10, least -= least > 0)
    text[--n] = (char)('0' + value % 10);
  qp_json_raw(j, text + n, sizeof text - n);
}

void qp_json_number(struct qp_json *j, const char *key, uint64_t value) {
  bool text = value > ((uint64_t)1 << 53) - 1;
  front(j, key);
  if (text)
    byte(j, '"');
  digits(j, value, 1);
  if (text)
    byte(j, '"');
}

void qp_json_decimal(struct qp_json *j, const char *key, uint64_t value, unsigned places) {
  uint64_t unit = 1;
  for (unsigned i = 0; i < places; i++)
    unit *= 10;
  front(j, key);
  digits(j, value / unit, 1);
  if (!places)
    return;
  byte(j, '.');
  digits(j, value % unit, places);
}

void qp_json_text(struct qp_json *j, const char *key, const char *text) {
  qp_json_text_bytes(j, key, (const uint8_t *)text, strlen(text));
}

void qp_json_text_bytes(struct qp_json *j, const char *key, const uint8_t *text, size_t len) {
  static const char hex[] = "0123456789abcdef";
  front(j, key);
  byte(j, '"');
  for (size_t i = 0; i < len; i++) {
    uint8_t c = text[i];
    if (c >= ' ' && c < 0x7f) {
      if (c == '"' || c == '\\')
        byte(j, '\\');
      byte(j, (char)c);
    } else {
      qp_json_raw(j, "\\u00", 4);
      byte(j, hex[c >> 4]);
      byte(j, hex[c & 15]);
    }
  }
  byte(j, '"');
}

void qp_json_hex(struct qp_json *j, const char *key, const uint8_t *bytes, size_t len) {
  static const char hex[] = "0123456789abcdef";
  front(j, key);
  char *to = room(j, 2 * len + 2);
  *to++ = '"';
  for (size_t i = 0; i < len; i++) {
    *to++ = hex[bytes[i] >> 4];
    *to++ = hex[bytes[i] & 15];
  }
  *to = '"';
  j->len += 2 * len + 2;
}

void qp_json_bool(struct qp_json *j, const char *key, bool value) {
  front(j, key);
  qp_json_raw(j, value ? "true" : "false", value ? 4 : 5);
}

void qp_json_member(struct qp_json *j, const char *key, const struct qp_json *value) {
  front(j, key);
  qp_json_raw(j, value->p, value->len);
}
