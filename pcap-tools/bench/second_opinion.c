/* Compares what the judge reads in a capture with what tshark reads in it: packet for
 * packet the type, whether it opens, its number, and each of its frames with all its
 * fields, so also stream ranges and ACK ranges.
 *
 *   tshark -r FILE -T json --no-duplicate-keys -J "frame quic" | second_opinion FILE [KEYS]
 *
 * Prints one line: packets, opened, frames, stream ranges, ACK ranges, how often a rule
 * explains a difference, and how many differences none explains. Each difference stands in
 * front of it, with the rule or both readings. Exit 1: a difference without a rule, or
 * nothing was opened; 2: something cannot be read.
 * ci/differential.sh makes the captures.
 *
 * Field names of tshark 4.0. Its JSON holds a packet as an object, coalesced packets as an
 * array of them; the same for frames. */
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap-tools/check/evidence.h"

/* One QUIC packet in one reading. */
struct reading {
  uint64_t frame; /* of the capture, from 1 */
  enum qp_type type;
  bool opened, late_phase; /* late_phase: of an older key than a packet in front of it */
  unsigned conn, side;
  uint16_t suite; /* of TLS; 0: not known */
  uint64_t pn;
  size_t len;  /* bytes of the packet */
  char *texts; /* a line a frame: its type in decimal, then its fields */
  size_t n_frames, n_streams, n_ranges;
};

struct readings {
  struct reading *items;
  size_t n, room;
};

static void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("second_opinion: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  exit(2);
}

static struct reading *add(struct readings *r) {
  qp_grow((void **)&r->items, &r->room, r->n + 1, sizeof *r->items);
  r->items[r->n] = (struct reading){.texts = qp_copy_text("")};
  return &r->items[r->n++];
}

__attribute__((format(printf, 2, 3))) static void say(struct reading *p, const char *format, ...) {
  char *more, *all = NULL;
  va_list args;
  va_start(args, format);
  int got = vasprintf(&more, format, args);
  va_end(args);
  if (got < 0 || asprintf(&all, "%s%s", p->texts, more) < 0)
    die("no memory");
  free(more);
  free(p->texts);
  p->texts = all;
}

/* ---- the judge's reading ------------------------------------------------------------------ */

struct own {
  struct readings list;
  uint32_t generation[64][2]; /* newest key of each connection and side */
  uint64_t strangers;
};

static void own_packet(void *arg, const struct qp_seen *s) {
  struct own *o = arg;
  if (!(s->views & QP_SENT))
    return;
  struct reading *p = add(&o->list);
  p->frame = s->place.frame;
  p->type = s->header->type;
  p->opened = s->opened;
  p->conn = s->conn->index;
  p->side = s->side;
  p->suite = s->conn->hello.suite;
  p->pn = s->pn;
  p->len = s->header->len;
  if (s->opened && p->type == QP_1RTT && p->conn < 64) {
    uint32_t *newest = &o->generation[p->conn][p->side];
    p->late_phase = s->generation < *newest;
    *newest = s->generation > *newest ? s->generation : *newest;
  }
}

static void own_ack(struct reading *p, struct qp_quic_frame *f) {
  struct qp_ack_walk walk = {0};
  uint64_t lo, hi;
  say(p, "%" PRIu64 " ack", f->type);
  while (qp_ack_next(f, &walk, &lo, &hi)) {
    say(p, " %" PRIu64 "-%" PRIu64, lo, hi);
    p->n_ranges++;
  }
}

static void own_fields(struct reading *p, struct qp_quic_frame *f) {
  say(p, "%" PRIu64, f->type);
  switch (f->kind) {
  case QP_F_PADDING:
    say(p, " len %zu", f->len);
    break;
  case QP_F_CRYPTO:
    say(p, " @%" PRIu64 "+%" PRIu64, f->stream.offset, f->stream.len);
    break;
  case QP_F_STREAM:
    say(p, " stream %" PRIu64 " @%" PRIu64 "+%" PRIu64 " fin %d", f->stream.id, f->stream.offset,
        f->stream.len, f->stream.fin);
    p->n_streams++;
    break;
  case QP_F_RESET_STREAM:
    say(p, " %" PRIu64 " %" PRIu64 " %" PRIu64, f->reset.id, f->reset.code, f->reset.final_size);
    break;
  case QP_F_STOP_SENDING:
    say(p, " %" PRIu64 " %" PRIu64, f->reset.id, f->reset.code);
    break;
  case QP_F_MAX_STREAM_DATA:
  case QP_F_STREAM_DATA_BLOCKED:
    say(p, " %" PRIu64 " %" PRIu64, f->limit.id, f->limit.value);
    break;
  case QP_F_MAX_DATA:
  case QP_F_MAX_STREAMS_BIDI:
  case QP_F_MAX_STREAMS_UNI:
  case QP_F_RETIRE_CONNECTION_ID:
    say(p, " %" PRIu64, f->limit.value);
    break;
  case QP_F_NEW_CONNECTION_ID:
    say(p, " %" PRIu64 " %" PRIu64 " %u", f->new_cid.sequence, f->new_cid.retire_prior_to,
        f->new_cid.cid.len);
    break;
  case QP_F_DATAGRAM:
  case QP_F_NEW_TOKEN:
    say(p, " len %" PRIu64, f->bytes.len);
    break;
  case QP_F_CONNECTION_CLOSE:
  case QP_F_CONNECTION_CLOSE_APP:
    say(p, " %" PRIu64, f->close.code);
    break;
  default:
    break;
  }
}

static void own_frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                      const struct qp_effect *effect) {
  struct own *o = arg;
  (void)effect;
  if (!(s->views & QP_SENT))
    return;
  struct reading *p = &o->list.items[o->list.n - 1];
  p->n_frames++;
  if (f->kind == QP_F_ACK)
    own_ack(p, f);
  else
    own_fields(p, f);
  say(p, "\n");
}

static void own_stranger(void *arg, struct qp_place place, const struct qp_udp *udp) {
  struct own *o = arg;
  (void)place, (void)udp;
  o->strangers++;
}

static void read_own(struct own *o, const char *file, const char *keys) {
  struct qp_evidence e;
  char err[512];
  const char *files[] = {file};
  if (qp_evidence_of_files(&e, files, 1, keys, err, sizeof err))
    die("%s", err);
  qp_tracker_watch(
      e.tracker, &(struct qp_watcher){
                     .arg = o, .packet = own_packet, .frame = own_frame, .stranger = own_stranger});
  if (qp_evidence_read(&e, err, sizeof err))
    die("%s", err);
  if (e.damage[0])
    die("%s", e.damage[0]);
  qp_evidence_clear(&e);
}

/* ---- tshark's reading --------------------------------------------------------------------- */

/* Element i of an object that is an array only if there are several; NULL behind the last. */
static const json_t *nth(const json_t *one_or_more, size_t i) {
  if (json_is_array(one_or_more))
    return json_array_get(one_or_more, i);
  return i ? NULL : one_or_more;
}

/* Decimal or 0x text; absent: `otherwise`. */
static uint64_t number(const json_t *text, uint64_t otherwise) {
  return json_is_string(text) ? strtoull(json_string_value(text), NULL, 0) : otherwise;
}

static uint64_t field(const json_t *object, const char *name) {
  return number(json_object_get(object, name), 0);
}

static void their_ack(struct reading *p, uint64_t type, const json_t *f) {
  const json_t *gap, *range;
  uint64_t hi = field(f, "quic.ack.largest_acknowledged");
  uint64_t lo = hi - field(f, "quic.ack.first_ack_range");
  say(p, "%" PRIu64 " ack %" PRIu64 "-%" PRIu64, type, lo, hi);
  p->n_ranges++;
  for (size_t i = 0; (gap = nth(json_object_get(f, "quic.ack.gap"), i)) &&
                     (range = nth(json_object_get(f, "quic.ack.ack_range"), i));
       i++) {
    hi = lo - number(gap, 0) - 2;
    lo = hi - number(range, 0);
    say(p, " %" PRIu64 "-%" PRIu64, lo, hi);
    p->n_ranges++;
  }
}

static void their_stream(struct reading *p, uint64_t type, const json_t *f) {
  const char *data = json_string_value(json_object_get(f, "quic.stream_data"));
  uint64_t bytes = data && *data ? (strlen(data) + 1) / 3 : 0;
  say(p, "%" PRIu64 " stream %" PRIu64 " @%" PRIu64 "+%" PRIu64 " fin %d", type,
      field(f, "quic.stream.stream_id"), field(f, "quic.stream.offset"),
      number(json_object_get(f, "quic.stream.length"), bytes),
      field(json_object_get(f, "quic.frame_type_tree"), "quic.stream.fin") != 0);
  p->n_streams++;
}

/* The fields of a frame in the order of the wire, for types that hold only numbers. */
static const struct {
  uint64_t type;
  const char *fields[3];
} shapes[] = {
    {QP_F_RESET_STREAM,
     {"quic.rsts.stream_id", "quic.rsts.application_error_code", "quic.rsts.final_size"}},
    {QP_F_STOP_SENDING, {"quic.ss.stream_id", "quic.ss.application_error_code"}},
    {QP_F_MAX_DATA, {"quic.md.maximum_data"}},
    {QP_F_MAX_STREAM_DATA, {"quic.msd.stream_id", "quic.msd.maximum_stream_data"}},
    {QP_F_MAX_STREAMS_BIDI, {"quic.ms.max_streams"}},
    {QP_F_MAX_STREAMS_UNI, {"quic.ms.max_streams"}},
    {QP_F_STREAM_DATA_BLOCKED, {"quic.sdb.stream_id", "quic.sb.stream_data_limit"}},
    {QP_F_NEW_CONNECTION_ID,
     {"quic.nci.sequence", "quic.nci.retire_prior_to", "quic.nci.connection_id.length"}},
    {QP_F_RETIRE_CONNECTION_ID, {"quic.rci.sequence"}},
    {QP_F_CONNECTION_CLOSE, {"quic.cc.error_code"}},
    {QP_F_CONNECTION_CLOSE_APP, {"quic.cc.error_code.app"}},
};

static void their_frame(struct reading *p, const json_t *f) {
  uint64_t type = field(f, "quic.frame_type");
  p->n_frames++;
  if (type == QP_F_ACK || type == QP_F_ACK + 1) {
    their_ack(p, type, f);
  } else if (type >= QP_F_STREAM && type < QP_F_MAX_DATA) {
    their_stream(p, type, f);
  } else {
    say(p, "%" PRIu64, type);
    if (type == QP_F_PADDING)
      say(p, " len %" PRIu64, field(f, "quic.padding_length"));
    else if (type == QP_F_CRYPTO)
      say(p, " @%" PRIu64 "+%" PRIu64, field(f, "quic.crypto.offset"),
          field(f, "quic.crypto.length"));
    else if (type == QP_F_NEW_TOKEN)
      say(p, " len %" PRIu64, field(f, "quic.nt.length"));
    else if (type == QP_F_DATAGRAM || type == QP_F_DATAGRAM + 1) {
      const char *data = json_string_value(json_object_get(f, "quic.dg"));
      say(p, " len %" PRIu64,
          number(json_object_get(f, "quic.dg.length"), data && *data ? (strlen(data) + 1) / 3 : 0));
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
      for (size_t k = 0; shapes[i].type == type && k < 3 && shapes[i].fields[k]; k++)
        say(p, " %" PRIu64, field(f, shapes[i].fields[k]));
  }
  say(p, "\n");
}

static enum qp_type their_type(const json_t *quic) {
  static const enum qp_type v1[] = {QP_INITIAL, QP_0RTT, QP_HANDSHAKE, QP_RETRY};
  static const enum qp_type v2[] = {QP_RETRY, QP_INITIAL, QP_0RTT, QP_HANDSHAKE};
  const json_t *type = json_object_get(quic, "quic.long.packet_type");
  const json_t *type_v2 = json_object_get(quic, "quic.long.packet_type_v2");
  if (type)
    return v1[number(type, 0) & 3];
  if (type_v2)
    return v2[number(type_v2, 0) & 3];
  return json_object_get(quic, "quic.version") ? QP_VERSION_NEGOTIATION : QP_1RTT;
}

static void their_packet(struct readings *r, uint64_t frame, const json_t *quic) {
  const json_t *frames = json_object_get(quic, "quic.frame"), *f;
  const json_t *header = json_object_get(quic, "quic.short");
  const json_t *pn = json_object_get(quic, "quic.packet_number");
  struct reading *p = add(r);
  p->frame = frame;
  p->type = their_type(quic);
  p->opened = frames != NULL;
  p->len = field(quic, "quic.packet_length");
  p->pn = number(pn ? pn : json_object_get(header, "quic.packet_number"), 0);
  for (size_t i = 0; (f = nth(frames, i)); i++)
    their_frame(p, f);
}

static void read_theirs(struct readings *r, FILE *in) {
  json_error_t err;
  int c;
  while ((c = fgetc(in)) != EOF) {
    if (strchr(" \t\r\n[],", c))
      continue;
    ungetc(c, in);
    json_t *packet = json_loadf(in, JSON_DISABLE_EOF_CHECK, &err);
    if (!packet)
      die("tshark's JSON, line %d: %s", err.line, err.text);
    const json_t *layers = json_object_get(json_object_get(packet, "_source"), "layers"), *quic;
    uint64_t frame = field(json_object_get(layers, "frame"), "frame.number");
    for (size_t i = 0; (quic = nth(json_object_get(layers, "quic"), i)); i++)
      their_packet(r, frame, quic);
    json_decref(packet);
  }
}

/* ---- one against the other ---------------------------------------------------------------- */

enum { TLS_AES_128_CCM = 0x1304 };
enum { POISONED = 1 }; /* of a direction: tshark lost its keys */

struct comparison {
  struct own own;
  struct readings theirs;
  uint8_t state[64][2]; /* by connection and side */
  uint64_t packets, opened, closed, frames, streams, ranges, unexplained;
  uint64_t explained[8];
};

/* Why the two may differ. theirs NULL: tshark has no such packet; own NULL: the judge has none. */
struct rule {
  const char *name, *reason;
  bool (*is)(struct comparison *c, const struct reading *own, const struct reading *theirs);
};

static bool is_late_phase(struct comparison *c, const struct reading *own,
                          const struct reading *theirs) {
  if (!own || !theirs || own->type != QP_1RTT || !own->opened || theirs->opened || own->conn >= 64)
    return false;
  uint8_t *state = &c->state[own->conn][own->side];
  if (own->late_phase)
    *state |= POISONED;
  return (*state & POISONED) != 0;
}

static bool is_ccm(struct comparison *c, const struct reading *own, const struct reading *theirs) {
  (void)c;
  return own && theirs && own->suite == TLS_AES_128_CCM && own->opened && !theirs->opened &&
         own->type != QP_INITIAL && own->type == theirs->type;
}

/* A number in one to three bytes that comes behind one of the next round of these bytes, such
 * as 252 in one byte behind 255: RFC 9000 A.3 gives 252, tshark 4.0 takes it for 508. */
static bool is_round_above(struct comparison *c, const struct reading *own,
                           const struct reading *theirs) {
  (void)c;
  if (!own || !theirs || own->type != QP_1RTT || theirs->type != QP_1RTT || !own->opened ||
      theirs->opened || theirs->pn <= own->pn)
    return false;
  const uint64_t above = theirs->pn - own->pn;
  return above == 1u << 8 || above == 1u << 16 || above == 1u << 24;
}

static const struct rule rules[] = {
    {"round-above",
     "tshark takes a late number for that of the next round of its bytes (RFC 9000 A.3), and "
     "opens with the wrong nonce",
     is_round_above},
    {"ccm",
     "tshark 4.0 opens no QUIC packet of TLS_AES_128_CCM_SHA256; the tags prove the judge's "
     "reading",
     is_ccm},
    {"late-phase",
     "tshark takes a packet of the old key phase for the next update, and that direction's keys "
     "are lost to it from there on",
     is_late_phase},
};
enum { RULES = sizeof rules / sizeof *rules };

static void show(const char *who, const struct reading *p) {
  if (!p) {
    printf("    %s: no such packet\n", who);
    return;
  }
  printf("    %s: %s, %zu bytes", who, qp_type_name(p->type), p->len);
  if (p->opened)
    printf(", number %" PRIu64, p->pn);
  else
    printf(", not opened");
  putchar('\n');
  for (const char *at = p->texts; *at; at += strcspn(at, "\n") + 1)
    printf("      %.*s\n", (int)strcspn(at, "\n"), at);
}

static bool agree(const struct reading *own, const struct reading *theirs) {
  if (own->type != theirs->type || own->opened != theirs->opened || own->len != theirs->len)
    return false;
  return !own->opened || (own->pn == theirs->pn && !strcmp(own->texts, theirs->texts));
}

static void compare(struct comparison *c, const struct reading *own, const struct reading *theirs) {
  c->packets++;
  if (own && theirs && agree(own, theirs)) {
    c->opened += own->opened;
    c->closed += !own->opened;
    c->frames += own->n_frames;
    c->streams += own->n_streams;
    c->ranges += own->n_ranges;
    return;
  }
  uint64_t frame = own ? own->frame : theirs->frame;
  for (size_t i = 0; i < RULES; i++)
    if (rules[i].is(c, own, theirs)) {
      if (!c->explained[i]++)
        printf("  frame %" PRIu64 ": explained by %s: %s\n", frame, rules[i].name, rules[i].reason);
      return;
    }
  if (c->unexplained++ < 20) {
    printf("  frame %" PRIu64 ": they differ, and no rule explains it\n", frame);
    show("judge", own);
    show("tshark", theirs);
  }
}

/* Both lists are in the order of the capture. */
static void compare_all(struct comparison *c) {
  const struct readings *a = &c->own.list, *b = &c->theirs;
  size_t i = 0, k = 0;
  while (i < a->n || k < b->n) {
    const struct reading *own = i < a->n ? &a->items[i] : NULL;
    const struct reading *theirs = k < b->n ? &b->items[k] : NULL;
    if (own && theirs && own->frame < theirs->frame)
      theirs = NULL;
    else if (own && theirs && theirs->frame < own->frame)
      own = NULL;
    compare(c, own, theirs);
    i += own != NULL;
    k += theirs != NULL;
  }
}

int main(int argc, char **argv) {
  static struct comparison c;
  uint64_t explained = 0;
  if (argc < 2 || argc > 3)
    die("expected FILE [KEYS]; tshark's JSON comes from standard input");
  read_own(&c.own, argv[1], argc > 2 ? argv[2] : NULL);
  read_theirs(&c.theirs, stdin);
  compare_all(&c);
  for (size_t i = 0; i < RULES; i++)
    explained += c.explained[i];
  printf("%" PRIu64 " packets %" PRIu64 " opened %" PRIu64 " frames %" PRIu64
         " stream ranges %" PRIu64 " ACK ranges %" PRIu64 " explained %" PRIu64 " unexplained\n",
         c.packets, c.opened, c.frames, c.streams, c.ranges, explained, c.unexplained);
  for (size_t i = 0; i < c.own.list.n; i++)
    free(c.own.list.items[i].texts);
  for (size_t i = 0; i < c.theirs.n; i++)
    free(c.theirs.items[i].texts);
  free(c.own.list.items);
  free(c.theirs.items);
  return c.unexplained || !c.opened;
}
