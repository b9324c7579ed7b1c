/* Which packets a person asked for: --conn, --from, --number, --stream, --frame,
 * --since, --until. Times count from the first QUIC packet of the capture.
 *
 * Order of calls: qp_select_take() for each option of the command line, then
 * qp_select_start() at the first packet, then the questions. */
#ifndef FANBENCH_PCAP_CLI_SELECT_H
#define FANBENCH_PCAP_CLI_SELECT_H

#include "pcap-tools/track/tracker.h"

enum qp_select_by {
  QP_BY_CONN = 1,
  QP_BY_FROM = 2,
  QP_BY_NUMBER = 4,
  QP_BY_STREAM = 8,
  QP_BY_FRAME = 16,
  QP_BY_SINCE = 32,
  QP_BY_UNTIL = 64,
  QP_BY_TIME = QP_BY_SINCE | QP_BY_UNTIL,
  QP_BY_ALL = 127,
};

/* Zero-initialised = everything. */
struct qp_select {
  unsigned given; /* set of enum qp_select_by; a member counts only with its bit */
  uint64_t conn, stream;
  unsigned from;
  uint64_t number_lo, number_hi; /* both included */
  const char *frame;             /* as qp_frame_name(), any case */
  uint64_t since_ns, until_ns;   /* since included, until not */
  bool started;
  uint64_t start_ns;
};

/* Takes the value of one option; by: one bit of enum qp_select_by. NULL, or what was
 * expected. */
const char *qp_select_take(struct qp_select *s, unsigned by, const char *value);

/* Only the first call counts. */
void qp_select_start(struct qp_select *s, uint64_t time_ns);
bool qp_select_conn(const struct qp_select *s, const struct qp_conn *conn);
bool qp_select_side(const struct qp_select *s, unsigned side);
bool qp_select_time(const struct qp_select *s, uint64_t time_ns);
/* By connection, sender, number and time. */
bool qp_select_packet(const struct qp_select *s, const struct qp_seen *seen);
/* By stream and frame type. */
bool qp_select_frame(const struct qp_select *s, const struct qp_quic_frame *frame);
/* True if one of the packet's frames is chosen, or frames do not matter. */
bool qp_select_any_frame(const struct qp_select *s, const struct qp_seen *seen);

#endif
