/* The inside of struct moqt_session, shared by session.c (life, streams,
 * control stream), session_request.c (bytes on request streams), session_action.c
 * (the owner's calls) and session_data.c (data streams, datagrams). */
#ifndef FANBENCH_RELAY_MOQT_SESSION_STATE_H
#define FANBENCH_RELAY_MOQT_SESSION_STATE_H

#include <uthash.h>

#include "relay/moqt/message.h"
#include "relay/moqt/session.h"

#define MOQT_HEAD_MAX (2 * WIRE_VI64_MAX_LEN) /* type and alias */

/* Bytes that wait for the rest of their message. */
struct moqt_buffer {
  uint8_t *data;
  size_t len, room;
};

enum moqt_request_state {
  MOQT_STATE_OPENING, /* the peer's first message is not complete */
  MOQT_STATE_ASKED,   /* waits for its answer */
  MOQT_STATE_ACCEPTED,
  MOQT_STATE_FAILING, /* an update was refused; PUBLISH_DONE comes next */
  MOQT_STATE_GONE,    /* over; bytes that still come are thrown away */
};

struct moqt_request {
  int64_t sid;
  UT_hash_handle hh;
  bool own;
  uint64_t type; /* of the message that opened it */
  enum moqt_request_state state;
  struct moqt_buffer in;
  bool in_done; /* FIN or reset received: no more bytes will come */
  bool goaway_seen;
  uint64_t updates; /* REQUEST_UPDATEs without answer, either direction */
  /* an update to be refused once the earlier ones are answered */
  uint64_t refuse_code;
  const char *refuse_reason;
  /* own subscription */
  struct moqt_name *name;
  uint64_t alias;
};

enum moqt_incoming_kind {
  MOQT_STREAM_UNKNOWN,
  MOQT_STREAM_CONTROL,
  MOQT_STREAM_DATA,
  MOQT_STREAM_DISCARD
};

/* A unidirectional stream of the peer. */
struct moqt_incoming {
  int64_t sid;
  UT_hash_handle hh;
  enum moqt_incoming_kind kind;
  uint8_t head[MOQT_HEAD_MAX];
  size_t head_len;
  uint64_t off; /* of the next byte to pass on */
};

struct moqt_session {
  struct moqt_config config;
  char *path, *authority, *implementation;
  bool closed, setup_seen, goaway_seen;
  int64_t control_out, control_in; /* -1: none */
  struct moqt_buffer control;
  uint8_t *peer_bytes; /* what peer points into */
  struct moqt_setup peer;
  uint64_t next_id;
  /* request IDs of the peer: all below floor are used, and these above it */
  uint64_t id_floor;
  uint64_t *ids_ahead;
  size_t n_ahead, room_ahead;
  struct moqt_request *requests;
  struct moqt_incoming *incoming;
  uint64_t *refused_aliases; /* of PUBLISH */
  size_t n_refused, room_refused;
  int depth;   /* inside a "bytes in" function */
  bool sweep;  /* requests to be freed when it returns to 0 */
  bool resume; /* requests to be read on when it returns to 0 */
};

/* session.c */
void moqt_session_close(struct moqt_session *s, uint64_t code, const char *why);
bool moqt_buffer_add(struct moqt_buffer *buffer, const uint8_t *data, size_t len);
void moqt_buffer_take(struct moqt_buffer *buffer, size_t len);
/* Encodes and sends; closes the session if it cannot be encoded. */
int moqt_send_message(struct moqt_session *s, int64_t sid, const struct moqt_message *m, bool fin);
void moqt_enter(struct moqt_session *s);
void moqt_leave(struct moqt_session *s);

/* session_request.c */
void moqt_request_in(struct moqt_session *s, int64_t sid, const uint8_t *data, size_t len,
                     bool fin);
void moqt_request_run(struct moqt_session *s, struct moqt_request *r);
void moqt_request_end(struct moqt_session *s, struct moqt_request *r); /* reset or stopped */
void moqt_request_free(struct moqt_session *s, struct moqt_request *r);
struct moqt_request *moqt_request_find(const struct moqt_session *s, int64_t sid);
struct moqt_request *moqt_request_add(struct moqt_session *s, int64_t sid, bool own);
/* Over for both. Freed by the outermost moqt_leave() once no bytes can come any
 * more, so call it between moqt_enter() and moqt_leave(). */
void moqt_request_gone(struct moqt_session *s, struct moqt_request *r);
void moqt_request_refuse(struct moqt_session *s, struct moqt_request *r, uint64_t code,
                         uint64_t retry_ms, const char *reason);
/* An update fails the subscription: the owner closes its data streams and says
 * PUBLISH_DONE. */
void moqt_request_fail_update(struct moqt_session *s, struct moqt_request *r, uint64_t code,
                              const char *reason);
/* A reason phrase of lawful length; NULL is empty. */
struct moqt_bytes moqt_reason(const char *text);

/* session_data.c */
void moqt_data_in(struct moqt_session *s, struct moqt_incoming *in, const uint8_t *data, size_t len,
                  bool fin);
bool moqt_alias_refuse(struct moqt_session *s, uint64_t alias);

#endif
