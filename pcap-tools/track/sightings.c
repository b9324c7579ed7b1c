#include "pcap-tools/track/sightings.h"

#include <stdlib.h>
#include <string.h>

#include "pcap-tools/read/memory.h"

enum { ROOM_FIRST = 16, ROOM_SURE = 64, ROOM_MAX = 1 << 24 };

static void widen(struct qp_sightings *s, struct qp_sightings_room *room) {
  uint32_t want = s->room ? s->room * 2 : ROOM_FIRST;
  size_t more = (want - s->room) * sizeof *s->ring;
  if (want > ROOM_MAX || (want > ROOM_SURE && more > room->left))
    return;
  room->left -= more < room->left ? more : room->left;
  struct qp_sighting *wide = qp_alloc(want, sizeof *wide);
  for (uint32_t i = 0; i < s->room; i++)
    if (s->ring[i].frame)
      wide[s->ring[i].pn & (want - 1)] = s->ring[i];
  free(s->ring);
  s->ring = wide;
  s->room = want;
}

void qp_sightings_note(struct qp_sightings *s, uint64_t pn, uint64_t frame, uint32_t generation,
                       uint32_t mark, struct qp_sightings_room *room) {
  if (s->n >= s->room)
    widen(s, room);
  s->n++;
  if (pn > s->largest)
    s->largest = pn;
  else if (s->largest - pn >= s->room) /* a newer number has its place */
    return;
  s->ring[pn & (s->room - 1)] = (struct qp_sighting){.pn = (uint32_t)pn,
                                                     .frame = (uint32_t)frame,
                                                     .generation = generation & 15,
                                                     .mark = mark & QP_SIGHTING_MARK};
}

const struct qp_sighting *qp_sightings_find(const struct qp_sightings *s, uint64_t pn) {
  if (!s->room || pn > s->largest || s->largest - pn >= s->room)
    return NULL;
  const struct qp_sighting *at = &s->ring[pn & (s->room - 1)];
  return at->frame && at->pn == (uint32_t)pn ? at : NULL;
}

void qp_sightings_clear(struct qp_sightings *s) {
  free(s->ring);
  memset(s, 0, sizeof *s);
}
