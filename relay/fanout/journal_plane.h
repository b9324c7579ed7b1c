/* The part of a journal (journal.h) that user space makes: stands between a plane and its users and
 * writes down each entry, table and word that they change, when they change it.
 *
 *   struct journal_plane jp;                   in the journal of a datapath, which owns the file
 *   journal_arrays(..., jp.arrays);
 *   journal_plane_open(&jp, ...);              puts itself in between
 *   journal_plane_look(&jp, id), _look_at()    what runs changed: SEEN
 *   journal_plane_close(&jp);                  the plane is as it was
 *
 * Entries come by the calls of the plane (struct plane_ops), words and key material by
 * struct plane_writes. `known` is what the journal says of each array that runs write: what differs
 * from it before user space writes there was changed by a run. A write that was not told shows in the
 * replay, as a difference. One thread. */
#ifndef FANBENCH_RELAY_FANOUT_JOURNAL_PLANE_H
#define FANBENCH_RELAY_FANOUT_JOURNAL_PLANE_H

#include "relay/fanout/journal.h"
#include "relay/fanout/plane.h"

/* Each may be NULL. */
struct journal_plane_ops {
  /* Around each call and each write: no run is in flight in between. */
  void (*enter)(void *arg);
  void (*leave)(void *arg);
  /* Around take_stream, which is a run, too; the second before its DONE. */
  void (*take_begins)(void *arg);
  void (*take_ends)(void *arg);
};

struct journal_plane {
  struct journal_array arrays[JOURNAL_ARRAYS]; /* filled in by the owner before open; n = 0: none */
  uint8_t *known[JOURNAL_ARRAYS];              /* NULL: runs do not write it */
  struct journal_file *file;
  struct plane *plane;
  const struct journal_plane_ops *hooks;
  void *arg; /* of the hooks */
  uint32_t tracks;
  const struct plane_ops *inner; /* whose place it has */
  void *inner_ctx;
  struct plane_ops ops;
  struct plane_writes writes;
};

/* tracks: of each subscriber. All of it outlives the journal. False: no memory, nothing to close. */
bool journal_plane_open(struct journal_plane *jp, struct journal_file *file, struct plane *plane,
                        uint32_t tracks, const struct journal_plane_ops *hooks, void *arg);
/* Also of one that was never opened, if it is zero. */
void journal_plane_close(struct journal_plane *jp);

/* The array with the place `at`; JOURNAL_ARRAYS: none. */
uint32_t journal_plane_array(const struct journal_plane *jp, const void *at);

/* SEEN of what runs changed: of a whole array, of one element. Nothing of arrays that they do not. */
void journal_plane_look(struct journal_plane *jp, uint32_t array);
void journal_plane_look_at(struct journal_plane *jp, uint32_t array, size_t element);

#endif
