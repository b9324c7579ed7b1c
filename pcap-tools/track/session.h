/* MoQT control messages turned into requests and subscriptions of a connection.
 * Times are those at the server's interface. */
#ifndef FANBENCH_PCAP_TRACK_SESSION_H
#define FANBENCH_PCAP_TRACK_SESSION_H

#include "pcap-tools/track/conn.h"

/* Full track names seen on any connection; a track's index is the same on all.
 * Zero-initialised = empty. */
struct qp_tracks {
  struct qp_track {
    uint8_t *full; /* namespace and name as on the wire */
    size_t full_len;
    char *name; /* the track name alone, as text */
  } * items;
  size_t n, room;
};

void qp_tracks_clear(struct qp_tracks *tracks);

/* A whole message that `side` sent on a request stream. */
void qp_session_message(struct qp_conn *conn, struct qp_tracks *tracks, unsigned side,
                        uint64_t stream, const struct qp_moq_message *m, struct qp_place place);
/* STOP_SENDING or a reset by `side` on a bidirectional stream. */
void qp_session_cancel(struct qp_conn *conn, unsigned side, uint64_t stream, struct qp_place place);

/* The subscription that uses this alias at that time, or the last one before
 * it; requests of `asker` only. NULL: no such alias. */
struct qp_request *qp_session_alias(const struct qp_conn *conn, unsigned asker, uint64_t alias,
                                    uint64_t time_ns);

/* Does the filter admit the publisher priority? */
bool qp_filter_admits(const struct qp_filter *filter, int priority);
/* Did the subscription ever have a delivery timeout? Then objects may be dropped. */
bool qp_request_times_out(const struct qp_request *request);
/* The first location a subscription is entitled to (LOCATION_FILTER against
 * LARGEST_OBJECT; an empty track counts as starting at group 0). */
struct qp_location qp_request_start(const struct qp_request *request);
/* True if the location is behind the filter's end. */
bool qp_filter_past_end(const struct qp_filter *filter, struct qp_location at);

#endif
