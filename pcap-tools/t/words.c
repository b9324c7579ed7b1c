#include "pcap-tools/t/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool good, const char *what) {
  if (good)
    return;
  fprintf(stderr, "test builder: %s\n", what);
  abort();
}

struct word w_bytes(const void *data, size_t len) {
  struct word w = {.len = len};
  must(len <= WORD_MAX, "a word is too long");
  memcpy(w.b, data, len);
  return w;
}

struct word w_hex(const char *hex) {
  struct word w = {0};
  unsigned byte;
  for (; *hex; hex += *hex == ' ' ? 1 : 2) {
    if (*hex == ' ')
      continue;
    must(w.len < WORD_MAX && sscanf(hex, "%2x", &byte) == 1, "bad hex text");
    w.b[w.len++] = (uint8_t)byte;
  }
  return w;
}

static struct word big_endian(uint64_t v, size_t len) {
  struct word w = {.len = len};
  for (size_t i = 0; i < len; i++)
    w.b[i] = (uint8_t)(v >> (8 * (len - 1 - i)));
  return w;
}

struct word w_varint(uint64_t v) {
  unsigned log = v < 64 ? 0 : v < 16384 ? 1 : v < 1073741824 ? 2 : 3;
  struct word w = big_endian(v, (size_t)1 << log);
  w.b[0] |= (uint8_t)(log << 6);
  return w;
}

struct word w_vi64(uint64_t v) {
  size_t len = 1;
  while (len < 9 && (v >> (7 * len)) != 0)
    len++;
  struct word w = len < 9 ? big_endian(v, len) : JOIN(w_hex("ff"), big_endian(v, 8));
  w.b[0] |= (uint8_t)(0xff00u >> (len - 1));
  return w;
}

struct word w_join(const struct word *parts, size_t n) {
  struct word w = {0};
  for (size_t i = 0; i < n; i++) {
    must(w.len + parts[i].len <= WORD_MAX, "joined words are too long");
    memcpy(w.b + w.len, parts[i].b, parts[i].len);
    w.len += parts[i].len;
  }
  return w;
}

static struct word plain(const char *s) {
  return w_bytes(s, strlen(s));
}

struct word w_padding(size_t len) {
  struct word w = {.len = len};
  must(len <= WORD_MAX, "too much padding");
  return w;
}

struct word w_ping(void) {
  return w_hex("01");
}

struct word w_ack(uint64_t lo, uint64_t hi) {
  return JOIN(w_varint(2), w_varint(hi), w_varint(0), w_varint(0), w_varint(hi - lo));
}

struct word w_crypto(uint64_t off, struct word data) {
  return JOIN(w_varint(6), w_varint(off), w_varint(data.len), data);
}

struct word w_stream_of(uint64_t id, uint64_t off, struct word data, bool fin) {
  return JOIN(w_varint(fin ? 0x0f : 0x0e), w_varint(id), w_varint(off), w_varint(data.len), data);
}

struct word w_stream(uint64_t id, uint64_t off, const char *text) {
  return w_stream_of(id, off, plain(text), false);
}

struct word w_stream_fin(uint64_t id, uint64_t off, const char *text) {
  return w_stream_of(id, off, plain(text), true);
}

struct word w_datagram(struct word data) {
  return JOIN(w_varint(0x31), w_varint(data.len), data);
}

struct word w_reset(uint64_t id, uint64_t code, uint64_t final_size) {
  return JOIN(w_varint(4), w_varint(id), w_varint(code), w_varint(final_size));
}

struct word w_stop(uint64_t id, uint64_t code) {
  return w_frame2(5, id, code);
}

struct word w_close(uint64_t code) {
  return JOIN(w_varint(0x1c), w_varint(code), w_varint(0), w_varint(0));
}

struct word w_close_app(uint64_t code) {
  return JOIN(w_varint(0x1d), w_varint(code), w_varint(0));
}

struct word w_new_cid(uint64_t sequence, uint64_t prior_to, const void *cid, size_t len) {
  uint8_t n = (uint8_t)len;
  struct word token = {.len = 16};
  return JOIN(w_varint(0x18), w_varint(sequence), w_varint(prior_to), w_bytes(&n, 1),
              w_bytes(cid, len), token);
}

struct word w_retire(uint64_t sequence) {
  return w_frame1(0x19, sequence);
}

struct word w_challenge(uint64_t data) {
  return JOIN(w_varint(0x1a), big_endian(data, 8));
}

struct word w_response(uint64_t data) {
  return JOIN(w_varint(0x1b), big_endian(data, 8));
}

struct word w_frame1(uint64_t type, uint64_t value) {
  return JOIN(w_varint(type), w_varint(value));
}

struct word w_frame2(uint64_t type, uint64_t a, uint64_t b) {
  return JOIN(w_varint(type), w_varint(a), w_varint(b));
}

static struct word counted(const char *s) {
  return JOIN(w_vi64(strlen(s)), plain(s));
}

static struct word message(uint64_t type, struct word body) {
  return JOIN(w_vi64(type), big_endian(body.len, 2), body);
}

static struct word full_name(const char *track) {
  return JOIN(w_vi64(2), counted("fanbench"), counted("pub"), counted(track));
}

struct word m_subscribe(uint64_t request_id, const char *track, struct word params) {
  return message(0x03, JOIN(w_vi64(request_id), full_name(track), params));
}

struct word m_update(uint64_t request_id, struct word params) {
  return message(0x02, JOIN(w_vi64(request_id), params));
}

struct word m_subscribe_ok(uint64_t alias, struct word params) {
  return message(0x04, JOIN(w_vi64(alias), params));
}

struct word m_request_ok(void) {
  return message(0x07, p_none());
}

struct word m_done(uint64_t status, uint64_t streams) {
  return message(0x0b, JOIN(w_vi64(status), w_vi64(streams), w_vi64(0)));
}

struct word m_setup(void) {
  return message(0x2f00, w_hex("07 04 74622f31"));
}

struct word p_none(void) {
  return w_hex("00");
}
struct word p_next_group(void) {
  return w_hex("01 21 0100");
}
struct word p_limit(unsigned limit) {
  struct word value = JOIN(w_hex("00"), w_vi64(0), w_vi64(limit));
  return JOIN(w_hex("01 27"), w_vi64(value.len), value);
}
struct word p_next_group_limit(unsigned limit) {
  struct word value = JOIN(w_hex("00"), w_vi64(0), w_vi64(limit));
  return JOIN(w_hex("02 21 0100 06"), w_vi64(value.len), value);
}
struct word p_largest(uint64_t group, uint64_t object) {
  return JOIN(w_hex("01 09"), w_vi64(group), w_vi64(object));
}
struct word p_timeout(uint64_t ms) {
  return JOIN(w_hex("02 02"), w_vi64(ms), w_hex("1f 0100"));
}

struct word o_header(uint64_t alias, uint64_t group, uint64_t subgroup, uint8_t priority) {
  return JOIN(w_hex("14"), w_vi64(alias), w_vi64(group), w_vi64(subgroup), w_bytes(&priority, 1));
}

struct word o_object(uint64_t delta, const char *text) {
  if (!*text)
    return JOIN(w_vi64(delta), w_hex("00 00"));
  return JOIN(w_vi64(delta), counted(text));
}

struct word o_datagram(uint64_t alias, uint64_t group, uint64_t object, uint8_t priority,
                       const char *text) {
  return JOIN(w_hex("00"), w_vi64(alias), w_vi64(group), w_vi64(object), w_bytes(&priority, 1),
              plain(text));
}
