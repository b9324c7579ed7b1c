/* Opens the packets of one connection: Initial keys from the connection ID, the
 * rest from the key log, key updates, and null protection (a laboratory mode:
 * 1-RTT packets in clear with a tag of zeros and no header protection).
 *
 * The secrets of a connection are looked up by the ClientHello's random, the
 * cipher by the ServerHello; without that, each one that fits is tried. */
#ifndef FANBENCH_PCAP_TRACK_CRYPT_H
#define FANBENCH_PCAP_TRACK_CRYPT_H

#include "pcap-tools/track/conn.h"

struct qp_opened {
  uint8_t first; /* first byte without header protection */
  unsigned pn_len;
  uint64_t pn;
  bool null_protected;
  uint32_t generation;    /* 1-RTT: key updates before this packet's key */
  const uint8_t *payload; /* valid until the next call on any connection */
  size_t len;
};

struct qp_crypt *qp_crypt_new(const struct qp_keylog *keylog);
void qp_crypt_free(struct qp_crypt *crypt);

/* The ID that Initial keys come from: at the first Initial, and after a Retry. */
void qp_crypt_initial(struct qp_crypt *crypt, const struct qp_cid *dcid);

/* Opens a packet that `side` sent. view: QP_SENT or QP_REACHED, whose largest
 * number the packet number is expanded against. False: not opened. */
bool qp_crypt_open(struct qp_conn *conn, unsigned side, enum qp_view view,
                   const struct qp_header *header, struct qp_opened *opened);

/* CRYPTO data of an opened packet. Reads hello messages as they become whole. */
void qp_crypt_handshake(struct qp_conn *conn, unsigned side, enum qp_space space, uint64_t off,
                        const uint8_t *data, size_t len);

#endif
