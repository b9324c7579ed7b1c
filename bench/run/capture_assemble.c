/* From raw captures to pcapng with the secrets in front. */
#include "bench/run/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "bench/run/clock.h"
#include "bench/run/pcapng.h"
#include "version.h"

#define ETHERNET 1
#define MAX_KEYS (64u << 20) /* bytes of a key log: 64 MiB are 80,000 connections */

struct text {
  char *bytes;
  size_t len;
};

static int read_keys(const char *dir, struct text *keys, char *err, size_t err_len) {
  char *path = NULL;
  *keys = (struct text){0};
  if (asprintf(&path, "%s/keys.log", dir) < 0) {
    snprintf(err, err_len, "no memory for a path");
    return -1;
  }
  int rc = 0;
  FILE *f = fopen(path, "rb");
  if (f == NULL) {
    rc = errno == ENOENT ? 0 : -1;
  } else {
    long len = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    rewind(f);
    if (len < 0 || (unsigned long)len > MAX_KEYS)
      rc = -1;
    else if (len > 0 && ((keys->bytes = malloc((size_t)len)) == NULL ||
                         fread(keys->bytes, 1, (size_t)len, f) != (size_t)len))
      rc = -1;
    else
      keys->len = (size_t)len;
    fclose(f);
  }
  if (rc != 0)
    snprintf(err, err_len, "cannot read %s: %s", path, strerror(errno));
  free(path);
  return rc;
}

/* The raw file read from its start; NULL if the capture never began. */
static pcap_t *open_raw(const struct capture_point *point, FILE **raw) {
  char why[PCAP_ERRBUF_SIZE];
  *raw = NULL;
  int fd = point->raw_fd >= 0 ? dup(point->raw_fd) : -1;
  if (fd < 0)
    return NULL;
  if (lseek(fd, 0, SEEK_SET) != 0 || (*raw = fdopen(fd, "rb")) == NULL) {
    close(fd);
    return NULL;
  }
  pcap_t *pcap = pcap_fopen_offline_with_tstamp_precision(*raw, PCAP_TSTAMP_PRECISION_NANO, why);
  if (pcap == NULL)
    fclose(*raw);
  return pcap;
}

static int copy_packets(struct capture_point *point, FILE *to, uint64_t *last_ns) {
  FILE *raw;
  pcap_t *pcap = open_raw(point, &raw);
  if (pcap == NULL)
    return 0;
  struct pcap_pkthdr *header;
  const u_char *data;
  uint64_t packets = 0;
  int rc = 0;
  /* A capture that was killed may end within a packet: what is whole counts. */
  while (rc == 0 && pcap_next_ex(pcap, &header, &data) == 1) {
    /* nanosecond precision: tv_usec holds nanoseconds */
    *last_ns = (uint64_t)header->ts.tv_sec * CLOCK_S + (uint64_t)header->ts.tv_usec;
    rc = pcapng_packet(to, *last_ns, data, header->caplen, header->len);
    packets++;
  }
  point->packets = packets;
  pcap_close(pcap); /* closes raw */
  return rc;
}

static int assemble(struct capture_point *point, const char *dir, const struct text *keys) {
  char *path = NULL;
  if (asprintf(&path, "%s/%s", dir, point->file) < 0) {
    errno = ENOMEM;
    return -1;
  }
  FILE *to = fopen(path, "wb");
  free(path);
  if (to == NULL)
    return -1;
  uint64_t last_ns = 0;
  int rc = pcapng_begin(to, ETHERNET, point->ifname, "fanbench " FANBENCH_VERSION);
  if (rc == 0)
    rc = pcapng_secrets(to, keys->bytes, keys->len);
  if (rc == 0)
    rc = copy_packets(point, to, &last_ns);
  if (rc == 0)
    rc = pcapng_end(to, last_ns, point->packets + point->dropped, point->dropped);
  if (fclose(to) != 0)
    rc = -1;
  return rc;
}

int capture_assemble(struct capture_set *set, const char *dir, char *err, size_t err_len) {
  struct text keys;
  if (read_keys(dir, &keys, err, err_len) != 0)
    return -1;
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < set->n; i++) {
    rc = assemble(&set->points[i], dir, &keys);
    if (rc != 0)
      snprintf(err, err_len, "cannot write %s/%s: %s", dir, set->points[i].file, strerror(errno));
  }
  free(keys.bytes);
  return rc;
}
