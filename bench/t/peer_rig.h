/* One endpoint of a plan and the server it talks to, in memory on virtual time.
 * The server is a connection with a MoQT session that does what a test says and
 * writes down what comes. Journal and events of the endpoint are kept. */
#ifndef FANBENCH_BENCH_T_PEER_RIG_H
#define FANBENCH_BENCH_T_PEER_RIG_H

#include <jansson.h>

#include "bench/peer/peer.h"
#include "bench/scenario/plan.h"
#include "relay/moqt/object.h"
#include "relay/moqt/session.h"
#include "relay/t/memnet.h"

#define RIG_MS UINT64_C(1000000)
#define RIG_S  UINT64_C(1000000000)

/* What the server received. */
struct rig_object {
  uint64_t alias, group, subgroup, object, size, hash, at_ns;
  int64_t sid; /* -1: a datagram */
  uint8_t priority;
  bool first_object, end_of_group, explicit_priority;
};
struct rig_stream {
  int64_t sid;
  struct moqt_reader reader;
  uint64_t objects, hash_seed;
  uint8_t *payload;
  size_t got;
  bool fin, reset;
  uint64_t code;
};

/* What it was asked. */
struct rig_request {
  int64_t req;
  char track[64];
  struct moqt_params params;
};

struct rig {
  struct plan *plan;
  char dir[64];
  struct memnet net;
  struct peer *peer;
  struct qc_path path;
  size_t peer_node; /* in the network */
  char *journal;
  size_t journal_len, journal_room;
  struct peer_event events[256];
  size_t n_events;
  char failure[256];
  uint8_t *file; /* served to a publisher of a file */
  size_t file_len;
  uint8_t received[65536];
  size_t received_len;
  uint16_t next_port;

  /* the server */
  struct qc_tls *tls;
  struct qc *conn;
  struct moqt_session *session;
  struct qc_cid issued[64];
  size_t n_issued;
  uint64_t connections, max_streams_uni, window;
  bool closed;
  struct qc_close_info close;
  bool announced, accept_names;
  char name[64];
  struct rig_request requests[16];
  size_t n_requests;
  struct moqt_params updated;
  size_t updates, cancelled;
  struct rig_object *objects;
  size_t n_objects, room_objects;
  struct rig_stream *streams;
  size_t n_streams, room_streams;
  int64_t subscribed_req;
  uint64_t alias;
  bool has_largest;
  struct moqt_location largest;
  bool refused, done;
  uint64_t refuse_code, done_status, done_streams;
  uint64_t packets_in;
  bool deaf; /* new clients get no answer */
  unsigned swallow;
  bool expels; /* who breaks the rules of MoQT in data is closed; else the test fails */
  struct qc_path lost_path;
  uint8_t reset[64]; /* answer to a packet of no connection, on its way */
  size_t reset_len;
};

struct rig_shape {
  const char *yaml; /* NULL: rig_plan() of a test's own */
  const char *node;
  uint32_t loss_ppm;
  uint64_t streams; /* the server allows; 0 = 1,000 */
  unsigned swallow; /* so many of the endpoint's first packets are lost */
};

/* Loads a plan out of text, with files beside it (name, bytes; may be NULL). */
struct plan *rig_plan(const char *yaml, const char *name, const void *bytes, size_t len,
                      char dir[64]);
void rig_plan_free(struct plan *plan, const char *dir);

/* Dialled and set up: the server has the endpoint's SETUP. */
struct rig *rig_open(const struct rig_shape *shape);
void rig_close(struct rig *rig);
void rig_run(struct rig *rig, uint64_t for_ns);
/* Runs until the endpoint has told that event (count times in all); fails the
 * test after a minute. Returns the last one. */
const struct peer_event *rig_await(struct rig *rig, enum peer_event_kind kind, size_t count);
size_t rig_count(const struct rig *rig, enum peer_event_kind kind);
void rig_do(struct rig *rig, const struct peer_command *command);
void rig_start(struct rig *rig, uint64_t in_ns); /* t0 = now + in_ns; returned by rig_t0 */

/* The server is started again: it knows nobody, and answers strays with a stateless reset. */
void rig_server_restart(struct rig *rig);

/* Parts of rig_open() and rig_close(). */
void rig_server_open(struct rig *rig);
void rig_server_close(struct rig *rig);
/* The one source of randomness: arg = the rig. */
void rig_random(void *arg, uint8_t *dest, size_t len);

/* Server actions. */
int64_t rig_subscribe(struct rig *rig, const char *track, const struct moqt_params *params);
int64_t rig_send_stream(struct rig *rig, const void *data, size_t len, bool fin);

/* Journal lines with that `ev`: all as an array, how many, one of them. The
 * caller has the reference. */
json_t *rig_all(const struct rig *rig, const char *ev);
size_t rig_lines(const struct rig *rig, const char *ev);
json_t *rig_line(const struct rig *rig, const char *ev, size_t index);
/* An integer member; gives the line's reference back. */
json_int_t rig_line_int(json_t *line, const char *key);

#endif
