/* Track namespaces and full track names.
 *
 * A struct moqt_name is a view: its fields point into somebody else's bytes
 * (a received message, string constants). moqt_name_dup() makes an owned copy
 * in one allocation, given back with free().
 *
 * Source: draft-ietf-moq-transport-20, section 2.4.1: at most 32 fields of at
 * least one byte, all fields and the name together at most 4,096 bytes;
 * compared byte for byte. */
#ifndef FANBENCH_RELAY_MOQT_NAME_H
#define FANBENCH_RELAY_MOQT_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire/vi64.h"

#define MOQT_NAMESPACE_FIELDS 32
#define MOQT_NAME_BYTES       4096

struct moqt_bytes {
  const uint8_t *data;
  size_t len;
};

struct moqt_name {
  size_t n_fields; /* of the namespace */
  struct moqt_bytes field[MOQT_NAMESPACE_FIELDS];
  struct moqt_bytes track; /* empty in a bare namespace */
};

/* ("fanbench", node) and the track's name; track may be NULL. Views of the
 * given strings. */
void moqt_name_set(struct moqt_name *name, const char *node, const char *track);

/* Owned copy; NULL if memory is short. */
struct moqt_name *moqt_name_dup(const struct moqt_name *name);

bool moqt_name_equal(const struct moqt_name *a, const struct moqt_name *b);
/* True if the namespace of `prefix` equals that of `name` or is a field-wise
 * prefix of it. The track names do not matter. */
bool moqt_name_within(const struct moqt_name *name, const struct moqt_name *prefix);

/* Wire form. Reading leaves the cursor behind the field; false: malformed or
 * over a limit. Writing returns the length, 0 if room is short. */
bool moqt_bytes_read(struct wire_cursor *at, struct moqt_bytes *out);
bool moqt_namespace_read(struct wire_cursor *at, struct moqt_name *name);
/* Namespace and track name. */
bool moqt_name_read(struct wire_cursor *at, struct moqt_name *name);
size_t moqt_bytes_write(uint8_t *buf, size_t room, struct moqt_bytes bytes);
size_t moqt_namespace_write(uint8_t *buf, size_t room, const struct moqt_name *name);

/* "fanbench/pub--video", bytes outside [a-zA-Z0-9_] as .hh; always
 * NUL-terminated, cut if room is short. Returns buf. */
char *moqt_name_print(const struct moqt_name *name, char *buf, size_t room);

#endif
