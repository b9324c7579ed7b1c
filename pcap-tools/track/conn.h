/* What the judge knows of one QUIC connection: IDs, keys, packet number spaces,
 * streams, objects, how it ended. Filled by the tracker, read by checks.
 *
 * Sides: 0 is the client, 1 the server; an array [2] is by the side that sends.
 *
 * Vantages. What a side *sent* is judged at the interface nearest to it, what
 * *reached* a side there too. Which capture that is follows from time: the file
 * that first shows a side sending on a 4-tuple is the nearest to it. With one
 * capture of a connection it serves both sides. Packets in other files (at a
 * router, or the far end) count for neither.
 *
 * Ownership: the tracker owns connections; pointers stay valid until it is
 * freed. Halves are reached through pointers that never move. */
#ifndef FANBENCH_PCAP_TRACK_CONN_H
#define FANBENCH_PCAP_TRACK_CONN_H

#include "pcap-tools/decrypt/keylog.h"
#include "pcap-tools/dissect/frame.h"
#include "pcap-tools/dissect/media.h"
#include "pcap-tools/dissect/moqt.h"
#include "pcap-tools/read/udp.h"
#include "pcap-tools/track/map.h"
#include "pcap-tools/track/ranges.h"
#include "pcap-tools/track/reassembly.h"
#include "pcap-tools/track/sendings.h"
#include "pcap-tools/track/sightings.h"

enum qp_side { QP_CLIENT, QP_SERVER };
/* Index of a third list of objects: what the server sent, as it reached the client. Only
 * where that is a relay too, which passes it on; empty if both ends are seen in one file. */
enum { QP_FAR = 2, QP_LISTS };
enum qp_view { QP_SENT = 1, QP_REACHED = 2 };

/* Where something was seen. frame 0: nowhere. */
struct qp_place {
  uint32_t file;
  uint64_t frame, time_ns;
};

/* One packet number space of one sender. */
struct qp_numbers {
  struct qp_ranges sent;    /* seen leaving the sender */
  struct qp_ranges reached; /* seen arriving at the receiver */
  uint64_t largest_sent, largest_reached;
  bool any_acked;
  uint64_t largest_acked; /* of these numbers, by ACKs that reached the sender */
  bool gaps;              /* packets of this space could not be opened: `sent` is not all */
  /* Under an older key than what had arrived; and which of them the receiver acknowledged. It may
   * have discarded that key, RFC 9001 6.5. */
  bool key_phase; /* of largest_reached */
  struct qp_ranges late, late_acked;
  struct qp_place closed; /* the first of these that the capture holds whole */
  /* the last packet with CONNECTION_CLOSE, whose identical repeats are lawful */
  uint64_t close_pn, close_hash;
  bool any_close;
  struct qp_sightings seen; /* the newest numbers of `sent` */
};

enum qp_stream_kind {
  QP_S_UNKNOWN, /* no first bytes yet, or no MoQT */
  QP_S_CONTROL,
  QP_S_REQUEST, /* bidirectional */
  QP_S_SUBGROUP,
  QP_S_FETCH,
  QP_S_PADDING,
  QP_S_BAD, /* not legal MoQT: `complaint` */
};

/* An object as it stands on the wire. */
struct qp_object {
  uint64_t alias, group, subgroup, object; /* subgroup 0 for datagrams */
  uint64_t len, got;                       /* payload bytes announced, seen without a hole */
  uint64_t hash;                           /* xxh3 of the payload, valid if whole */
  bool whole;
  bool datagram;
  bool behind_hole; /* its beginning had come before what stood in front of it: `first` is later */
  bool in_hole;     /* later parts of the stream had come before its beginning */
  uint8_t status;
  int16_t priority;            /* QP_NO_PRIORITY: the track's default */
  struct qp_half *half;        /* NULL for datagrams, and for what is kept elsewhere */
  uint64_t opened_ns;          /* its stream's first frame; of a datagram its own time */
  uint64_t late_pn;            /* a datagram in one of qp_numbers.late: its number + 1; else 0 */
  unsigned late_side;          /* its sender */
  struct qp_place first, last; /* where its first and last byte came */
};

/* One direction of a stream. */
struct qp_half {
  uint64_t id;
  uint8_t side; /* who sends */
  bool begun;   /* its sender spoke; else only the peer spoke of it */
  enum qp_stream_kind kind;
  struct qp_reasm sent;    /* at the sender's interface */
  struct qp_reasm reached; /* at the receiver's; used only if the connection is split */
  bool fin, fin_reached;
  bool has_final;
  uint64_t final_size;
  bool reset;
  uint64_t reset_code;
  struct qp_place reset_at;
  bool stopped; /* the receiver sent STOP_SENDING */
  struct qp_place stopped_at;
  uint64_t charged;    /* the largest offset seen leaving, or the final size */
  uint64_t allowed;    /* the largest MAX_STREAM_DATA that reached the sender; 0 = none */
  uint64_t first_fast; /* bytes first sent by the datapath */
  uint64_t resent;
  struct qp_sendings sendings;
  struct qp_place opened; /* its first frame */
  struct qp_place came;   /* where its first bytes reached the peer; frame 0: they did not */
  bool settled;           /* whole, and read: its bytes may be forgotten */
  bool forgotten;         /* they are: without objects it may go */
  uint32_t n_objects;     /* of the connection's objects those that point here */
  /* MoQT, fed from the server's interface */
  struct qp_subgroup header;
  const char *complaint;
  uint64_t complaint_at; /* stream offset */
  struct qp_feed_state {
    uint8_t stage;
    bool any_object;
    uint64_t pos, last_object;
    uint64_t delta; /* Object ID Delta of the object in work */
    uint64_t properties_left;
    uint32_t object; /* index of the object in work */
    void *hash;      /* XXH3_state_t of an object in several pieces */
  } feed;
  struct qp_far { /* the same where it reaches a relay; NULL: nothing has, or nobody asks */
    struct qp_feed_state feed;
    struct qp_subgroup header;
  } * far;
};

/* What a subscription admits from some moment on. */
struct qp_filter {
  struct qp_place asked;    /* the message reached the publisher's side */
  struct qp_place answered; /* frame 0: not answered */
  bool refused;
  bool forward;
  unsigned location_fields; /* QP_NO_LOCATION: unfiltered */
  uint64_t location[4];
  struct qp_range priority[QP_FILTER_RANGES];
  unsigned n_priority; /* 0: all */
  uint64_t object_timeout_ms, subgroup_timeout_ms;
  uint8_t subscriber_priority;
};
#define QP_NO_LOCATION 5u

/* A request on a bidirectional stream. */
struct qp_request {
  uint64_t stream;
  uint8_t side;   /* who asks */
  uint64_t type;  /* enum qp_moq_type */
  uint32_t track; /* index in the tracker's tracks; QP_MAP_NONE for others than tracks */
  bool ok;
  bool error;
  uint64_t code;
  struct qp_place answered;
  uint64_t alias;
  bool has_largest;
  struct qp_location largest;
  int default_priority;
  bool order_asked, descending; /* groups: the higher first */
  struct qp_filter *filters;    /* [0] the SUBSCRIBE, then one for each REQUEST_UPDATE */
  size_t n_filters, filters_room;
  bool done; /* PUBLISH_DONE */
  uint64_t done_status, done_streams;
  struct qp_place ended; /* cancelled, done or failed, the first of these */
  /* objects that were found in order when they passed, and are not kept: their number,
   * and their ordinals at the relay's entrance (check/passing) */
  uint64_t in_order;
  struct qp_ranges got;
  struct qp_largest {
    bool known, any_asked, any_answered;
    struct qp_location asked;    /* the largest that was whole a turn before the question */
    struct qp_location answered; /* the largest that had begun when the answer left */
  } largest_gone;                /* of the objects that reached the relay and are not kept */
};

struct qp_close {
  bool seen, application;
  uint64_t code;
  char reason[64];
  struct qp_place at;
  struct qp_place reached; /* the peer; frame 0: it did not */
  bool early; /* in an Initial or Handshake packet; the same close may follow in 1-RTT */
};

/* Which file is nearest to a side on a 4-tuple. */
struct qp_vantage {
  struct qp_tuple tuple; /* in the direction of sending */
  uint8_t side;
  uint32_t file;
};

struct qp_conn;

/* Told of each object that is whole. True: it need not be kept. */
typedef bool qp_object_fn(void *arg, struct qp_conn *conn, unsigned side, struct qp_object *object);

/* Told of MoQT as it is read at the server's interface, before the frame that brought it is
 * told. Zero-initialised = nobody listens. */
struct qp_moq_ears {
  void *arg;
  /* The kind of a one-way stream is known, and its header. */
  void (*stream)(void *arg, const struct qp_conn *conn, const struct qp_half *half);
  /* A whole message. */
  void (*message)(void *arg, const struct qp_conn *conn, const struct qp_half *half,
                  const struct qp_moq_message *message);
};

struct qp_conn {
  uint32_t index;
  uint32_t version;              /* of the server's last long header; before it, the client's */
  bool retried;                  /* a Retry that counts was seen */
  struct qp_cid odcid;           /* the client's first destination ID */
  struct qp_tuple tuple;         /* client to server, at the start */
  struct qp_conn *older, *newer; /* the last and the next one that began on the same 4-tuple */
  bool taken_up;                 /* by the server's next process, which has the same Initial */
  struct qp_place answered;      /* the server's first packet; frame 0: none */
  struct qp_hello hello;
  bool moqt;                        /* by ALPN, or not known */
  const struct qp_half *control[2]; /* the control stream of that side, once it is known */
  bool nameless[2];                 /* the side gave itself an ID of length zero */
  bool split;                       /* the two sides are seen in different files */
  bool relay_client;                /* the client is a relay */
  int null_protection;              /* -1 not known, 0 no, 1 yes */
  struct qp_numbers numbers[2][QP_SPACE_COUNT];
  struct qp_half **halves;
  size_t n_halves, halves_room;
  struct qp_map half_of;               /* stream ID and side -> index in halves */
  struct qp_half *last_half[2];        /* that was asked for, by side; NULL: none */
  struct qp_object *objects[QP_LISTS]; /* by the side that sends, and QP_FAR */
  size_t n_objects[QP_LISTS], objects_room[QP_LISTS];
  qp_object_fn *object_done; /* NULL: every object and every stream is kept */
  void *object_arg;
  struct qp_moq_ears ears;
  /* streams that are whole, read and given up: [who sends][lowest two bits of the ID],
   * the other bits as numbers */
  struct qp_ranges retired[2][4];
  struct qp_gone {
    uint64_t opened, bytes, resent, objects; /* opened: streams of that side */
    uint32_t sendings;                       /* the most of any subgroup's byte */
  } gone[2];      /* sums over retired halves and objects that were not kept, by who sends */
  bool any_reset; /* some stream ended with a reset */
  struct qp_request *requests;
  size_t n_requests, requests_room;
  struct qp_map request_of; /* stream -> index in requests */
  struct qp_close close[2];
  struct qp_place reset; /* a stateless reset for it, as it first left; frame 0: none */
  bool reset_reached[2]; /* one has reached that side */
  bool handshake_done;   /* the server sent HANDSHAKE_DONE or the client a 1-RTT packet */
  bool confirmed;        /* the server sent HANDSHAKE_DONE */
  struct qp_place first, last;
  uint64_t packets[2], opened[2], unopened[2];
  uint64_t charged[2];                          /* sum of `charged` of a side's halves */
  uint64_t datagram_bytes[2], datagram_fast[2]; /* DATAGRAM payload, all and by the datapath */
  uint64_t first_bytes[2];      /* of subgroup streams and datagrams, after the last frame */
  const struct qp_ranges *fast; /* numbers that are copies, of the server; may be NULL */
  struct qp_vantage *vantages;
  size_t n_vantages, vantages_room;
  struct qp_crypt *crypt; /* of track/crypt */
};

__attribute__((returns_nonnull)) struct qp_conn *qp_conn_new(uint32_t index);
void qp_conn_free(struct qp_conn *conn);

/* The half, or NULL. */
struct qp_half *qp_conn_half(const struct qp_conn *conn, uint64_t stream, unsigned side);
/* The half, made if it is not there. */
struct qp_half *qp_conn_open_half(struct qp_conn *conn, uint64_t stream, unsigned side,
                                  struct qp_place place);
/* The object goes; the last one takes its place. */
void qp_conn_drop_object(struct qp_conn *conn, unsigned side, size_t i);
/* Gives up a half of which nothing will be asked any more. */
void qp_conn_retire_half(struct qp_conn *conn, struct qp_half *half);
bool qp_conn_retired(const struct qp_conn *conn, uint64_t stream, unsigned side);
uint64_t qp_conn_n_retired(const struct qp_conn *conn, unsigned side);
struct qp_request *qp_conn_request(const struct qp_conn *conn, uint64_t stream);
/* A datagram that its receiver may have got without the key for it: whoever begins to use a new one
 * need not keep the old (RFC 9001 6.5), and does not acknowledge what it cannot open. */
bool qp_conn_could_not_open(const struct qp_conn *conn, const struct qp_object *object);

/* The transport parameters that a side gave. */
static inline const struct qp_params *qp_conn_params(const struct qp_conn *conn, unsigned side) {
  return side == QP_CLIENT ? &conn->hello.client : &conn->hello.server;
}
/* How far its peer's parameters let `side` send on a stream. */
uint64_t qp_conn_stream_limit(const struct qp_conn *conn, unsigned side, uint64_t stream);
/* The same with the MAX_STREAM_DATA that reached the sender since. */
uint64_t qp_conn_half_limit(const struct qp_conn *conn, const struct qp_half *half);

/* The list of objects that `sender` sent as they reached its peer. */
static inline unsigned qp_conn_arrived(const struct qp_conn *conn, unsigned sender) {
  return conn->split && conn->relay_client && sender == QP_SERVER ? QP_FAR : sender;
}

/* How a frame in this file that `side` sent on this 4-tuple is seen: a set of
 * enum qp_view; 0: it counts for neither side. Learns new vantages. The receiver's file is the
 * one it sends to that address from; until it does, the one it has sent from at its own address;
 * until it has sent anything, any. */
unsigned qp_conn_views(struct qp_conn *conn, unsigned side, const struct qp_tuple *tuple,
                       uint32_t file);

/* `conn` is seen leaving that side where `other` is. */
void qp_conn_same_vantages(struct qp_conn *conn, const struct qp_conn *other, unsigned side);

/* Whether such a frame, if it is the connection's, would be seen leaving or arriving. Nothing is
 * learned: it may be another's. */
enum qp_view qp_conn_would_view(const struct qp_conn *conn, unsigned side,
                                const struct qp_tuple *tuple, uint32_t file);

/* The side that a stream belongs to, and whether it has one direction only. */
static inline unsigned qp_stream_opener(uint64_t id) {
  return (unsigned)(id & 1);
}
static inline bool qp_stream_uni(uint64_t id) {
  return (id & 2) != 0;
}

#endif
