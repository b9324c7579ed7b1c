#include "pcap-tools/dissect/frame.h"

static int fail(const char **why, const char *what) {
  *why = what;
  return -1;
}

/* Walks the ranges once, so that later walks cannot fail. */
static int parse_ack(struct qp_cur *c, struct qp_quic_frame *f, const char **why) {
  f->kind = QP_F_ACK;
  f->ack.largest = qp_varint(c);
  f->ack.delay = qp_varint(c);
  f->ack.count = qp_varint(c);
  f->ack.first = qp_varint(c);
  if (!c->bad && f->ack.first > f->ack.largest)
    return fail(why, "ACK: the first range reaches below 0");
  const uint8_t *start = c->p;
  uint64_t smallest = f->ack.largest - f->ack.first;
  for (uint64_t i = 0; i < f->ack.count && !c->bad; i++) {
    uint64_t gap = qp_varint(c), len = qp_varint(c);
    if (!c->bad && (gap + 2 > smallest || len > smallest - gap - 2))
      return fail(why, "ACK: a range reaches below 0");
    smallest -= gap + 2 + len;
  }
  f->ack.ranges = qp_cur(start, (size_t)(c->p - start));
  if (f->type & 1)
    for (int i = 0; i < 3; i++)
      qp_varint(c);
  return 0;
}

bool qp_ack_next(struct qp_quic_frame *f, struct qp_ack_walk *walk, uint64_t *lo, uint64_t *hi) {
  if (walk->done > f->ack.count)
    return false;
  if (walk->done++ == 0) {
    *hi = f->ack.largest;
    *lo = *hi - f->ack.first;
  } else {
    uint64_t gap = qp_varint(&f->ack.ranges), len = qp_varint(&f->ack.ranges);
    *hi = walk->smallest - gap - 2;
    *lo = *hi - len;
  }
  walk->smallest = *lo;
  return true;
}

static int parse_stream(struct qp_cur *c, struct qp_quic_frame *f, const char **why) {
  bool crypto = f->type == QP_F_CRYPTO;
  f->kind = crypto ? QP_F_CRYPTO : QP_F_STREAM;
  f->stream.id = crypto ? 0 : qp_varint(c);
  f->stream.offset = crypto || (f->type & 4) ? qp_varint(c) : 0;
  f->stream.len = crypto || (f->type & 2) ? qp_varint(c) : qp_left(c);
  f->stream.fin = !crypto && (f->type & 1);
  f->stream.data = qp_take(c, f->stream.len);
  if (!c->bad && f->stream.offset + f->stream.len > ((uint64_t)1 << 62) - 1)
    return fail(why, "stream data reaches past offset 2^62-1");
  return 0;
}

static int parse_new_cid(struct qp_cur *c, struct qp_quic_frame *f, const char **why) {
  f->new_cid.sequence = qp_varint(c);
  f->new_cid.retire_prior_to = qp_varint(c);
  uint8_t len = qp_u8(c);
  if (!c->bad && (len < 1 || len > QP_CID_MAX))
    return fail(why, "NEW_CONNECTION_ID: the ID has not 1 to 20 bytes");
  const uint8_t *cid = qp_take(c, len);
  f->new_cid.cid.len = cid ? len : 0;
  if (cid)
    memcpy(f->new_cid.cid.data, cid, len);
  f->new_cid.token = qp_take(c, 16);
  if (!c->bad && f->new_cid.retire_prior_to > f->new_cid.sequence)
    return fail(why, "NEW_CONNECTION_ID: Retire Prior To is above the sequence number");
  return 0;
}

static int parse_reset(struct qp_cur *c, struct qp_quic_frame *f, const char **why) {
  f->reset.id = qp_varint(c);
  f->reset.code = qp_varint(c);
  if (f->type != QP_F_STOP_SENDING)
    f->reset.final_size = qp_varint(c);
  if (f->type == QP_F_RESET_STREAM_AT) {
    f->reset.reliable_size = qp_varint(c);
    if (f->reset.reliable_size > f->reset.final_size)
      return fail(why, "RESET_STREAM_AT: Reliable Size is above Final Size");
  }
  return 0;
}

static void parse_limit(struct qp_cur *c, struct qp_quic_frame *f) {
  if (f->type == QP_F_MAX_STREAM_DATA || f->type == QP_F_STREAM_DATA_BLOCKED)
    f->limit.id = qp_varint(c);
  f->limit.value = qp_varint(c);
}

static void parse_close(struct qp_cur *c, struct qp_quic_frame *f) {
  f->close.code = qp_varint(c);
  f->close.frame_type = f->type == QP_F_CONNECTION_CLOSE ? qp_varint(c) : 0;
  f->close.reason_len = qp_varint(c);
  f->close.reason = qp_take(c, f->close.reason_len);
}

static void parse_bytes(struct qp_cur *c, struct qp_quic_frame *f) {
  if (f->type == QP_F_PATH_CHALLENGE || f->type == QP_F_PATH_RESPONSE)
    f->bytes.len = 8;
  else
    f->bytes.len = f->type == QP_F_DATAGRAM ? qp_left(c) : qp_varint(c);
  f->bytes.data = qp_take(c, f->bytes.len);
}

static void parse_ack_frequency(struct qp_cur *c, struct qp_quic_frame *f) {
  f->ack_frequency.sequence = qp_varint(c);
  f->ack_frequency.threshold = qp_varint(c);
  f->ack_frequency.max_delay_us = qp_varint(c);
  f->ack_frequency.reordering = qp_varint(c);
}

static int parse_body(struct qp_cur *c, struct qp_quic_frame *f, const char **why) {
  uint64_t t = f->type;
  if (t == QP_F_ACK || t == QP_F_ACK + 1)
    return parse_ack(c, f, why);
  if ((t >= QP_F_STREAM && t <= QP_F_STREAM + 7) || t == QP_F_CRYPTO)
    return parse_stream(c, f, why);
  if (t == QP_F_RESET_STREAM || t == QP_F_STOP_SENDING || t == QP_F_RESET_STREAM_AT)
    return parse_reset(c, f, why);
  if (t == QP_F_NEW_CONNECTION_ID)
    return parse_new_cid(c, f, why);
  if ((t >= QP_F_MAX_DATA && t <= QP_F_STREAMS_BLOCKED_UNI) || t == QP_F_RETIRE_CONNECTION_ID) {
    parse_limit(c, f);
  } else if (t == QP_F_CONNECTION_CLOSE || t == QP_F_CONNECTION_CLOSE_APP) {
    parse_close(c, f);
  } else if (t == QP_F_DATAGRAM || t == QP_F_DATAGRAM + 1 || t == QP_F_NEW_TOKEN ||
             t == QP_F_PATH_CHALLENGE || t == QP_F_PATH_RESPONSE) {
    f->kind = t == QP_F_DATAGRAM + 1 ? QP_F_DATAGRAM : t;
    parse_bytes(c, f);
  } else if (t == QP_F_ACK_FREQUENCY) {
    parse_ack_frequency(c, f);
  } else if (t != QP_F_PING && t != QP_F_HANDSHAKE_DONE && t != QP_F_IMMEDIATE_ACK) {
    return fail(why, "unknown frame type");
  }
  return 0;
}

int qp_quic_frame_next(struct qp_cur *c, struct qp_quic_frame *f, const char **why) {
  if (c->p == c->end)
    return 0;
  memset(f, 0, sizeof *f);
  f->start = c->p;
  if (*c->p == QP_F_PADDING) {
    while (c->p < c->end && *c->p == QP_F_PADDING)
      c->p++;
    f->len = (size_t)(c->p - f->start);
    return 1;
  }
  f->type = f->kind = qp_varint(c);
  f->long_type = !c->bad && f->type < 64 && c->p - f->start > 1;
  if (c->bad)
    return fail(why, "the frame type is cut");
  if (parse_body(c, f, why))
    return -1;
  if (c->bad)
    return fail(why, "the frame reaches behind the packet");
  f->len = (size_t)(c->p - f->start);
  return 1;
}

const char *qp_frame_name(uint64_t type) {
  static const char *const names[] = {"PADDING",
                                      "PING",
                                      "ACK",
                                      "ACK",
                                      "RESET_STREAM",
                                      "STOP_SENDING",
                                      "CRYPTO",
                                      "NEW_TOKEN",
                                      "STREAM",
                                      "STREAM",
                                      "STREAM",
                                      "STREAM",
                                      "STREAM",
                                      "STREAM",
                                      "STREAM",
                                      "STREAM",
                                      "MAX_DATA",
                                      "MAX_STREAM_DATA",
                                      "MAX_STREAMS",
                                      "MAX_STREAMS",
                                      "DATA_BLOCKED",
                                      "STREAM_DATA_BLOCKED",
                                      "STREAMS_BLOCKED",
                                      "STREAMS_BLOCKED",
                                      "NEW_CONNECTION_ID",
                                      "RETIRE_CONNECTION_ID",
                                      "PATH_CHALLENGE",
                                      "PATH_RESPONSE",
                                      "CONNECTION_CLOSE",
                                      "CONNECTION_CLOSE",
                                      "HANDSHAKE_DONE",
                                      "IMMEDIATE_ACK"};
  if (type < sizeof names / sizeof *names)
    return names[type];
  if (type == QP_F_RESET_STREAM_AT)
    return "RESET_STREAM_AT";
  if (type == QP_F_ACK_FREQUENCY)
    return "ACK_FREQUENCY";
  return type == QP_F_DATAGRAM || type == QP_F_DATAGRAM + 1 ? "DATAGRAM" : "unknown";
}
