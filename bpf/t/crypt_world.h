/* Who runs a step of packet protection: this process, or the kernel. */
#ifndef FANBENCH_BPF_T_CRYPT_WORLD_H
#define FANBENCH_BPF_T_CRYPT_WORLD_H

#include "bpf/t/crypt_io.h"

#include <stdint.h>

struct crypt_world {
  const char *name;
  struct crypt_io *io;
  struct crypt_step *skel; /* NULL: natively */
};

/* Zeroed memory for a step. NULL: not possible here, *why says for what reason. A program
 * that should load and does not fails the test. */
struct crypt_world *crypt_native(void);
struct crypt_world *crypt_kernel(const char **why);
void crypt_free(struct crypt_world *w); /* NULL is fine */

/* Runs a step on w->io; returns what it returned. */
int crypt_run(struct crypt_world *w, enum crypt_step_name step);
/* Runs it `times`; average ns of one (natively: of processor time), the way in and out included (CRYPT_NOTHING: that alone). */
uint64_t crypt_time(struct crypt_world *w, enum crypt_step_name step, uint32_t times);

#endif
