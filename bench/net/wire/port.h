/* All interfaces of the wire's namespace through one packet socket: whole Ethernet frames,
 * stamped by the kernel when they came in; own frames are not seen again.
 *
 * Ownership: port_open() fills *port, port_close() gives everything back. */
#ifndef FANBENCH_NET_WIRE_PORT_H
#define FANBENCH_NET_WIRE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT_BATCH 64

struct port_frame {
  int in;               /* interface index */
  uint64_t arrived_ns;  /* CLOCK_MONOTONIC */
  const uint8_t *bytes; /* until the next port_receive() */
  size_t len;
};

struct port {
  int fd;
  struct port_room *room;
  struct port_frame frames[PORT_BATCH];
  uint64_t lost; /* frames the kernel had no room for, see port_count_lost() */
};

/* frame_max: of the longest frame. 0, or -1 with a sentence in err. */
int port_open(struct port *port, size_t frame_max, char *err, size_t err_len);

/* What has arrived, without waiting: number of port->frames. */
size_t port_receive(struct port *port);

/* False: the kernel did not take it. */
bool port_send(const struct port *port, int out, const uint8_t *bytes, size_t len);

void port_count_lost(struct port *port);

void port_close(struct port *port);

#endif
