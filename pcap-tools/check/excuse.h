/* Excuses: what the plan itself did to a connection. They come from the
 * manifest; a bare capture has none. */
#ifndef FANBENCH_PCAP_CHECK_EXCUSE_H
#define FANBENCH_PCAP_CHECK_EXCUSE_H

#include "pcap-tools/check/check.h"

/* An event of the plan ended this connection, or broke its link or an end of it
 * while it lived: it may end without a close, and leave streams behind. */
bool qp_excused(const struct qp_evidence *e, const struct qp_conn *conn);
/* An event of that kind is planned for the node (or for all of its group). */
bool qp_planned(const struct qp_manifest *m, const char *node, const char *kind);
/* The run was cut short by the runner. */
bool qp_timed_out(const struct qp_evidence *e);
/* All links are plain: nothing is lost on purpose. */
bool qp_lossless(const struct qp_manifest *m);

#endif
