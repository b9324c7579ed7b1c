/* One process of a run: started in a network namespace, talks over a control
 * channel, its stdout and stderr are kept in a bounded log file.
 *
 * It dies with the process that started it (PDEATHSIG) and is stopped by the end
 * of its control channel. The caller reaps with process_reaped().
 *
 * Ownership: process_start() fills *p; process_close() closes what is open
 * and frees the log's state, it does not end the process. */
#ifndef FANBENCH_RUN_PROCESS_H
#define FANBENCH_RUN_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

/* What one process may leave in its log file; the rest is counted and cut. */
#define PROCESS_LOG_MAX (256 * 1024)
/* Events one process may have unanswered at a time. */
#define PROCESS_EVENTS 64

struct process {
  char *name; /* owned: "relay", "sub[1]", "capture relay" */
  int node;   /* index in the plan; -1: a capture, or the wire process */
  pid_t pid;
  int pidfd;   /* readable once it ended */
  int control; /* runner's end; -1 once closed */
  int log_in;  /* read end of its stdout and stderr; -1 once closed */
  int log_out; /* the log file */
  size_t log_room;
  uint64_t log_cut; /* bytes that found no room */

  bool stopping; /* told to stop: exit code 0 is expected */
  bool doomed;   /* the timeline ends it: any end is expected */
  bool overdue;  /* killed because it did not stop: its end is not expected */
  bool exited;
  bool started; /* told t0 */
  int exit_code, signal;

  /* what it said */
  bool ready, announced, answered, published;
  uint64_t answered_ok, answered_refused;
  uint64_t objects_published, objects_planned, late_p99_ns, late_max_ns;
  bool knows_planned;
  uint64_t states; /* answers to poll so far */
  uint64_t connections, backlog, inflight;
  uint64_t objects, last_rx_ns;
  uint32_t asked, did;         /* events sent, events answered */
  bool did_ok[PROCESS_EVENTS]; /* answer to event number e, at e % PROCESS_EVENTS */
  json_t *captured;            /* a capture's closing message */
  json_t *wires;               /* the wire process: array of what it said of each direction */
  char error[256];
};

struct process_spec {
  const char *name;
  int node;
  int netns_fd;
  int realtime;         /* SCHED_RR priority; 0 = the normal scheduler */
  const char *log_path; /* NULL: it keeps the runner's stderr */
  /* one of: */
  char *const *argv; /* argv[0] = path; PROCESS_CONTROL_ARG becomes the fd's number */
  int (*inside)(void *arg, int control); /* forked, not executed; its value is the exit code */
  void *arg;
};
#define PROCESS_CONTROL_ARG "@control"

/* 0, or -1 with a sentence in err. */
int process_start(struct process *p, const struct process_spec *spec, char *err, size_t err_len);

/* Takes one message in. */
void process_heard(struct process *p, const json_t *message);

/* Moves what the process printed into its log file, without waiting. */
void process_log(struct process *p);

/* Takes the wait status in. */
void process_reaped(struct process *p, int status);

/* After it ended: whether it ended as it should. */
bool process_end_expected(const struct process *p);

void process_close(struct process *p);

/* "exit code 1", "signal 9 (Killed)" and what it said last; in buf. */
const char *process_end_text(const struct process *p, char *buf, size_t len);

#endif
