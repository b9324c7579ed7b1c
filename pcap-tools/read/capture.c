#include "pcap-tools/read/capture.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap-tools/read/memory.h"
#include "pcap-tools/read/source.h"

enum { BUFFER = 1 << 16 }; /* what is read stays in the cache until it is looked at */

struct qp_capture {
  struct qp_source *source;
  struct qp_blocks *blocks;
  FILE *file;
  pcap_t *pcap; /* owns `file` */
  char *path;
  char *buffer;
  uint32_t index;
  uint64_t number;
  bool seen; /* the front record is that of the frame in the caller's hands */
};

/* libpcap reads through this; everything it gets has passed the walker. */
static ssize_t feed(void *cookie, char *out, size_t room) {
  struct qp_capture *c = cookie;
  size_t got = qp_source_read(c->source, (uint8_t *)out, room);
  qp_blocks_pass(c->blocks, (uint8_t *)out, got);
  return (ssize_t)got;
}

static int open_pcap(struct qp_capture *c, char *err, size_t err_len) {
  char why[PCAP_ERRBUF_SIZE] = "";
  c->file = fopencookie(c, "r", (cookie_io_functions_t){.read = feed});
  if (!c->file) {
    snprintf(err, err_len, "%s: no memory", c->path);
    return -1;
  }
  setvbuf(c->file, c->buffer, _IOFBF, BUFFER);
  c->pcap = pcap_fopen_offline_with_tstamp_precision(c->file, PCAP_TSTAMP_PRECISION_NANO, why);
  if (c->pcap)
    return 0;
  const char *damage = qp_source_damage(c->source);
  snprintf(err, err_len, "%s: expected a pcap or pcapng file: %s", c->path, damage ? damage : why);
  return -1;
}

int qp_capture_open(const char *path, uint32_t file, qp_secrets_fn *secrets, void *arg,
                    struct qp_capture **out, char *err, size_t err_len) {
  struct qp_capture *c = qp_alloc(1, sizeof *c);
  c->path = qp_copy_text(path);
  c->index = file;
  c->buffer = qp_alloc(BUFFER, 1);
  c->blocks = qp_blocks_new(secrets, arg);
  if (qp_source_open(path, &c->source, err, err_len) || open_pcap(c, err, err_len)) {
    qp_capture_close(c);
    return -1;
  }
  *out = c;
  return 0;
}

/* At the end of what libpcap takes. */
static int stopped(const struct qp_capture *c, int got, char *err, size_t err_len) {
  const char *damage = qp_source_damage(c->source);
  if (got == PCAP_ERROR_BREAK && !damage)
    return 0;
  const struct qp_record *next = qp_blocks_peek(c->blocks);
  unsigned long long at = next ? next->at : qp_blocks_at(c->blocks);
  snprintf(err, err_len, "%s: damaged after frame %llu, record at offset %llu%s: %s", c->path,
           (unsigned long long)c->number, at,
           qp_source_packed(c->source) ? " of the unpacked data" : "",
           damage ? damage : pcap_geterr(c->pcap));
  return -1;
}

int qp_capture_next(struct qp_capture *c, struct qp_frame *frame, char *err, size_t err_len) {
  struct pcap_pkthdr *header;
  const u_char *data;
  size_t n;
  if (c->seen)
    qp_blocks_take(c->blocks);
  c->seen = false;
  int got = pcap_next_ex(c->pcap, &header, &data);
  if (got != 1)
    return stopped(c, got, err, err_len);
  const struct qp_record *record = qp_blocks_peek(c->blocks);
  const struct qp_interface *interfaces = qp_blocks_interfaces(c->blocks, &n);
  bool known = record && record->interface < n && interfaces[record->interface].linktype >= 0;
  c->seen = record != NULL;
  *frame = (struct qp_frame){
      .file = c->index,
      .number = ++c->number,
      /* with nanosecond precision tv_usec holds nanoseconds */
      .time_ns = (uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec,
      .linktype = known ? interfaces[record->interface].linktype : pcap_datalink(c->pcap),
      .data = data,
      .len = header->caplen,
      .wire_len = header->len,
      .interface = record ? record->interface : 0,
      .comment = record ? record->comment : NULL,
  };
  return 1;
}

const struct qp_blocks *qp_capture_blocks(const struct qp_capture *c) {
  return c->blocks;
}

void qp_capture_close(struct qp_capture *c) {
  if (!c)
    return;
  if (c->pcap)
    pcap_close(c->pcap);
  else if (c->file)
    fclose(c->file);
  qp_source_close(c->source);
  qp_blocks_free(c->blocks);
  free(c->buffer);
  free(c->path);
  free(c);
}
