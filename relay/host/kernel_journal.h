/* Writes the journal (relay/fanout/journal.h) of the datapath in the kernel, which runs beside user
 * space, on any CPU. What makes an order of that is the word `lock` of bpf/abi/journal.h: runs of the
 * program exclude each other and every single write of user space. So a write stands in the journal
 * between the two runs that it was between, and what a run met is known.
 *
 *   kernel_journal_open(...)     after loading, before the first interface; puts itself between the
 *                                plane and its users
 *   kernel_journal_turn(...)     in each turn of the event loop: empties the ring into the file
 *   kernel_journal_close(...)    before the maps go
 *
 * Writes come by the calls of the plane (struct plane_ops) and by struct plane_writes. A word that
 * runs change is looked at before user space writes it, all of them every 50 ms and at the end: SEEN.
 * A write that was not told shows there, as a difference. One thread, so no feeder's thread. */
#ifndef FANBENCH_RELAY_HOST_KERNEL_JOURNAL_H
#define FANBENCH_RELAY_HOST_KERNEL_JOURNAL_H

#include "bpf/abi/constants.h"
#include "bpf/abi/words.h"
#include "relay/fanout/journal.h"
#include "relay/fanout/plane.h"

/* What it is about; all of it outlives the journal. */
struct kernel_journal_of {
  struct plane *plane;
  const struct fb_constants *constants;
  struct fb_journal *shared; /* in the program's .bss */
  int ring_fd, streams_fd;   /* maps `journal` and `streams` */
};

struct kernel_journal;

/* NULL: no file, or no memory. */
struct kernel_journal *kernel_journal_open(const struct journal_place *place,
                                           const struct kernel_journal_of *of);
void kernel_journal_turn(struct kernel_journal *journal, uint64_t now_ns); /* NULL is fine */
/* What runs later is in no journal. False: something could not be written. NULL is fine. */
bool kernel_journal_close(struct kernel_journal *journal);

#endif
