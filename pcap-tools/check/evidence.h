/* Gathers what a run left behind: manifest, keys, logs, and the packets.
 *
 * Order of calls: one of qp_evidence_of_...(), then qp_tracker_watch() on
 * e->tracker as wanted, qp_evidence_read(), qp_evidence_clear() in any case. */
#ifndef FANBENCH_PCAP_CHECK_EVIDENCE_H
#define FANBENCH_PCAP_CHECK_EVIDENCE_H

#include "pcap-tools/check/check.h"

/* A run directory. keylog: more keys than its own keys.log, or NULL.
 * Returns 0, or -1 with a message. */
int qp_evidence_of_run(struct qp_evidence *e, const char *dir, const char *keylog, char *err,
                       size_t err_len);
/* Bare captures. */
int qp_evidence_of_files(struct qp_evidence *e, const char *const *files, size_t n,
                         const char *keylog, char *err, size_t err_len);
/* Runs all packets through the tracker. A capture that breaks off is no error:
 * see e->damage. -1 with a message: a file that cannot be opened. */
int qp_evidence_read(struct qp_evidence *e, char *err, size_t err_len);
void qp_evidence_clear(struct qp_evidence *e);

#endif
