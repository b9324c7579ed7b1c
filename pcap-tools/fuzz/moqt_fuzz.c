/* Any bytes as MoQT: control messages, stream headers, objects, datagrams. A parser that
 * took n bytes takes the same n of any longer piece, and asks for more of a shorter one. */
#include <string.h>

#include "pcap-tools/dissect/media.h"
#include "pcap-tools/dissect/moqt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
  if (!good)
    __builtin_trap();
}

typedef int parser(const uint8_t *p, size_t len);

static int message(const uint8_t *p, size_t len) {
  struct qp_moq_message m;
  const char *why = NULL;
  int used = qp_moq_message(p, len, &m, &why);
  must(used >= 0 || why != NULL);
  if (used > 0) {
    must(m.len == (size_t)used && qp_moq_name(m.type)[0] != 0);
    must(!m.full_name_len || (m.full_name >= p && m.full_name + m.full_name_len <= p + used));
    must(!m.name_len || (m.name >= p && m.name + m.name_len <= p + used));
  }
  return used;
}

static int uni(const uint8_t *p, size_t len) {
  struct qp_subgroup h;
  enum qp_uni kind;
  const char *why = NULL;
  int used = qp_uni_header(p, len, &kind, &h, &why);
  must(used >= 0 || why != NULL);
  return used;
}

static int object(const uint8_t *p, size_t len) {
  struct qp_object_header o;
  return qp_object_header(p, len, true, &o);
}

static int payload(const uint8_t *p, size_t len) {
  struct qp_object_payload o;
  const char *why = NULL;
  return qp_object_payload(p, len, &o, &why);
}

static void by_pieces(parser *parse, const uint8_t *data, size_t size) {
  int whole = parse(data, size);
  must(whole <= (int)size);
  for (size_t len = 0; whole > 0 && len < size && len < (size_t)whole + 16; len++) {
    int part = parse(data, len);
    must(len < (size_t)whole ? part == 0 : part == whole);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static parser *const parsers[] = {message, uni, object, payload};
  struct qp_moq_datagram d;
  const char *why = NULL;
  if (size > 70000)
    return 0;
  for (size_t i = 0; i < sizeof parsers / sizeof *parsers; i++)
    by_pieces(parsers[i], data, size);
  if (qp_moq_datagram(data, size, &d, &why))
    must(d.padding || !d.len || (d.payload >= data && d.payload + d.len == data + size));
  else
    must(why != NULL);
  return 0;
}
