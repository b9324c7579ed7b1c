/* Writes the journal (journal.h) of a native instance: in a simulation, and of datapath `user`.
 *
 * There all is one thread: between two runs of the datapath user space writes, in a run the
 * datapath does. No writer has to say what it writes: arrays are compared with a copy of them, so
 * nothing is forgotten. Tables and take_stream come by their calls.
 * Not for runs with interleavings: words change within a run of the datapath there. */
#ifndef FANBENCH_RELAY_FANOUT_NATIVE_JOURNAL_H
#define FANBENCH_RELAY_FANOUT_NATIVE_JOURNAL_H

#include "relay/fanout/journal.h"
#include "relay/fanout/plane.h"

struct native_journal;

/* Begins a journal of an instance that has its emit hook and a plane; puts itself between them and
 * their users until native_journal_close(). The instance is as dp_native_new() made it, but for
 * policy and defects. NULL: no file, or no memory. */
struct native_journal *native_journal_open(const char *path, struct dp_native *dp,
                                           struct plane *plane, enum journal_by by);

/* dp_native_frame() and dp_native_packet(), kept in the journal if there is one. No super-packets
 * come here. */
enum fb_packet_reason native_journal_frame(struct native_journal *journal, struct dp_native *dp,
                                           const uint8_t *frame, size_t len, uint64_t now_ns,
                                           unsigned cpu);
enum fb_packet_reason native_journal_packet(struct native_journal *journal, struct dp_native *dp,
                                            const struct fb_path *path, const uint8_t *payload,
                                            size_t len, uint64_t now_ns, unsigned cpu);

/* False: something could not be written. NULL is fine. */
bool native_journal_close(struct native_journal *journal);

#endif
