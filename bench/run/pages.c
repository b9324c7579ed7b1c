#include "bench/run/pages.h"

#include <limits.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Of x86-64 and of arm64 with 4 KiB pages; elsewhere the system rounds for itself. */
#define LARGE_PAGE (UINT64_C(2) << 20)
/* glibc's own default. */
#define MMAPS 65536

/* glibc knows GLIBC_TUNABLES=glibc.malloc.hugetlb=1, but only from the environment of a
 * program's start. So the heap is made to grow by one block that nobody keeps. */
void pages_prepare(size_t bytes) {
  mallopt(M_MMAP_MAX, 0);             /* from the heap, whatever its size */
  mallopt(M_TRIM_THRESHOLD, INT_MAX); /* and not given back */
  char *block = malloc(bytes);
  mallopt(M_MMAP_MAX, MMAPS);
  if (block == NULL)
    return;
  const uintptr_t first = ((uintptr_t)block + LARGE_PAGE - 1) & ~(uintptr_t)(LARGE_PAGE - 1);
  const uintptr_t end = ((uintptr_t)block + bytes) & ~(uintptr_t)(LARGE_PAGE - 1);
  if (first < end)
    madvise((void *)first, end - first, MADV_HUGEPAGE); /* a wish */
  free(block);
}
