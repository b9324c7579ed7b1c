#include "pcap-tools/qlog/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pcap-tools/read/memory.h"

/* Namespaces that qvis expects in place of `quic`. */
static const struct {
  const char *event, *category, *qvis; /* qvis NULL: the name of the draft */
} old_names[] = {
    {"parameters_set", "transport", NULL},
    {"packet_lost", "recovery", NULL},
    {"packets_acked", "recovery", NULL},
    {"recovery_metrics_updated", "recovery", "metrics_updated"},
    {"key_updated", "security", NULL},
    {"connection_id_updated", "connectivity", NULL},
    {"connection_state_updated", "connectivity", NULL},
    {"tuple_assigned", "connectivity", "path_assigned"},
};

/* Splits "quic:packet_lost" into what qvis knows it by. */
static const char *old_name(const char *name, const char **category) {
  const char *colon = strchr(name, ':');
  *category = "transport";
  if (strncmp(name, "quic:", 5) != 0) {
    *category = NULL;
    return colon + 1;
  }
  for (size_t i = 0; i < sizeof old_names / sizeof *old_names; i++) {
    if (strcmp(colon + 1, old_names[i].event) != 0)
      continue;
    *category = old_names[i].category;
    return old_names[i].qvis ? old_names[i].qvis : colon + 1;
  }
  return colon + 1;
}

/* ---- files ---------------------------------------------------------------- */

static void fail(struct qp_qlog_sink *s, const char *path) {
  if (!s->error)
    s->error = qp_text("%s: cannot be written: %s", path ? path : "standard output",
                       strerror(errno ? errno : EIO));
}

static void close_slot(struct qp_qlog_sink *s, int slot) {
  struct qp_qlog_open *o = &s->open[slot];
  if (!o->file)
    return;
  errno = 0;
  bool bad = ferror(o->file) != 0;
  if (fclose(o->file) || bad)
    fail(s, o->trace->path);
  o->trace->slot = -1;
  *o = (struct qp_qlog_open){0};
}

/* A free slot, or that of the file that was not used for the longest time. */
static int free_slot(struct qp_qlog_sink *s) {
  int oldest = 0;
  for (int i = 0; i < QP_QLOG_OPEN; i++) {
    if (!s->open[i].file)
      return i;
    if (s->open[i].used < s->open[oldest].used)
      oldest = i;
  }
  close_slot(s, oldest);
  return oldest;
}

static FILE *file_of(struct qp_qlog_sink *s, struct qp_trace *t) {
  if (!t->path)
    return s->stream;
  if (t->slot < 0) {
    int slot = free_slot(s);
    FILE *f = fopen(t->path, t->made ? "a" : "w");
    if (!f) {
      fail(s, t->path);
      return NULL;
    }
    s->open[slot] = (struct qp_qlog_open){.file = f, .trace = t};
    t->slot = slot;
    t->made = true;
  }
  s->open[t->slot].used = ++s->uses;
  return s->open[t->slot].file;
}

static void put(struct qp_qlog_sink *s, struct qp_trace *t, const char *text, size_t len) {
  FILE *f = file_of(s, t);
  if (f && len && fwrite(text, 1, len, f) != len)
    fail(s, t->path);
}

/* ---- records -------------------------------------------------------------- */

static void record_start(struct qp_qlog_sink *s) {
  qp_json_clear(&s->line);
  if (!s->lines)
    qp_json_raw(&s->line, "\x1e", 1);
}

static void record_end(struct qp_qlog_sink *s) {
  qp_json_raw(&s->line, "\n", 1);
}

/* Wall clocks count from 1970; a clock that says less than a year is a virtual one. */
static bool is_wall_clock(uint64_t ns) {
  return ns / 1000000000u > 365u * 86400u;
}

static void reference_time(struct qp_json *j, uint64_t zero_ns) {
  char date[32], text[48];
  time_t seconds = (time_t)(zero_ns / 1000000000u);
  struct tm utc;
  qp_json_open(j, "reference_time", '{');
  if (is_wall_clock(zero_ns) && gmtime_r(&seconds, &utc)) {
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, sizeof text, "%s.%09uZ", date, (unsigned)(zero_ns % 1000000000u));
    qp_json_text(j, "clock_type", "system");
    qp_json_text(j, "epoch", text);
  } else {
    qp_json_text(j, "clock_type", "monotonic");
    qp_json_text(j, "epoch", "unknown");
  }
  qp_json_close(j, '}');
}

static const char *const at_names[] = {"client", "server", "network"};

static void trace_member(struct qp_qlog_sink *s, const struct qp_trace_about *a) {
  struct qp_json *j = &s->line;
  bool draft = s->dialect != QP_QLOG_QVIS;
  qp_json_open(j, "trace", '{');
  if (draft) {
    qp_json_open(j, "event_schemas", '[');
    qp_json_text(j, NULL, "urn:ietf:params:qlog:events:quic-13");
    qp_json_text(j, NULL, "urn:ietf:params:qlog:events:loglevel");
    if (a->moqt) {
      qp_json_text(j, NULL, "urn:ietf:params:qlog:events:moqt-07");
      qp_json_text(j, NULL, "https://fanbench.example/112026/moqt20");
    }
    qp_json_close(j, ']');
  }
  if (a->description[0])
    qp_json_text(j, "description", a->description);
  qp_json_open(j, "vantage_point", '{');
  if (a->node[0])
    qp_json_text(j, "name", a->node);
  qp_json_text(j, "type", at_names[a->at]);
  if (a->at == QP_AT_NETWORK)
    qp_json_text(j, "flow", "client");
  qp_json_close(j, '}');
  qp_json_open(j, "common_fields", '{');
  qp_json_hex(j, "group_id", a->odcid->data, a->odcid->len);
  qp_json_text(j, "time_format", draft ? "relative_to_epoch" : "relative");
  if (draft)
    reference_time(j, s->zero_ns);
  else
    qp_json_number(j, "reference_time", 0);
  qp_json_close(j, '}');
  qp_json_close(j, '}');
}

static void header(struct qp_qlog_sink *s, const struct qp_trace_about *a) {
  struct qp_json *j = &s->line;
  record_start(s);
  qp_json_open(j, NULL, '{');
  if (s->dialect != QP_QLOG_QVIS) {
    qp_json_text(j, "file_schema", "urn:ietf:params:qlog:file:sequential");
    qp_json_text(j, "serialization_format",
                 s->lines ? "application/x-ndjson" : "application/qlog+json-seq");
  }
  if (s->dialect != QP_QLOG_DRAFT) {
    qp_json_text(j, "qlog_version", "0.3");
    qp_json_text(j, "qlog_format", s->lines ? "NDJSON" : "JSON-SEQ");
  }
  qp_json_text(j, "title", a->file);
  trace_member(s, a);
  qp_json_close(j, '}');
  record_end(s);
}

static char *path_of(const struct qp_qlog_sink *s, const struct qp_trace_about *a) {
  char cid[QP_CID_TEXT], again[16] = "";
  if (a->again)
    snprintf(again, sizeof again, ".%u", a->again + 1);
  return qp_text("%s/%s%s_%s.%s", s->dir, qp_cid_text(a->odcid, cid), again, at_names[a->at],
                 s->lines ? "ndjson" : "sqlog");
}

void qp_trace_init(struct qp_trace *t) {
  *t = (struct qp_trace){.slot = -1};
}

void qp_trace_begin(struct qp_qlog_sink *s, struct qp_trace *t,
                    const struct qp_trace_about *about) {
  t->state = QP_TRACE_BEGUN;
  t->path = s->dir ? path_of(s, about) : NULL;
  s->traces++;
  s->events += t->events;
  header(s, about);
  put(s, t, s->line.p, s->line.len);
  put(s, t, t->waiting.p, t->waiting.len);
  qp_json_free(&t->waiting);
}

void qp_trace_drop(struct qp_trace *t) {
  t->state = QP_TRACE_DROPPED;
  qp_json_free(&t->waiting);
}

static void event(struct qp_qlog_sink *s, struct qp_trace *t, uint64_t time_ns, const char *name,
                  const char *category, const char *tuple, const struct qp_json *data) {
  struct qp_json *j = &s->line;
  record_start(s);
  qp_json_open(j, NULL, '{');
  qp_json_decimal(j, "time", time_ns > s->zero_ns ? time_ns - s->zero_ns : 0, 6);
  qp_json_text(j, "name", name);
  if (category)
    qp_json_text(j, "category", category);
  if (tuple && tuple[0])
    qp_json_text(j, "tuple", tuple);
  qp_json_member(j, "data", data);
  qp_json_close(j, '}');
  record_end(s);
  t->events++;
  if (t->state == QP_TRACE_WAITS) {
    qp_json_raw(&t->waiting, s->line.p, s->line.len);
    return;
  }
  s->events++;
  put(s, t, s->line.p, s->line.len);
}

void qp_trace_event(struct qp_qlog_sink *s, struct qp_trace *t, uint64_t time_ns, const char *name,
                    const char *tuple, const struct qp_json *data) {
  const char *category = NULL;
  char text[64];
  if (t->state == QP_TRACE_DROPPED)
    return;
  const char *old = old_name(name, &category);
  if (s->dialect == QP_QLOG_QVIS && category) {
    snprintf(text, sizeof text, "%s:%s", category, old);
    event(s, t, time_ns, text, NULL, tuple, data);
    return;
  }
  event(s, t, time_ns, name, s->dialect == QP_QLOG_HYBRID ? category : NULL, tuple, data);
  if (s->dialect == QP_QLOG_HYBRID && !strcmp(old, "metrics_updated"))
    event(s, t, time_ns, "recovery:metrics_updated", category, tuple, data);
}

void qp_trace_end(struct qp_qlog_sink *s, struct qp_trace *t) {
  if (t->slot >= 0)
    close_slot(s, t->slot);
  qp_json_free(&t->waiting);
  free(t->path);
}

int qp_qlog_close(struct qp_qlog_sink *s) {
  for (int i = 0; i < QP_QLOG_OPEN; i++)
    close_slot(s, i);
  if (s->stream && (fflush(s->stream) || ferror(s->stream)))
    fail(s, NULL);
  qp_json_free(&s->line);
  qp_json_free(&s->data);
  return s->error ? -1 : 0;
}
