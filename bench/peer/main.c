/* fanbench-peer: one endpoint of a run, publisher or subscriber. */
#include <arpa/inet.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peer/peer_host.h"
#include "bench/scenario/plan.h"
#include "version.h"

struct options {
  const char *scenario, *node, *local, *remote, *out;
  int control;
};

static void print_help(FILE *to) {
  fputs(
      "usage: fanbench-peer --scenario FILE --node NAME --local ADDR:PORT --remote ADDR:PORT\n"
      "                     --out DIR [--control FD]\n"
      "\n"
      "One endpoint of a run: publishes or subscribes as the scenario says. The runner\n"
      "starts it; by hand it is of use for trying a relay.\n"
      "\n"
      "  --scenario FILE   the scenario; role, tracks, windows and protection come from it\n"
      "  --node NAME       who it is, e.g. pub or 'sub[1]'\n"
      "  --local ADDR:PORT own address; port 0: any. IPv6 as [ADDR]:PORT\n"
      "  --remote ADDR:PORT the relay\n"
      "  --out DIR         run directory: NODE-objects.jsonl, keys.log, qlog/, received/\n"
      "  --control FD      control channel (SOCK_SEQPACKET, JSON); without it the endpoint\n"
      "                    runs until SIGTERM, and a publisher starts as soon as the relay\n"
      "                    has accepted its namespace\n"
      "  --help, --version\n"
      "\n"
      "example:\n"
      "  fanbench-peer --scenario scenarios/first/quickstart.yaml --node 'sub[0]' \\\n"
      "    --local 127.0.0.1:0 --remote 127.0.0.1:4433 --out /tmp/run\n"
      "\n"
      "exit: 0 stopped as told, 1 failed, 2 bad command line or scenario\n",
      to);
}

static bool parse_number(const char *text, long max, int *out) {
  char *end;
  const long value = strtol(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || value > max)
    return false;
  *out = (int)value;
  return true;
}

/* "10.0.1.2:4433" or "[fd00::1]:4433". */
static bool parse_address(const char *text, struct qc_addr *out) {
  char ip[64];
  const char *colon = strrchr(text, ':');
  int port;
  size_t len;
  memset(out, 0, sizeof *out);
  if (!colon || !parse_number(colon + 1, 65535, &port))
    return false;
  len = (size_t)(colon - text);
  const bool six = len > 2 && text[0] == '[' && text[len - 1] == ']';
  if (six) {
    text++;
    len -= 2;
  }
  if (len >= sizeof ip)
    return false;
  memcpy(ip, text, len);
  ip[len] = '\0';
  if (six) {
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons((uint16_t)port);
    out->len = sizeof out->in6;
    return inet_pton(AF_INET6, ip, &out->in6.sin6_addr) == 1;
  }
  out->in.sin_family = AF_INET;
  out->in.sin_port = htons((uint16_t)port);
  out->len = sizeof out->in;
  return inet_pton(AF_INET, ip, &out->in.sin_addr) == 1;
}

/* 0, -1 = wrong, 1 = nothing to do any more. */
static int parse_options(int argc, char **argv, struct options *o) {
  static const struct option known[] = {
      {"scenario", required_argument, NULL, 's'},
      {"node", required_argument, NULL, 'n'},
      {"local", required_argument, NULL, 'l'},
      {"remote", required_argument, NULL, 'r'},
      {"out", required_argument, NULL, 'o'},
      {"control", required_argument, NULL, 'c'},
      {"help", no_argument, NULL, 'h'},
      {"version", no_argument, NULL, 'v'},
      {0},
  };
  const char **text[] = {['s'] = &o->scenario,
                         ['n'] = &o->node,
                         ['l'] = &o->local,
                         ['r'] = &o->remote,
                         ['o'] = &o->out};
  int c;
  while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
    if (c == 'h' || c == 'v') {
      if (c == 'h')
        print_help(stdout);
      else
        puts("fanbench-peer " FANBENCH_VERSION " (" FANBENCH_COMMIT ")");
      return 1;
    }
    if (c == '?')
      return -1;
    if (c != 'c')
      *text[c] = optarg;
    else if (!parse_number(optarg, 1 << 20, &o->control)) {
      fprintf(stderr, "fanbench-peer: --control: expected a file descriptor, found %s\n", optarg);
      return -1;
    }
  }
  if (optind < argc) {
    fprintf(stderr, "fanbench-peer: expected options only, found %s\n", argv[optind]);
    return -1;
  }
  if (o->scenario && o->node && o->local && o->remote && o->out)
    return 0;
  fputs("fanbench-peer: expected --scenario, --node, --local, --remote and --out\n", stderr);
  return -1;
}

static bool resolve(const struct options *o, struct peer_host_config *config) {
  if (!parse_address(o->local, &config->local) || !parse_address(o->remote, &config->remote)) {
    fprintf(stderr, "fanbench-peer: expected addresses as ADDR:PORT or [ADDR]:PORT, found %s, %s\n",
            o->local, o->remote);
    return false;
  }
  if (config->local.sa.sa_family != config->remote.sa.sa_family) {
    fprintf(stderr, "fanbench-peer: expected both addresses of one IP version, found %s, %s\n",
            o->local, o->remote);
    return false;
  }
  config->node = plan_node_find(config->plan, o->node);
  if (config->node < 0) {
    fprintf(stderr, "fanbench-peer: expected --node to name a node of %s, found %s\n", o->scenario,
            o->node);
    return false;
  }
  const enum plan_role role = config->plan->nodes[config->node].role;
  if (role == PLAN_PUBLISHER || role == PLAN_SUBSCRIBER || role == PLAN_ROGUE)
    return true;
  fprintf(stderr, "fanbench-peer: expected --node to name an endpoint, %s is a %s\n", o->node,
          plan_role_name(role));
  return false;
}

int main(int argc, char **argv) {
  struct options options = {.control = -1};
  struct plan_error err = {0};
  const int parsed = parse_options(argc, argv, &options);
  if (parsed < 0)
    fputs("try 'fanbench-peer --help'\n", stderr);
  if (parsed)
    return parsed < 0 ? 2 : 0;
  struct plan *plan = plan_load(options.scenario, NULL, 0, &err);
  if (!plan) {
    plan_error_print(stderr, &err);
    plan_error_free(&err);
    return 2;
  }
  struct peer_host_config config = {
      .plan = plan, .authority = options.remote, .out = options.out, .control = options.control};
  const int code = resolve(&options, &config) ? peer_host_run(&config) : 2;
  plan_free(plan);
  return code;
}
