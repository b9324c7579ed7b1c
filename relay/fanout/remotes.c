#include "relay/fanout/remotes.h"

#include <stdlib.h>

int remotes_open(struct remotes *remotes, uint32_t n) {
  *remotes = (struct remotes){.hashes = calloc(n, sizeof *remotes->hashes), .n = n};
  return remotes->hashes ? 0 : -1;
}

void remotes_close(struct remotes *remotes) {
  free(remotes->hashes);
  *remotes = (struct remotes){0};
}

/* FNV-1a; never 0. */
static uint64_t hash_of(const struct qc_addr *remote) {
  const uint8_t *bytes = (const uint8_t *)&remote->sa;
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < remote->len; i++)
    hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash | 1;
}

void remotes_set(struct remotes *remotes, uint32_t slot, const struct qc_addr *remote) {
  remotes->hashes[slot] = hash_of(remote);
}

uint32_t remotes_find(const struct remotes *remotes, const struct qc_addr *remote, uint32_t from,
                      uint32_t end) {
  uint64_t hash = hash_of(remote);
  while (from < end && remotes->hashes[from] != hash)
    from++;
  return from < end ? from : end;
}
