/* From stream bytes to MoQT: control messages, subgroup headers, objects. Fed
 * from the server's interface: what reached it of the client's streams, what it
 * sent on its own. Where the client is a relay too, objects of the server are read a
 * second time, as they reach it. Only bytes without a hole in front of them are read. */
#ifndef FANBENCH_PCAP_TRACK_FEED_H
#define FANBENCH_PCAP_TRACK_FEED_H

#include "pcap-tools/track/session.h"

/* Reads on after new bytes, a FIN or a reset. frame_end: offset behind the frame that brought them;
 * what follows it had come before. end_before: behind all that was sent before that frame. */
void qp_feed_half(struct qp_conn *conn, struct qp_half *half, struct qp_tracks *tracks,
                  uint64_t frame_end, uint64_t end_before, struct qp_place place);
/* One DATAGRAM frame; list: the side that sent it, or QP_FAR; late_pn: see qp_object. NULL, or why
 * it is not legal MoQT. */
const char *qp_feed_datagram(struct qp_conn *conn, unsigned list, const uint8_t *data, size_t len,
                             struct qp_place place, uint64_t late_pn);

/* True if nothing of it will be read any more. */
bool qp_feed_idle(const struct qp_half *half);
/* A piece of it never came: what follows cannot be read. */
void qp_feed_give_up(struct qp_half *half);
/* True when all of a finished half is read. */
bool qp_feed_done(const struct qp_conn *conn, const struct qp_half *half);

#endif
