#include "pcap-tools/cli/chosen.h"

static uint64_t key(struct qp_place place) {
  return qp_map_mix(place.file, place.frame);
}

static void packet(void *arg, const struct qp_seen *s) {
  struct qp_chosen *c = arg;
  qp_select_start(&c->select, s->place.time_ns);
  if (qp_select_packet(&c->select, s) && qp_select_any_frame(&c->select, s))
    qp_map_set(&c->frames, key(s->place), 1);
}

struct qp_watcher qp_chosen_watch(struct qp_chosen *c, const struct qp_select *select) {
  *c = (struct qp_chosen){.select = *select, .all = !(select->given & ~(unsigned)QP_BY_CONN)};
  struct qp_watcher watcher = {.arg = c};
  if (!c->all)
    watcher.packet = packet;
  return watcher;
}

bool qp_chosen_has(const struct qp_chosen *c, struct qp_place place) {
  return c->all || (place.frame && qp_map_get(&c->frames, key(place)) != QP_MAP_NONE);
}

void qp_chosen_clear(struct qp_chosen *c) {
  qp_map_clear(&c->frames);
}
