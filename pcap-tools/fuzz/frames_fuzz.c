/* Any bytes as the payload of a packet: frames follow each other without a gap, and lie
 * inside. The same bytes as handshake messages and as packet headers. */
#include "pcap-tools/dissect/frame.h"
#include "pcap-tools/dissect/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
  if (!good)
    __builtin_trap();
}

static void inside(const uint8_t *p, uint64_t len, const uint8_t *data, size_t size) {
  must(!len || (p >= data && p <= data + size && len <= (size_t)(data + size - p)));
}

static void frames(const uint8_t *data, size_t size) {
  struct qp_cur c = qp_cur(data, size);
  struct qp_quic_frame f;
  const char *why = NULL;
  size_t at = 0;
  int got;
  while ((got = qp_quic_frame_next(&c, &f, &why)) == 1) {
    struct qp_ack_walk walk = {0};
    uint64_t lo, hi, above = UINT64_MAX;
    must(f.start == data + at && f.len > 0);
    must(qp_frame_name(f.type)[0] != 0);
    at += f.len;
    while (f.kind == QP_F_ACK && qp_ack_next(&f, &walk, &lo, &hi)) {
      must(lo <= hi && hi < above); /* downwards, none twice */
      above = lo;
    }
    if (f.kind == QP_F_STREAM || f.kind == QP_F_CRYPTO)
      inside(f.stream.data, f.stream.len, data, size);
    if (f.kind == QP_F_DATAGRAM || f.kind == QP_F_NEW_TOKEN)
      inside(f.bytes.data, f.bytes.len, data, size);
  }
  must(got < 0 ? why != NULL : at == size);
}

static void headers(const uint8_t *data, size_t size) {
  struct qp_cur c = qp_cur(data, size);
  struct qp_header h;
  const char *why = NULL;
  while (qp_left(&c) && qp_header_long(&c, &h, &why)) {
    must(h.len > 0 && h.pn_at < h.len);
    inside(h.start, h.len, data, size);
    inside(h.token, h.token_len, data, size);
  }
  for (uint8_t n = 0; n <= QP_CID_MAX; n++) {
    struct qp_cur rest = qp_cur(data, size);
    must(!qp_header_short(&rest, n, &h, &why) || (h.len == size && h.pn_at == 1u + n));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct qp_hello hello = {0};
  frames(data, size);
  headers(data, size);
  must(qp_hello_message(&hello, data, size) <= size);
  return 0;
}
