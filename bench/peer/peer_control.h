/* The control channel of an endpoint: JSON objects over a SOCK_SEQPACKET socket
 * inherited from the runner, one a message. */
#ifndef FANBENCH_PEER_CONTROL_H
#define FANBENCH_PEER_CONTROL_H

#include <stddef.h>

#include "bench/peer/peer.h"
#include "bench/scenario/plan.h"

/* A command with more tracks names some twice. */
#define PEER_CONTROL_TRACKS 256
#define PEER_CONTROL_MAX    65536

/* A command and the room its lists need. */
struct peer_control_message {
  struct peer_command command;
  int tracks[PEER_CONTROL_TRACKS];
};

/* Reads one message. Returns 0, or -1 with *why saying what was expected. */
int peer_control_parse(const struct plan *plan, const char *text, size_t len,
                       struct peer_control_message *out, const char **why);

/* Sends one event; a channel that is gone is no error here, reading shows it. */
void peer_control_tell(int fd, const struct peer_event *event);
void peer_control_ready(int fd);

#endif
