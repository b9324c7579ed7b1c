/* NODE-objects.jsonl of an endpoint: what the publisher published and the
 * subscriber's application got. Times are CLOCK_MONOTONIC nanoseconds. */
#ifndef FANBENCH_PCAP_READ_OBJECTS_LOG_H
#define FANBENCH_PCAP_READ_OBJECTS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QP_NO_SUBGROUP UINT64_MAX

/* Track names as small numbers, shared by all logs of a run. */
struct qp_names {
  char **items;
  size_t n, room;
};
void qp_names_clear(struct qp_names *names);

struct qp_log_object {
  uint64_t t;
  uint64_t waited; /* published: so long, up to t, for a stream that the peer did not allow yet */
  uint32_t track;
  uint32_t session;                 /* delivered: number of "connected" lines in front of it */
  uint64_t group, subgroup, object; /* subgroup QP_NO_SUBGROUP: null in the log */
  uint64_t size, hash;
  int priority;
  bool datagram; /* delivered only */
  uint64_t line;
};

/* A SUBSCRIBE_OK as the subscriber saw it. */
struct qp_log_subscribed {
  uint64_t t, until; /* until: the session's end as logged; UINT64_MAX = not logged */
  uint32_t track, session;
  bool has_largest;
  bool behind; /* it ended with TOO_FAR_BEHIND */
  uint64_t largest_group, largest_object;
  uint64_t line;
};

/* A connection the endpoint made. */
struct qp_log_session {
  uint64_t t;
  uint8_t odcid[20];
  uint8_t odcid_len;
};

struct qp_objects_log {
  char *file; /* relative to the run directory */
  struct qp_log_object *published, *delivered;
  size_t n_published, published_room, n_delivered, delivered_room;
  struct qp_log_subscribed *subscribed;
  size_t n_subscribed, subscribed_room;
  struct qp_log_session *sessions;
  size_t n_sessions, sessions_room;
  bool cut; /* the last line is not whole */
};

/* Reads DIR/FILE. Returns 0; 1 if there is no such file; -1 with a message. */
int qp_objects_log_load(const char *dir, const char *file, struct qp_names *names,
                        struct qp_objects_log *log, char *err, size_t err_len);
void qp_objects_log_clear(struct qp_objects_log *log);

#endif
