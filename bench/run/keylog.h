/* The key log of a run (RFC 9850), by connection: which lines belong to a ClientHello's
 * random. A line that several wrote counts once.
 *
 * Ownership: text that is handed out is the caller's. */
#ifndef FANBENCH_RUN_KEYLOG_H
#define FANBENCH_RUN_KEYLOG_H

#include <stddef.h>
#include <stdint.h>

#include "bench/run/hello.h"

struct keylog_line {
  uint8_t random[HELLO_RANDOM];
  size_t at, len; /* in text, with the end of line */
};

struct keylog {
  char *text;
  size_t len;
  struct keylog_line *lines; /* by random, then as they stand */
  size_t n;
};

/* Of the run in dir; one that is not there is empty. 0, or -1 with a sentence in err. */
int keylog_load(struct keylog *log, const char *dir, char *err, size_t err_len);
void keylog_free(struct keylog *log);

/* The lines of these connections, in the order of the randoms, each as they stand in the
 * log. *text: NULL if there are none. 0, or -1: no memory. */
int keylog_pick(const struct keylog *log, const uint8_t (*randoms)[HELLO_RANDOM], size_t n,
                char **text, size_t *len);

#endif
