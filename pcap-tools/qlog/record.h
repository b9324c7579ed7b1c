/* From the tracker to qlog traces. Each connection has two views, the client's and the
 * server's: what a side sends is `packet_sent` in its own view and, where it reaches the
 * other side, `packet_received` in the other's. Which views become traces is known when
 * the server has sent something:
 *
 *   two captures, one at each end    two traces, client and server
 *   one capture of a run directory   one trace, of the end whose capture it is
 *   one capture                      one trace, `network` with the client's flow: sent is
 *                                    what the client sends
 *
 * Order of calls: fill the recorder, qp_record_watch(), read all packets,
 * qp_record_finish(). */
#ifndef FANBENCH_PCAP_QLOG_RECORD_H
#define FANBENCH_PCAP_QLOG_RECORD_H

#include "pcap-tools/check/check.h"
#include "pcap-tools/cli/select.h"
#include "pcap-tools/qlog/recovery.h"
#include "pcap-tools/qlog/trace.h"

enum { QP_TOLD_PATHS = 8 };

/* What one view has been told. Arrays are by side. */
struct qp_told_view {
  struct qp_trace trace;
  bool started, closed, confirmed, alpn, version, params[2];
  uint32_t generation[2];
  struct qp_cid dcid[2];
  struct qp_tuple paths[QP_TOLD_PATHS]; /* client to server */
  unsigned n_paths;
  struct qp_recovery recovery; /* of what this view's side sends */
};

struct qp_told {
  const struct qp_conn *conn;
  bool decided;
  enum qp_qlog_at at[2];
  struct qp_told_view view[2]; /* by side; network: [QP_CLIENT] */
};

/* An event that follows the packet in work. */
struct qp_late {
  const char *name;
  unsigned view;
  bool moqt;       /* chosen by stream, not by packet */
  uint64_t stream; /* UINT64_MAX: of none */
  struct qp_json data;
};

struct qp_recorder {
  struct qp_qlog_sink sink;
  const struct qp_evidence *evidence;
  struct qp_select select;
  int vantage;             /* enum qp_qlog_at, or -1: as described above */
  bool single;             /* one trace only: the first that fits */
  uint64_t without_number; /* packets that qvis cannot show, left out */
  uint64_t other_traces;   /* single: those that were not chosen */
  struct qp_told **told;
  size_t told_room;
  struct qp_packet_told { /* the packet in work */
    bool pending, chosen, wanted, eliciting, opened;
    struct qp_told *told;
    unsigned side, views;
    uint64_t time_ns, pn;
    enum qp_space space;
    size_t bytes;
    enum qp_type type;
    const char *tuple[2]; /* of each view */
    bool frames_open;
    struct qp_json data;
  } packet;
  struct qp_late *late;
  size_t n_late, late_room;
};

void qp_record_watch(struct qp_recorder *r, struct qp_watcher *watcher, struct qp_tracker *tracker);
/* Ends all traces and gives back what the recorder owns. -1: see r->sink.error. */
int qp_record_finish(struct qp_recorder *r);

/* For the parts of the recorder: a new event that follows the packet in work. Its
 * object is open; the caller adds members and closes it. */
struct qp_json *qp_record_late(struct qp_recorder *r, unsigned view, const char *name);
/* The same of MoQT on that stream. */
struct qp_json *qp_record_late_moqt(struct qp_recorder *r, unsigned view, const char *name,
                                    uint64_t stream);
/* True if events of that view go anywhere. */
bool qp_record_view(const struct qp_told *told, unsigned view);

#endif
