#include "bench/run/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "bench/net/topology.h"
#include "bench/run/cage.h"
#include "bench/run/channel.h"

#define KERNEL_MAJOR 6 /* tcx links came with Linux 6.6 */
#define KERNEL_MINOR 6
#define RING_BYTES   (8 << 20) /* what the datapath has for each CPU */
#define BACKLOG_PATH "/proc/sys/net/core/netdev_max_backlog"

struct probes {
  struct probe *all;
  size_t n;
};

__attribute__((format(printf, 5, 6))) static void add(struct probes *to, const char *name, bool ok,
                                                      const char *todo, const char *fmt, ...) {
  struct probe *p = &to->all[to->n++];
  *p = (struct probe){.name = name, .ok = ok, .needed = true};
  snprintf(p->todo, sizeof p->todo, "%s", ok ? "" : todo);
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(p->found, sizeof p->found, fmt, ap);
  va_end(ap);
}

static void advice(struct probes *to) {
  to->all[to->n - 1].needed = false;
}

static void probe_root(struct probes *to) {
  bool root = geteuid() == 0;
  add(to, "root", root, "run it as root (sudo fanbench ...)", "user id %u", geteuid());
}

static void probe_kernel(struct probes *to) {
  struct utsname name = {0};
  int major = 0, minor = 0;
  uname(&name);
  bool ok = sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
            (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR));
  add(to, "kernel", ok, "use Linux 6.6 or newer (tcx links)", "%s %s", name.sysname, name.release);
}

/* --- tried inside a cage, so that nothing of it stays ---------------------- */

static void tell(int up, const char *name, bool ok, const char *found) {
  channel_send(up, json_pack("{s:s, s:b, s:s}", "name", name, "ok", (int)ok, "found", found));
}

/* Two hosts and a wire between them. */
static bool try_network(int up, struct topology *net) {
  static struct plan_node nodes[2] = {{.name = (char *)"a", .file_name = (char *)"a", .host = 0},
                                      {.name = (char *)"b", .file_name = (char *)"b", .host = 1}};
  static struct plan_link link = {.a = 0, .b = 1, .ip = 6, .mtu = 1500, .plain = true};
  const struct plan plan = {
      .nodes = nodes, .n_nodes = 2, .n_hosts = 2, .links = &link, .n_links = 1};
  char err[256] = "two hosts and an IPv6 link";
  bool ok =
      topology_plan(&plan, net, err, sizeof err) == 0 && topology_build(net, err, sizeof err) == 0;
  tell(up, "network", ok, err);
  return ok;
}

static int load_program(void) {
  const struct bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 /* TCX_NEXT */},
      {.code = BPF_JMP | BPF_EXIT},
  };
  return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "fanbench_probe", "GPL", insns, 2, NULL);
}

static void try_tcx(int up, const struct topology *net) {
  char found[256] = "a program on tcx ingress of a veth";
  int link = -1, program = load_program();
  if (program < 0)
    snprintf(found, sizeof found, "loading a program: %s", strerror(errno));
  else if (netns_enter(&net->hosts[0]) != 0 ||
           (link = bpf_link_create(program, net->links[0].pair.a.ifindex, BPF_TCX_INGRESS, NULL)) <
               0)
    snprintf(found, sizeof found, "attaching a program to tcx ingress: %s", strerror(errno));
  tell(up, "tcx", link >= 0, found);
  if (link >= 0)
    close(link);
  if (program >= 0)
    close(program);
}

static void try_ring(int up) {
  char found[256] = "a ring buffer of 8 MiB";
  int map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "fanbench_probe", 0, 0, RING_BYTES, NULL);
  if (map < 0)
    snprintf(found, sizeof found, "a ring buffer of 8 MiB: %s", strerror(errno));
  tell(up, "ringbuf", map >= 0, found);
  if (map >= 0)
    close(map);
}

static void try_capture(int up) {
  char found[256] = "a packet socket";
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0)
    snprintf(found, sizeof found, "a packet socket: %s", strerror(errno));
  tell(up, "capture", fd >= 0, found);
  if (fd >= 0)
    close(fd);
}

static int inside(void *arg, int up) {
  (void)arg;
  struct topology net = {0};
  libbpf_set_print(NULL);
  tell(up, "namespaces", true, "new PID, mount and network namespaces");
  if (try_network(up, &net))
    try_tcx(up, &net);
  try_ring(up);
  try_capture(up);
  topology_free(&net);
  return 0;
}

static const char *remedy(const char *name) {
  static const char *const remedies[][2] = {
      {"namespaces",
       "allow root to make PID, mount and network namespaces (a container needs "
       "--privileged)"},
      {"network", "use a kernel with veth and IPv6 (CONFIG_VETH, CONFIG_IPV6)"},
      {"tcx",
       "use a kernel with CONFIG_BPF_SYSCALL and CONFIG_NET_XGRESS; a container needs "
       "CAP_BPF and CAP_NET_ADMIN"},
      {"ringbuf", "raise the memory limit, or use a kernel with BPF ring buffers"},
      {"capture", "use a kernel with CONFIG_PACKET; a container needs CAP_NET_RAW"},
  };
  for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
    if (strcmp(remedies[i][0], name) == 0)
      return remedies[i][1];
  return "see the text in front";
}

static void heard(struct probes *to, const json_t *message) {
  static const char *const known[] = {"namespaces", "network", "tcx", "ringbuf", "capture"};
  const char *name = channel_text(message, "name");
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i], name) == 0 && to->n < PROBE_MAX)
      add(to, known[i], json_is_true(json_object_get(message, "ok")), remedy(name), "%s",
          channel_text(message, "found"));
  if (strcmp(channel_text(message, "ev"), "end") == 0) /* the cage could not be furnished */
    add(to, "namespaces", false, remedy("namespaces"), "%s", channel_text(message, "text"));
}

static void probe_in_cage(struct probes *to) {
  char err[256];
  struct cage cage;
  if (cage_start(&cage, inside, NULL, err, sizeof err) != 0) {
    add(to, "namespaces", false, remedy("namespaces"), "%s", err);
    return;
  }
  for (;;) {
    struct pollfd fd = {.fd = cage.fd, .events = POLLIN};
    json_t *message;
    poll(&fd, 1, -1);
    enum channel_result got = channel_recv(cage.fd, &message);
    if (got == CHANNEL_CLOSED)
      break;
    if (got == CHANNEL_MESSAGE)
      heard(to, message);
    json_decref(message);
  }
  cage_wait(&cage);
}

/* --- the rest ------------------------------------------------------------- */

static void probe_programs(struct probes *to, const char *bindir) {
  static const char *const names[] = {"fanbench-relay", "fanbench-peer", "fanbench-wire"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char *path = NULL;
    if (asprintf(&path, "%s/%s", bindir, names[i]) < 0)
      continue;
    bool ok = access(path, X_OK) == 0;
    add(to, names[i], ok, "build it (make build) and keep it beside fanbench", "%s%s", path,
        ok ? "" : " is not there or not executable");
    free(path);
  }
}

static long read_backlog(void) {
  long value = -1;
  FILE *f = fopen(BACKLOG_PATH, "re");
  if (f == NULL)
    return -1;
  if (fscanf(f, "%ld", &value) != 1)
    value = -1;
  fclose(f);
  return value;
}

int probe_raise_backlog(long *was) {
  *was = read_backlog();
  if (*was >= PROBE_BACKLOG)
    return 0;
  FILE *f = fopen(BACKLOG_PATH, "we");
  if (f == NULL)
    return -1;
  int rc = fprintf(f, "%d\n", PROBE_BACKLOG) > 0 ? 1 : -1;
  return fclose(f) == 0 ? rc : -1;
}

static void probe_backlog(struct probes *to) {
  long value = read_backlog();
  bool ok = value >= PROBE_BACKLOG || access(BACKLOG_PATH, W_OK) == 0;
  add(to, "backlog", ok, "set net.core.netdev_max_backlog to 20000 on the machine itself",
      "net.core.netdev_max_backlog is %ld; a run raises it to %d", value, PROBE_BACKLOG);
  advice(to);
}

static void probe_cpus(struct probes *to) {
  long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  add(to, "cpus", cpus >= 2, "expect inconclusive runs: relay and endpoints share one CPU",
      "%ld CPUs", cpus);
  advice(to);
}

size_t probe_all(const char *bindir, struct probe probes[PROBE_MAX]) {
  struct probes to = {.all = probes};
  probe_root(&to);
  probe_kernel(&to);
  if (geteuid() == 0)
    probe_in_cage(&to);
  probe_programs(&to, bindir);
  probe_backlog(&to);
  probe_cpus(&to);
  return to.n;
}

const struct probe *probe_missing(const struct probe *probes, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (probes[i].needed && !probes[i].ok)
      return &probes[i];
  return NULL;
}
