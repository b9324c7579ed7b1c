/* One MoQT session: SETUP, requests and their answers, and the sorting of
 * incoming data streams. Used by the relay (server) and by the endpoints
 * (client). Sans-IO: the transport's bytes come in through the four "in"
 * functions, what must leave goes through struct moqt_ops, what happened is
 * told through struct moqt_events.
 *
 * A request is named by the ID of its bidirectional stream (`req`). It exists
 * from the event or call that opens it until its `ended`, `refused` or `done`
 * event, or until the owner refuses, cancels or finishes it; after that the
 * number means nothing to the session any more.
 *
 * Order of calls: moqt_session_new(), moqt_session_start() once 1-RTT keys and
 * the peer's transport parameters are there, then bytes in as they come.
 * Requests may be made at once; they need not wait for `setup`. Events may call
 * any action of this file but moqt_session_free(). When ops->close has been
 * called, the session takes and sends nothing more.
 *
 * Objects are not the session's business. It passes bytes of subgroup streams
 * on, raw and from offset 0, once it knows that they are one; the owner reads
 * them with relay/moqt/object.h or caches them. Outgoing data streams and
 * datagrams are opened and written by the owner on its own transport.
 *
 * This is a subset, and says so: what it does not implement it refuses by name
 * (FETCH, TRACK_STATUS, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS, PUBLISH, fills,
 * range filters but PRIORITY_FILTER).
 *
 * Source: draft-ietf-moq-transport-20, sections 3, 5, 9. */
#ifndef FANBENCH_RELAY_MOQT_SESSION_H
#define FANBENCH_RELAY_MOQT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/moqt/codes.h"
#include "relay/moqt/name.h"
#include "relay/moqt/params.h"

struct moqt_session;

/* ---- the transport, as the session uses it -------------------------------- */

struct moqt_ops {
  /* Open a stream; its ID, or -1 if the peer's limit is reached. */
  int64_t (*open_uni)(void *arg);
  int64_t (*open_bidi)(void *arg);
  /* Bytes are copied. Returns 0, or -1 if the stream is gone. */
  int (*send)(void *arg, int64_t sid, const uint8_t *data, size_t len, bool fin);
  void (*reset)(void *arg, int64_t sid, uint64_t code); /* RESET_STREAM */
  void (*stop)(void *arg, int64_t sid, uint64_t code);  /* STOP_SENDING */
  /* CONNECTION_CLOSE 0x1d; code is one of enum moqt_session_code */
  void (*close)(void *arg, uint64_t code, const char *reason);
};

/* ---- what the owner is told ------------------------------------------------ */

/* Why a request of the peer is over. */
enum moqt_end {
  MOQT_END_CANCELLED,     /* by the peer: reset the data streams, nothing more */
  MOQT_END_UPDATE_FAILED, /* reset the data streams, then moqt_publish_done() with
                             MOQT_DONE_UPDATE_FAILED from inside the event or later */
};

struct moqt_events {
  /* All may be NULL. Pointers live until the event returns. */
  void (*setup)(void *app, const struct moqt_setup *peer);
  void (*goaway)(void *app, uint64_t timeout_ms);

  /* Requests of the peer. Answer now or later; an event that is NULL is
   * answered NOT_SUPPORTED. */
  void (*namespace_published)(void *app, int64_t req, const struct moqt_name *name);
  void (*subscribe)(void *app, int64_t req, const struct moqt_name *name,
                    const struct moqt_params *params);
  /* REQUEST_UPDATE of an accepted subscription: only what `has` names changes.
   * Answer each with moqt_update_ok() or moqt_update_refuse(), in order. */
  void (*update)(void *app, int64_t req, const struct moqt_params *changed);
  void (*ended)(void *app, int64_t req, enum moqt_end why);

  /* Answers to own requests. */
  void (*subscribed)(void *app, int64_t req, uint64_t alias, const struct moqt_params *params,
                     const struct moqt_properties *properties);
  void (*accepted)(void *app, int64_t req); /* PUBLISH_NAMESPACE */
  void (*updated)(void *app, int64_t req);  /* REQUEST_UPDATE */
  /* REQUEST_ERROR, or (code MOQT_REQ_INTERNAL_ERROR) the stream ended without
   * an answer. The request is gone. A refused update ends in `done` instead. */
  void (*refused)(void *app, int64_t req, uint64_t code, uint64_t retry_ms, const char *reason);
  /* PUBLISH_DONE, or the publisher reset the stream (status
   * MOQT_DONE_INTERNAL_ERROR, streams UINT64_MAX); for PUBLISH_NAMESPACE the
   * peer revoked its acceptance. The request is gone. */
  void (*done)(void *app, int64_t req, uint64_t status, uint64_t streams, const char *reason);

  /* A unidirectional stream that carries a subgroup: its bytes in order from
   * offset 0, header included. The type and alias are complete in the first
   * call of a stream. */
  void (*data)(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len, bool fin);
  void (*data_reset)(void *app, int64_t sid, uint64_t code);
  /* An object datagram, whole. */
  void (*datagram)(void *app, const uint8_t *data, size_t len);
};

/* ---- life -------------------------------------------------------------------- */

struct moqt_config {
  bool server;
  const struct moqt_ops *ops; /* kept, not copied */
  void *ops_arg;
  const struct moqt_events *events; /* kept, not copied */
  void *app;
  const char *path, *authority; /* client: PATH and AUTHORITY of SETUP; copied */
  const char *implementation;   /* "fanbench/0.1"; copied */
  uint64_t max_filter_ranges;   /* 0 = leave out; the relay says 1 */
  uint64_t max_request_updates; /* 0 = no limit */
};

struct moqt_session *moqt_session_new(const struct moqt_config *config); /* NULL: no memory */
void moqt_session_free(struct moqt_session *session);                    /* NULL is fine */

/* Opens the control stream and sends SETUP. It is the first unidirectional
 * stream of this side. Returns 0, or -1 if no stream can be opened. */
int moqt_session_start(struct moqt_session *session);

/* ---- bytes in ------------------------------------------------------------------ */

/* Every stream the peer opened, and the answers on own request streams. Data
 * arrives in order; own unidirectional streams never come here. */
void moqt_stream_in(struct moqt_session *session, int64_t sid, const uint8_t *data, size_t len,
                    bool fin);
void moqt_stream_reset_in(struct moqt_session *session, int64_t sid, uint64_t code);
/* STOP_SENDING; true if the stream belongs to the session (control or
 * request), false if it is one of the owner's data streams. */
bool moqt_stop_in(struct moqt_session *session, int64_t sid, uint64_t code);
void moqt_datagram_in(struct moqt_session *session, const uint8_t *data, size_t len);

/* ---- requests ------------------------------------------------------------------ */

/* Each opens a request stream and returns its ID, or -1 if none can be opened
 * now (try again when the peer has raised its limit) or the session is closed. */
int64_t moqt_subscribe(struct moqt_session *session, const struct moqt_name *name,
                       const struct moqt_params *params);
int64_t moqt_publish_namespace(struct moqt_session *session, const struct moqt_name *name);

/* Own subscription: change what params->has names. Returns 0, -1 if there is
 * no such request or too many updates wait for their answer. */
int moqt_update(struct moqt_session *session, int64_t req, const struct moqt_params *params);
/* Withdraw an own request: RESET_STREAM and STOP_SENDING. No event follows. */
void moqt_cancel(struct moqt_session *session, int64_t req);

/* ---- answers --------------------------------------------------------------------- */

/* Return 0, or -1 if there is no such request in the right state. */
int moqt_namespace_accept(struct moqt_session *session, int64_t req);
/* params: usually only LARGEST_OBJECT. properties: raw key-value pairs, may be
 * empty. */
int moqt_subscribe_accept(struct moqt_session *session, int64_t req, uint64_t alias,
                          const struct moqt_params *params, struct moqt_bytes properties);
/* REQUEST_ERROR and FIN. retry_ms: UINT64_MAX = do not retry. */
int moqt_refuse(struct moqt_session *session, int64_t req, uint64_t code, uint64_t retry_ms,
                const char *reason);
/* largest may be NULL. */
int moqt_update_ok(struct moqt_session *session, int64_t req, const struct moqt_location *largest);
/* REQUEST_ERROR; `ended` follows with MOQT_END_UPDATE_FAILED. */
int moqt_update_refuse(struct moqt_session *session, int64_t req, uint64_t code,
                       const char *reason);
/* PUBLISH_DONE and FIN on an accepted subscription, after all its data streams
 * are closed. streams: how many were opened. */
int moqt_publish_done(struct moqt_session *session, int64_t req, uint64_t status, uint64_t streams,
                      const char *reason);

/* ---- looking up -------------------------------------------------------------------- */

/* What the peer said in SETUP; NULL before it came. */
const struct moqt_setup *moqt_peer_setup(const struct moqt_session *session);

#endif
