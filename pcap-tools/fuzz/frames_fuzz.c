/* Any bytes as the payload of a packet, as a MoQT message, as stream data. */
#include "pcap-tools/dissect/frame.h"
#include "pcap-tools/dissect/hello.h"
#include "pcap-tools/dissect/media.h"
#include "pcap-tools/dissect/moqt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void frames(const uint8_t *data, size_t size) {
  struct qp_cur c = qp_cur(data, size);
  struct qp_quic_frame f;
  const char *why;
  while (qp_quic_frame_next(&c, &f, &why) == 1) {
    struct qp_ack_walk walk = {0};
    uint64_t lo, hi;
    while (f.kind == QP_F_ACK && qp_ack_next(&f, &walk, &lo, &hi))
      if (lo > hi)
        __builtin_trap();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct qp_moq_message m;
  struct qp_subgroup h;
  struct qp_moq_datagram d;
  struct qp_hello hello = {0};
  enum qp_uni kind;
  const char *why;
  frames(data, size);
  qp_moq_message(data, size, &m, &why);
  qp_uni_header(data, size, &kind, &h, &why);
  qp_moq_datagram(data, size, &d, &why);
  qp_hello_message(&hello, data, size);
  return 0;
}
