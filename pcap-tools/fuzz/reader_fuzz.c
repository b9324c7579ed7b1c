/* Any bytes as a capture file: frames lie inside what was read, and the walker over the
 * blocks sees the same whatever the pieces are in which the file comes. */
#include <string.h>

#include "pcap-tools/fuzz/memory_file.h"
#include "pcap-tools/read/capture.h"
#include "pcap-tools/read/udp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
  uint64_t records, secrets, at;
  size_t interfaces;
};

static void count(void *arg, const char *text, size_t len) {
  struct sum *s = arg;
  for (size_t i = 0; i < len; i++)
    s->secrets = s->secrets * 31 + (uint8_t)text[i];
}

static struct sum walk(const uint8_t *data, size_t size, size_t piece) {
  struct sum s = {0};
  struct qp_blocks *b = qp_blocks_new(count, &s);
  uint8_t *copy = malloc(size ? size : 1); /* the walker writes into what passes */
  if (!copy)
    abort();
  if (size)
    memcpy(copy, data, size);
  for (size_t at = 0; at < size; at += piece)
    qp_blocks_pass(b, copy + at, size - at < piece ? size - at : piece);
  for (const struct qp_record *r; (r = qp_blocks_peek(b)); qp_blocks_take(b)) {
    s.records++;
    s.at = s.at * 31 + r->at;
    if (r->at >= size)
      abort();
  }
  qp_blocks_interfaces(b, &s.interfaces);
  qp_blocks_free(b);
  free(copy);
  return s;
}

static void read_frames(const uint8_t *data, size_t size) {
  struct qp_capture *c;
  struct qp_frame frame;
  struct qp_udp udp;
  char err[256];
  volatile uint8_t sink = 0;
  if (qp_capture_open(memory_file(data, size), 0, NULL, NULL, &c, err, sizeof err))
    return;
  while (qp_capture_next(c, &frame, err, sizeof err) == 1)
    if (qp_udp_parse(&frame, &udp) == QP_UDP && udp.len)
      sink = (uint8_t)(sink + udp.payload[0] + udp.payload[udp.len - 1]);
  qp_capture_close(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct sum whole = walk(data, size, size + 1), bytes = walk(data, size, 1),
             some = walk(data, size, 13);
  if (memcmp(&whole, &bytes, sizeof whole) || memcmp(&whole, &some, sizeof whole))
    abort();
  read_frames(data, size);
  return 0;
}
