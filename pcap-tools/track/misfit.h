/* Secrets that are among the keys and open nothing: those of another connection, or of
 * another cipher. Looked for when all packets have passed. */
#ifndef FANBENCH_PCAP_TRACK_MISFIT_H
#define FANBENCH_PCAP_TRACK_MISFIT_H

#include "pcap-tools/track/conn.h"

struct qp_misfit {
  const struct qp_conn *conn;
  unsigned side;
  enum qp_secret_name secret;
  struct qp_place first; /* the first packet that it ought to have opened */
};

/* The first one of the connection. False: none. */
bool qp_misfit_find(const struct qp_conn *conn, const struct qp_keylog *keylog,
                    struct qp_misfit *misfit);

#endif
