/* The data plane of MoQT: SUBGROUP_HEADER, objects on a subgroup stream,
 * OBJECT_DATAGRAM. draft-ietf-moq-transport-20; sections 5.1 to 5.3 of the
 * MoQT reference.
 *
 * The parsers of stream content are given what is there so far and say how many
 * bytes they used, or that they need more. */
#ifndef FANBENCH_PCAP_DISSECT_MEDIA_H
#define FANBENCH_PCAP_DISSECT_MEDIA_H

#include "pcap-tools/read/cursor.h"

/* Types of unidirectional streams. */
enum qp_uni { QP_UNI_SUBGROUP, QP_UNI_CONTROL, QP_UNI_FETCH, QP_UNI_PADDING, QP_UNI_BAD };

enum {
  QP_MOQ_CONTROL = 0x2f00,
  QP_MOQ_FETCH = 0x05,
  QP_MOQ_PADDING_STREAM = 0x132b3e28,
  QP_MOQ_PADDING_DATAGRAM = 0x132b3e29,
  QP_MOQ_HEADER_MAX = 9 * 4 + 1, /* longest SUBGROUP_HEADER and longest object header */
};

#define QP_NO_PRIORITY (-1) /* the track's default counts */

struct qp_subgroup {
  uint8_t flags;
  bool properties, end_of_group, first_object;
  bool id_is_object; /* Subgroup ID = first Object ID on the stream; `subgroup` is not set */
  uint64_t alias, group, subgroup;
  int priority;
};

/* Bytes used; 0 = more are needed; -1 = not legal, *why says what. *kind is set
 * when the result is not 0. For other kinds than a subgroup only the type is used. */
int qp_uni_header(const uint8_t *p, size_t len, enum qp_uni *kind, struct qp_subgroup *header,
                  const char **why);

/* The front of an object on a subgroup stream. */
struct qp_object_header {
  uint64_t delta;          /* Object ID Delta */
  uint64_t properties_len; /* 0 if the stream has no properties */
};
struct qp_object_payload {
  uint64_t len;
  uint64_t status; /* 0 unless len is 0 */
};
/* Object ID Delta and Properties Length; then the caller steps over the properties. */
int qp_object_header(const uint8_t *p, size_t len, bool properties, struct qp_object_header *o);
/* Payload Length and Object Status. */
int qp_object_payload(const uint8_t *p, size_t len, struct qp_object_payload *o, const char **why);

struct qp_moq_datagram {
  bool padding; /* nothing else is set */
  uint64_t alias, group, object;
  int priority;
  bool end_of_group, has_status;
  uint64_t status;
  const uint8_t *payload;
  size_t len;
};
/* False: not legal, *why says what. */
bool qp_moq_datagram(const uint8_t *p, size_t len, struct qp_moq_datagram *d, const char **why);

#endif
