#include "pcap-tools/cli/telling.h"
#include "pcap-tools/track/codes.h"

/* What an error of the transport says, in words: RFC 9000 20.1 and the section behind it;
 * TLS alerts RFC 8446 6.2 behind 0x100. "The other side" is who gets the close. */
static const struct meaning {
  uint64_t code;
  const char *words;
} meanings[] = {
    {0x01, "It had to give up for a reason of its own; only its log knows."},
    {0x02, "It takes no connection now: overload, or a rule of its own."},
    {0x03, "The other side sent more data than it was allowed (RFC 9000 4.1)."},
    {0x04, "The other side opened more streams than it was allowed (RFC 9000 4.6)."},
    {0x05,
     "The other side sent a frame that the stream's state forbids, such as data on a stream "
     "that only its peer may send on (RFC 9000 3, 19)."},
    {0x06, "The other side gave a stream two ends, or sent data behind its end (RFC 9000 4.5)."},
    {0x07, "A frame of the other side cannot be read (RFC 9000 12.4)."},
    {0x08, "The other side's transport parameters are not legal (RFC 9000 7.4, 18)."},
    {0x09, "The other side issued more connection IDs than it was allowed (RFC 9000 5.1.1)."},
    {0x0a,
     "The other side broke a rule that has no code of its own, such as to acknowledge a "
     "packet that was never sent (RFC 9000 13.1)."},
    {0x0b, "The token of the client's Initial packet is not valid (RFC 9000 8.1.3)."},
    {0x0c, "The application gave up while the handshake was under way (RFC 9000 10.2.3)."},
    {0x0d, "The other side's handshake messages came too far out of order (RFC 9000 7.5)."},
    {0x0e, "The other side updated its keys when it may not (RFC 9001 6)."},
    {0x0f,
     "The keys have protected all the packets they may (RFC 9001 6.6): one has to update "
     "keys in time."},
    {0x10, "No network path works any more (RFC 9000 9)."},
    {0x128, "The two have no cipher suite, key exchange group or signature algorithm in common."},
    {0x12a, "It does not accept the other side's certificate."},
    {0x12b, "It cannot use the other side's kind of certificate."},
    {0x12c, "The other side's certificate is revoked."},
    {0x12d, "The other side's certificate has expired, or a clock is wrong."},
    {0x12e, "It does not accept the other side's certificate."},
    {0x12f, "The other side's handshake message has a value that cannot be."},
    {0x130,
     "It does not know who signed the other side's certificate: install that authority, or "
     "use another certificate."},
    {0x132, "It cannot read the other side's handshake message."},
    {0x133, "A signature or a Finished message of the other side is wrong."},
    {0x146, "The other side offers no TLS 1.3 (RFC 9001 4.2)."},
    {0x150,
     "Its TLS stack gave up. A server does so, for one, when it has no certificate for the "
     "name that the client asks for; its log says more."},
    {0x16d,
     "The other side left out what it must say; in QUIC often the transport parameters "
     "(RFC 9001 8.2)."},
    {0x170, "It does not serve the name that the client asks for (SNI)."},
    {0x174, "It wants a certificate of the client, and got none."},
    {0x178,
     "The two have no application protocol in common (ALPN, RFC 9001 8.1): configure one "
     "that both speak."},
};

static const char *meaning_of(const struct qp_close *z) {
  for (size_t i = 0; !z->application && i < sizeof meanings / sizeof *meanings; i++)
    if (meanings[i].code == z->code)
      return meanings[i].words;
  return z->application ? "The application has decided so; what the code means is its own."
                        : "The code stands in no RFC that this program knows.";
}

/* What the two had to agree about. */
static void offers(const struct qp_conn *c, const struct qp_close *z, char *text, size_t len) {
  text[0] = 0;
  if (z->application || z->code < 0x100)
    return;
  if (z->code == 0x178)
    snprintf(text, len, " The client offers \"%s\"%s.", c->hello.alpn,
             c->hello.alpn[0] ? " first" : "");
  else if (z->code == 0x150 || z->code == 0x170)
    snprintf(text, len, " The client asks for \"%s\".", c->hello.sni);
}

static void tell_error(struct qp_telling *t, const struct qp_story *y, unsigned side) {
  const struct qp_conn *c = t->conn;
  const struct qp_close *z = &c->close[side];
  char code[QP_CODE_TEXT], offered[320], where[QP_PLACE_TEXT], before[QP_PLACE_TEXT + 128] = "";
  qp_code_close(c, z, code);
  offers(c, z, offered, sizeof offered);
  if (y->before_close[!side].frame)
    snprintf(before, sizeof before, " What the %s sent last before it is %s: look there first.",
             qp_side_name(!side), qp_place_text(t, y->before_close[!side], where));
  qp_tell(t, QP_WRONG_LEVEL, "close", z->at,
          "The %s closed the connection with %s error %s%s%s%s. %s%s%s", qp_side_name(side),
          z->application ? "application" : "transport", code, z->reason[0] ? ", saying \"" : "",
          z->reason, z->reason[0] ? "\"" : "", meaning_of(z), offered, before);
}

/* ---- without a word -------------------------------------------------------------- */

static void tell_no_close(struct qp_telling *t) {
  const struct qp_conn *c = t->conn;
  uint64_t client = c->hello.client.max_idle_ms, server = c->hello.server.max_idle_ms;
  uint64_t idle = client && (!server || client < server) ? client : server;
  uint64_t rest = t->stories.end_ns > c->last.time_ns ? t->stories.end_ns - c->last.time_ns : 0;
  if (idle && rest / 1000000 >= idle)
    qp_tell(
        t, QP_NOTE, "close", c->last,
        "Nobody closed the connection: this is its last packet, and the idle timeout of %llu ms "
        "passed. Both sides gave it up silently (RFC 9000 10.1).",
        U(idle));
  else
    qp_tell(t, QP_NOTE, "close", c->last,
            "Nobody closed the connection in this capture: it was idle, abandoned, or the capture "
            "ends before. This is its last packet; the capture goes on for %llu.%03llu s.",
            U(rest / 1000000000), U(rest / 1000000 % 1000));
}

void qp_tell_end(struct qp_telling *t, const struct qp_story *y) {
  const struct qp_conn *c = t->conn;
  bool any = false;
  for (unsigned side = 0; side < 2; side++) {
    const struct qp_close *z = &c->close[side];
    any |= z->seen;
    if (!z->seen)
      continue;
    if (qp_code_is_no_error(c, z))
      qp_tell(t, QP_FINE, "close", z->at, "The %s closed the connection without error.",
              qp_side_name(side));
    else
      tell_error(t, y, side);
  }
  if (c->reset.frame)
    qp_tell(t, QP_NOTE, "close", c->reset,
            "A stateless reset (RFC 9000 10.3): whoever sent it does not know the connection any "
            "more. It was restarted, or gave the connection up.");
  else if (!any && c->unopened[0] + c->unopened[1] == 0)
    tell_no_close(t);
}
