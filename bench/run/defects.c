#include "bench/run/defects.h"

#include <string.h>

const struct defect defects_all[] = {
    {"slow-agent", "user space acknowledges late by VALUE, the resend filter is gone",
     "no-needless-retransmit"},
    {"stale-dcid", "copies keep a connection ID after the relay retired it", "cid-active"},
    {"pn-guess", "user space adds a fixed amount to guess the fast path's numbers", "pn-unique"},
    {"closed-gate", "after fan-out has begun, a new client's Initial is swallowed",
     "connect-any-time"},
    {"one-address", "every copy goes to the first subscriber's address", "isolated"},
    {"two-counters", "fast and slow path count apart", "pn-unique"},
    {"retire-first", "one finite ID pool for all connections, given back late", "cid-supply"},
    {"orphan", "the program is pinned and outlives the relay", "no-orphan-forward"},
    {"shared-cid", "one subscriber's ID is used for another", "isolated"},
    {"racy-pn", "number read and written without an atomic", "pn-unique"},
    {"index-in-priority", "copy index overwrites the priority in the copy's metadata",
     "priority-drop"},
    {"drop-by-index", "copies are filtered by a wrong index", "priority-drop"},
    {"global-counter", "one packet counter for all; two publishers on two CPUs", "copy-count"},
    {"empty-cid", "traces record a zero-length ID", "trace-agrees"},
    {"short-pn", "numbers copied at the ingress width", "pn-decodable"},
    {"torn-entry", "entry read and written without the lock", "isolated"},
    {"first-frame-only", "only the first frame of a packet is looked at", "copy-exact"},
    {"no-offset-fix", "the rest of an open subgroup is dropped without a reset", "stream-complete"},
    {"copy-all-frames", "the publisher's ACK and MAX frames are copied", "copy-exact"},
    {"header-per-packet", "the priority byte is read at a fixed place of every packet",
     "priority-drop"},
    {"ignore-limits", "MAX_DATA and stream limits are ignored", "flow-limits"},
    {"zero-number", "the number map reads zero for some packets", "trace-agrees"},
    {"raw-acks", "subscriber ACKs reach ngtcp2 untranslated", "ack-split"},
    {"stale-client", "state of a closed client meets its next connection on the port",
     "fresh-start"},
    {"late-handler", "a subscription arrives before its handler exists", "subscribe-answered"},
    {"join-mid-group", "a late subscriber starts inside a group", "join-point"},
    {"pn-shrunk", "a number is written in fewer bytes than it needs", "pn-decodable"},
    {"one-stream-a-packet", "the second STREAM frame of a packet is lost", "copy-exact"},
    {"mixed-widths", "ACK translation assumes one number width", "ack-split"},
    {"any-address", "copies leave from an address the subscriber never dialled", "path-valid"},
};
const size_t defects_n = sizeof defects_all / sizeof *defects_all;

const struct defect *defects_find(const char *name) {
  for (size_t i = 0; i < defects_n; i++)
    if (strcmp(defects_all[i].name, name) == 0)
      return &defects_all[i];
  return NULL;
}
