/* parse: from the connection ID to an authentic packet that is no duplicate. */
#ifndef FANBENCH_BPF_DP_PARSE_H
#define FANBENCH_BPF_DP_PARSE_H

#include "bpf/dp/dp.h"

/* Finds the upstream of s->raw, opens the packet into s->clear and remembers its
 * number. Returns enum fb_packet_reason. */
PORT_GLOBAL int dp_parse(port_t *p, struct dp_scratch *s);

#endif
