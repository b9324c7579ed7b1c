#include <stdlib.h>

#include "pcap-tools/cli/telling.h"

enum { MORE_TOLD = 3 };

/* What a failing check is told by: the cause in front of what comes of it. */
enum rank { HONEST, RULE, COPY, CONSEQUENCE };

/* Why a finding is a fault, and what to do about it. */
static const struct advice {
  enum rank rank; /* RULE: a packet by itself breaks a rule of QUIC; COPY: of the relay's work */
  const char *check, *why, *next;
} advices[] = {
    {RULE, "pn-unique",
     "a number is never used again in its space (RFC 9000 12.3): the receiver takes the second "
     "packet for a duplicate and throws it away with all that is in it",
     "Who else sends on this connection, and do both take their numbers from one counter?"},
    {RULE, "pn-decodable",
     "a number needs twice the bytes of what is unacknowledged (RFC 9000 17.1), else the receiver "
     "guesses another one and cannot open the packet",
     "Compare the number's length with the largest number acknowledged: `quicpcap acks`."},
    {RULE, "ack-only-sent",
     "to acknowledge what was never sent is a PROTOCOL_VIOLATION (RFC 9000 13.1)",
     "Who made these numbers, and does the receiver count those of another sender?"},
    {RULE, "ack-split", "an ACK has to be told to each of the two paths that sent what it covers",
     "Compare the relay's ledger with the ACK at that line."},
    {RULE, "cid-active",
     "a packet carries an ID that its receiver issued and that is not retired (RFC 9000 5.1)",
     "Search the NEW_CONNECTION_ID and RETIRE_CONNECTION_ID frames: `quicpcap packets --frame`."},
    {RULE, "cid-supply",
     "without a spare ID the peer can neither migrate nor retire one (RFC 9000 5.1.1)",
     "Is a NEW_CONNECTION_ID sent for each that is retired?"},
    {RULE, "path-valid",
     "before a path is validated no more than three times what came from it may go there (RFC "
     "9000 8.1, 9.3): else the sender is an amplifier",
     "Look for PATH_CHALLENGE and PATH_RESPONSE around that packet."},
    {RULE, "frames-legal",
     "a receiver closes the connection for a frame that it cannot read or that may not stand there "
     "(RFC 9000 12.4)",
     "`quicpcap packets` shows that packet's frames up to the bad one."},
    {RULE, "stream-bytes",
     "an offset of a stream has one value for ever, and a stream one end (RFC 9000 2.2, 4.5): the "
     "receiver takes whichever comes first",
     "Who writes the stream? Two writers, or a buffer that was freed before its ACK?"},
    {CONSEQUENCE, "stream-complete",
     "the receiver waits for a stream's rest until FIN or a reset comes (RFC 9000 3.1)",
     "`quicpcap streams` shows how far each stream came."},
    {RULE, "flow-limits",
     "the receiver closes with FLOW_CONTROL_ERROR or STREAM_LIMIT_ERROR (RFC 9000 4.1, 4.6)",
     "Compare with the last limit in front of that packet: `quicpcap packets --frame MAX_DATA`."},
    {RULE, "congestion-bounded",
     "more in flight than the controller may have fills queues and takes other people's share (RFC "
     "9002 7)",
     "Do all of a sender's paths count against one window?"},
    {CONSEQUENCE, "close-clean",
     "an error code in a close means that one side caught the other at a fault",
     "What that connection says above names the packet that was complained about."},
    {RULE, "checksum-valid",
     "a receiver throws a datagram with a wrong checksum away (RFC 768): its content is lost",
     "Captured where it leaves? Then look at the offload settings of that interface first."},
    {RULE, "connect-any-time", "a client that gets no answer cannot know that it is not welcome",
     "What did the server do at that time? Its log, and whether the packet reached it."},
    {RULE, "fresh-start", "a new connection knows nothing of the one before it on that port",
     "What is kept by address and port and not by connection ID?"},
    {RULE, "nonce-unique",
     "two packets under one key and nonce give away their difference, and the key of the tag (RFC "
     "9001 5.3, RFC 5116): the protection is broken",
     "Start with check pn-unique: the nonce is made of the number."},
    {COPY, "copy-explained",
     "what leaves the relay has to come from a packet or from its slow path",
     "Search the frame in the relay's copies and ledger."},
    {CONSEQUENCE, "copy-count", "each subscriber gets each object it is entitled to once",
     "Look for that object in the relay's copies: which decision was made?"},
    {COPY, "copy-exact", "a copy may differ from its original only where it must",
     "`quicpcap diff` of the two captures shows the changed fields."},
    {CONSEQUENCE, "payload-identical", "what a subscriber gets is what was published",
     "`quicpcap objects` shows where the object was whole and where not."},
    {COPY, "isolated", "nobody sees what is another's",
     "Whose connection ID and whose subscription is it?"},
    {COPY, "no-needless-retransmit",
     "what has arrived need not be sent again: it takes the place of new data",
     "Does the relay acknowledge in time? `quicpcap acks` of its upstream connection."},
    {COPY, "no-orphan-forward", "who is gone gets nothing",
     "When was the entry of that connection taken out?"},
    {CONSEQUENCE, "trace-agrees", "the records and the wire tell of the same packets",
     "Believe the capture, and look who wrote the other line."},
    {CONSEQUENCE, "priority-drop", "only what the filter or the policy names may be missing",
     "Compare the object's priority with the filter at that time."},
    {COPY, "join-point", "a subscription begins where its filter and LARGEST_OBJECT say",
     "Look at the SUBSCRIBE_OK and the first object behind it."},
    {COPY, "subscribe-answered", "who asks and gets no answer waits for ever",
     "Did the request reach the other side, and what did that side do next?"},
    {COPY, "delivery-order", "under a backlog the more important goes first",
     "Which queue was served, and by which priority?"},
    {HONEST, "load-honest", "then the rest proves nothing",
     "Run it again on a quieter machine, with fewer runs at a time."},
    {CONSEQUENCE, "latency", "the objects came later than the budget",
     "Where did they wait? Compare the times at the relay's two sides."},
    {CONSEQUENCE, "no-residue", "what is left disturbs the next run", "The message names it."},
};

static const struct advice *advice_of(const char *check) {
  static const struct advice none = {COPY, "", "it breaks a rule", "See `quicpcap verify`."};
  for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
    if (!strcmp(advices[i].check, check))
      return &advices[i];
  return &none;
}

static void where_text(const struct judge_finding *f, char text[QP_PLACE_TEXT]) {
  if (f->frame)
    snprintf(text, QP_PLACE_TEXT, "%s:%llu", f->file, U(f->frame));
  else
    snprintf(text, QP_PLACE_TEXT, "%s", f->file);
}

static void tell_check(struct qp_telling *t, const struct judge_check *c, bool earliest) {
  const struct judge_finding *f = c->findings;
  const struct advice *a = advice_of(c->name);
  char where[QP_PLACE_TEXT], other[QP_PLACE_TEXT], more[MORE_TOLD * QP_PLACE_TEXT + 64] = "";
  size_t len = 0;
  where_text(f, where);
  for (size_t k = 1; k < c->n_findings && k <= MORE_TOLD; k++) {
    where_text(&c->findings[k], other);
    len += (size_t)snprintf(more + len, sizeof more - len, "%s%s", len ? ", " : " Also at ", other);
  }
  if (c->findings_total > MORE_TOLD + 1)
    snprintf(more + len, sizeof more - len, " and %llu more.",
             U(c->findings_total - MORE_TOLD - 1));
  else if (len)
    snprintf(more + len, sizeof more - len, ".");
  qp_tell(t, QP_WRONG_LEVEL, c->name, qp_nowhere,
          "%sCheck %s: %s (%s). %s: expected %s, found %s. Why it is wrong: %s.%s Next: %s",
          earliest ? "Start here. " : "", c->name, f->explain, where, f->field, f->expected,
          f->actual, a->why, more, a->next);
}

/* By rank, then by time; findings without one, such as of the run as a whole, come last. */
static int earlier(const void *a, const void *b) {
  const struct judge_check *x = *(const struct judge_check *const *)a;
  const struct judge_check *y = *(const struct judge_check *const *)b;
  enum rank of_x = advice_of(x->name)->rank, of_y = advice_of(y->name)->rank;
  uint64_t at_x = x->findings[0].time_ns - 1, at_y = y->findings[0].time_ns - 1;
  if (of_x != of_y)
    return of_x < of_y ? -1 : 1;
  return at_x < at_y ? -1 : at_x > at_y;
}

/* Of a bare capture each connection's end is told already. */
static bool is_told(const struct qp_telling *t, const struct judge_check *c) {
  return !qp_cli_is_dir(t->o) && !strcmp(c->name, "close-clean");
}

static void tell_report(struct qp_telling *t, const struct judge_report *r) {
  const struct judge_check **failed = qp_alloc(r->n_checks, sizeof *failed);
  uint64_t passed = 0, items = 0;
  size_t n = 0;
  for (size_t i = 0; i < r->n_checks; i++) {
    const struct judge_check *c = &r->checks[i];
    passed += c->result == JUDGE_PASS;
    items += c->examined;
    if (c->result == JUDGE_FAIL && c->n_findings && !is_told(t, c))
      failed[n++] = c;
  }
  qsort(failed, n, sizeof *failed, earlier);
  for (size_t i = 0; i < n; i++)
    tell_check(t, failed[i], n > 1 && !i);
  qp_tell(t, QP_FINE, "checks", qp_nowhere, "%llu checks passed on %llu items.", U(passed),
          U(items));
  free(failed);
}

void qp_tell_checks(struct qp_telling *t) {
  const struct qp_options *o = t->o;
  struct judge_report *r = NULL;
  char err[1024] = "";
  int got = qp_cli_is_dir(o) ? judge_run_dir(o->files[0], &r, err, sizeof err)
                             : judge_captures(o->files, o->n_files, o->keys, &r, err, sizeof err);
  if (got) {
    qp_tell(t, QP_NOTE, "checks", qp_nowhere, "The checks could not be made: %s.", err);
    return;
  }
  tell_report(t, r);
  judge_report_free(r);
}
