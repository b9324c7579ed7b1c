/* MoQT control messages: framing, and the bodies the judge understands.
 * draft-ietf-moq-transport-20; sections 2 to 4 of the MoQT reference. */
#ifndef FANBENCH_PCAP_DISSECT_MOQT_H
#define FANBENCH_PCAP_DISSECT_MOQT_H

#include "pcap-tools/read/cursor.h"

enum qp_moq_type {
  QP_M_REQUEST_UPDATE = 0x02,
  QP_M_SUBSCRIBE = 0x03,
  QP_M_SUBSCRIBE_OK = 0x04,
  QP_M_REQUEST_ERROR = 0x05,
  QP_M_PUBLISH_NAMESPACE = 0x06,
  QP_M_REQUEST_OK = 0x07,
  QP_M_NAMESPACE = 0x08,
  QP_M_PUBLISH_DONE = 0x0b,
  QP_M_TRACK_STATUS = 0x0d,
  QP_M_NAMESPACE_DONE = 0x0e,
  QP_M_PUBLISH_SKIPPED = 0x0f,
  QP_M_GOAWAY = 0x10,
  QP_M_FETCH = 0x16,
  QP_M_FETCH_OK = 0x18,
  QP_M_PUBLISH = 0x1d,
  QP_M_STATE_NOTIFY = 0x22,
  QP_M_SUBSCRIBE_NAMESPACE = 0x50,
  QP_M_SUBSCRIBE_TRACKS = 0x51,
  QP_M_SETUP = 0x2f00,
};

struct qp_location {
  uint64_t group, object;
};

/* One inclusive range of PRIORITY_FILTER. */
struct qp_range {
  uint64_t lo, hi;
};
#define QP_FILTER_RANGES 16

/* Parameters that decide what a subscription is entitled to. `has_...` false =
 * the parameter is absent (unchanged in an update). */
struct qp_moq_params {
  bool has_forward;
  uint8_t forward;
  bool has_location;
  unsigned location_fields; /* 0 to 4 */
  uint64_t location[4];
  bool has_priority;
  struct qp_range priority[QP_FILTER_RANGES];
  unsigned n_priority;
  bool has_subscriber_priority, has_order;
  uint8_t subscriber_priority;
  uint8_t order; /* GROUP_ORDER: 1 ascending, 2 descending */
  bool has_object_timeout, has_subgroup_timeout;
  uint64_t object_timeout_ms, subgroup_timeout_ms;
  bool has_largest;
  struct qp_location largest;
};

struct qp_moq_message {
  uint64_t type;
  size_t len; /* whole message with type and length */
  uint64_t request_id;
  /* full track name: length-prefixed as on the wire (field count, fields, name),
   * so that equal bytes mean equal names; PUBLISH_NAMESPACE: the namespace only */
  const uint8_t *full_name;
  size_t full_name_len;
  const uint8_t *name; /* track name alone */
  size_t name_len;
  uint64_t alias;
  struct qp_moq_params params;
  int default_priority; /* of the track properties, 128 if absent */
  int default_order;    /* of the track properties, 1 if absent */
  uint64_t code;        /* REQUEST_ERROR, PUBLISH_DONE */
  uint64_t streams;     /* PUBLISH_DONE */
};

/* Bytes used; 0 = the message is not whole yet; -1 = malformed, *why says what. */
int qp_moq_message(const uint8_t *p, size_t len, struct qp_moq_message *m, const char **why);

const char *qp_moq_name(uint64_t type); /* "SUBSCRIBE"; "unknown" */

#endif
