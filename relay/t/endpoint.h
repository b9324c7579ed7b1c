/* A small MoQT endpoint for tests of the relay in memory: publishes known bytes,
 * checks what it receives against them. */
#ifndef FANBENCH_RELAY_T_ENDPOINT_H
#define FANBENCH_RELAY_T_ENDPOINT_H

#include "relay/moqt/session.h"
#include "relay/quic/conn.h"
#include "relay/t/memnet.h"

#define ENDPOINT_GROUPS 4096

struct endpoint {
  struct qc *qc;
  struct moqt_session *session;
  struct qc_tls *tls;
  struct memnet *net;
  bool established, closed;
  struct qc_close_info close;
  /* publisher */
  bool announced, subscribed;
  uint64_t asked, withdrawn; /* SUBSCRIBEs, and how many of them were cancelled */
  int64_t request;           /* also a subscriber's own */
  uint64_t datagrams_sent, streams_sent;
  /* subscriber */
  bool answered, refused, done;
  uint64_t alias, largest, done_streams, done_status;
  bool has_largest;
  uint64_t streams, datagrams, wrong, resets, duplicates;
  uint64_t resets_unnamed; /* before a byte of the stream: whose it was cannot be told */
  uint64_t reset_code;     /* of the last one */
  uint8_t seen_stream[ENDPOINT_GROUPS], seen_datagram[ENDPOINT_GROUPS];
  uint64_t first_group;
};

struct endpoint_limits {
  uint64_t max_data, max_stream_data, max_streams;
  uint8_t cid_len;
  enum qc_cipher cipher;
};

/* Dials server from local; registered with the network. */
struct endpoint *endpoint_new(struct memnet *net, struct qc_addr local, struct qc_addr server,
                              enum qc_protection protection, const struct endpoint_limits *limits);
void endpoint_free(struct endpoint *e);

void endpoint_announce(struct endpoint *e);
/* priority_max: PRIORITY_FILTER 0..priority_max; 255 = none. Track "video" of publisher "pub". */
void endpoint_subscribe(struct endpoint *e, unsigned priority_max);
/* With an OBJECT_DELIVERY_TIMEOUT; 0 = none. */
void endpoint_subscribe_timed(struct endpoint *e, unsigned priority_max, uint64_t timeout_ms);
/* REQUEST_UPDATE with PRIORITY_FILTER 0..priority_max. */
void endpoint_limit(struct endpoint *e, unsigned priority_max);
void endpoint_unsubscribe(struct endpoint *e);
/* Data streams that have begun here and not ended, by FIN or reset. */
unsigned endpoint_open_streams(const struct endpoint *e);

/* One stream a group: object 0 with `size` bytes. */
void endpoint_publish_stream(struct endpoint *e, uint64_t group, uint8_t priority, size_t size);
void endpoint_publish_datagram(struct endpoint *e, uint64_t group, uint8_t priority, size_t size);
void endpoint_publish_done(struct endpoint *e);

#endif
