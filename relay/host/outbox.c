#include "relay/host/outbox.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* UDP_MAX_SEGMENTS of Linux before 6.9, and what an IP packet holds. */
#define MOST_SEGMENTS 64
#define MOST_BYTES    65000
#define SLOTS         1024 /* power of two above OUTBOX_ROOM */
#define PROBES        8    /* slots a receiver may be in, if others are in the first */
#define NOBODY        UINT32_MAX

struct entry {
  int fd;
  struct qc_addr from, to;
  size_t len;
  uint32_t next; /* behind it in its group */
  uint8_t data[OUTBOX_PAYLOAD];
};

/* What leaves as one message. */
struct group {
  uint32_t first, last, n;
  size_t bytes, size; /* of all; of each but the last */
  bool closed;        /* a shorter one ended it */
  _Alignas(struct cmsghdr)
      uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
};

struct outbox {
  bool segments;
  struct outbox_counts counts;
  uint32_t n, n_groups;
  int fds[OUTBOX_SOCKETS];
  size_t n_fds;
  uint32_t newest[SLOTS]; /* the newest group of a receiver, by hash */
  struct entry entries[OUTBOX_ROOM];
  struct group groups[OUTBOX_ROOM];
  struct mmsghdr msgs[OUTBOX_ROOM];
  struct iovec iovs[OUTBOX_ROOM];
};

struct outbox *outbox_new(bool segments) {
  struct outbox *box = calloc(1, sizeof *box);
  if (box)
    box->segments = segments;
  return box;
}

void outbox_free(struct outbox *box) {
  free(box);
}

struct outbox_counts outbox_counts(const struct outbox *box) {
  return box->counts;
}

static bool knows(const struct outbox *box, int fd) {
  for (size_t i = 0; i < box->n_fds; i++)
    if (box->fds[i] == fd)
      return true;
  return false;
}

void outbox_put(struct outbox *box, int fd, const struct qc_path *path, const uint8_t *data,
                size_t len) {
  if (len > OUTBOX_PAYLOAD) {
    box->counts.dropped++;
    return;
  }
  if (box->n == OUTBOX_ROOM || (!knows(box, fd) && box->n_fds == OUTBOX_SOCKETS))
    outbox_flush(box);
  if (!knows(box, fd))
    box->fds[box->n_fds++] = fd;
  struct entry *entry = &box->entries[box->n++];
  entry->fd = fd;
  entry->from = path->local;
  entry->to = path->remote;
  entry->len = len;
  entry->next = NOBODY;
  memcpy(entry->data, data, len);
}

/* ---- grouping ------------------------------------------------------------------------ */

static bool same_addr(const struct qc_addr *a, const struct qc_addr *b) {
  if (a->sa.sa_family != b->sa.sa_family)
    return false;
  if (a->sa.sa_family == AF_INET6)
    return a->in6.sin6_port == b->in6.sin6_port &&
           memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0;
  return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

static bool same_way(const struct entry *a, const struct entry *b) {
  return a->fd == b->fd && same_addr(&a->to, &b->to) && same_addr(&a->from, &b->from);
}

/* FNV-1a of address and port. */
static uint32_t slot_of(const struct qc_addr *to) {
  const bool six = to->sa.sa_family == AF_INET6;
  const uint8_t *addr = six ? to->in6.sin6_addr.s6_addr : (const uint8_t *)&to->in.sin_addr;
  const uint16_t port = six ? to->in6.sin6_port : to->in.sin_port;
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < (six ? 16u : 4u); i++)
    hash = (hash ^ addr[i]) * 16777619u;
  hash = (hash ^ (port & 0xff)) * 16777619u;
  hash = (hash ^ port >> 8) * 16777619u;
  return (hash ^ hash >> 16) % SLOTS;
}

/* Where a receiver's newest group stands, or may; the last of the slots if all are taken. */
static uint32_t *slot_for(struct outbox *box, const struct entry *entry) {
  uint32_t at = slot_of(&entry->to), *slot = NULL;
  for (uint32_t i = 0; i < PROBES; i++) {
    slot = &box->newest[(at + i) % SLOTS];
    if (*slot == NOBODY || same_way(&box->entries[box->groups[*slot].first], entry))
      break;
  }
  return slot;
}

static bool joins(const struct outbox *box, const struct group *group, const struct entry *entry) {
  return box->segments && !group->closed && group->n < MOST_SEGMENTS && entry->len <= group->size &&
         group->bytes + entry->len <= MOST_BYTES && same_way(&box->entries[group->first], entry);
}

static void add(struct outbox *box, uint32_t i) {
  struct entry *entry = &box->entries[i];
  uint32_t *newest = slot_for(box, entry);
  struct group *group = *newest == NOBODY ? NULL : &box->groups[*newest];
  if (!group || !joins(box, group, entry)) {
    *newest = box->n_groups;
    group = &box->groups[box->n_groups++];
    *group = (struct group){.first = i, .last = i, .n = 1, .bytes = entry->len, .size = entry->len};
    return;
  }
  box->entries[group->last].next = i;
  group->last = i;
  group->n++;
  group->bytes += entry->len;
  group->closed = entry->len < group->size;
}

static void make_groups(struct outbox *box) {
  box->n_groups = 0;
  memset(box->newest, 0xff, sizeof box->newest);
  for (uint32_t i = 0; i < box->n; i++)
    add(box, i);
}

/* ---- sending --------------------------------------------------------------------------- */

/* From the address the client knows. Returns the length. */
static size_t put_source(struct cmsghdr *c, const struct qc_addr *from) {
  if (from->sa.sa_family == AF_INET6) {
    struct in6_pktinfo info = {.ipi6_addr = from->in6.sin6_addr};
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  struct in_pktinfo info = {.ipi_spec_dst = from->in.sin_addr};
  c->cmsg_level = IPPROTO_IP;
  c->cmsg_type = IP_PKTINFO;
  c->cmsg_len = CMSG_LEN(sizeof info);
  memcpy(CMSG_DATA(c), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

static size_t put_size(struct cmsghdr *c, size_t size) {
  const uint16_t value = (uint16_t)size;
  c->cmsg_level = IPPROTO_UDP;
  c->cmsg_type = UDP_SEGMENT;
  c->cmsg_len = CMSG_LEN(sizeof value);
  memcpy(CMSG_DATA(c), &value, sizeof value);
  return CMSG_SPACE(sizeof value);
}

/* Writes a group's message; its vectors begin at iov. */
static void write_message(struct outbox *box, struct group *group, struct mmsghdr *msg,
                          struct iovec *iov) {
  struct entry *first = &box->entries[group->first];
  size_t n = 0, len;
  for (uint32_t i = group->first; i != NOBODY; i = box->entries[i].next)
    iov[n++] = (struct iovec){.iov_base = box->entries[i].data, .iov_len = box->entries[i].len};
  len = put_source((struct cmsghdr *)(void *)group->control, &first->from);
  if (group->n > 1)
    len += put_size((struct cmsghdr *)(void *)(group->control + len), group->size);
  memset(msg, 0, sizeof *msg);
  msg->msg_hdr.msg_name = &first->to.sa;
  msg->msg_hdr.msg_namelen = first->to.len;
  msg->msg_hdr.msg_iov = iov;
  msg->msg_hdr.msg_iovlen = n;
  msg->msg_hdr.msg_control = group->control;
  msg->msg_hdr.msg_controllen = len;
}

static void send_singly(struct outbox *box, const struct group *group) {
  struct group one;
  struct mmsghdr msg;
  struct iovec iov;
  for (uint32_t i = group->first, next; i != NOBODY; i = next) {
    struct entry *entry = &box->entries[i];
    next = entry->next;
    entry->next = NOBODY;
    one = (struct group){.first = i, .last = i, .n = 1, .bytes = entry->len, .size = entry->len};
    write_message(box, &one, &msg, &iov);
    box->counts.messages++;
    if (sendmsg(entry->fd, &msg.msg_hdr, 0) < 0)
      box->counts.dropped++;
    else
      box->counts.sent++;
  }
}

/* The first of the messages was refused. */
static void refused(struct outbox *box, const struct group *group, int error) {
  if (group->n == 1) {
    box->counts.dropped++;
    return;
  }
  if (error == EIO || error == EINVAL || error == EOPNOTSUPP || error == ENOPROTOOPT)
    box->segments = false;
  if (error == ENOBUFS || error == EAGAIN)
    box->counts.dropped += group->n;
  else
    send_singly(box, group);
}

static void count_sent(struct outbox *box, const struct group *group) {
  box->counts.messages++;
  box->counts.sent += group->n;
  if (group->n > 1)
    box->counts.segmented += group->n;
}

static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* All groups of one socket. */
static void send_socket(struct outbox *box, int fd) {
  struct group *of[OUTBOX_ROOM];
  uint32_t n = 0, n_iovs = 0;
  for (uint32_t g = 0; g < box->n_groups; g++) {
    struct group *group = &box->groups[g];
    if (box->entries[group->first].fd != fd)
      continue;
    write_message(box, group, &box->msgs[n], &box->iovs[n_iovs]);
    n_iovs += group->n;
    of[n++] = group;
  }
  uint64_t before = cpu_ns();
  for (uint32_t done = 0; done < n;) {
    int sent = sendmmsg(fd, box->msgs + done, n - done, 0);
    for (int i = 0; i < sent; i++)
      count_sent(box, of[done + (uint32_t)i]);
    if (sent > 0)
      done += (uint32_t)sent;
    else if (errno != EINTR)
      refused(box, of[done++], errno);
  }
  box->counts.cpu_ns += cpu_ns() - before;
}

void outbox_flush(struct outbox *box) {
  if (box->n == 0)
    return;
  make_groups(box);
  for (size_t i = 0; i < box->n_fds; i++)
    send_socket(box, box->fds[i]);
  box->n = 0;
  box->n_fds = 0;
}
