#include "relay/host/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "embed/test_cert_pem.h"
#include "embed/test_key_pem.h"
#include "relay/fanout/feeder.h"
#include "relay/fanout/relay.h"
#include "relay/fanout/user_plane.h"
#include "relay/host/address.h"
#include "relay/host/control.h"
#include "relay/host/feed.h"
#include "relay/host/kernel_plane.h"
#include "relay/host/neighbour.h"
#include "relay/host/sockets.h"
#include "relay/host/tracefile.h"
#include "relay/moqt/codes.h"
#include "relay/moqt/name.h"

#define EXIT_FAILED  1
#define EXIT_LACKING 3
/* Rings are looked at this often even if no packet wakes us. */
#define POLL_NS  1000000ull
#define FLUSH_NS 200000000ull
/* Batches read before anything is sent, and timers and control are looked at. */
#define READ_ROUNDS 32

struct process {
  const struct options *options;
  struct sockets *sockets;
  struct kernel_plane *kernel;
  struct user_plane *user;
  /* Of the kernel's datapath with packet protection, one or the other: a thread, or, when a journal
   * is kept, what the event loop steps. Else NULL. */
  struct feed *feed;
  struct feeder *feeder;
  struct trace_lines *trace;
  struct qc_tls *tls, *dial_tls;
  struct relay *relay;
  struct moqt_name guest_track; /* views of the options */
  int keylog, epoll, signals;
  bool stop, vanished;
  uint64_t flushed_ns;
  uint64_t copying_ns; /* processor time within datapath `user` */
};

static uint64_t read_clock(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void) {
  return read_clock(CLOCK_MONOTONIC);
}

static uint64_t cpu_ns(void) {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static int failed(const struct process *p, int code, const char *text) {
  fprintf(stderr, "fanbench-relay: %s\n", text);
  control_error(p->options->control, text);
  return code;
}

/* ---- hooks of the core ---------------------------------------------------------------- */

static int on_send(void *arg, const struct qc_path *path, const uint8_t *data, size_t len) {
  sockets_send(((struct process *)arg)->sockets, path, data, len);
  return 0;
}

static void on_flush(void *arg) {
  sockets_flush(((struct process *)arg)->sockets);
}

static void on_rand(void *arg, uint8_t *dest, size_t len) {
  (void)arg;
  while (len) {
    ssize_t n = getrandom(dest, len, 0);
    if (n <= 0)
      continue;
    dest += n;
    len -= (size_t)n;
  }
}

static int on_resolve(void *arg, const struct qc_path *path, uint32_t *ifindex, uint8_t src_mac[6],
                      uint8_t dst_mac[6]) {
  (void)arg;
  return neighbour_resolve(path, ifindex, src_mac, dst_mac);
}

static uint32_t on_mtu(void *arg, const struct qc_path *path) {
  (void)arg;
  return neighbour_mtu(path);
}

static void on_log(void *arg, const char *line) {
  (void)arg;
  fprintf(stderr, "fanbench-relay: %s\n", line);
}

static const struct relay_ops relay_ops = {.send = on_send,
                                           .flush = on_flush,
                                           .rand = on_rand,
                                           .resolve = on_resolve,
                                           .mtu = on_mtu,
                                           .log = on_log};

static void on_keylog(void *arg, const char *line) {
  struct process *p = arg;
  char text[512];
  int len = snprintf(text, sizeof text, "%s\n", line);
  if (len <= 0 || len >= (int)sizeof text)
    return;
  if (write(p->keylog, text, (size_t)len) != len)
    fprintf(stderr, "fanbench-relay: keys.log: %s\n", strerror(errno));
  explicit_bzero(text, sizeof text);
}

static void on_datagram(void *arg, const struct qc_path *path, const uint8_t *data, size_t len) {
  struct process *p = arg;
  uint64_t now = now_ns();
  if (p->user) {
    uint64_t before = cpu_ns();
    user_plane_packet(p->user, path, data, len, now);
    p->copying_ns += cpu_ns() - before;
  }
  relay_packet(p->relay, path, data, len, now);
}

/* ---- setting up --------------------------------------------------------------------------- */

static int open_files(struct process *p) {
  const struct options *o = p->options;
  if (!o->out)
    return 0;
  p->trace = tracefile_open(o->out, o->name);
  if (!p->trace)
    return failed(p, EXIT_FAILED, "cannot create the trace files in --out");
  if (!o->keylog)
    return 0;
  char path[4096];
  snprintf(path, sizeof path, "%s/keys.log", o->out);
  p->keylog = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (p->keylog < 0)
    return failed(p, EXIT_FAILED, "cannot open keys.log in --out");
  return 0;
}

static int attach_all(struct process *p, char *err, size_t err_len) {
  const struct options *o = p->options;
  for (unsigned i = 0; i < o->n_devices; i++) {
    if (kernel_plane_attach(p->kernel, o->devices[i], err, err_len))
      return -1;
  }
  if (o->n_devices)
    return 0;
  struct if_nameindex *list = if_nameindex();
  int result = 0;
  for (struct if_nameindex *at = list; at && at->if_index && !result; at++) {
    if (strcmp(at->if_name, "lo") != 0)
      result = kernel_plane_attach(p->kernel, at->if_name, err, err_len);
  }
  if (list)
    if_freenameindex(list);
  return result;
}

static int open_datapath(struct process *p) {
  const struct options *o = p->options;
  if (o->datapath == DATAPATH_STOCK)
    return 0;
  const struct plane_protection protection =
      relay_protection(o->protection, o->cipher, o->max_clients, o->datapath == DATAPATH_KERNEL);
  const struct journal_place journal = {o->journal, o->journal_size};
  if (o->datapath == DATAPATH_USER) {
    p->user = user_plane_open(o->max_clients, &o->defects, o->policy, &protection, on_send, p);
    if (!p->user)
      return failed(p, EXIT_FAILED, "no memory for the datapath");
    return !o->journal || user_plane_keep_journal(p->user, &journal)
               ? 0
               : failed(p, EXIT_FAILED, "cannot create the file that --journal names");
  }
  char err[512];
  p->kernel = kernel_plane_open(o->max_clients, &o->defects, o->policy, &protection,
                                o->journal ? &journal : NULL, err, sizeof err);
  if (!p->kernel || attach_all(p, err, sizeof err))
    return failed(p, EXIT_LACKING, err);
  if (o->defects.orphan)
    kernel_plane_orphan(p->kernel);
  if (!protection.protect)
    return 0;
  if (o->journal)
    p->feeder = feeder_new(kernel_plane_interface(p->kernel));
  else
    p->feed = feed_open(kernel_plane_interface(p->kernel));
  return p->feed || p->feeder
             ? 0
             : failed(p, EXIT_FAILED, "cannot start the thread that makes keystreams");
}

/* Whom this relay dials. */
static int open_upstream(struct process *p, struct relay_upstream *upstream) {
  const struct options *o = p->options;
  struct qc_tls_config tls = {.alpn = MOQT_ALPN,
                              .cipher = o->cipher,
                              .keylog = p->keylog >= 0 ? on_keylog : NULL,
                              .keylog_arg = p};
  if (!o->upstream)
    return 0;
  upstream->authority = o->upstream;
  upstream->path.remote = o->upstream_addr;
  if (!address_local(&o->upstream_addr, o->port, &upstream->path.local)) {
    char text[160];
    snprintf(text, sizeof text, "--upstream %s: there is no route to it", o->upstream);
    return failed(p, EXIT_FAILED, text);
  }
  upstream->tls = p->dial_tls = qc_tls_new(&tls);
  return p->dial_tls ? 0 : failed(p, EXIT_FAILED, "cannot set up TLS");
}

static int open_relay(struct process *p) {
  const struct options *o = p->options;
  struct qc_tls_config tls = {
      .server = true,
      .alpn = MOQT_ALPN,
      .other_alpn = o->guests.track ? o->guests.alpn : NULL,
      .cipher = o->cipher,
      .cert_pem = (const uint8_t *)embed_test_cert_pem,
      .cert_len = embed_test_cert_pem_len,
      .key_pem = (const uint8_t *)embed_test_key_pem,
      .key_len = embed_test_key_pem_len,
      .keylog = p->keylog >= 0 ? on_keylog : NULL,
      .keylog_arg = p,
  };
  p->tls = qc_tls_new(&tls);
  if (!p->tls)
    return failed(p, EXIT_FAILED, "cannot set up TLS");
  struct relay_config config = {
      .ops = &relay_ops,
      .ops_arg = p,
      .trace = p->trace ? &trace_lines_ops : NULL,
      .trace_arg = p->trace,
      .plane = p->kernel ? kernel_plane_interface(p->kernel)
               : p->user ? user_plane_interface(p->user)
                         : NULL,
      .feeder = p->feed ? feed_feeder(p->feed) : p->feeder,
      .tls = p->tls,
      .protection = o->protection,
      .cubic = o->cubic,
      .policy = o->policy,
      .cache_bytes = o->cache_bytes,
      .max_clients = o->max_clients,
      .port = o->port,
      .defects = o->defects,
  };
  if (o->guests.track) {
    moqt_name_set(&p->guest_track, o->guests.space, o->guests.track);
    config.guests.track = &p->guest_track;
    config.guests.h3 = strcmp(o->guests.alpn, "h3") == 0;
  }
  int code = open_upstream(p, &config.upstream);
  if (code)
    return code;
  p->relay = relay_new(&config);
  return p->relay ? 0 : failed(p, EXIT_FAILED, "no memory for the relay");
}

static int watch(struct process *p, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int open_loop(struct process *p) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  p->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  p->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (p->signals < 0 || p->epoll < 0 || watch(p, p->signals))
    return failed(p, EXIT_FAILED, "cannot set up the event loop");
  int fds[2];
  size_t n = sockets_fds(p->sockets, fds);
  for (size_t i = 0; i < n; i++) {
    if (watch(p, fds[i]))
      return failed(p, EXIT_FAILED, "cannot watch the sockets");
  }
  if (p->options->control >= 0 && watch(p, p->options->control))
    return failed(p, EXIT_FAILED, "--control names no open channel");
  return 0;
}

static int open_all(struct process *p) {
  int code = open_files(p);
  if (code)
    return code;
  p->sockets = sockets_open(p->options->port);
  if (!p->sockets) {
    char text[128];
    snprintf(text, sizeof text, "cannot bind UDP port %u: %s", p->options->port, strerror(errno));
    return failed(p, EXIT_FAILED, text);
  }
  code = open_datapath(p);
  if (!code)
    code = open_relay(p);
  if (!code)
    code = open_loop(p);
  return code;
}

static unsigned long long to_ms(struct timeval t) {
  return (unsigned long long)t.tv_sec * 1000 + (unsigned long long)t.tv_usec / 1000;
}

/* What user space sent and what it took; the datapath works on the time of whoever sends to it. */
static void print_sent(const struct process *p) {
  const struct outbox_counts counts = sockets_counts(p->sockets);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  fprintf(stderr,
          "sent: %llu datagrams in %llu messages, %llu of them in super-packets, %llu refused; "
          "%llu ms in user space, %llu in the kernel\n"
          "of that: %llu us in datapath user, %llu us in sendmmsg\n",
          (unsigned long long)counts.sent, (unsigned long long)counts.messages,
          (unsigned long long)counts.segmented, (unsigned long long)counts.dropped,
          to_ms(usage.ru_utime), to_ms(usage.ru_stime), (unsigned long long)p->copying_ns / 1000,
          (unsigned long long)counts.cpu_ns / 1000);
}

static void tell_journal(bool complete) {
  if (!complete)
    fputs("fanbench-relay: the journal is not complete\n", stderr);
}

static void close_all(struct process *p) {
  if (p->relay)
    relay_finish(p->relay, now_ns());
  if (p->kernel && p->relay)
    kernel_plane_print(p->kernel, stderr);
  if (p->user && p->relay)
    native_plane_print(user_plane_native(p->user), stderr);
  if (p->sockets && p->relay)
    print_sent(p);
  relay_free(p->relay);
  qc_tls_free(p->tls);
  qc_tls_free(p->dial_tls);
  feed_close(p->feed);
  feeder_free(p->feeder);
  tell_journal(kernel_plane_close(p->kernel));
  tell_journal(user_plane_close(p->user));
  if (tracefile_close(p->trace))
    fputs("fanbench-relay: the trace is not complete\n", stderr);
  sockets_close(p->sockets);
  if (p->keylog >= 0)
    close(p->keylog);
  if (p->epoll >= 0)
    close(p->epoll);
  if (p->signals >= 0)
    close(p->signals);
}

/* ---- the loop --------------------------------------------------------------------------------- */

static void take_control(struct process *p) {
  struct relay_state state;
  switch (control_read(p->options->control)) {
  case CONTROL_POLL:
    relay_state(p->relay, &state);
    control_state(p->options->control, &state);
    break;
  case CONTROL_STOP:
    p->stop = true;
    break;
  case CONTROL_DIE:
    if (p->trace)
      tracefile_flush(p->trace);
    tell_journal(user_plane_close(p->user));
    if (p->kernel)
      tell_journal(kernel_plane_end_journal(p->kernel));
    _exit(0);
  case CONTROL_VANISH:
    p->vanished = true;
    relay_vanish(p->relay);
    control_did(p->options->control, true);
    break;
  case CONTROL_UPDATE_KEY:
    control_did(p->options->control, relay_update_keys(p->relay, now_ns()));
    sockets_flush(p->sockets);
    break;
  case CONTROL_UNKNOWN:
    control_did(p->options->control, false);
    break;
  case CONTROL_NOTHING:
    break;
  }
}

/* All that is there, then what is to be said about it: while the slow path sends for sixteen, the
 * next packets come in, and ACKs that lie unread are a window that stays closed. */
static bool take_input(struct process *p) {
  size_t n = 1;
  for (int i = 0; i < READ_ROUNDS && n; i++)
    n = sockets_read(p->sockets, on_datagram, p);
  bool again = n > 0;
  if (again)
    relay_batch_end(p->relay, now_ns());
  else
    again = relay_input_drained(p->relay, now_ns());
  sockets_flush(p->sockets);
  return again;
}

static struct timespec wait_time(const struct process *p) {
  uint64_t now = now_ns(), at = relay_deadline(p->relay);
  uint64_t most = p->kernel ? POLL_NS : FLUSH_NS;
  uint64_t left = at <= now ? 0 : at - now;
  if (left > most)
    left = most;
  return (struct timespec){.tv_sec = (time_t)(left / 1000000000u),
                           .tv_nsec = (long)(left % 1000000000u)};
}

/* What is done beside packets and timers. */
static void keep_up(struct process *p, uint64_t now) {
  while (p->feeder && !p->vanished && feeder_step(p->feeder, UINT32_MAX))
    continue;
  if (p->kernel)
    kernel_journal_turn(kernel_plane_journal(p->kernel), now);
  if (p->user)
    user_plane_write_journal(p->user);
  if (p->trace && now - p->flushed_ns > FLUSH_NS) {
    tracefile_flush(p->trace);
    p->flushed_ns = now;
  }
}

static void loop(struct process *p) {
  bool again = false;
  while (!p->stop) {
    struct timespec wait = again ? (struct timespec){0} : wait_time(p);
    struct epoll_event events[4];
    int n = epoll_pwait2(p->epoll, events, 4, &wait, NULL);
    for (int i = 0; i < n; i++) {
      if (events[i].data.fd == p->signals)
        p->stop = true;
      else if (events[i].data.fd == p->options->control)
        take_control(p);
    }
    uint64_t now = now_ns();
    if (p->vanished) {
      /* Only the channel counts now; its event was taken above. */
      keep_up(p, now);
      nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
      continue;
    }
    again = take_input(p);
    now = now_ns();
    if (relay_deadline(p->relay) <= now)
      relay_expiry(p->relay, now);
    sockets_flush(p->sockets);
    keep_up(p, now);
  }
}

int daemon_run(const struct options *options) {
  struct process p = {.options = options, .keylog = -1, .epoll = -1, .signals = -1};
  int code = open_all(&p);
  if (!code) {
    control_ready(options->control);
    fprintf(stderr, "fanbench-relay: ready on UDP port %u, datapath %s\n", options->port,
            options_datapath_name(options->datapath));
    relay_dial(p.relay, now_ns());
    sockets_flush(p.sockets);
    loop(&p);
    if (!p.vanished)
      relay_stop(p.relay, now_ns());
    sockets_flush(p.sockets);
  }
  close_all(&p);
  if (!code)
    control_bye(options->control);
  return code;
}
