/* The places of all packets that filters choose, for what is told when all have passed.
 *
 * Order of calls: qp_chosen_watch(), read with its watcher, the questions,
 * qp_chosen_clear(). */
#ifndef FANBENCH_PCAP_CLI_CHOSEN_H
#define FANBENCH_PCAP_CLI_CHOSEN_H

#include "pcap-tools/cli/select.h"

struct qp_chosen {
  struct qp_select select;
  bool all;             /* no filter but --conn was given */
  struct qp_map frames; /* file and frame number -> 1 */
};

struct qp_watcher qp_chosen_watch(struct qp_chosen *c, const struct qp_select *select);
/* Nowhere (frame 0) is chosen only if all is. */
bool qp_chosen_has(const struct qp_chosen *c, struct qp_place place);
void qp_chosen_clear(struct qp_chosen *c);

#endif
