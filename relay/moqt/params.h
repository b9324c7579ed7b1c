/* Message parameters, setup options and properties: what a MoQT message says
 * besides its fixed fields.
 *
 * Parameters have a per-type encoding and cannot be skipped: an unknown one, a
 * repeated one or one in the wrong message ends the session. Properties are
 * key-value pairs and are passed through.
 *
 * Source: draft-ietf-moq-transport-20, sections 1.4.3, 5.1, 9.2 and 12. */
#ifndef FANBENCH_RELAY_MOQT_PARAMS_H
#define FANBENCH_RELAY_MOQT_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/moqt/name.h"

struct moqt_location {
  uint64_t group, object;
};

/* Which members of struct moqt_params were there. */
enum moqt_param_bit {
  MOQT_HAS_OBJECT_TIMEOUT = 1u << 0,
  MOQT_HAS_SUBGROUP_TIMEOUT = 1u << 1,
  MOQT_HAS_RENDEZVOUS = 1u << 2,
  MOQT_HAS_EXPIRES = 1u << 3,
  MOQT_HAS_LARGEST = 1u << 4,
  MOQT_HAS_FORWARD = 1u << 5,
  MOQT_HAS_PRIORITY = 1u << 6,
  MOQT_HAS_LOCATION_FILTER = 1u << 7,
  MOQT_HAS_GROUP_ORDER = 1u << 8,
  MOQT_HAS_PRIORITY_FILTER = 1u << 9,
  MOQT_HAS_NEW_GROUP = 1u << 10,
  MOQT_HAS_INCLUDE_PROPERTIES = 1u << 11,
};

/* LOCATION_FILTER as sent: 0 to 4 numbers. Resolve it against the largest
 * object with moqt_location_resolve(). */
struct moqt_location_filter {
  uint8_t n; /* 0 = no filter */
  uint64_t v[4];
};

/* A resolved filter: both ends included. */
struct moqt_location_range {
  struct moqt_location start, end;
};

struct moqt_params {
  uint32_t has; /* enum moqt_param_bit */
  uint64_t object_timeout_ms, subgroup_timeout_ms, rendezvous_ms, expires_ms;
  struct moqt_location largest;
  bool forward;                /* default true */
  uint8_t subscriber_priority; /* default 128; lower is more urgent */
  uint8_t group_order;         /* 1 ascending, 2 descending */
  struct moqt_location_filter location;
  /* PRIORITY_FILTER: one range of publisher priorities, both ends included */
  uint8_t priority_min, priority_max;
  uint64_t new_group;
  bool include_properties; /* default true */
  /* Not zero: the message is well formed but must be answered with this
   * REQUEST_ERROR code (enum moqt_request_code). Never encoded. */
  uint64_t refuse_code;
  const char *refuse_reason;
};

/* All defaults, nothing present. */
void moqt_params_init(struct moqt_params *params);

/* In which message parameters stand: decides what is allowed. */
enum moqt_param_place {
  MOQT_IN_SUBSCRIBE,
  MOQT_IN_SUBSCRIBE_OK,
  MOQT_IN_UPDATE,       /* of a subscription */
  MOQT_IN_UPDATE_OTHER, /* of a namespace announcement */
  MOQT_IN_PUBLISH_NAMESPACE,
  MOQT_IN_OK_UPDATE,    /* REQUEST_OK answering REQUEST_UPDATE */
  MOQT_IN_OK_NAMESPACE, /* REQUEST_OK answering PUBLISH_NAMESPACE */
  MOQT_IN_STATE_NOTIFY,
  MOQT_IN_REFUSED, /* PUBLISH, FETCH, TRACK_STATUS, ...: requests this subset refuses */
};

/* Reads count and parameters and leaves the cursor behind them. Returns 0 or a
 * session code (enum moqt_session_code) with *why naming the reason. */
uint64_t moqt_params_read(struct wire_cursor *at, enum moqt_param_place place,
                          struct moqt_params *params, const char **why);

/* Writes count and the parameters that `has` names. Returns the length, 0 if
 * room is short. */
size_t moqt_params_write(uint8_t *buf, size_t room, const struct moqt_params *params);

/* What a LOCATION_FILTER selects, given the largest object (NULL: none yet).
 * Returns false if the filter's end overflows. */
bool moqt_location_resolve(const struct moqt_location_filter *filter,
                           const struct moqt_location *largest, struct moqt_location_range *out);
bool moqt_location_in(const struct moqt_location_range *range, struct moqt_location at);
int moqt_location_cmp(struct moqt_location a, struct moqt_location b);

/* Track properties this subset understands; the rest is in `raw`, byte for
 * byte as it came. */
struct moqt_properties {
  bool has_object_timeout, has_subgroup_timeout;
  uint64_t object_timeout_ms, subgroup_timeout_ms;
  uint8_t priority;       /* DEFAULT_PUBLISHER_PRIORITY, default 128 */
  uint8_t group_order;    /* default 1 */
  bool mandatory_unknown; /* one of 0x4000-0x7fff is there */
  struct moqt_bytes raw;
};
/* All bytes that are left. Returns 0 or a session code. */
uint64_t moqt_properties_read(struct wire_cursor *at, struct moqt_properties *out,
                              const char **why);

/* ---- setup options ------------------------------------------------------------- */

struct moqt_setup {
  struct moqt_bytes path, authority, implementation; /* empty if absent */
  uint64_t max_filter_ranges, max_request_updates;
};

/* All bytes that are left. from_client: who sent them. */
uint64_t moqt_setup_read(struct wire_cursor *at, bool from_client, struct moqt_setup *out,
                         const char **why);
/* Options that are not empty and not 0. False if room is short. */
bool moqt_setup_write(uint8_t *buf, size_t room, const struct moqt_setup *setup, size_t *len);

#endif
