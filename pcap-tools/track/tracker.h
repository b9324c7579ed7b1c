/* From captured frames to connections: the judge's engine.
 *
 * Order of calls: qp_tracker_new(), qp_tracker_watch() for each watcher,
 * qp_tracker_frame() for every frame in order of time, qp_tracker_finish(), then
 * the connections may be looked at; qp_tracker_free().
 *
 * Watchers see each packet once for each set of vantages it counts for, in the
 * order of the capture: first datagram(), then for each QUIC packet in it
 * packet(), then frame() for each of its frames after the state has taken it in. */
#ifndef FANBENCH_PCAP_TRACK_TRACKER_H
#define FANBENCH_PCAP_TRACK_TRACKER_H

#include "pcap-tools/track/session.h"

/* A packet whose number was seen leaving before, against the packet of then. */
enum qp_again {
  QP_AGAIN_UNKNOWN,   /* too long ago to tell */
  QP_AGAIN_SAME,      /* the same bytes */
  QP_AGAIN_OTHER,     /* other bytes under the same key */
  QP_AGAIN_OTHER_KEY, /* a key update lies between them */
};

/* One QUIC packet. */
struct qp_seen {
  struct qp_place place;
  const struct qp_udp *udp;
  struct qp_conn *conn;
  unsigned side;  /* who sent it */
  unsigned views; /* set of enum qp_view */
  struct qp_header *header;
  enum qp_space space;
  bool opened;
  /* the rest only if opened */
  bool null_protected;
  uint32_t generation; /* 1-RTT: key updates before this packet's key */
  uint8_t first;       /* first byte, unprotected */
  unsigned pn_len;
  uint64_t pn;
  const uint8_t *payload;
  size_t len;
  bool repeated;          /* SENT: the number was seen leaving before */
  bool same_close;        /* SENT: repeated, and an identical CONNECTION_CLOSE */
  enum qp_again again;    /* valid if repeated */
  uint64_t earlier_frame; /* repeated: number of that frame; 0 = not known */
  bool any_acked;         /* SENT: some number of the space is acknowledged */
  uint64_t largest_acked; /* by ACKs that had reached the sender */
};

/* What a frame did. */
struct qp_effect {
  /* STREAM, RESET_STREAM, STOP_SENDING: the half it is about; NULL if that is given up */
  struct qp_half *half;
  uint64_t fresh;  /* STREAM, SENT: bytes never sent before */
  uint64_t growth; /* SENT: by how much its largest offset rose */
  struct qp_overlap overlap;
  bool other_final; /* another final size than before, or data behind it */
  uint64_t final_was;
  bool not_opened;          /* about a stream of the peer that it never opened */
  const char *bad_datagram; /* DATAGRAM: not legal MoQT, and why */
};

/* A frame's kind as a bit; all from 63 on share the last one. */
#define QP_KIND(kind) ((uint64_t)1 << ((kind) < 63 ? (kind) : 63))

struct qp_watcher {
  void *arg;
  uint64_t kinds; /* frames that frame() wants: QP_KIND()s; 0 = all */
  /* conn may be NULL: no connection is known for the datagram. */
  void (*datagram)(void *arg, struct qp_place place, const struct qp_udp *udp, struct qp_conn *conn,
                   unsigned views);
  void (*packet)(void *arg, const struct qp_seen *seen);
  void (*frame)(void *arg, const struct qp_seen *seen, struct qp_quic_frame *frame,
                const struct qp_effect *effect);
  /* A datagram that leads to no connection. */
  void (*stranger)(void *arg, struct qp_place place, const struct qp_udp *udp);
  /* The datagram, header or payload cannot be read further. */
  void (*malformed)(void *arg, const struct qp_seen *seen, const char *why);
};

struct qp_counts {
  uint64_t frames, udp, fragments, malformed_ip, other;
  uint64_t packets, opened; /* QUIC packets at their senders' interfaces */
  uint64_t strangers;       /* UDP datagrams of no known connection */
  uint64_t resets;          /* stateless resets */
};

struct qp_tracker;

/* Numbers of a connection that are copies, or NULL; asked when it appears. */
typedef const struct qp_ranges *qp_fast_fn(void *arg, const struct qp_cid *odcid);
/* Whether a connection's 1-RTT packets are null-protected: 0 no, 1 yes, -1 not known. */
typedef int qp_null_fn(void *arg, const struct qp_tuple *tuple);
/* Whether the client, who sends on this 4-tuple, is a relay. */
typedef bool qp_relay_fn(void *arg, const struct qp_tuple *tuple);

/* Whether the server of that 4-tuple of a client began again between these times, the last
 * included: what it knew of its connections is gone. */
typedef bool qp_reborn_fn(void *arg, const struct qp_tuple *tuple, uint64_t after_ns,
                          uint64_t until_ns);

struct qp_tracker_config {
  const struct qp_keylog *keylog; /* must outlive the tracker */
  qp_fast_fn *fast;               /* may be NULL */
  qp_null_fn *null_protection;    /* may be NULL */
  qp_relay_fn *relay_client;      /* may be NULL */
  qp_reborn_fn *reborn;           /* may be NULL */
  void *arg;
  size_t held_max; /* bytes of finished streams kept for comparison; 0 = 8 MiB */
};

struct qp_tracker *qp_tracker_new(const struct qp_tracker_config *config);
void qp_tracker_watch(struct qp_tracker *t, const struct qp_watcher *watcher);
/* Before the first frame: objects go to fn, and streams of which nothing is left to ask
 * are given up. Without it both are kept for ever. */
void qp_tracker_pass_on(struct qp_tracker *t, qp_object_fn *fn, void *arg);
/* Before the first frame. */
void qp_tracker_listen(struct qp_tracker *t, const struct qp_moq_ears *ears);
void qp_tracker_frame(struct qp_tracker *t, const struct qp_frame *frame);
void qp_tracker_finish(struct qp_tracker *t);
void qp_tracker_free(struct qp_tracker *t);

struct qp_conn *const *qp_tracker_conns(const struct qp_tracker *t, size_t *n);
/* The first connection whose client chose that ID for its first packet, or what the server's next
 * process made of it; NULL: none did. */
const struct qp_conn *qp_tracker_conn_of(const struct qp_tracker *t, const struct qp_cid *odcid);
const struct qp_tracks *qp_tracker_tracks(const struct qp_tracker *t);
const struct qp_counts *qp_tracker_counts(const struct qp_tracker *t);

#endif
