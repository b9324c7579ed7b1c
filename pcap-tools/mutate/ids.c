/* Connection IDs, addresses, paths. */
#include <stdio.h>

#include "pcap-tools/mutate/operators.h"

enum { ETHERNET = 14, PORTS = 8 /* in front of the UDP payload */ };

/* ---- IDs ----------------------------------------------------------------------------- */

static bool has_id(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  return p->type == QP_1RTT && (p->views & QP_SENT) && p->opened && !p->closing && p->dcid_len >= 8;
}

static bool invent_id(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                      struct qm_random *r) {
  uint8_t id[20];
  for (size_t i = 0; i < sizeof id; i++)
    id[i] = (uint8_t)qm_random(r);
  qm_edit_packet(e, place, 1, id, bed->packets[place].dcid_len);
  return true;
}

#define UNKNOWN_ID "nobody can say whose packet it is: its number and its content are missing"
#define UNKNOWN_ID_ALSO                                                                            \
  "trace-agrees", "ack-only-sent", "copy-count", "payload-identical", "stream-complete",           \
      "copy-explained", "copy-exact", "connect-any-time", "subscribe-answered", "path-valid"

static const struct qm_operator id_invented = {
    .name = "id-invented",
    .does = "a packet's destination ID was never issued to anybody",
    .check = "cid-active",
    .also = {UNKNOWN_ID_ALSO, "frames-legal", "isolated"},
    .why = UNKNOWN_ID ", a SUBSCRIBE_OK among it",
    .places = QM_PACKETS,
    .fits = has_id,
    .apply = invent_id,
};

/* A packet of another client's connection, shortly before: its ID, which is as long, is known. From
 * another port of the same client it could be a path that the client moves to. */
static size_t neighbour(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  for (size_t step = 1; step < 400 && step <= place; step++) {
    const struct qm_packet *q = &bed->packets[place - step];
    if (q->type == QP_1RTT && q->side == p->side && q->conn != p->conn && q->opened &&
        q->dcid_len == p->dcid_len &&
        memcmp(q->conn->tuple.src.addr, p->conn->tuple.src.addr, sizeof q->conn->tuple.src.addr) !=
            0)
      return place - step;
  }
  return SIZE_MAX;
}

static bool has_neighbour(const struct qm_bed *bed, size_t place) {
  return has_id(bed, place) && neighbour(bed, place) != SIZE_MAX;
}

static bool take_neighbours_id(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                               struct qm_random *r) {
  const struct qm_packet *q = &bed->packets[neighbour(bed, place)];
  (void)r;
  qm_edit_packet(e, place, 1, qm_bytes(bed, q) + q->at + 1, q->dcid_len);
  return true;
}

#define ANOTHERS                                                                                   \
  "the packet now counts for the other connection: on a path, with a number, an ACK and content "  \
  "that are not its own, and its own lacks them"
#define ANOTHERS_ALSO                                                                              \
  "pn-unique", "nonce-unique", "path-valid", "trace-agrees", "ack-only-sent", "copy-explained",    \
      "copy-exact", "copy-count", "stream-bytes", "payload-identical", "frames-legal",             \
      "flow-limits", "stream-complete", "pn-decodable", "priority-drop", "no-needless-retransmit", \
      "delivery-order", "congestion-bounded"

static const struct qm_operator id_of_another = {
    .name = "id-of-another",
    .does = "a packet's destination ID is that of another connection",
    .check = "isolated",
    .also = {ANOTHERS_ALSO},
    .why = ANOTHERS,
    .places = QM_PACKETS,
    .fits = has_neighbour,
    .apply = take_neighbours_id,
};

/* A client's address is another connection's: everything else stays. */
static bool is_copy_with_neighbour(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  return p->side == QP_SERVER && has_neighbour(bed, place) &&
         qm_bytes(bed, p)[ETHERNET] >> 4 == 4 &&
         qm_bytes(bed, &bed->packets[neighbour(bed, place)])[ETHERNET] >> 4 == 4;
}

static bool go_to_neighbour(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                            struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place], *q = &bed->packets[neighbour(bed, place)];
  const uint8_t *other = qm_bytes(bed, q);
  (void)r;
  qm_edit_below(e, place, ETHERNET + 12, other + ETHERNET + 12, 8);
  qm_edit_below(e, place, p->udp_at - PORTS, other + q->udp_at - PORTS, 4);
  return true;
}

static const struct qm_operator sent_to_another = {
    .name = "sent-to-another",
    .does = "a packet goes to the address of another client",
    .check = "isolated",
    .also = {"path-valid", "cid-active", "congestion-bounded", "trace-agrees"},
    .why = "that client never sent from there on this connection",
    .places = QM_PACKETS,
    .fits = is_copy_with_neighbour,
    .apply = go_to_neighbour,
};

/* ---- frames about IDs ---------------------------------------------------------------- */

/* Is the ID of sequence number 0 still in use a little later, by the same sender? */
static bool goes_on_with_first(const struct qm_bed *bed, size_t frame) {
  if (!qm_has_room(bed, frame, 2))
    return false;
  size_t at = bed->frames[frame].packet;
  const struct qm_packet *p = &bed->packets[at];
  const uint8_t *id = qm_bytes(bed, p) + p->at + 1;
  if (p->side != QP_SERVER) /* the client's first ID of a server is not sequence 0 for long */
    return false;
  for (size_t i = at + 1, seen = 0; i < bed->n_packets && seen < 2; i++) {
    const struct qm_packet *q = &bed->packets[i];
    if (q->conn != p->conn || q->side != p->side || q->file != p->file || q->type != QP_1RTT)
      continue;
    if (q->closing || memcmp(qm_bytes(bed, q) + q->at + 1, id, p->dcid_len) != 0)
      return false;
    seen++;
    if (seen == 2)
      return true;
  }
  return false;
}

/* The sequence number of the ID in use: that of the handshake unless a frame gave it. */
static uint64_t sequence_in_use(const struct qm_bed *bed, const struct qm_packet *p) {
  const uint8_t *id = qm_bytes(bed, p) + p->at + 1;
  for (size_t i = 0; i < bed->n_frames; i++) {
    const struct qm_frame *f = &bed->frames[i];
    const struct qm_packet *q = &bed->packets[f->packet];
    if (f->f.kind == QP_F_NEW_CONNECTION_ID && q->conn == p->conn && q->side != p->side &&
        f->f.new_cid.cid.len == p->dcid_len && !memcmp(f->f.new_cid.cid.data, id, p->dcid_len))
      return f->f.new_cid.sequence;
  }
  return 0;
}

static bool retire_in_use(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                          struct qm_random *r) {
  uint64_t sequence = sequence_in_use(bed, &bed->packets[bed->frames[frame].packet]);
  uint8_t bytes[2] = {QP_F_RETIRE_CONNECTION_ID, (uint8_t)sequence};
  (void)r;
  if (sequence > 63)
    return false;
  qm_edit_frame(e, frame, 0, bytes, sizeof bytes);
  return true;
}

static const struct qm_operator id_retired_in_use = {
    .name = "id-retired-in-use",
    .does = "a sender retires the ID that it goes on using",
    .check = "cid-active",
    .why = "",
    .places = QM_FRAMES,
    .fits = goes_on_with_first,
    .apply = retire_in_use,
};

/* A NEW_CONNECTION_ID whose ID is used later by the peer. */
static bool id_is_used(const struct qm_bed *bed, size_t frame) {
  if (!qm_is_frame(bed, frame, QP_F_NEW_CONNECTION_ID))
    return false;
  const struct qm_frame *f = &bed->frames[frame];
  const struct qm_packet *p = &bed->packets[f->packet];
  const struct qp_cid *cid = &f->f.new_cid.cid;
  size_t given = 0;
  for (size_t i = 0; i < bed->n_frames; i++) {
    const struct qm_frame *g = &bed->frames[i];
    given += g->f.kind == QP_F_NEW_CONNECTION_ID && bed->packets[g->packet].conn == p->conn &&
             (bed->packets[g->packet].views & QP_SENT) && qp_cid_equal(&g->f.new_cid.cid, cid);
  }
  for (size_t i = 0; given == 1 && i < bed->n_packets; i++) {
    const struct qm_packet *q = &bed->packets[i];
    if (q->conn == p->conn && q->side != p->side && q->type == QP_1RTT && (q->views & QP_SENT) &&
        q->dcid_len == cid->len && !memcmp(qm_bytes(bed, q) + q->at + 1, cid->data, cid->len))
      return true;
  }
  return false;
}

static bool issue_another(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                          struct qm_random *r) {
  const struct qm_frame *f = &bed->frames[frame];
  uint32_t at = f->len - 16 - (uint32_t)(1 + qm_below(r, f->f.new_cid.cid.len));
  uint8_t byte = f->f.start[at] ^ (uint8_t)(1 + qm_below(r, 255));
  qm_edit_frame(e, frame, at, &byte, 1);
  return true;
}

static const struct qm_operator issued_id_altered = {
    .name = "issued-id-altered",
    .does = "NEW_CONNECTION_ID gives another ID than the one that is used afterwards",
    .check = "cid-active",
    .also = {UNKNOWN_ID_ALSO, "isolated", "close-clean", "cid-supply", "congestion-bounded"},
    .why = UNKNOWN_ID ", its ACKs and retirements among it",
    .places = QM_FRAMES,
    .fits = id_is_used,
    .apply = issue_another,
};

/* ---- supply -------------------------------------------------------------------------- */

/* The relay's only packet with NEW_CONNECTION_ID, of a connection that lives on. */
static bool is_only_supply(const struct qm_bed *bed, size_t place) {
  const struct qp_conn *c = qm_conn(bed, place);
  if (c->null_protection != 1 || c->last.time_ns < c->first.time_ns + 1500000000u ||
      c->close[0].at.time_ns - 1 < c->first.time_ns + 1500000000u)
    return false;
  size_t ids = 0, retired = 0;
  for (size_t i = 0; i < bed->n_frames; i++) {
    const struct qm_packet *p = &bed->packets[bed->frames[i].packet];
    if (p->conn != c || !qp_is_relay(&bed->e, c, p->side))
      continue;
    ids += bed->frames[i].f.kind == QP_F_NEW_CONNECTION_ID && qm_is_clear(p);
    retired += bed->frames[i].f.kind == QP_F_RETIRE_CONNECTION_ID;
  }
  return ids && !retired;
}

static bool give_no_ids(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                        struct qm_random *r) {
  const struct qp_conn *c = qm_conn(bed, place);
  (void)r;
  for (size_t i = 0; i < bed->n_frames; i++) {
    const struct qm_packet *p = &bed->packets[bed->frames[i].packet];
    if (p->conn == c && qp_is_relay(&bed->e, c, p->side) &&
        bed->frames[i].f.kind == QP_F_NEW_CONNECTION_ID && (p->views & QP_SENT))
      qm_edit_blank(e, i);
  }
  return true;
}

static const struct qm_operator ids_not_supplied = {
    .name = "ids-not-supplied",
    .does = "the relay gives a connection no further IDs",
    .check = "cid-supply",
    .also = {UNKNOWN_ID_ALSO, "cid-active", "isolated"},
    .why = "where its peer used one of them: " UNKNOWN_ID,
    .places = QM_CONNS,
    .fits = is_only_supply,
    .apply = give_no_ids,
};

enum { NEW_ID_LEN = 1 + 1 + 1 + 1 + 8 + 16 };

/* Room for one NEW_CONNECTION_ID more, at a relay that has filled the peer's limit. */
static bool supply_is_full(const struct qm_bed *bed, size_t frame) {
  if (!qm_has_room(bed, frame, NEW_ID_LEN + 1))
    return false;
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  const struct qp_params *peer = qp_conn_params(p->conn, !p->side);
  uint64_t ids = 1;
  for (size_t i = 0; i < frame; i++) {
    const struct qm_packet *q = &bed->packets[bed->frames[i].packet];
    ids += q->conn == p->conn && q->side == p->side && q->clear && (q->views & QP_SENT) &&
           bed->frames[i].f.kind == QP_F_NEW_CONNECTION_ID && bed->frames[i].f.new_cid.sequence;
  }
  return qp_is_relay(&bed->e, p->conn, p->side) && peer->seen && ids >= peer->active_cid_limit;
}

static bool supply_one_more(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                            struct qm_random *r) {
  uint8_t bytes[NEW_ID_LEN + 1] = {QP_F_NEW_CONNECTION_ID, 0x7f, 0xff, 0, 8};
  (void)bed;
  for (size_t i = 5; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)qm_random(r);
  qm_edit_frame(e, frame, 0, bytes, sizeof bytes);
  return true;
}

static const struct qm_operator id_too_many = {
    .name = "id-too-many",
    .does = "the relay issues one ID more than its peer's active_connection_id_limit",
    .check = "cid-supply",
    .why = "",
    .places = QM_FRAMES,
    .fits = supply_is_full,
    .apply = supply_one_more,
};

/* ---- paths --------------------------------------------------------------------------- */

static bool is_from_server(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  (void)bed;
  return p->side == QP_SERVER && (p->views & QP_SENT) && p->opened;
}

static bool move_port(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                      struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place];
  uint16_t port = (uint16_t)(40000 + qm_below(r, 10000));
  uint8_t bytes[2] = {(uint8_t)(port >> 8), (uint8_t)port};
  qm_edit_below(e, place, p->udp_at - PORTS + 2, bytes, 2);
  return true;
}

static const struct qm_operator port_altered = {
    .name = "client-port-altered",
    .does = "a server's packet goes to a port that its client never sent from",
    .check = "path-valid",
    .why = "",
    .places = QM_PACKETS,
    .fits = is_from_server,
    .apply = move_port,
};

static bool is_from_server_ipv4(const struct qm_bed *bed, size_t place) {
  return is_from_server(bed, place) && qm_bytes(bed, &bed->packets[place])[ETHERNET] >> 4 == 4;
}

static bool move_source(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                        struct qm_random *r) {
  uint8_t byte = (uint8_t)(200 + qm_below(r, 50));
  (void)bed;
  qm_edit_below(e, place, ETHERNET + 12 + 3, &byte, 1);
  return true;
}

static const struct qm_operator source_altered = {
    .name = "server-address-altered",
    .does = "a packet leaves from an address that the client never dialled",
    .check = "path-valid",
    .why = "",
    .places = QM_PACKETS,
    .fits = is_from_server_ipv4,
    .apply = move_source,
};

/* Address and port of the client, as the packet has them. */
static const uint8_t *client_end(const struct qm_bed *bed, const struct qm_packet *p,
                                 uint8_t end[6]) {
  const uint8_t *bytes = qm_bytes(bed, p);
  bool to = p->side == QP_SERVER;
  memcpy(end, bytes + ETHERNET + (to ? 16 : 12), 4);
  memcpy(end + 4, bytes + p->udp_at - PORTS + (to ? 2 : 0), 2);
  return end;
}

static bool is_ipv4(const struct qm_bed *bed, const struct qm_packet *p) {
  return qm_bytes(bed, p)[ETHERNET] >> 4 == 4;
}

static bool same_place(const struct qm_bed *bed, const struct qm_packet *p,
                       const struct qm_packet *q) {
  uint8_t here[6], there[6];
  return q->conn == p->conn && q->file == p->file && is_ipv4(bed, q) &&
         !memcmp(client_end(bed, p, here), client_end(bed, q, there), sizeof here);
}

/* The first PATH_RESPONSE from a client's new place to which much is sent. */
static bool validates(const struct qm_bed *bed, size_t frame) {
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  uint64_t in = 0, out = 0;
  if (bed->frames[frame].f.kind != QP_F_PATH_RESPONSE || p->side != QP_CLIENT || !p->clear ||
      !(p->views & QP_REACHED) || !is_ipv4(bed, p))
    return false;
  for (size_t i = 0; i < bed->n_packets; i++) {
    const struct qm_packet *q = &bed->packets[i];
    if (!same_place(bed, p, q))
      continue;
    if (q->type != QP_1RTT)
      return false; /* the handshake's own place */
    in += q->side == QP_CLIENT ? q->len : 0;
    out += q->side == QP_SERVER ? q->len : 0;
    for (size_t k = q->first_frame; k < q->first_frame + q->n_frames && k < frame; k++)
      if (q->side == QP_CLIENT && bed->frames[k].f.kind == QP_F_PATH_RESPONSE)
        return false;
  }
  return out > 4 * in;
}

/* None of the answers from there is an echo. */
static bool spoil_response(const struct qm_bed *bed, struct qm_edit *e, size_t frame,
                           struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[bed->frames[frame].packet];
  uint32_t at = 1 + (uint32_t)qm_below(r, 8);
  uint8_t flip = (uint8_t)(1 + qm_below(r, 255));
  for (size_t i = frame; i < bed->n_frames; i++) {
    const struct qm_packet *q = &bed->packets[bed->frames[i].packet];
    if (bed->frames[i].f.kind != QP_F_PATH_RESPONSE || q->side != QP_CLIENT ||
        !same_place(bed, p, q))
      continue;
    uint8_t byte = bed->frames[i].f.start[at] ^ flip;
    qm_edit_frame(e, i, at, &byte, 1);
  }
  return true;
}

static const struct qm_operator response_altered = {
    .name = "path-response-altered",
    .does = "no PATH_RESPONSE echoes its challenge, and the server goes on sending there",
    .check = "path-valid",
    .why = "",
    .places = QM_FRAMES,
    .fits = validates,
    .apply = spoil_response,
};

const struct qm_operator *const qm_ids[] = {&id_invented,
                                            &id_of_another,
                                            &sent_to_another,
                                            &id_retired_in_use,
                                            &issued_id_altered,
                                            &ids_not_supplied,
                                            &id_too_many,
                                            &port_altered,
                                            &source_altered,
                                            &response_altered,
                                            NULL};
