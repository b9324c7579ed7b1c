#include "bench/net/wire/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#define SECOND_NS UINT64_C(1000000000)
/* 64 MiB of socket buffers: 30,000 full frames. */
#define BUFFER_BYTES (64 << 20)

struct port_room {
  struct mmsghdr messages[PORT_BATCH];
  struct iovec pieces[PORT_BATCH];
  struct sockaddr_ll from[PORT_BATCH];
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct timespec))];
  } control[PORT_BATCH];
  size_t frame_max;
  uint8_t bytes[];
};

static uint64_t read_clock(clockid_t id) {
  struct timespec ts;
  clock_gettime(id, &ts);
  return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static int set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value);
}

static int set_options(int fd) {
  if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES) != 0 ||
      set(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES) != 0 ||
      set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1) != 0 ||
      set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1) != 0)
    return -1;
  return set(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
}

int port_open(struct port *port, size_t frame_max, char *err, size_t err_len) {
  *port = (struct port){.fd = -1};
  port->room = calloc(1, sizeof *port->room + PORT_BATCH * frame_max);
  if (port->room == NULL) {
    snprintf(err, err_len, "no memory for frames of %zu bytes", frame_max);
    return -1;
  }
  port->room->frame_max = frame_max;
  /* Protocol 0: nothing comes in before the options are set. */
  port->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
  if (port->fd >= 0 && set_options(port->fd) == 0 &&
      bind(port->fd, (const struct sockaddr *)&all, sizeof all) == 0)
    return 0;
  snprintf(err, err_len, "cannot open a packet socket: %s; it needs root (CAP_NET_RAW)",
           strerror(errno));
  port_close(port);
  return -1;
}

static void make_ready(struct port_room *room) {
  for (size_t i = 0; i < PORT_BATCH; i++) {
    room->pieces[i] =
        (struct iovec){.iov_base = room->bytes + i * room->frame_max, .iov_len = room->frame_max};
    room->messages[i].msg_hdr = (struct msghdr){.msg_name = &room->from[i],
                                                .msg_namelen = sizeof room->from[i],
                                                .msg_iov = &room->pieces[i],
                                                .msg_iovlen = 1,
                                                .msg_control = room->control[i].bytes,
                                                .msg_controllen = sizeof room->control[i].bytes};
  }
}

/* CLOCK_REALTIME ns; `otherwise` if the kernel gave none. */
static uint64_t stamp(struct msghdr *message, uint64_t otherwise) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    struct timespec ts;
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
      continue;
    memcpy(&ts, CMSG_DATA(c), sizeof ts);
    return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
  }
  return otherwise;
}

size_t port_receive(struct port *port) {
  struct port_room *room = port->room;
  make_ready(room);
  const int n = recvmmsg(port->fd, room->messages, PORT_BATCH, MSG_DONTWAIT, NULL);
  if (n <= 0)
    return 0;
  /* Stamps are of the other clock, which may be slewed: the age is what counts. */
  const uint64_t real_ns = read_clock(CLOCK_REALTIME), now_ns = read_clock(CLOCK_MONOTONIC);
  for (size_t i = 0; i < (size_t)n; i++) {
    const uint64_t at_ns = stamp(&room->messages[i].msg_hdr, real_ns);
    const uint64_t age_ns = at_ns < real_ns ? real_ns - at_ns : 0;
    port->frames[i] = (struct port_frame){.in = room->from[i].sll_ifindex,
                                          .arrived_ns = now_ns - age_ns,
                                          .bytes = room->pieces[i].iov_base,
                                          .len = room->messages[i].msg_len};
  }
  return (size_t)n;
}

bool port_send(const struct port *port, int out, const uint8_t *bytes, size_t len) {
  const struct sockaddr_ll to = {
      .sll_family = AF_PACKET, .sll_ifindex = out, .sll_halen = ETH_ALEN};
  return sendto(port->fd, bytes, len, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof to) ==
         (ssize_t)len;
}

void port_count_lost(struct port *port) {
  struct tpacket_stats stats = {0};
  socklen_t len = sizeof stats;
  if (getsockopt(port->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
    port->lost += stats.tp_drops; /* reading sets it to 0 */
}

void port_close(struct port *port) {
  if (port->fd >= 0)
    close(port->fd);
  free(port->room);
  *port = (struct port){.fd = -1};
}
