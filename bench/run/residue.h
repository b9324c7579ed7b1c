/* What a run leaves behind, looked for from inside the cage after every
 * process was told to end: processes, interfaces, BPF programs and links. The
 * ids of the latter are noted while the relays run (/proc/PID/fdinfo), so that other
 * programs of the machine are never blamed. What only the outside can see
 * (namespaces) is added by residue_outside().
 *
 * Order: residue_note() while the processes run, at least once; residue_look() after
 * topology_take_down(); residue_free(). */
#ifndef FANBENCH_RUN_RESIDUE_H
#define FANBENCH_RUN_RESIDUE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/net/netns.h"
#include "bench/net/topology.h"

struct residue {
  uint32_t *programs, *links; /* ids */
  size_t n_programs, n_links;
};

void residue_note(struct residue *seen, pid_t pid);

/* {"examined":[...],"left":[...]}. The kernel frees BPF objects a moment
 * after their last user: waits for it, at most 2 s. */
json_t *residue_look(const struct residue *seen, const struct topology *net);

/* Adds "namespaces" to what was examined, and to what is left those of the names that a
 * process or mount of this machine still holds. The inode alone would blame whoever makes
 * the next namespace: another run beside this one. */
void residue_outside(json_t *found, const struct netns_name *names, size_t n);

void residue_free(struct residue *seen);

#endif
