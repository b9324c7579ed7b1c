/* A run directory made by hand: manifest, logs, faults and one capture, of a
 * publisher, a relay and one subscriber. made_run() is an honest run, not yet
 * closed; a test changes what it wants, then asks for a judgement, which writes
 * the directory and gives the tape back.
 *
 * Captures begin at 1,700,000,000 s = monotonic 0. The publisher's connection
 * has the first ID c101 1010 1010 1010, the subscriber's c102 1010 1010 1010. */
#ifndef FANBENCH_PCAP_T_MADE_RUN_H
#define FANBENCH_PCAP_T_MADE_RUN_H

#include "pcap-tools/t/scene.h"

/* What a test changes of an honest run. */
struct plan {
  struct scene scene;
  const char *faults;            /* faults.jsonl */
  const char *budget;            /* members of latency_budget; NULL: none */
  const char *pub_way, *sub_way; /* each one's route to the relay; NULL: none is told */
  const char *sub_relay;         /* NULL: "relay" */
  const char *more_nodes;        /* members of "nodes", each behind a comma; NULL: none */
  const char *links;             /* NULL: two plain ones */
  const char *publisher;         /* members of the publisher's entry */
  const char *residue;
  const char *process; /* members of the relay's process entry */
  const char *wires;   /* elements of run.wires; NULL: none */
  const char *closes;  /* elements of closes; NULL: none */
  const char *protection;
  bool timed_out;
  uint64_t dropped;
  long captured;          /* packets the manifest claims; -1: the truth */
  const char *datapath;   /* of the relay */
  const char *congestion; /* the same */
  const char *sub_role;
  const char *pub_log, *sub_log, *copies, *ledger;
  bool no_capture;
  bool at_sub; /* file 1 is the subscriber's capture; the relay's of that link is empty */
};

struct plan made_run(void);
/* The same of a scene that the test has prepared. */
struct plan made_run_of(struct scene scene);
/* A file of the directory. */
void made_run_file(const char *name, const char *text);
/* Writes all of it. */
void made_run_write(const struct plan *p);
/* Writes and judges; the tape stays the caller's. */
struct judge_report *made_run_judge(const struct plan *p);
/* The same, looks at one check, gives the tape back. */
void made_run_expect(struct plan *p, const char *check, enum judge_result result);
void made_run_expect_finding(struct plan *p, const char *check, const char *field,
                             const char *actual);

#endif
