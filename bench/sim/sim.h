/* One run on virtual time: relay cores, endpoints, links and the natively compiled
 * datapath in this process. Only sockets, clock, kernel and randomness are replaced;
 * the rest is the code of a live run.
 *
 * Everything follows from the plan and its seed. It writes the relays' and endpoints'
 * files, faults.jsonl and links.jsonl into the run directory; frames that pass an
 * interface go to `tap`, in order of time for each interface. Manifest and captures
 * are the caller's.
 *
 * wolfSSL's generator is taken over for the process (relay/quic/seed.h) until the
 * call returns: one run a process at a time. */
#ifndef FANBENCH_SIM_SIM_H
#define FANBENCH_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/scenario/plan.h"
#include "bench/sim/nest.h"
#include "bench/sim/parts.h"
#include "bench/sim/remains.h"
#include "relay/quic/conn.h"

struct sim_end {
  uint32_t host;
  uint8_t mac[6];
  struct qc_addr addr; /* port 0 */
};

/* One link: end 0 is a of the plan's link, end 1 is b. */
struct sim_wire {
  struct sim_end end[2];
};

struct sim_config {
  const struct plan *plan;
  const char *dir;              /* the run directory, made */
  const struct sim_wire *wires; /* [plan->n_links] */
  uint32_t first_ifindex;       /* link k has first_ifindex + k at both ends */
  const uint16_t *ports;        /* [plan->n_nodes], host order */
  bool no_qlog;                 /* nobody writes one */
  bool journal;                 /* relays keep one of their datapath: relay/fanout/journal.h */
  uint64_t journal_size;        /* bytes of it at most; 0 = as usual */
  struct nest_config nest;      /* interleavings; zero = none */
  void *arg;
  void (*tap)(void *arg, size_t link, int end, uint64_t now_ns, const uint8_t *frame, size_t len);
  void (*phase)(void *arg, const char *text); /* may be NULL */
};

/* One process that a live run would have had. */
struct sim_process {
  int node;
  bool stopping; /* was told to end */
  bool doomed;   /* the timeline ended it */
  bool overdue;  /* had to be killed */
  bool exited;
  int exit_code, signal;
  bool published;
  uint64_t objects_planned, objects_published, late_p99_ns, late_max_ns;
};

struct sim_outcome {
  uint64_t start_ns, end_ns; /* start_ns: 0 = publishing never began */
  bool timed_out;
  char ended[512]; /* why it ended early; "" = it did not */
  struct sim_process *processes;
  size_t n_processes;
  uint64_t events, nested; /* how many were played; runs within others */
  struct remains remains;
  struct sim_parts parts;
};

/* Returns 0, or -1 with a sentence in err: it could not begin. */
int sim_run(const struct sim_config *config, struct sim_outcome *outcome, char *err,
            size_t err_len);
void sim_outcome_free(struct sim_outcome *outcome);

#endif
