/* The impaired links of a run, without sockets and clocks: frames and times in, frames and
 * due times out. What happens to a packet is decided by bench/fate.
 *
 * Order of calls: wire_open(); wire_begin() once publishing starts; for each frame, in order
 * of arrival, wire_in(); whenever all that has arrived is in, wire_turn(); then
 * wire_first() and wire_left() for what is due; at the end wire_close().
 *
 * Times are CLOCK_MONOTONIC ns. Events of the timeline take effect at their exact time: what
 * arrived before still meets the old link, however late it is handed in.
 *
 * Writes links.jsonl; bench/fate/way.h says what. */
#ifndef FANBENCH_NET_WIRE_WIRE_H
#define FANBENCH_NET_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/fate/way.h"
#include "bench/net/topology.h"
#include "bench/net/wire/queue.h"
#include "bench/net/wire/tally.h"
#include "bench/scenario/plan.h"

#define WIRE_NEVER UINT64_MAX

/* One direction of an impaired link. */
struct wire_way {
  struct fate_way fate;
  size_t link;
  bool backward;
  int in, out; /* interface indexes within the wire's namespace */
  struct tally late;
};

struct wire {
  const struct plan *plan;
  struct wire_way *ways;
  size_t n_ways;
  struct queue queue;
  uint64_t t0_ns;    /* WIRE_NEVER: publishing has not begun */
  size_t next_event; /* of the plan */
  uint64_t events;   /* of links that have taken effect */
  FILE *log;         /* the caller's */
};

/* net: names and indexes as topology_plan() gives them. 0, or -1 with a sentence in err. */
int wire_open(struct wire *wire, const struct plan *plan, const struct topology *net, FILE *log,
              char *err, size_t err_len);

/* The timeline counts from t0_ns on. */
void wire_begin(struct wire *wire, uint64_t t0_ns);

/* A frame that came in at an interface at now_ns. What is no UDP datagram passes at once. */
void wire_in(struct wire *wire, int in, const uint8_t *frame, size_t len, uint64_t now_ns);

/* Events up to now_ns take effect. */
void wire_turn(struct wire *wire, uint64_t now_ns);

/* When the next frame or event is due. */
uint64_t wire_deadline(const struct wire *wire);

/* The next frame if it is due at now_ns, and the interface it leaves by; NULL: none. */
const struct queued *wire_first(const struct wire *wire, uint64_t now_ns, int *out);

/* That frame is gone, at left_ns; sent = false: the kernel did not take it. */
void wire_left(struct wire *wire, uint64_t left_ns, bool sent);

/* Writes the totals. Frames still on their way are given up. */
void wire_close(struct wire *wire, uint64_t now_ns);

void wire_free(struct wire *wire);

#endif
