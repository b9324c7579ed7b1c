/* Memory of a plan. All of it is bounded by limits.h, so running out means a
 * broken machine: these functions say so and abort, and never return NULL. */
#ifndef FANBENCH_SCENARIO_MEMORY_H
#define FANBENCH_SCENARIO_MEMORY_H

#include <stddef.h>

/* Zeroed. n or size may be 0. */
void *plan_new(size_t n, size_t size);
char *plan_copy_text(const char *text);
void *plan_copy_bytes(const void *from, size_t len);

/* Makes room for one more element of `size` bytes in an array of n, which
 * grows by doubling; the new element is zeroed. Returns the (moved) array. */
void *plan_grow(void *array, size_t n, size_t size);

#endif
