/* NSS key log: client random -> secrets. RFC 9850. From a file (keys.log) or
 * from a capture's Decryption Secrets Blocks. Later lines win over earlier
 * ones, which are kept behind them: a server that began again answers the same
 * ClientHello with other secrets. The table owns its entries. */
#ifndef FANBENCH_PCAP_DECRYPT_KEYLOG_H
#define FANBENCH_PCAP_DECRYPT_KEYLOG_H

#include "pcap-tools/decrypt/keys.h"

enum qp_secret_name {
  QP_SECRET_CLIENT_EARLY,
  QP_SECRET_CLIENT_HANDSHAKE,
  QP_SECRET_SERVER_HANDSHAKE,
  QP_SECRET_CLIENT_APP,
  QP_SECRET_SERVER_APP,
  QP_SECRET_COUNT
};

struct qp_secrets {
  uint8_t random[32];
  struct qp_secret secret[QP_SECRET_COUNT];
  uint32_t before; /* place in `older`, from 1, of what later lines won over; 0: none */
};

struct qp_keylog {
  struct qp_secrets *entries;
  size_t n, room;
  struct qp_secrets *older;
  size_t n_older, older_room;
  uint32_t *index; /* of entries, by the random's first bytes: twice `room` places, 0 = free */
  /* lines that are neither comment nor LABEL RANDOM SECRET; the first of them: its
   * number, from 1, and its offset in the text it came with */
  uint64_t bad_lines, bad_line, bad_at;
};

const char *qp_secret_label(enum qp_secret_name name); /* "CLIENT_TRAFFIC_SECRET_0" */

void qp_keylog_add(struct qp_keylog *log, const char *text, size_t len);
/* Bad lines are counted, not refused. Returns 0; 1 if there is no such file; -1 with a
 * message. */
int qp_keylog_load(struct qp_keylog *log, const char *path, char *err, size_t err_len);
const struct qp_secrets *qp_keylog_find(const struct qp_keylog *log, const uint8_t random[32]);
/* The same random's secrets before these; NULL: none. */
const struct qp_secrets *qp_keylog_before(const struct qp_keylog *log, const struct qp_secrets *s);
void qp_keylog_clear(struct qp_keylog *log);

#endif
