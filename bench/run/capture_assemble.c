/* From raw captures to pcapng with the secrets in front. */
#include "bench/run/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "bench/run/capture_file.h"
#include "bench/run/clock.h"

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

static void copy_packets(const struct capture_point *point, struct capture_file *to) {
  FILE *raw;
  pcap_t *pcap = open_raw(point, &raw);
  if (pcap == NULL)
    return;
  struct pcap_pkthdr *header;
  const u_char *data;
  /* A capture that was killed may end within a packet: what is whole counts. */
  while (pcap_next_ex(pcap, &header, &data) == 1) {
    /* nanosecond precision: tv_usec holds nanoseconds */
    const uint64_t at = (uint64_t)header->ts.tv_sec * CLOCK_S + (uint64_t)header->ts.tv_usec;
    capture_file_packet(to, at, data, header->caplen, header->len);
  }
  pcap_close(pcap); /* closes raw */
}

static int assemble(struct capture_point *point, const char *dir, const struct keylog *keys) {
  char *path = NULL;
  if (asprintf(&path, "%s/%s", dir, point->file) < 0) {
    errno = ENOMEM;
    return -1;
  }
  struct capture_file *to = capture_file_open(path, point->ifname);
  free(path);
  if (to == NULL)
    return -1;
  copy_packets(point, to);
  point->packets = capture_file_packets(to);
  return capture_file_close(to, keys, point->dropped);
}

int capture_assemble(struct capture_set *set, const char *dir, char *err, size_t err_len) {
  struct keylog keys;
  if (keylog_load(&keys, dir, err, err_len) != 0)
    return -1;
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < set->n; i++) {
    rc = assemble(&set->points[i], dir, &keys);
    if (rc != 0)
      snprintf(err, err_len, "cannot write %s/%s: %s", dir, set->points[i].file, strerror(errno));
  }
  keylog_free(&keys);
  return rc;
}
