#include "pcap-tools/read/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qp_capture {
  pcap_t *pcap;
  char *path;
  uint32_t file;
  uint64_t number;
  int linktype;
  long frame_at; /* file offset where the next record begins; -1 = not seekable */
};

int qp_capture_open(const char *path, uint32_t file, struct qp_capture **out, char *err,
                    size_t err_len) {
  char why[PCAP_ERRBUF_SIZE] = "";
  struct qp_capture *c = calloc(1, sizeof *c);
  if (!c || !(c->path = strdup(path))) {
    free(c);
    snprintf(err, err_len, "%s: no memory", path);
    return -1;
  }
  c->file = file;
  c->pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
  if (!c->pcap) {
    const char *text = strncmp(why, path, strlen(path)) ? why : why + strlen(path);
    snprintf(err, err_len, "%s: expected a pcap or pcapng file: %s", path,
             text + strspn(text, ": "));
    qp_capture_close(c);
    return -1;
  }
  c->linktype = pcap_datalink(c->pcap);
  c->frame_at = ftell(pcap_file(c->pcap));
  *out = c;
  return 0;
}

int qp_capture_next(struct qp_capture *c, struct qp_frame *frame, char *err, size_t err_len) {
  struct pcap_pkthdr *header;
  const u_char *data;
  int got = pcap_next_ex(c->pcap, &header, &data);
  if (got == PCAP_ERROR_BREAK)
    return 0;
  if (got != 1) {
    snprintf(err, err_len, "%s: damaged after frame %llu, record at offset %ld: %s", c->path,
             (unsigned long long)c->number, c->frame_at, pcap_geterr(c->pcap));
    return -1;
  }
  c->frame_at = ftell(pcap_file(c->pcap));
  *frame = (struct qp_frame){
      .file = c->file,
      .number = ++c->number,
      /* with nanosecond precision tv_usec holds nanoseconds */
      .time_ns = (uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec,
      .linktype = c->linktype,
      .data = data,
      .len = header->caplen,
      .wire_len = header->len,
  };
  return 1;
}

void qp_capture_close(struct qp_capture *c) {
  if (!c)
    return;
  if (c->pcap)
    pcap_close(c->pcap);
  free(c->path);
  free(c);
}
