#include "relay/quic/seed.h"

#include <wolfssl/options.h>

#include <wolfssl/openssl/rand.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/random.h>

static qc_seed_fill *source;
static void *source_arg;

static int fill_seed(OS_Seed *os, byte *dest, word32 len) {
  (void)os;
  source(source_arg, dest, len);
  return 0;
}

/* The library's first initialisation sets its own seeder, and makes the generator
 * behind wolfSSL_RAND_bytes() with it: both must come before. That generator is made
 * anew at its next use. */
static int set(wc_RngSeed_Cb seeder) {
  if (wolfSSL_Init() != WOLFSSL_SUCCESS || wc_SetSeed_Cb(seeder) != 0)
    return -1;
  wolfSSL_RAND_Cleanup();
  return 0;
}

int qc_seed_from(qc_seed_fill *fill, void *arg) {
  source = fill;
  source_arg = arg;
  return set(fill_seed);
}

int qc_seed_from_system(void) {
  return set(WC_GENERATE_SEED_DEFAULT);
}

int qc_time_from(time_t (*now)(time_t *out)) {
  return wc_SetTimeCb(now) == 0 ? 0 : -1;
}
