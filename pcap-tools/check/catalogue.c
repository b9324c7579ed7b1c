/* The catalogue: every check name there is, in the order of reports. */
#include "pcap-tools/check/check.h"

extern const struct qp_check qp_check_pn_unique, qp_check_pn_decodable, qp_check_ack_only_sent,
    qp_check_frames_legal, qp_check_stream_bytes, qp_check_stream_complete, qp_check_close_clean,
    qp_check_checksum_valid, qp_check_copy_count, qp_check_payload_identical, qp_check_load_honest,
    qp_check_no_residue, qp_check_ack_split, qp_check_cid_active, qp_check_cid_supply,
    qp_check_path_valid, qp_check_flow_limits, qp_check_connect_any_time, qp_check_fresh_start,
    qp_check_nonce_unique, qp_check_copy_explained, qp_check_copy_exact, qp_check_isolated,
    qp_check_no_needless_retransmit, qp_check_no_orphan_forward, qp_check_trace_agrees,
    qp_check_congestion_bounded, qp_check_delivery_order, qp_check_priority_drop,
    qp_check_join_point, qp_check_subscribe_answered, qp_check_latency;

static const struct qp_check *const checks[] = {
    &qp_check_pn_unique,
    &qp_check_pn_decodable,
    &qp_check_ack_only_sent,
    &qp_check_ack_split,
    &qp_check_cid_active,
    &qp_check_cid_supply,
    &qp_check_path_valid,
    &qp_check_frames_legal,
    &qp_check_stream_bytes,
    &qp_check_stream_complete,
    &qp_check_flow_limits,
    &qp_check_congestion_bounded,
    &qp_check_close_clean,
    &qp_check_checksum_valid,
    &qp_check_connect_any_time,
    &qp_check_fresh_start,
    &qp_check_nonce_unique,
    &qp_check_copy_explained,
    &qp_check_copy_count,
    &qp_check_copy_exact,
    &qp_check_payload_identical,
    &qp_check_isolated,
    &qp_check_no_needless_retransmit,
    &qp_check_no_orphan_forward,
    &qp_check_trace_agrees,
    &qp_check_priority_drop,
    &qp_check_join_point,
    &qp_check_subscribe_answered,
    &qp_check_delivery_order,
    &qp_check_load_honest,
    &qp_check_latency,
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
