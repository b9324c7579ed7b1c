/* QUIC frames: RFC 9000 section 19, RFC 9221 (DATAGRAM), RESET_STREAM_AT and
 * ACK_FREQUENCY (draft-ietf-quic-ack-frequency).
 * One qp_quic_frame_next() = one frame; a run of PADDING counts as one. */
#ifndef FANBENCH_PCAP_DISSECT_FRAME_H
#define FANBENCH_PCAP_DISSECT_FRAME_H

#include "pcap-tools/dissect/packet.h"

enum qp_frame_type {
  QP_F_PADDING = 0x00,
  QP_F_PING = 0x01,
  QP_F_ACK = 0x02, /* and 0x03 with ECN counts */
  QP_F_RESET_STREAM = 0x04,
  QP_F_STOP_SENDING = 0x05,
  QP_F_CRYPTO = 0x06,
  QP_F_NEW_TOKEN = 0x07,
  QP_F_STREAM = 0x08, /* to 0x0f */
  QP_F_MAX_DATA = 0x10,
  QP_F_MAX_STREAM_DATA = 0x11,
  QP_F_MAX_STREAMS_BIDI = 0x12,
  QP_F_MAX_STREAMS_UNI = 0x13,
  QP_F_DATA_BLOCKED = 0x14,
  QP_F_STREAM_DATA_BLOCKED = 0x15,
  QP_F_STREAMS_BLOCKED_BIDI = 0x16,
  QP_F_STREAMS_BLOCKED_UNI = 0x17,
  QP_F_NEW_CONNECTION_ID = 0x18,
  QP_F_RETIRE_CONNECTION_ID = 0x19,
  QP_F_PATH_CHALLENGE = 0x1a,
  QP_F_PATH_RESPONSE = 0x1b,
  QP_F_CONNECTION_CLOSE = 0x1c,     /* transport */
  QP_F_CONNECTION_CLOSE_APP = 0x1d, /* application */
  QP_F_HANDSHAKE_DONE = 0x1e,
  QP_F_IMMEDIATE_ACK = 0x1f,
  QP_F_RESET_STREAM_AT = 0x24,
  QP_F_DATAGRAM = 0x30, /* and 0x31 with a length */
  QP_F_ACK_FREQUENCY = 0xaf,
};

/* The union's member follows the type; frames of one number use `value`. */
struct qp_quic_frame {
  uint64_t type; /* as on the wire */
  uint64_t kind; /* ACK, STREAM and DATAGRAM without their flag bits */
  const uint8_t *start;
  size_t len;     /* of the whole frame */
  bool long_type; /* type not in its shortest form, RFC 9000 12.4 */
  union {
    struct {
      uint64_t largest, delay, count, first;
      struct qp_cur ranges; /* `count` pairs of gap and length; read with qp_ack_next() */
    } ack;
    struct {
      uint64_t id, offset, len; /* CRYPTO: id 0 */
      const uint8_t *data;
      bool fin;
    } stream; /* STREAM, CRYPTO */
    struct {
      uint64_t id, code, final_size, reliable_size;
    } reset; /* RESET_STREAM, RESET_STREAM_AT, STOP_SENDING */
    struct {
      const uint8_t *data;
      uint64_t len;
    } bytes; /* DATAGRAM, NEW_TOKEN, PATH_* */
    struct {
      uint64_t id, value; /* id only for MAX_STREAM_DATA, STREAM_DATA_BLOCKED */
    } limit;              /* MAX_*, *_BLOCKED, RETIRE_CONNECTION_ID */
    struct {
      uint64_t sequence, retire_prior_to;
      struct qp_cid cid;
      const uint8_t *token; /* of a stateless reset, 16 bytes; NULL: cut */
    } new_cid;
    struct {
      uint64_t sequence, threshold, max_delay_us, reordering;
    } ack_frequency;
    struct {
      uint64_t code, frame_type, reason_len;
      const uint8_t *reason;
    } close;
  };
};

/* 1: *f is set; 0: the end; -1: malformed, *why says what. */
int qp_quic_frame_next(struct qp_cur *c, struct qp_quic_frame *f, const char **why);

/* The ranges of an ACK, the largest first. Start with state zero. */
struct qp_ack_walk {
  uint64_t done, smallest;
};
/* True: [*lo, *hi] is the next range, both included. */
bool qp_ack_next(struct qp_quic_frame *f, struct qp_ack_walk *walk, uint64_t *lo, uint64_t *hi);

/* "STREAM"; "unknown" for others. */
const char *qp_frame_name(uint64_t type);

#endif
