/* Datapath `user`: the datapath compiled natively, run on packets from the socket.
 * Copies leave by the caller's socket. The honest baseline of the kernel's: the same
 * decisions, made after the wake-up instead of before it. It seals by wolfSSL. */
#ifndef FANBENCH_RELAY_FANOUT_USER_PLANE_H
#define FANBENCH_RELAY_FANOUT_USER_PLANE_H

#include "bpf/abi/defects.h"
#include "relay/fanout/journal.h"
#include "relay/fanout/native_plane.h"
#include "relay/quic/conn.h"

struct user_plane;

/* Takes one copy, a UDP payload. 0, or -errno: it is lost. */
typedef int user_plane_send(void *arg, const struct qc_path *path, const uint8_t *data, size_t len);

/* NULL: no memory. defects may be NULL; policy: enum dp_policy. */
struct user_plane *user_plane_open(uint32_t max_subscribers, const struct fb_defects *defects,
                                   uint32_t policy, const struct plane_protection *protection,
                                   user_plane_send *send, void *arg);
/* False: its journal (below) could not be written. NULL is fine. */
bool user_plane_close(struct user_plane *plane);

/* Keeps a journal (native_journal.h) there, from before the first packet until
 * user_plane_close(). False: no file, or no memory. */
bool user_plane_keep_journal(struct user_plane *plane, const struct journal_place *place);

/* What there is of it goes to the file: whoever is killed leaves it behind. Without one nothing. */
void user_plane_write_journal(struct user_plane *plane);

struct plane *user_plane_interface(struct user_plane *plane);
const struct native_plane *user_plane_native(const struct user_plane *plane);

/* A packet from the socket, before the relay gets it. */
void user_plane_packet(struct user_plane *plane, const struct qc_path *path, const uint8_t *data,
                       size_t len, uint64_t now_ns);

#endif
