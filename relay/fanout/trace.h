/* What the relay writes about itself: sinks for copy records, numbers and ACKs.
 * The core calls them; host/ writes them as lines (formats: README "Run
 * directory"). All pointers are valid during the call only. */
#ifndef FANBENCH_RELAY_FANOUT_TRACE_H
#define FANBENCH_RELAY_FANOUT_TRACE_H

#include <stdint.h>

#include "bpf/abi/record.h"
#include "relay/fanout/ledger.h"
#include "relay/quic/conn.h"

/* What user space drops of what it holds back for a subscriber. */
struct trace_drop {
  uint32_t slot, gen;
  bool datagram;     /* else the rest of a stream, or a subscription's */
  const char *track; /* NULL: not known */
  uint64_t group;
  const char *reason; /* "policy", "backlog", "too-far-behind" */
};

/* A 1-RTT packet that user space sent or received, in clear, numbers as on the wire. */
struct trace_packet {
  uint64_t now_ns;
  const struct qc_cid *conn;
  bool sent;
  uint64_t pn;
  const uint8_t *payload;
  size_t len;      /* of the frames */
  size_t wire_len; /* of the whole packet */
};

/* Of one connection's fan-out. */
struct trace_metrics {
  uint64_t smoothed_rtt_ns;
  uint64_t congestion_window, ssthresh, bytes_in_flight; /* bytes; ssthresh UINT64_MAX: none yet */
};

struct trace_ops {
  /* All may be NULL. `conn` is the client's first destination ID. */
  void (*begun)(void *arg, uint64_t now_ns, const struct qc_cid *conn, const struct qc_path *path);
  void (*packet)(void *arg, const struct trace_packet *packet);
  /* One subscriber's part of a record that was told before: its copy of the packet. */
  void (*fast_packet)(void *arg, const struct qc_cid *conn, const struct fb_record *record,
                      const struct fb_record_sub *sub);
  void (*metrics)(void *arg, uint64_t now_ns, const struct qc_cid *conn,
                  const struct trace_metrics *metrics); /* behind each ACK */
  void (*closed)(void *arg, uint64_t now_ns, const struct qc_cid *conn,
                 const struct qc_close_info *info);
  void (*connection)(void *arg, uint64_t now_ns, uint32_t slot, uint32_t gen,
                     const struct qc_cid *conn, const struct qc_path *path);
  void (*gone)(void *arg, uint64_t now_ns, uint32_t slot, uint32_t gen);
  /* upstream: first destination ID of its connection; track_names[i] is NULL if
   * frame i's track is not known. */
  void (*copy)(void *arg, const struct qc_cid *upstream, const struct fb_record *record,
               const char *const *track_names);
  void (*emit_failed)(void *arg, uint64_t now_ns, const struct fb_failed *failed);
  void (*dropped)(void *arg, uint64_t now_ns, const struct trace_drop *drop);
  void (*number)(void *arg, const struct qc_cid *conn, const struct ledger_number *number);
  void (*spurious)(void *arg, const struct qc_cid *conn, const struct ledger_number *number);
  void (*ack)(void *arg, uint64_t now_ns, const struct qc_cid *conn, const struct shim_range *joint,
              size_t n_joint, const struct shim_range *own, size_t n_own);
};

#endif
