/* A MoQT session over a transport that only writes down what it is asked for:
 * what the session tests share. */
#ifndef FANBENCH_RELAY_T_MOQT_SIDE_H
#define FANBENCH_RELAY_T_MOQT_SIDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/moqt/session.h"
#include "relay/t/hex.h"

#define CLIENT_SETUP "af00 0009 01 02 2f61 04 01 62 02 00"
#define SERVER_SETUP "af00 0000"

/* One side: its session, what it sent, what it was told. */
struct side {
  struct moqt_session *s;
  bool server;
  int64_t next_uni, next_bidi;
  bool no_streams;
  char sent[4000]; /* "3:af000000 4F:0500 R5=1 S5=1 C=3" */
  char told[4000];
  struct side *peer; /* bytes go there, in pieces of `piece` */
  size_t piece;
  uint64_t close_code;
  /* answers given from inside events */
  bool accept_namespace, accept_subscribe, accept_update, refuse_update;
  int64_t last_req;
  struct moqt_params last_params;
};

extern const struct moqt_events side_events;

void side_new(struct side *side, bool server, const struct moqt_events *told);
void side_clear(struct side *side); /* what was written down */
/* Bytes in hex, as the peer's. */
void side_feed(struct side *side, int64_t sid, const char *text, bool fin);
/* A server whose client has said SETUP, and the other way round. */
void server_ready(struct side *side);
void client_ready(struct side *side);
/* SUBSCRIBE to fanbench/p--TRACK. */
int64_t side_ask(struct side *side, const char *track);

#endif
