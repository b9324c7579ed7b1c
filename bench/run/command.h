/* Command lines of the processes of a run, as agreed in the README ("Inside a
 * run"). argv[0] is the program's path: BINDIR/fanbench-relay, -peer or -wire.
 *
 * Ownership: command_free() gives all strings back. */
#ifndef FANBENCH_RUN_COMMAND_H
#define FANBENCH_RUN_COMMAND_H

#include "bench/net/topology.h"
#include "bench/scenario/plan.h"

#define COMMAND_RELAY_PORT    4433
#define COMMAND_RELAY_CLIENTS 1024  /* most that a relay takes */
#define COMMAND_PEER_PORT     20000 /* + node index */

struct command {
  char **argv; /* ends with NULL */
  size_t n, room;
  bool failed; /* no memory at some point */
};

/* Where the programs and the run directory are. */
struct command_places {
  const char *bindir, *dir;
  bool journal;          /* relays keep one: DIR/NODE-LIFE.journal */
  uint64_t journal_size; /* bytes of it at most; 0 = as usual */
};

/* 0, or -1 with a sentence in err. life: which process of this node it is, from 1. */
int command_relay(struct command *cmd, const struct plan *plan, const struct topology *net,
                  int node, unsigned life, const struct command_places *at, char *err,
                  size_t err_len);
int command_peer(struct command *cmd, const struct plan *plan, const struct topology *net, int node,
                 const struct command_places *at, char *err, size_t err_len);
int command_wire(struct command *cmd, const struct command_places *at, char *err, size_t err_len);
void command_free(struct command *cmd);

/* UDP port a node sends from or listens on. */
unsigned command_port(const struct plan *plan, int node);

#endif
