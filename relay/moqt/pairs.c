/* Key-value pairs: setup options and properties; declared in params.h. */
#include <string.h>

#include "relay/moqt/codes.h"
#include "relay/moqt/params.h"

#define MAX_VALUE 65535

enum {
  O_PATH = 0x01,
  O_TOKEN = 0x03,
  O_TOKEN_CACHE = 0x04,
  O_AUTHORITY = 0x05,
  O_FILTER_RANGES = 0x06,
  O_IMPLEMENTATION = 0x07,
  O_REQUEST_UPDATES = 0x08,
};

enum {
  K_OBJECT_TIMEOUT = 0x02,
  K_SUBGROUP_TIMEOUT = 0x06,
  K_PRIORITY = 0x0e,
  K_GROUP_ORDER = 0x22,
  K_DYNAMIC_GROUPS = 0x30,
  K_MANDATORY_FIRST = 0x4000,
  K_MANDATORY_LAST = 0x7fff,
};

struct pair {
  uint64_t type, number;
  struct moqt_bytes bytes;
  bool repeated;
};

/* The next pair; types ascend. Returns 0 or a session code. */
static uint64_t next_pair(struct wire_cursor *at, struct pair *pair, const char **why) {
  uint64_t delta;
  const bool first = pair->bytes.data == NULL && pair->type == 0;

  *why = "key-value pair cut";
  if (!wire_get_vi64(at, &delta))
    return MOQT_PROTOCOL_VIOLATION;
  if (delta > UINT64_MAX - pair->type) {
    *why = "key-value pair: type overflows";
    return MOQT_PROTOCOL_VIOLATION;
  }
  pair->repeated = !first && delta == 0;
  pair->type += delta;
  pair->bytes = (struct moqt_bytes){.data = wire_here(at)};
  if (pair->type % 2 == 0)
    return wire_get_vi64(at, &pair->number) ? 0 : MOQT_PROTOCOL_VIOLATION;
  if (!moqt_bytes_read(at, &pair->bytes))
    return MOQT_PROTOCOL_VIOLATION;
  if (pair->bytes.len > MAX_VALUE) {
    *why = "key-value pair: value above 65,535 bytes";
    return MOQT_PROTOCOL_VIOLATION;
  }
  return 0;
}

/* ---- setup options ----------------------------------------------------------------- */

static uint64_t check_path(struct moqt_bytes path, bool from_client, const char **why) {
  *why = "PATH from a server";
  if (!from_client)
    return MOQT_INVALID_PATH;
  *why = "PATH does not begin with a slash";
  return path.len == 0 || path.data[0] != '/' ? MOQT_MALFORMED_PATH : 0;
}

static uint64_t check_authority(struct moqt_bytes authority, bool from_client, const char **why) {
  *why = "AUTHORITY from a server";
  if (!from_client)
    return MOQT_INVALID_AUTHORITY;
  *why = "AUTHORITY is not host[:port]";
  if (authority.len == 0)
    return MOQT_MALFORMED_AUTHORITY;
  for (size_t i = 0; i < authority.len; i++)
    if (authority.data[i] <= ' ' || authority.data[i] >= 0x7f || authority.data[i] == '/')
      return MOQT_MALFORMED_AUTHORITY;
  return 0;
}

static uint64_t check_setup_token(struct moqt_bytes token, bool from_client, const char **why) {
  struct wire_cursor at = wire_cursor(token.data, 0, token.len);
  uint64_t alias_type;

  *why = "malformed AUTHORIZATION_TOKEN";
  if (!wire_get_vi64(&at, &alias_type) || alias_type > 3)
    return MOQT_KEY_VALUE_FORMATTING_ERROR;
  *why = "token DELETE or USE_ALIAS in SETUP";
  return from_client && (alias_type == 0 || alias_type == 2) ? MOQT_PROTOCOL_VIOLATION : 0;
}

static bool known_once(uint64_t type) {
  return type == O_PATH || (type >= O_TOKEN_CACHE && type <= O_REQUEST_UPDATES);
}

static uint64_t take_option(const struct pair *pair, bool from_client, struct moqt_setup *out,
                            const char **why) {
  if (pair->repeated && known_once(pair->type)) {
    *why = "setup option repeated";
    return MOQT_PROTOCOL_VIOLATION;
  }
  switch (pair->type) {
  case O_PATH:
    out->path = pair->bytes;
    return check_path(pair->bytes, from_client, why);
  case O_TOKEN:
    return check_setup_token(pair->bytes, from_client, why);
  case O_AUTHORITY:
    out->authority = pair->bytes;
    return check_authority(pair->bytes, from_client, why);
  case O_FILTER_RANGES:
    out->max_filter_ranges = pair->number;
    return 0;
  case O_IMPLEMENTATION:
    out->implementation = pair->bytes;
    return 0;
  case O_REQUEST_UPDATES:
    out->max_request_updates = pair->number;
    return 0;
  default: /* the token cache, which is never used, and what is unknown */
    return 0;
  }
}

uint64_t moqt_setup_read(struct wire_cursor *at, bool from_client, struct moqt_setup *out,
                         const char **why) {
  struct pair pair = {0};

  memset(out, 0, sizeof(*out));
  while (wire_left(at)) {
    uint64_t code = next_pair(at, &pair, why);
    if (code == 0)
      code = take_option(&pair, from_client, out, why);
    if (code)
      return code;
  }
  return 0;
}

struct options {
  uint8_t *buf;
  size_t room, len;
  uint64_t last;
  bool full;
};

static void put(struct options *out, const uint8_t *data, size_t len) {
  if (out->room - out->len < len) {
    out->full = true;
    return;
  }
  memcpy(out->buf + out->len, data, len);
  out->len += len;
}

static void put_number(struct options *out, uint64_t v) {
  uint8_t bytes[WIRE_VI64_MAX_LEN];
  put(out, bytes, wire_vi64_put(bytes, v));
}

static void put_type(struct options *out, uint64_t type) {
  put_number(out, type - out->last);
  out->last = type;
}

static void put_bytes_option(struct options *out, uint64_t type, struct moqt_bytes bytes) {
  if (bytes.len == 0)
    return;
  put_type(out, type);
  put_number(out, bytes.len);
  put(out, bytes.data, bytes.len);
}

static void put_number_option(struct options *out, uint64_t type, uint64_t v) {
  if (v == 0)
    return;
  put_type(out, type);
  put_number(out, v);
}

bool moqt_setup_write(uint8_t *buf, size_t room, const struct moqt_setup *setup, size_t *len) {
  struct options out = {.buf = buf, .room = room};

  put_bytes_option(&out, O_PATH, setup->path);
  put_bytes_option(&out, O_AUTHORITY, setup->authority);
  put_number_option(&out, O_FILTER_RANGES, setup->max_filter_ranges);
  put_bytes_option(&out, O_IMPLEMENTATION, setup->implementation);
  put_number_option(&out, O_REQUEST_UPDATES, setup->max_request_updates);
  *len = out.len;
  return !out.full;
}

/* ---- properties ------------------------------------------------------------------------ */

static uint64_t take_property(const struct pair *pair, struct moqt_properties *out,
                              const char **why) {
  switch (pair->type) {
  case K_OBJECT_TIMEOUT:
    out->has_object_timeout = true;
    out->object_timeout_ms = pair->number;
    return 0;
  case K_SUBGROUP_TIMEOUT:
    out->has_subgroup_timeout = true;
    out->subgroup_timeout_ms = pair->number;
    return 0;
  case K_PRIORITY:
    out->priority = (uint8_t)pair->number;
    *why = "DEFAULT_PUBLISHER_PRIORITY above 255";
    return pair->number > 255 ? MOQT_PROTOCOL_VIOLATION : 0;
  case K_GROUP_ORDER:
    out->group_order = (uint8_t)pair->number;
    *why = "DEFAULT_PUBLISHER_GROUP_ORDER: neither 1 nor 2";
    return pair->number != 1 && pair->number != 2 ? MOQT_PROTOCOL_VIOLATION : 0;
  case K_DYNAMIC_GROUPS:
    *why = "DYNAMIC_GROUPS: neither 0 nor 1";
    return pair->number > 1 ? MOQT_PROTOCOL_VIOLATION : 0;
  default:
    if (pair->type >= K_MANDATORY_FIRST && pair->type <= K_MANDATORY_LAST)
      out->mandatory_unknown = true;
    return 0;
  }
}

uint64_t moqt_properties_read(struct wire_cursor *at, struct moqt_properties *out,
                              const char **why) {
  struct pair pair = {0};

  memset(out, 0, sizeof(*out));
  out->priority = 128;
  out->group_order = 1;
  out->raw = (struct moqt_bytes){.data = wire_here(at), .len = wire_left(at)};
  while (wire_left(at)) {
    uint64_t code = next_pair(at, &pair, why);
    if (code == 0)
      code = take_property(&pair, out, why);
    if (code)
      return code;
  }
  return 0;
}
