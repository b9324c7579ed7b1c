/* Which connection a packet belongs to: by its Destination Connection ID, or by
 * its addresses where an end uses IDs of length zero. A stateless reset belongs to one by
 * its token.
 *
 * Zero-initialised = empty. */
#ifndef FANBENCH_PCAP_TRACK_ROUTE_H
#define FANBENCH_PCAP_TRACK_ROUTE_H

#include "pcap-tools/track/conn.h"

/* Stateless reset token, RFC 9000 10.3. */
#define QP_TOKEN_LEN 16

/* Connections that may have used one 4-tuple and are told apart by their keys. */
#define QP_SHARE 4

struct qp_route {
  struct qp_conn *conn;
  unsigned receiver; /* the side that the ID leads to */
  bool by_address;   /* the ID is not known: found by the 4-tuple alone */
};

struct qp_routes {
  struct qp_cid_entry {
    struct qp_cid cid;
    struct qp_route route;
  } * ids;
  size_t n_ids, ids_room;
  struct qp_map id_of;
  uint32_t lengths; /* bit n: an ID of n bytes is known */
  struct qp_tuple_entry {
    struct qp_tuple tuple;
    struct qp_route route;
    struct qp_conn *before[QP_SHARE - 1]; /* that used it before route.conn, the last one first */
    uint8_t cid_len;                      /* of the last packet on it that was found */
    uint32_t id;                          /* index of the ID it was found by; any, if by none */
    struct qp_conn *began;                /* the last one whose first packet came on it */
  } * tuples;
  size_t n_tuples, tuples_room;
  size_t last;        /* the one that the last short header was found by */
  uint32_t near[256]; /* where tuples with the same few bits were found last, + 1 */
  struct qp_map tuple_of;
  struct qp_token_entry {
    uint8_t token[QP_TOKEN_LEN];
    struct qp_route route; /* receiver: who believes a reset with it */
  } * tokens;
  size_t n_tokens, tokens_room;
  struct qp_map token_of;
};

/* Packets with this ID go to `receiver` of conn. A zero-length ID changes nothing. */
void qp_routes_add(struct qp_routes *r, const struct qp_cid *cid, struct qp_conn *conn,
                   unsigned receiver);
/* The last packet on this 4-tuple was conn's. */
void qp_routes_used(struct qp_routes *r, const struct qp_tuple *tuple, struct qp_conn *conn,
                    unsigned receiver, uint8_t cid_len);

/* Those that packets without an ID on this 4-tuple may belong to, the last one that used it first;
 * all for the same receiver. Returns how many, 1 if only route's is known. */
unsigned qp_routes_shared(const struct qp_routes *r, const struct qp_tuple *tuple,
                          const struct qp_route *route, struct qp_conn *conns[QP_SHARE]);

/* conn begins on this 4-tuple; the one that began there before, or NULL. */
struct qp_conn *qp_routes_began(struct qp_routes *r, const struct qp_tuple *tuple,
                                struct qp_conn *conn);

/* A long header's ID. False: unknown. */
bool qp_routes_find(const struct qp_routes *r, const struct qp_cid *cid,
                    const struct qp_tuple *tuple, struct qp_route *route);
/* A short header: *cid_len is set too. data: the whole packet. */
bool qp_routes_find_short(struct qp_routes *r, const uint8_t *data, size_t len,
                          const struct qp_tuple *tuple, struct qp_route *route, uint8_t *cid_len);
/* `receiver` of conn was given the token. */
void qp_routes_token(struct qp_routes *r, const uint8_t *token, struct qp_conn *conn,
                     unsigned receiver);
/* True if the datagram ends in a token that somebody was given: a stateless reset, unless
 * its ID is one in use. */
bool qp_routes_find_reset(const struct qp_routes *r, const uint8_t *data, size_t len,
                          struct qp_route *route);
void qp_routes_clear(struct qp_routes *r);

#endif
