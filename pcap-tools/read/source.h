/* The bytes of a capture file: from a path, or "-" for standard input; unpacked
 * if they are gzip. Nothing is read twice, so that pipes will do.
 *
 * Order of calls: qp_source_open(), qp_source_read() until it gives 0,
 * qp_source_damage() tells whether that was the end, qp_source_close(). */
#ifndef FANBENCH_PCAP_READ_SOURCE_H
#define FANBENCH_PCAP_READ_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qp_source;

/* Returns 0, or -1 with a message in err. */
int qp_source_open(const char *path, struct qp_source **out, char *err, size_t err_len);
/* Up to `room` bytes; 0 = the end, or damage. */
size_t qp_source_read(struct qp_source *s, uint8_t *out, size_t room);
/* Why no more can be read; NULL: the file was whole (so far). */
const char *qp_source_damage(const struct qp_source *s);
/* True: offsets count unpacked bytes. Known after the first read. */
bool qp_source_packed(const struct qp_source *s);
void qp_source_close(struct qp_source *s);

#endif
