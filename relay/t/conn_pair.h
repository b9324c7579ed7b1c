/* Two connections over a network in memory: what the conn tests share. Data
 * follows a pattern, so that every byte of a stream can be checked. */
#ifndef FANBENCH_RELAY_T_CONN_PAIR_H
#define FANBENCH_RELAY_T_CONN_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/quic/conn.h"
#include "relay/t/memnet.h"

#define SECOND  UINT64_C(1000000000)
#define STREAMS 40

struct side {
  struct memnet *net;
  struct qc *conn;
  struct qc_config config;
  bool server, done, confirmed, closed;
  struct qc_close_info why;
  uint64_t got[4 * STREAMS + 8];
  bool fin[4 * STREAMS + 8];
  uint64_t wrong, acked, datagrams, streams_closed, resets, stops, paths, validated;
  uint64_t reset_code[4 * STREAMS + 8], stop_code;
  int issued, retired, dcids;
  /* echo what comes on bidirectional streams */
  bool echo;
};

struct keys {
  int lines, bad;
  bool client_1rtt, server_1rtt;
};

struct pair {
  struct keys keys;
  struct memnet net;
  struct qc_tls *client_tls, *server_tls;
  struct side client, server;
};

struct setup {
  enum qc_protection protection;
  enum qc_cipher cipher;
  uint32_t loss_ppm;
  const char *client_alpn;
  uint64_t window, streams;
  bool cubic;                        /* both */
  const struct protect_hooks *hooks; /* of the server */
  void *hooks_arg;
};

/* Byte off of stream sid. */
uint8_t content(int64_t sid, uint64_t off);

void pair_start(struct pair *pair, const struct setup *setup);
void pair_end(struct pair *pair);
/* For memnet_run(). */
bool both_confirmed(void *arg);

/* The side as a node of the network at addr. */
struct memnet_node side_node(struct side *side, struct qc_addr addr);
void send_stream(struct side *side, int64_t sid, uint64_t len);

#endif
