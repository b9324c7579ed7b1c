#include <string.h>

#include "relay/fanout/core.h"

static bool same_path(const struct qc_path *a, const struct qc_path *b) {
  return a->local.len == b->local.len && a->remote.len == b->remote.len &&
         memcmp(&a->local.sa, &b->local.sa, a->local.len) == 0 &&
         memcmp(&a->remote.sa, &b->remote.sa, a->remote.len) == 0;
}

static bool was_validated(const struct client *client, const struct qc_path *path) {
  for (unsigned i = 0; i < client->n_valid_paths && i < RELAY_VALID_PATHS; i++)
    if (same_path(&client->valid_paths[i], path))
      return true;
  return false;
}

static void note_valid(struct client *client, const struct qc_path *path) {
  if (!was_validated(client, path))
    client->valid_paths[client->n_valid_paths++ % RELAY_VALID_PATHS] = *path;
}

/* Another address, not only another port (RFC 9000 9.4): what was learned of the old path is void. */
static bool takes_new_way(const struct client *client, const struct qc_path *path) {
  const struct qc_addr *was = &client->path.remote, *is = &path->remote;
  if (was->sa.sa_family != is->sa.sa_family)
    return true;
  if (is->sa.sa_family == AF_INET6)
    return memcmp(&was->in6.sin6_addr, &is->in6.sin6_addr, sizeof was->in6.sin6_addr) != 0;
  return was->in.sin_addr.s_addr != is->in.sin_addr.s_addr;
}

/* The fan-out goes on, on a path that is validated. */
static void take_path(struct client *client, const struct qc_path *path) {
  const bool moved = client->ledger && takes_new_way(client, path);
  client->path_held = false;
  client->path = *path;
  remotes_set(&client->relay->remotes, client->slot, &path->remote);
  if (moved)
    window_new_path(client);
  if (client->in_plane)
    entry_subscriber_update(client);
  if (client->upstream >= 0)
    entry_upstream_path(client);
  client_dirty(client);
}

void path_changed(struct client *client, const struct qc_path *path) {
  if (was_validated(client, path)) {
    take_path(client, path);
    return;
  }
  client->path_held = true;
  if (client->in_plane)
    entry_subscriber_update(client);
}

void path_validated(struct client *client, const struct qc_path *path) {
  struct qc_path now;
  note_valid(client, path);
  qc_path_now(client->qc, &now);
  if (client->path_held && same_path(path, &now))
    take_path(client, &now);
}
