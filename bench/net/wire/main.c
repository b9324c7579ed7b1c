/* fanbench-wire: the impaired links of a run. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "bench/net/topology.h"
#include "bench/net/wire/control.h"
#include "bench/net/wire/port.h"
#include "bench/net/wire/stand_in.h"
#include "bench/net/wire/wire.h"
#include "bench/scenario/plan.h"
#include "version.h"

#define SECOND_NS UINT64_C(1000000000)
#define MS_NS     UINT64_C(1000000)
/* A sleeper wakes up late by some 50 us; nearer than this to the next departure
 * nobody sleeps. */
#define SPIN_NS (150 * UINT64_C(1000))
/* How often the control channel is looked at while there is no time to wait for it. */
#define CONTROL_NS (2 * MS_NS)
/* Lines of 150,000 packets: writing to a file may wait for its disk for a tenth of a
 * second, so that nothing is written before the end, or before this is full. */
#define JOURNAL_BYTES ((size_t)32 << 20)
/* Ethernet, and a VLAN tag that nobody here sends. */
#define FRAME_EXTRA 18
/* Frames taken in before departures get their turn again. */
#define ROUNDS 8

struct options {
  const char *scenario, *out;
  int control;
};

struct process {
  struct options options;
  struct plan *plan;
  struct topology net;
  FILE *journal;
  char *buffer;
  struct wire wire;
  struct port port;
  struct stand_in stand_in; /* its lock guards wire and port */
  uint64_t told;            /* events of links that the runner heard of */
  uint64_t listened_ns;
  bool over;
  char err[512];
};

static uint64_t now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

/* --- command line ------------------------------------------------------------------ */

static void print_help(FILE *to) {
  fputs(
      "usage: fanbench-wire --scenario FILE --out DIR --control FD\n"
      "\n"
      "Carries the packets of a run's impaired links. The runner starts it in a namespace of\n"
      "its own, which holds the inner ends of those links. Appends to DIR/links.jsonl.\n"
      "\n"
      "  --scenario FILE   the scenario; links, faults, timeline and seed come from it\n"
      "  --out DIR         run directory\n"
      "  --control FD      control channel (SOCK_SEQPACKET, JSON)\n"
      "  --help, --version\n"
      "\n"
      "example: fanbench run FILE starts it where a link of FILE is impaired\n"
      "\n"
      "exit: 0 stopped as told, 1 failed, 2 bad command line or scenario\n",
      to);
}

/* 0, -1 = wrong, 1 = nothing to do any more. */
static int parse_options(int argc, char **argv, struct options *o) {
  static const struct option known[] = {
      {"scenario", required_argument, NULL, 's'}, {"out", required_argument, NULL, 'o'},
      {"control", required_argument, NULL, 'c'},  {"help", no_argument, NULL, 'h'},
      {"version", no_argument, NULL, 'v'},        {0}};
  int c;
  *o = (struct options){.control = -1};
  while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
    char *end = NULL;
    switch (c) {
    case 's':
      o->scenario = optarg;
      break;
    case 'o':
      o->out = optarg;
      break;
    case 'c':
      o->control = (int)strtol(optarg, &end, 10);
      if (end == optarg || *end != '\0' || o->control < 0) {
        fprintf(stderr, "fanbench-wire: --control: expected a file descriptor, found %s\n", optarg);
        return -1;
      }
      break;
    case 'h':
      print_help(stdout);
      return 1;
    case 'v':
      puts("fanbench-wire " FANBENCH_VERSION " (" FANBENCH_COMMIT ")");
      return 1;
    default:
      return -1;
    }
  }
  if (optind == argc && o->scenario != NULL && o->out != NULL && o->control >= 0)
    return 0;
  fputs("fanbench-wire: expected --scenario, --out and --control; see --help\n", stderr);
  return -1;
}

/* --- the loop -------------------------------------------------------------------------- */

static void take_in(struct process *p) {
  for (int round = 0; round < ROUNDS; round++) {
    const size_t n = port_receive(&p->port);
    for (size_t i = 0; i < n; i++) {
      const struct port_frame *frame = &p->port.frames[i];
      wire_in(&p->wire, frame->in, frame->bytes, frame->len, frame->arrived_ns);
    }
    if (n < PORT_BATCH) { /* all that has arrived is in */
      wire_turn(&p->wire, now());
      return;
    }
  }
}

static void let_out(struct process *p) {
  int out;
  const struct queued *frame;
  uint64_t now_ns = now();
  /* A batch at a time, so that what arrives meanwhile and is due at once gets its turn. The
   * stamp is from before the call: within it the receiving host already works on the frame. */
  for (int i = 0; i < PORT_BATCH && (frame = wire_first(&p->wire, now_ns, &out)) != NULL; i++) {
    const bool sent = port_send(&p->port, out, frame->bytes, frame->len);
    wire_left(&p->wire, now_ns, sent);
    now_ns = now();
  }
}

/* Whoever works, works off everything. Under the lock. */
static void carry(void *arg) {
  struct process *p = arg;
  take_in(p);
  let_out(p);
  stand_in_note(&p->stand_in, now(), wire_deadline(&p->wire));
}

/* Under the lock. */
static void listen_to_runner(struct process *p) {
  uint64_t t0_ns;
  for (; p->told < p->wire.events; p->told++)
    control_say_did(p->options.control);
  switch (control_hear(p->options.control, &t0_ns)) {
  case CONTROL_START:
    wire_begin(&p->wire, t0_ns);
    break;
  case CONTROL_POLL:
    control_say_state(p->options.control, p->wire.queue.bytes);
    break;
  case CONTROL_STOP:
    p->over = true;
    break;
  case CONTROL_NOTHING:
  case CONTROL_WRONG:
    break;
  }
  p->listened_ns = now();
}

static void sleep_until(struct process *p, uint64_t until_ns) {
  struct pollfd fds[2] = {{.fd = p->port.fd, .events = POLLIN},
                          {.fd = p->options.control, .events = POLLIN}};
  const uint64_t now_ns = now();
  const uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
  const struct timespec timeout = {.tv_sec = (time_t)(left_ns / SECOND_NS),
                                   .tv_nsec = (long)(left_ns % SECOND_NS)};
  ppoll(fds, 2, until_ns == WIRE_NEVER ? NULL : &timeout, NULL);
  if (fds[1].revents != 0)
    p->listened_ns = 0; /* there is something to hear */
}

static void turn(struct process *p) {
  stand_in_lock(&p->stand_in);
  carry(p);
  if (p->told < p->wire.events || now() > p->listened_ns + CONTROL_NS)
    listen_to_runner(p);
  const uint64_t due_ns = wire_deadline(&p->wire), now_ns = now();
  stand_in_unlock(&p->stand_in);
  if (!p->over && due_ns > now_ns + SPIN_NS)
    sleep_until(p, due_ns == WIRE_NEVER ? WIRE_NEVER : due_ns - SPIN_NS);
}

/* --- beginning and end --------------------------------------------------------------------- */

static size_t longest_frame(const struct plan *plan) {
  size_t longest = 0;
  for (size_t k = 0; k < plan->n_links; k++)
    longest = plan->links[k].mtu > longest ? plan->links[k].mtu : longest;
  return longest + FRAME_EXTRA;
}

static int open_journal(struct process *p) {
  char *path = NULL;
  p->buffer = malloc(JOURNAL_BYTES);
  if (p->buffer != NULL && asprintf(&path, "%s/links.jsonl", p->options.out) >= 0)
    p->journal = fopen(path, "ae");
  if (p->journal == NULL)
    snprintf(p->err, sizeof p->err, "cannot write %s/links.jsonl: %s", p->options.out,
             strerror(errno));
  else
    setvbuf(p->journal, p->buffer, _IOFBF, JOURNAL_BYTES);
  free(path);
  return p->journal != NULL ? 0 : -1;
}

static int open_all(struct process *p) {
  if (topology_plan(p->plan, &p->net, p->err, sizeof p->err) != 0 || open_journal(p) != 0 ||
      wire_open(&p->wire, p->plan, &p->net, p->journal, p->err, sizeof p->err) != 0)
    return -1;
  mlockall(MCL_CURRENT | MCL_FUTURE); /* a page fault is lateness; where it is refused, so be it */
  return port_open(&p->port, longest_frame(p->plan), p->err, sizeof p->err);
}

static void close_all(struct process *p) {
  port_close(&p->port);
  wire_free(&p->wire);
  if (p->journal != NULL)
    fclose(p->journal);
  free(p->buffer);
  topology_free(&p->net);
  plan_free(p->plan);
}

static void conclude(struct process *p) {
  wire_close(&p->wire, now());
  port_count_lost(&p->port);
  for (size_t i = 0; i < p->wire.n_ways; i++)
    control_say_way(p->options.control, &p->wire.ways[i], p->port.lost);
  control_say(p->options.control, "bye");
}

static int run(struct process *p) {
  if (open_all(p) != 0) {
    fprintf(stderr, "fanbench-wire: %s\n", p->err);
    control_say_error(p->options.control, p->err);
    return 1;
  }
  stand_in_start(&p->stand_in, carry, p);
  control_say(p->options.control, "ready");
  while (!p->over)
    turn(p);
  stand_in_stop(&p->stand_in);
  printf("fanbench-wire: the other CPU stood in %llu times\n",
         (unsigned long long)p->stand_in.times);
  conclude(p);
  if (ferror(p->journal) == 0 && fflush(p->journal) == 0)
    return 0;
  fprintf(stderr, "fanbench-wire: cannot write links.jsonl: %s\n", strerror(errno));
  return 1;
}

int main(int argc, char **argv) {
  struct process p = {.port = {.fd = -1}};
  struct plan_error why = {0};
  const int rc = parse_options(argc, argv, &p.options);
  if (rc != 0)
    return rc > 0 ? 0 : 2;
  p.plan = plan_load(p.options.scenario, NULL, 0, &why);
  if (p.plan == NULL) {
    plan_error_print(stderr, &why);
    plan_error_free(&why);
    return 2;
  }
  const int code = run(&p);
  close_all(&p);
  return code;
}
