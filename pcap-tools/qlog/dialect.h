/* The three ways to write qlog, and the names that differ between them.
 *
 * draft   draft-ietf-quic-qlog-main-schema-14 and -quic-events-13 as they stand
 * hybrid  draft, and what the viewer qvis asks for beside it: two members of the
 *         header, `category`, `length` in STREAM frames, `owner`
 * qvis    qlog 0.3 as qvis reads it; nothing of the drafts' header */
#ifndef FANBENCH_PCAP_QLOG_DIALECT_H
#define FANBENCH_PCAP_QLOG_DIALECT_H

enum qp_dialect { QP_QLOG_DRAFT, QP_QLOG_HYBRID, QP_QLOG_QVIS, QP_QLOG_DIALECTS };

#endif
