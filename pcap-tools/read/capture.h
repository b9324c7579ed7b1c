/* One capture file, frame by frame, through libpcap (pcap and pcapng,
 * nanoseconds whatever the file holds). The file may be "-" for standard input, a
 * pipe, or gzip; it is read once, from its front to its end.
 *
 * Order of calls: qp_capture_open(), qp_capture_next() until it is not 1,
 * qp_capture_close(). A frame's bytes are valid until the next call on the same
 * capture. A truncated or damaged file gives everything in front of the damage,
 * then -1 with the offset. */
#ifndef FANBENCH_PCAP_READ_CAPTURE_H
#define FANBENCH_PCAP_READ_CAPTURE_H

#include "pcap-tools/read/blocks.h"

struct qp_frame {
  uint32_t file;    /* index of the capture, as given to qp_capture_open() */
  uint64_t number;  /* from 1 */
  uint64_t time_ns; /* since 1970 */
  int linktype;     /* DLT_* of libpcap */
  const uint8_t *data;
  size_t len;          /* captured */
  size_t wire_len;     /* on the wire, >= len unless the file lies */
  uint32_t interface;  /* of the file, see qp_capture_blocks() */
  const char *comment; /* of pcapng; NULL = none */
};

struct qp_capture;

/* secrets: gets the file's TLS key logs, each before the packets behind it; may be
 * NULL. Returns 0, or -1 with a message in err. */
int qp_capture_open(const char *path, uint32_t file, qp_secrets_fn *secrets, void *arg,
                    struct qp_capture **out, char *err, size_t err_len);
/* 1: *frame is set; 0: end of file; -1: damaged, message with offset in err. */
int qp_capture_next(struct qp_capture *capture, struct qp_frame *frame, char *err, size_t err_len);
/* What else the file says, as far as it is read. */
const struct qp_blocks *qp_capture_blocks(const struct qp_capture *capture);
void qp_capture_close(struct qp_capture *capture);

#endif
