/* What a check is: a name, what it looks at while packets pass, what it says at
 * the end. One file each; check/catalogue.c lists them all.
 *
 * A check looks from a vantage: properties of a sender are judged at the
 * interface nearest to it (views & QP_SENT), see track/conn.h. Its excuses come
 * from faults.jsonl only, see check/excuse.h.
 *
 * Order of calls: watch() before the first packet, the watcher's functions while
 * packets pass, finish() when all connections are complete. Afterwards the
 * result follows: a finding = fail, else nothing examined = skip, else pass. */
#ifndef FANBENCH_PCAP_CHECK_CHECK_H
#define FANBENCH_PCAP_CHECK_CHECK_H

#include "pcap-tools/judge.h"
#include "pcap-tools/read/faults.h"
#include "pcap-tools/read/manifest.h"
#include "pcap-tools/read/memory.h"
#include "pcap-tools/read/objects_log.h"
#include "pcap-tools/track/copies.h"
#include "pcap-tools/track/ledger.h"
#include "pcap-tools/track/qlog.h"
#include "pcap-tools/track/tracker.h"

struct qp_fanout;
struct qp_passing;

/* Who is at the ends of the connections, whether it is a rogue, and which event broke one, as far
 * as it was asked: it is asked often. */
struct qp_ends {
  struct qp_ends_of {
    bool asked[2], asked_rogue[2], asked_broken;
    const struct qp_node *node[2];
    bool rogue[2];
    uint64_t broken_at;
  } * items; /* by index of the connection */
  size_t room;
};

/* All evidence of a run. The parts a bare capture lacks are NULL or empty. */
struct qp_evidence {
  char *dir;                    /* NULL: bare captures */
  struct qp_manifest *manifest; /* NULL: bare captures */
  char **files;                 /* captures, relative to the run directory */
  size_t n_files;
  char **damage;     /* one for each file; NULL = whole */
  uint64_t *frames;  /* read from each file */
  char *key_trouble; /* a bad line of a key log, or a secret that opens nothing; or NULL */
  bool late_secrets; /* a file read once holds secrets behind its first packet */
  struct qp_keylog keylog;
  struct qp_copies copies;
  struct qp_ledger ledger;
  struct qp_qlogs qlogs;
  struct qp_faults faults;
  struct qp_names names;
  struct qp_objects_log *logs; /* one for each node of the manifest; file NULL = none */
  struct qp_by_id logged;      /* connection -> the first node whose log has it */
  struct qp_tracker *tracker;
  struct qp_fanout *fanout;   /* complete when all packets have passed */
  struct qp_passing *passing; /* NULL: nothing is judged before the end */
  struct qp_ends *ends;       /* NULL: bare captures */
};

/* One check at work. */
struct qp_judged {
  const struct qp_evidence *evidence;
  struct judge_check *out;
  void *state; /* the check's own, see qp_check.state */
};

struct qp_check {
  struct judge_info info;
  size_t state;   /* bytes of state it wants, zeroed; 0 = none */
  bool needs_run; /* a bare capture does not show it: skipped */
  void (*watch)(struct qp_judged *self, struct qp_watcher *watcher); /* may be NULL; arg = self */
  void (*finish)(struct qp_judged *self);                            /* may be NULL */
  /* Gives back what the state owns; always called, also if reading failed. May be NULL. */
  void (*clear)(struct qp_judged *self);
};

/* Texts of a finding; all are allocated (qp_text) and change hands. */
struct qp_words {
  const char *layer, *field; /* static */
  char *expected, *actual, *explain;
};

/* Its entry in e->ends, made if it is not there; NULL: bare captures. */
struct qp_ends_of *qp_ends_of(const struct qp_evidence *e, const struct qp_conn *conn);

/* Counts a finding. True: there is room for its words, call qp_describe(). */
bool qp_found(struct qp_judged *self);
/* At a place in the captures. */
void qp_describe(struct qp_judged *self, struct qp_place place, struct qp_words words);
/* At a line of an artefact of the run directory; line 0 = the whole file. */
void qp_describe_line(struct qp_judged *self, const char *file, uint64_t line, uint64_t time_ns,
                      struct qp_words words);

/* All checks; those not built have neither watch nor finish. */
const struct qp_check *const *qp_checks(size_t *n);

/* "pub>relay" or "10.0.0.2:20001>10.0.0.1:4433": who sends. */
#define QP_FLOW_TEXT 128
const char *qp_flow(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side,
                    char text[QP_FLOW_TEXT]);
/* The node at that end of the connection, or NULL. A client is known by its own
 * log, whatever port it dialled from; else by its address. */
const struct qp_node *qp_node_at(const struct qp_evidence *e, const struct qp_conn *conn,
                                 unsigned side);
/* Is that end a relay? In bare captures a server counts as one. */
bool qp_is_relay(const struct qp_evidence *e, const struct qp_conn *conn, unsigned side);

#endif
