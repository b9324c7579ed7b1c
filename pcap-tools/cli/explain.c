/* quicpcap explain: what happened, in sentences that end with the packet to look
 * at. First the connections, then what the checks find. Connections with nothing to tell
 * are left out where there are many. */
#include <stdlib.h>

#include "pcap-tools/cli/telling.h"
#include "pcap-tools/track/codes.h"

enum { ALL_TOLD = 8 }; /* connections: so many fit a screen */

static void tell_conn(struct qp_telling *t, const struct qp_conn *c, bool always) {
  struct qp_story *y = qp_story_of(&t->stories, c);
  t->conn = c;
  t->titled = false;
  qp_story_finish(y);
  if (t->o->json && t->chosen.all)
    qp_tell_facts(t);
  else if (always && t->chosen.all)
    qp_tell_title(t);
  qp_tell_handshake(t, y);
  qp_tell_missing(t, y);
  qp_tell_course(t, y);
  qp_tell_stall(t, y);
  qp_tell_end(t, y);
  t->conn = NULL;
}

/* ---- the whole ------------------------------------------------------------ */

static bool is_closed_well(const struct qp_conn *c) {
  for (int side = 0; side < 2; side++)
    if (c->close[side].seen && !qp_code_is_no_error(c, &c->close[side]))
      return false;
  return c->close[0].seen || c->close[1].seen;
}

/* The good news of all connections in one sentence. */
static void tell_good(struct qp_telling *t, struct qp_conn *const *conns, size_t n) {
  uint64_t shaken = 0, longest = 0, closed = 0;
  for (size_t i = 0; i < n; i++) {
    const struct qp_conn *c = conns[i];
    uint64_t ns = qp_story_of(&t->stories, c)->handshake_ns;
    shaken += ns != 0;
    longest = ns > longest ? ns : longest;
    closed += is_closed_well(c);
  }
  if (shaken)
    qp_tell(
        t, QP_FINE, "connections", qp_nowhere,
        "%llu of %zu handshakes completed, the slowest in %llu.%03llu ms; %llu connection%s closed "
        "without error.",
        U(shaken), n, U(longest / 1000000), U(longest / 1000 % 1000), U(closed), qp_plural(closed));
}

/* Bare captures that are not open show too little: the checks would guess. What came
 * from standard input is gone. */
static void tell_checks_if_readable(struct qp_telling *t) {
  const struct qp_counts *n = qp_tracker_counts(t->evidence->tracker);
  bool closed = n->opened < n->packets - n->packets / 10, gone = false;
  for (size_t i = 0; i < t->o->n_files; i++)
    gone |= !strcmp(t->o->files[i], "-");
  if (gone)
    qp_tell(
        t, QP_NOTE, "checks", qp_nowhere,
        "The checks are left out: standard input is read once. `quicpcap verify -` makes them.");
  else if (closed && !qp_cli_is_dir(t->o))
    qp_tell(
        t, QP_NOTE, "checks", qp_nowhere,
        "The checks are left out: too many packets could not be opened. `quicpcap verify` makes "
        "them all the same.");
  else
    qp_tell_checks(t);
}

static void tell_capture(struct qp_telling *t) {
  const struct qp_evidence *e = t->evidence;
  const struct qp_counts *n = qp_tracker_counts(e->tracker);
  size_t conns;
  struct qp_conn *const *all = qp_tracker_conns(e->tracker, &conns);
  t->titled = false;
  tell_good(t, all, conns);
  for (size_t i = 0; i < e->n_files; i++)
    if (e->damage[i])
      qp_tell(t, QP_WRONG_LEVEL, "file", qp_nowhere,
              "A capture breaks off: %s. All in front of it is read.", e->damage[i]);
  if (!conns)
    qp_tell(
        t, QP_WRONG_LEVEL, "file", qp_nowhere,
        "No QUIC connection: a connection is known from its first Initial packet (QUIC version 1). "
        "%llu UDP datagrams of %llu frames were seen.",
        U(n->udp), U(n->frames));
  else if (n->strangers)
    qp_tell(
        t, QP_NOTE, "file", qp_nowhere,
        "%llu UDP datagram%s belong to no connection whose start is in the capture; they are left "
        "out.",
        U(n->strangers), qp_plural(n->strangers));
  if (n->fragments)
    qp_tell(t, QP_NOTE, "file", qp_nowhere,
            "%llu IP fragment%s left out; fragments are not put together.", U(n->fragments),
            qp_plural(n->fragments));
}

static void tell_sum(struct qp_telling *t) {
  const struct qp_counts *n = qp_tracker_counts(t->evidence->tracker);
  size_t conns;
  qp_tracker_conns(t->evidence->tracker, &conns);
  t->titled = true; /* a line of its own */
  if (t->o->json)
    return;
  char text[256];
  snprintf(text, sizeof text,
           "%s: %zu connection%s, %llu QUIC packets, %llu of them opened; %llu wrong, %llu to note",
           t->count[QP_WRONG_LEVEL] ? "something went wrong"
           : t->count[QP_NOTE]      ? "nothing wrong"
                                    : "clean",
           conns, qp_plural(conns), U(n->packets), U(n->opened), U(t->count[QP_WRONG_LEVEL]),
           U(t->count[QP_NOTE]));
  qp_prose_title(&t->prose, t->count[QP_WRONG_LEVEL] ? QP_WRONG : QP_RIGHT, text);
}

int qp_cmd_explain(const struct qp_options *o) {
  struct qp_evidence e;
  size_t n;
  int code = qp_cli_open(o, &e);
  if (code)
    return code;
  struct qp_telling t = {.o = o, .evidence = &e};
  qp_stories_watch(&t.stories, e.tracker, &e.keylog);
  qp_cli_keep_little(&e);
  struct qp_watcher watcher = qp_chosen_watch(&t.chosen, &o->select);
  code = qp_cli_read(o, &e, &watcher);
  if (!code) {
    qp_prose_open(&t.prose, o->out);
    qp_rows_open(&t.json, o->out, true, NULL, 0);
    struct qp_conn *const *conns = qp_tracker_conns(e.tracker, &n);
    for (size_t i = 0; i < n; i++)
      if (qp_select_conn(&o->select, conns[i]))
        tell_conn(&t, conns[i], n <= ALL_TOLD);
    tell_capture(&t);
    if (!o->select.given)
      tell_checks_if_readable(&t);
    tell_sum(&t);
    bool damaged = e.key_trouble != NULL;
    if (e.key_trouble)
      fprintf(o->talk, "quicpcap: %s\n", e.key_trouble);
    for (size_t i = 0; i < e.n_files; i++)
      damaged |= e.damage[i] != NULL;
    code = damaged ? 2 : t.count[QP_WRONG_LEVEL] ? 1 : 0;
  }
  qp_chosen_clear(&t.chosen);
  qp_stories_clear(&t.stories);
  qp_evidence_clear(&e);
  return code;
}
