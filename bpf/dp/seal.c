#include "bpf/dp/seal.h"

#include "bpf/dp/protect.h"

PORT_GLOBAL int dp_has_key(port_t *p, __u32 key_slot, __u32 protection, __u64 next) {
  if (protection == FB_PROTECT_NONE)
    return 1;
  if (protection > FB_PROTECT_AES128GCM || !port_protects(p, protection))
    return 0;
  const struct fb_key *key = port_key(p, key_slot);
  return key && dp_key_good(key, port_load(p, &key->generation), protection) && next >= key->from &&
         next < key->until;
}
