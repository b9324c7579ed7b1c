/* quicpcap summary: each connection on a few lines, then each file. Only sums
 * are kept while packets pass. */
#include <stdarg.h>
#include <stdlib.h>

#include "pcap-tools/track/codes.h"
#include "pcap-tools/cli/commands.h"
#include "pcap-tools/cli/missing.h"
#include "pcap-tools/cli/prose.h"
#include "pcap-tools/cli/rows.h"

/* What the tracker does not keep of a connection. */
struct brief {
  uint32_t version;
  struct qp_cid id[2]; /* chosen by each side */
  uint64_t bytes[2];   /* of QUIC packets */
  uint64_t datagrams[2];
  uint64_t handshake_ns; /* 0: not seen */
  uint64_t missing[QP_MISSING_WHYS][2][QP_TYPE_COUNT];
};

struct summary {
  const struct qp_evidence *evidence;
  struct qp_select select;
  struct brief *briefs;
  size_t briefs_room;
  uint64_t *datagrams; /* of known connections, for each file */
};

static struct brief *brief_of(struct summary *u, const struct qp_conn *c) {
  size_t had = u->briefs_room;
  qp_grow((void **)&u->briefs, &u->briefs_room, (size_t)c->index + 1, sizeof *u->briefs);
  memset(u->briefs + had, 0, (u->briefs_room - had) * sizeof *u->briefs);
  return &u->briefs[c->index];
}

static void datagram(void *arg, struct qp_place place, const struct qp_udp *udp,
                     struct qp_conn *conn, unsigned views) {
  struct summary *u = arg;
  (void)udp, (void)conn, (void)views;
  u->datagrams[place.file]++;
}

static void packet(void *arg, const struct qp_seen *s) {
  struct summary *u = arg;
  struct brief *b = brief_of(u, s->conn);
  qp_select_start(&u->select, s->place.time_ns);
  if (!(s->views & QP_SENT))
    return;
  b->bytes[s->side] += s->header->len;
  if (s->header->version) {
    b->version = s->header->version;
    b->id[s->side] = s->header->scid;
  } else if (s->side == QP_CLIENT && !b->handshake_ns) {
    b->handshake_ns = s->place.time_ns - s->conn->first.time_ns;
  }
  if (qp_missing_is(s))
    b->missing[qp_missing_why(&u->evidence->keylog, s)][s->side][s->header->type]++;
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct summary *u = arg;
  (void)effect;
  if ((s->views & QP_SENT) && f->kind == QP_F_DATAGRAM)
    brief_of(u, s->conn)->datagrams[s->side]++;
}

/* ---- one connection in numbers and texts -------------------------------- */

enum { TEXT = 320, LIST = 32 };

struct digest {
  uint64_t streams[2], stream_bytes[2], resent[2], objects[2];
  uint64_t gaps[2], lost[2]; /* 1-RTT numbers; lost: only if captured at both ends */
  char *subscriptions[LIST];
  size_t n_subscriptions, more_subscriptions;
  char *missing[LIST];
  size_t n_missing;
  char closed[TEXT];
};

static void digest_streams(const struct qp_conn *c, struct digest *d) {
  for (unsigned side = 0; side < 2; side++) {
    const struct qp_gone *gone = &c->gone[side];
    d->streams[side] += gone->opened;
    d->stream_bytes[side] += gone->bytes;
    d->resent[side] += gone->resent;
    d->objects[side] = c->n_objects[side] + gone->objects;
  }
  for (size_t i = 0; i < c->n_halves; i++) {
    const struct qp_half *h = c->halves[i];
    d->streams[h->side] += h->begun && h->side == qp_stream_opener(h->id);
    d->stream_bytes[h->side] += qp_reasm_end(&h->sent);
    d->resent[h->side] += h->resent;
  }
}

static void digest_numbers(const struct qp_conn *c, struct digest *d) {
  for (int side = 0; side < 2; side++) {
    const struct qp_numbers *n = &c->numbers[side][QP_SPACE_APP];
    uint64_t sent = qp_ranges_count(&n->sent), reached = qp_ranges_count(&n->reached);
    if (sent)
      d->gaps[side] = n->sent.spans[n->sent.n - 1].hi + 1 - n->sent.spans[0].lo - sent;
    d->lost[side] = c->split && sent > reached ? sent - reached : 0;
  }
}

static const char *answer_of(const struct qp_request *r, char text[QP_CODE_TEXT + 16]) {
  char code[QP_CODE_TEXT];
  snprintf(text, QP_CODE_TEXT + 16, "%s", r->ok ? "accepted" : "not answered");
  if (r->error)
    snprintf(text, QP_CODE_TEXT + 16, "refused: %s", qp_code_request(r->code, code));
  return text;
}

static void digest_requests(const struct summary *u, const struct qp_conn *c, struct digest *d) {
  const struct qp_tracks *tracks = qp_tracker_tracks(u->evidence->tracker);
  char answer[QP_CODE_TEXT + 16];
  for (size_t i = 0; i < c->n_requests; i++) {
    const struct qp_request *r = &c->requests[i];
    bool track = r->track < tracks->n;
    if (!track)
      continue;
    if (d->n_subscriptions == LIST) {
      d->more_subscriptions++;
      continue;
    }
    d->subscriptions[d->n_subscriptions++] =
        qp_text("%s %s %s (%s)", r->side == QP_CLIENT ? "client" : "server", qp_moq_name(r->type),
                tracks->items[r->track].name, answer_of(r, answer));
  }
}

static void digest_missing(const struct qp_conn *c, const struct brief *b, struct digest *d) {
  char why[QP_MISSING_TEXT];
  for (int w = 0; w < QP_MISSING_WHYS; w++)
    for (unsigned side = 0; side < 2; side++)
      for (int type = 0; type < QP_TYPE_COUNT; type++) {
        uint64_t n = b->missing[w][side][type];
        if (!n || d->n_missing == LIST)
          continue;
        d->missing[d->n_missing++] =
            qp_text("%llu %s packets of the %s: %s", (unsigned long long)n,
                    qp_type_name((enum qp_type)type), side == QP_CLIENT ? "client" : "server",
                    qp_missing_text((enum qp_missing_why)w, c, (enum qp_type)type, side, why));
      }
}

static void digest_close(const struct summary *u, const struct qp_conn *c, struct digest *d) {
  char code[QP_CODE_TEXT];
  const struct qp_close *first = NULL;
  unsigned side = 0;
  for (unsigned i = 0; i < 2; i++)
    if (c->close[i].seen && (!first || c->close[i].at.time_ns < first->at.time_ns))
      first = &c->close[i], side = i;
  if (!first) {
    snprintf(d->closed, sizeof d->closed, "no close in the capture");
    return;
  }
  uint64_t us = (first->at.time_ns - u->select.start_ns) / 1000;
  snprintf(d->closed, sizeof d->closed,
           "by the %s, %s error code %s%s%s%s at %llu.%06llu s (frame %llu)",
           side == QP_CLIENT ? "client" : "server",
           first->application ? "application" : "transport", qp_code_close(c, first, code),
           first->reason[0] ? ", \"" : "", first->reason, first->reason[0] ? "\"" : "",
           (unsigned long long)us / 1000000, (unsigned long long)us % 1000000,
           (unsigned long long)first->at.frame);
}

static void digest_of(const struct summary *u, const struct qp_conn *c, const struct brief *b,
                      struct digest *d) {
  memset(d, 0, sizeof *d);
  digest_streams(c, d);
  digest_numbers(c, d);
  digest_requests(u, c, d);
  digest_missing(c, b, d);
  digest_close(u, c, d);
}

static void digest_clear(struct digest *d) {
  for (size_t i = 0; i < d->n_subscriptions; i++)
    free(d->subscriptions[i]);
  for (size_t i = 0; i < d->n_missing; i++)
    free(d->missing[i]);
}

static const char *protection_name(const struct qp_conn *c) {
  return c->null_protection == 1                                                    ? "none"
         : c->numbers[0][QP_SPACE_APP].sent.n || c->numbers[1][QP_SPACE_APP].sent.n ? "opened"
         : c->unopened[QP_CLIENT] + c->unopened[QP_SERVER] != 0                     ? "not opened"
                                                                                    : "not seen";
}

/* ---- for people ---------------------------------------------------------- */

enum { COLUMN = 14 };

__attribute__((format(printf, 3, 4))) static void say(const struct qp_prose *p, const char *label,
                                                      const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  qp_prose_say(p, COLUMN, QP_PLAIN, label, text);
}

#define U(x) (unsigned long long)(x)

/* What a side allows its peer from the start. */
static void say_params(const struct qp_prose *p, const char *whose, const struct qp_params *q) {
  char idle[48] = "no idle timeout", datagrams[48] = "no datagrams";
  if (!q->seen)
    return;
  if (q->max_idle_ms)
    snprintf(idle, sizeof idle, "idle timeout %llu ms", U(q->max_idle_ms));
  if (q->max_datagram_frame)
    snprintf(datagrams, sizeof datagrams, "datagrams of %llu", U(q->max_datagram_frame));
  say(p, whose,
      "limits: %llu bytes, streams of %llu/%llu/%llu (own, peer's, one-way), %llu both-way and "
      "%llu one-way; %s, %s, %llu IDs%s%s%s",
      U(q->max_data), U(q->max_stream_data_bidi_local), U(q->max_stream_data_bidi_remote),
      U(q->max_stream_data_uni), U(q->max_streams_bidi), U(q->max_streams_uni), datagrams, idle,
      U(q->active_cid_limit), q->disable_migration ? ", no migration" : "",
      q->reset_stream_at ? ", RESET_STREAM_AT" : "", q->min_ack_delay ? ", ACK_FREQUENCY" : "");
}

static void say_front(const struct qp_prose *p, const struct qp_conn *c, const struct brief *b) {
  char a[QP_END_TEXT], z[QP_END_TEXT], cid[3][QP_CID_TEXT], suite[QP_CODE_TEXT], title[160];
  char version[24] = "version 1";
  if (b->version == QP_VERSION_2)
    snprintf(version, sizeof version, "version 2");
  else if (b->version != QP_VERSION_1)
    snprintf(version, sizeof version, "version %#x", b->version);
  snprintf(title, sizeof title, "connection %u  %s > %s  QUIC %s", c->index,
           qp_end_text(&c->tuple.src, a), qp_end_text(&c->tuple.dst, z), version);
  qp_prose_title(p, QP_STRONG, title);
  say(p, "IDs", "first destination %s, client %s, server %s", qp_cid_text(&c->odcid, cid[0]),
      qp_cid_text(&b->id[QP_CLIENT], cid[1]), qp_cid_text(&b->id[QP_SERVER], cid[2]));
  say(p, "TLS", "server name %s, protocol %s, %s, 1-RTT protection: %s",
      c->hello.sni[0] ? c->hello.sni : "-",
      c->hello.alpn_chosen[0] ? c->hello.alpn_chosen
      : c->hello.alpn[0]      ? c->hello.alpn
                              : "-",
      c->hello.suite ? qp_code_suite(c->hello.suite, suite) : "cipher not seen",
      protection_name(c));
  say_params(p, "client's", &c->hello.client);
  say_params(p, "server's", &c->hello.server);
  if (b->handshake_ns)
    say(p, "handshake", "%llu.%03llu ms to the client's first 1-RTT packet",
        U(b->handshake_ns / 1000000), U(b->handshake_ns / 1000 % 1000));
  else
    say(p, "handshake", "not completed in the capture");
}

static void say_traffic(const struct qp_prose *p, const struct qp_conn *c, const struct brief *b,
                        const struct digest *d) {
  say(p, "packets", "client %llu (%llu bytes), server %llu (%llu bytes)", U(c->packets[0]),
      U(b->bytes[0]), U(c->packets[1]), U(b->bytes[1]));
  if (d->gaps[0] || d->gaps[1])
    say(p, "gaps",
        "1-RTT numbers not seen: client %llu, server %llu (skipped, lost before this "
        "capture, or not opened)",
        U(d->gaps[0]), U(d->gaps[1]));
  if (d->lost[0] || d->lost[1])
    say(p, "lost", "sent but not seen at the other end: client %llu, server %llu", U(d->lost[0]),
        U(d->lost[1]));
  say(p, "streams",
      "client opened %llu, server %llu; bytes client %llu, server %llu; sent again "
      "client %llu, server %llu",
      U(d->streams[0]), U(d->streams[1]), U(d->stream_bytes[0]), U(d->stream_bytes[1]),
      U(d->resent[0]), U(d->resent[1]));
  if (b->datagrams[0] || b->datagrams[1])
    say(p, "datagrams", "client %llu (%llu bytes), server %llu (%llu bytes)", U(b->datagrams[0]),
        U(c->datagram_bytes[0]), U(b->datagrams[1]), U(c->datagram_bytes[1]));
}

static void say_conn(const struct qp_prose *p, const struct qp_conn *c, const struct brief *b,
                     const struct digest *d) {
  say_front(p, c, b);
  say_traffic(p, c, b, d);
  if (d->objects[0] || d->objects[1])
    say(p, "objects", "from client %llu, from server %llu", U(d->objects[0]), U(d->objects[1]));
  for (size_t i = 0; i < d->n_subscriptions; i++)
    say(p, i ? "" : "tracks", "%s", d->subscriptions[i]);
  if (d->more_subscriptions)
    say(p, "", "and %zu more", d->more_subscriptions);
  for (size_t i = 0; i < d->n_missing; i++)
    say(p, i ? "" : "not opened", "%s", d->missing[i]);
  say(p, "closed", "%s", d->closed);
}

/* ---- for programs -------------------------------------------------------- */

static void json_sides(struct qp_rows *r, const char *what, const uint64_t n[2]) {
  char key[48];
  for (int side = 0; side < 2; side++) {
    snprintf(key, sizeof key, "%s_%s", side == QP_CLIENT ? "client" : "server", what);
    qp_rows_extra_number(r, key, n[side]);
  }
}

static void json_conn(struct qp_rows *r, const struct qp_conn *c, const struct brief *b,
                      const struct digest *d) {
  char text[QP_CID_TEXT + QP_END_TEXT], suite[QP_CODE_TEXT];
  qp_rows_begin(r);
  qp_rows_extra_number(r, "conn", c->index);
  qp_rows_extra_text(r, "client", qp_end_text(&c->tuple.src, text));
  qp_rows_extra_text(r, "server", qp_end_text(&c->tuple.dst, text));
  qp_rows_extra_number(r, "version", b->version);
  qp_rows_extra_text(r, "odcid", qp_cid_text(&c->odcid, text));
  qp_rows_extra_text(r, "client_id", qp_cid_text(&b->id[QP_CLIENT], text));
  qp_rows_extra_text(r, "server_id", qp_cid_text(&b->id[QP_SERVER], text));
  qp_rows_extra_text(r, "sni", c->hello.sni);
  qp_rows_extra_text(r, "alpn", c->hello.alpn);
  qp_rows_extra_text(r, "cipher", c->hello.suite ? qp_code_suite(c->hello.suite, suite) : "");
  qp_rows_extra_text(r, "protection", protection_name(c));
  if (b->handshake_ns)
    qp_rows_extra_number(r, "handshake_ns", b->handshake_ns);
  else
    qp_rows_extra_none(r, "handshake_ns");
  json_sides(r, "packets", c->packets);
  json_sides(r, "bytes", b->bytes);
  json_sides(r, "not_opened", c->unopened);
  json_sides(r, "gaps", d->gaps);
  json_sides(r, "lost", d->lost);
  json_sides(r, "streams", d->streams);
  json_sides(r, "stream_bytes", d->stream_bytes);
  json_sides(r, "resent_bytes", d->resent);
  json_sides(r, "datagrams", b->datagrams);
  json_sides(r, "datagram_bytes", c->datagram_bytes);
  json_sides(r, "objects", d->objects);
  qp_rows_extra_texts(r, "tracks", (const char *const *)d->subscriptions, d->n_subscriptions);
  qp_rows_extra_texts(r, "missing", (const char *const *)d->missing, d->n_missing);
  qp_rows_extra_text(r, "closed", d->closed);
  qp_rows_extra_number(r, "first_ns", c->first.time_ns);
  qp_rows_extra_number(r, "last_ns", c->last.time_ns);
  qp_rows_end(r);
}

static void each_file(const struct summary *u, struct qp_rows *r, const struct qp_prose *p) {
  const struct qp_evidence *e = u->evidence;
  for (size_t i = 0; i < e->n_files; i++) {
    uint64_t others = e->frames[i] - u->datagrams[i];
    if (!r->json) {
      qp_prose_title(p, QP_STRONG, e->files[i]);
      say(p, "frames", "%llu: %llu of QUIC connections, %llu others%s%s", U(e->frames[i]),
          U(u->datagrams[i]), U(others), e->damage[i] ? "; breaks off: " : "",
          e->damage[i] ? e->damage[i] : "");
      continue;
    }
    qp_rows_begin(r);
    qp_rows_extra_text(r, "file", e->files[i]);
    qp_rows_extra_number(r, "frames", e->frames[i]);
    qp_rows_extra_number(r, "quic", u->datagrams[i]);
    qp_rows_extra_number(r, "others", others);
    qp_rows_extra_bool(r, "damaged", e->damage[i] != NULL);
    qp_rows_end(r);
  }
}

static void print(struct summary *u, const struct qp_options *o) {
  struct qp_rows r;
  struct qp_prose p;
  size_t n;
  qp_rows_open(&r, o->out, true, NULL, 0);
  r.json = o->json;
  qp_prose_open(&p, o->out);
  struct qp_conn *const *conns = qp_tracker_conns(u->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++) {
    struct digest d;
    if (!qp_select_conn(&u->select, conns[i]))
      continue;
    const struct brief *b = brief_of(u, conns[i]);
    digest_of(u, conns[i], b, &d);
    if (o->json)
      json_conn(&r, conns[i], b, &d);
    else
      say_conn(&p, conns[i], b, &d);
    digest_clear(&d);
  }
  each_file(u, &r, &p);
}

int qp_cmd_summary(const struct qp_options *o) {
  struct qp_evidence e;
  int code = qp_cli_open(o, &e);
  if (code)
    return code;
  struct summary u = {.evidence = &e, .select = o->select};
  qp_cli_keep_little(&e);
  u.datagrams = qp_alloc(e.n_files + 1, sizeof *u.datagrams);
  code = qp_cli_read(
      o, &e,
      &(struct qp_watcher){.arg = &u, .datagram = datagram, .packet = packet, .frame = frame});
  if (!code) {
    print(&u, o);
    code = qp_cli_talk(o, &e) ? 2 : 0;
  }
  free(u.datagrams);
  free(u.briefs);
  qp_evidence_clear(&e);
  return code;
}
