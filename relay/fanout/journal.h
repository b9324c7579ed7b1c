/* Journal of one datapath: everything that reached it, in order, and what it did, so that other
 * executors of the same datapath can be given the same and compared (bench/replay). Here is the
 * file; who writes one: native_journal.h (a simulation, datapath `user`), kernel_journal.h of the host
 * (datapath `kernel`).
 *
 * It holds, for each packet, the words and entries that user space changed since the run before
 * (SET, CID_..., ALIAS_..., TAKE), the frame with its time, records and copies, the reason, and the
 * words that runs changed (SEEN).
 *
 * Order of items: any number of SET, CID_..., ALIAS_..., SEEN; then FRAME, RECORD and COPY...,
 * REASON, SEEN..., DONE, or TAKE, REASON, SEEN..., DONE; in the end WHOLE... and END: without it the file
 * was cut, or its writer killed.
 *
 * A run may be stopped in its middle, in a simulation with interleavings: SEEN... (what it changed
 * until then), STOP, any number of all the above up to DONE, GO. What is in between happened there. The file is for the machine that wrote it: host order, host layouts. */
#ifndef FANBENCH_RELAY_FANOUT_JOURNAL_H
#define FANBENCH_RELAY_FANOUT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/port/native.h"

#define JOURNAL_MAGIC "FBJRN006"

/* A journal is no larger, or little more, unless another size is asked for. */
#define JOURNAL_MOST_BYTES (4ull << 30)

/* Runs that are stopped within each other, and the innermost. */
#define JOURNAL_OPEN_RUNS 3

/* Whose runs they are. */
enum journal_by {
  JOURNAL_BY_SIM,   /* the native code in the kernel's place: frames in, frames out */
  JOURNAL_BY_USER,  /* datapath `user`: payloads from a socket, sealed by the process's own cipher.
                    * Frames are made around them: hardware addresses and flow labels, which a socket
                    * does not tell, are zero; how keystreams came about (ks_...) is its own */
  JOURNAL_BY_KERNEL /* the kernel's program at its interfaces; with records, the others have none */
};

struct journal_head {
  char magic[8];
  uint32_t head_len, policy; /* policy: enum dp_policy */
  uint32_t by;               /* enum journal_by */
  uint32_t stops;            /* 1 = runs may be stopped in their middle */
  struct dp_native_sizes sizes;
  struct fb_defects defects;
};

enum journal_kind {
  JOURNAL_SET = 1, /* user space wrote: bytes at `offset` of `array` */
  JOURNAL_CID_SET, /* key, then value */
  JOURNAL_CID_DEL,
  JOURNAL_ALIAS_SET,
  JOURNAL_ALIAS_DEL,
  JOURNAL_TAKE,   /* struct fb_take, as it was asked: a run, too */
  JOURNAL_FRAME,  /* `offset` = now_ns; `array` = number of the run, from 1; the Ethernet frame */
  JOURNAL_COPY,   /* struct journal_copy, then its Ethernet frame */
  JOURNAL_RECORD, /* struct fb_record or fb_failed */
  JOURNAL_REASON, /* `array` = enum fb_packet_reason, of a TAKE its result */
  JOURNAL_SEEN,   /* runs wrote: as SET */
  JOURNAL_DONE,
  JOURNAL_STOP,  /* the run is stopped before its access number `offset` to a shared word, from 0 */
  JOURNAL_GO,    /* it goes on */
  JOURNAL_UNRUN, /* `offset` = now_ns; a frame that went up unrun: it changed nothing. Anywhere */
  JOURNAL_WHOLE, /* bytes at `offset` of `array`, as they were left: in order, to its end; those left
                  * out are zero */
  JOURNAL_END,   /* struct journal_end */
  JOURNAL_KINDS
};

struct journal_item {
  uint32_t kind, array; /* array: enum journal_array_id */
  uint64_t offset;      /* bytes */
  uint32_t len, pad;    /* bytes that follow; then zeros up to a multiple of 8 */
};

/* Of what follows, with the zeros. */
static inline size_t journal_body_len(const struct journal_item *item) {
  return ((size_t)item->len + 7) & ~(size_t)7;
}

struct journal_copy {
  uint32_t slot, gen, ifindex, error; /* error: of the emit, 0 = it left */
  uint64_t pn;
};

struct journal_end {
  uint64_t runs, copies; /* in the file */
  uint64_t declined;     /* packets that went up unrun, so that the order of the others is known */
  uint64_t lost;         /* entries: not 0, and the journal is of no use */
  uint64_t left_out; /* packets that came when it was full: they stand behind all that is in it */
};

/* ---- arrays -------------------------------------------------------------------------------- */

enum journal_array_id {
  JOURNAL_CONFIG,
  JOURNAL_UPSTREAMS,
  JOURNAL_SUBSCRIBERS,
  JOURNAL_SUBSCRIPTIONS,
  JOURNAL_STREAMS,
  JOURNAL_COPY_INDEX,
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

/* The arrays of an instance, in their order. Of a GHASH table and a keystream only the beginning
 * is looked at: they are random bytes, and change as a whole. */
void journal_arrays(const struct dp_native *dp, struct journal_array arrays[JOURNAL_ARRAYS]);

/* Where two places of an array differ, one element at a time: the words, of an entry all of it. */
typedef void journal_changed(void *arg, uint32_t array, size_t offset, size_t len);
void journal_compare(const struct journal_array *array, uint32_t id, const uint8_t *other,
                     journal_changed *changed, void *arg);
void journal_compare_element(const struct journal_array *array, uint32_t id, const uint8_t *other,
                             size_t element, journal_changed *changed, void *arg);

/* ---- writing ------------------------------------------------------------------------------- */

/* Where one is kept. */
struct journal_place {
  const char *path; /* NULL: none is */
  uint64_t most;    /* bytes; 0: JOURNAL_MOST_BYTES */
};

/* Errors are kept by the stream: journal_file_close() tells. */
struct journal_file {
  FILE *to;
  uint64_t bytes, most;
  bool full; /* nothing but its end is written any more; packets are counted */
  struct journal_end count;
};

/* head: magic and length are filled in here. The file is its owner's alone, mode 0600: keys are in
 * it. False: no file. */
bool journal_file_open(struct journal_file *file, const struct journal_place *place,
                       struct journal_head *head);
/* True once: it is as large as it may be. Whoever asks, with no run open, writes WHOLE of all arrays,
 * then sets `full`. */
bool journal_file_fills(const struct journal_file *file);
void journal_put(struct journal_file *file, const struct journal_item *item, const void *bytes);
/* An item of two pieces (b_len may be 0), and one of none. */
void journal_put_two(struct journal_file *file, enum journal_kind kind, const void *a, size_t a_len,
                     const void *b, size_t b_len);
void journal_put_mark(struct journal_file *file, enum journal_kind kind, uint32_t value);
/* Counted: run number `run` (from 1) begins; it made a copy. */
void journal_put_frame(struct journal_file *file, uint64_t run, const void *frame, size_t len,
                       uint64_t now_ns);
void journal_put_copy(struct journal_file *file, const struct journal_copy *copy, const void *frame,
                      size_t len);
/* All of an array, which lies at `at`; what is zero takes no room. */
void journal_put_whole(struct journal_file *file, uint32_t id, const struct journal_array *array,
                       const uint8_t *at);
/* With END. False: something could not be written. */
bool journal_file_close(struct journal_file *file);

#endif
