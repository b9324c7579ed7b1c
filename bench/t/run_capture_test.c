/* From a wire to a pcapng file: every packet of sixteen interfaces, secrets in
 * front; and the writer's bytes against the format's own text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "bench/net/topology.h"
#include "bench/run/cage.h"
#include "bench/run/capture.h"
#include "bench/run/channel.h"
#include "bench/run/clock.h"
#include "bench/run/pcapng.h"
#include "bench/run/process.h"
#include "bench/t/scratch.h"

#define LEAVES 16
/* 16 x 4,000 packets of 1,100 bytes are 72 MB: less than the rings hold, so that none may
 * be lost even if the capture gets no CPU at all while they are sent. */
#define PACKETS 4000
#define PAYLOAD 1058
#define KEYS    "CLIENT_TRAFFIC_SECRET_0 00 11\nSERVER_TRAFFIC_SECRET_0 00 22\n"

static int put_file(void *arg, const void *data, size_t len) {
  return fwrite(data, 1, len, arg) == len ? 0 : -1;
}

static struct pcapng_sink sink_of(FILE *to) {
  return (struct pcapng_sink){.put = put_file, .arg = to};
}

static void blocks_are_as_the_format_says(void **state) {
  (void)state;
  char *text = NULL;
  size_t len = 0;
  FILE *to = open_memstream(&text, &len);
  assert_non_null(to);
  const struct pcapng_sink sink = sink_of(to);
  assert_int_equal(pcapng_begin(&sink, 228, "sim0", "x"), 0);
  assert_int_equal(pcapng_secrets(&sink, "#x\n", 3), 0);
  assert_int_equal(pcapng_packet(&sink, 1500000000, (const uint8_t *)"\1\2\3\4\5", 5, 9), 0);
  fclose(to);
  static const uint8_t expected[] = {
      /* section header: user application "x" */
      0x0a, 0x0d, 0x0d, 0x0a, 0x28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 4, 0, 1, 0, 'x', 0, 0, 0, 0, 0, 0, 0, 0x28, 0, 0, 0,
      /* interface: "sim0", nanoseconds */
      1, 0, 0, 0, 0x28, 0, 0, 0, 0xe4, 0, 0, 0, 0, 0, 0, 0, 2, 0, 4, 0, 's', 'i', 'm', '0', 9, 0, 1,
      0, 9, 0, 0, 0, 0, 0, 0, 0, 0x28, 0, 0, 0,
      /* secrets */
      0x0a, 0, 0, 0, 0x18, 0, 0, 0, 0x4b, 0x53, 0x4c, 0x54, 3, 0, 0, 0, '#', 'x', '\n', 0, 0x18, 0,
      0, 0,
      /* packet at 1.5 s: 5 bytes of 9 */
      6, 0, 0, 0, 0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x2f, 0x68, 0x59, 5, 0, 0, 0, 9, 0,
      0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 0x28, 0, 0, 0};
  assert_int_equal(len, sizeof expected);
  assert_memory_equal(text, expected, sizeof expected);
  free(text);
}

static void no_secrets_no_block(void **state) {
  (void)state;
  char *text = NULL;
  size_t len = 1;
  FILE *to = open_memstream(&text, &len);
  const struct pcapng_sink sink = sink_of(to);
  assert_int_equal(pcapng_secrets(&sink, NULL, 0), 0);
  fclose(to);
  assert_int_equal(len, 0);
  free(text);
}

static void a_full_disk_is_an_error(void **state) {
  (void)state;
  FILE *to = fopen("/dev/full", "wb");
  if (to == NULL) {
    print_message("needs /dev/full\n");
    skip();
  }
  setvbuf(to, NULL, _IONBF, 0);
  const struct pcapng_sink sink = sink_of(to);
  assert_int_equal(pcapng_begin(&sink, 1, "a", "b"), -1);
  fclose(to);
}

/* --- sixteen interfaces ---------------------------------------------------- */

struct star {
  struct plan plan;
  struct plan_node nodes[LEAVES + 1];
  struct plan_link links[LEAVES];
  char names[LEAVES + 1][16];
};

static void star_make(struct star *s) {
  for (int i = 0; i <= LEAVES; i++) {
    if (i == 0)
      strcpy(s->names[i], "relay");
    else
      snprintf(s->names[i], sizeof s->names[i], "sub.%d", (i - 1) & 0xff);
    s->nodes[i] = (struct plan_node){.name = s->names[i],
                                     .file_name = s->names[i],
                                     .host = (uint32_t)i,
                                     .role = i == 0 ? PLAN_RELAY : PLAN_SUBSCRIBER};
    if (i > 0)
      s->links[i - 1] = (struct plan_link){.a = 0, .b = i, .ip = 4, .mtu = 1500, .plain = true};
  }
  s->plan = (struct plan){.nodes = s->nodes,
                          .n_nodes = LEAVES + 1,
                          .n_hosts = LEAVES + 1,
                          .links = s->links,
                          .n_links = LEAVES};
}

/* In the relay's namespace: PACKETS to every leaf, in turn. */
static int flood(const struct topology *net) {
  char payload[PAYLOAD] = "";
  if (netns_enter(&net->hosts[0]) != 0)
    return -1;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (int i = 0; i < PACKETS; i++)
    for (int leaf = 0; leaf < LEAVES; leaf++) {
      struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
      inet_pton(AF_INET, net->links[leaf].pair.b.address, &to.sin_addr);
      /* no one listens there: the refusals that come back are no failure */
      if (sendto(fd, payload, sizeof payload, 0, (struct sockaddr *)&to, sizeof to) < 0 &&
          errno != ECONNREFUSED)
        return -1;
    }
  close(fd);
  return 0;
}

static bool is_ready(const struct process *p) {
  return p->ready;
}

static bool has_captured(const struct process *p) {
  return p->captured != NULL;
}

static int wait_for(struct process *p, bool (*test)(const struct process *)) {
  uint64_t until = clock_now() + 60 * CLOCK_S;
  while (!test(p)) {
    struct pollfd fd = {.fd = p->control, .events = POLLIN};
    json_t *message;
    poll(&fd, 1, 1000);
    enum channel_result got = channel_recv(p->control, &message);
    if (got == CHANNEL_CLOSED || clock_now() > until)
      return -1;
    if (got == CHANNEL_MESSAGE)
      process_heard(p, message);
    json_decref(message);
  }
  return 0;
}

/* Nobody listens on port 9; without an answer the captures hold what was sent. */
static int run_star(struct star *s, struct capture_set *set) {
  char err[512] = "";
  struct topology net;
  struct process p;
  if (topology_plan(&s->plan, &net, err, sizeof err) != 0 ||
      topology_build(&net, err, sizeof err) != 0 ||
      capture_plan(set, &s->plan, &net, err, sizeof err) != 0 ||
      capture_open(set, scratch, err, sizeof err) != 0) {
    fprintf(stderr, "%s\n", err);
    return 1;
  }
  const struct process_spec spec = {.name = "capture",
                                    .node = -1,
                                    .netns_fd = net.hosts[0].fd,
                                    .inside = capture_inside,
                                    .arg = set};
  if (process_start(&p, &spec, err, sizeof err) != 0 || wait_for(&p, is_ready) != 0)
    return 2;
  if (flood(&net) != 0)
    return 3;
  channel_send(p.control, json_pack("{s:s}", "do", "stop"));
  if (wait_for(&p, has_captured) != 0)
    return 4;
  capture_count(set, p.captured);
  if (capture_assemble(set, scratch, err, sizeof err) != 0) {
    fprintf(stderr, "%s\n", err);
    return 5;
  }
  for (size_t i = 0; i < set->n; i++)
    if (set->points[i].dropped != 0)
      return 6;
  return 0;
}

static int inside(void *arg, int up) {
  (void)up;
  struct capture_set set = {0};
  return run_star(arg, &set);
}

static uint32_t word_at(const uint8_t *at) {
  uint32_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

/* The blocks in order: header, interface, secrets, then packets, statistics last. */
static void assert_secrets_first(const char *path) {
  uint8_t head[4096];
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  size_t n = fread(head, 1, sizeof head, f);
  fclose(f);
  static const uint32_t types[] = {0x0A0D0D0A, 1, 0x0A, 6};
  size_t at = 0;
  for (size_t i = 0; i < 4; i++) {
    assert_true(at + 8 < n);
    assert_int_equal(word_at(head + at), types[i]);
    if (types[i] == 0x0A)
      assert_memory_equal(head + at + 16, KEYS, strlen(KEYS));
    at += word_at(head + at + 4);
  }
}

/* Packets to the leaf's port 9, and that time never runs backwards. */
static void assert_all_there(const char *path) {
  char why[PCAP_ERRBUF_SIZE];
  pcap_t *pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
  if (pcap == NULL)
    fail_msg("%s: %s", path, why);
  struct pcap_pkthdr *header;
  const u_char *data;
  int sent = 0, rc;
  while ((rc = pcap_next_ex(pcap, &header, &data)) == 1)
    sent += header->len == PAYLOAD + 42;
  assert_int_equal(rc, PCAP_ERROR_BREAK);
  assert_int_equal(sent, PACKETS);
  pcap_close(pcap);
}

static void sixteen_interfaces_lose_nothing(void **state) {
  (void)state;
  if (geteuid() != 0) {
    print_message("needs root\n");
    skip();
  }
  char path[128], err[256];
  static struct star star;
  struct cage cage;
  star_make(&star);
  snprintf(path, sizeof path, "%s/capture", scratch);
  assert_int_equal(mkdir(path, 0755), 0);
  snprintf(path, sizeof path, "%s/keys.log", scratch);
  FILE *keys = fopen(path, "w");
  fputs(KEYS, keys);
  fclose(keys);
  if (cage_start(&cage, inside, &star, err, sizeof err) != 0)
    fail_msg("%s", err);
  int status = cage_wait(&cage);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  for (int i = 0; i < LEAVES; i++) {
    snprintf(path, sizeof path, "%s/capture/relay-sub.%d.pcapng", scratch, i);
    assert_secrets_first(path);
    assert_all_there(path);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_are_as_the_format_says),
      cmocka_unit_test(no_secrets_no_block),
      cmocka_unit_test(a_full_disk_is_an_error),
      cmocka_unit_test(sixteen_interfaces_lose_nothing),
  };
  return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
