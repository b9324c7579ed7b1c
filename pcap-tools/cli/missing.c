#include "pcap-tools/cli/missing.h"

#include <stdio.h>

bool qp_missing_is(const struct qp_seen *s) {
  return !s->opened && s->header->pn_at != 0;
}

static enum qp_secret_name secret_of(enum qp_type type, unsigned side) {
  if (type == QP_0RTT)
    return QP_SECRET_CLIENT_EARLY;
  if (type == QP_HANDSHAKE)
    return side == QP_CLIENT ? QP_SECRET_CLIENT_HANDSHAKE : QP_SECRET_SERVER_HANDSHAKE;
  return side == QP_CLIENT ? QP_SECRET_CLIENT_APP : QP_SECRET_SERVER_APP;
}

const char *qp_missing_label(enum qp_type type, unsigned side) {
  return type == QP_INITIAL ? NULL : qp_secret_label(secret_of(type, side));
}

enum qp_missing_why qp_missing_why(const struct qp_keylog *keylog, const struct qp_seen *s) {
  const struct qp_hello *hello = &s->conn->hello;
  if (s->udp->cut)
    return QP_MISSING_BYTES;
  if (s->header->type == QP_INITIAL)
    return QP_MISSING_INITIAL;
  if (!hello->client_hello)
    return QP_MISSING_RANDOM;
  if (hello->suite && !qp_suite_known(hello->suite))
    return QP_MISSING_CIPHER;
  const struct qp_secrets *secrets = qp_keylog_find(keylog, hello->random);
  bool there = secrets && secrets->secret[secret_of(s->header->type, s->side)].len;
  return there ? QP_MISSING_FITTING : QP_MISSING_SECRET;
}

const char *qp_missing_text(enum qp_missing_why why, const struct qp_conn *conn, enum qp_type type,
                            unsigned side, char text[QP_MISSING_TEXT]) {
  char random[65] = "";
  const char *label = qp_missing_label(type, side);
  for (int i = 0; i < 32; i++)
    snprintf(random + 2 * i, 3, "%02x", conn->hello.random[i]);
  switch (why) {
  case QP_MISSING_SECRET:
    snprintf(text, QP_MISSING_TEXT, "no %s for client random %s", label, random);
    break;
  case QP_MISSING_FITTING:
    snprintf(text, QP_MISSING_TEXT, "the %s for client random %s does not open them", label,
             random);
    break;
  case QP_MISSING_RANDOM:
    snprintf(text, QP_MISSING_TEXT, "no ClientHello in the capture, so no %s can be looked up",
             label);
    break;
  case QP_MISSING_CIPHER:
    snprintf(text, QP_MISSING_TEXT, "cipher suite %#06x is not known to quicpcap",
             conn->hello.suite);
    break;
  case QP_MISSING_BYTES:
    snprintf(text, QP_MISSING_TEXT, "the capture kept only the front of the packets");
    break;
  default:
    snprintf(text, QP_MISSING_TEXT, "Initial packets that are damaged or forged");
  }
  return text;
}
