/* Writes the journal (journal.h) of a native instance: in a simulation, and of datapath `user`.
 *
 * There all is one thread: between two runs of the datapath user space writes (journal_plane.h), in a
 * run the datapath does. What a run changed is found where it was: at each access to a shared word
 * the instance calls a hook. Arrays with an element or less for each subscriber, where statistics are,
 * are compared as a whole with a copy of them. At the end all of every array is written, so that nothing
 * is forgotten unseen.
 *
 * In a simulation with interleavings a run is stopped in its middle, and others run or write: whoever
 * lets them says so, native_journal_stop() and _go(). */
#ifndef FANBENCH_RELAY_FANOUT_NATIVE_JOURNAL_H
#define FANBENCH_RELAY_FANOUT_NATIVE_JOURNAL_H

#include "relay/fanout/journal.h"
#include "relay/fanout/plane.h"

struct native_journal;

/* Begins a journal of an instance that has its emit hook and a plane; puts itself between them and
 * their users until native_journal_close(). The instance is as dp_native_new() made it, but for
 * policy, defects and access hook. stops: runs may be stopped. NULL: no file, or no memory. */
struct native_journal *native_journal_open(const struct journal_place *place, struct dp_native *dp,
                                           struct plane *plane, enum journal_by by, bool stops);

/* dp_native_frame() and dp_native_packet(), kept in the journal if there is one. No super-packets
 * come here. */
enum fb_packet_reason native_journal_frame(struct native_journal *journal, struct dp_native *dp,
                                           const uint8_t *frame, size_t len, uint64_t now_ns,
                                           unsigned cpu);
enum fb_packet_reason native_journal_packet(struct native_journal *journal, struct dp_native *dp,
                                            const struct fb_path *path, const uint8_t *payload,
                                            size_t len, uint64_t now_ns, unsigned cpu);

/* From the access hook that the instance had: the run is stopped there, and goes on. NULL is fine. */
void native_journal_stop(struct native_journal *journal);
void native_journal_go(struct native_journal *journal);

/* What there is of it goes to the file. NULL is fine. */
void native_journal_write(struct native_journal *journal);

/* False: something could not be written. NULL is fine. */
bool native_journal_close(struct native_journal *journal);

#endif
