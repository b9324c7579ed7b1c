/* One direction of an impaired link during a run: what happens to each packet, chosen by
 * its index or by what is in it, counted, and told in links.jsonl. The wire process and
 * the simulation both keep their links so: the same packet is hit, and told of alike.
 *
 * A line of its own has every packet that was dropped, doubled, corrupted, reordered or
 * delayed by a fault.
 *
 * Order of calls: fate_way_open(); fate_way_packet() for each packet in order of arrival,
 * with fate_way_set(), _down() and _up() in between; fate_way_close() writes the total;
 * fate_way_free(). `log` is the caller's and the same each time. */
#ifndef FANBENCH_FATE_WAY_H
#define FANBENCH_FATE_WAY_H

#include "bench/fate/fate.h"
#include "bench/fate/journal.h"

/* Of the connection IDs in packets of this direction. */
struct fate_way_ids {
  bool of_relay;  /* their first bit tells their length: 17 bytes if set, else 20 */
  size_t cid_len; /* of IDs that another receiver chose */
};

struct fate_way {
  char *name; /* "relay>sub[0]" */
  struct fate_link link;
  struct fate_fault *faults;
  bool delays; /* one of the faults does */
  struct fate_way_ids ids;
  uint64_t latest_ns; /* of the last packet or change: time does not fall */
  struct fate_total total;
};

/* from, to: names of the plan nodes at the two ends. faults: heap memory of n, the way's
 * from now on, also if this fails. NULL, or a sentence that says what cannot be. */
const char *fate_way_open(struct fate_way *way, uint64_t seed, const char *from, const char *to,
                          const struct fate_params *params, struct fate_fault *faults, size_t n);

/* The next packet: an IP packet of ip_len bytes with this UDP payload. A time before
 * way->latest_ns counts as that; the fate's times count from there. */
struct fate fate_way_packet(struct fate_way *way, FILE *log, uint32_t ip_len,
                            const uint8_t *payload, size_t len, uint64_t now_ns);

/* From the next packet on. at_ns is what the line says. NULL, or what cannot be. */
const char *fate_way_set(struct fate_way *way, FILE *log, const struct fate_params *params,
                         uint64_t at_ns);
void fate_way_down(struct fate_way *way, FILE *log, uint64_t at_ns);
void fate_way_up(struct fate_way *way, FILE *log, uint64_t at_ns);

void fate_way_close(const struct fate_way *way, FILE *log, const struct fate_late *late,
                    uint64_t at_ns);
void fate_way_free(struct fate_way *way);

#endif
