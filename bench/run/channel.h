/* A control channel: JSON objects over a SOCK_SEQPACKET socket, one a message.
 * Used between the runner and the processes of a run, and between the runner
 * and the cage that holds them. A message is at most CHANNEL_MAX bytes. */
#ifndef FANBENCH_RUN_CHANNEL_H
#define FANBENCH_RUN_CHANNEL_H

#include <stdbool.h>

#include <jansson.h>

#define CHANNEL_MAX (256 * 1024)

/* Both ends are close-on-exec. Returns 0 or -1 with errno. */
int channel_pair(int fds[2]);

/* Sends and gives `message` back (also when it fails or is NULL). Waits while
 * the other side's queue is full. Returns 0 or -1 with errno. */
int channel_send(int fd, json_t *message);

enum channel_result {
  CHANNEL_MESSAGE, /* *message is the caller's to json_decref() */
  CHANNEL_NOTHING, /* nothing there now */
  CHANNEL_CLOSED,  /* the other side is gone */
  CHANNEL_GARBAGE, /* a message that is no JSON object */
};
/* Never waits. */
enum channel_result channel_recv(int fd, json_t **message);

/* Text of a string member, "" if it is absent; lives as long as the message. */
const char *channel_text(const json_t *message, const char *key);
/* An integer member, `otherwise` if it is absent. */
json_int_t channel_int(const json_t *message, const char *key, json_int_t otherwise);

#endif
