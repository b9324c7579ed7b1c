/* What one copy costs in the kernel's datapath, unsealed and sealed: one table on stdout.
 *
 *   copies [BYTES]      UDP payload of the packet [1200]
 *
 * A packet to 1, 8 and 64 subscribers through the whole program by BPF_PROG_TEST_RUN; copies go
 * into a map instead of out of an interface, so clone and transmission, which are the same for
 * all, are not in it. Each figure is the lower quartile of some hundred packets: ns a copy, the
 * packet's own work divided among them. */
#include "bpf/t/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PACKETS 400

static size_t payload_len = 1200;

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* Both ciphers alternate among a sealed world's subscribers: here all get the publisher's. */
static void populate(struct world *w, uint32_t subscribers) {
  world_begin(w, 4);
  for (uint32_t i = 0; i < subscribers; i++) {
    struct fb_subscriber v = world_subscriber(w->seal ? 2 * i : i, 4);
    world_add(w, w->seal ? 2 * i : i, &v);
  }
}

/* ns of a packet; with or without keystreams made ahead. */
static uint64_t packet(struct world *w, uint32_t subscribers, bool fed) {
  static uint64_t ns[PACKETS];
  size_t n = 0;
  populate(w, subscribers);
  for (uint64_t pn = 1; pn <= PACKETS; pn++) {
    struct piece d = datagram_rest(cat(object(1, 1, 3, 4), bytes(payload_len - 46, (uint8_t)pn)));
    struct piece payload = packet_payload(PACKET(.pn = pn, FRAMES(d)));
    struct fb_path path = publisher_path(4);
    struct piece frame = ethernet(&path, payload, CHECKSUM_GOOD);
    if (fed)
      world_feed_up(w, 0, 0, pn);
    for (uint32_t i = 0; fed && i < subscribers; i++)
      world_feed_down(w, 2 * i, counters_of(w, 2 * i)->next_pn);
    w->n_copies = w->n_records = 0;
    if (w->ops->run(w, &frame, false) != FB_PKT_FANNED || w->n_copies != subscribers)
      fail_msg("a packet to %u subscribers was copied %zu times", subscribers, w->n_copies);
    w->ops->drain(w);
    ns[n++] = w->ns;
  }
  qsort(ns, n, sizeof(ns[0]), compare);
  return ns[n / 4];
}

static void row(const char *name, struct world *w, bool fed, uint64_t first[3], bool is_first) {
  static const uint32_t counts[3] = {1, 8, 64};
  printf("%-36s", name);
  for (int i = 0; i < 3; i++) {
    uint64_t ns = packet(w, counts[i], fed) / counts[i];
    if (is_first)
      first[i] = ns;
    printf(" %7llu %5.2f", (unsigned long long)ns, (double)ns / (double)first[i]);
    fflush(stdout);
  }
  printf("\n");
}

int main(int argc, char **argv) {
  const char *why = NULL;
  if (argc > 1)
    payload_len = (size_t)strtoul(argv[1], NULL, 10);
  if (argc > 2 || payload_len < 100 || payload_len > FB_MAX_PAYLOAD) {
    fprintf(stderr, "copies: expected BYTES, 100 to %d; found \"%s\"\n", FB_MAX_PAYLOAD,
            argv[argc - 1]);
    return 2;
  }
  struct world *none = world_kernel(NULL, &why);
  if (!none) {
    printf("copies in the kernel: %s\n", why);
    return 0;
  }
  uint64_t first[3] = {0};
  printf("%zu bytes, ns a copy and ratio, no clone %4s %13s %13s\n", payload_len, "1", "8", "64");
  row("none", none, false, first, true);
  world_free(none);
  for (enum fb_protection c = FB_PROTECT_CHACHA20; c <= FB_PROTECT_AES128GCM; c++) {
    const char *name = c == FB_PROTECT_CHACHA20 ? "chacha20" : "aes128gcm";
    char line[64];
    struct world *w = world_kernel_sealed(c, &why);
    assert_non_null(w);
    snprintf(line, sizeof(line), "%s, keystreams ahead", name);
    row(line, w, true, first, false);
    snprintf(line, sizeof(line), "%s, none ahead", name);
    row(line, w, false, first, false);
    world_free(w);
  }
  return 0;
}
