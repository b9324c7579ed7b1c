/* Messages and objects that break the rules of MoQT, on streams of the rogue's own. */
#include <string.h>

#include "bench/peer/rogue_state.h"
#include "bpf/wire/vi64.h"
#include "relay/moqt/message.h"
#include "relay/moqt/object.h"

/* A client's request IDs are even; these are above all that the session uses. */
#define REQUEST_ID 1000
#define PAYLOAD    20
#define MESSAGE    512

/* A group far behind all that is published, so that every subscriber wants it. */
#define GROUP 1000000

static const struct plan_track *first_track(const struct rogue *rogue, uint64_t *alias) {
  for (size_t i = 0; i < rogue->plan->n_tracks; i++)
    if (rogue->plan->tracks[i].from == rogue->node) {
      *alias = i; /* as its publisher tells it */
      return &rogue->plan->tracks[i];
    }
  return NULL;
}

size_t rogue_object(struct rogue *rogue, uint8_t *buf, uint64_t size) {
  uint64_t alias = 0;
  const struct plan_track *track = first_track(rogue, &alias);
  const struct moqt_subgroup header = {.alias = alias,
                                       .group = GROUP + rogue->groups++,
                                       .first_object = true,
                                       .has_priority = true,
                                       .priority = track ? track->priority : 0};
  const size_t len = moqt_subgroup_write(buf, &header);
  return len + moqt_object_write(buf + len, 0, NULL, size);
}

/* SUBSCRIBE to the first track there is. */
static size_t subscribe(const struct rogue *rogue, uint8_t *buf, size_t room) {
  const struct plan_track *track = &rogue->plan->tracks[0];
  struct moqt_message message = {.type = MOQT_SUBSCRIBE, .request_id = REQUEST_ID};
  moqt_name_set(&message.name, rogue->plan->nodes[track->from].name, track->name);
  moqt_params_init(&message.params);
  message.params.has = MOQT_HAS_LOCATION_FILTER;
  message.params.location = (struct moqt_location_filter){.n = 1};
  return moqt_message_write(buf, room, &message);
}

static void send_all(struct rogue *rogue, const uint8_t *data, size_t len) {
  const int64_t sid = rogue->publishes ? qc_open_uni(rogue->conn) : qc_open_bidi(rogue->conn);
  if (sid < 0)
    return;
  qc_stream_priority(rogue->conn, sid, QC_PRIORITY_CONTROL);
  qc_stream_send(rogue->conn, sid, data, len, true);
  rogue->acted = true;
}

static size_t whole(struct rogue *rogue, uint8_t *buf, size_t room) {
  if (!rogue->publishes)
    return subscribe(rogue, buf, room);
  const size_t len = rogue_object(rogue, buf, PAYLOAD);
  memset(buf + len, 0x5a, PAYLOAD);
  return len + PAYLOAD;
}

/* The first cut of each instance is at another byte, and each connection cuts at the next. */
void rogue_cut_message(struct rogue *rogue) {
  uint8_t buf[MESSAGE];
  const size_t len = whole(rogue, buf, sizeof buf);
  const struct plan_node *node = &rogue->plan->nodes[rogue->node];
  if (len < 2)
    return;
  send_all(rogue, buf, 1 + (size_t)((node->index * 7 + rogue->cuts++) % (len - 1)));
}

/* A publisher: an object larger than its stream. A subscriber, in turn: a body longer than what
 * comes, one shorter than what is in it, and a name longer than the body. */
void rogue_bad_length(struct rogue *rogue) {
  uint8_t buf[MESSAGE];
  if (rogue->publishes) {
    const size_t len = rogue_object(rogue, buf, UINT64_C(1) << 60);
    memset(buf + len, 0x5a, PAYLOAD);
    send_all(rogue, buf, len + PAYLOAD);
    return;
  }
  size_t len = subscribe(rogue, buf, sizeof buf);
  switch (rogue->cuts++ % 3) {
  case 0:
    buf[1] = buf[2] = 0xff;
    break;
  case 1:
    buf[2]--;
    break;
  default: /* type, length of the body, request ID, number of fields, their lengths */
    for (size_t i = 3; i + 1 < len; i++)
      if (buf[i] == strlen(rogue->plan->nodes[rogue->plan->tracks[0].from].name)) {
        buf[i] = 0x7f;
        break;
      }
    break;
  }
  send_all(rogue, buf, len);
}
