/* The catalogue: every check name there is, in the order of reports. */
#include "pcap-tools/check/check.h"

extern const struct qp_check qp_check_pn_unique, qp_check_pn_decodable, qp_check_ack_only_sent,
    qp_check_frames_legal, qp_check_stream_bytes, qp_check_stream_complete, qp_check_close_clean,
    qp_check_checksum_valid, qp_check_copy_count, qp_check_payload_identical, qp_check_load_honest,
    qp_check_no_residue;

/* X(identifier, name, group, what it proves): checks that are not built yet. */
#define PLANNED(X)                                                                                 \
  X(ack_split, "ack-split", "transport",                                                           \
    "Each number acknowledged on the wire is once in the ledger, and what ngtcp2 was told maps "   \
    "back.")                                                                                       \
  X(cid_active, "cid-active", "transport",                                                         \
    "Every destination ID was issued to this sender and is not retired.")                          \
  X(cid_supply, "cid-supply", "transport", "Every connection always has spare connection IDs.")    \
  X(path_valid, "path-valid", "transport",                                                         \
    "Packets travel only on validated paths, at most three times what came before.")               \
  X(flow_limits, "flow-limits", "transport", "No limit of the peer is passed.")                    \
  X(congestion_bounded, "congestion-bounded", "transport",                                         \
    "Bytes in flight stay within the judge's own congestion envelope.")                            \
  X(connect_any_time, "connect-any-time", "transport", "A new client is always answered.")         \
  X(fresh_start, "fresh-start", "transport",                                                       \
    "A connection inherits nothing from an older one on its port.")                                \
  X(nonce_unique, "nonce-unique", "transport", "No nonce is used twice under one key.")            \
  X(copy_explained, "copy-explained", "fan-out",                                                   \
    "Every packet leaving the relay is a copy of a named packet or a named slow-path send.")       \
  X(copy_exact, "copy-exact", "fan-out", "Ingress and egress differ only where they must.")        \
  X(isolated, "isolated", "fan-out",                                                               \
    "No connection's ID on another's 4-tuple, and no track that was not subscribed.")              \
  X(no_needless_retransmit, "no-needless-retransmit", "fan-out",                                   \
    "What reached the relay is not sent again for want of an ACK, and no resend is copied.")       \
  X(no_orphan_forward, "no-orphan-forward", "fan-out", "Nothing is copied after close or death.")  \
  X(trace_agrees, "trace-agrees", "fan-out",                                                       \
    "qlog, ledger and capture name the same numbers and IDs.")                                     \
  X(priority_drop, "priority-drop", "media",                                                       \
    "What the filter excludes is not delivered, what it admits is, each drop is lawful.")          \
  X(join_point, "join-point", "media",                                                             \
    "The first object is the first that filter and LARGEST_OBJECT allow.")                         \
  X(subscribe_answered, "subscribe-answered", "media", "Every SUBSCRIBE gets an answer.")          \
  X(delivery_order, "delivery-order", "media", "Under a backlog objects leave in MoQT order.")     \
  X(latency, "latency", "run", "Objects arrive within the budget beyond the configured delay.")

#define X(id, check, group, proves)                                                                \
  static const struct qp_check planned_##id = {.info = {check, group, proves, false}};
PLANNED(X)
#undef X

#define P(id) &planned_##id
static const struct qp_check *const checks[] = {
    &qp_check_pn_unique,
    &qp_check_pn_decodable,
    &qp_check_ack_only_sent,
    P(ack_split),
    P(cid_active),
    P(cid_supply),
    P(path_valid),
    &qp_check_frames_legal,
    &qp_check_stream_bytes,
    &qp_check_stream_complete,
    P(flow_limits),
    P(congestion_bounded),
    &qp_check_close_clean,
    &qp_check_checksum_valid,
    P(connect_any_time),
    P(fresh_start),
    P(nonce_unique),
    P(copy_explained),
    &qp_check_copy_count,
    P(copy_exact),
    &qp_check_payload_identical,
    P(isolated),
    P(no_needless_retransmit),
    P(no_orphan_forward),
    P(trace_agrees),
    P(priority_drop),
    P(join_point),
    P(subscribe_answered),
    P(delivery_order),
    &qp_check_load_honest,
    P(latency),
    &qp_check_no_residue,
};

const struct qp_check *const *qp_checks(size_t *n) {
  *n = sizeof checks / sizeof *checks;
  return checks;
}

const struct judge_info *judge_catalogue(size_t *n) {
  static struct judge_info infos[sizeof checks / sizeof *checks];
  *n = sizeof checks / sizeof *checks;
  for (size_t i = 0; i < *n; i++)
    infos[i] = checks[i]->info;
  return infos;
}
