/* quicpcap explain: what happened, in sentences that end with the packet to look
 * at. First each connection with something to tell, then what the checks find. */
#include <stdarg.h>
#include <stdlib.h>

#include "pcap-tools/track/codes.h"
#include "pcap-tools/cli/commands.h"
#include "pcap-tools/cli/gaps.h"
#include "pcap-tools/cli/prose.h"
#include "pcap-tools/cli/rows.h"
#include "pcap-tools/cli/story.h"

enum level { FINE, NOTE, WRONG, LEVELS };
enum { COLUMN = 9, SENTENCE = 1024, FINDINGS_TOLD = 3 };

struct telling {
  const struct qp_options *o;
  struct qp_evidence *evidence;
  struct qp_stories stories;
  struct qp_prose prose;
  struct qp_rows json;
  const struct qp_conn *conn; /* told about now; NULL: the whole capture */
  bool titled;
  uint64_t count[LEVELS];
};

#define U(x) (unsigned long long)(x)

static const char *const level_names[LEVELS] = {"ok", "note", "WRONG"};

static const char *side_name(unsigned side) {
  return side == QP_CLIENT ? "client" : "server";
}

/* ---- saying -------------------------------------------------------------- */

static void title(struct telling *t) {
  char text[256], a[QP_END_TEXT], z[QP_END_TEXT];
  if (t->titled)
    return;
  t->titled = true;
  if (!t->conn) {
    qp_prose_title(&t->prose, QP_STRONG, "the whole capture");
    return;
  }
  snprintf(text, sizeof text, "connection %u, client %s, server %s%s%s", t->conn->index,
           qp_end_text(&t->conn->tuple.src, a), qp_end_text(&t->conn->tuple.dst, z),
           t->conn->hello.alpn[0] ? ", " : "", t->conn->hello.alpn);
  qp_prose_title(&t->prose, QP_STRONG, text);
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* place.frame 0: no place. About the connection: good news is told only in JSON. */
__attribute__((format(printf, 5, 6))) static void say(struct telling *t, enum level level,
                                                      const char *about, struct qp_place place,
                                                      const char *format, ...) {
  static const enum qp_tone tones[LEVELS] = {QP_RIGHT, QP_PLAIN, QP_WRONG};
  char text[SENTENCE + 256];
  va_list args;
  t->count[level]++;
  va_start(args, format);
  int n = vsnprintf(text, SENTENCE, format, args);
  va_end(args);
  size_t len = n < SENTENCE ? (size_t)n : SENTENCE - 1;
  if (t->o->json) {
    qp_rows_begin(&t->json);
    if (t->conn)
      qp_rows_extra_number(&t->json, "conn", t->conn->index);
    else
      qp_rows_extra_none(&t->json, "conn");
    qp_rows_extra_text(&t->json, "level", level == WRONG ? "wrong" : level_names[level]);
    qp_rows_extra_text(&t->json, "about", about);
    qp_rows_extra_text(&t->json, "text", text);
    if (place.frame) {
      qp_rows_extra_text(&t->json, "file", t->evidence->files[place.file]);
      qp_rows_extra_number(&t->json, "frame", place.frame);
      qp_rows_extra_number(&t->json, "time_ns", place.time_ns);
    }
    qp_rows_end(&t->json);
    return;
  }
  if (level == FINE && t->conn)
    return;
  if (place.frame)
    snprintf(text + len, sizeof text - len, " (%s frame %llu)",
             last_part(t->evidence->files[place.file]), U(place.frame));
  title(t);
  qp_prose_say(&t->prose, COLUMN, tones[level], level_names[level], text);
}

static const struct qp_place nowhere;

static const char *plural(uint64_t n) {
  return n == 1 ? "" : "s";
}

/* ---- one connection ------------------------------------------------------ */

static void tell_handshake(struct telling *t, const struct qp_story *y) {
  const struct qp_conn *c = t->conn;
  if (y->version_negotiation.n)
    say(t, WRONG, "handshake", y->version_negotiation.first,
        "The server does not speak the client's QUIC version and answered with Version "
        "Negotiation; the client has to try again with a version from that list.");
  if (y->other_version.n)
    say(t, NOTE, "handshake", y->other_version.first,
        "%llu packet%s of a QUIC version that quicpcap does not read.", U(y->other_version.n),
        plural(y->other_version.n));
  if (y->retry.n)
    say(t, NOTE, "handshake", y->retry.first,
        "The server sent a Retry: it wanted proof of the client's address first, which costs one "
        "round trip.");
  if (y->handshake_ns)
    say(t, FINE, "handshake", c->first, "The handshake took %llu.%03llu ms.",
        U(y->handshake_ns / 1000000), U(y->handshake_ns / 1000 % 1000));
  else if (!c->packets[QP_SERVER])
    say(t, WRONG, "handshake", c->first,
        "The server never answered: %llu packet%s of the client and none of the server. Is it "
        "running, is the port right, does a firewall drop UDP?",
        U(c->packets[QP_CLIENT]), plural(c->packets[QP_CLIENT]));
  else if (!y->version_negotiation.n)
    say(t, WRONG, "handshake", c->last,
        "The handshake did not complete: the client never sent a 1-RTT packet. The last packet of "
        "the connection shows how far it came.");
}

/* All secrets that are not there in one sentence. */
static void tell_secrets(struct telling *t, const struct qp_story *y) {
  char list[256] = "", random[65] = "";
  uint64_t n = 0;
  size_t len = 0;
  struct qp_place first = nowhere;
  for (unsigned k = 0; k < 2 * QP_TYPE_COUNT; k++) {
    enum qp_type type = (enum qp_type)(k / 2);
    const struct qp_happened *h = &y->missing[QP_MISSING_SECRET][k % 2][type];
    if (!h->n)
      continue;
    if (!n || h->first.time_ns < first.time_ns)
      first = h->first;
    n += h->n;
    len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "",
                            qp_missing_label(type, k % 2));
  }
  for (int i = 0; i < 32; i++)
    snprintf(random + 2 * i, 3, "%02x", t->conn->hello.random[i]);
  if (n)
    say(t, WRONG, "keys", first,
        "%llu of %llu packets could not be opened: no %s for client random %s is known. Let either "
        "end write a key log (SSLKEYLOGFILE) and give it with --keys FILE.",
        U(n), U(t->conn->packets[0] + t->conn->packets[1]), list, random);
}

static void tell_missing(struct telling *t, const struct qp_story *y) {
  static const char *const advice[QP_MISSING_WHYS] = {
      [QP_MISSING_FITTING] = " The packets are damaged, or the key log is of another connection.",
      [QP_MISSING_RANDOM] = " Start the capture before the connection.",
      [QP_MISSING_BYTES] = " Capture without a snap length (tcpdump -s 0)."};
  char why[QP_MISSING_TEXT];
  tell_secrets(t, y);
  for (int w = QP_MISSING_SECRET + 1; w < QP_MISSING_WHYS; w++)
    for (unsigned k = 0; k < 2 * QP_TYPE_COUNT; k++) {
      enum qp_type type = (enum qp_type)(k / 2);
      const struct qp_happened *h = &y->missing[w][k % 2][type];
      if (!h->n)
        continue;
      qp_missing_text((enum qp_missing_why)w, t->conn, type, k % 2, why);
      say(t, WRONG, "keys", h->first, "%llu %s packet%s of the %s could not be opened: %s.%s",
          U(h->n), qp_type_name(type), plural(h->n), side_name(k % 2), why,
          advice[w] ? advice[w] : "");
    }
}

static void tell_path(struct telling *t, const struct qp_story *y) {
  char from[QP_END_TEXT], to[QP_END_TEXT];
  if (y->moved.n) {
    qp_end_text(&y->moved_from.src, from);
    qp_end_text(&y->moved_to.src, to);
    say(t, NOTE, "path", y->moved.first,
        "The client's address changed %llu time%s, first from %s to %s (migration, or a NAT that "
        "chose a new port).",
        U(y->moved.n), plural(y->moved.n), from, to);
  }
  for (unsigned side = 0; side < 2; side++) {
    const struct qp_happened *asked = &y->path_challenge[side];
    if (asked->n && !y->path_response[!side].n)
      say(t, WRONG, "path", asked->first,
          "The %s asked for proof of a path (PATH_CHALLENGE) and the %s never answered: that path "
          "cannot be used.",
          side_name(side), side_name(!side));
    else if (asked->n)
      say(t, NOTE, "path", asked->first,
          "The %s validated a path (%llu PATH_CHALLENGE, %llu PATH_RESPONSE).", side_name(side),
          U(asked->n), U(y->path_response[!side].n));
    if (y->key_update[side].n)
      say(t, FINE, "keys", y->key_update[side].first, "The %s updated its keys %llu time%s.",
          side_name(side), U(y->key_update[side].n), plural(y->key_update[side].n));
  }
  if (y->checksum.n)
    say(t, WRONG, "checksum", y->checksum.first,
        "%llu datagram%s with a wrong checksum: the receiver throws them away.", U(y->checksum.n),
        plural(y->checksum.n));
}

static struct qp_place place_of_number(const struct qp_conn *c, unsigned side, uint64_t pn) {
  const struct qp_numbers *n = &c->numbers[side][QP_SPACE_APP];
  struct qp_place place = {.file = c->first.file};
  for (size_t i = 0; i < c->n_vantages; i++)
    if (c->vantages[i].side == side)
      place.file = c->vantages[i].file;
  const struct qp_sighting *seen = qp_sightings_find(&n->seen, pn);
  if (seen)
    place.frame = seen->frame;
  return place;
}

/* Numbers that the capture does not show although later ones of that side are there. */
static void tell_gaps(struct telling *t, const struct qp_story *y, unsigned side) {
  const struct qp_ranges *sent = &t->conn->numbers[side][QP_SPACE_APP].sent;
  uint64_t first = 0, largest = sent->n ? sent->spans[sent->n - 1].hi : 0;
  uint64_t dropped = qp_gap_count(&y->acked[side], sent, largest, &first);
  if (sent->n < 2 || t->conn->unopened[side])
    return;
  uint64_t gaps = largest + 1 - sent->spans[0].lo - qp_ranges_count(sent);
  if (dropped)
    say(t, NOTE, "capture", nowhere,
        "The capture misses at least %llu packet%s of the %s: they are acknowledged and not here. "
        "The first is packet %llu. Give the capturing program a larger buffer.",
        U(dropped), plural(dropped), side_name(side), U(first));
  else if (y->resent[side].n || y->late[side].n)
    say(t, NOTE, "loss", place_of_number(t->conn, side, sent->spans[1].lo),
        "%llu packet number%s of the %s never appear%s and nobody acknowledges %s: lost before "
        "this capture, or skipped on purpose. The first is %llu, in front of this frame.",
        U(gaps), plural(gaps), side_name(side), gaps == 1 ? "s" : "", gaps == 1 ? "it" : "them",
        U(sent->spans[0].hi + 1));
  else
    say(t, FINE, "numbers", place_of_number(t->conn, side, sent->spans[1].lo),
        "The %s skipped %llu packet number%s; nothing was lost by it.", side_name(side), U(gaps),
        plural(gaps));
}

static void tell_loss(struct telling *t, const struct qp_story *y) {
  for (unsigned side = 0; side < 2; side++) {
    const struct qp_ranges *sent = &t->conn->numbers[side][QP_SPACE_APP].sent;
    const struct qp_ranges *acked = &y->acked[side];
    const struct qp_happened *again = &y->resent[side], *late = &y->late[side];
    uint64_t first = 0, largest = acked->n ? acked->spans[acked->n - 1].hi : 0;
    uint64_t lost = acked->n ? qp_gap_count(sent, acked, largest, &first) : 0;
    if (lost)
      say(t, NOTE, "loss", place_of_number(t->conn, side, first),
          "%llu of %llu 1-RTT packets of the %s were never acknowledged although later ones were: "
          "lost on the way, or their ACK was. The first is packet %llu.",
          U(lost), U(qp_ranges_count(sent)), side_name(side), U(first));
    if (again->n)
      say(t, NOTE, "loss", again->first,
          "The %s sent %llu bytes of stream data again, in %llu frame%s; first on stream %llu from "
          "offset %llu, in packet %llu.",
          side_name(side), U(again->bytes), U(again->n), plural(again->n), U(again->id),
          U(again->code), U(again->pn));
    if (late->n)
      say(t, NOTE, "loss", late->first,
          "%llu STREAM frame%s of the %s came behind data that follows %s: reordered, or sent "
          "again "
          "after a loss in front of this capture. The first is in packet %llu.",
          U(late->n), plural(late->n), side_name(side), late->n == 1 ? "it" : "them", U(late->pn));
    tell_gaps(t, y, side);
  }
}

/* Codes that mean a fault and not a decision. */
static bool is_fault(const struct qp_conn *c, uint64_t code) {
  return c->moqt && (code == 0x0 || code == 0x12);
}

static void reset_code(const struct qp_conn *c, uint64_t number, char text[QP_CODE_TEXT]) {
  if (c->moqt)
    qp_code_stream(number, text);
  else
    snprintf(text, QP_CODE_TEXT, "%#llx", U(number));
}

static void tell_resets(struct telling *t, const struct qp_story *y) {
  char code[QP_CODE_TEXT];
  for (unsigned side = 0; side < 2; side++)
    for (int i = 0; i < QP_STORY_CODES; i++) {
      const struct qp_happened *r = &y->reset[side][i], *s = &y->stop[side][i];
      if (r->n) {
        reset_code(t->conn, r->code, code);
        say(t, is_fault(t->conn, r->code) ? WRONG : NOTE, "reset", r->first,
            "The %s gave up %llu stream%s (RESET_STREAM) with error code %s; first stream %llu, in "
            "packet %llu.",
            side_name(side), U(r->n), plural(r->n), code, U(r->id), U(r->pn));
      }
      if (s->n) {
        reset_code(t->conn, s->code, code);
        say(t, is_fault(t->conn, s->code) ? WRONG : NOTE, "reset", s->first,
            "The %s asked its peer to stop sending on %llu stream%s (STOP_SENDING), error code %s; "
            "first stream %llu, in packet %llu.",
            side_name(side), U(s->n), plural(s->n), code, U(s->id), U(s->pn));
      }
    }
}

static void tell_blocks(struct telling *t, const struct qp_story *y) {
  static const char *const what[QP_BLOCKS] = {"bytes of the connection", "bytes of a stream",
                                              "streams"};
  static const char *const remedy[QP_BLOCKS] = {"initial_max_data", "initial_max_stream_data",
                                                "initial_max_streams"};
  for (unsigned side = 0; side < 2; side++)
    for (int k = 0; k < QP_BLOCKS; k++) {
      const struct qp_happened *b = &y->blocked[side][k], *f = &y->freed[side][k];
      if (!b->n)
        continue;
      if (f->n)
        say(t, NOTE, "flow-control", b->first,
            "The %s had to wait %llu time%s: the limit of %llu %s was used up. The %s raised it to "
            "%llu after %llu us. A larger window (%s) avoids the wait.",
            side_name(side), U(b->n), plural(b->n), U(b->code), what[k], side_name(!side),
            U(f->code), U((f->first.time_ns - b->first.time_ns) / 1000), remedy[k]);
      else
        say(t, WRONG, "flow-control", b->first,
            "The %s is blocked by flow control: the limit of %llu %s is used up and the %s never "
            "raised it in this capture. Does the receiving application read its data?",
            side_name(side), U(b->code), what[k], side_name(!side));
    }
}

static const char *track_name(const struct telling *t, uint32_t track) {
  const struct qp_tracks *tracks = qp_tracker_tracks(t->evidence->tracker);
  return track < tracks->n ? tracks->items[track].name : "";
}

static void tell_requests(struct telling *t) {
  const struct qp_conn *c = t->conn;
  char code[QP_CODE_TEXT];
  uint64_t cut = 0, resets = 0;
  struct qp_place first_cut = nowhere;
  for (size_t i = 0; i < c->n_requests; i++) {
    const struct qp_request *r = &c->requests[i];
    const struct qp_half *h = qp_conn_half(c, r->stream, r->side);
    struct qp_place asked = h ? h->opened : nowhere;
    if (r->error)
      say(t, WRONG, "request", r->answered, "%s %s of the %s was refused: %s.",
          qp_moq_name(r->type), track_name(t, r->track), side_name(r->side),
          qp_code_request(r->code, code));
    else if (!r->ok)
      say(t, NOTE, "request", asked, "%s %s of the %s has no answer in the capture.",
          qp_moq_name(r->type), track_name(t, r->track), side_name(r->side));
  }
  for (unsigned side = 0; side < 2; side++)
    for (size_t i = 0; i < c->n_objects[side]; i++) {
      const struct qp_object *o = &c->objects[side][i];
      if (o->whole)
        continue;
      if (o->half->reset) {
        resets++;
        continue;
      }
      if (!cut++)
        first_cut = o->first;
    }
  if (cut)
    say(t, NOTE, "objects", first_cut,
        "%llu MoQT object%s began and never became whole, without a reset: bytes are lost or the "
        "capture ends too early.",
        U(cut), plural(cut));
  if (resets)
    say(t, NOTE, "objects", nowhere, "%llu MoQT object%s ended early by a reset of the stream.",
        U(resets), plural(resets));
  for (size_t i = 0; i < c->n_halves; i++) {
    const struct qp_half *h = c->halves[i];
    if (c->moqt && h->complaint)
      say(t, WRONG, "moqt", h->opened,
          "Stream %llu of the %s is not legal MoQT at offset %llu: %s.", U(h->id),
          side_name(h->side), U(h->complaint_at), h->complaint);
  }
}

static void tell_close(struct telling *t) {
  const struct qp_conn *c = t->conn;
  char code[QP_CODE_TEXT];
  bool any = false;
  for (unsigned side = 0; side < 2; side++) {
    const struct qp_close *z = &c->close[side];
    if (!z->seen)
      continue;
    any = true;
    qp_code_close(c, z, code);
    if (z->code == 0)
      say(t, FINE, "close", z->at, "The %s closed the connection without error.", side_name(side));
    else
      say(t, WRONG, "close", z->at, "The %s closed the connection with %s error %s%s%s%s.%s",
          side_name(side), z->application ? "application" : "transport", code,
          z->reason[0] ? ", saying \"" : "", z->reason, z->reason[0] ? "\"" : "",
          z->code >= 0x100 && !z->application && z->code < 0x200
              ? " The TLS handshake failed: look at certificates, protocols (ALPN) and ciphers."
              : "");
  }
  if (!any && c->unopened[0] + c->unopened[1] == 0)
    say(t, NOTE, "close", c->last,
        "Nobody closed the connection in this capture: it was idle, abandoned, or the capture ends "
        "before.");
}

static void tell_conn(struct telling *t, const struct qp_conn *c) {
  const struct qp_story *y = qp_story_of(&t->stories, c);
  t->conn = c;
  t->titled = false;
  tell_handshake(t, y);
  tell_missing(t, y);
  tell_path(t, y);
  tell_loss(t, y);
  tell_resets(t, y);
  tell_blocks(t, y);
  tell_requests(t);
  tell_close(t);
  t->conn = NULL;
}

/* ---- the whole ------------------------------------------------------------ */

/* What the checks find. A bare capture is asked only what packets can show. */
static void tell_checks(struct telling *t) {
  const struct qp_options *o = t->o;
  struct judge_report *r = NULL;
  char err[1024] = "";
  uint64_t passed = 0, items = 0;
  int got = qp_cli_is_dir(o) ? judge_run_dir(o->files[0], &r, err, sizeof err)
                             : judge_captures(o->files, o->n_files, o->keys, &r, err, sizeof err);
  if (got) {
    say(t, NOTE, "checks", nowhere, "The checks could not be made: %s.", err);
    return;
  }
  for (size_t i = 0; i < r->n_checks; i++) {
    const struct judge_check *c = &r->checks[i];
    passed += c->result == JUDGE_PASS;
    items += c->examined;
    for (size_t k = 0; c->result == JUDGE_FAIL && k < c->n_findings && k < FINDINGS_TOLD; k++) {
      const struct judge_finding *f = &c->findings[k];
      char frame[32] = "";
      bool lines = strstr(f->file, ".jsonl") != NULL;
      if (f->frame)
        snprintf(frame, sizeof frame, " %s %llu", lines ? "line" : "frame", U(f->frame));
      say(t, WRONG, c->name, nowhere, "Check %s: %s. %s: expected %s, found %s (%s%s).", c->name,
          f->explain, f->field, f->expected, f->actual, f->file, frame);
    }
    if (c->result == JUDGE_FAIL && c->findings_total > FINDINGS_TOLD)
      say(t, WRONG, c->name, nowhere, "Check %s found %llu more; `quicpcap verify` lists them.",
          c->name, U(c->findings_total - FINDINGS_TOLD));
  }
  say(t, FINE, "checks", nowhere, "%llu checks passed on %llu items.", U(passed), U(items));
  judge_report_free(r);
}

/* The good news of all connections in one sentence. */
static void tell_good(struct telling *t, struct qp_conn *const *conns, size_t n) {
  uint64_t shaken = 0, longest = 0, closed = 0;
  for (size_t i = 0; i < n; i++) {
    const struct qp_conn *c = conns[i];
    uint64_t ns = qp_story_of(&t->stories, c)->handshake_ns;
    shaken += ns != 0;
    longest = ns > longest ? ns : longest;
    closed += (c->close[0].seen || c->close[1].seen) && !c->close[0].code && !c->close[1].code;
  }
  if (shaken)
    say(t, FINE, "connections", nowhere,
        "%llu of %zu handshakes completed, the slowest in %llu.%03llu ms; %llu connection%s closed "
        "without error.",
        U(shaken), n, U(longest / 1000000), U(longest / 1000 % 1000), U(closed), plural(closed));
}

/* Bare captures that are not open show too little: the checks would guess. What came
 * from standard input is gone. */
static void tell_checks_if_readable(struct telling *t) {
  const struct qp_counts *n = qp_tracker_counts(t->evidence->tracker);
  bool closed = n->opened < n->packets - n->packets / 10, gone = false;
  for (size_t i = 0; i < t->o->n_files; i++)
    gone |= !strcmp(t->o->files[i], "-");
  if (gone)
    say(t, NOTE, "checks", nowhere,
        "The checks are left out: standard input is read once. `quicpcap verify -` makes them.");
  else if (closed && !qp_cli_is_dir(t->o))
    say(t, NOTE, "checks", nowhere,
        "The checks are left out: too many packets could not be opened. `quicpcap verify` makes "
        "them all the same.");
  else
    tell_checks(t);
}

static void tell_capture(struct telling *t) {
  const struct qp_evidence *e = t->evidence;
  const struct qp_counts *n = qp_tracker_counts(e->tracker);
  size_t conns;
  struct qp_conn *const *all = qp_tracker_conns(e->tracker, &conns);
  t->titled = false;
  tell_good(t, all, conns);
  for (size_t i = 0; i < e->n_files; i++)
    if (e->damage[i])
      say(t, WRONG, "file", nowhere, "A capture breaks off: %s. All in front of it is read.",
          e->damage[i]);
  if (!conns)
    say(t, WRONG, "file", nowhere,
        "No QUIC connection: a connection is known from its first Initial packet (QUIC version 1). "
        "%llu UDP datagrams of %llu frames were seen.",
        U(n->udp), U(n->frames));
  else if (n->strangers)
    say(t, NOTE, "file", nowhere,
        "%llu UDP datagram%s belong to no connection whose start is in the capture; they are left "
        "out.",
        U(n->strangers), plural(n->strangers));
  if (n->fragments)
    say(t, NOTE, "file", nowhere, "%llu IP fragment%s left out; fragments are not put together.",
        U(n->fragments), plural(n->fragments));
}

static void tell_sum(struct telling *t) {
  const struct qp_counts *n = qp_tracker_counts(t->evidence->tracker);
  size_t conns;
  qp_tracker_conns(t->evidence->tracker, &conns);
  t->titled = true; /* a line of its own */
  if (t->o->json)
    return;
  char text[256];
  snprintf(text, sizeof text,
           "%s: %zu connection%s, %llu QUIC packets, %llu of them opened; %llu wrong, %llu to note",
           t->count[WRONG]  ? "something went wrong"
           : t->count[NOTE] ? "nothing wrong"
                            : "clean",
           conns, plural(conns), U(n->packets), U(n->opened), U(t->count[WRONG]),
           U(t->count[NOTE]));
  qp_prose_title(&t->prose, t->count[WRONG] ? QP_WRONG : QP_RIGHT, text);
}

int qp_cmd_explain(const struct qp_options *o) {
  struct qp_evidence e;
  size_t n;
  int code = qp_cli_open(o, &e);
  if (code)
    return code;
  struct telling t = {.o = o, .evidence = &e};
  qp_stories_watch(&t.stories, e.tracker, &e.keylog);
  qp_cli_keep_little(&e);
  code = qp_cli_read(o, &e, &(struct qp_watcher){0});
  if (!code) {
    qp_prose_open(&t.prose, o->out);
    qp_rows_open(&t.json, o->out, true, NULL, 0);
    struct qp_conn *const *conns = qp_tracker_conns(e.tracker, &n);
    for (size_t i = 0; i < n; i++)
      if (qp_select_conn(&o->select, conns[i]))
        tell_conn(&t, conns[i]);
    tell_capture(&t);
    if (!o->select.given)
      tell_checks_if_readable(&t);
    tell_sum(&t);
    bool damaged = e.key_trouble != NULL;
    if (e.key_trouble)
      fprintf(o->talk, "quicpcap: %s\n", e.key_trouble);
    for (size_t i = 0; i < e.n_files; i++)
      damaged |= e.damage[i] != NULL;
    code = damaged ? 2 : t.count[WRONG] ? 1 : 0;
  }
  qp_stories_clear(&t.stories);
  qp_evidence_clear(&e);
  return code;
}
