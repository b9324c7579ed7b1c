/* faults.jsonl of a run: what the timeline really did to nodes. An event that
 * could not be done (`ok` false) is left out: it excuses nothing.
 *
 * Zero-initialised = empty. */
#ifndef FANBENCH_PCAP_READ_FAULTS_H
#define FANBENCH_PCAP_READ_FAULTS_H

#include <stddef.h>
#include <stdint.h>

struct qp_fault {
  uint64_t t; /* CLOCK_MONOTONIC */
  char *kind, *node;
};

struct qp_faults {
  struct qp_fault *items; /* in the order of the file */
  size_t n, room;
};

/* Reads DIR/faults.jsonl. Returns 0, also if there is no such file; -1 with a message. */
int qp_faults_load(const char *dir, struct qp_faults *faults, char *err, size_t err_len);
void qp_faults_clear(struct qp_faults *faults);

#endif
