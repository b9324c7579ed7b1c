#include "pcap-tools/dissect/packet.h"

#include <stdio.h>

static void take_cid(struct qp_cur *c, struct qp_cid *cid) {
  uint8_t len = qp_u8(c);
  if (len > QP_CID_MAX)
    c->bad = true;
  const uint8_t *p = qp_take(c, len);
  cid->len = p ? len : 0;
  if (cid->len)
    memcpy(cid->data, p, len);
}

/* Everything behind the version in an Initial, 0-RTT or Handshake packet. */
static bool numbered(struct qp_cur *c, struct qp_header *h, const char **why) {
  if (h->type == QP_INITIAL) {
    uint64_t len = qp_varint(c);
    h->token = qp_take(c, len);
    h->token_len = h->token ? (size_t)len : 0;
  }
  uint64_t len = qp_varint(c);
  h->pn_at = (size_t)(c->p - h->start);
  qp_take(c, len);
  if (c->bad) {
    *why = "the header or its Length reaches behind the datagram";
    return false;
  }
  if (len < 4 + QP_TAG_LEN) { /* no room for the sample, RFC 9001 5.4.2 */
    *why = "Length leaves no room for a sample";
    return false;
  }
  return true;
}

bool qp_header_long(struct qp_cur *c, struct qp_header *h, const char **why) {
  static const enum qp_type v1[4] = {QP_INITIAL, QP_0RTT, QP_HANDSHAKE, QP_RETRY},
                            v2[4] = {QP_RETRY, QP_INITIAL, QP_0RTT, QP_HANDSHAKE};
  memset(h, 0, sizeof *h);
  h->start = c->p;
  uint8_t first = qp_u8(c);
  h->version = qp_u32(c);
  take_cid(c, &h->dcid);
  take_cid(c, &h->scid);
  if (c->bad) {
    *why = "the long header is cut, or a connection ID has over 20 bytes";
    return false;
  }
  bool good = true;
  const enum qp_type *types = h->version == QP_VERSION_2 ? v2 : v1;
  if (!qp_version_known(h->version)) {
    h->type = h->version ? QP_OTHER_VERSION : QP_VERSION_NEGOTIATION;
    qp_take(c, qp_left(c));
  } else if ((h->type = types[first >> 4 & 3]) == QP_RETRY) {
    good = qp_left(c) >= QP_TAG_LEN;
    *why = "a Retry without its 16-byte tag";
    h->token = c->p;
    h->token_len = good ? qp_left(c) - QP_TAG_LEN : 0;
    qp_take(c, qp_left(c));
  } else {
    good = numbered(c, h, why);
  }
  h->len = (size_t)(c->p - h->start);
  return good;
}

bool qp_header_short(struct qp_cur *c, uint8_t cid_len, struct qp_header *h, const char **why) {
  memset(h, 0, sizeof *h);
  h->type = QP_1RTT;
  h->start = c->p;
  h->len = qp_left(c);
  qp_u8(c);
  const uint8_t *cid = qp_take(c, cid_len);
  if (cid && cid_len <= QP_CID_MAX) {
    h->dcid.len = cid_len;
    memcpy(h->dcid.data, cid, cid_len);
  }
  h->pn_at = 1 + (size_t)cid_len;
  if (c->bad || h->len < h->pn_at + 4 + QP_TAG_LEN) {
    *why = "too short for a connection ID, a packet number and a tag";
    return false;
  }
  qp_take(c, qp_left(c));
  return true;
}

const char *qp_type_name(enum qp_type type) {
  static const char *const names[QP_TYPE_COUNT] = {
      "Initial", "0-RTT", "Handshake", "Retry", "1-RTT", "Version Negotiation", "other version"};
  return type < QP_TYPE_COUNT ? names[type] : "?";
}

const char *qp_space_name(enum qp_space space) {
  static const char *const names[QP_SPACE_COUNT] = {"Initial", "Handshake", "application data"};
  return space < QP_SPACE_COUNT ? names[space] : "?";
}

enum qp_space qp_space_of(enum qp_type type) {
  return type == QP_INITIAL     ? QP_SPACE_INITIAL
         : type == QP_HANDSHAKE ? QP_SPACE_HANDSHAKE
                                : QP_SPACE_APP;
}

uint64_t qp_pn_expand(uint64_t truncated, unsigned pn_len, uint64_t largest, bool any) {
  uint64_t expected = any ? largest + 1 : 0;
  uint64_t window = (uint64_t)1 << (8 * pn_len), half = window / 2;
  uint64_t candidate = (expected & ~(window - 1)) | truncated;
  if (expected >= half && candidate <= expected - half && candidate < ((uint64_t)1 << 62) - window)
    return candidate + window;
  if (candidate > expected + half && candidate >= window)
    return candidate - window;
  return candidate;
}

const char *qp_cid_text(const struct qp_cid *cid, char text[QP_CID_TEXT]) {
  snprintf(text, QP_CID_TEXT, "(empty)");
  for (unsigned i = 0; i < cid->len && i < QP_CID_MAX; i++)
    snprintf(text + 2 * i, 3, "%02x", cid->data[i]);
  return text;
}
