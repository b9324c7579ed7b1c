/* The process that captures the interfaces of all hosts. */
#include "bench/run/capture.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "bench/run/channel.h"
#include "bench/run/clock.h"

#define SNAPLEN 262144
/* Ring memory of all interfaces together, and of one of them. A ring of 4 MiB holds 30 ms
 * of a full gigabit and 16 blocks of libpcap. The kernel clears it all before it begins. */
#define RINGS_MIB    256
#define RING_MIN_MIB 4
#define RING_MAX_MIB 32
/* After this long the kernel hands out a block that is not full: the end of a capture waits
 * for up to two of them, and 16 of them are how long this process may stand still. Where
 * rings are larger there are more blocks. */
#define BLOCK_MS     50
#define BLOCK_FEW_MS 10
#define FEW_TAPS     16
/* Between two looks, so that blocks of many interfaces are fetched in one go. */
#define REST_MS 5
/* At the end, for what the kernel has counted and not handed out yet. */
#define FINISH_MS 2000
/* Full rings are emptied in one go of at most so many packets, so that the
 * next interface gets its turn. */
#define TURN_PACKETS 4096
#define FILE_BUFFER  (256 * 1024)

struct tap {
  size_t point;
  pcap_t *pcap;
  pcap_dumper_t *dump;
  FILE *file;
  char *buffer;
  uint64_t packets;
  pthread_t closer; /* if closes */
  bool closes;
};

struct taps {
  struct tap *all;
  struct pollfd *fds; /* [n] the taps, [n + 1] the control channel */
  size_t n;
  char err[PCAP_ERRBUF_SIZE + 128];
};

static int ring_mib(size_t n) {
  size_t each = RINGS_MIB / (n > 0 ? n : 1);
  if (each < RING_MIN_MIB)
    each = RING_MIN_MIB;
  return (int)(each > RING_MAX_MIB ? RING_MAX_MIB : each);
}

static int refuse(struct taps *taps, const char *ifname, const char *what, const char *why) {
  snprintf(taps->err, sizeof taps->err, "cannot capture at %s: %s: %s", ifname, what, why);
  return -1;
}

static int block_ms(size_t n) {
  return n <= FEW_TAPS ? BLOCK_FEW_MS : BLOCK_MS;
}

static int open_pcap(struct taps *taps, struct tap *tap, const char *ifname, size_t n) {
  char why[PCAP_ERRBUF_SIZE];
  tap->pcap = pcap_create(ifname, why);
  if (tap->pcap == NULL)
    return refuse(taps, ifname, "pcap_create", why);
  if (pcap_set_snaplen(tap->pcap, SNAPLEN) != 0 || pcap_set_promisc(tap->pcap, 0) != 0 ||
      pcap_set_timeout(tap->pcap, block_ms(n)) != 0 || pcap_set_immediate_mode(tap->pcap, 0) != 0 ||
      pcap_set_buffer_size(tap->pcap, ring_mib(n) << 20) != 0)
    return refuse(taps, ifname, "settings", "refused by libpcap");
  if (pcap_set_tstamp_precision(tap->pcap, PCAP_TSTAMP_PRECISION_NANO) != 0)
    return refuse(taps, ifname, "settings", "no nanosecond stamps");
  if (pcap_activate(tap->pcap) < 0)
    return refuse(taps, ifname, "pcap_activate", pcap_geterr(tap->pcap));
  if (pcap_setnonblock(tap->pcap, 1, why) != 0)
    return refuse(taps, ifname, "pcap_setnonblock", why);
  return 0;
}

/* One of n. The packet socket stays in the host's namespace, whatever is entered later. */
static int open_tap(struct taps *taps, struct tap *tap, const struct capture_point *point,
                    size_t n) {
  if (netns_enter(point->ns) != 0)
    return refuse(taps, point->ifname, "its network namespace", strerror(errno));
  if (open_pcap(taps, tap, point->ifname, n) != 0)
    return -1;
  tap->file = fdopen(dup(point->raw_fd), "wb");
  tap->buffer = malloc(FILE_BUFFER);
  if (tap->file == NULL || tap->buffer == NULL)
    return refuse(taps, point->ifname, "temporary file", strerror(errno));
  setvbuf(tap->file, tap->buffer, _IOFBF, FILE_BUFFER);
  tap->dump = pcap_dump_fopen(tap->pcap, tap->file);
  if (tap->dump == NULL)
    return refuse(taps, point->ifname, "pcap_dump_fopen", pcap_geterr(tap->pcap));
  return 0;
}

static int open_all(struct taps *taps, const struct capture_set *set, int control) {
  const size_t n = set->n;
  taps->all = calloc(n + 1, sizeof *taps->all);
  taps->fds = calloc(n + 1, sizeof *taps->fds);
  if (taps->all == NULL || taps->fds == NULL) {
    snprintf(taps->err, sizeof taps->err, "no memory for %zu captures", n);
    return -1;
  }
  for (size_t i = 0; i < n; i++) {
    struct tap *tap = &taps->all[taps->n];
    tap->point = i;
    if (open_tap(taps, tap, &set->points[i], n) != 0)
      return -1;
    taps->fds[taps->n++] =
        (struct pollfd){.fd = pcap_get_selectable_fd(tap->pcap), .events = POLLIN};
  }
  taps->fds[taps->n] = (struct pollfd){.fd = control, .events = POLLIN};
  return 0;
}

static void keep(u_char *user, const struct pcap_pkthdr *header, const u_char *data) {
  struct tap *tap = (struct tap *)(void *)user;
  tap->packets++;
  pcap_dump((u_char *)tap->dump, header, data);
}

static int take(struct taps *taps, struct tap *tap) {
  if (pcap_dispatch(tap->pcap, TURN_PACKETS, keep, (u_char *)(void *)tap) >= 0)
    return 0;
  snprintf(taps->err, sizeof taps->err, "capture broke off: %s", pcap_geterr(tap->pcap));
  return -1;
}

/* Waits for packets or the control channel, and takes what is there. */
static int turn(struct taps *taps) {
  if (poll(taps->fds, taps->n + 1, 1000) < 0) {
    if (errno == EINTR)
      return 0;
    snprintf(taps->err, sizeof taps->err, "poll: %s", strerror(errno));
    return -1;
  }
  for (size_t i = 0; i < taps->n; i++)
    if (taps->fds[i].revents != 0 && take(taps, &taps->all[i]) != 0)
      return -1;
  return 0;
}

/* Until told to stop. */
static int run(struct taps *taps, int control) {
  for (;;) {
    if (turn(taps) != 0)
      return -1;
    json_t *message = NULL;
    if ((taps->fds[taps->n].revents & (POLLIN | POLLHUP)) == 0) {
      poll(NULL, 0, REST_MS);
      continue;
    }
    enum channel_result got = channel_recv(control, &message);
    bool stop = got == CHANNEL_CLOSED || strcmp(channel_text(message, "do"), "stop") == 0;
    json_decref(message);
    if (stop)
      return 0;
  }
}

/* Whether everything that the kernel counted is here or was dropped: it counts a packet when it
 * comes, and hands it out with its block. */
static bool complete(const struct tap *tap) {
  struct pcap_stat stat = {0};
  return pcap_stats(tap->pcap, &stat) == 0 && tap->packets + stat.ps_drop >= stat.ps_recv;
}

/* What is still in the kernel; what does not come in time counts as dropped. */
static int finish(struct taps *taps) {
  const uint64_t until = clock_now() + FINISH_MS * CLOCK_MS;
  for (size_t i = 0; i < taps->n; i++) {
    struct tap *tap = &taps->all[i];
    while (!complete(tap) && clock_now() < until) {
      poll(&taps->fds[i], 1, BLOCK_MS);
      if (take(taps, tap) != 0)
        return -1;
    }
    if (pcap_dump_flush(tap->dump) != 0 || ferror(tap->file)) {
      snprintf(taps->err, sizeof taps->err, "cannot write a capture: %s", strerror(errno));
      return -1;
    }
  }
  return 0;
}

/* What the kernel counted and neither handed out nor dropped is lost all the same. */
static uint64_t lost(const struct tap *tap) {
  struct pcap_stat stat = {0};
  pcap_stats(tap->pcap, &stat);
  const uint64_t known = tap->packets + stat.ps_drop;
  return (uint64_t)stat.ps_drop + stat.ps_ifdrop +
         (stat.ps_recv > known ? stat.ps_recv - known : 0);
}

static json_t *counts(const struct taps *taps) {
  json_t *points = json_array();
  for (size_t i = 0; i < taps->n; i++) {
    const struct tap *tap = &taps->all[i];
    json_array_append_new(points,
                          json_pack("{s:I, s:I, s:I}", "point", (json_int_t)tap->point, "packets",
                                    (json_int_t)tap->packets, "dropped", (json_int_t)lost(tap)));
  }
  return json_pack("{s:s, s:o}", "ev", "captured", "points", points);
}

static void *close_one(void *arg) {
  struct tap *tap = arg;
  pcap_dump_close(tap->dump); /* closes the file */
  pcap_close(tap->pcap);
  free(tap->buffer);
  return NULL;
}

/* The kernel lets a ring go after a grace period of some 15 ms: all of them wait for the same. */
static void close_all(struct taps *taps) {
  for (size_t i = 0; taps->all != NULL && i < taps->n; i++) {
    struct tap *tap = &taps->all[i];
    tap->closes = pthread_create(&tap->closer, NULL, close_one, tap) == 0;
    if (!tap->closes)
      close_one(tap);
  }
  for (size_t i = 0; taps->all != NULL && i < taps->n; i++)
    if (taps->all[i].closes)
      pthread_join(taps->all[i].closer, NULL);
  free(taps->all);
  free(taps->fds);
}

int capture_inside(void *arg, int control) {
  struct taps taps = {0};
  int rc = 1;
  if (open_all(&taps, arg, control) == 0 &&
      channel_send(control, json_pack("{s:s}", "ev", "ready")) == 0 && run(&taps, control) == 0 &&
      finish(&taps) == 0)
    rc = channel_send(control, counts(&taps)) == 0 ? 0 : 1;
  else
    channel_send(control, json_pack("{s:s, s:s}", "ev", "error", "text", taps.err));
  close_all(&taps);
  return rc;
}
