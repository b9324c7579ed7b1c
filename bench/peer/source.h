/* What one track publishes and when: its objects, in order, numbered from 0.
 *
 * A source is a pure table: object n can be asked for without those before it,
 * and the same plan gives the same objects. Three kinds:
 *   - synthetic: one object each `every`, size from `size`, content by
 *     plan_object_fill(); with `subgroup: layer` object o of a group is of layer
 *     o modulo `layers`, and layer k has priority `priority` + k;
 *   - frame trace: time, size, group and priority of each row; with `subgroup:
 *     layer` a row's priority is its layer (one subgroup, one priority); with
 *     `subgroup: group` a group has the priority of its first row;
 *   - a real file cut into objects of `size`, the last one may be shorter.
 *
 * Synthetic objects and rows are due before the plan's duration; a file is
 * published whole. The last group may be cut short: END_OF_GROUP then stands at
 * the object that is really its last. */
#ifndef FANBENCH_PEER_SOURCE_H
#define FANBENCH_PEER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/scenario/plan.h"

struct source_object {
  uint64_t due_ns; /* after the start of publishing */
  uint64_t group, object;
  uint64_t subgroup; /* of no meaning for datagrams */
  uint64_t size;
  uint8_t priority;
  bool group_last;       /* of its group: END_OF_GROUP of a datagram */
  bool subgroup_first;   /* of its subgroup: FIRST_OBJECT */
  bool subgroup_last;    /* of its subgroup: FIN */
  bool subgroup_has_end; /* the group's last object is in this subgroup: END_OF_GROUP */
};

struct source_row; /* of a trace, with what follows from its neighbours */

struct source {
  const struct plan *plan;
  const struct plan_track *track;
  uint64_t count; /* objects in all */
  const uint8_t *file;
  size_t file_len;
  struct source_row *rows;
};

/* file: the bytes of track->file, kept; NULL for the other kinds. Returns 0, or
 * -1 if memory is short. */
int source_init(struct source *source, const struct plan *plan, const struct plan_track *track,
                const uint8_t *file, size_t file_len);
void source_free(struct source *source);

/* n < count. */
void source_get(const struct source *source, uint64_t n, struct source_object *out);

/* The first object from n on that begins a group; count if there is none. */
uint64_t source_group_start(const struct source *source, uint64_t n);
/* The first object that is due at or after that time; count if there is none. */
uint64_t source_due_from(const struct source *source, uint64_t due_ns);

/* The object's payload, object->size bytes. */
void source_fill(const struct source *source, const struct source_object *object, uint8_t *buf);

#endif
