#include "relay/fanout/trace_lines.h"

#include <arpa/inet.h>
#include <inttypes.h>

/* ---- pieces of a line -------------------------------------------------------------- */

static const char *hex(const struct qc_cid *cid, char out[41]) {
  static const char digits[] = "0123456789abcdef";
  for (unsigned i = 0; i < cid->len; i++) {
    out[2 * i] = digits[cid->data[i] >> 4];
    out[2 * i + 1] = digits[cid->data[i] & 15];
  }
  out[2 * cid->len] = '\0';
  return out;
}

static const char *print_addr(const struct qc_addr *addr, char *out, size_t room) {
  char ip[INET6_ADDRSTRLEN] = "?";
  if (addr->sa.sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &addr->in6.sin6_addr, ip, sizeof ip);
    snprintf(out, room, "[%s]:%u", ip, ntohs(addr->in6.sin6_port));
  } else {
    inet_ntop(AF_INET, &addr->in.sin_addr, ip, sizeof ip);
    snprintf(out, room, "%s:%u", ip, ntohs(addr->in.sin_port));
  }
  return out;
}

/* ---- copies --------------------------------------------------------------------------- */

static void on_connection(void *arg, uint64_t now_ns, uint32_t slot, uint32_t gen,
                          const struct qc_cid *conn, const struct qc_path *path) {
  struct trace_lines *trace = arg;
  char id[41], remote[64], local[64];
  fprintf(trace->copies,
          "{\"ev\":\"connection\",\"t\":%" PRIu64 ",\"slot\":%u,\"gen\":%u,\"conn\":\"%s\","
          "\"remote\":\"%s\",\"local\":\"%s\"}\n",
          now_ns, slot, gen, hex(conn, id), print_addr(&path->remote, remote, sizeof remote),
          print_addr(&path->local, local, sizeof local));
}

static void on_gone(void *arg, uint64_t now_ns, uint32_t slot, uint32_t gen) {
  struct trace_lines *trace = arg;
  fprintf(trace->copies, "{\"ev\":\"gone\",\"t\":%" PRIu64 ",\"slot\":%u,\"gen\":%u}\n", now_ns,
          slot, gen);
}

static void write_frame(FILE *to, const struct fb_frame *frame, unsigned index, const char *track) {
  fprintf(to,
          ",\"frame\":%u,\"kind\":\"%s\",\"sid\":%" PRIu64 ",\"off\":%" PRIu64
          ",\"len\":%u,\"fin\":%u",
          index, frame->kind == FB_FRAME_STREAM ? "stream" : "datagram", (uint64_t)frame->stream,
          (uint64_t)frame->offset, frame->len, frame->fin);
  if (track)
    fprintf(to, ",\"track\":\"%s\",\"group\":%" PRIu64, track, (uint64_t)frame->group);
  else
    fputs(",\"track\":null,\"group\":null", to);
}

static void write_sub(FILE *to, const struct fb_record *record, const struct fb_record_sub *sub,
                      unsigned f) {
  fprintf(to, ",\"slot\":%u,\"gen\":%u,\"decision\":\"%s\"", sub->slot, sub->gen,
          fb_decision_name(sub->decision[f]));
  if (sub->decision[f] == FB_DEC_SEND)
    fprintf(to, ",\"pn\":%" PRIu64, (uint64_t)sub->pn);
  else
    fputs(",\"pn\":null", to);
  if (sub->down[f])
    fprintf(to, ",\"down_sid\":%" PRIu64, (uint64_t)(sub->down[f] - 1) * 4 + 3);
  else
    fputs(",\"down_sid\":null", to);
  fprintf(to, ",\"cpu\":%u}\n", record->cpu);
}

static void on_copy(void *arg, const struct qc_cid *upstream, const struct fb_record *record,
                    const char *const *track_names) {
  struct trace_lines *trace = arg;
  char id[41];
  hex(upstream, id);
  for (unsigned f = 0; f < record->n_frames; f++) {
    for (unsigned s = 0; s < record->n_subs; s++) {
      fprintf(trace->copies,
              "{\"ev\":\"copy\",\"t\":%" PRIu64 ",\"up\":\"%s\",\"up_pn\":%" PRIu64,
              (uint64_t)record->time_ns, id, (uint64_t)record->pn);
      write_frame(trace->copies, &record->frames[f], f, track_names[f]);
      write_sub(trace->copies, record, &record->subs[s], f);
    }
  }
}

static void on_emit_failed(void *arg, uint64_t now_ns, const struct fb_failed *failed) {
  struct trace_lines *trace = arg;
  fprintf(trace->copies,
          "{\"ev\":\"emit_failed\",\"t\":%" PRIu64 ",\"slot\":%u,\"gen\":%u,\"pn\":%" PRIu64
          ",\"error\":%u}\n",
          now_ns, failed->slot, failed->gen, (uint64_t)failed->pn, failed->error);
}

/* ---- ledger ---------------------------------------------------------------------------- */

static const char *origin_name(enum ledger_origin origin) {
  static const char *const names[] = {"own", "fast", "slow", "probe", "burned"};
  return names[origin];
}

static const char *fate_name(enum ledger_fate fate) {
  static const char *const names[] = {"outstanding", "acked", "lost", "never-sent"};
  return names[fate];
}

static void write_piece(FILE *to, const struct ledger_piece *piece, bool first) {
  if (!first) fputc(',', to);
  uint64_t sid = piece->down * 4 + 3;
  if (piece->kind == LEDGER_DATAGRAM)
    fprintf(to, "{\"kind\":\"datagram\",\"len\":%u}", piece->len);
  else if (piece->kind == LEDGER_RESET)
    fprintf(to, "{\"kind\":\"reset\",\"sid\":%" PRIu64 ",\"final\":%" PRIu64 "}", sid,
            piece->offset);
  else
    fprintf(to,
            "{\"kind\":\"stream\",\"sid\":%" PRIu64 ",\"off\":%" PRIu64
            ",\"len\":%u,\"fin\":%d,\"again\":%d}",
            sid, piece->offset, piece->len, piece->fin, piece->again);
}

static void on_number(void *arg, const struct qc_cid *conn, const struct ledger_number *number) {
  struct trace_lines *trace = arg;
  FILE *to = trace->ledger;
  char id[41];
  fprintf(to, "{\"ev\":\"number\",\"conn\":\"%s\",\"pn\":%" PRIu64 ",\"origin\":\"%s\"",
          hex(conn, id), number->pn, origin_name(number->origin));
  if (number->origin == LEDGER_OWN || number->origin == LEDGER_BURNED)
    fprintf(to, ",\"own\":%" PRIu64, number->own);
  else
    fputs(",\"own\":null", to);
  fprintf(to, ",\"t\":%" PRIu64 ",\"fate\":\"%s\",\"fate_t\":%" PRIu64 ",\"content\":[",
          number->sent_ns, fate_name(number->fate), number->fate_ns);
  for (size_t i = 0; i < number->n_pieces; i++) write_piece(to, &number->pieces[i], i == 0);
  fputs("]}\n", to);
}

static void on_spurious(void *arg, const struct qc_cid *conn, const struct ledger_number *number) {
  struct trace_lines *trace = arg;
  char id[41];
  fprintf(trace->ledger,
          "{\"ev\":\"spurious\",\"conn\":\"%s\",\"pn\":%" PRIu64 ",\"t\":%" PRIu64 "}\n",
          hex(conn, id), number->pn, number->fate_ns);
}

static void write_ranges(FILE *to, const struct shim_range *ranges, size_t n) {
  for (size_t i = 0; i < n; i++)
    fprintf(to, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "", ranges[i].lo, ranges[i].hi);
}

static void on_ack(void *arg, uint64_t now_ns, const struct qc_cid *conn,
                   const struct shim_range *joint, size_t n_joint, const struct shim_range *own,
                   size_t n_own) {
  struct trace_lines *trace = arg;
  char id[41];
  fprintf(trace->ledger, "{\"ev\":\"ack\",\"conn\":\"%s\",\"t\":%" PRIu64 ",\"joint\":[",
          hex(conn, id), now_ns);
  write_ranges(trace->ledger, joint, n_joint);
  fputs("],\"own\":[", trace->ledger);
  write_ranges(trace->ledger, own, n_own);
  fputs("]}\n", trace->ledger);
}

const struct trace_ops trace_lines_ops = {
    .connection = on_connection,
    .gone = on_gone,
    .copy = on_copy,
    .emit_failed = on_emit_failed,
    .number = on_number,
    .spurious = on_spurious,
    .ack = on_ack,
};
