/* Why a packet stays closed: which secret opens it, and what is wrong with the
 * one at hand. */
#ifndef FANBENCH_PCAP_CLI_MISSING_H
#define FANBENCH_PCAP_CLI_MISSING_H

#include "pcap-tools/track/tracker.h"

enum qp_missing_why {
  QP_MISSING_SECRET,  /* not among the keys */
  QP_MISSING_FITTING, /* it is there and does not open the packet */
  QP_MISSING_RANDOM,  /* the ClientHello is not in the capture: nobody can look it up */
  QP_MISSING_CIPHER,  /* this program does not know the cipher */
  QP_MISSING_BYTES,   /* the capture cut the packet */
  QP_MISSING_INITIAL, /* an Initial packet needs none: it is damaged */
  QP_MISSING_WHYS
};

/* True: a packet with a number that was not opened. */
bool qp_missing_is(const struct qp_seen *seen);
enum qp_missing_why qp_missing_why(const struct qp_keylog *keylog, const struct qp_seen *seen);
/* "CLIENT_TRAFFIC_SECRET_0"; NULL: packets of this type need no logged secret. */
const char *qp_missing_label(enum qp_type type, unsigned side);
/* "the key log has no SERVER_TRAFFIC_SECRET_0 for client random 01ab..." */
#define QP_MISSING_TEXT 256
const char *qp_missing_text(enum qp_missing_why why, const struct qp_conn *conn, enum qp_type type,
                            unsigned side, char text[QP_MISSING_TEXT]);

#endif
