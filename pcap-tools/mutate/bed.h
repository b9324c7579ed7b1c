/* A run directory that passes, taken apart so that it can be hurt in one place: its
 * captures as records, each QUIC packet and frame with its place in them, its logs as
 * lines, and what the judge knew in the end.
 *
 * Captures must be pcapng in this machine's byte order with Ethernet and nanosecond
 * stamps, as a run writes them. Ownership: the bed owns all; nothing in it changes after
 * qm_bed_open(). */
#ifndef FANBENCH_PCAP_MUTATE_BED_H
#define FANBENCH_PCAP_MUTATE_BED_H

#include "pcap-tools/check/evidence.h"

/* One record of a capture. */
struct qm_record {
  size_t block, block_len; /* of the block in the file */
  size_t at;               /* of the frame's bytes in the file */
  uint32_t len;
  uint64_t time_ns;
};

struct qm_capture {
  char *name; /* relative to the run directory */
  uint8_t *data;
  size_t len;
  struct qm_record *records;
  size_t n, room;
};

/* A text file of the run directory. Lines are without their newlines. */
struct qm_text {
  char *name;
  const char *kind; /* "ledger" "copies" "objects" "qlog" "faults" "keys" "manifest"; static */
  char **lines;
  size_t n, room;
};

/* One QUIC packet, each time it was captured. Offsets count from the first byte of the
 * captured frame. */
struct qm_packet {
  uint32_t file, record;
  const struct qp_conn *conn;
  uint8_t side, views, type, space, pn_len, dcid_len;
  bool opened, clear; /* clear: null-protected, payload readable in place */
  bool copy;          /* made by the datapath */
  bool any_acked, closing;
  uint64_t pn, largest_acked, time_ns;
  uint32_t udp_at, at, len, pn_at, payload_at, payload_len;
  size_t first_frame, n_frames; /* only if clear */
};

/* One QUIC frame of a clear packet; pointers in `f` lead into the capture. */
struct qm_frame {
  size_t packet;
  uint32_t at, len; /* in the captured frame */
  struct qp_quic_frame f;
  uint64_t fresh;   /* STREAM: bytes never sent before */
  uint64_t lowered; /* a limit that was needed: the one before it; 0: not needed */
};

/* A line by number, over all text files. */
struct qm_line {
  uint32_t text, line;
};

struct qm_bed {
  char *dir;
  struct qp_evidence e; /* read to the end */
  struct judge_report *report;
  struct qm_capture *captures;
  size_t n_captures;
  struct qm_text *texts;
  size_t n_texts, texts_room;
  struct qm_line *lines;
  size_t n_lines, lines_room;
  struct qm_packet *packets;
  size_t n_packets, packets_room;
  struct qm_frame *frames;
  size_t n_frames, frames_room;
};

/* Returns 0, or -1 with a message. In any case qm_bed_close() follows. */
int qm_bed_open(struct qm_bed *bed, const char *dir, char *err, size_t err_len);
void qm_bed_close(struct qm_bed *bed);

/* The frame's bytes. */
const uint8_t *qm_bytes(const struct qm_bed *bed, const struct qm_packet *p);
const char *qm_line_text(const struct qm_bed *bed, size_t line);
const char *qm_line_kind(const struct qm_bed *bed, size_t line);
/* The same packet wherever it was captured, the given one among them. Start with
 * *at = 0; SIZE_MAX: no more. */
size_t qm_sighting(const struct qm_bed *bed, size_t packet, size_t *at);
const struct judge_check *qm_check(const struct judge_report *report, const char *name);
const struct qp_node *qm_node(const struct qm_bed *bed, const struct qm_packet *p, unsigned side);

#endif
