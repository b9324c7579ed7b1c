#include "relay/host/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/abi/limits.h"
#include "bpf/dp/policy/policy.h"
#include "relay/fanout/defects.h"
#include "relay/host/address.h"

enum {
  OPT_NAME = 256,
  OPT_LISTEN,
  OPT_PORT,
  OPT_UPSTREAM,
  OPT_DATAPATH,
  OPT_PROTECTION,
  OPT_CIPHER,
  OPT_CONGESTION,
  OPT_DEV,
  OPT_POLICY,
  OPT_CACHE,
  OPT_CLIENTS,
  OPT_OUT,
  OPT_KEYLOG,
  OPT_JOURNAL,
  OPT_JOURNAL_SIZE,
  OPT_FAN_OUT_TO,
  OPT_CONTROL,
  OPT_DEFECT,
  OPT_SEED,
  OPT_HELP,
};

static const struct option longs[] = {
    {"name", required_argument, NULL, OPT_NAME},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"port", required_argument, NULL, OPT_PORT},
    {"upstream", required_argument, NULL, OPT_UPSTREAM},
    {"datapath", required_argument, NULL, OPT_DATAPATH},
    {"protection", required_argument, NULL, OPT_PROTECTION},
    {"cipher", required_argument, NULL, OPT_CIPHER},
    {"congestion", required_argument, NULL, OPT_CONGESTION},
    {"dev", required_argument, NULL, OPT_DEV},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"cache", required_argument, NULL, OPT_CACHE},
    {"clients", required_argument, NULL, OPT_CLIENTS},
    {"out", required_argument, NULL, OPT_OUT},
    {"keylog", no_argument, NULL, OPT_KEYLOG},
    {"journal", required_argument, NULL, OPT_JOURNAL},
    {"journal-size", required_argument, NULL, OPT_JOURNAL_SIZE},
    {"fan-out-to", required_argument, NULL, OPT_FAN_OUT_TO},
    {"control", required_argument, NULL, OPT_CONTROL},
    {"defect", required_argument, NULL, OPT_DEFECT},
    {"seed", required_argument, NULL, OPT_SEED},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

void options_help(FILE *to) {
  fputs(
      "usage: fanbench-relay [OPTION]...\n"
      "A MoQT relay that copies one publisher's QUIC packets to many subscribers.\n"
      "\n"
      "  --port PORT            UDP port on all addresses, IPv4 and IPv6 [4433]\n"
      "  --listen ADDRESS:PORT  the same; the address is for people, the socket takes all\n"
      "  --upstream ADDRESS:PORT  dial this relay, and take from it what is published there\n"
      "  --datapath NAME        kernel: copies made by eBPF; user: the same code on packets from\n"
      "                         the socket; stock: plain ngtcp2 streams [kernel]\n"
      "  --protection NAME      tls: RFC 9001; none: laboratory, null AEAD after a real\n"
      "                         handshake [tls]\n"
      "  --cipher NAME          chacha20 or aes128gcm [chacha20]\n"
      "  --congestion NAME      newreno or cubic [newreno]\n"
      "  --dev INTERFACE        attach the datapath here; repeatable [all but lo]\n"
      "  --policy NAME          what a subscriber that lags behind may lose, if its subscription "
      "has\n"
      "                         a delivery timeout: none, priority-limit, deadline or\n"
      "                         skip-to-group [none]\n"
      "  --cache BYTES          most bytes kept for slow subscribers [16777216]\n"
      "  --clients N            most connections at a time [256]\n"
      "  --name NAME            for file names in --out [relay]\n"
      "  --out DIR              write NAME-copies.jsonl, NAME-ledger.jsonl\n"
      "  --keylog               write the secrets of all connections to keys.log in --out\n"
      "  --journal FILE         keep what reaches the datapath, and what it does, for fanbench "
      "replay\n"
      "  --journal-size BYTES   of that the first part; later packets are counted [4294967296]\n"
      "  --fan-out-to ALPN=NODE/TRACK\n"
      "                         laboratory: also accept this ALPN, and fan this track of\n"
      "                         namespace fanbench/NODE out to whoever speaks it, unasked\n"
      "  --control FD           inherited channel to a runner\n"
      "  --help\n"
      "\n"
      "example: fanbench-relay --port 4433 --datapath kernel --dev veth0 --dev veth1\n"
      "Ends on SIGTERM or SIGINT. Exit: 0 done, 1 failed, 2 bad command line,\n"
      "3 this machine lacks something.\n",
      to);
}

static bool number(const char *text, uint64_t most, uint64_t *out) {
  char *end;
  errno = 0;
  unsigned long long v = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || errno || *end || v > most)
    return false;
  *out = v;
  return true;
}

static bool choose(const char *text, const char *first, const char *second, bool *is_second) {
  *is_second = strcmp(text, second) == 0;
  return *is_second || strcmp(text, first) == 0;
}

static const char *const datapaths[] = {
    [DATAPATH_KERNEL] = "kernel", [DATAPATH_USER] = "user", [DATAPATH_STOCK] = "stock"};

static bool datapath(const char *text, enum options_datapath *out) {
  for (unsigned i = 0; i < sizeof datapaths / sizeof *datapaths; i++) {
    if (strcmp(text, datapaths[i]) != 0)
      continue;
    *out = (enum options_datapath)i;
    return true;
  }
  return false;
}

const char *options_datapath_name(enum options_datapath name) {
  return datapaths[name];
}

/* ALPN=NODE/TRACK */
static bool guests(const char *text, struct options *o) {
  const char *space = strchr(text, '='), *track = space ? strrchr(space, '/') : NULL;
  if (!track || !track[1])
    return false;
  const size_t alpn_len = (size_t)(space - text), space_len = (size_t)(track - ++space);
  if (!alpn_len || alpn_len >= sizeof o->guests.alpn || memchr(text, ',', alpn_len))
    return false;
  if (!space_len || space_len >= sizeof o->guests.space)
    return false;
  memcpy(o->guests.alpn, text, alpn_len);
  o->guests.alpn[alpn_len] = 0;
  memcpy(o->guests.space, space, space_len);
  o->guests.space[space_len] = 0;
  o->guests.track = track + 1;
  return true;
}

static bool take(struct options *o, int opt, const char *arg) {
  uint64_t n = 0;
  bool second = false, ok = true;
  switch (opt) {
  case OPT_NAME:
    o->name = arg;
    break;
  case OPT_OUT:
    o->out = arg;
    break;
  case OPT_KEYLOG:
    o->keylog = true;
    break;
  case OPT_JOURNAL_SIZE:
    ok = number(arg, UINT64_MAX / 2, &o->journal_size) && o->journal_size > 0;
    break;
  case OPT_JOURNAL:
    o->journal = arg;
    break;
  case OPT_FAN_OUT_TO:
    ok = guests(arg, o);
    break;
  case OPT_SEED:
    break; /* live mode draws from the system's generator */
  case OPT_LISTEN:
    ok = strrchr(arg, ':') && number(strrchr(arg, ':') + 1, UINT16_MAX, &n) && n > 0;
    o->port = (uint16_t)n;
    break;
  case OPT_PORT:
    ok = number(arg, UINT16_MAX, &n) && n > 0;
    o->port = (uint16_t)n;
    break;
  case OPT_UPSTREAM:
    ok = address_parse(arg, &o->upstream_addr);
    o->upstream = arg;
    break;
  case OPT_DATAPATH:
    ok = datapath(arg, &o->datapath);
    break;
  case OPT_PROTECTION:
    ok = choose(arg, "none", "tls", &second);
    o->protection = second ? QC_PROTECT_TLS : QC_PROTECT_NONE;
    break;
  case OPT_CIPHER:
    ok = choose(arg, "chacha20", "aes128gcm", &second);
    o->cipher = second ? QC_AES_128_GCM : QC_CHACHA20_POLY1305;
    break;
  case OPT_CONGESTION:
    ok = choose(arg, "newreno", "cubic", &second);
    o->cubic = second;
    break;
  case OPT_DEV:
    ok = o->n_devices < OPTIONS_MAX_DEVICES;
    if (ok)
      o->devices[o->n_devices++] = arg;
    break;
  case OPT_POLICY:
    o->policy = dp_policy_find(arg);
    ok = o->policy < DP_POLICY_COUNT;
    break;
  case OPT_CACHE:
    ok = number(arg, UINT64_MAX / 2, &o->cache_bytes);
    break;
  case OPT_CLIENTS:
    ok = number(arg, FB_MAX_SUBSCRIBERS, &n) && n > 0;
    o->max_clients = (uint32_t)n;
    break;
  case OPT_CONTROL:
    ok = number(arg, 1 << 20, &n);
    o->control = (int)n;
    break;
  case OPT_DEFECT:
    ok = defects_set_text(&o->defects, arg);
    break;
  default:
    ok = false;
  }
  return ok;
}

static const char *name_of(int opt) {
  for (const struct option *o = longs; o->name; o++) {
    if (o->val == opt)
      return o->name;
  }
  return "?";
}

enum options_result options_parse(int argc, char **argv, struct options *out) {
  *out = (struct options){.name = "relay",
                          .port = 4433,
                          .protection = QC_PROTECT_TLS,
                          .cache_bytes = 16u << 20,
                          .max_clients = 256,
                          .control = -1};
  int opt;
  while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
    if (opt == OPT_HELP)
      return OPTIONS_HELP;
    if (opt == '?')
      return OPTIONS_BAD; /* getopt has said why */
    if (take(out, opt, optarg))
      continue;
    fprintf(stderr, "fanbench-relay: --%s does not take \"%s\"; see --help\n", name_of(opt),
            optarg);
    return OPTIONS_BAD;
  }
  if (out->keylog && !out->out) {
    fputs("fanbench-relay: --keylog needs --out DIR, where keys.log is written; see --help\n",
          stderr);
    return OPTIONS_BAD;
  }
  if (out->journal && out->datapath == DATAPATH_STOCK) {
    fputs(
        "fanbench-relay: --journal needs a datapath, kernel or user: stock has none; see --help\n",
        stderr);
    return OPTIONS_BAD;
  }
  if (out->journal_size > 0 && !out->journal) {
    fputs("fanbench-relay: --journal-size needs --journal FILE; see --help\n", stderr);
    return OPTIONS_BAD;
  }
  if (optind < argc) {
    fprintf(stderr, "fanbench-relay: unexpected argument \"%s\"; see --help\n", argv[optind]);
    return OPTIONS_BAD;
  }
  return OPTIONS_OK;
}
