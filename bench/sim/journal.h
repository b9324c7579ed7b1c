/* Journal of one datapath: everything that reached it, in order, and what it did, so that other
 * executors of the same datapath can be given the same and compared (bench/replay).
 *
 * In a simulation all is one thread: between two runs of the datapath user space writes, in a run
 * the datapath does. So the journal holds, for each packet, the words and entries that changed since
 * the run before (JOURNAL_SET), the frame with its time, each copy, and the words that the run
 * itself changed (JOURNAL_SEEN). Tables and take_stream come by their calls. No writer has to say
 * what it writes: arrays are compared with a copy of them, so nothing is forgotten. Of a GHASH table
 * and a keystream only the beginning is compared: they are random bytes, and change as a whole.
 *
 * Order of items: any number of SET, CID_..., ALIAS_...; then FRAME, COPY..., REASON, SEEN..., DONE,
 * or TAKE, SEEN..., DONE. The file is for the machine that wrote it: host order, host layouts.
 * Not for runs with interleavings: words change within a run of the datapath there. */
#ifndef FANBENCH_SIM_JOURNAL_H
#define FANBENCH_SIM_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/port/native.h"
#include "relay/fanout/plane.h"

#define JOURNAL_MAGIC "FBJRN001"

struct journal_head {
  char magic[8];
  uint32_t head_len, policy; /* policy: enum dp_policy */
  struct dp_native_sizes sizes;
  struct fb_defects defects;
};

enum journal_kind {
  JOURNAL_SET = 1, /* user space wrote: bytes at `offset` of `array` */
  JOURNAL_CID_SET, /* key, then value */
  JOURNAL_CID_DEL,
  JOURNAL_ALIAS_SET,
  JOURNAL_ALIAS_DEL,
  JOURNAL_TAKE,   /* struct fb_take, as it was answered */
  JOURNAL_FRAME,  /* `offset` = now_ns; the Ethernet frame */
  JOURNAL_COPY,   /* struct journal_copy, then its Ethernet frame */
  JOURNAL_REASON, /* `array` = enum fb_packet_reason */
  JOURNAL_SEEN,   /* the run wrote: as SET */
  JOURNAL_DONE,
  JOURNAL_KINDS
};

struct journal_item {
  uint32_t kind, array; /* array: enum journal_array_id */
  uint64_t offset;      /* bytes */
  uint32_t len, pad;    /* bytes that follow */
};

struct journal_copy {
  uint32_t slot, gen, ifindex, error; /* error: of the emit, 0 = it left */
  uint64_t pn;
};

enum journal_array_id {
  JOURNAL_CONFIG,
  JOURNAL_UPSTREAMS,
  JOURNAL_SUBSCRIBERS,
  JOURNAL_SUBSCRIPTIONS,
  JOURNAL_STREAMS,
  JOURNAL_COUNTERS,
  JOURNAL_UPSTREAM_STATE,
  JOURNAL_TRACK_STATE,
  JOURNAL_DOWNS,
  JOURNAL_OBJECTS,
  JOURNAL_KEYS,
  JOURNAL_GHASH,
  JOURNAL_KEYSTREAMS,
  JOURNAL_ARRAYS
};

struct journal_array {
  const char *name;
  uint8_t *at; /* in the instance; NULL: it has none */
  size_t each, n;
  size_t look;  /* bytes of an element that are compared; what follows changes with them */
  bool entry;   /* written whole, under a lock */
  bool by_runs; /* the datapath writes it */
};

/* The arrays of an instance, in their order. */
void journal_arrays(const struct dp_native *dp, struct journal_array arrays[JOURNAL_ARRAYS]);

/* Where two places of an array differ, one element at a time: the words, of an entry all of it. */
typedef void journal_changed(void *arg, uint32_t array, size_t offset, size_t len);
void journal_compare(const struct journal_array *array, uint32_t id, const uint8_t *other,
                     journal_changed *changed, void *arg);

struct journal;

/* Begins a journal of an instance that has its emit hook and a plane; puts itself between them and
 * their users until journal_close(). The instance is as dp_native_new() made it, but for policy and
 * defects. NULL: no file, or no memory. */
struct journal *journal_open(const char *path, struct dp_native *dp, struct plane *plane);

/* dp_native_frame(), kept in the journal if there is one. No super-packets come here. */
enum fb_packet_reason journal_frame(struct journal *journal, struct dp_native *dp,
                                    const uint8_t *frame, size_t len, uint64_t now_ns,
                                    unsigned cpu);

/* False: something could not be written. NULL is fine. */
bool journal_close(struct journal *journal);

#endif
