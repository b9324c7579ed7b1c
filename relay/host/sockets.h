/* The relay's UDP sockets: one an address family, bound to the wildcard address
 * and one port. Each datagram comes with the address and interface it arrived
 * on (IP_PKTINFO) and leaves from the address its path names.
 *
 * Sending is gathered: sockets_send() copies, sockets_flush() hands everything
 * to the kernel in one call, bursts to one receiver as super-packets: outbox.h. */
#ifndef FANBENCH_RELAY_HOST_SOCKETS_H
#define FANBENCH_RELAY_HOST_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/host/outbox.h"
#include "relay/quic/conn.h"

#define SOCKETS_BATCH 64

struct sockets;

/* The port of both families; NULL with errno set. */
struct sockets *sockets_open(uint16_t port);
void sockets_close(struct sockets *sockets);

/* File descriptors to wait for; returns their number (1 or 2). */
size_t sockets_fds(const struct sockets *sockets, int fds[2]);

typedef void sockets_sink(void *arg, const struct qc_path *path, const uint8_t *data, size_t len);

/* Reads one batch of each socket; returns the number of datagrams. 0: both are empty. */
size_t sockets_read(struct sockets *sockets, sockets_sink *sink, void *arg);

void sockets_send(struct sockets *sockets, const struct qc_path *path, const uint8_t *data,
                  size_t len);
void sockets_flush(struct sockets *sockets);
struct outbox_counts sockets_counts(const struct sockets *sockets);

#endif
