/* A publisher, a relay and one subscriber on a tape, joined on one track, up to
 * the point where objects flow. Upstream alias 1, downstream alias 7. */
#ifndef FANBENCH_PCAP_T_SCENE_H
#define FANBENCH_PCAP_T_SCENE_H

#include "pcap-tools/t/tape.h"

enum { UP_ALIAS = 1, DOWN_ALIAS = 7 };

struct scene {
  struct tape *t;
  struct tape_conn pub, sub;
};

/* params: of the subscriber's SUBSCRIBE; ok: of the relay's SUBSCRIBE_OK. */
struct scene scene_new(const char *track, struct word params, struct word ok);
/* The same on a tape that the test has prepared. */
struct scene scene_on(struct tape *t, const char *track, struct word params, struct word ok);
/* Both links captured at both ends: files 0 and 1 between relay and publisher,
 * 2 and 3 between relay and subscriber; the relay's first. */
struct scene scene_new_wired(const char *track);
void scene_free(struct scene *s);

/* A datagram object from the publisher to the relay, and from the relay to the
 * subscriber. */
void scene_up(struct scene *s, uint64_t group, uint64_t object, const char *text);
void scene_down(struct scene *s, uint64_t group, uint64_t object, const char *text);
/* A whole subgroup (ID 0, priority 1, one object) on that stream, with FIN. */
void scene_up_stream(struct scene *s, uint64_t stream, uint64_t group, const char *text);
void scene_down_stream(struct scene *s, uint64_t stream, uint64_t group, const char *text);
/* Both connections close without error, one second later. */
void scene_close(struct scene *s);

#endif
