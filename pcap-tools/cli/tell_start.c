#include "pcap-tools/cli/telling.h"
#include "pcap-tools/track/codes.h"

/* ---- the handshake --------------------------------------------------------------- */

/* Which of its steps (RFC 9001 4) the capture shows. */
static void tell_unfinished(struct qp_telling *t, const struct qp_story *y) {
  const struct qp_conn *c = t->conn;
  uint64_t theirs = y->types[QP_SERVER][QP_HANDSHAKE], ours = y->types[QP_CLIENT][QP_HANDSHAKE];
  const char *why =
      !c->hello.server_hello
          ? "the server never sent a ServerHello. Does it wait for the rest of the ClientHello, or "
            "for its own back end?"
      : !theirs ? "the server said ServerHello, and nothing in Handshake packets: they are lost in "
                  "front of the capture, or stopped by the anti-amplification limit (RFC 9000 8.1)"
      : !ours   ? "the server sent its certificate, and the client answered nothing to it: the "
                  "server's packets do not reach it (their size, a firewall), or it gave up silently"
              : "the client answered the server's certificate, and sent no 1-RTT packet: it waits, "
                "or its last flight was lost";
  qp_tell(t, QP_WRONG_LEVEL, "handshake", y->last[QP_SERVER].frame ? y->last[QP_SERVER] : c->last,
          "The handshake did not complete: %s. Seen are ClientHello%s, %llu Handshake packet%s of "
          "the server and %llu of the client. The server's last packet is here.",
          why, c->hello.server_hello ? ", ServerHello" : "", U(theirs), qp_plural(theirs), U(ours));
}

/* One side broke the handshake off, and said why. */
static bool is_refused(const struct qp_conn *c, const struct qp_story *y) {
  return !y->handshake_ns &&
         ((c->close[0].seen && c->close[0].code) || (c->close[1].seen && c->close[1].code));
}

void qp_tell_handshake(struct qp_telling *t, const struct qp_story *y) {
  const struct qp_conn *c = t->conn;
  if (y->version_negotiation.n)
    qp_tell(t, QP_WRONG_LEVEL, "handshake", y->version_negotiation.first,
            "The server does not speak the client's QUIC version %#x and answered with Version "
            "Negotiation; the client has to try again with a version from that list (RFC 9000 6). "
            "If it does not, they have no version in common.",
            y->version);
  if (y->other_version.n)
    qp_tell(t, QP_NOTE, "handshake", y->other_version.first,
            "%llu packet%s of a QUIC version that quicpcap does not read (it reads 1 and 2).",
            U(y->other_version.n), qp_plural(y->other_version.n));
  if (y->retry.n)
    qp_tell(t, QP_NOTE, "handshake", y->retry.first,
            "The server sent a Retry: it wanted proof of the client's address first, which costs "
            "one round trip (RFC 9000 8.1.2).");
  if (y->handshake_ns)
    qp_tell(t, QP_FINE, "handshake", c->first, "The handshake took %llu.%03llu ms.",
            U(y->handshake_ns / 1000000), U(y->handshake_ns / 1000 % 1000));
  else if (!c->packets[QP_SERVER])
    qp_tell(t, QP_WRONG_LEVEL, "handshake", c->first,
            "The server never answered: %llu packet%s of the client and none of the server. Is it "
            "running, is the port right, does a firewall drop UDP? A capture at the server shows "
            "whether they arrive.",
            U(c->packets[QP_CLIENT]), qp_plural(c->packets[QP_CLIENT]));
  else if (is_refused(c, y))
    qp_tell(t, QP_WRONG_LEVEL, "handshake", c->first,
            "The handshake failed: no 1-RTT packet of the client. Why stands in the close below.");
  else if (!y->version_negotiation.n)
    tell_unfinished(t, y);
}

/* ---- packets that stay closed ------------------------------------------------------ */

/* All secrets that are not there, or do not fit, in one sentence. */
static void tell_secrets(struct qp_telling *t, const struct qp_story *y, enum qp_missing_why why) {
  char list[256] = "", random[65] = "";
  uint64_t n = 0;
  size_t len = 0, known = t->evidence->keylog.n;
  struct qp_place first = qp_nowhere;
  for (unsigned k = 0; k < 2 * QP_TYPE_COUNT; k++) {
    enum qp_type type = (enum qp_type)(k / 2);
    const struct qp_happened *h = &y->missing[why][k % 2][type];
    const char *label = qp_missing_label(type, k % 2);
    if (!h->n || !label)
      continue;
    if (!n || h->first.time_ns < first.time_ns)
      first = h->first;
    n += h->n;
    len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", label);
  }
  for (int i = 0; i < 32; i++)
    snprintf(random + 2 * i, 3, "%02x", t->conn->hello.random[i]);
  uint64_t all = t->conn->packets[0] + t->conn->packets[1];
  if (n && why == QP_MISSING_FITTING)
    qp_tell(
        t, QP_WRONG_LEVEL, "keys", first,
        "%llu of %llu packets could not be opened: the key log has %s for client random %s, and "
        "they do not fit. It was changed or cut, two were mixed, or the packets are damaged. "
        "Take the log that the client or the server wrote in this very run (SSLKEYLOGFILE).",
        U(n), U(all), list, random);
  else if (n)
    qp_tell(t, is_refused(t->conn, y) ? QP_NOTE : QP_WRONG_LEVEL, "keys", first,
            "%llu of %llu packets could not be opened: no %s for client random %s is known%s. Let "
            "either end write a key log (SSLKEYLOGFILE) and give it with --keys FILE.",
            U(n), U(all), list, random,
            known ? ", only secrets of other connections: the key log is that of another run, or "
                    "was begun too late"
                  : "");
}

void qp_tell_missing(struct qp_telling *t, const struct qp_story *y) {
  static const char *const advice[QP_MISSING_WHYS] = {
      [QP_MISSING_RANDOM] = " Start the capture before the connection.",
      [QP_MISSING_BYTES] = " Capture without a snap length (tcpdump -s 0)."};
  char why[QP_MISSING_TEXT];
  tell_secrets(t, y, QP_MISSING_SECRET);
  tell_secrets(t, y, QP_MISSING_FITTING);
  for (int w = QP_MISSING_FITTING + 1; w < QP_MISSING_WHYS; w++)
    for (unsigned k = 0; k < 2 * QP_TYPE_COUNT; k++) {
      enum qp_type type = (enum qp_type)(k / 2);
      const struct qp_happened *h = &y->missing[w][k % 2][type];
      if (!h->n)
        continue;
      qp_missing_text((enum qp_missing_why)w, t->conn, type, k % 2, why);
      qp_tell(t, QP_WRONG_LEVEL, "keys", h->first,
              "%llu %s packet%s of the %s could not be opened: %s.%s", U(h->n), qp_type_name(type),
              qp_plural(h->n), qp_side_name(k % 2), why, advice[w] ? advice[w] : "");
    }
}
