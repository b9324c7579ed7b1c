/* A change of some bytes of memory that can be taken back: how a scenario at hand
 * (bench/explore/model.h) is tried out smaller without a copy of it.
 *
 *   struct edit e = {0};
 *   edit_put(&e, &plan->duration_ns, &shorter, sizeof shorter);
 *   edit_apply(&e);   look at it   edit_revert(&e);
 *   edit_free(&e)
 *
 * Ownership: an edit owns its bytes, not the memory that it changes. What the changed bytes point
 * to is never freed here: take back every edit before its owner frees that memory. */
#ifndef FANBENCH_SHRINK_EDIT_H
#define FANBENCH_SHRINK_EDIT_H

#include <stddef.h>

struct patch {
  void *at;
  unsigned char *bytes; /* the new ones; those that were there while it is applied */
  size_t len;
};

struct edit {
  struct patch *patches;
  size_t n;
};

/* One more place; several may overlap, the last one counts. */
void edit_put(struct edit *edit, void *at, const void *bytes, size_t len);
/* All of `more`, behind what is there. */
void edit_join(struct edit *edit, const struct edit *more);
void edit_apply(struct edit *edit);
void edit_revert(struct edit *edit);
void edit_free(struct edit *edit);

#endif
