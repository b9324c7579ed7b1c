/* What packet protection costs, natively and in the kernel: one table on stdout.
 *
 *   crypt [BYTES]       of the payload [1200]
 *
 * One row a step: ns in this process and in the kernel (BPF_PROG_TEST_RUN less an empty
 * program), the least of several tries, each of thousands of runs, processor time. "spread" goes round 64
 * keys, as a packet to 64 subscribers does. Ratios are the figures; ns are this machine's. */
#include "bpf/crypt/key.h"
#include "bpf/t/crypt_world.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "crypt_kfunc.skel.h"

#define TRIES 9
#define RUNS  4000

static uint32_t payload_len = 1200;

static uint64_t least(const uint64_t *v, size_t n) {
  uint64_t min = v[0];
  for (size_t i = 1; i < n; i++)
    min = v[i] < min ? v[i] : min;
  return min;
}

/* ---- our steps ---------------------------------------------------------------------------- */

static void prepare(struct crypt_world *w, enum fb_protection cipher) {
  struct crypt_io *io = w->io;
  memset(io, 0, sizeof(*io));
  for (uint32_t i = 0; i < CRYPT_KEYS; i++) {
    uint8_t secret[32] = {(uint8_t)i, 7}, iv[12] = {1};
    io->key.generation = 1 + i;
    crypt_key_fill(&io->key, &io->tables[i], cipher, secret, secret, iv);
    crypt_keystream_fill(&io->keystreams[i], &io->key, i);
  }
  io->span = CRYPT_SPAN(CRYPT_HEAD + 13, payload_len);
  io->at = CRYPT_HEAD + 13;
}

/* ns of one step, the way there taken off. */
static uint64_t cost(struct crypt_world *w, enum crypt_step_name step, bool spread) {
  uint64_t with[TRIES], without[TRIES];
  w->io->spread = spread;
  crypt_time(w, step, RUNS / 4);
  for (int i = 0; i < TRIES; i++) {
    without[i] = crypt_time(w, CRYPT_NOTHING, RUNS);
    with[i] = crypt_time(w, step, RUNS);
  }
  uint64_t a = least(with, TRIES), b = least(without, TRIES);
  return a > b ? a - b : 0;
}

struct figures {
  uint64_t native, kernel;
};

static struct figures row(struct crypt_world *n, struct crypt_world *k, const char *name,
                          enum fb_protection cipher, enum crypt_step_name step, bool spread) {
  struct figures f = {0};
  prepare(n, cipher);
  f.native = cost(n, step, spread);
  printf("%-44s %8llu", name, (unsigned long long)f.native);
  if (k) {
    prepare(k, cipher);
    f.kernel = cost(k, step, spread);
    printf(" %8llu\n", (unsigned long long)f.kernel);
  } else {
    printf("        -\n");
  }
  fflush(stdout);
  return f;
}

/* ---- theirs ------------------------------------------------------------------------------- */

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A whole seal by wolfSSL, as the user path would do it. */
static uint64_t wolfssl(enum fb_protection cipher) {
  static uint8_t in[2048], out[2048], key[32] = {7}, iv[12], aad[13], tag[16];
  uint64_t tries[TRIES];
  Aes aes;
  assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
  assert_int_equal(wc_AesGcmSetKey(&aes, key, 16), 0);
  for (int t = 0; t < TRIES; t++) {
    uint64_t begin = now_ns();
    for (int i = 0; i < RUNS; i++) {
      iv[0] = (uint8_t)i;
      if (cipher == FB_PROTECT_CHACHA20)
        wc_ChaCha20Poly1305_Encrypt(key, iv, aad, sizeof(aad), in, payload_len, out, tag);
      else
        wc_AesGcmEncrypt(&aes, out, in, payload_len, iv, 12, tag, 16, aad, sizeof(aad));
    }
    tries[t] = (now_ns() - begin) / RUNS;
  }
  wc_AesFree(&aes);
  return least(tries, TRIES);
}

/* AES-ECB over `bytes` by the kernel's cipher, empty program taken off; 0: not here. */
static uint64_t kfunc(struct crypt_kfunc *skel, uint32_t bytes, uint64_t empty) {
  uint8_t frame[64] = {0};
  uint64_t tries[TRIES];
  struct bpf_test_run_opts opts = {
      .sz = sizeof(opts), .data_in = frame, .data_size_in = sizeof(frame), .repeat = RUNS / 4};
  skel->bss->length = bytes;
  for (int i = 0; i < TRIES; i++) {
    if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.encrypt), &opts) || skel->bss->result)
      return 0;
    tries[i] = opts.duration;
  }
  uint64_t ns = least(tries, TRIES);
  return ns > empty ? ns - empty : 0;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args) {
  (void)level, (void)format, (void)args;
  return 0;
}

static void kfuncs(struct crypt_world *kernel, struct figures mask, struct figures keystream) {
  libbpf_set_print(quiet);
  struct crypt_kfunc *skel = kernel ? crypt_kfunc__open_and_load() : NULL;
  uint32_t whole = (payload_len + 31) / 16 * 16; /* and the block of E(J0) */
  if (!skel) {
    printf("bpf_crypto_encrypt(): not here\n");
    return;
  }
  struct bpf_test_run_opts opts = {.sz = sizeof(opts)};
  uint64_t empty = crypt_time(kernel, CRYPT_NOTHING, RUNS), one = 0, all = 0;
  if (!bpf_prog_test_run_opts(bpf_program__fd(skel->progs.make), &opts) && !skel->bss->result) {
    one = kfunc(skel, 16, empty);
    all = kfunc(skel, whole, empty);
  }
  if (one && all) {
    printf("%-44s          %8llu\n", "bpf_crypto_encrypt(), ecb(aes), 16 bytes",
           (unsigned long long)one);
    printf("%-44s          %8llu\n", "the same, a whole keystream", (unsigned long long)all);
    printf("  kernel's cipher / ours: mask %.2f, keystream %.2f\n",
           (double)one / (double)mask.kernel, (double)all / (double)keystream.kernel);
  } else {
    printf("bpf_crypto_encrypt(): the kernel has no ecb(aes), error %d\n", skel->bss->result);
  }
  crypt_kfunc__destroy(skel);
}

/* ---- the table ------------------------------------------------------------------------------ */

static void ratio(const char *name, uint64_t a, uint64_t b) {
  if (a && b)
    printf("  %-60s %6.2f\n", name, (double)a / (double)b);
}

static void memory(const char *name, uint32_t protect) {
  for (uint32_t down = 64; down <= 128; down *= 2)
    printf("  %-12s %3u keystreams: %4llu KiB a subscriber\n", name, down,
           (unsigned long long)fb_key_memory(protect, down) >> 10);
}

static void table(struct crypt_world *n, struct crypt_world *k) {
  printf("%u bytes, ns of one %29s %8s %8s\n", payload_len, "", "process", "kernel");
  const enum fb_protection c = FB_PROTECT_CHACHA20, a = FB_PROTECT_AES128GCM;
  struct figures cs = row(n, k, "chacha20: seal, keystream there", c, CRYPT_CHACHA20_SEAL, false);
  struct figures cw = row(n, k, "  round 64 keys", c, CRYPT_CHACHA20_SEAL, true);
  row(n, k, "chacha20: open, keystream there", c, CRYPT_CHACHA20_OPEN, false);
  struct figures cm = row(n, k, "chacha20: header protection", c, CRYPT_CHACHA20_MASK, false);
  struct figures ck = row(n, k, "chacha20: keystream", c, CRYPT_CHACHA20_KEYSTREAM, false);
  struct figures as = row(n, k, "aes128gcm: seal, keystream there", a, CRYPT_GCM_SEAL, false);
  struct figures aw = row(n, k, "  round 64 keys", a, CRYPT_GCM_SEAL, true);
  row(n, k, "aes128gcm: open, keystream there", a, CRYPT_GCM_OPEN, false);
  struct figures am = row(n, k, "aes128gcm: header protection", a, CRYPT_AES_MASK, false);
  struct figures ak = row(n, k, "aes128gcm: keystream", a, CRYPT_AES_KEYSTREAM, false);
  kfuncs(k, am, ak);
  uint64_t wc = wolfssl(c), wa = wolfssl(a);
  printf("%-44s %8llu\n", "wolfSSL: chacha20-poly1305, all of it", (unsigned long long)wc);
  printf("%-44s %8llu\n", "wolfSSL: aes-128-gcm, all of it", (unsigned long long)wa);
  printf("a copy in the kernel\n");
  ratio("chacha20: keystream worked out / there", cs.kernel + cm.kernel + (k ? ck.kernel : 0),
        cs.kernel + cm.kernel);
  ratio("aes128gcm: keystream worked out / there", as.kernel + am.kernel + ak.kernel,
        as.kernel + am.kernel);
  ratio("keystream there: aes128gcm / chacha20", as.kernel + am.kernel, cs.kernel + cm.kernel);
  ratio("the same, round 64 keys", aw.kernel + am.kernel, cw.kernel + cm.kernel);
  ratio("chacha20, keystream there / wolfSSL, all of it", cs.kernel + cm.kernel, wc);
  ratio("aes128gcm, keystream there / wolfSSL, all of it", as.kernel + am.kernel, wa);
  printf("memory\n");
  memory("chacha20", 1u << FB_PROTECT_CHACHA20);
  memory("aes128gcm", 1u << FB_PROTECT_AES128GCM);
}

int main(int argc, char **argv) {
  const char *why = NULL;
  if (argc > 1)
    payload_len = (uint32_t)strtoul(argv[1], NULL, 10);
  if (argc > 2 || payload_len == 0 || payload_len > CRYPT_MAX_LEN) {
    fprintf(stderr, "crypt: expected BYTES, 1 to %d; found \"%s\"\n", CRYPT_MAX_LEN,
            argv[argc - 1]);
    return 2;
  }
  struct crypt_world *native = crypt_native(), *kernel = crypt_kernel(&why);
  if (!kernel)
    printf("kernel: %s\n", why);
  table(native, kernel);
  crypt_free(kernel);
  crypt_free(native);
  return 0;
}
