/* The relay's command line. */
#ifndef FANBENCH_RELAY_HOST_OPTIONS_H
#define FANBENCH_RELAY_HOST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/abi/defects.h"
#include "relay/quic/conn.h"

#define OPTIONS_MAX_DEVICES 128

enum options_datapath { DATAPATH_KERNEL, DATAPATH_USER, DATAPATH_STOCK };

struct options {
  const char *name, *out;
  bool keylog;           /* secrets of connections go to keys.log in `out` */
  const char *journal;   /* file: what reaches the datapath (relay/fanout/journal.h); NULL = none */
  uint64_t journal_size; /* bytes of it at most; 0 = JOURNAL_MOST_BYTES */
  uint16_t port;
  const char *upstream; /* as given; NULL = none */
  struct qc_addr upstream_addr;
  enum options_datapath datapath;
  enum qc_protection protection;
  enum qc_cipher cipher;
  bool cubic;
  /* To whom this ALPN speaks, this track is fanned out unasked; empty alpn: nobody. */
  struct {
    char alpn[32], space[256];
    const char *track;
  } guests;
  uint32_t policy; /* enum dp_policy */
  uint64_t cache_bytes;
  uint32_t max_clients;
  const char *devices[OPTIONS_MAX_DEVICES];
  unsigned n_devices; /* 0 = all but loopback */
  int control;        /* -1 = none */
  struct fb_defects defects;
};

enum options_result { OPTIONS_OK, OPTIONS_HELP, OPTIONS_BAD };

/* On OPTIONS_BAD a message is written to stderr. */
enum options_result options_parse(int argc, char **argv, struct options *out);
void options_help(FILE *to);
const char *options_datapath_name(enum options_datapath name);

#endif
