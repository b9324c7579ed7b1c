/* The process that captures all interfaces of one host. */
#include "bench/run/capture.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "bench/run/channel.h"

#define SNAPLEN 262144
/* Ring memory of all interfaces of one host together, and of one of them. A
 * ring of 4 MiB holds 60 ms of a full gigabit and 16 blocks of libpcap. */
#define RINGS_MIB    256
#define RING_MIN_MIB 4
#define RING_MAX_MIB 64
/* After this long the kernel hands out a block that is not full. */
#define BLOCK_MS 50
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

static int open_pcap(struct taps *taps, struct tap *tap, const char *ifname, int mib) {
  char why[PCAP_ERRBUF_SIZE];
  tap->pcap = pcap_create(ifname, why);
  if (tap->pcap == NULL)
    return refuse(taps, ifname, "pcap_create", why);
  if (pcap_set_snaplen(tap->pcap, SNAPLEN) != 0 || pcap_set_promisc(tap->pcap, 0) != 0 ||
      pcap_set_timeout(tap->pcap, BLOCK_MS) != 0 || pcap_set_immediate_mode(tap->pcap, 0) != 0 ||
      pcap_set_buffer_size(tap->pcap, mib << 20) != 0)
    return refuse(taps, ifname, "settings", "refused by libpcap");
  if (pcap_set_tstamp_precision(tap->pcap, PCAP_TSTAMP_PRECISION_NANO) != 0)
    return refuse(taps, ifname, "settings", "no nanosecond stamps");
  if (pcap_activate(tap->pcap) < 0)
    return refuse(taps, ifname, "pcap_activate", pcap_geterr(tap->pcap));
  if (pcap_setnonblock(tap->pcap, 1, why) != 0)
    return refuse(taps, ifname, "pcap_setnonblock", why);
  return 0;
}

static int open_tap(struct taps *taps, struct tap *tap, const struct capture_point *point,
                    int mib) {
  if (open_pcap(taps, tap, point->ifname, mib) != 0)
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

static int open_all(struct taps *taps, const struct capture_job *job, int control) {
  size_t n = 0;
  for (size_t i = 0; i < job->set->n; i++)
    n += job->set->points[i].host == job->host;
  taps->all = calloc(n + 1, sizeof *taps->all);
  taps->fds = calloc(n + 1, sizeof *taps->fds);
  if (taps->all == NULL || taps->fds == NULL) {
    snprintf(taps->err, sizeof taps->err, "no memory for %zu captures", n);
    return -1;
  }
  for (size_t i = 0; i < job->set->n; i++) {
    const struct capture_point *point = &job->set->points[i];
    if (point->host != job->host)
      continue;
    struct tap *tap = &taps->all[taps->n];
    tap->point = i;
    if (open_tap(taps, tap, point, ring_mib(n)) != 0)
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

/* Returns the number of packets taken, -1 on an error. */
static int take(struct taps *taps) {
  int taken = 0;
  for (size_t i = 0; i < taps->n; i++) {
    struct tap *tap = &taps->all[i];
    int n = pcap_dispatch(tap->pcap, TURN_PACKETS, keep, (u_char *)(void *)tap);
    if (n < 0) {
      snprintf(taps->err, sizeof taps->err, "capture broke off: %s", pcap_geterr(tap->pcap));
      return -1;
    }
    taken += n;
  }
  return taken;
}

/* Until told to stop. */
static int run(struct taps *taps, int control) {
  for (;;) {
    if (poll(taps->fds, taps->n + 1, 1000) < 0 && errno != EINTR) {
      snprintf(taps->err, sizeof taps->err, "poll: %s", strerror(errno));
      return -1;
    }
    if (take(taps) < 0)
      return -1;
    json_t *message = NULL;
    if (taps->fds[taps->n].revents == 0)
      continue;
    enum channel_result got = channel_recv(control, &message);
    bool stop = got == CHANNEL_CLOSED || strcmp(channel_text(message, "do"), "stop") == 0;
    json_decref(message);
    if (stop)
      return 0;
  }
}

/* What is still in the kernel: a block that is not full comes after BLOCK_MS. */
static int finish(struct taps *taps) {
  for (int idle = 0; idle < 3;) {
    poll(NULL, 0, BLOCK_MS);
    int n = take(taps);
    if (n < 0)
      return -1;
    idle = n == 0 ? idle + 1 : 0;
  }
  for (size_t i = 0; i < taps->n; i++)
    if (pcap_dump_flush(taps->all[i].dump) != 0 || ferror(taps->all[i].file)) {
      snprintf(taps->err, sizeof taps->err, "cannot write a capture: %s", strerror(errno));
      return -1;
    }
  return 0;
}

static json_t *counts(const struct taps *taps) {
  json_t *points = json_array();
  for (size_t i = 0; i < taps->n; i++) {
    struct pcap_stat stat = {0};
    pcap_stats(taps->all[i].pcap, &stat);
    json_array_append_new(points,
                          json_pack("{s:I, s:I, s:I}", "point", (json_int_t)taps->all[i].point,
                                    "packets", (json_int_t)taps->all[i].packets, "dropped",
                                    (json_int_t)stat.ps_drop + (json_int_t)stat.ps_ifdrop));
  }
  return json_pack("{s:s, s:o}", "ev", "captured", "points", points);
}

static void close_all(struct taps *taps) {
  for (size_t i = 0; taps->all != NULL && i < taps->n; i++) {
    pcap_dump_close(taps->all[i].dump); /* closes the file */
    pcap_close(taps->all[i].pcap);
    free(taps->all[i].buffer);
  }
  free(taps->all);
  free(taps->fds);
}

int capture_inside(void *arg, int control) {
  const struct capture_job *job = arg;
  struct taps taps = {0};
  int rc = 1;
  if (open_all(&taps, job, control) == 0 &&
      channel_send(control, json_pack("{s:s}", "ev", "ready")) == 0 && run(&taps, control) == 0 &&
      finish(&taps) == 0)
    rc = channel_send(control, counts(&taps)) == 0 ? 0 : 1;
  else
    channel_send(control, json_pack("{s:s, s:s}", "ev", "error", "text", taps.err));
  close_all(&taps);
  return rc;
}
