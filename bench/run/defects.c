#include "bench/run/defects.h"

#include <string.h>

const struct defect defects_all[] = {
    {"slow-agent", "user space acknowledges late by VALUE, the resend filter is gone",
     "no-needless-retransmit", "bpf/t/defects_test.c: resend"},
    {"stale-dcid", "copies keep a connection ID after the relay retired it", "cid-active",
     "relay/t/fanout_path_test.c: there_and_back"},
    {"pn-guess", "user space adds a fixed amount to guess the fast path's numbers", "pn-unique",
     "relay/t/fanout_relay_test.c: sums_agree"},
    {"closed-gate", "after fan-out has begun, a new client's Initial is swallowed",
     "connect-any-time", "relay/t/fanout_relay_test.c: same_tuple"},
    {"one-address", "every copy goes to the first subscriber's address", "isolated",
     "bpf/t/defects_test.c: address"},
    {"two-counters", "fast and slow path count apart", "pn-unique",
     "bpf/t/defects_test.c: number_behind_slow_path"},
    {"retire-first", "one finite ID pool for all connections, given back late", "cid-supply",
     "relay/t/fanout_path_test.c: there_and_back"},
    {"orphan", "the program is pinned and outlives the relay", "no-orphan-forward",
     "relay/t/kernel_plane_test.c: a_program_dies_with_its_process"},
    {"shared-cid", "one subscriber's ID is used for another", "isolated",
     "bpf/t/defects_test.c: connection_id"},
    {"racy-pn", "number read and written without an atomic", "pn-unique",
     "bpf/t/contention_test.c: a_joint_number_is_taken_once"},
    {"index-in-priority", "copy index overwrites the priority in the copy's metadata",
     "priority-drop", "bpf/t/defects_test.c: own_filter"},
    {"drop-by-index", "copies are filtered by a wrong index", "priority-drop",
     "bpf/t/defects_test.c: filter_of_another"},
    {"global-counter", "one packet counter for all; two publishers on two CPUs", "copy-count",
     "bpf/t/defects_test.c: copies_beside_another"},
    {"empty-cid", "traces record a zero-length ID", "trace-agrees",
     "relay/t/fanout_prevents_test.c: the_trace_names_one_id"},
    {"short-pn", "numbers copied at the ingress width", "pn-decodable",
     "bpf/t/defects_test.c: number_length"},
    {"torn-entry", "entry read and written without the lock", "isolated",
     "relay/t/fanout_path_test.c: there_and_back"},
    {"first-frame-only", "only the first frame of a packet is looked at", "copy-exact",
     "bpf/t/defects_test.c: frames_seen"},
    {"no-offset-fix", "the rest of an open subgroup is dropped without a reset", "stream-complete",
     "relay/t/fanout_policy_test.c: filters_in_one_go"},
    {"copy-all-frames", "the publisher's ACK and MAX frames are copied", "copy-exact",
     "bpf/t/defects_test.c: foreign_bytes"},
    {"header-per-packet", "the priority byte is read at a fixed place of every packet",
     "priority-drop", "bpf/t/defects_test.c: priority_inside"},
    {"ignore-limits", "MAX_DATA and stream limits are ignored", "flow-limits",
     "bpf/t/defects_test.c: beyond_limits"},
    {"zero-number", "the number map reads zero for some packets", "trace-agrees",
     "relay/t/fanout_relay_test.c: sums_agree"},
    {"raw-acks", "subscriber ACKs reach ngtcp2 untranslated", "ack-split",
     "relay/t/shim_test.c: ack_of_the_fast_path_is_padding"},
    {"stale-client", "state of a closed client meets its next connection on the port",
     "fresh-start", "relay/t/fanout_prevents_test.c: a_new_connection_begins_anew"},
    {"late-handler", "a subscription arrives before its handler exists", "subscribe-answered",
     "relay/t/fanout_prevents_test.c: a_subscribe_with_the_handshake_is_answered"},
    {"join-mid-group", "a late subscriber starts inside a group", "join-point",
     "relay/t/fanout_prevents_test.c: the_group_under_way_is_not_for_who_joins"},
    {"pn-shrunk", "a number is written in fewer bytes than it needs", "pn-decodable",
     "bpf/t/defects_test.c: number_length"},
    {"one-stream-a-packet", "the second STREAM frame of a packet is lost", "copy-exact",
     "bpf/t/defects_test.c: frames_seen"},
    {"mixed-widths", "ACK translation assumes one number width", "ack-split",
     "relay/t/shim_test.c: random_translation_matches_a_model"},
    {"any-address", "copies leave from an address the subscriber never dialled", "path-valid",
     "bpf/t/defects_test.c: source"},
};
const size_t defects_n = sizeof defects_all / sizeof *defects_all;

const struct defect *defects_find(const char *name) {
  for (size_t i = 0; i < defects_n; i++)
    if (strcmp(defects_all[i].name, name) == 0)
      return &defects_all[i];
  return NULL;
}
