/* One capture file, frame by frame, through libpcap (pcap and pcapng,
 * nanoseconds whatever the file holds).
 *
 * Order of calls: qp_capture_open(), qp_capture_next() until it is not 1,
 * qp_capture_close(). A frame's bytes are valid until the next call on the same
 * capture. A truncated or damaged file gives everything in front of the damage,
 * then -1 with the offset. */
#ifndef FANBENCH_PCAP_READ_CAPTURE_H
#define FANBENCH_PCAP_READ_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

struct qp_frame {
  uint32_t file;    /* index of the capture, as given to qp_capture_open() */
  uint64_t number;  /* from 1 */
  uint64_t time_ns; /* since 1970 */
  int linktype;     /* DLT_* of libpcap */
  const uint8_t *data;
  size_t len;      /* captured */
  size_t wire_len; /* on the wire, >= len unless the file lies */
};

struct qp_capture;

/* Returns 0, or -1 with a message in err. */
int qp_capture_open(const char *path, uint32_t file, struct qp_capture **out, char *err,
                    size_t err_len);
/* 1: *frame is set; 0: end of file; -1: damaged, message with offset in err. */
int qp_capture_next(struct qp_capture *capture, struct qp_frame *frame, char *err, size_t err_len);
void qp_capture_close(struct qp_capture *capture);

#endif
