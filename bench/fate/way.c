#include "bench/fate/way.h"

#include <stdlib.h>
#include <string.h>

#include "bench/fate/scan.h"

#define RELAY_CID_LEN      20
#define RELAY_CID_LEN_DIAL 17

const char *fate_way_open(struct fate_way *way, uint64_t seed, const char *from, const char *to,
                          const struct fate_params *params, struct fate_fault *faults, size_t n) {
  *way = (struct fate_way){.faults = faults};
  if (asprintf(&way->name, "%s>%s", from, to) < 0) {
    way->name = NULL;
    return "no memory for its name";
  }
  for (size_t i = 0; i < n; i++)
    way->delays |= faults[i].what == FATE_FAULT_DELAY;
  return fate_link_open(&way->link, seed, from, to, params, faults, n);
}

static fate_frames frames_in(const struct fate_way *way, const uint8_t *payload, size_t len) {
  if (way->link.asked == 0)
    return 0;
  if (!way->ids.of_relay)
    return scan_datagram(payload, len, way->ids.cid_len);
  return scan_datagram(payload, len,
                       len > 1 && payload[1] & 0x80 ? RELAY_CID_LEN_DIAL : RELAY_CID_LEN);
}

/* More than the link's own delay: a fault did it, or the line was busy. */
static bool is_delayed(const struct fate_way *way, const struct fate *fate) {
  const struct fate_params *p = &way->link.params;
  return way->delays && fate->copies > 0 &&
         fate->deliver_at_ns[0] - way->latest_ns > p->delay_ns + p->jitter_ns;
}

static void count(struct fate_total *total, const struct fate *fate) {
  total->dropped[fate->drop] += fate->copies == 0;
  total->passed += fate->copies > 0;
  total->doubled += fate->copies > 1;
  total->corrupted += fate->corrupt;
  total->reordered += fate->reordered;
}

static void pass_time(struct fate_way *way, uint64_t now_ns) {
  if (way->latest_ns < now_ns)
    way->latest_ns = now_ns;
}

struct fate fate_way_packet(struct fate_way *way, FILE *log, uint32_t ip_len,
                            const uint8_t *payload, size_t len, uint64_t now_ns) {
  const struct fate_packet packet = {
      .len = ip_len, .payload_len = (uint32_t)len, .frames = frames_in(way, payload, len)};
  pass_time(way, now_ns);
  const struct fate fate = fate_decide(&way->link, &packet, way->latest_ns);
  count(&way->total, &fate);
  if (fate.copies != 1 || fate.corrupt || fate.reordered || is_delayed(way, &fate))
    journal_packet(log, way->name, &fate, way->latest_ns, payload, len);
  return fate;
}

const char *fate_way_set(struct fate_way *way, FILE *log, const struct fate_params *params,
                         uint64_t at_ns) {
  pass_time(way, at_ns);
  const char *wrong = fate_link_set(&way->link, params, way->latest_ns);
  if (wrong == NULL)
    journal_link(log, way->name, "set", at_ns);
  return wrong;
}

void fate_way_down(struct fate_way *way, FILE *log, uint64_t at_ns) {
  pass_time(way, at_ns);
  fate_link_down(&way->link);
  journal_link(log, way->name, "down", at_ns);
}

void fate_way_up(struct fate_way *way, FILE *log, uint64_t at_ns) {
  pass_time(way, at_ns);
  fate_link_up(&way->link);
  journal_link(log, way->name, "up", at_ns);
}

void fate_way_close(const struct fate_way *way, FILE *log, const struct fate_late *late,
                    uint64_t at_ns) {
  journal_total(log, way->name, way->link.index, &way->total, late, at_ns);
}

void fate_way_free(struct fate_way *way) {
  free(way->name);
  free(way->faults);
  *way = (struct fate_way){0};
}
