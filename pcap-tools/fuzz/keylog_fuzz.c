/* Any text as a key log: what is found was added, and each secret makes keys or is
 * refused. */
#include <string.h>

#include "pcap-tools/decrypt/keylog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint16_t suites[] = {QP_AES_128_GCM, QP_AES_256_GCM, QP_CHACHA20_POLY1305,
                                    QP_AES_128_CCM};
  struct qp_keylog log = {0};
  qp_keylog_add(&log, (const char *)data, size);
  if (log.bad_lines && log.bad_at >= size)
    __builtin_trap();
  for (size_t i = 0; i < log.n && i < 8; i++) {
    const struct qp_secrets *s = qp_keylog_find(&log, log.entries[i].random);
    if (s != &log.entries[i])
      __builtin_trap();
    for (int k = 0; k < QP_SECRET_COUNT; k++) {
      struct qp_keys keys = {0};
      bool good = s->secret[k].len && !qp_keys_derive(&keys, i % 2 ? QP_VERSION_1 : QP_VERSION_2,
                                                      suites[(i + (size_t)k) % 4], &s->secret[k]);
      if (good != keys.ready)
        __builtin_trap();
      qp_keys_clear(&keys);
    }
  }
  qp_keylog_clear(&log);
  return 0;
}
