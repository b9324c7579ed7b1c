/* Headers of MoQT objects on the data plane (draft-ietf-moq-transport-20): the
 * SUBGROUP_HEADER that begins a unidirectional stream and the header of an
 * OBJECT_DATAGRAM. Fields come with their place; positions are those of the cursor's
 * buffer. */
#ifndef FANBENCH_BPF_WIRE_MOQT_DATA_H
#define FANBENCH_BPF_WIRE_MOQT_DATA_H

#include "bpf/wire/vi64.h"

enum wire_moqt_result {
  WIRE_MOQT_OK = 0,
  WIRE_MOQT_SHORT,   /* more bytes are needed (a datagram: malformed) */
  WIRE_MOQT_OTHER,   /* something else: control stream, fetch, padding */
  WIRE_MOQT_INVALID, /* flags or values that close the session */
};

/* Priority of a track whose publisher names none. */
#define WIRE_MOQT_DEFAULT_PRIORITY 128

/* ---- SUBGROUP_HEADER ------------------------------------------------------------- */

enum wire_subgroup_flag {
  WIRE_SG_PROPERTIES = 0x01,
  WIRE_SG_ID_MODE = 0x06,  /* the two below, or 0: subgroup 0 */
  WIRE_SG_ID_FIRST = 0x02, /* the first object's ID */
  WIRE_SG_ID_FIELD = 0x04, /* a field of its own */
  WIRE_SG_END_OF_GROUP = 0x08,
  WIRE_SG_MARK = 0x10, /* always 1 */
  WIRE_SG_DEFAULT_PRIORITY = 0x20,
  WIRE_SG_FIRST_OBJECT = 0x40,
};

struct wire_subgroup_header {
  uint64_t flags; /* enum wire_subgroup_flag */
  struct wire_num alias, group;
  struct wire_num subgroup;   /* len 0: no field, and 0 unless subgroup_by_object */
  uint8_t subgroup_by_object; /* the ID is that of the first object, which follows */
  uint8_t priority_given;     /* 0: the track's default counts */
  uint8_t priority;           /* valid if given */
  uint32_t len;               /* of the header */
};

/* 1 if a stream whose type is `flags` begins with a SUBGROUP_HEADER, well-formed or not. */
WIRE_INLINE int wire_is_subgroup(uint64_t flags) {
  return flags < 0x80 && (flags & WIRE_SG_MARK);
}

/* Reads the header at the cursor. On anything but OK *h is all zero and the cursor
 * has not moved. */
WIRE_INLINE enum wire_moqt_result wire_subgroup_header_get(struct wire_cursor *c,
                                                           struct wire_subgroup_header *h) {
  struct wire_cursor here = *c;
  struct wire_subgroup_header out;
  __builtin_memset(&out, 0, sizeof(out));
  __builtin_memset(h, 0, sizeof(*h));
  if (!wire_get_vi64(&here, &out.flags))
    return WIRE_MOQT_SHORT;
  if (!wire_is_subgroup(out.flags))
    return WIRE_MOQT_OTHER;
  uint64_t mode = out.flags & WIRE_SG_ID_MODE;
  if (mode == WIRE_SG_ID_MODE)
    return WIRE_MOQT_INVALID;
  if (!wire_get_vi64_num(&here, &out.alias) || !wire_get_vi64_num(&here, &out.group))
    return WIRE_MOQT_SHORT;
  if (mode == WIRE_SG_ID_FIELD && !wire_get_vi64_num(&here, &out.subgroup))
    return WIRE_MOQT_SHORT;
  out.subgroup_by_object = mode == WIRE_SG_ID_FIRST;
  out.priority_given = !(out.flags & WIRE_SG_DEFAULT_PRIORITY);
  if (out.priority_given && !wire_get_u8(&here, &out.priority))
    return WIRE_MOQT_SHORT;
  out.len = here.at - c->at;
  *h = out;
  c->at = here.at;
  return WIRE_MOQT_OK;
}

/* ---- OBJECT_DATAGRAM -------------------------------------------------------------- */

enum wire_datagram_flag {
  WIRE_DG_PROPERTIES = 0x01,
  WIRE_DG_END_OF_GROUP = 0x02,
  WIRE_DG_ZERO_OBJECT = 0x04,
  WIRE_DG_DEFAULT_PRIORITY = 0x08,
  WIRE_DG_STATUS = 0x20,
};
/* Everything else is reserved: 0x10, 0x40 and all above. */
#define WIRE_DG_KNOWN 0x2full

/* Type of a datagram that is only padding. */
#define WIRE_DG_PADDING 0x132b3e29ull

struct wire_datagram_header {
  uint64_t flags; /* enum wire_datagram_flag */
  struct wire_num alias, group;
  struct wire_num object;                 /* len 0: no field, ID 0 */
  uint8_t priority_given;                 /* 0: the track's default counts */
  uint8_t priority;                       /* valid if given */
  uint32_t properties_at, properties_len; /* behind their length field */
  uint64_t status;                        /* with WIRE_DG_STATUS */
  uint32_t payload_at;                    /* payload goes to the end of the datagram */
};

/* Reads the header at the cursor, whose end is the datagram's. On anything but OK *h
 * is all zero and the cursor has not moved. */
WIRE_INLINE enum wire_moqt_result wire_datagram_header_get(struct wire_cursor *c,
                                                           struct wire_datagram_header *h) {
  struct wire_cursor here = *c;
  struct wire_datagram_header out;
  __builtin_memset(&out, 0, sizeof(out));
  __builtin_memset(h, 0, sizeof(*h));
  if (!wire_get_vi64(&here, &out.flags))
    return WIRE_MOQT_SHORT;
  if (out.flags == WIRE_DG_PADDING)
    return WIRE_MOQT_OTHER;
  if (out.flags & ~WIRE_DG_KNOWN)
    return WIRE_MOQT_INVALID;
  if ((out.flags & WIRE_DG_STATUS) && (out.flags & WIRE_DG_END_OF_GROUP))
    return WIRE_MOQT_INVALID;
  if (!wire_get_vi64_num(&here, &out.alias) || !wire_get_vi64_num(&here, &out.group))
    return WIRE_MOQT_SHORT;
  if (!(out.flags & WIRE_DG_ZERO_OBJECT) && !wire_get_vi64_num(&here, &out.object))
    return WIRE_MOQT_SHORT;
  out.priority_given = !(out.flags & WIRE_DG_DEFAULT_PRIORITY);
  if (out.priority_given && !wire_get_u8(&here, &out.priority))
    return WIRE_MOQT_SHORT;
  if (out.flags & WIRE_DG_PROPERTIES) {
    uint64_t len = 0;
    if (!wire_get_vi64(&here, &len))
      return WIRE_MOQT_SHORT;
    if (len == 0)
      return WIRE_MOQT_INVALID;
    out.properties_at = here.at;
    if (!wire_skip(&here, len))
      return WIRE_MOQT_SHORT;
    out.properties_len = (uint32_t)len;
  }
  if (out.flags & WIRE_DG_STATUS) {
    if (!wire_get_vi64(&here, &out.status))
      return WIRE_MOQT_SHORT;
    if ((out.flags & WIRE_DG_PROPERTIES) && out.status != 0)
      return WIRE_MOQT_INVALID;
  }
  out.payload_at = here.at;
  *h = out;
  c->at = here.at;
  return WIRE_MOQT_OK;
}

#endif
