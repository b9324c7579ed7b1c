#include "relay/moqt/object.h"

#include <stdlib.h>
#include <string.h>

#include "bpf/wire/moqt_data.h"
#include "relay/moqt/codes.h"

#define PROPERTIES_MAX 65535

enum stage { HEADER, DELTA, PROPERTIES_LEN, PROPERTIES, SIZE, STATUS, PAYLOAD };

bool moqt_status_valid(uint64_t status) {
  return status == MOQT_OBJECT_NORMAL || status == MOQT_OBJECT_END_OF_GROUP ||
         status == MOQT_OBJECT_END_OF_TRACK;
}

static uint64_t violation(const char **why, const char *text) {
  *why = text;
  return MOQT_PROTOCOL_VIOLATION;
}

/* ---- writing -------------------------------------------------------------------------- */

size_t moqt_subgroup_write(uint8_t *buf, const struct moqt_subgroup *header) {
  uint8_t flags = WIRE_SG_MARK;
  size_t at = 0;

  if (header->properties)
    flags |= WIRE_SG_PROPERTIES;
  if (header->subgroup_by_object)
    flags |= WIRE_SG_ID_FIRST;
  else if (header->subgroup)
    flags |= WIRE_SG_ID_FIELD;
  if (header->end_of_group)
    flags |= WIRE_SG_END_OF_GROUP;
  if (!header->has_priority)
    flags |= WIRE_SG_DEFAULT_PRIORITY;
  if (header->first_object)
    flags |= WIRE_SG_FIRST_OBJECT;
  buf[at++] = flags;
  at += wire_vi64_put(buf + at, header->alias);
  at += wire_vi64_put(buf + at, header->group);
  if (flags & WIRE_SG_ID_FIELD)
    at += wire_vi64_put(buf + at, header->subgroup);
  if (header->has_priority)
    buf[at++] = header->priority;
  return at;
}

size_t moqt_object_write(uint8_t *buf, uint64_t object, const uint64_t *previous, uint64_t size) {
  size_t at = wire_vi64_put(buf, previous ? object - *previous - 1 : object);

  at += wire_vi64_put(buf + at, size);
  if (size == 0)
    at += wire_vi64_put(buf + at, MOQT_OBJECT_NORMAL);
  return at;
}

size_t moqt_datagram_write(uint8_t *buf, const struct moqt_datagram *datagram) {
  uint8_t flags = 0;
  size_t at = 0;

  if (datagram->end_of_group)
    flags |= WIRE_DG_END_OF_GROUP;
  if (datagram->object == 0)
    flags |= WIRE_DG_ZERO_OBJECT;
  if (!datagram->has_priority)
    flags |= WIRE_DG_DEFAULT_PRIORITY;
  buf[at++] = flags;
  at += wire_vi64_put(buf + at, datagram->alias);
  at += wire_vi64_put(buf + at, datagram->group);
  if (datagram->object)
    at += wire_vi64_put(buf + at, datagram->object);
  if (datagram->has_priority)
    buf[at++] = datagram->priority;
  return at;
}

uint64_t moqt_datagram_read(const uint8_t *data, size_t len, struct moqt_datagram *out,
                            const char **why) {
  struct wire_cursor at = wire_cursor(data, 0, len);
  struct wire_datagram_header header;

  memset(out, 0, sizeof(*out));
  if (wire_datagram_header_get(&at, &header) != WIRE_MOQT_OK)
    return violation(why, "not an object datagram, or malformed");
  out->alias = header.alias.v;
  out->group = header.group.v;
  out->object = header.object.v;
  out->end_of_group = (header.flags & WIRE_DG_END_OF_GROUP) != 0;
  out->has_priority = header.priority_given;
  out->priority = header.priority;
  out->properties =
      (struct moqt_bytes){.data = data + header.properties_at, .len = header.properties_len};
  out->payload =
      (struct moqt_bytes){.data = data + header.payload_at, .len = len - header.payload_at};
  out->has_status = (header.flags & WIRE_DG_STATUS) != 0;
  out->status = header.status;
  if (out->has_status && !moqt_status_valid(out->status))
    return violation(why, "datagram with an unknown object status");
  if (out->has_status && out->payload.len)
    return violation(why, "datagram with both status and payload");
  return 0;
}

/* ---- reading a subgroup stream --------------------------------------------------------------- */

/* Where the next bytes go. */
struct input {
  const uint8_t *data;
  size_t len;
  const struct moqt_reader_events *events;
  void *arg;
  const char **why;
};

/* Collects one vi64 in the scratch. 1: there, 0: more bytes are needed. */
static int take_number(struct moqt_reader *r, struct input *in, uint64_t *v) {
  while (in->len) {
    r->scratch[r->scratch_len++] = *in->data++;
    in->len--;
    if (wire_vi64_get(r->scratch, r->scratch_len, v)) {
      r->scratch_len = 0;
      return 1;
    }
  }
  return 0;
}

static uint64_t take_header(struct moqt_reader *r, struct input *in) {
  struct wire_subgroup_header h;
  enum wire_moqt_result result = WIRE_MOQT_SHORT;

  while (in->len && result == WIRE_MOQT_SHORT) {
    struct wire_cursor at;
    if (r->scratch_len == sizeof(r->scratch))
      return violation(in->why, "subgroup header too long");
    r->scratch[r->scratch_len++] = *in->data++;
    in->len--;
    at = wire_cursor(r->scratch, 0, r->scratch_len);
    result = wire_subgroup_header_get(&at, &h);
  }
  if (result == WIRE_MOQT_SHORT)
    return 0;
  if (result != WIRE_MOQT_OK)
    return violation(in->why, "bad subgroup flags");
  r->scratch_len = 0;
  r->header = (struct moqt_subgroup){
      .alias = h.alias.v,
      .group = h.group.v,
      .subgroup = h.subgroup.v,
      .subgroup_by_object = h.subgroup_by_object,
      .first_object = (h.flags & WIRE_SG_FIRST_OBJECT) != 0,
      .end_of_group = (h.flags & WIRE_SG_END_OF_GROUP) != 0,
      .properties = (h.flags & WIRE_SG_PROPERTIES) != 0,
      .has_priority = h.priority_given,
      .priority = h.priority,
  };
  r->has_header = true;
  r->stage = DELTA;
  if (in->events->header)
    in->events->header(in->arg, r);
  return 0;
}

static uint64_t take_delta(struct moqt_reader *r, struct input *in) {
  uint64_t delta;

  if (!take_number(r, in, &delta))
    return 0;
  if (r->objects && (r->object == UINT64_MAX || delta > UINT64_MAX - r->object - 1))
    return violation(in->why, "object ID overflows");
  r->object = r->objects ? r->object + 1 + delta : delta;
  if (r->objects == 0 && r->header.subgroup_by_object)
    r->header.subgroup = r->object;
  r->objects++;
  r->properties_len = r->properties_got = 0;
  r->stage = r->header.properties ? PROPERTIES_LEN : SIZE;
  return 0;
}

static uint64_t take_properties_len(struct moqt_reader *r, struct input *in) {
  uint8_t *room;

  if (!take_number(r, in, &r->properties_len))
    return 0;
  if (r->properties_len > PROPERTIES_MAX)
    return violation(in->why, "object properties above 65,535 bytes");
  r->stage = r->properties_len ? PROPERTIES : SIZE;
  if (r->properties_len == 0)
    return 0;
  room = realloc(r->properties, (size_t)r->properties_len);
  if (!room) {
    *in->why = "no memory";
    return MOQT_INTERNAL_ERROR;
  }
  r->properties = room;
  return 0;
}

static void take_properties(struct moqt_reader *r, struct input *in) {
  const uint64_t want = r->properties_len - r->properties_got;
  const size_t n = want < in->len ? (size_t)want : in->len;

  memcpy(r->properties + r->properties_got, in->data, n);
  r->properties_got += n;
  in->data += n;
  in->len -= n;
  if (r->properties_got == r->properties_len)
    r->stage = SIZE;
}

static void tell_object(struct moqt_reader *r, struct input *in, uint64_t size, uint64_t status) {
  const struct moqt_bytes properties = {.data = r->properties, .len = (size_t)r->properties_len};

  r->left = size;
  r->stage = size ? PAYLOAD : DELTA;
  if (in->events->object)
    in->events->object(in->arg, r, r->object, size, status, properties);
  if (size == 0 && in->events->object_end)
    in->events->object_end(in->arg, r);
}

static uint64_t take_status(struct moqt_reader *r, struct input *in) {
  uint64_t status;

  if (!take_number(r, in, &status))
    return 0;
  if (!moqt_status_valid(status))
    return violation(in->why, "unknown object status");
  if (status != MOQT_OBJECT_NORMAL && r->properties_len)
    return violation(in->why, "object status with properties");
  tell_object(r, in, 0, status);
  return 0;
}

static void take_size(struct moqt_reader *r, struct input *in) {
  uint64_t size;

  if (!take_number(r, in, &size))
    return;
  if (size == 0)
    r->stage = STATUS;
  else
    tell_object(r, in, size, MOQT_OBJECT_NORMAL);
}

static void take_payload(struct moqt_reader *r, struct input *in) {
  const size_t n = r->left < in->len ? (size_t)r->left : in->len;

  if (in->events->payload)
    in->events->payload(in->arg, in->data, n);
  in->data += n;
  in->len -= n;
  r->left -= n;
  if (r->left)
    return;
  r->stage = DELTA;
  if (in->events->object_end)
    in->events->object_end(in->arg, r);
}

static uint64_t step(struct moqt_reader *r, struct input *in) {
  switch ((enum stage)r->stage) {
  case HEADER:
    return take_header(r, in);
  case DELTA:
    return take_delta(r, in);
  case PROPERTIES_LEN:
    return take_properties_len(r, in);
  case PROPERTIES:
    take_properties(r, in);
    return 0;
  case SIZE:
    take_size(r, in);
    return 0;
  case STATUS:
    return take_status(r, in);
  case PAYLOAD:
    take_payload(r, in);
    return 0;
  }
  return MOQT_INTERNAL_ERROR;
}

uint64_t moqt_reader_in(struct moqt_reader *reader, const uint8_t *data, size_t len, bool fin,
                        const struct moqt_reader_events *events, void *arg, const char **why) {
  struct input in = {.data = data, .len = len, .events = events, .arg = arg, .why = why};

  while (in.len) {
    const uint64_t code = step(reader, &in);
    if (code)
      return code;
  }
  if (fin && (reader->stage != DELTA || reader->scratch_len))
    return violation(why, "stream ended inside a header or an object");
  return 0;
}

void moqt_reader_free(struct moqt_reader *reader) {
  free(reader->properties);
  memset(reader, 0, sizeof(*reader));
}
