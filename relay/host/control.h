/* The channel to the runner: JSON objects over an inherited SOCK_SEQPACKET
 * socket (README "Run directory"). */
#ifndef FANBENCH_RELAY_HOST_CONTROL_H
#define FANBENCH_RELAY_HOST_CONTROL_H

#include <stdbool.h>

#include "relay/fanout/relay.h"

enum control_what {
  CONTROL_NOTHING,
  CONTROL_POLL,
  CONTROL_STOP,
  CONTROL_DIE,    /* end at once, without a word to anybody */
  CONTROL_VANISH, /* stay, but hear and say nothing any more */
  CONTROL_UPDATE_KEY,
  CONTROL_UNKNOWN,
};

/* Reads one message; CONTROL_STOP also at the end of the channel. */
enum control_what control_read(int fd);

void control_ready(int fd);
void control_state(int fd, const struct relay_state *state);
void control_error(int fd, const char *text);
void control_bye(int fd);
void control_did(int fd, bool ok);

#endif
