/* Captures of a live run: at which interfaces, by whom, and from raw to pcapng.
 *
 * A plain link is captured at its relay's (or router's) interface, every other
 * link at both ends. One process enters the hosts one after the other and reads all their
 * interfaces with libpcap (nanosecond stamps) into unlinked temporary files, so that an
 * interrupted run leaves none. At the end capture_assemble() makes capture/NODE-PEER.pcapng of
 * them, with the secrets of its connections in front (capture_file.h).
 *
 * Order: capture_plan(), capture_open(), capture_inside() in a process of its own,
 * capture_count() with what it said, capture_assemble(), capture_free(). */
#ifndef FANBENCH_RUN_CAPTURE_H
#define FANBENCH_RUN_CAPTURE_H

#include <jansson.h>

#include "bench/net/topology.h"
#include "bench/scenario/plan.h"

struct capture_point {
  int node, peer;         /* node indexes */
  const struct netns *ns; /* both belong to the topology */
  const char *ifname;
  char *file; /* "capture/relay-sub.0.pcapng", relative to the run directory */
  int raw_fd; /* classic pcap, unlinked */
  uint64_t packets, dropped;
};

struct capture_set {
  struct capture_point *points;
  size_t n;
};

int capture_plan(struct capture_set *set, const struct plan *plan, const struct topology *net,
                 char *err, size_t err_len);
int capture_open(struct capture_set *set, const char *dir, char *err, size_t err_len);

/* What the process does. It says {"ev":"ready"} when every interface is captured and,
 * told to stop, {"ev":"captured","points":[{"point":i,"packets":N,"dropped":N}]}: with
 * everything that the kernel had counted by then. */
int capture_inside(void *arg, int control); /* arg: struct capture_set * */

/* Takes a closing message in; what it does not name stays as it is. */
void capture_count(struct capture_set *set, const json_t *captured);

/* With DIR/keys.log (none is fine) writes every file of the set. */
int capture_assemble(struct capture_set *set, const char *dir, char *err, size_t err_len);

void capture_free(struct capture_set *set);

#endif
