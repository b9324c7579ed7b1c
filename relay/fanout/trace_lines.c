#include "relay/fanout/trace_lines.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

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

/* A line an object and subscriber: printf, or a call of stdio a piece, would be the dearest
 * part of a simulation. A line longer than the room goes out in parts. */
struct line {
  FILE *to;
  size_t len;
  char text[4096];
};

static void begin(struct line *line, FILE *to) {
  line->to = to;
  line->len = 0;
}

static void spill(struct line *line) {
  fwrite_unlocked(line->text, 1, line->len, line->to);
  line->len = 0;
}

static inline void put_bytes(struct line *line, const char *bytes, size_t n) {
  if (n > sizeof line->text - line->len) spill(line);
  memcpy(line->text + line->len, bytes, n);
  line->len += n;
}

/* Texts are names and literals, short of the room. */
static inline void put(struct line *line, const char *text) {
  put_bytes(line, text, strlen(text));
}

static void put_number(struct line *line, uint64_t value) {
  char digits[20], *at = digits + sizeof digits;
  do {
    *--at = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  put_bytes(line, at, (size_t)(digits + sizeof digits - at));
}

/* "text" and the number behind it. */
static inline void put_pair(struct line *line, const char *text, uint64_t value) {
  put(line, text);
  put_number(line, value);
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

static void write_frame(struct line *line, const struct fb_frame *frame, unsigned index,
                        const char *track) {
  put_pair(line, ",\"frame\":", index);
  put(line, frame->kind == FB_FRAME_STREAM ? ",\"kind\":\"stream\"" : ",\"kind\":\"datagram\"");
  put_pair(line, ",\"sid\":", frame->stream);
  put_pair(line, ",\"off\":", frame->offset);
  put_pair(line, ",\"len\":", frame->len);
  put_pair(line, ",\"fin\":", frame->fin);
  if (!track) {
    put(line, ",\"track\":null,\"group\":null");
    return;
  }
  put(line, ",\"track\":\"");
  put(line, track);
  put_pair(line, "\",\"group\":", frame->group);
}

static void write_sub(struct line *line, const struct fb_record *record,
                      const struct fb_record_sub *sub, unsigned f) {
  put_pair(line, ",\"slot\":", sub->slot);
  put_pair(line, ",\"gen\":", sub->gen);
  put(line, ",\"decision\":\"");
  put(line, fb_decision_name(sub->decision[f]));
  if (sub->decision[f] == FB_DEC_SEND)
    put_pair(line, "\",\"pn\":", sub->pn);
  else
    put(line, "\",\"pn\":null");
  if (sub->down[f])
    put_pair(line, ",\"down_sid\":", (uint64_t)(sub->down[f] - 1) * 4 + 3);
  else
    put(line, ",\"down_sid\":null");
  put_pair(line, ",\"cpu\":", record->cpu);
  put(line, "}\n");
}

/* The lines of a frame's copies begin alike: that part is made once. */
static void on_copy(void *arg, const struct qc_cid *upstream, const struct fb_record *record,
                    const char *const *track_names) {
  struct trace_lines *trace = arg;
  char id[41];
  hex(upstream, id);
  for (unsigned f = 0; f < record->n_frames; f++) {
    struct line line;
    begin(&line, trace->copies);
    put_pair(&line, "{\"ev\":\"copy\",\"t\":", record->time_ns);
    put(&line, ",\"up\":\"");
    put(&line, id);
    put_pair(&line, "\",\"up_pn\":", record->pn);
    write_frame(&line, &record->frames[f], f, track_names[f]);
    const size_t alike = line.len;
    for (unsigned s = 0; s < record->n_subs; s++) {
      write_sub(&line, record, &record->subs[s], f);
      spill(&line);
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
  begin(to, trace->copies);
  put_pair(to, "{\"ev\":\"dropped\",\"t\":", now_ns);
  put_pair(to, ",\"slot\":", drop->slot);
  put_pair(to, ",\"gen\":", drop->gen);
  put(to, drop->datagram ? ",\"kind\":\"datagram\",\"track\":" : ",\"kind\":\"stream\",\"track\":");
  put(to, drop->track ? "\"" : "null");
  put(to, drop->track ? drop->track : "");
  put_pair(to, drop->track ? "\",\"group\":" : ",\"group\":", drop->group);
  put(to, ",\"decision\":\"");
  put(to, drop->reason);
  put(to, "\"}\n");
  spill(to);
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
  if (!first) put(to, ",");
  uint64_t sid = piece->down * 4 + 3;
  if (piece->kind == LEDGER_DATAGRAM) {
    put_pair(to, "{\"kind\":\"datagram\",\"len\":", piece->len);
    put(to, "}");
    return;
  }
  if (piece->kind == LEDGER_RESET) {
    put_pair(to, "{\"kind\":\"reset\",\"sid\":", sid);
    put_pair(to, ",\"final\":", piece->offset);
    put(to, "}");
    return;
  }
  put_pair(to, "{\"kind\":\"stream\",\"sid\":", sid);
  put_pair(to, ",\"off\":", piece->offset);
  put_pair(to, ",\"len\":", piece->len);
  put_pair(to, ",\"fin\":", piece->fin);
  put_pair(to, ",\"again\":", piece->again);
  put(to, "}");
}

static void on_number(void *arg, const struct qc_cid *conn, const struct ledger_number *number) {
  struct trace_lines *trace = arg;
  struct line line, *to = &line;
  char id[41];
  begin(to, trace->ledger);
  put(to, "{\"ev\":\"number\",\"conn\":\"");
  put(to, hex(conn, id));
  put_pair(to, "\",\"pn\":", number->pn);
  put(to, ",\"origin\":\"");
  put(to, origin_name(number->origin));
  if (number->origin == LEDGER_OWN ||
      (number->origin == LEDGER_BURNED && number->own != LEDGER_NO_OWN))
    put_pair(to, "\",\"own\":", number->own);
  else
    put(to, "\",\"own\":null");
  put_pair(to, ",\"t\":", number->sent_ns);
  put(to, ",\"fate\":\"");
  put(to, fate_name(number->fate));
  put_pair(to, "\",\"fate_t\":", number->fate_ns);
  put(to, ",\"content\":[");
  for (size_t i = 0; i < number->n_pieces; i++) write_piece(to, &number->pieces[i], i == 0);
  put(to, "]}\n");
  spill(to);
}

static void on_spurious(void *arg, const struct qc_cid *conn, const struct ledger_number *number) {
  struct trace_lines *trace = arg;
  char id[41];
  fprintf(trace->ledger,
          "{\"ev\":\"spurious\",\"conn\":\"%s\",\"pn\":%" PRIu64 ",\"t\":%" PRIu64 "}\n",
          hex(conn, id), number->pn, number->fate_ns);
}

static void write_ranges(struct line *to, const struct shim_range *ranges, size_t n) {
  for (size_t i = 0; i < n; i++) {
    put_pair(to, i ? ",[" : "[", ranges[i].lo);
    put_pair(to, ",", ranges[i].hi);
    put(to, "]");
  }
}

static void on_ack(void *arg, uint64_t now_ns, const struct qc_cid *conn,
                   const struct shim_range *joint, size_t n_joint, const struct shim_range *own,
                   size_t n_own) {
  struct trace_lines *trace = arg;
  struct line line, *to = &line;
  char id[41];
  begin(to, trace->ledger);
  put(to, "{\"ev\":\"ack\",\"conn\":\"");
  put(to, hex(conn, id));
  put_pair(to, "\",\"t\":", now_ns);
  put(to, ",\"joint\":[");
  write_ranges(to, joint, n_joint);
  put(to, "],\"own\":[");
  write_ranges(to, own, n_own);
  put(to, "]}\n");
  spill(to);
}

const struct trace_ops trace_lines_ops = {
    .connection = on_connection,
    .gone = on_gone,
    .copy = on_copy,
    .emit_failed = on_emit_failed,
    .dropped = on_dropped,
    .number = on_number,
    .spurious = on_spurious,
    .ack = on_ack,
};
