/* qlog/NODE.sqlog of an endpoint: what its QUIC library says of each packet that it
 * sent and got (qlog 0.3 as a sequence of JSON records). The first connection is in
 * NODE.sqlog, the next ones in NODE-2.sqlog and so on.
 *
 * Zero-initialised = empty. Other events than packets are stepped over. */
#ifndef FANBENCH_PCAP_TRACK_QLOG_H
#define FANBENCH_PCAP_TRACK_QLOG_H

#include "pcap-tools/track/by_id.h"

struct qp_qlog_packet {
  uint64_t pn, content, line; /* content: sum of qp_content_...() of its frames */
  uint8_t space;              /* enum qp_space */
  bool sent;
};

struct qp_qlogs {
  struct qp_qlog {
    struct qp_cid odcid; /* group_id */
    char *file;          /* relative to the run directory */
    struct qp_qlog_packet *packets;
    size_t n, room;
    struct qp_map at; /* by number, space and direction */
    bool cut;         /* the last record is not whole */
  } * items;
  size_t n, room;
  struct qp_by_id at; /* by ID: the first of a connection */
};

/* Reads all of a node's: file is NODE's in file names. Returns 0, also if there are
 * none; -1 with a message. */
int qp_qlog_load(struct qp_qlogs *logs, const char *dir, const char *file, char *err,
                 size_t err_len);
struct qp_qlog *qp_qlog_find(const struct qp_qlogs *logs, const struct qp_cid *odcid);
/* The packet's record, or NULL. */
struct qp_qlog_packet *qp_qlog_packet(const struct qp_qlog *log, enum qp_space space, bool sent,
                                      uint64_t pn);
void qp_qlogs_clear(struct qp_qlogs *logs);

#endif
