/* Changes of state in their order, each with the access of a run before which it happens: what others
 * did while the run was stopped there (JOURNAL_STOP). Also used without a run, for what has to be taken
 * back. Owns copies of all bytes. */
#ifndef FANBENCH_REPLAY_SCRIPT_H
#define FANBENCH_REPLAY_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct executor;

struct script_step {
  uint64_t access; /* of the run, from 0; they ascend */
  uint32_t kind;   /* JOURNAL_SET, or one of CID_... and ALIAS_... */
  uint32_t array;  /* of SET */
  size_t offset;   /* of SET, in the array */
  size_t at, len;  /* the bytes, in `bytes`; of a table: key, then value */
};

struct script {
  struct script_step *steps;
  size_t n, room;
  uint8_t *bytes;
  size_t len, bytes_room;
  bool failed; /* no memory: it is not whole */
};

/* step: all but `at`, which is filled in. */
void script_add(struct script *script, const struct script_step *step, const void *bytes);
/* Keeps the first n steps. */
void script_cut(struct script *script, size_t n);
void script_free(struct script *script);

/* Lets one step happen. False: the executor cannot. */
bool script_apply(const struct script *script, size_t step, struct executor *executor);

#endif
