/* The operators by what they change; each list ends with NULL. */
#ifndef FANBENCH_PCAP_MUTATE_OPERATORS_H
#define FANBENCH_PCAP_MUTATE_OPERATORS_H

#include "pcap-tools/mutate/operator.h"

extern const struct qm_operator *const qm_numbers[]; /* packet numbers, checksums */
extern const struct qm_operator *const qm_acks[];    /* ACKs and the ledger's word on them */
extern const struct qm_operator *const qm_ids[];     /* connection IDs, addresses, paths */
extern const struct qm_operator *const qm_frame_operators[]; /* what must not parse or be there */
extern const struct qm_operator *const qm_streams[];         /* streams, limits, windows, closing */
extern const struct qm_operator *const qm_copies[];          /* copies against their packets */
extern const struct qm_operator *const qm_records[];         /* records, ledger, resends */
extern const struct qm_operator *const qm_logs[];            /* what endpoints logged */
extern const struct qm_operator *const qm_media[];           /* MoQT */
extern const struct qm_operator *const qm_runs[];            /* the run itself */

#endif
