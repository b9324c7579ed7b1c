/* Datagrams on their way out. Gathered until outbox_flush(), which hands all of them to the kernel
 * in one sendmmsg a socket. Those to one receiver that follow each other with the same length (the
 * last may be shorter) leave as one super-packet that the kernel cuts (UDP_SEGMENT, Linux 4.18);
 * that is what a relay in user space does to bursts, and what the fast path has to be measured
 * against. To each receiver the order stays.
 *
 * Where segments are refused (a device without checksum offload), everything leaves by itself from
 * then on. The outbox copies what it is given, and owns no socket. */
#ifndef FANBENCH_RELAY_HOST_OUTBOX_H
#define FANBENCH_RELAY_HOST_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/quic/conn.h"

#define OUTBOX_PAYLOAD 2048 /* the longest datagram */
#define OUTBOX_ROOM    512  /* datagrams; one more, and it is flushed */
#define OUTBOX_SOCKETS 2    /* the same */

struct outbox;

struct outbox *outbox_new(bool segments); /* false: every datagram by itself. NULL: no memory */
void outbox_free(struct outbox *box);

/* From path->local, whatever route is chosen. Longer than OUTBOX_PAYLOAD: dropped. */
void outbox_put(struct outbox *box, int fd, const struct qc_path *path, const uint8_t *data,
                size_t len);
void outbox_flush(struct outbox *box);

struct outbox_counts {
  uint64_t sent;      /* datagrams */
  uint64_t segmented; /* of them, within super-packets */
  uint64_t messages;  /* what the kernel was given: super-packets, and single ones */
  uint64_t dropped;   /* refused, as a network might: loss detection repairs it */
  uint64_t cpu_ns;    /* processor time of this thread within sendmmsg */
};
struct outbox_counts outbox_counts(const struct outbox *box);

#endif
