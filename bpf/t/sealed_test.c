/* The table of fixtures again, all packets sealed: natively and in the kernel, with either
 * cipher at the publisher and both at the subscribers. And what only sealed packets have. */
#include "bpf/t/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct fixture *const tables[] = {fixtures_packet, fixtures_copy, fixtures_stream,
                                               fixtures_choose, fixtures_none, fixtures_sealed};
static const enum fb_protection ciphers[] = {FB_PROTECT_CHACHA20, FB_PROTECT_AES128GCM};
#define CIPHERS 2
static struct world *native[CIPHERS], *kernel[CIPHERS];

/* What these tell is about the null AEAD. */
static bool concerns(const struct fixture *f) {
  static const char *const not_these[] = {"wrong path", "upstream state"};
  for (size_t i = 0; i < sizeof(not_these) / sizeof(not_these[0]); i++)
    if (strcmp(f->name, not_these[i]) == 0)
      return false;
  return true;
}

static void run_fixture(struct world *w, const struct fixture *f) {
  print_message("           %s: %s\n", w->ops->name, f->name);
  f->run(w);
  world_end(w);
}

static void each_fixture(struct world *a, struct world *b) {
  for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
    for (const struct fixture *f = tables[t]; f->name; f++) {
      if (!concerns(f))
        continue;
      run_fixture(a, f);
      if (!b)
        continue;
      run_fixture(b, f);
      assert_int_equal(a->transcript.len, b->transcript.len);
      assert_memory_equal(a->transcript.bytes, b->transcript.bytes, a->transcript.len);
    }
}

static void natively(void **state) {
  (void)state;
  for (size_t c = 0; c < CIPHERS; c++)
    each_fixture(native[c], NULL);
}

static void in_the_kernel_just_the_same(void **state) {
  (void)state;
  for (size_t c = 0; c < CIPHERS; c++) {
    const char *why = NULL;
    kernel[c] = world_kernel_sealed(ciphers[c], &why);
    if (!kernel[c]) {
      print_message("skipped: %s\n", why);
      skip();
    }
    each_fixture(native[c], kernel[c]);
  }
}

/* A bug that is put back hurts what it should, not the seal: header and number may be of any
 * width, the ID another's. The world opens each copy. */
static void defects_are_sealed_too(void **state) {
  static const struct fb_defects defects[] = {{.pn_shrunk = 1},       {.short_pn = 1},
                                              {.shared_cid = 1},      {.one_address = 1},
                                              {.copy_all_frames = 1}, {.any_address = 1}};
  (void)state;
  for (size_t i = 0; i < sizeof(defects) / sizeof(defects[0]); i++) {
    struct world *w = world_native_sealed(FB_PROTECT_AES128GCM);
    w->defects = defects[i];
    world_begin(w, 4);
    world_join(w, 0, 4);
    for (int pn_len = 1; pn_len <= 4; pn_len++)
      assert_int_equal(
          send_packet(w, PACKET(.pn = (uint64_t)pn_len, .pn_len = pn_len,
                                FRAMES(ping(), datagram(object(1, 0, 3, 4)), padding(100)))),
          FB_PKT_FANNED);
    assert_int_equal(w->n_copies, 4);
    world_free(w);
  }
}

/* A process that has a better cipher than bpf/crypt uses that one. */
static void by_the_process_itself(void **state) {
  (void)state;
  for (size_t c = 0; c < CIPHERS; c++) {
    struct world *w = world_native_sealed(ciphers[c]);
    w->own_aead = true;
    for (size_t t = 0; t < 4; t++) /* all but those about keystreams */
      for (const struct fixture *f = tables[t]; f->name; f++)
        if (concerns(f))
          run_fixture(w, f);
    world_begin(w, 4);
    world_join(w, 0, 3);
    assert_int_equal(send_packet(w, PACKET(.pn = 1, FRAMES(datagram(object(1, 0, 3, 4))))),
                     FB_PKT_FANNED);
    assert_int_equal(w->n_copies, 3);
    assert_int_equal(counters_of(w, 0)->ks_ready, 0); /* though it was there */
    assert_int_equal(counters_of(w, 0)->ks_computed, 1);
    world_free(w);
  }
}

static int setup(void **state) {
  (void)state;
  for (size_t c = 0; c < CIPHERS; c++)
    native[c] = world_native_sealed(ciphers[c]);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  for (size_t c = 0; c < CIPHERS; c++) {
    world_free(native[c]);
    world_free(kernel[c]);
  }
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(natively), cmocka_unit_test(in_the_kernel_just_the_same),
      cmocka_unit_test(defects_are_sealed_too), cmocka_unit_test(by_the_process_itself)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
