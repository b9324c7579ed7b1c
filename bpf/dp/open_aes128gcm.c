#include "bpf/dp/open_aead.h"

PORT_GLOBAL int dp_open_aes128gcm(port_t *p, struct dp_scratch *s) {
  return s ? dp_open_aead(p, s, FB_PROTECT_AES128GCM) : FB_PKT_LENGTH;
}
