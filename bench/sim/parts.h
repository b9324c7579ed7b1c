/* What a simulation spends its processor time on: the process is interrupted each
 * millisecond of it, and the part that is at work counts one. Costs nothing but a store
 * where a part begins; knows nothing of virtual time and changes nothing in it.
 *
 * One at a time in a process. Order of calls: parts_begin(), parts_enter() and
 * parts_leave() in pairs, parts_end(). Outside of the two, entering counts nothing. */
#ifndef FANBENCH_SIM_PARTS_H
#define FANBENCH_SIM_PARTS_H

#include <signal.h>
#include <stdint.h>

enum sim_part {
  SIM_PART_REST,      /* events, director, timeline */
  SIM_PART_START,     /* until publishing begins, whatever it is: handshakes, making files */
  SIM_PART_DATAPATH,  /* bpf/dp */
  SIM_PART_RELAY,     /* its user space */
  SIM_PART_ENDPOINTS, /* publishers, subscribers, rogues */
  SIM_PART_LINKS,     /* frames on their way */
  SIM_PART_WRITING,   /* captures, journals, qlog, traces */
  SIM_PARTS
};

extern const char *const sim_part_names[SIM_PARTS];

struct sim_parts {
  uint64_t samples[SIM_PARTS]; /* all 0: too short, or no timer could be had */
};

extern volatile sig_atomic_t sim_part_now;

static inline sig_atomic_t parts_enter(enum sim_part part) {
  const sig_atomic_t outer = sim_part_now;
  /* the start is one part */
  if (outer != SIM_PART_START)
    sim_part_now = (sig_atomic_t)part;
  return outer;
}

static inline void parts_leave(sig_atomic_t outer) {
  sim_part_now = outer;
}

void parts_begin(void);
/* Publishing begins. Called outside of all parts. */
void parts_started(void);
void parts_end(struct sim_parts *parts);

#endif
