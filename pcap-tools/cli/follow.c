/* quicpcap follow: the bytes of one direction of a stream, written as soon as
 * nothing is missing in front of them. */
#include <ctype.h>
#include <stdlib.h>

#include "pcap-tools/cli/commands.h"

struct follow {
  const struct qp_options *o;
  uint64_t conn, stream;
  unsigned side;
  uint64_t pos; /* read up to here */
  struct qp_select select;
  bool chosen; /* the packet in work: what it brings is written */
  struct qp_half *half;
  const struct qp_evidence *evidence;
};

static void hex_line(FILE *to, uint64_t at, const uint8_t *p, size_t len) {
  fprintf(to, "%08llx ", (unsigned long long)at);
  for (size_t i = 0; i < 16; i++) {
    if (i < len)
      fprintf(to, " %02x", p[i]);
    else
      fputs("   ", to);
  }
  fputs("  ", to);
  for (size_t i = 0; i < len; i++)
    fputc(isprint(p[i]) ? p[i] : '.', to);
  fputc('\n', to);
}

static void json_piece(const struct follow *w, struct qp_place place, const uint8_t *p,
                       size_t len) {
  fprintf(w->o->out,
          "{\"conn\":%llu,\"stream\":%llu,\"from\":\"%s\",\"offset\":%llu,\"length\":%zu,"
          "\"frame\":%llu,\"time_ns\":%llu,\"hex\":\"",
          (unsigned long long)w->conn, (unsigned long long)w->stream,
          w->side == QP_CLIENT ? "client" : "server", (unsigned long long)w->pos, len,
          (unsigned long long)place.frame, (unsigned long long)place.time_ns);
  for (size_t i = 0; i < len; i++)
    fprintf(w->o->out, "%02x", p[i]);
  fputs("\"}\n", w->o->out);
}

/* The next bytes. */
static void put(struct follow *w, struct qp_place place, const uint8_t *p, size_t len) {
  if (w->chosen && w->o->json)
    json_piece(w, place, p, len);
  else if (w->chosen && !w->o->hex)
    fwrite(p, 1, len, w->o->out);
  else if (w->chosen)
    for (size_t i = 0; i < len; i += 16)
      hex_line(w->o->out, w->pos + i, p + i, len - i < 16 ? len - i : 16);
  w->pos += len;
}

static void packet(void *arg, const struct qp_seen *s) {
  struct follow *w = arg;
  qp_select_start(&w->select, s->place.time_ns);
}

static void frame(void *arg, const struct qp_seen *s, struct qp_quic_frame *f,
                  const struct qp_effect *effect) {
  struct follow *w = arg;
  w->chosen = qp_select_packet(&w->select, s);
  if (f->kind != QP_F_STREAM || f->stream.id != w->stream || s->conn->index != w->conn ||
      s->side != w->side || !(s->views & QP_SENT))
    return;
  const uint8_t *p;
  size_t n;
  w->half = effect->half;
  /* the frame itself first: a stream that is all there may be forgotten by now */
  uint64_t off = f->stream.offset, end = off + f->stream.len;
  if (off <= w->pos && w->pos < end)
    put(w, s->place, f->stream.data + (w->pos - off), (size_t)(end - w->pos));
  while ((n = qp_reasm_peek(&w->half->sent, w->pos, &p)) > 0)
    put(w, s->place, p, n);
}

/* Other connections with such a stream, when none was chosen. */
static void mention_others(const struct follow *w) {
  size_t n, others = 0;
  struct qp_conn *const *conns = qp_tracker_conns(w->evidence->tracker, &n);
  for (size_t i = 0; i < n; i++)
    others += i != w->conn && qp_conn_half(conns[i], w->stream, w->side) != NULL;
  if (others && !(w->o->select.given & QP_BY_CONN))
    fprintf(w->o->talk,
            "quicpcap: this is connection %llu; %zu more have a stream %llu, choose "
            "with --conn N\n",
            (unsigned long long)w->conn, others, (unsigned long long)w->stream);
}

/* 0 whole, 1 with a hole, 2 no such stream. */
static int conclude(const struct follow *w) {
  struct qp_half *h = w->half;
  mention_others(w);
  if (!h) {
    fprintf(w->o->talk,
            "quicpcap: connection %llu has no bytes of the %s on stream %llu; "
            "`quicpcap streams` lists what there is\n",
            (unsigned long long)w->conn, w->side == QP_CLIENT ? "client" : "server",
            (unsigned long long)w->stream);
    return 2;
  }
  uint64_t end = h->has_final && h->final_size > qp_reasm_end(&h->sent) ? h->final_size
                                                                        : qp_reasm_end(&h->sent);
  if (h->reset)
    fprintf(w->o->talk, "quicpcap: the stream was reset with code %#llx in frame %llu\n",
            (unsigned long long)h->reset_code, (unsigned long long)h->reset_at.frame);
  if (w->pos < end)
    fprintf(w->o->talk,
            "quicpcap: bytes from offset %llu on are missing; the stream reaches to "
            "%llu\n",
            (unsigned long long)w->pos, (unsigned long long)end);
  else if (!h->has_final)
    fprintf(w->o->talk, "quicpcap: the stream is open at the end of the capture\n");
  return w->pos < end ? 1 : 0;
}

int qp_cmd_follow(const struct qp_options *o) {
  const struct qp_select *s = &o->select;
  struct qp_evidence e;
  if (!(s->given & QP_BY_STREAM)) {
    fprintf(o->talk, "quicpcap follow: expected --stream N; `quicpcap streams` lists them\n");
    return 2;
  }
  if (o->hex && o->json) {
    fprintf(o->talk, "quicpcap follow: expected one of --hex and --json\n");
    return 2;
  }
  int code = qp_cli_open(o, &e);
  if (code)
    return code;
  struct follow w = {.o = o,
                     .conn = s->given & QP_BY_CONN ? s->conn : 0,
                     .stream = s->stream,
                     .side = s->given & QP_BY_FROM ? s->from : qp_stream_opener(s->stream),
                     .evidence = &e,
                     .select = *s};
  code = qp_cli_read(o, &e, &(struct qp_watcher){.arg = &w, .packet = packet, .frame = frame});
  if (!code) {
    code = conclude(&w);
    code = qp_cli_talk(o, &e) ? 2 : code;
  }
  qp_evidence_clear(&e);
  return code;
}
