/* What happened on each connection, as `explain` tells it: counts, and the place
 * of the first time. Gathered while packets pass; memory follows the number of
 * connections and of holes in their numbers.
 *
 * Order of calls: qp_stories_watch() before the packets, qp_story_of() behind
 * them, qp_stories_clear(). */
#ifndef FANBENCH_PCAP_CLI_STORY_H
#define FANBENCH_PCAP_CLI_STORY_H

#include "pcap-tools/cli/missing.h"
#include "pcap-tools/cli/select.h"

/* Something that happens again and again. n 0: never. */
struct qp_happened {
  uint64_t n;
  struct qp_place first;
  uint64_t pn;       /* of the packet it was first seen in */
  uint64_t id, code; /* stream, error code or limit of the first time */
  uint64_t bytes;    /* sum */
};

enum { QP_STORY_CODES = 6 };

/* How long a side's packets take to be acknowledged: one packet at a time is watched. */
struct qp_answers {
  bool waiting;
  uint64_t pn, since_ns;
  uint64_t n, sum_ns, best_ns;
};

/* A stretch in which one side sent nothing and the other went on. */
struct qp_mute {
  uint64_t ns, others;         /* how long; packets of the other side in it */
  struct qp_place last, again; /* the packets around it; again.frame 0: none came */
};

enum qp_block { QP_BLOCK_DATA, QP_BLOCK_STREAM, QP_BLOCK_STREAMS, QP_BLOCKS };

struct qp_story {
  uint64_t handshake_ns; /* 0: the client's first 1-RTT packet was not seen */
  uint32_t version;      /* of a long header; 0: none */
  uint64_t types[2][QP_TYPE_COUNT], bytes[2];
  struct qp_place last[2];         /* of each side; frame 0: it sent nothing */
  struct qp_place last_data[2];    /* that held new bytes of a stream */
  struct qp_place before_close[2]; /* last packet of that side in front of the other's close */
  struct qp_answers answers[2];
  struct qp_mute mute[2], now[2]; /* the longest so far; the one that runs */
  uint64_t max_data[2];           /* that a side may send, by MAX_DATA; 0: none came */
  struct qp_happened retry, version_negotiation, other_version;
  struct qp_happened missing[QP_MISSING_WHYS][2][QP_TYPE_COUNT];
  struct qp_happened checksum, path_challenge[2], path_response[2], key_update[2];
  struct qp_happened moved; /* the client's address changed */
  struct qp_tuple path, moved_from, moved_to;
  struct qp_happened resent[2];
  struct qp_happened late[2]; /* stream data seen first behind data that follows it */
  struct qp_happened reset[2][QP_STORY_CODES], stop[2][QP_STORY_CODES]; /* by error code */
  struct qp_happened blocked[2][QP_BLOCKS];
  struct qp_happened freed[2][QP_BLOCKS]; /* the first larger limit afterwards */
  struct qp_ranges acked[2]; /* 1-RTT numbers of that sender, by ACKs that reached it */
  bool phase[2], any_phase[2];
};

struct qp_stories {
  uint64_t end_ns; /* of the last datagram */
  const struct qp_keylog *keylog;
  struct qp_select select;
  struct qp_story *items; /* by connection */
  size_t room, n;
};

/* Ends the stretch that runs: what the last packets show. Call behind the packets. */
void qp_story_finish(struct qp_story *y);
/* The watcher borrows *t. */
void qp_stories_watch(struct qp_stories *t, struct qp_tracker *tracker,
                      const struct qp_keylog *keylog);
struct qp_story *qp_story_of(struct qp_stories *t, const struct qp_conn *c);
void qp_stories_clear(struct qp_stories *t);

#endif
