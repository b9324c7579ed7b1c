/* Large pages for what a process will allocate.
 *
 * A simulation of many endpoints walks over the memory of all of them again and again:
 * with pages of 4 KiB it waits for the page table more than for memory itself. */
#ifndef FANBENCH_RUN_PAGES_H
#define FANBENCH_RUN_PAGES_H

#include <stddef.h>

/* The next so many bytes of the heap, if it was not used much, lie in large pages where
 * the system has them; beyond, and elsewhere, nothing changes. Address space is taken
 * at once, memory when it is used. Once a process, which has one thread. */
void pages_prepare(size_t bytes);

#endif
