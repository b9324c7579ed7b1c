#include "bench/peer/peer_host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "bench/peer/peer.h"
#include "bench/peer/peer_control.h"
#include "bench/peer/peer_files.h"
#include "bench/peer/peer_socket.h"

#define NS_PER_S       UINT64_C(1000000000)
#define FLUSH_EVERY_NS UINT64_C(200000000)
/* Batches read before packets are written again: acknowledgements must not wait
 * for the end of a long burst. */
#define ROUNDS_IN 2
/* Packets written before packets are read again. */
#define PACKETS_OUT 256

struct host {
  const struct peer_host_config *config;
  struct peer *peer;
  struct peer_files *files;
  struct peer_sockets *sockets;
  int epoll, signals;
  uint64_t now_ns, flush_at_ns;
  bool gone;  /* the control channel ended */
  bool start; /* nobody will say so: the publisher starts by itself */
  bool told_error;
};

static uint64_t read_clock(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* ---- what the core asks for ----------------------------------------------------------- */

static void fill_random(void *arg, uint8_t *dest, size_t len) {
  (void)arg;
  while (len) {
    const ssize_t n = getrandom(dest, len, 0);
    if (n <= 0)
      continue; /* interrupted; the call cannot fail otherwise */
    dest += n;
    len -= (size_t)n;
  }
}

static void tell_error(struct host *host, const char *text) {
  if (host->told_error)
    return;
  host->told_error = true;
  fprintf(stderr, "fanbench-peer: %s: %s\n", host->config->plan->nodes[host->config->node].name,
          text);
  peer_control_tell(host->config->control, &(struct peer_event){.kind = PEER_FAILED, .text = text});
}

static void on_event(void *arg, const struct peer_event *event) {
  struct host *host = arg;
  if (event->kind == PEER_FAILED)
    tell_error(host, event->text);
  else if (event->kind == PEER_ANNOUNCED && host->config->control < 0)
    host->start = true;             /* not from within an event */
  else if (event->kind != PEER_BYE) /* said when all is written */
    peer_control_tell(host->config->control, event);
}

static int watch(struct host *host, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  return epoll_ctl(host->epoll, EPOLL_CTL_ADD, fd, &event) && errno != EEXIST ? -1 : 0;
}

static int watch_sockets(struct host *host) {
  int fds[PEER_SOCKETS];
  const size_t n = peer_sockets_fds(host->sockets, fds);
  for (size_t i = 0; i < n; i++)
    if (watch(host, fds[i]))
      return -1;
  return 0;
}

static int on_move(void *arg, enum peer_move how, struct qc_addr *local) {
  struct host *host = arg;
  return peer_sockets_move(host->sockets, how, local) || watch_sockets(host) ? -1 : 0;
}

/* The core has one `arg`; the files have their own. */
static void on_keylog(void *arg, const char *line) {
  peer_files_keylog(((struct host *)arg)->files, line);
}

static void on_qlog(void *arg, uint32_t connection, const void *data, size_t len) {
  peer_files_qlog(((struct host *)arg)->files, connection, data, len);
}

static void on_received(void *arg, const struct plan_track *track, uint64_t offset,
                        const uint8_t *data, size_t len) {
  peer_files_received(((struct host *)arg)->files, track, offset, data, len);
}

static const uint8_t *on_file(void *arg, const struct plan_track *track, size_t *len) {
  return peer_files_map(((struct host *)arg)->files, track, len);
}

/* ---- opening and closing ---------------------------------------------------------------- */

static int open_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, NULL);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_core(struct host *host) {
  const struct peer_host_config *config = host->config;
  const struct peer_outside outside = {
      .arg = host,
      .random = fill_random,
      .event = on_event,
      .keylog = on_keylog,
      .qlog = on_qlog,
      .received = on_received,
      .file = on_file,
      .move = on_move,
      .journal = {.arg = host->files, .write = peer_files_journal},
  };
  const char *why;
  host->peer = peer_new(config->plan, config->node, &outside, &why);
  if (!host->peer)
    tell_error(host, why);
  return host->peer ? 0 : -1;
}

static int open_host(struct host *host) {
  const struct peer_host_config *config = host->config;
  struct qc_addr local = config->local;
  char err[512];
  host->files = peer_files_open(config->plan, config->node, config->out, err, sizeof err);
  if (!host->files) {
    tell_error(host, err);
    return -1;
  }
  if (open_core(host))
    return -1;
  host->sockets = peer_sockets_open(&local);
  host->epoll = epoll_create1(EPOLL_CLOEXEC);
  host->signals = open_signals();
  if (!host->sockets || host->epoll < 0 || host->signals < 0 || watch_sockets(host) ||
      watch(host, host->signals) || (config->control >= 0 && watch(host, config->control))) {
    snprintf(err, sizeof err, "cannot open its UDP socket: %s", strerror(errno));
    tell_error(host, err);
    return -1;
  }
  const struct qc_path path = {.local = local, .remote = config->remote};
  if (peer_connect(host->peer, &path, config->authority, host->now_ns)) {
    tell_error(host, "no memory for a connection");
    return -1;
  }
  return 0;
}

static int close_host(struct host *host) {
  char err[512];
  peer_free(host->peer);
  peer_sockets_close(host->sockets);
  if (host->epoll >= 0)
    close(host->epoll);
  if (host->signals >= 0)
    close(host->signals);
  if (peer_files_close(host->files, err, sizeof err) == 0)
    return 0;
  tell_error(host, err);
  return -1;
}

/* ---- turning ------------------------------------------------------------------------------- */

static void wait_for(struct host *host, uint64_t until_ns, struct epoll_event *events, int max,
                     int *n) {
  struct timespec timeout = {0};
  const uint64_t now = read_clock();
  if (until_ns > now) {
    timeout.tv_sec = (time_t)((until_ns - now) / NS_PER_S);
    timeout.tv_nsec = (long)((until_ns - now) % NS_PER_S);
  }
  *n = epoll_pwait2(host->epoll, events, max, &timeout, NULL);
  host->now_ns = read_clock();
}

static void hear(struct host *host) {
  static char text[PEER_CONTROL_MAX];
  struct peer_control_message message;
  char err[256];
  const char *why;
  for (;;) {
    const ssize_t n = recv(host->config->control, text, sizeof text, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      return;
    if (n <= 0) {
      host->gone = true;
      return;
    }
    if (peer_control_parse(host->config->plan, text, (size_t)n, &message, &why) == 0)
      peer_command(host->peer, &message.command, host->now_ns);
    else {
      snprintf(err, sizeof err, "command not understood: %s", why);
      tell_error(host, err);
    }
  }
}

static void on_packet(void *arg, const struct qc_path *path, const uint8_t *data, size_t len) {
  struct host *host = arg;
  /* Read behind the packet: an object must not seem to have arrived before it
   * was published. */
  host->now_ns = read_clock();
  peer_in(host->peer, path, data, len, host->now_ns);
}

static void receive(struct host *host) {
  for (int i = 0; i < ROUNDS_IN && peer_wants_input(host->peer); i++) {
    if (peer_sockets_receive(host->sockets, &host->config->remote, on_packet, host) == 0)
      return;
  }
}

/* False if there may be more to send. */
static bool send_all(struct host *host) {
  struct qc_path path;
  size_t len = 0;
  host->now_ns = read_clock();
  for (int i = 0; i < PACKETS_OUT; i++) {
    len = peer_out(host->peer, &path, peer_sockets_room(host->sockets), PEER_SOCKET_PACKET,
                   host->now_ns);
    if (len == 0)
      break;
    peer_sockets_queue(host->sockets, &path, len);
  }
  peer_sockets_flush(host->sockets);
  return len == 0;
}

static void act_on(struct host *host, const struct epoll_event *events, int n) {
  for (int i = 0; i < n; i++) {
    struct signalfd_siginfo info;
    if (events[i].data.fd == host->config->control)
      hear(host);
    else if (events[i].data.fd == host->signals &&
             read(host->signals, &info, sizeof info) == sizeof info)
      peer_command(host->peer, &(struct peer_command){.what = PEER_DO_STOP}, host->now_ns);
  }
  receive(host);
  if (!host->start)
    return;
  host->start = false;
  peer_command(host->peer, &(struct peer_command){.what = PEER_DO_START, .t0_ns = host->now_ns},
               host->now_ns);
}

static void turn(struct host *host, bool *sent_all) {
  struct epoll_event events[PEER_SOCKETS + 2];
  uint64_t until = peer_deadline(host->peer);
  int n;
  if (host->flush_at_ns < until)
    until = host->flush_at_ns;
  wait_for(host, *sent_all ? until : 0, events, PEER_SOCKETS + 2, &n);
  act_on(host, events, n);
  if (peer_deadline(host->peer) <= host->now_ns)
    peer_expire(host->peer, host->now_ns);
  *sent_all = send_all(host);
  if (host->now_ns >= host->flush_at_ns) {
    peer_files_flush(host->files);
    host->flush_at_ns = host->now_ns + FLUSH_EVERY_NS;
  }
}

int peer_host_run(const struct peer_host_config *config) {
  struct host host = {.config = config, .epoll = -1, .signals = -1, .now_ns = read_clock()};
  bool sent_all = false;
  enum peer_state state = PEER_BROKEN;
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* objects are due to the microsecond */
  host.flush_at_ns = host.now_ns + FLUSH_EVERY_NS;
  if (open_host(&host) == 0) {
    peer_control_ready(config->control);
    while (!host.gone && !host.told_error && peer_state(host.peer) == PEER_RUNNING)
      turn(&host, &sent_all);
    state = peer_state(host.peer);
  }
  const bool failed = close_host(&host) != 0 || host.told_error || state == PEER_BROKEN;
  if (state == PEER_STOPPED && !failed)
    peer_control_tell(config->control, &(struct peer_event){.kind = PEER_BYE});
  return failed ? 1 : 0;
}
