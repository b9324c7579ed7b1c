/* Where the clients are: for each slot the address of its client, as a number that is the
 * same for the same address and port. So that who sits at an address is found without a
 * look at 1,000 connections. Order of calls: remotes_open(), the others, remotes_close(). */
#ifndef FANBENCH_FANOUT_REMOTES_H
#define FANBENCH_FANOUT_REMOTES_H

#include "relay/quic/conn.h"

struct remotes {
  uint64_t *hashes; /* [n], by slot; 0 = nobody was ever there */
  uint32_t n;
};

/* 0, or -1: no memory. */
int remotes_open(struct remotes *remotes, uint32_t n);
void remotes_close(struct remotes *remotes);
void remotes_set(struct remotes *remotes, uint32_t slot, const struct qc_addr *remote);
/* The first slot from `from` on, below `end`, whose client may be at that address: the caller
 * compares. `end`: there is none. */
uint32_t remotes_find(const struct remotes *remotes, const struct qc_addr *remote, uint32_t from,
                      uint32_t end);

#endif
