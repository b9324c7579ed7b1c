/* The program on a real interface: copies leave by bpf_clone_redirect(), the original
 * arrives at its socket. What a capture sees must equal what the native datapath makes.
 *
 * Two network namespaces: this process's own holds publisher and subscribers (v0, d1), a
 * child's the relay (v1, d0). Both go away with their processes. */
#include "bpf/t/world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SUBSCRIBERS 3
#define WAIT_MS     10000

/* One packet of the story: how it is sent, and what the relay's socket must get. */
struct step {
  int family;
  enum checksum checksum; /* CHECKSUM_PSEUDO: by a socket, with the checksum left to the device */
  struct piece payload;
};

static struct step story[6];
#define STEPS (sizeof(story) / sizeof(story[0]))

/* What the story's packets, and the copies, are sealed with. */
static enum fb_protection cipher;

static void tell_story(void) {
  static struct secret publisher;
  publisher = world_up_secret(&(struct world){.seal = cipher}, 0);
  packet_seal_with(&publisher);
  struct piece d = datagram(cat(object(1, 0, 3, 4), bytes(50, 1)));
  story[0] = (struct step){
      4, CHECKSUM_GOOD,
      packet_payload(
          PACKET(.pn = 0, FRAMES(ping(), stream(2, 0, cat(subgroup(1, 9), bytes(900, 1))), d)))};
  story[1] =
      (struct step){4, CHECKSUM_PSEUDO,
                    packet_payload(PACKET(.pn = 1, FRAMES(stream_fin(2, 903, bytes(1100, 7)))))};
  story[2] =
      (struct step){4, CHECKSUM_PSEUDO, packet_payload(PACKET(.pn = 2, FRAMES(d, ack(7, 1), d)))};
  story[3] = (struct step){4, CHECKSUM_GOOD,
                           packet_payload(PACKET(.pn = 2, FRAMES(d)))}; /* a duplicate: no copy */
  story[4] =
      (struct step){4, CHECKSUM_GOOD, packet_payload(PACKET(.pn = 3, .pn_len = 1, FRAMES(d)))};
  story[5] = (struct step){6, CHECKSUM_GOOD,
                           packet_payload(PACKET(.pn = 4, FRAMES(d)))}; /* wrong path: no copy */
}

static int command(const char *fmt, ...) {
  char line[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(line, sizeof(line), fmt, ap);
  va_end(ap);
  return system(line);
}

static struct world *native_world(void) {
  return cipher ? world_native_sealed(cipher) : world_native(NULL);
}
static struct world *live_world(const char **why) {
  return cipher ? world_live_sealed(cipher, why) : world_live(why);
}

static void populate(struct world *w, uint32_t ifindex) {
  world_begin(w, 4);
  for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
    struct fb_subscriber v = world_subscriber(i, 4);
    v.ifindex = ifindex;
    world_add(w, i, &v);
  }
}

/* ---- the relay's side -------------------------------------------------------------- */

static int udp_socket(int family, int port) {
  int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0), on = 1;
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  if (family == 6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  if (family == 4 ? bind(fd, (void *)&v4, sizeof(v4)) : bind(fd, (void *)&v6, sizeof(v6)))
    return -1;
  return fd;
}

/* Every packet of the story must arrive at its socket as it was sent. 0 = all did. */
static int originals_arrive(const int fds[2]) {
  for (size_t i = 0; i < STEPS; i++) {
    uint8_t got[2048];
    struct pollfd p = {.fd = fds[story[i].family == 6], .events = POLLIN};
    if (poll(&p, 1, WAIT_MS) != 1)
      return (int)i + 1;
    ssize_t n = recv(p.fd, got, sizeof(got), 0);
    if (n != (ssize_t)story[i].payload.len || memcmp(got, story[i].payload.bytes, (size_t)n) != 0)
      return (int)i + 1;
  }
  return 0;
}

/* Tells on `out` that it is in its namespace, waits on `in` for its interfaces, and so on. */
static int relay_side(int in, int out) {
  char c;
  const char *why;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (unshare(CLONE_NEWNET) || write(out, "n", 1) != 1 || read(in, &c, 1) != 1)
    return 101;
  if (command(
          "ip link set lo up && ip link set v1 address 02:00:00:00:00:01 up && ip link set d0 up &&"
          "ip addr add 10.0.0.1/24 dev v1 && ip addr add fd00::1/64 dev v1 nodad &&"
          "ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev v1"))
    return 102;
  struct world *w = live_world(&why);
  if (!w)
    return 103;
  populate(w, if_nametoindex("d0"));
  world_live_attach(w, (int)if_nametoindex("v1"));
  int fds[2] = {udp_socket(4, WORLD_PORT), udp_socket(6, WORLD_PORT)};
  if (fds[0] < 0 || fds[1] < 0 || write(out, "r", 1) != 1)
    return 104;
  int missing = originals_arrive(fds);
  world_free(w);
  return missing;
}

/* ---- publisher's and subscribers' side ------------------------------------------------ */

static int packet_socket(const char *dev) {
  struct sockaddr_ll at = {.sll_family = AF_PACKET,
                           .sll_protocol = htons(ETH_P_ALL),
                           .sll_ifindex = (int)if_nametoindex(dev)};
  int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (void *)&at, sizeof(at)), 0);
  return fd;
}

static struct piece frame_of(const struct step *s) {
  struct fb_path path = publisher_path(s->family);
  return ethernet(&path, s->payload, s->checksum);
}

static void send_step(const struct step *s, int raw, int udp) {
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons(WORLD_PORT), .sin_addr.s_addr = htonl(0x0a000001)};
  struct piece f = frame_of(s);
  if (s->checksum == CHECKSUM_PSEUDO)
    assert_int_equal(sendto(udp, s->payload.bytes, s->payload.len, 0, (void *)&to, sizeof(to)),
                     s->payload.len);
  else
    assert_int_equal(send(raw, f.bytes, f.len, 0), f.len);
}

/* The next copy that arrives at d1; other traffic of the machine is not counted. */
static size_t next_copy(int sink, uint8_t *frame, size_t room) {
  for (;;) {
    struct pollfd p = {.fd = sink, .events = POLLIN};
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    ssize_t n = recv(sink, frame, room, 0);
    if (n > 42 && frame[0] == 2 && frame[3] == 1 && frame[12] == 8)
      return (size_t)n;
  }
}

static void expect_copies(struct world *w, const struct step *s, int sink) {
  send_frame(w, frame_of(s));
  for (size_t i = 0; i < w->n_copies; i++) {
    struct copy got = w->copies[i];
    got.len = next_copy(sink, got.frame, sizeof(got.frame));
    if (w->seal)
      world_open_copy(w, &got);
    assert_int_equal(got.len, w->copies[i].len);
    assert_memory_equal(got.frame, w->copies[i].frame, got.len);
  }
}

static void network(pid_t child) {
  assert_int_equal(
      command(
          "ip link add v0 type veth peer name v1 netns %d && ip link add d1 type veth peer name d0 "
          "netns %d &&"
          "ip link set lo up && ip link set v0 address 02:00:00:00:00:02 up && ip link set d1 up &&"
          "ip addr add 10.0.0.2/24 dev v0 && ip addr add fd00::2/64 dev v0 nodad &&"
          "ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev v0",
          child, child),
      0);
}

static void copies_leave_and_originals_arrive(void) {
  int to_child[2], from_child[2], status = 0;
  char c;
  if (geteuid() != 0) {
    print_message("skipped: needs root for network namespaces and BPF programs\n");
    skip();
  }
  tell_story();
  assert_int_equal(unshare(CLONE_NEWNET), 0);
  assert_int_equal(pipe(to_child) | pipe(from_child), 0);
  pid_t child = fork();
  if (child == 0)
    _exit(relay_side(to_child[0], from_child[1]));
  assert_int_equal(read(from_child[0], &c, 1), 1);
  network(child);
  int sink = packet_socket("d1"), raw = packet_socket("v0"), udp = udp_socket(4, 20000);
  assert_true(udp >= 0);
  assert_int_equal(write(to_child[1], "i", 1), 1);
  close(from_child[1]);
  assert_int_equal(read(from_child[0], &c, 1), 1); /* ready, or the child has ended */
  struct world *w = native_world();
  populate(w, 1);
  for (size_t i = 0; i < STEPS; i++) {
    send_step(&story[i], raw, udp);
    expect_copies(w, &story[i], sink);
  }
  assert_true(w->seen_reasons >> FB_PKT_DUPLICATE & 1);
  assert_int_equal(counters_of(w, SUBSCRIBERS - 1)->copies, 4);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  world_free(w);
}

static void with_null_aead(void **state) {
  (void)state;
  cipher = FB_PROTECT_NONE;
  copies_leave_and_originals_arrive();
}

static void with_chacha20(void **state) {
  (void)state;
  cipher = FB_PROTECT_CHACHA20;
  copies_leave_and_originals_arrive();
}

static void with_aes128gcm(void **state) {
  (void)state;
  cipher = FB_PROTECT_AES128GCM;
  copies_leave_and_originals_arrive();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(with_null_aead),
                                     cmocka_unit_test(with_chacha20),
                                     cmocka_unit_test(with_aes128gcm)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
