/* Iterator over the frames of a packet: every frame of RFC 9000 section 19 and the
 * DATAGRAM of RFC 9221. Header protection and packet protection are removed.
 *
 *   struct wire_cursor c = wire_cursor(payload, 0, len);
 *   struct wire_frame f;
 *   while ((err = wire_frame_next(&c, &f)) == WIRE_FRAME_OK) ...
 *   if (err != WIRE_FRAME_END) the packet is malformed
 *
 * Each field comes with its place, so that a number can be rewritten where it
 * stands. A frame is judged alone, as one of a 1-RTT packet: whether it may come to this
 * endpoint is asked with wire_frame_server_only(). */
#ifndef FANBENCH_BPF_WIRE_FRAME_H
#define FANBENCH_BPF_WIRE_FRAME_H

#include "bpf/wire/frame_type.h"
#include "bpf/wire/varint.h"

enum wire_frame_error {
  WIRE_FRAME_OK = 0,
  WIRE_FRAME_END,       /* no frame is left */
  WIRE_FRAME_TRUNCATED, /* a field or the data go beyond the packet */
  WIRE_FRAME_UNKNOWN,   /* not a type of RFC 9000 or RFC 9221 */
  WIRE_FRAME_TYPE_LEN,  /* type not in its shortest form (RFC 9000 12.4) */
  WIRE_FRAME_VALUE,     /* a value outside its range */
  WIRE_FRAME_LIMIT,     /* more ACK ranges than WIRE_LOOP_LIMIT (BPF only) */
};

/* Absent fields have len 0 and value 0. Fields that never meet share a place. */
struct wire_frame {
  uint64_t type;
  uint32_t at, end; /* the frame, type included, end excluded; PADDING: the whole run */
  union {
    struct wire_num id;      /* stream ID; *_CONNECTION_ID: sequence number */
    struct wire_num largest; /* ACK: largest acknowledged */
  };
  union {
    struct wire_num offset;          /* STREAM, CRYPTO */
    struct wire_num code;            /* RESET_STREAM, STOP_SENDING, CONNECTION_CLOSE: error code */
    struct wire_num retire_prior_to; /* NEW_CONNECTION_ID */
    struct wire_num delay;           /* ACK: as on the wire, not scaled */
  };
  union {
    struct wire_num limit;       /* MAX_*, *_BLOCKED */
    struct wire_num final_size;  /* RESET_STREAM */
    struct wire_num data_length; /* STREAM, CRYPTO, NEW_TOKEN, DATAGRAM: the length field */
    struct wire_num closed_type; /* CONNECTION_CLOSE 0x1c: frame type at fault */
    struct wire_num ranges;      /* ACK: how many follow the first */
  };
  union {
    struct wire_num first_range;   /* ACK: numbers below `largest` that it covers too */
    struct wire_num reason_length; /* CONNECTION_CLOSE */
  };
  /* Data of STREAM, CRYPTO, DATAGRAM; token; connection ID; path challenge; reason.
   * ACK: the ranges behind the first. */
  uint32_t data_at, data_len;
  uint32_t extra_at; /* ACK_ECN: the 3 counts; NEW_CONNECTION_ID: the reset token */
  uint8_t fin;
};

WIRE_INLINE enum wire_frame_error wire_parse_stream(struct wire_cursor *c, struct wire_frame *f) {
  if (!wire_get_varint_num(c, &f->id))
    return WIRE_FRAME_TRUNCATED;
  if ((f->type & WIRE_STREAM_OFF) && !wire_get_varint_num(c, &f->offset))
    return WIRE_FRAME_TRUNCATED;
  uint64_t len = 0;
  if (f->type & WIRE_STREAM_LEN) {
    if (!wire_get_varint_num(c, &f->data_length))
      return WIRE_FRAME_TRUNCATED;
    len = f->data_length.v;
  } else {
    len = wire_left(c);
  }
  f->fin = f->type & WIRE_STREAM_FIN;
  f->data_at = c->at;
  if (!wire_skip(c, len))
    return WIRE_FRAME_TRUNCATED;
  f->data_len = (uint32_t)len;
  return f->offset.v + len > WIRE_VARINT_MAX ? WIRE_FRAME_VALUE : WIRE_FRAME_OK;
}

WIRE_INLINE enum wire_frame_error wire_parse_datagram(struct wire_cursor *c, struct wire_frame *f) {
  uint64_t len = 0;
  if (f->type == WIRE_DATAGRAM_LEN) {
    if (!wire_get_varint_num(c, &f->data_length))
      return WIRE_FRAME_TRUNCATED;
    len = f->data_length.v;
  } else {
    len = wire_left(c);
  }
  f->data_at = c->at;
  if (!wire_skip(c, len))
    return WIRE_FRAME_TRUNCATED;
  f->data_len = (uint32_t)len;
  return WIRE_FRAME_OK;
}

/* Length-prefixed bytes. */
WIRE_INLINE enum wire_frame_error wire_parse_bytes(struct wire_cursor *c, struct wire_frame *f,
                                                   struct wire_num *len) {
  if (!wire_get_varint_num(c, len))
    return WIRE_FRAME_TRUNCATED;
  f->data_at = c->at;
  if (!wire_skip(c, len->v))
    return WIRE_FRAME_TRUNCATED;
  f->data_len = (uint32_t)len->v;
  return WIRE_FRAME_OK;
}

/* Walks the ranges, so that no later reader meets one that goes below 0. */
WIRE_INLINE enum wire_frame_error wire_parse_ack(struct wire_cursor *c, struct wire_frame *f) {
  if (!wire_get_varint_num(c, &f->largest) || !wire_get_varint_num(c, &f->delay) ||
      !wire_get_varint_num(c, &f->ranges) || !wire_get_varint_num(c, &f->first_range))
    return WIRE_FRAME_TRUNCATED;
  if (f->first_range.v > f->largest.v)
    return WIRE_FRAME_VALUE;
  uint64_t low = f->largest.v - f->first_range.v;
  f->data_at = c->at;
  /* Each range takes at least 2 bytes. */
  if (f->ranges.v > wire_left(c) / 2)
    return WIRE_FRAME_TRUNCATED;
  for (uint64_t i = 0; i < f->ranges.v; i++) {
    uint64_t gap, length;
    if (i >= WIRE_LOOP_LIMIT)
      return WIRE_FRAME_LIMIT;
    if (!wire_get_varint(c, &gap) || !wire_get_varint(c, &length))
      return WIRE_FRAME_TRUNCATED;
    if (gap + 2 + length > low)
      return WIRE_FRAME_VALUE;
    low -= gap + 2 + length;
  }
  f->data_len = c->at - f->data_at;
  if (f->type == WIRE_ACK_ECN) {
    uint64_t count;
    f->extra_at = c->at;
    if (!wire_get_varint(c, &count) || !wire_get_varint(c, &count) || !wire_get_varint(c, &count))
      return WIRE_FRAME_TRUNCATED;
  }
  return WIRE_FRAME_OK;
}

WIRE_INLINE enum wire_frame_error wire_parse_new_connection_id(struct wire_cursor *c,
                                                               struct wire_frame *f) {
  uint8_t len = 0;
  if (!wire_get_varint_num(c, &f->id) || !wire_get_varint_num(c, &f->retire_prior_to) ||
      !wire_get_u8(c, &len))
    return WIRE_FRAME_TRUNCATED;
  if (f->retire_prior_to.v > f->id.v || len < 1 || len > WIRE_CID_MAX)
    return WIRE_FRAME_VALUE;
  f->data_at = c->at;
  f->data_len = len;
  if (!wire_skip(c, len))
    return WIRE_FRAME_TRUNCATED;
  f->extra_at = c->at;
  return wire_skip(c, WIRE_RESET_TOKEN_LEN) ? WIRE_FRAME_OK : WIRE_FRAME_TRUNCATED;
}

WIRE_INLINE enum wire_frame_error wire_parse_close(struct wire_cursor *c, struct wire_frame *f) {
  if (!wire_get_varint_num(c, &f->code))
    return WIRE_FRAME_TRUNCATED;
  if (f->type == WIRE_CONNECTION_CLOSE && !wire_get_varint_num(c, &f->closed_type))
    return WIRE_FRAME_TRUNCATED;
  return wire_parse_bytes(c, f, &f->reason_length);
}

/* Frames that are an optional ID (stream ID, sequence number) and one or two numbers. */
WIRE_INLINE enum wire_frame_error wire_parse_numbers(struct wire_cursor *c, struct wire_frame *f) {
  unsigned shape = wire_frame_shape(f->type);
  if ((shape & WIRE_SHAPE_ID) && !wire_get_varint_num(c, &f->id))
    return WIRE_FRAME_TRUNCATED;
  if ((shape & WIRE_SHAPE_CODE) && !wire_get_varint_num(c, &f->code))
    return WIRE_FRAME_TRUNCATED;
  if ((shape & WIRE_SHAPE_LIMIT) && !wire_get_varint_num(c, &f->limit))
    return WIRE_FRAME_TRUNCATED;
  if ((shape & WIRE_SHAPE_STREAMS) && f->limit.v > WIRE_STREAMS_MAX)
    return WIRE_FRAME_VALUE;
  return WIRE_FRAME_OK;
}

WIRE_INLINE enum wire_frame_error wire_parse_body(struct wire_cursor *c, struct wire_frame *f) {
  if (wire_is_stream(f->type))
    return wire_parse_stream(c, f);
  if (wire_is_datagram(f->type))
    return wire_parse_datagram(c, f);
  if (wire_frame_shape(f->type))
    return wire_parse_numbers(c, f);
  switch (f->type) {
  case WIRE_PADDING:
    c->at += wire_zeros(c->base, c->at, c->end);
    return WIRE_FRAME_OK;
  case WIRE_PING:
  case WIRE_HANDSHAKE_DONE:
    return WIRE_FRAME_OK;
  case WIRE_ACK:
  case WIRE_ACK_ECN:
    return wire_parse_ack(c, f);
  case WIRE_CRYPTO:
    if (!wire_get_varint_num(c, &f->offset))
      return WIRE_FRAME_TRUNCATED;
    if (wire_parse_bytes(c, f, &f->data_length))
      return WIRE_FRAME_TRUNCATED;
    return f->offset.v + f->data_len > WIRE_VARINT_MAX ? WIRE_FRAME_VALUE : WIRE_FRAME_OK;
  case WIRE_NEW_TOKEN:
    if (wire_parse_bytes(c, f, &f->data_length))
      return WIRE_FRAME_TRUNCATED;
    return f->data_len == 0 ? WIRE_FRAME_VALUE : WIRE_FRAME_OK;
  case WIRE_NEW_CONNECTION_ID:
    return wire_parse_new_connection_id(c, f);
  case WIRE_PATH_CHALLENGE:
  case WIRE_PATH_RESPONSE:
    f->data_at = c->at;
    f->data_len = WIRE_PATH_DATA_LEN;
    return wire_skip(c, WIRE_PATH_DATA_LEN) ? WIRE_FRAME_OK : WIRE_FRAME_TRUNCATED;
  case WIRE_CONNECTION_CLOSE:
  case WIRE_CONNECTION_CLOSE_APP:
    return wire_parse_close(c, f);
  default:
    return WIRE_FRAME_UNKNOWN;
  }
}

/* Reads the frame at the cursor and moves behind it. On an error (or the end) *f is
 * all zero and the cursor has not moved. */
WIRE_INLINE enum wire_frame_error wire_frame_next(struct wire_cursor *c, struct wire_frame *f) {
  struct wire_cursor here = *c;
  enum wire_frame_error err = WIRE_FRAME_END;
  __builtin_memset(f, 0, sizeof(*f));
  if (wire_left(c) == 0)
    return err;
  f->at = here.at;
  if (!wire_get_varint(&here, &f->type))
    err = WIRE_FRAME_TRUNCATED;
  else if (f->type > WIRE_FRAME_TYPE_MAX)
    err = WIRE_FRAME_UNKNOWN;
  else if (here.at - f->at != 1) /* all known types fit one byte */
    err = WIRE_FRAME_TYPE_LEN;
  else
    err = wire_parse_body(&here, f);
  if (err != WIRE_FRAME_OK) {
    __builtin_memset(f, 0, sizeof(*f));
    return err;
  }
  f->end = here.at;
  c->at = here.at;
  return WIRE_FRAME_OK;
}

/* The ranges of an ACK frame, from the largest numbers to the smallest. */
struct wire_ack_iter {
  struct wire_cursor c;
  uint64_t left;      /* ranges still to come */
  uint64_t high, low; /* the range at hand, both included */
  int fresh;          /* the first range has not been given yet */
};

WIRE_INLINE struct wire_ack_iter wire_ack_iter(const uint8_t *base, const struct wire_frame *f) {
  struct wire_ack_iter it = {wire_cursor(base, f->data_at, f->data_at + f->data_len), f->ranges.v,
                             f->largest.v, f->largest.v - f->first_range.v, 1};
  return it;
}

/* Gives [*low, *high]; 0 = no more. `f` came from wire_frame_next(), so no range is bad. */
WIRE_INLINE int wire_ack_next(struct wire_ack_iter *it, uint64_t *low, uint64_t *high) {
  if (it->fresh) {
    it->fresh = 0;
  } else {
    uint64_t gap = 0, length = 0;
    if (it->left == 0 || !wire_get_varint(&it->c, &gap) || !wire_get_varint(&it->c, &length))
      return 0;
    it->left--;
    it->high = it->low - gap - 2;
    it->low = it->high - length;
  }
  *low = it->low;
  *high = it->high;
  return 1;
}

#endif
