/* What a relay wrote about one of its connections: copies and ledger, and from
 * when to when that is complete. */
#ifndef FANBENCH_PCAP_CHECK_RELAY_LOG_H
#define FANBENCH_PCAP_CHECK_RELAY_LOG_H

#include "pcap-tools/check/check.h"

struct qp_relay_log {
  bool asked;                          /* the rest is set */
  bool kept;                           /* the end is a relay whose datapath keeps a ledger */
  const struct qp_copies_conn *copies; /* NULL: the log does not name the connection */
  const struct qp_ledger_conn *ledger; /* the same */
  uint64_t from_ns, until_ns; /* in the captures' clock; a killed relay's last lines are lost */
};

/* Fills *log the first time for that end of the connection; log->kept afterwards. */
bool qp_relay_log(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side,
                  struct qp_relay_log *log);

static inline bool qp_relay_log_holds(const struct qp_relay_log *log, uint64_t time_ns) {
  return log->kept && time_ns >= log->from_ns && time_ns < log->until_ns;
}

/* The end of the connection that is this relay (index of the node); -1: neither, or it keeps
 * no ledger. */
int qp_relay_side(const struct qp_evidence *e, const struct qp_conn *conn, uint32_t relay);

#endif
