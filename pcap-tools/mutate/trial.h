/* The judge judged: an operator tried at seeded places of passing runs, and which
 * checks told. */
#ifndef FANBENCH_PCAP_MUTATE_TRIAL_H
#define FANBENCH_PCAP_MUTATE_TRIAL_H

#include "pcap-tools/mutate/operator.h"

/* What one hurt run came to. */
struct qm_outcome {
  const struct qm_operator *op;
  const struct qm_bed *bed;
  size_t place;
  bool convicted;   /* by op->check */
  bool surprising;  /* a check failed that op->also does not name */
  char what[160];   /* the place: "capture/relay-sub.0.pcapng frame 17" */
  char others[256]; /* the checks besides op->check that failed and had passed */
  char error[256];  /* the run could not be judged; "" otherwise */
  char first[512];  /* first finding of op->check, or of a surprising check */
};

struct qm_row {
  const struct qm_operator *op;
  size_t places; /* that the beds have */
  size_t tried, convicted, surprises;
  char others[512]; /* union of others, with how often: "copy-exact 3" */
};

struct qm_trial {
  const struct qm_bed *beds;
  size_t n_beds;
  size_t places; /* at most so many a operator */
  uint64_t seed;
  const char *keep; /* folder for the hurt runs; NULL: they are removed */
  /* Told of each outcome. */
  void (*told)(void *arg, const struct qm_outcome *outcome);
  void *arg;
};

/* Returns 0, or -1 with a message. */
int qm_try(const struct qm_trial *trial, const struct qm_operator *op, struct qm_row *row,
           char *err, size_t err_len);

#endif
