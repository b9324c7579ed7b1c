/* The control channel of the wire process: JSON objects over a SOCK_SEQPACKET socket
 * inherited from the runner, one a message.
 *
 *   in   {"do":"start","t0":N}  the timeline begins    {"do":"poll"}    {"do":"stop"}
 *   out  {"ev":"ready"}  {"ev":"did","kind","ok":true} for each event of a link, unasked
 *        {"ev":"state","backlog": bytes on their way}  {"ev":"error","text"}
 *        {"ev":"wire","link","packets","dropped_queue","late_p99_ns","late_max_ns",
 *         "overflow"} one a direction, then {"ev":"bye"} */
#ifndef FANBENCH_NET_WIRE_CONTROL_H
#define FANBENCH_NET_WIRE_CONTROL_H

#include <stdint.h>

#include "bench/net/wire/wire.h"

enum control_do { CONTROL_NOTHING, CONTROL_START, CONTROL_POLL, CONTROL_STOP, CONTROL_WRONG };

/* Never waits. A channel that is closed says stop. */
enum control_do control_hear(int fd, uint64_t *t0_ns);

/* The same for one message at hand. */
enum control_do control_parse(const char *text, size_t len, uint64_t *t0_ns);

void control_say(int fd, const char *ev);
void control_say_error(int fd, const char *text);
void control_say_did(int fd);
void control_say_state(int fd, uint64_t backlog);

/* lost: frames that found no room before any direction saw them. */
void control_say_way(int fd, struct wire_way *way, uint64_t lost);

#endif
