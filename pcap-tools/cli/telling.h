/* What `explain` says: sentences with the packet to look at, about one connection or the
 * whole capture.
 *
 * Order of calls: telling opens its connection by setting `conn` and `titled`; then the
 * tell_...() of that connection in their order here; conn NULL for the whole. A
 * connection's title and its facts come in front of its first sentence. */
#ifndef FANBENCH_PCAP_CLI_TELLING_H
#define FANBENCH_PCAP_CLI_TELLING_H

#include "pcap-tools/cli/chosen.h"
#include "pcap-tools/cli/commands.h"
#include "pcap-tools/cli/prose.h"
#include "pcap-tools/cli/rows.h"
#include "pcap-tools/cli/story.h"

enum qp_level {
  QP_FINE, /* good news; of a connection it is told only in JSON */
  QP_NOTE,
  QP_WRONG_LEVEL,
  QP_LEVELS
};

enum { QP_SENTENCE = 1400 };

struct qp_telling {
  const struct qp_options *o;
  struct qp_evidence *evidence;
  struct qp_stories stories;
  struct qp_prose prose;
  struct qp_rows json;
  const struct qp_conn *conn; /* told about now; NULL: the whole capture */
  struct qp_chosen chosen;    /* packets that sentences may point to */
  bool titled;
  uint64_t count[QP_LEVELS];
};

#define U(x) (unsigned long long)(x)

extern const struct qp_place qp_nowhere; /* frame 0: no place */

const char *qp_side_name(unsigned side);
const char *qp_plural(uint64_t n); /* "" or "s" */
/* "relay-pub.pcapng:17", the capture without its folders. */
#define QP_PLACE_TEXT 288
const char *qp_place_text(const struct qp_telling *t, struct qp_place place,
                          char text[QP_PLACE_TEXT]);

/* One sentence or a few, with the place behind it. about: one word for programs. With
 * filters, only what points to a chosen packet and what is wrong with the whole is told. */
__attribute__((format(printf, 5, 6))) void qp_tell(struct qp_telling *t, enum qp_level level,
                                                   const char *about, struct qp_place place,
                                                   const char *format, ...);
/* The title of the connection and its facts, once. */
void qp_tell_title(struct qp_telling *t);

/* tell_facts: version, names, cipher, handshake; packets, losses, round trips. */
void qp_tell_facts(struct qp_telling *t);
/* tell_start: the handshake, and packets that stay closed. */
void qp_tell_handshake(struct qp_telling *t, const struct qp_story *y);
void qp_tell_missing(struct qp_telling *t, const struct qp_story *y);
/* tell_course: paths, losses, resets, MoQT. */
void qp_tell_course(struct qp_telling *t, const struct qp_story *y);
/* tell_stall: who waited for whom. */
void qp_tell_stall(struct qp_telling *t, const struct qp_story *y);
/* tell_end: how the connection ended. */
void qp_tell_end(struct qp_telling *t, const struct qp_story *y);
/* tell_checks: what the checks find, the earliest first. */
void qp_tell_checks(struct qp_telling *t);

#endif
