/* The UDP sockets of one endpoint: one at first, more after migrations.
 *
 * Bound, not connected; DF set (QUIC wants it, RFC 9000 14); large buffers, so
 * that a busy machine does not look like a lossy network. Packets are sent one
 * by one, never as a GSO super-packet: captures and datapath see what QUIC
 * built. */
#ifndef FANBENCH_PEER_SOCKET_H
#define FANBENCH_PEER_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/peer/peer.h"
#include "relay/quic/conn.h"

#define PEER_SOCKETS       4 /* the newest ones; a fifth closes the oldest */
#define PEER_SOCKET_BATCH  64
#define PEER_SOCKET_PACKET 2048

struct peer_sockets;

/* A port of 0 lets the kernel choose; *local then has it. NULL with errno. */
struct peer_sockets *peer_sockets_open(struct qc_addr *local);
void peer_sockets_close(struct peer_sockets *sockets); /* NULL is fine */

/* See enum peer_move. *local: the new address. Returns 0, or -1 with errno. */
int peer_sockets_move(struct peer_sockets *sockets, enum peer_move how, struct qc_addr *local);

/* Descriptors to wait on, PEER_SOCKETS at most; returns how many. They change
 * with peer_sockets_move(). */
size_t peer_sockets_fds(const struct peer_sockets *sockets, int *fds);

/* One batch from each socket, each packet given to `in` with its path. Returns
 * how many came. */
size_t peer_sockets_receive(struct peer_sockets *sockets, const struct qc_addr *remote,
                            void (*in)(void *arg, const struct qc_path *path, const uint8_t *data,
                                       size_t len),
                            void *arg);

/* Room for the next packet, PEER_SOCKET_PACKET bytes; fill it, then queue it.
 * Queued packets leave when the batch is full or with peer_sockets_flush(). */
uint8_t *peer_sockets_room(struct peer_sockets *sockets);
void peer_sockets_queue(struct peer_sockets *sockets, const struct qc_path *path, size_t len);
void peer_sockets_flush(struct peer_sockets *sockets);

#endif
