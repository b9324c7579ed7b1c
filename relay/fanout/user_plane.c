#include "relay/fanout/user_plane.h"

#include <stdlib.h>
#include <string.h>

#include "relay/fanout/native_aead.h"
#include "relay/fanout/native_journal.h"
#include "relay/fanout/native_plane.h"

struct user_plane {
  struct native_plane native;
  struct dp_native *dp;
  struct native_aead *aead;       /* NULL without protection */
  struct native_journal *journal; /* NULL: none is kept */
  user_plane_send *send;
  void *arg;
};

static void put_addr(uint8_t to[16], __u16 *port, const struct qc_addr *addr) {
  memset(to, 0, 16);
  if (addr->sa.sa_family == AF_INET6) {
    memcpy(to, &addr->in6.sin6_addr, 16);
    *port = addr->in6.sin6_port;
  } else {
    memcpy(to, &addr->in.sin_addr, 4);
    *port = addr->in.sin_port;
  }
}

static void take_addr(struct qc_addr *to, uint8_t family, const uint8_t from[16], uint16_t port) {
  memset(to, 0, sizeof *to);
  if (family == 6) {
    to->in6.sin6_family = AF_INET6;
    to->in6.sin6_port = port;
    memcpy(&to->in6.sin6_addr, from, 16);
    to->len = sizeof to->in6;
  } else {
    to->in.sin_family = AF_INET;
    to->in.sin_port = port;
    memcpy(&to->in.sin_addr, from, 4);
    to->len = sizeof to->in;
  }
}

static int on_emit(void *user, const struct dp_native_copy *copy) {
  struct user_plane *u = user;
  struct qc_path path = {.ifindex = copy->ifindex};
  take_addr(&path.local, copy->path.family, copy->path.local_addr, copy->path.local_port);
  take_addr(&path.remote, copy->path.family, copy->path.remote_addr, copy->path.remote_port);
  return u->send(u->arg, &path, copy->payload, copy->len);
}

struct user_plane *user_plane_open(uint32_t max_subscribers, const struct fb_defects *defects,
                                   uint32_t policy, const struct plane_protection *protection,
                                   user_plane_send *send, void *arg) {
  struct user_plane *u = calloc(1, sizeof *u);
  if (!u)
    return NULL;
  u->send = send;
  u->arg = arg;
  u->dp = dp_native_new(&(struct dp_native_sizes){.subscribers = max_subscribers,
                                                  .protect = protection->protect,
                                                  .keystreams_down = protection->keystreams_down,
                                                  .keystreams_up = protection->keystreams_up});
  if (u->dp && protection->protect)
    u->aead = native_aead_new(u->dp);
  if (!u->dp || (protection->protect && !u->aead)) {
    user_plane_close(u);
    return NULL;
  }
  if (defects)
    u->dp->defects = *defects;
  u->dp->policy = policy;
  dp_native_on_emit(u->dp, on_emit, u);
  native_plane_init(&u->native, u->dp);
  return u;
}

bool user_plane_keep_journal(struct user_plane *u, const struct journal_place *place) {
  u->journal = native_journal_open(place, u->dp, &u->native.plane, JOURNAL_BY_USER, false);
  return u->journal != NULL;
}

void user_plane_write_journal(struct user_plane *u) {
  native_journal_write(u->journal);
}

bool user_plane_close(struct user_plane *u) {
  if (!u)
    return true;
  const bool good = native_journal_close(u->journal);
  native_aead_free(u->aead);
  dp_native_free(u->dp);
  free(u);
  return good;
}

struct plane *user_plane_interface(struct user_plane *u) {
  return &u->native.plane;
}

void user_plane_packet(struct user_plane *u, const struct qc_path *path, const uint8_t *data,
                       size_t len, uint64_t now_ns) {
  struct fb_path fb = {.family = path->remote.sa.sa_family == AF_INET6 ? 6 : 4};
  put_addr(fb.local_addr, &fb.local_port, &path->local);
  put_addr(fb.remote_addr, &fb.remote_port, &path->remote);
  native_journal_packet(u->journal, u->dp, &fb, data, len, now_ns, 0);
}

const struct native_plane *user_plane_native(const struct user_plane *u) {
  return &u->native;
}
