/* One executor of the datapath, given what a journal holds: the native code, or the kernel's program
 * by BPF_PROG_TEST_RUN. Both have the same arrays, element for element.
 *
 *   struct executor *e = executor_kernel(&head, &why);
 *   executor->set(...), ->cid_set(...)...; executor->run(e, frame, len, now_ns, &outcome);
 *   executor->close(e);
 *
 * Time comes with the frame in both (the kernel's program takes it from `fb_words`), so nothing
 * that depends on it is left out. One thing is: the number of the CPU in a record, which is 0 here,
 * as the kernel's run is on whatever CPU this process is. */
#ifndef FANBENCH_REPLAY_EXECUTOR_H
#define FANBENCH_REPLAY_EXECUTOR_H

#include "bench/replay/script.h"
#include "relay/fanout/journal.h"

struct outcome_copy {
  struct journal_copy head;
  uint32_t len;
  uint8_t frame[FB_MAX_HEADERS + FB_MAX_PAYLOAD]; /* Ethernet */
};

/* What one run did. Grown as needed, reused from run to run: outcome_free() at the end. */
struct outcome {
  uint32_t reason; /* enum fb_packet_reason */
  struct outcome_copy *copies;
  size_t n_copies, room_copies;
  uint8_t *records; /* each behind its length, a size_t */
  size_t records_len, records_room;
  bool failed; /* it could not be run, or no memory */
};

void outcome_clear(struct outcome *o);
void outcome_free(struct outcome *o);
/* NULL: no memory, and it says so. */
struct outcome_copy *outcome_copy(struct outcome *o, const struct journal_copy *head,
                                  const void *frame, size_t len);
void outcome_record(struct outcome *o, const void *record, size_t len);

struct executor {
  const char *name;
  /* False: the kernel refuses, which no journal should make it do. `array` as the journal has it;
   * whole elements of entries. */
  bool (*set)(struct executor *e, uint32_t array, size_t offset, const void *bytes, size_t len);
  bool (*cid_set)(struct executor *e, const struct fb_cid_key *key,
                  const struct fb_cid_value *value);
  bool (*cid_del)(struct executor *e, const struct fb_cid_key *key);
  bool (*alias_set)(struct executor *e, const struct fb_alias_key *key,
                    const struct fb_alias_value *value);
  bool (*alias_del)(struct executor *e, const struct fb_alias_key *key);
  /* within: what happens while they are stopped; NULL = nothing. Only if the head said that this may
   * be. */
  bool (*take)(struct executor *e, struct fb_take *take, const struct script *within);
  void (*run)(struct executor *e, const uint8_t *frame, size_t len, uint64_t now_ns,
              const struct script *within, struct outcome *outcome);
  /* Bytes of an array as they are now, or NULL if it cannot be read. Streams are fetched: `offset`
   * and `len` say which. Valid until the next call. */
  const uint8_t *(*get)(struct executor *e, uint32_t array, size_t offset, size_t len);
  void (*close)(struct executor *e);
};

/* NULL, with the reason in *why. */
struct executor *executor_native(const struct journal_head *head, const char **why);
struct executor *executor_kernel(const struct journal_head *head, const char **why);

#endif
