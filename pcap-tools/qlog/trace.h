/* Where qlog goes: one trace (a header, then events) a connection and vantage point.
 * Traces go to a folder, a file each, or a single one to a stream. Records are JSON
 * text sequences (RFC 7464) or lines (NDJSON).
 *
 * At most QP_QLOG_OPEN files are open at once, however many traces there are; a file
 * that was closed is opened again to append. What is not decided yet, because nobody knows the
 * vantage point, waits in memory (a few packets of a handshake).
 *
 * Order of calls: the caller fills a qp_qlog_sink; for each trace qp_trace_init(), then
 * qp_trace_event() any number of times, and in between once qp_trace_begin() or
 * qp_trace_drop(); qp_trace_end(); at last qp_qlog_close(). */
#ifndef FANBENCH_PCAP_QLOG_TRACE_H
#define FANBENCH_PCAP_QLOG_TRACE_H

#include <stdio.h>

#include "pcap-tools/dissect/packet.h"
#include "pcap-tools/qlog/dialect.h"
#include "pcap-tools/qlog/json.h"

enum { QP_QLOG_OPEN = 64 };

enum qp_qlog_at { QP_AT_CLIENT, QP_AT_SERVER, QP_AT_NETWORK };

struct qp_trace {
  enum { QP_TRACE_WAITS, QP_TRACE_DROPPED, QP_TRACE_BEGUN } state;
  struct qp_json waiting; /* records that wait for qp_trace_begin() */
  char *path;             /* NULL: the stream */
  int slot;               /* of the open file; -1: closed */
  bool made;              /* the file exists */
  uint64_t events;
};

/* Zero-initialised but for what the caller sets. */
struct qp_qlog_sink {
  enum qp_dialect dialect;
  bool lines;       /* NDJSON */
  FILE *stream;     /* or NULL */
  const char *dir;  /* or NULL; must exist */
  uint64_t zero_ns; /* time of the captures' first QUIC packet; events count from it */
  uint64_t traces, events;
  char *error; /* the first failure to write, or NULL; owned */
  struct qp_qlog_open {
    FILE *file;
    struct qp_trace *trace;
    uint64_t used;
  } open[QP_QLOG_OPEN];
  uint64_t uses;
  struct qp_json line, data; /* for the record in work */
};

struct qp_trace_about {
  enum qp_qlog_at at;
  const struct qp_cid *odcid;
  const char *node;        /* name of the vantage point, or "" */
  const char *file;        /* the capture */
  const char *description; /* or "" */
  uint32_t again;          /* connections before it with the same ODCID */
  bool moqt;               /* declare the schemas of MoQT too */
};

/* Starts a new trace that waits. */
void qp_trace_init(struct qp_trace *t);
/* Its vantage point is known. */
void qp_trace_begin(struct qp_qlog_sink *sink, struct qp_trace *t,
                    const struct qp_trace_about *about);
/* It is not wanted: what comes is thrown away. */
void qp_trace_drop(struct qp_trace *t);
/* One event. name: as the drafts have it, "quic:packet_sent". tuple: NULL or its ID.
 * data: a whole object. */
void qp_trace_event(struct qp_qlog_sink *sink, struct qp_trace *t, uint64_t time_ns,
                    const char *name, const char *tuple, const struct qp_json *data);
/* Gives back what the trace owns. */
void qp_trace_end(struct qp_qlog_sink *sink, struct qp_trace *t);
/* Closes files and checks them; -1: something was not written, see sink->error. */
int qp_qlog_close(struct qp_qlog_sink *sink);

#endif
