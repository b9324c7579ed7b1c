/* nonce-unique: under one key no number seals two different packets (RFC 9001 5.3,
 * RFC 5116 3.1). The key is that of (connection, sender, space, key phase); without
 * packet protection the numbers alone are judged. The same bytes again use no nonce
 * twice. Judged at the sender's interface. */
#include <stdlib.h>
#include <xxhash.h>

#include "pcap-tools/check/check.h"

struct sealed {
  uint64_t hash; /* of the protected packet */
  struct qp_place place;
};

struct nonce_unique {
  struct qp_map at; /* key and number -> index */
  struct sealed *items;
  size_t n, room;
};

static uint64_t key_of(const struct qp_seen *s) {
  uint64_t key = qp_map_mix(s->conn->index, (uint64_t)s->space << 1 | s->side);
  return qp_map_mix(qp_map_mix(key, s->generation), s->pn);
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_judged *self = arg;
  struct nonce_unique *state = self->state;
  char flow[QP_FLOW_TEXT];
  if (!s->opened || !(s->views & QP_SENT))
    return;
  uint64_t key = key_of(s), hash = XXH3_64bits(s->header->start, s->header->len);
  uint32_t i = qp_map_get(&state->at, key);
  self->out->examined++;
  if (i == QP_MAP_NONE) {
    qp_grow((void **)&state->items, &state->room, state->n + 1, sizeof *state->items);
    qp_map_set(&state->at, key, (uint32_t)state->n);
    state->items[state->n++] = (struct sealed){hash, s->place};
    return;
  }
  if (state->items[i].hash == hash || !qp_found(self))
    return;
  qp_describe(
      self, s->place,
      (struct qp_words){
          .layer = "quic",
          .field = "nonce",
          .expected = qp_text("number %llu sealed once under this key", (unsigned long long)s->pn),
          .actual =
              qp_text("other bytes in frame %llu", (unsigned long long)state->items[i].place.frame),
          .explain = qp_text("%s uses one nonce for two packets",
                             qp_flow(self->evidence, s->conn, s->side, flow)),
      });
}

static void watch(struct qp_judged *self, struct qp_watcher *w) {
  (void)self;
  w->packet = packet;
}

static void clear(struct qp_judged *self) {
  struct nonce_unique *state = self->state;
  qp_map_clear(&state->at);
  free(state->items);
}

const struct qp_check qp_check_nonce_unique = {
    .info = {"nonce-unique", "transport", "No nonce is used twice under one key.", true},
    .state = sizeof(struct nonce_unique),
    .watch = watch,
    .clear = clear,
};
