#include "bench/t/peer_served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>

#include <cmocka.h>
#include <xxhash.h>

struct rig *served_asked(const char *yaml, uint32_t loss_ppm, size_t requests) {
  struct rig *rig =
      rig_open(&(struct rig_shape){.yaml = yaml, .node = "sub", .loss_ppm = loss_ppm});
  for (int i = 0; i < 100 && rig->n_requests < requests; i++)
    rig_run(rig, 50 * RIG_MS);
  assert_int_equal(rig->n_requests, requests);
  return rig;
}

void served_accept(struct rig *rig, size_t i) {
  struct moqt_params params;
  moqt_params_init(&params);
  const uint64_t alias =
      strcmp(rig->requests[i].track, "chat") == 0 ? SERVED_CHAT_ALIAS : SERVED_VIDEO_ALIAS;
  assert_int_equal(moqt_subscribe_accept(rig->session, rig->requests[i].req, alias, &params,
                                         (struct moqt_bytes){0}),
                   0);
}

struct rig *served_answered(const char *yaml, uint32_t loss_ppm) {
  struct rig *rig = served_asked(yaml, loss_ppm, 2);
  served_accept(rig, 0);
  served_accept(rig, 1);
  const struct peer_event *told = rig_await(rig, PEER_ANSWERED, 1);
  assert_int_equal(told->ok, 2);
  assert_int_equal(told->refused, 0);
  return rig;
}

void bytes_add(struct bytes *b, const void *data, size_t len) {
  b->data = realloc(b->data, b->len + len + 1);
  assert_non_null(b->data);
  memcpy(b->data + b->len, data, len);
  b->len += len;
}

void bytes_header(struct bytes *b, uint64_t group, uint64_t subgroup, uint8_t priority) {
  uint8_t buf[MOQT_SUBGROUP_HEADER_MAX] = {0};
  bytes_add(b, buf,
            moqt_subgroup_write(buf, &(struct moqt_subgroup){.alias = SERVED_VIDEO_ALIAS,
                                                             .group = group,
                                                             .subgroup = subgroup,
                                                             .first_object = true,
                                                             .has_priority = true,
                                                             .priority = priority}));
}

uint8_t served_content(uint64_t group, uint64_t object, size_t i) {
  return (uint8_t)(group * 31 + object * 7 + i * 3 + (i >> 8));
}

static void served_fill(uint8_t *to, uint64_t group, uint64_t object, size_t len) {
  for (size_t i = 0; i < len; i++)
    to[i] = served_content(group, object, i);
}

void bytes_object(struct bytes *b, uint64_t group, uint64_t object, const uint64_t *previous,
                  size_t size) {
  uint8_t buf[MOQT_OBJECT_HEADER_MAX] = {0};
  uint8_t *payload = malloc(size + 1);
  bytes_add(b, buf, moqt_object_write(buf, object, previous, size));
  served_fill(payload, group, object, size);
  bytes_add(b, payload, size);
  free(payload);
}

void served_datagram(struct rig *rig, uint64_t alias, uint64_t group, uint64_t object,
                     size_t size) {
  uint8_t buf[1200] = {0};
  const size_t n = moqt_datagram_write(
      buf,
      &(struct moqt_datagram){
          .alias = alias, .group = group, .object = object, .has_priority = true, .priority = 9});
  served_fill(buf + n, group, object, size);
  assert_int_equal(qc_datagram_send(rig->conn, buf, n + size), 0);
}

void served_check(const struct rig *rig, size_t index, uint64_t group, uint64_t object, size_t size,
                  const char *as) {
  json_t *line = rig_line(rig, "delivered", index);
  uint8_t *payload = malloc(size + 1);
  char hash[17];
  served_fill(payload, group, object, size);
  snprintf(hash, sizeof hash, "%016llx", (unsigned long long)XXH64(payload, size, 0));
  assert_int_equal(json_integer_value(json_object_get(line, "group")), group);
  assert_int_equal(json_integer_value(json_object_get(line, "object")), object);
  assert_int_equal(json_integer_value(json_object_get(line, "size")), size);
  assert_string_equal(json_string_value(json_object_get(line, "hash")), hash);
  assert_string_equal(json_string_value(json_object_get(line, "as")), as);
  free(payload);
  json_decref(line);
}
