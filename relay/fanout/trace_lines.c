#include "relay/fanout/trace_lines.h"

#include <arpa/inet.h>
#include <inttypes.h>

#include "relay/fanout/line.h"
#include "relay/fanout/trace_qlog.h"

/* ---- pieces of a line -------------------------------------------------------------- */

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
          "{\"ev\":\"connection\",\"t\":%" PRIu64
          ",\"slot\":%u,\"gen\":%u,\"conn\":\"%s\","
          "\"remote\":\"%s\",\"local\":\"%s\"}\n",
          now_ns, slot, gen, line_hex(conn, id), print_addr(&path->remote, remote, sizeof remote),
          print_addr(&path->local, local, sizeof local));
}

static void on_gone(void *arg, uint64_t now_ns, uint32_t slot, uint32_t gen) {
  struct trace_lines *trace = arg;
  fprintf(trace->copies, "{\"ev\":\"gone\",\"t\":%" PRIu64 ",\"slot\":%u,\"gen\":%u}\n", now_ns,
          slot, gen);
}

static void write_frame(struct line *line, const struct fb_frame *frame, unsigned index,
                        const char *track) {
  line_pair(line, ",\"frame\":", index);
  line_put(line,
           frame->kind == FB_FRAME_STREAM ? ",\"kind\":\"stream\"" : ",\"kind\":\"datagram\"");
  line_pair(line, ",\"sid\":", frame->stream);
  line_pair(line, ",\"off\":", frame->offset);
  line_pair(line, ",\"len\":", frame->len);
  line_pair(line, ",\"fin\":", frame->fin);
  if (!track) {
    line_put(line, ",\"track\":null,\"group\":null");
    return;
  }
  line_put(line, ",\"track\":\"");
  line_put(line, track);
  line_pair(line, "\",\"group\":", frame->group);
}

static void write_sub(struct line *line, const struct fb_record *record,
                      const struct fb_record_sub *sub, unsigned f) {
  line_pair(line, ",\"slot\":", sub->slot);
  line_pair(line, ",\"gen\":", sub->gen);
  line_put(line, ",\"decision\":\"");
  line_put(line, fb_decision_name(sub->decision[f]));
  if (sub->decision[f] == FB_DEC_SEND)
    line_pair(line, "\",\"pn\":", sub->pn);
  else
    line_put(line, "\",\"pn\":null");
  if (sub->down[f])
    line_pair(line, ",\"down_sid\":", (uint64_t)(sub->down[f] - 1) * 4 + 3);
  else
    line_put(line, ",\"down_sid\":null");
  line_pair(line, ",\"cpu\":", record->cpu);
  line_put(line, "}\n");
}

/* The lines of a frame's copies begin alike: that part is made once. */
static void on_copy(void *arg, const struct qc_cid *upstream, const struct fb_record *record,
                    const char *const *track_names) {
  struct trace_lines *trace = arg;
  char id[41];
  line_hex(upstream, id);
  for (unsigned f = 0; f < record->n_frames; f++) {
    struct line line;
    line_begin(&line, trace->copies);
    line_pair(&line, "{\"ev\":\"copy\",\"t\":", record->time_ns);
    line_put(&line, ",\"up\":\"");
    line_put(&line, id);
    line_pair(&line, "\",\"up_pn\":", record->pn);
    write_frame(&line, &record->frames[f], f, track_names[f]);
    const size_t alike = line.len;
    for (unsigned s = 0; s < record->n_subs; s++) {
      write_sub(&line, record, &record->subs[s], f);
      line_spill(&line);
      line.len = alike;
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

static void on_dropped(void *arg, uint64_t now_ns, const struct trace_drop *drop) {
  struct trace_lines *trace = arg;
  struct line line, *to = &line;
  line_begin(to, trace->copies);
  line_pair(to, "{\"ev\":\"dropped\",\"t\":", now_ns);
  line_pair(to, ",\"slot\":", drop->slot);
  line_pair(to, ",\"gen\":", drop->gen);
  line_put(to, drop->datagram ? ",\"kind\":\"datagram\",\"track\":"
                              : ",\"kind\":\"stream\",\"track\":");
  line_put(to, drop->track ? "\"" : "null");
  line_put(to, drop->track ? drop->track : "");
  line_pair(to, drop->track ? "\",\"group\":" : ",\"group\":", drop->group);
  line_put(to, ",\"decision\":\"");
  line_put(to, drop->reason);
  line_put(to, "\"}\n");
  line_spill(to);
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

static void write_piece(struct line *to, const struct ledger_piece *piece, bool first) {
  if (!first)
    line_put(to, ",");
  uint64_t sid = piece->down * 4 + 3;
  if (piece->kind == LEDGER_DATAGRAM) {
    line_pair(to, "{\"kind\":\"datagram\",\"len\":", piece->len);
    line_put(to, "}");
    return;
  }
  if (piece->kind == LEDGER_RESET) {
    line_pair(to, "{\"kind\":\"reset\",\"sid\":", sid);
    line_pair(to, ",\"final\":", piece->offset);
    line_put(to, "}");
    return;
  }
  line_pair(to, "{\"kind\":\"stream\",\"sid\":", sid);
  line_pair(to, ",\"off\":", piece->offset);
  line_pair(to, ",\"len\":", piece->len);
  line_pair(to, ",\"fin\":", piece->fin);
  line_pair(to, ",\"again\":", piece->again);
  line_put(to, "}");
}

static void on_number(void *arg, const struct qc_cid *conn, const struct ledger_number *number) {
  struct trace_lines *trace = arg;
  if (trace->qlog)
    trace_qlog_number(trace->qlog, conn, number);
  struct line line, *to = &line;
  char id[41];
  line_begin(to, trace->ledger);
  line_put(to, "{\"ev\":\"number\",\"conn\":\"");
  line_put(to, line_hex(conn, id));
  line_pair(to, "\",\"pn\":", number->pn);
  line_put(to, ",\"origin\":\"");
  line_put(to, origin_name(number->origin));
  if (number->origin == LEDGER_OWN ||
      (number->origin == LEDGER_BURNED && number->own != LEDGER_NO_OWN))
    line_pair(to, "\",\"own\":", number->own);
  else
    line_put(to, "\",\"own\":null");
  line_pair(to, ",\"t\":", number->sent_ns);
  line_put(to, ",\"fate\":\"");
  line_put(to, fate_name(number->fate));
  line_pair(to, "\",\"fate_t\":", number->fate_ns);
  line_put(to, ",\"content\":[");
  for (size_t i = 0; i < number->n_pieces; i++)
    write_piece(to, &number->pieces[i], i == 0);
  line_put(to, "]}\n");
  line_spill(to);
}

static void on_spurious(void *arg, const struct qc_cid *conn, const struct ledger_number *number) {
  struct trace_lines *trace = arg;
  char id[41];
  fprintf(trace->ledger,
          "{\"ev\":\"spurious\",\"conn\":\"%s\",\"pn\":%" PRIu64 ",\"t\":%" PRIu64 "}\n",
          line_hex(conn, id), number->pn, number->fate_ns);
}

static void write_ranges(struct line *to, const struct shim_range *ranges, size_t n) {
  for (size_t i = 0; i < n; i++) {
    line_pair(to, i ? ",[" : "[", ranges[i].lo);
    line_pair(to, ",", ranges[i].hi);
    line_put(to, "]");
  }
}

static void on_ack(void *arg, uint64_t now_ns, const struct qc_cid *conn,
                   const struct shim_range *joint, size_t n_joint, const struct shim_range *own,
                   size_t n_own) {
  struct trace_lines *trace = arg;
  struct line line, *to = &line;
  char id[41];
  line_begin(to, trace->ledger);
  line_put(to, "{\"ev\":\"ack\",\"conn\":\"");
  line_put(to, line_hex(conn, id));
  line_pair(to, "\",\"t\":", now_ns);
  line_put(to, ",\"joint\":[");
  write_ranges(to, joint, n_joint);
  line_put(to, "],\"own\":[");
  write_ranges(to, own, n_own);
  line_put(to, "]}\n");
  line_spill(to);
}

/* ---- qlog ------------------------------------------------------------------------------ */

static void on_begun(void *arg, uint64_t now_ns, const struct qc_cid *conn,
                     const struct qc_path *path) {
  struct trace_lines *trace = arg;
  if (trace->qlog)
    trace_qlog_begun(trace->qlog, now_ns, conn, path);
}

static void on_packet(void *arg, const struct trace_packet *packet) {
  struct trace_lines *trace = arg;
  if (trace->qlog)
    trace_qlog_packet(trace->qlog, packet);
}

static void on_fast_packet(void *arg, const struct qc_cid *conn, const struct fb_record *record,
                           const struct fb_record_sub *sub) {
  struct trace_lines *trace = arg;
  if (trace->qlog)
    trace_qlog_copy(trace->qlog, conn, record, sub);
}

static void on_metrics(void *arg, uint64_t now_ns, const struct qc_cid *conn,
                       const struct trace_metrics *metrics) {
  struct trace_lines *trace = arg;
  if (trace->qlog)
    trace_qlog_metrics(trace->qlog, now_ns, conn, metrics);
}

static void on_closed(void *arg, uint64_t now_ns, const struct qc_cid *conn,
                      const struct qc_close_info *info) {
  struct trace_lines *trace = arg;
  if (trace->qlog)
    trace_qlog_closed(trace->qlog, now_ns, conn, info);
}

const struct trace_ops trace_lines_ops = {
    .begun = on_begun,
    .packet = on_packet,
    .fast_packet = on_fast_packet,
    .metrics = on_metrics,
    .closed = on_closed,
    .connection = on_connection,
    .gone = on_gone,
    .copy = on_copy,
    .emit_failed = on_emit_failed,
    .dropped = on_dropped,
    .number = on_number,
    .spurious = on_spurious,
    .ack = on_ack,
};
