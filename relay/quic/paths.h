/* How many bytes may go where: the paths on which a server's client was seen (RFC 9000 8.1, 9.3).
 *
 * ngtcp2 keeps the limit of three times what came, but before the shim lengthens the packet
 * number, and it does not count repetitions of CONNECTION_CLOSE. So conn.c counts what is on the
 * wire and hands ngtcp2 so much less room.
 *
 * Order of calls: paths_came() for each datagram before it is read, paths_asked() and
 * paths_answered() for its PATH_CHALLENGE and PATH_RESPONSE frames, which count for nothing while
 * paths_all_proven(); paths_left() before writing; paths_went() for each packet that leaves,
 * paths_challenged() if it has a PATH_CHALLENGE. No memory is taken, nothing fails. Sizes are bytes
 * of UDP payload. */
#ifndef FANBENCH_RELAY_QUIC_PATHS_H
#define FANBENCH_RELAY_QUIC_PATHS_H

#include "relay/quic/conn.h"

/* ngtcp2 remembers four validated paths besides the one in use, its fallback and those that are
 * being asked. */
#define PATHS_MAX 8
/* As many unanswered challenges of a path as ngtcp2 takes an answer for. */
#define PATHS_CHALLENGES    8
#define PATHS_CHALLENGE_LEN 8

struct paths_item {
  struct qc_path path;
  bool proven;
  uint8_t asked; /* PATH_CHALLENGEs from there that nothing was sent after */
  uint8_t n_challenges;
  uint8_t challenges[PATHS_CHALLENGES][PATHS_CHALLENGE_LEN];
  uint64_t in, out, used; /* used: when, counted in calls */
};

struct paths {
  struct paths_item items[PATHS_MAX];
  size_t n;
  uint64_t calls;
};

/* now: the path in use, which is never forgotten for another one. */
void paths_came(struct paths *paths, const struct qc_path *path, const struct qc_path *now,
                size_t len);
void paths_asked(struct paths *paths, const struct qc_path *path);
void paths_answered(struct paths *paths, const uint8_t challenge[PATHS_CHALLENGE_LEN]);
/* The path is validated (RFC 9000 8.1: the handshake does it). */
void paths_prove(struct paths *paths, const struct qc_path *path);
/* There is no limit anywhere: what a packet says of paths need not be read. */
bool paths_all_proven(const struct paths *paths);

/* What the next packet may have, wherever of these it goes: the path in use, and those that wait
 * for a PATH_RESPONSE. SIZE_MAX: no limit. */
size_t paths_left(const struct paths *paths, const struct qc_path *now);
void paths_went(struct paths *paths, const struct qc_path *path, size_t len);
void paths_challenged(struct paths *paths, const struct qc_path *path,
                      const uint8_t challenge[PATHS_CHALLENGE_LEN]);

#endif
