/* The integrity tag of a Retry: RFC 9001 5.8, RFC 9369 3.3.3. */
#ifndef FANBENCH_PCAP_DECRYPT_RETRY_H
#define FANBENCH_PCAP_DECRYPT_RETRY_H

#include "pcap-tools/dissect/packet.h"

/* Is it the server's answer to a client that sent its first Initial to odcid? Any other
 * Retry a client throws away. */
bool qp_retry_authentic(const struct qp_header *retry, const struct qp_cid *odcid);

#endif
