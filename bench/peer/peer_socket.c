#include "bench/peer/peer_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES (32 << 20)
/* How long a full send queue is waited for before the packet counts as lost. */
#define SEND_WAIT_MS 100

struct out {
  struct qc_addr to;
  int fd;
  size_t len;
  uint8_t data[PEER_SOCKET_PACKET];
};

struct peer_sockets {
  size_t n;
  int fd[PEER_SOCKETS]; /* the last one is in use */
  struct qc_addr local[PEER_SOCKETS];
  size_t n_out;
  struct out out[PEER_SOCKET_BATCH];
  struct mmsghdr in_msg[PEER_SOCKET_BATCH];
  struct iovec in_iov[PEER_SOCKET_BATCH];
  struct qc_addr in_from[PEER_SOCKET_BATCH];
  uint8_t in_data[PEER_SOCKET_BATCH][PEER_SOCKET_PACKET];
};

/* ---- opening ------------------------------------------------------------------------- */

static int set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value);
}

static void set_buffers(int fd) {
  /* FORCE needs a privilege; without it the system's limit stands. */
  if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES))
    set_option(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
  if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES))
    set_option(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
}

static int open_one(struct qc_addr *local) {
  const int family = local->sa.sa_family;
  const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int failed;
  if (fd < 0)
    return -1;
  if (family == AF_INET6)
    failed = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) |
             set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  else
    failed = set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  set_buffers(fd);
  local->len = family == AF_INET6 ? sizeof local->in6 : sizeof local->in;
  if (!failed)
    failed = bind(fd, &local->sa, local->len) | getsockname(fd, &local->sa, &local->len);
  if (!failed)
    return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

struct peer_sockets *peer_sockets_open(struct qc_addr *local) {
  struct peer_sockets *s = calloc(1, sizeof *s);
  if (!s)
    return NULL;
  s->fd[0] = open_one(local);
  if (s->fd[0] < 0) {
    const int error = errno;
    free(s);
    errno = error;
    return NULL;
  }
  s->local[0] = *local;
  s->n = 1;
  return s;
}

static void close_oldest(struct peer_sockets *s) {
  close(s->fd[0]);
  s->n--;
  memmove(s->fd, s->fd + 1, s->n * sizeof *s->fd);
  memmove(s->local, s->local + 1, s->n * sizeof *s->local);
}

void peer_sockets_close(struct peer_sockets *s) {
  if (!s)
    return;
  while (s->n)
    close_oldest(s);
  free(s);
}

static void any_port(struct qc_addr *addr) {
  if (addr->sa.sa_family == AF_INET6)
    addr->in6.sin6_port = 0;
  else
    addr->in.sin_port = 0;
}

int peer_sockets_move(struct peer_sockets *s, enum peer_move how, struct qc_addr *local) {
  *local = s->local[s->n - 1];
  peer_sockets_flush(s);
  if (how != PEER_MOVE_SAME_PORT)
    any_port(local);
  else
    while (s->n)
      close_oldest(s); /* the port must be free first */
  const int fd = open_one(local);
  if (fd < 0)
    return -1;
  while (s->n && (how == PEER_MOVE_NEW_PORT || s->n == PEER_SOCKETS))
    close_oldest(s);
  s->fd[s->n] = fd;
  s->local[s->n++] = *local;
  return 0;
}

size_t peer_sockets_fds(const struct peer_sockets *s, int *fds) {
  memcpy(fds, s->fd, s->n * sizeof *fds);
  return s->n;
}

/* ---- in -------------------------------------------------------------------------------- */

static size_t receive_one(struct peer_sockets *s, size_t index, const struct qc_addr *remote,
                          void (*in)(void *arg, const struct qc_path *path, const uint8_t *data,
                                     size_t len),
                          void *arg) {
  const struct qc_addr local = s->local[index]; /* `in` may move sockets */
  int n;
  for (size_t i = 0; i < PEER_SOCKET_BATCH; i++) {
    s->in_iov[i] = (struct iovec){s->in_data[i], sizeof s->in_data[i]};
    s->in_msg[i].msg_hdr = (struct msghdr){.msg_name = &s->in_from[i].in6,
                                           .msg_namelen = sizeof s->in_from[i].in6,
                                           .msg_iov = &s->in_iov[i],
                                           .msg_iovlen = 1};
  }
  n = recvmmsg(s->fd[index], s->in_msg, PEER_SOCKET_BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < n; i++) {
    struct qc_path path = {.local = local, .remote = s->in_from[i]};
    path.remote.len = s->in_msg[i].msg_hdr.msg_namelen;
    /* Only its relay speaks to an endpoint. */
    if (path.remote.len == remote->len && memcmp(&path.remote.in6, &remote->in6, remote->len) == 0)
      in(arg, &path, s->in_data[i], s->in_msg[i].msg_len);
  }
  return n > 0 ? (size_t)n : 0;
}

size_t peer_sockets_receive(struct peer_sockets *s, const struct qc_addr *remote,
                            void (*in)(void *arg, const struct qc_path *path, const uint8_t *data,
                                       size_t len),
                            void *arg) {
  size_t total = 0;
  for (size_t i = 0; i < s->n; i++)
    total += receive_one(s, i, remote, in, arg);
  return total;
}

/* ---- out ---------------------------------------------------------------------------------- */

uint8_t *peer_sockets_room(struct peer_sockets *s) {
  return s->out[s->n_out].data;
}

static bool same_addr(const struct qc_addr *a, const struct qc_addr *b) {
  return a->len == b->len && memcmp(&a->in6, &b->in6, a->len) == 0;
}

void peer_sockets_queue(struct peer_sockets *s, const struct qc_path *path, size_t len) {
  struct out *out = &s->out[s->n_out];
  out->fd = s->fd[s->n - 1];
  for (size_t i = 0; i < s->n; i++)
    if (same_addr(&s->local[i], &path->local))
      out->fd = s->fd[i];
  out->to = path->remote;
  out->len = len;
  if (++s->n_out == PEER_SOCKET_BATCH)
    peer_sockets_flush(s);
}

/* Sends those of one socket, from *at on; false if its queue is full. */
static bool send_run(struct peer_sockets *s, size_t *at) {
  struct mmsghdr msg[PEER_SOCKET_BATCH];
  struct iovec iov[PEER_SOCKET_BATCH];
  const int fd = s->out[*at].fd;
  unsigned n = 0;
  for (size_t i = *at; i < s->n_out && s->out[i].fd == fd; i++, n++) {
    iov[n] = (struct iovec){s->out[i].data, s->out[i].len};
    msg[n].msg_hdr = (struct msghdr){.msg_name = &s->out[i].to.in6,
                                     .msg_namelen = s->out[i].to.len,
                                     .msg_iov = &iov[n],
                                     .msg_iovlen = 1};
  }
  const int sent = sendmmsg(fd, msg, n, 0);
  if (sent > 0)
    *at += (size_t)sent;
  else if (errno == EAGAIN || errno == ENOBUFS)
    return false;
  else if (errno != EINTR)
    *at += 1; /* what cannot be sent is lost, as on any path */
  return true;
}

void peer_sockets_flush(struct peer_sockets *s) {
  for (size_t at = 0; at < s->n_out;) {
    struct pollfd wait = {.fd = s->out[at].fd, .events = POLLOUT};
    if (!send_run(s, &at) && poll(&wait, 1, SEND_WAIT_MS) <= 0)
      at++;
  }
  s->n_out = 0;
}
