#include "bench/t/run_fake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "bench/run/channel.h"
#include "bench/run/clock.h"

#define MAX_SOCKETS 80

struct fake {
  const char *role; /* "relay" "pub" "sub" */
  int control;
  const char *out, *node;
  const char *local, *remote;
  int sockets[MAX_SOCKETS];
  size_t n_sockets;
  uint64_t packets;
};

static bool told(const char *word) {
  const char *words = getenv("FAKE");
  return words != NULL && strstr(words, word) != NULL;
}

static socklen_t parse(const char *text, struct sockaddr_storage *to) {
  char host[INET6_ADDRSTRLEN + 2];
  const char *colon = strrchr(text, ':');
  if (colon == NULL)
    exit(3);
  snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
  memset(to, 0, sizeof *to);
  struct sockaddr_in *in = (struct sockaddr_in *)to;
  in->sin_family = AF_INET;
  in->sin_port = htons((uint16_t)atoi(colon + 1));
  if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
    exit(3);
  return sizeof *in;
}

static void open_socket(struct fake *f, const char *address) {
  struct sockaddr_storage at;
  socklen_t len = parse(address, &at);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0) {
    fprintf(stderr, "bind %s: %s\n", address, strerror(errno));
    exit(4);
  }
  f->sockets[f->n_sockets++] = fd;
}

static void load_bpf(const struct fake *f) {
  const struct bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT},
  };
  int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "fake", "GPL", insns, 2, NULL);
  struct bpf_prog_info info = {0};
  uint32_t len = sizeof info;
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/log/bpf-id", f->out);
  FILE *to = fopen(path, "w");
  if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) != 0 || to == NULL)
    exit(5);
  fprintf(to, "%u\n", info.id);
  fclose(to);
}

static void say(const struct fake *f, const char *ev) {
  channel_send(f->control, json_pack("{s:s}", "ev", ev));
}

static void publish(struct fake *f) {
  struct sockaddr_storage to;
  socklen_t len = parse(f->remote, &to);
  char payload[1000] = "payload";
  for (int i = 0; i < FAKE_PACKETS; i++)
    if (sendto(f->sockets[0], payload, sizeof payload, 0, (struct sockaddr *)&to, len) < 0)
      exit(6);
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/keys.log", f->out);
  FILE *keys = fopen(path, "a");
  if (keys == NULL)
    exit(6);
  fprintf(keys, "# a line of the key log\n");
  fclose(keys);
  channel_send(f->control, json_pack("{s:s, s:i, s:i, s:i}", "ev", "published", "objects",
                                     FAKE_PACKETS, "late_p99_ns", 1, "late_max_ns", 2));
}

static void heard(struct fake *f, const json_t *message) {
  const char *what = channel_text(message, "do");
  if (strcmp(what, "poll") == 0)
    channel_send(f->control, json_pack("{s:s, s:I, s:I, s:i, s:i, s:i}", "ev", "state", "objects",
                                       (json_int_t)f->packets, "last_rx_ns", (json_int_t)0,
                                       "connections", 0, "backlog", 0, "inflight", 0));
  else if (strcmp(what, "start") == 0 && strcmp(f->role, "pub") == 0)
    publish(f);
  else if (strcmp(what, "event") == 0) {
    bool ok = !(told("pub-refuses") && strcmp(f->role, "pub") == 0);
    channel_send(f->control, json_pack("{s:s, s:s, s:b}", "ev", "did", "kind",
                                       channel_text(message, "kind"), "ok", (int)ok));
    if (strcmp(channel_text(message, "kind"), "vanish") == 0)
      exit(0);
  } else if (strcmp(what, "stop") == 0 && !(told("relay-deaf") && strcmp(f->role, "relay") == 0)) {
    say(f, "bye");
    exit(0);
  }
}

static void hello(struct fake *f) {
  if (strcmp(f->role, "relay") == 0 && told("relay-bpf"))
    load_bpf(f);
  if (strcmp(f->role, "sub") == 0 && told("sub-garbage"))
    send(f->control, "hello", 5, 0);
  for (int i = 0; i < 1024 && strcmp(f->role, "sub") == 0 && told("sub-chatty"); i++)
    fprintf(stderr, "%01023d\n", i);
  if (!(strcmp(f->role, "relay") == 0 && told("relay-mute")))
    say(f, "ready");
  if (strcmp(f->role, "pub") == 0)
    say(f, "announced");
  if (strcmp(f->role, "sub") == 0)
    channel_send(f->control, json_pack("{s:s, s:i, s:i}", "ev", "answered", "ok", 1, "refused", 0));
}

static void turn(struct fake *f) {
  struct pollfd fds[MAX_SOCKETS + 1] = {{.fd = f->control, .events = POLLIN}};
  for (size_t i = 0; i < f->n_sockets; i++)
    fds[i + 1] = (struct pollfd){.fd = f->sockets[i], .events = POLLIN};
  if (poll(fds, (nfds_t)f->n_sockets + 1, -1) < 0)
    exit(8);
  char buf[2048];
  for (size_t i = 0; i < f->n_sockets; i++)
    while (recv(f->sockets[i], buf, sizeof buf, 0) > 0) {
      f->packets++;
      if (strcmp(f->role, "relay") == 0 && told("relay-dies")) {
        channel_send(f->control, json_pack("{s:s, s:s}", "ev", "error", "text", "on purpose"));
        exit(7);
      }
    }
  json_t *message;
  enum channel_result got = channel_recv(f->control, &message);
  if (got == CHANNEL_CLOSED)
    exit(9);
  if (got == CHANNEL_MESSAGE)
    heard(f, message);
  json_decref(message);
}

void fake_play(int argc, char **argv) {
  const char *name = strrchr(argv[0], '/') != NULL ? strrchr(argv[0], '/') + 1 : argv[0];
  struct fake f = {.control = -1};
  if (strcmp(name, "fanbench-relay") == 0)
    f.role = "relay";
  else if (strcmp(name, "fanbench-peer") != 0)
    return;
  for (int i = 1; i + 1 < argc; i++) { /* some options have no value */
    if (strcmp(argv[i], "--control") == 0)
      f.control = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--out") == 0)
      f.out = argv[i + 1];
    else if (strcmp(argv[i], "--node") == 0)
      f.node = argv[i + 1];
    else if (strcmp(argv[i], "--remote") == 0)
      f.remote = argv[i + 1];
    else if (strcmp(argv[i], "--local") == 0)
      open_socket(&f, argv[i + 1]);
    else if (strcmp(argv[i], "--port") == 0) {
      char all[32];
      snprintf(all, sizeof all, "0.0.0.0:%s", argv[i + 1]);
      open_socket(&f, all);
    }
  }
  if (f.role == NULL)
    f.role = f.node != NULL && strncmp(f.node, "pub", 3) == 0 ? "pub" : "sub";
  hello(&f);
  for (;;)
    turn(&f);
}

static char folder[] = "/tmp/fanbench-fake-XXXXXX";
static const char *const names[] = {"fanbench-relay", "fanbench-peer"};

const char *fake_bindir(void) {
  char self[PATH_MAX], path[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n < 0 || mkdtemp(folder) == NULL)
    abort();
  self[n] = '\0';
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    if (symlink(self, path) != 0)
      abort();
  }
  return folder;
}

void fake_bindir_remove(void) {
  char path[PATH_MAX];
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  rmdir(folder);
}
