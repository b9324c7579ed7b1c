/* What an endpoint published, received and was told: one JSON object a line,
 * the file NODE-objects.jsonl of the run directory.
 *
 * The journal only formats. Each line goes to `write`, whole and with its
 * newline; it lives until `write` returns. Times are nanoseconds of the clock
 * that drives the endpoint. Zero cost matters here: a subscriber writes one
 * line an object, so numbers are formatted by hand. */
#ifndef FANBENCH_PEER_JOURNAL_H
#define FANBENCH_PEER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/quic/conn.h"

struct journal {
  void *arg;
  void (*write)(void *arg, const char *line, size_t len);
};

/* An object, or (without object, size, hash, priority) a subgroup's stream. */
struct journal_object {
  const char *track;
  uint64_t group, object;
  bool has_subgroup; /* false: a datagram */
  uint64_t subgroup;
  uint64_t size;
  uint64_t hash; /* XXH64 of the payload, seed 0 */
  uint8_t priority;
};

/* Publisher. It was given to QUIC at t, after it had waited so long for a stream that the peer did
 * not allow yet. */
void journal_published(const struct journal *j, uint64_t t, uint64_t waited_ns,
                       const struct journal_object *o);
/* An object that could not be given to QUIC at all. */
void journal_unsent(const struct journal *j, uint64_t t, const struct journal_object *o,
                    const char *reason);

/* Subscriber. */
struct journal_location {
  bool known;
  uint64_t group, object;
};
void journal_subscribed(const struct journal *j, uint64_t t, const char *track, uint64_t alias,
                        struct journal_location largest);
void journal_unsubscribed(const struct journal *j, uint64_t t, const char *track);
void journal_refused(const struct journal *j, uint64_t t, const char *track, uint64_t code,
                     const char *reason);
void journal_delivered(const struct journal *j, uint64_t t, const struct journal_object *o);
/* An END_OF_GROUP or END_OF_TRACK marker in place of an object. */
void journal_status(const struct journal *j, uint64_t t, const struct journal_object *o,
                    uint64_t status);
/* track NULL: the stream was reset before it said whose it is. */
void journal_reset(const struct journal *j, uint64_t t, const struct journal_object *o,
                   uint64_t code);
/* Objects of the stream break the rules; the subscription to their track is withdrawn. */
void journal_malformed(const struct journal *j, uint64_t t, const struct journal_object *o,
                       const char *why);
void journal_stream_done(const struct journal *j, uint64_t t, const struct journal_object *o);
void journal_done(const struct journal *j, uint64_t t, const char *track, uint64_t status,
                  uint64_t streams);
/* Bytes of no known track that found no room, or whose track never came. */
void journal_discarded(const struct journal *j, uint64_t t, uint64_t alias, uint64_t bytes);

/* Both, per connection. */
void journal_connected(const struct journal *j, uint64_t t, const struct qc_cid *odcid,
                       const struct qc_path *path);
void journal_closed(const struct journal *j, uint64_t t, const struct qc_cid *odcid,
                    const struct qc_close_info *info);

#endif
