#include <stdarg.h>

#include "pcap-tools/cli/gaps.h"
#include "pcap-tools/cli/telling.h"
#include "pcap-tools/track/codes.h"

enum { TEXT = 900 };

struct text {
  char at[TEXT];
  size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *x, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(x->at + x->len, TEXT - x->len, format, args);
  va_end(args);
  x->len = n > 0 && x->len + (size_t)n < TEXT ? x->len + (size_t)n : TEXT - 1;
}

static void identity(struct qp_telling *t, const struct qp_story *y) {
  const struct qp_conn *c = t->conn;
  const struct qp_hello *h = &c->hello;
  char suite[QP_CODE_TEXT];
  struct text x = {.len = 0};
  uint32_t version = y->version ? y->version : c->version;
  if (version == QP_VERSION_1 || version == QP_VERSION_2)
    add(&x, "QUIC version %d", version == QP_VERSION_1 ? 1 : 2);
  else
    add(&x, "QUIC version %#x", version);
  if (h->alpn_chosen[0])
    add(&x, ", protocol %s", h->alpn_chosen);
  else if (h->alpn[0])
    add(&x, ", protocol %s offered", h->alpn);
  if (h->sni[0])
    add(&x, ", server name %s", h->sni);
  if (h->suite)
    add(&x, ", %s", qp_code_suite(h->suite, suite));
  if (c->null_protection == 1)
    add(&x, ", 1-RTT packets without protection");
  if (y->handshake_ns)
    add(&x, ". The handshake took %llu.%03llu ms", U(y->handshake_ns / 1000000),
        U(y->handshake_ns / 1000 % 1000));
  qp_tell(t, QP_FINE, "connection", c->first, "%s.", x.at);
}

static void one_side(const struct qp_telling *t, const struct qp_story *y, unsigned side,
                     struct text *x) {
  const struct qp_ranges *sent = &t->conn->numbers[side][QP_SPACE_APP].sent;
  const struct qp_ranges *acked = &y->acked[side];
  const struct qp_answers *a = &y->answers[side];
  uint64_t first = 0, largest = acked->n ? acked->spans[acked->n - 1].hi : 0;
  uint64_t lost = acked->n ? qp_gap_count(sent, acked, largest, &first) : 0;
  uint64_t of = qp_ranges_count(sent);
  add(x, "%s %llu packet%s (%llu bytes)", qp_side_name(side), U(t->conn->packets[side]),
      qp_plural(t->conn->packets[side]), U(y->bytes[side]));
  if (lost && of)
    add(x, ", %llu of them never acknowledged (%llu.%llu %%)", U(lost), U(lost * 100 / of),
        U(lost * 1000 / of % 10));
  if (y->resent[side].bytes)
    add(x, ", %llu bytes of streams sent again", U(y->resent[side].bytes));
  if (a->n)
    add(x, ", acknowledged after %llu.%03llu ms at best and %llu.%03llu ms on average",
        U(a->best_ns / 1000000), U(a->best_ns / 1000 % 1000), U(a->sum_ns / a->n / 1000000),
        U(a->sum_ns / a->n / 1000 % 1000));
}

static void traffic(struct qp_telling *t, const struct qp_story *y) {
  const struct qp_conn *c = t->conn;
  uint64_t ns = c->last.time_ns - c->first.time_ns;
  struct text x = {.len = 0};
  add(&x, "In %llu.%03llu s: ", U(ns / 1000000000), U(ns / 1000000 % 1000));
  one_side(t, y, QP_CLIENT, &x);
  add(&x, "; ");
  one_side(t, y, QP_SERVER, &x);
  qp_tell(t, QP_FINE, "traffic", qp_nowhere, "%s.", x.at);
}

void qp_tell_facts(struct qp_telling *t) {
  const struct qp_story *y = qp_story_of(&t->stories, t->conn);
  identity(t, y);
  traffic(t, y);
}
