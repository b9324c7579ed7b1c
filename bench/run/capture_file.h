/* One pcapng file, written in one pass although the secrets, which are known last, stand
 * first: room for a few connections' is kept in front, as a block of blank lines (a key log
 * may have them). Many connections' take more: then the file is written once more.
 *
 * Order: open, packets in order of time, close; or discard. */
#ifndef FANBENCH_RUN_CAPTURE_FILE_H
#define FANBENCH_RUN_CAPTURE_FILE_H

#include <stdint.h>

#include "bench/run/keylog.h"

struct capture_file;

/* Ethernet. NULL with errno set: the file cannot be made. */
struct capture_file *capture_file_open(const char *path, const char *ifname);

/* time_ns: since 1970. wire_len: length on the wire, >= len. A failure to write shows at
 * the end. */
void capture_file_packet(struct capture_file *file, uint64_t time_ns, const uint8_t *data,
                         uint32_t len, uint32_t wire_len);

uint64_t capture_file_packets(const struct capture_file *file);

/* Puts the secrets of its connections in front (all of them if packets were dropped).
 * 0, or -1 with errno set; the file is closed in any case. */
int capture_file_close(struct capture_file *file, const struct keylog *keys, uint64_t dropped);

/* Closes it as it is. May be NULL. */
void capture_file_discard(struct capture_file *file);

#endif
