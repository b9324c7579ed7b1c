/* Objects on the wire: subgroup streams and object datagrams, written and read.
 *
 * Writing gives headers only; the payload follows them as it is. Reading a
 * subgroup stream is incremental: bytes may come in pieces of any size.
 *
 * Source: draft-ietf-moq-transport-20, section 10. */
#ifndef FANBENCH_RELAY_MOQT_OBJECT_H
#define FANBENCH_RELAY_MOQT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire/vi64.h"
#include "relay/moqt/name.h"

enum moqt_object_status {
  MOQT_OBJECT_NORMAL = 0x0,
  MOQT_OBJECT_END_OF_GROUP = 0x3,
  MOQT_OBJECT_END_OF_TRACK = 0x4,
};
bool moqt_status_valid(uint64_t status);

/* ---- subgroup streams -------------------------------------------------------------- */

/* SUBGROUP_HEADER. */
struct moqt_subgroup {
  uint64_t alias, group, subgroup;
  bool subgroup_by_object; /* the ID is that of the first object of the stream */
  bool first_object;       /* FIRST_OBJECT */
  bool end_of_group;       /* END_OF_GROUP: true only if the stream ends with FIN */
  bool properties;         /* every object has a properties block */
  bool has_priority;       /* else the track's default counts */
  uint8_t priority;
};

#define MOQT_SUBGROUP_HEADER_MAX (1 + 3 * WIRE_VI64_MAX_LEN + 1)
#define MOQT_OBJECT_HEADER_MAX   (4 * WIRE_VI64_MAX_LEN)

/* Subgroup ID 0 is written as mode 00, others with a field; room for
 * MOQT_SUBGROUP_HEADER_MAX. Returns the length. */
size_t moqt_subgroup_write(uint8_t *buf, const struct moqt_subgroup *header);

/* Header of an object with payload, without properties block. previous: ID of
 * the one before on this stream, NULL for the first; object must be above it.
 * Room for MOQT_OBJECT_HEADER_MAX. Returns the length. An empty object has
 * status NORMAL. */
size_t moqt_object_write(uint8_t *buf, uint64_t object, const uint64_t *previous, uint64_t size);

/* One stream being read. Zero it (or moqt_reader_free() it) before the first
 * byte. Fields above the line are for the owner to read. */
struct moqt_reader {
  struct moqt_subgroup header;
  bool has_header;
  uint64_t object; /* the last one */
  uint64_t objects;
  /* ---- */
  int stage;
  uint8_t scratch[MOQT_SUBGROUP_HEADER_MAX + WIRE_VI64_MAX_LEN];
  size_t scratch_len;
  uint8_t *properties;
  uint64_t properties_len, properties_got;
  uint64_t left; /* of the payload */
};

struct moqt_reader_events {
  /* All may be NULL. */
  void (*header)(void *arg, const struct moqt_reader *reader);
  /* size: of the payload that follows, through payload() */
  void (*object)(void *arg, const struct moqt_reader *reader, uint64_t object, uint64_t size,
                 uint64_t status, struct moqt_bytes properties);
  void (*payload)(void *arg, const uint8_t *data, size_t len);
  void (*object_end)(void *arg, const struct moqt_reader *reader);
};

/* The stream's next bytes. Returns 0, or the session code that they call for,
 * with *why saying what is wrong; the reader is of no use then. */
uint64_t moqt_reader_in(struct moqt_reader *reader, const uint8_t *data, size_t len, bool fin,
                        const struct moqt_reader_events *events, void *arg, const char **why);
void moqt_reader_free(struct moqt_reader *reader);

/* ---- datagrams ------------------------------------------------------------------------ */

struct moqt_datagram {
  uint64_t alias, group, object;
  bool end_of_group;
  bool has_priority;
  uint8_t priority;
  bool has_status; /* then there is no payload */
  uint64_t status;
  struct moqt_bytes properties, payload;
};

#define MOQT_DATAGRAM_HEADER_MAX (1 + 3 * WIRE_VI64_MAX_LEN + 1)

/* The header without properties and status; the payload follows. Room for
 * MOQT_DATAGRAM_HEADER_MAX. Returns the length. */
size_t moqt_datagram_write(uint8_t *buf, const struct moqt_datagram *datagram);
/* Returns 0 or a session code. Views of data. */
uint64_t moqt_datagram_read(const uint8_t *data, size_t len, struct moqt_datagram *out,
                            const char **why);

#endif
