#include "relay/host/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAYLOAD 2048
#define BUFFER_BYTES (32 << 20)

struct out {
  struct qc_addr to;
  size_t len;
  int fd;
  uint8_t data[PAYLOAD];
  _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
  size_t control_len;
};

struct sockets {
  int fd4, fd6;
  uint16_t port;
  uint64_t dropped;
  size_t n_out;
  struct out out[SOCKETS_BATCH];
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
  if (fd < 0) return -1;
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
  if (!s) return NULL;
  s->port = port;
  s->fd4 = open_family(AF_INET, port);
  int error = errno;
  s->fd6 = open_family(AF_INET6, port); /* a host without IPv6 has the other */
  if (s->fd4 < 0 && s->fd6 < 0) {
    free(s);
    errno = error;
    return NULL;
  }
  return s;
}

void sockets_close(struct sockets *s) {
  if (!s) return;
  if (s->fd4 >= 0) close(s->fd4);
  if (s->fd6 >= 0) close(s->fd6);
  free(s);
}

size_t sockets_fds(const struct sockets *s, int fds[2]) {
  size_t n = 0;
  if (s->fd4 >= 0) fds[n++] = s->fd4;
  if (s->fd6 >= 0) fds[n++] = s->fd6;
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
    if (msg->msg_flags & MSG_TRUNC) continue; /* no QUIC packet of ours is that long */
    struct qc_path path = {0};
    path.remote = s->in_from[i];
    path.remote.len = msg->msg_namelen;
    local_of(s, msg, &path);
    if (path.local.len) sink(arg, &path, s->in_data[i], s->in_msg[i].msg_len);
  }
  return n > 0 ? (size_t)n : 0;
}

size_t sockets_read(struct sockets *s, sockets_sink *sink, void *arg) {
  size_t n = 0;
  if (s->fd4 >= 0) n += read_socket(s, s->fd4, sink, arg);
  if (s->fd6 >= 0) n += read_socket(s, s->fd6, sink, arg);
  return n;
}

/* ---- out ------------------------------------------------------------------------------ */

/* From the address the client knows, whatever route is chosen. */
static void put_source(struct out *out, const struct qc_path *path) {
  struct msghdr msg = {.msg_control = out->control, .msg_controllen = sizeof out->control};
  memset(out->control, 0, sizeof out->control);
  struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
  if (path->local.sa.sa_family == AF_INET) {
    struct in_pktinfo info = {.ipi_spec_dst = path->local.in.sin_addr};
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
    out->control_len = CMSG_SPACE(sizeof info);
  } else {
    struct in6_pktinfo info = {.ipi6_addr = path->local.in6.sin6_addr};
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
    out->control_len = CMSG_SPACE(sizeof info);
  }
}

void sockets_send(struct sockets *s, const struct qc_path *path, const uint8_t *data, size_t len) {
  if (len > PAYLOAD) return;
  if (s->n_out == SOCKETS_BATCH) sockets_flush(s);
  struct out *out = &s->out[s->n_out++];
  out->to = path->remote;
  out->len = len;
  out->fd = path->remote.sa.sa_family == AF_INET ? s->fd4 : s->fd6;
  memcpy(out->data, data, len);
  put_source(out, path);
}

static void flush_family(struct sockets *s, int fd) {
  struct mmsghdr msgs[SOCKETS_BATCH];
  struct iovec iov[SOCKETS_BATCH];
  unsigned n = 0;
  for (size_t i = 0; i < s->n_out; i++) {
    struct out *out = &s->out[i];
    if (out->fd != fd) continue;
    iov[n] = (struct iovec){.iov_base = out->data, .iov_len = out->len};
    msgs[n].msg_hdr = (struct msghdr){
        .msg_name = &out->to.sa,
        .msg_namelen = out->to.len,
        .msg_iov = &iov[n],
        .msg_iovlen = 1,
        .msg_control = out->control,
        .msg_controllen = out->control_len,
    };
    n++;
  }
  for (unsigned done = 0; done < n;) {
    int sent = sendmmsg(fd, msgs + done, n - done, 0);
    if (sent > 0) {
      done += (unsigned)sent;
    } else if (errno != EINTR) {
      s->dropped++; /* as the network might: loss detection repairs it */
      done++;
    }
  }
}

void sockets_flush(struct sockets *s) {
  if (s->n_out == 0) return;
  if (s->fd4 >= 0) flush_family(s, s->fd4);
  if (s->fd6 >= 0) flush_family(s, s->fd6);
  s->n_out = 0;
}

uint64_t sockets_dropped(const struct sockets *s) {
  return s->dropped;
}
