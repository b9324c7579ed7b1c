/* What a side may send and has sent by flow control: MAX_DATA against the sum of the
 * largest offsets, MAX_STREAM_DATA of each stream, MAX_STREAMS of one-way streams (media opens
 * no others); RFC 9000 4.1, 4.6.
 * Limits are those that had reached the sender, transport parameters first.
 *
 * It also remembers when the sender was stopped by a limit: less than one datagram left
 * of a stream's, or of the connection's beyond a reserve for what is no media; or no
 * stream left. A sender that reaches a limit which has been raised, but may not have read
 * so, is stopped for no time: such a stop ends when it was raised, before it begins.
 *
 * Order of calls: qp_credit_begin() once the peer's parameters are known, then sent
 * and allowed as packets pass. Zero-initialised = not begun. */
#ifndef FANBENCH_PCAP_CHECK_CREDIT_H
#define FANBENCH_PCAP_CHECK_CREDIT_H

#include "pcap-tools/track/conn.h"

struct qp_credit_stream {
  uint64_t end, limit;
};

/* What stops: a stream's own ID, or one of these. */
#define QP_CREDIT_DATA    UINT64_MAX
#define QP_CREDIT_STREAMS (UINT64_MAX - 1)

/* Raised limits that the sender may not have read yet: about a packet of them. */
#define QP_CREDIT_RAISES 8

struct qp_credit {
  bool begun;
  uint64_t sum, max_data, reserve;
  uint64_t max_streams, opened; /* one-way ones */
  struct qp_map at;             /* stream -> index */
  struct qp_credit_stream *streams;
  size_t n, room;
  struct qp_stop {
    uint64_t what, from_ns, to_ns; /* to_ns UINT64_MAX: for ever */
  } * stops;
  size_t n_stops, stops_room;
  struct qp_raise {
    uint64_t what, from, at_ns; /* from: the limit before */
  } raises[QP_CREDIT_RAISES];   /* the latest ones */
  size_t n_raises;              /* all there ever were: modulo the ring's size the next place */
  struct qp_map stop_of;        /* what -> index of the last one */
};

/* False: the handshake that would tell the limits of `side` could not be read. */
bool qp_credit_begin(struct qp_credit *c, const struct qp_conn *conn, unsigned side);
/* Bytes up to `end` of that stream left `side`, or a reset with this final size (RFC 9000 4.5), which
 * opens it as well (4.6). */
void qp_credit_sent(struct qp_credit *c, const struct qp_conn *conn, unsigned side, uint64_t id,
                    uint64_t end, uint64_t now_ns);
/* A frame of the peer of `side` reached it; others than limits change nothing. */
void qp_credit_allowed(struct qp_credit *c, const struct qp_conn *conn, unsigned side,
                       const struct qp_quic_frame *f, uint64_t now_ns);
/* Since when it had been free at that time: 0 = it was never stopped before, UINT64_MAX = it was
 * stopped then. */
uint64_t qp_credit_free_since(const struct qp_credit *c, uint64_t what, uint64_t time_ns);
void qp_credit_clear(struct qp_credit *c);

#endif
