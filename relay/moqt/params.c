#include "relay/moqt/params.h"

#include <string.h>

#include "relay/moqt/codes.h"

/* Parameter types; section 9.2 of the draft. */
enum {
  P_OBJECT_TIMEOUT = 0x02,
  P_TOKEN = 0x03,
  P_RENDEZVOUS = 0x04,
  P_SUBGROUP_TIMEOUT = 0x06,
  P_EXPIRES = 0x08,
  P_LARGEST = 0x09,
  P_FILL_TIMEOUT = 0x0a,
  P_FORWARD = 0x10,
  P_PRIORITY = 0x20,
  P_LOCATION_FILTER = 0x21,
  P_GROUP_ORDER = 0x22,
  P_FILL = 0x23,
  P_SUBGROUP_FILTER = 0x25,
  P_OBJECT_FILTER = 0x26,
  P_PRIORITY_FILTER = 0x27,
  P_PROPERTY_FILTER = 0x28,
  P_TRACK_FILTER = 0x29,
  P_NEW_GROUP = 0x32,
  P_PREFIX = 0x34,
  P_INCLUDE_PROPERTIES = 0x35,
};

enum encoding { AS_NUMBER, AS_BYTE, AS_LOCATION, AS_BYTES, AS_NAMESPACE };

#define IN(place) (1u << (place))
#define SU        IN(MOQT_IN_SUBSCRIBE)
#define SO        IN(MOQT_IN_SUBSCRIBE_OK)
#define UP        IN(MOQT_IN_UPDATE)
#define UN        IN(MOQT_IN_UPDATE_OTHER)
#define PN        IN(MOQT_IN_PUBLISH_NAMESPACE)
#define OU        IN(MOQT_IN_OK_UPDATE)
#define ON        IN(MOQT_IN_OK_NAMESPACE)
#define NO        IN(MOQT_IN_STATE_NOTIFY)
#define RE        IN(MOQT_IN_REFUSED)

/* What may stand where. A refused request may carry anything known. */
static const struct rule {
  uint8_t type, encoding;
  uint16_t places;
} rules[] = {
    {P_OBJECT_TIMEOUT, AS_NUMBER, SU | UP | RE},
    {P_TOKEN, AS_BYTES, SU | UP | UN | PN | RE},
    {P_RENDEZVOUS, AS_NUMBER, SU | RE},
    {P_SUBGROUP_TIMEOUT, AS_NUMBER, SU | UP | RE},
    {P_EXPIRES, AS_NUMBER, SO | OU | ON | RE},
    {P_LARGEST, AS_LOCATION, SO | OU | NO | RE},
    {P_FILL_TIMEOUT, AS_NUMBER, RE},
    {P_FORWARD, AS_BYTE, SU | UP | NO | RE},
    {P_PRIORITY, AS_BYTE, SU | UP | RE},
    {P_LOCATION_FILTER, AS_BYTES, SU | UP | NO | RE},
    {P_GROUP_ORDER, AS_BYTE, SU | RE},
    {P_FILL, AS_BYTES, SU | UP | RE},
    {P_SUBGROUP_FILTER, AS_BYTES, SU | UP | RE},
    {P_OBJECT_FILTER, AS_BYTES, SU | UP | RE},
    {P_PRIORITY_FILTER, AS_BYTES, SU | UP | RE},
    {P_PROPERTY_FILTER, AS_BYTES, SU | UP | RE},
    {P_TRACK_FILTER, AS_BYTES, RE},
    {P_NEW_GROUP, AS_NUMBER, SU | UP | RE},
    {P_PREFIX, AS_NAMESPACE, RE},
    {P_INCLUDE_PROPERTIES, AS_BYTE, SU | RE},
};

/* A value in whichever form its type has. */
struct value {
  uint64_t number;
  uint8_t byte;
  struct moqt_location location;
  struct moqt_bytes bytes;
};

void moqt_params_init(struct moqt_params *params) {
  memset(params, 0, sizeof(*params));
  params->forward = true;
  params->subscriber_priority = 128;
  params->group_order = 1;
  params->priority_max = 255;
  params->include_properties = true;
}

static uint64_t violation(const char **why, const char *text) {
  *why = text;
  return MOQT_PROTOCOL_VIOLATION;
}

static void refuse(struct moqt_params *params, uint64_t code, const char *reason) {
  if (params->refuse_reason)
    return; /* the first one is told */
  params->refuse_code = code;
  params->refuse_reason = reason;
}

/* ---- values ------------------------------------------------------------------------ */

static bool read_value(struct wire_cursor *at, enum encoding encoding, struct value *value) {
  struct moqt_name name;

  switch (encoding) {
  case AS_NUMBER:
    return wire_get_vi64(at, &value->number);
  case AS_BYTE:
    return wire_get_u8(at, &value->byte);
  case AS_LOCATION:
    return wire_get_vi64(at, &value->location.group) && wire_get_vi64(at, &value->location.object);
  case AS_BYTES:
    return moqt_bytes_read(at, &value->bytes);
  case AS_NAMESPACE:
    return moqt_namespace_read(at, &name);
  }
  return false;
}

static uint64_t check_token(struct moqt_bytes bytes, const char **why) {
  struct wire_cursor at = wire_cursor(bytes.data, 0, bytes.len);
  uint64_t alias_type, token_type;

  *why = "malformed AUTHORIZATION_TOKEN";
  if (!wire_get_vi64(&at, &alias_type))
    return MOQT_KEY_VALUE_FORMATTING_ERROR;
  switch (alias_type) {
  case 3: /* USE_VALUE: nothing here asks for it */
    return wire_get_vi64(&at, &token_type) ? 0 : MOQT_KEY_VALUE_FORMATTING_ERROR;
  case 1:
    *why = "token REGISTER; this side announced no token cache";
    return MOQT_AUTH_TOKEN_CACHE_OVERFLOW;
  case 0:
  case 2:
    *why = "token alias was never registered";
    return MOQT_UNKNOWN_AUTH_TOKEN_ALIAS;
  default:
    return MOQT_KEY_VALUE_FORMATTING_ERROR;
  }
}

static uint64_t read_location_filter(struct moqt_bytes bytes, struct moqt_params *params,
                                     const char **why) {
  struct wire_cursor at = wire_cursor(bytes.data, 0, bytes.len);
  struct moqt_location_filter *filter = &params->location;
  struct moqt_location_range range;

  memset(filter, 0, sizeof(*filter));
  while (wire_left(&at)) {
    if (filter->n == 4)
      return violation(why, "LOCATION_FILTER: more than 4 numbers");
    if (!wire_get_vi64(&at, &filter->v[filter->n++]))
      return violation(why, "LOCATION_FILTER: bytes left over");
  }
  if (!moqt_location_resolve(filter, NULL, &range))
    return violation(why, "LOCATION_FILTER: end group overflows");
  return 0;
}

/* One range is what this side announces with MAX_FILTER_RANGES = 1. */
static uint64_t read_priority_filter(struct moqt_bytes bytes, struct moqt_params *params,
                                     const char **why) {
  struct wire_cursor at = wire_cursor(bytes.data, 0, bytes.len);
  uint8_t set;
  uint64_t start, end;

  if (!wire_get_u8(&at, &set))
    return violation(why, "PRIORITY_FILTER: no SetID");
  if (set != 0 || !wire_left(&at)) {
    refuse(params, MOQT_REQ_INVALID_FILTER, "PRIORITY_FILTER: expected SetID 0 and one range");
    return 0;
  }
  if (!wire_get_vi64(&at, &start))
    return violation(why, "PRIORITY_FILTER: cut");
  end = 255 - (start < 255 ? start : 255);
  if (wire_left(&at) && !wire_get_vi64(&at, &end))
    return violation(why, "PRIORITY_FILTER: cut");
  if (wire_left(&at)) {
    refuse(params, MOQT_REQ_INVALID_FILTER, "PRIORITY_FILTER: more than one range");
    return 0;
  }
  if (start > 255 || end > 255 - start) {
    refuse(params, MOQT_REQ_INVALID_FILTER, "PRIORITY_FILTER: priority above 255");
    return 0;
  }
  params->priority_min = (uint8_t)start;
  params->priority_max = (uint8_t)(start + end);
  return 0;
}

static uint64_t take_byte(uint8_t type, uint8_t byte, struct moqt_params *params,
                          const char **why) {
  switch (type) {
  case P_FORWARD:
    params->forward = byte == 1;
    params->has |= MOQT_HAS_FORWARD;
    return byte > 1 ? violation(why, "FORWARD: neither 0 nor 1") : 0;
  case P_PRIORITY:
    params->subscriber_priority = byte;
    params->has |= MOQT_HAS_PRIORITY;
    return 0;
  case P_GROUP_ORDER:
    params->group_order = byte;
    params->has |= MOQT_HAS_GROUP_ORDER;
    return byte != 1 && byte != 2 ? violation(why, "GROUP_ORDER: neither 1 nor 2") : 0;
  default:
    params->include_properties = byte == 1;
    params->has |= MOQT_HAS_INCLUDE_PROPERTIES;
    return byte > 1 ? violation(why, "INCLUDE_PROPERTIES: neither 0 nor 1") : 0;
  }
}

static void take_number(uint8_t type, uint64_t number, struct moqt_params *params) {
  switch (type) {
  case P_OBJECT_TIMEOUT:
    params->object_timeout_ms = number;
    params->has |= MOQT_HAS_OBJECT_TIMEOUT;
    break;
  case P_SUBGROUP_TIMEOUT:
    params->subgroup_timeout_ms = number;
    params->has |= MOQT_HAS_SUBGROUP_TIMEOUT;
    break;
  case P_RENDEZVOUS:
    params->rendezvous_ms = number;
    params->has |= MOQT_HAS_RENDEZVOUS;
    break;
  case P_EXPIRES:
    params->expires_ms = number;
    params->has |= MOQT_HAS_EXPIRES;
    break;
  case P_NEW_GROUP:
    params->new_group = number;
    params->has |= MOQT_HAS_NEW_GROUP;
    break;
  default: /* FILL_TIMEOUT: only in requests that are refused */
    break;
  }
}

static uint64_t take_bytes(uint8_t type, struct moqt_bytes bytes, struct moqt_params *params,
                           const char **why) {
  switch (type) {
  case P_TOKEN:
    return check_token(bytes, why);
  case P_LOCATION_FILTER:
    params->has |= MOQT_HAS_LOCATION_FILTER;
    return read_location_filter(bytes, params, why);
  case P_PRIORITY_FILTER:
    params->has |= MOQT_HAS_PRIORITY_FILTER;
    return read_priority_filter(bytes, params, why);
  case P_FILL:
    refuse(params, MOQT_REQ_NOT_SUPPORTED, "FILL_PARAMETERS is not supported");
    return 0;
  default:
    refuse(params, MOQT_REQ_INVALID_FILTER, "only PRIORITY_FILTER is supported");
    return 0;
  }
}

/* ---- the list ------------------------------------------------------------------------ */

static const struct rule *rule_of(uint64_t type) {
  for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
    if (rules[i].type == type)
      return &rules[i];
  return NULL;
}

static bool repeatable(uint64_t type) {
  return type == P_TOKEN || (type >= P_SUBGROUP_FILTER && type <= P_TRACK_FILTER);
}

static uint64_t read_one(struct wire_cursor *at, uint64_t type, enum moqt_param_place place,
                         struct moqt_params *params, const char **why) {
  const struct rule *rule = rule_of(type);
  struct value value = {0};

  if (!rule)
    return violation(why, "unknown parameter");
  if (!(rule->places & IN(place)))
    return violation(why, "parameter in the wrong message");
  if (!read_value(at, rule->encoding, &value))
    return violation(why, "parameter cut or malformed");
  switch (rule->encoding) {
  case AS_NUMBER:
    take_number(rule->type, value.number, params);
    return 0;
  case AS_BYTE:
    return take_byte(rule->type, value.byte, params, why);
  case AS_LOCATION:
    params->largest = value.location;
    params->has |= MOQT_HAS_LARGEST;
    return 0;
  case AS_BYTES:
    return take_bytes(rule->type, value.bytes, params, why);
  default:
    return 0;
  }
}

uint64_t moqt_params_read(struct wire_cursor *at, enum moqt_param_place place,
                          struct moqt_params *params, const char **why) {
  uint64_t count, delta, type = 0;

  moqt_params_init(params);
  if (!wire_get_vi64(at, &count))
    return violation(why, "parameter count cut");
  for (uint64_t i = 0; i < count; i++) {
    uint64_t code;
    if (!wire_get_vi64(at, &delta) || delta > UINT64_MAX - type)
      return violation(why, "parameter type cut or too large");
    type += delta;
    if (i && delta == 0) {
      if (!repeatable(type))
        return violation(why, "parameter repeated");
      if (type == P_PRIORITY_FILTER)
        refuse(params, MOQT_REQ_INVALID_FILTER, "PRIORITY_FILTER: more than one range");
    }
    code = read_one(at, type, place, params, why);
    if (code)
      return code;
  }
  return 0;
}

/* ---- writing ----------------------------------------------------------------------------- */

struct out {
  uint8_t *buf;
  size_t room, len;
  bool full;
  uint64_t last_type, count;
};

static void put_number(struct out *out, uint64_t v) {
  uint8_t bytes[WIRE_VI64_MAX_LEN];
  const size_t n = wire_vi64_put(bytes, v);

  if (out->room - out->len < n) {
    out->full = true;
    return;
  }
  memcpy(out->buf + out->len, bytes, n);
  out->len += n;
}

static void put_byte(struct out *out, uint8_t v) {
  if (out->len == out->room)
    out->full = true;
  else
    out->buf[out->len++] = v;
}

static void put_type(struct out *out, uint64_t type) {
  put_number(out, type - out->last_type);
  out->last_type = type;
}

static void put_location_filter(struct out *out, const struct moqt_location_filter *filter) {
  size_t len = 0;

  for (size_t i = 0; i < filter->n; i++)
    len += wire_vi64_len(filter->v[i]);
  put_type(out, P_LOCATION_FILTER);
  put_number(out, len);
  for (size_t i = 0; i < filter->n; i++)
    put_number(out, filter->v[i]);
}

static void put_priority_filter(struct out *out, uint8_t min, uint8_t max) {
  const uint64_t more = (uint64_t)max - min;

  put_type(out, P_PRIORITY_FILTER);
  put_number(out, 1 + wire_vi64_len(min) + wire_vi64_len(more));
  put_byte(out, 0); /* SetID */
  put_number(out, min);
  put_number(out, more);
}

static void put_pair(struct out *out, uint64_t type, uint64_t v) {
  put_type(out, type);
  put_number(out, v);
}

static void put_flag(struct out *out, uint64_t type, uint8_t v) {
  put_type(out, type);
  put_byte(out, v);
}

size_t moqt_params_write(uint8_t *buf, size_t room, const struct moqt_params *params) {
  struct out out = {.buf = buf, .room = room};
  const uint32_t has = params->has;

  put_number(&out, (uint64_t)__builtin_popcount(has));
  if (has & MOQT_HAS_OBJECT_TIMEOUT)
    put_pair(&out, P_OBJECT_TIMEOUT, params->object_timeout_ms);
  if (has & MOQT_HAS_RENDEZVOUS)
    put_pair(&out, P_RENDEZVOUS, params->rendezvous_ms);
  if (has & MOQT_HAS_SUBGROUP_TIMEOUT)
    put_pair(&out, P_SUBGROUP_TIMEOUT, params->subgroup_timeout_ms);
  if (has & MOQT_HAS_EXPIRES)
    put_pair(&out, P_EXPIRES, params->expires_ms);
  if (has & MOQT_HAS_LARGEST) {
    put_pair(&out, P_LARGEST, params->largest.group);
    put_number(&out, params->largest.object);
  }
  if (has & MOQT_HAS_FORWARD)
    put_flag(&out, P_FORWARD, params->forward);
  if (has & MOQT_HAS_PRIORITY)
    put_flag(&out, P_PRIORITY, params->subscriber_priority);
  if (has & MOQT_HAS_LOCATION_FILTER)
    put_location_filter(&out, &params->location);
  if (has & MOQT_HAS_GROUP_ORDER)
    put_flag(&out, P_GROUP_ORDER, params->group_order);
  if (has & MOQT_HAS_PRIORITY_FILTER)
    put_priority_filter(&out, params->priority_min, params->priority_max);
  if (has & MOQT_HAS_NEW_GROUP)
    put_pair(&out, P_NEW_GROUP, params->new_group);
  if (has & MOQT_HAS_INCLUDE_PROPERTIES)
    put_flag(&out, P_INCLUDE_PROPERTIES, params->include_properties);
  return out.full ? 0 : out.len;
}
