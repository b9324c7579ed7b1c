#include "pcap-tools/track/misfit.h"

bool qp_misfit_find(const struct qp_conn *c, const struct qp_keylog *keylog, struct qp_misfit *m) {
  static const enum qp_secret_name names[2][2] = {
      {QP_SECRET_CLIENT_HANDSHAKE, QP_SECRET_CLIENT_APP},
      {QP_SECRET_SERVER_HANDSHAKE, QP_SECRET_SERVER_APP}};
  const struct qp_secrets *s =
      c->hello.client_hello ? qp_keylog_find(keylog, c->hello.random) : NULL;
  for (unsigned i = 0; s && i < 4; i++) {
    unsigned side = i & 1;
    enum qp_space space = i < 2 ? QP_SPACE_HANDSHAKE : QP_SPACE_APP;
    const struct qp_numbers *n = &c->numbers[side][space];
    enum qp_secret_name name = names[side][space == QP_SPACE_APP];
    if (!n->closed.frame || n->sent.n || !s->secret[name].len)
      continue;
    *m = (struct qp_misfit){c, side, name, n->closed};
    return true;
  }
  return false;
}
