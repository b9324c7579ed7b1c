#include "relay/host/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAYLOAD      OUTBOX_PAYLOAD
#define BUFFER_BYTES (32 << 20)

struct sockets {
  int fd4, fd6;
  uint16_t port;
  struct outbox *outbox;
  /* receiving */
  struct mmsghdr in_msg[SOCKETS_BATCH];
  struct iovec in_iov[SOCKETS_BATCH];
  struct qc_addr in_from[SOCKETS_BATCH];
  uint8_t in_data[SOCKETS_BATCH][PAYLOAD];
  _Alignas(struct cmsghdr) uint8_t in_control[SOCKETS_BATCH][256];
};

static int set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value);
}

static int open_family(int family, uint16_t port) {
  int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  struct qc_addr at = {0};
  int failed = 0;
  if (family == AF_INET) {
    at.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    at.len = sizeof at.in;
    failed |= set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    failed |= set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE); /* DF, no lookup */
  } else {
    at.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    at.len = sizeof at.in6;
    failed |= set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    failed |= set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    failed |= set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  }
  /* Needs a privilege; without it the kernel's limit stands. */
  if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES))
    set_option(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
  if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES))
    set_option(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
  if (failed || bind(fd, &at.sa, at.len)) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

struct sockets *sockets_open(uint16_t port) {
  struct sockets *s = calloc(1, sizeof *s);
  if (!s)
    return NULL;
  s->port = port;
  s->outbox = outbox_new(true);
  if (!s->outbox) {
    free(s);
    return NULL;
  }
  s->fd4 = open_family(AF_INET, port);
  int error = errno;
  s->fd6 = open_family(AF_INET6, port); /* a host without IPv6 has the other */
  if (s->fd4 < 0 && s->fd6 < 0) {
    outbox_free(s->outbox);
    free(s);
    errno = error;
    return NULL;
  }
  return s;
}

void sockets_close(struct sockets *s) {
  if (!s)
    return;
  if (s->fd4 >= 0)
    close(s->fd4);
  if (s->fd6 >= 0)
    close(s->fd6);
  outbox_free(s->outbox);
  free(s);
}

size_t sockets_fds(const struct sockets *s, int fds[2]) {
  size_t n = 0;
  if (s->fd4 >= 0)
    fds[n++] = s->fd4;
  if (s->fd6 >= 0)
    fds[n++] = s->fd6;
  return n;
}

/* ---- in ------------------------------------------------------------------------------ */

static void local_of(const struct sockets *s, struct msghdr *msg, struct qc_path *path) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      path->local.in = (struct sockaddr_in){
          .sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr = info.ipi_addr};
      path->local.len = sizeof path->local.in;
      path->ifindex = (uint32_t)info.ipi_ifindex;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      path->local.in6 = (struct sockaddr_in6){
          .sin6_family = AF_INET6, .sin6_port = htons(s->port), .sin6_addr = info.ipi6_addr};
      path->local.len = sizeof path->local.in6;
      path->ifindex = info.ipi6_ifindex;
    }
  }
}

static size_t read_socket(struct sockets *s, int fd, sockets_sink *sink, void *arg) {
  for (size_t i = 0; i < SOCKETS_BATCH; i++) {
    s->in_iov[i] = (struct iovec){.iov_base = s->in_data[i], .iov_len = PAYLOAD};
    s->in_msg[i].msg_hdr = (struct msghdr){
        .msg_name = &s->in_from[i].sa,
        .msg_namelen = sizeof(struct sockaddr_in6),
        .msg_iov = &s->in_iov[i],
        .msg_iovlen = 1,
        .msg_control = s->in_control[i],
        .msg_controllen = sizeof s->in_control[i],
    };
  }
  int n = recvmmsg(fd, s->in_msg, SOCKETS_BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < n; i++) {
    struct msghdr *msg = &s->in_msg[i].msg_hdr;
    if (msg->msg_flags & MSG_TRUNC)
      continue; /* no QUIC packet of ours is that long */
    struct qc_path path = {0};
    path.remote = s->in_from[i];
    path.remote.len = msg->msg_namelen;
    local_of(s, msg, &path);
    if (path.local.len)
      sink(arg, &path, s->in_data[i], s->in_msg[i].msg_len);
  }
  return n > 0 ? (size_t)n : 0;
}

size_t sockets_read(struct sockets *s, sockets_sink *sink, void *arg) {
  size_t n = 0;
  if (s->fd4 >= 0)
    n += read_socket(s, s->fd4, sink, arg);
  if (s->fd6 >= 0)
    n += read_socket(s, s->fd6, sink, arg);
  return n;
}

/* ---- out ------------------------------------------------------------------------------ */

void sockets_send(struct sockets *s, const struct qc_path *path, const uint8_t *data, size_t len) {
  outbox_put(s->outbox, path->remote.sa.sa_family == AF_INET ? s->fd4 : s->fd6, path, data, len);
}

void sockets_flush(struct sockets *s) {
  outbox_flush(s->outbox);
}

struct outbox_counts sockets_counts(const struct sockets *s) {
  return outbox_counts(s->outbox);
}
