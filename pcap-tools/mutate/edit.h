/* One place of a run changed: what a mutation does, and how the changed run gets onto
 * the disk. The bed stays as it is.
 *
 * Changes of packets go to every capture that shows the packet, so that the change is
 * the sender's and not the wire's; checksums are made right again unless that is the
 * change. When packets come or go, the manifest's count of that capture follows, or
 * load-honest would tell.
 *
 * Order of calls: qm_edit_new(), changes, qm_edit_write(), qm_edit_free(). */
#ifndef FANBENCH_PCAP_MUTATE_EDIT_H
#define FANBENCH_PCAP_MUTATE_EDIT_H

#include <jansson.h>

#include "pcap-tools/mutate/bed.h"

struct qm_edit;

struct qm_edit *qm_edit_new(const struct qm_bed *bed);
void qm_edit_free(struct qm_edit *e);

/* Bytes of a packet; off counts from the packet's first byte. */
void qm_edit_packet(struct qm_edit *e, size_t packet, uint32_t off, const void *bytes, size_t len);
/* Bytes of a frame of it; off counts from the frame's first byte. */
void qm_edit_frame(struct qm_edit *e, size_t frame, uint32_t off, const void *bytes, size_t len);
/* The frame becomes PADDING. */
void qm_edit_blank(struct qm_edit *e, size_t frame);
/* Bytes below QUIC, from the first byte of the captured frame; checksums stay as they are. */
void qm_edit_raw(struct qm_edit *e, size_t packet, uint32_t off, const void *bytes, size_t len);
/* The same, and they are made right. */
void qm_edit_below(struct qm_edit *e, size_t packet, uint32_t off, const void *bytes, size_t len);
/* The datagram with the packet was never sent. */
void qm_edit_drop(struct qm_edit *e, size_t packet);
/* It is sent again so much later. */
void qm_edit_double(struct qm_edit *e, size_t packet, uint64_t later_ns);
/* The second one of the packet doubled last carries these bytes; off as of
 * qm_edit_packet(). */
void qm_edit_twin(struct qm_edit *e, uint32_t off, const void *bytes, size_t len);
/* It left at another time. */
void qm_edit_time(struct qm_edit *e, size_t packet, uint64_t time_ns);
/* The capture breaks off in that record. */
void qm_edit_cut(struct qm_edit *e, uint32_t file, uint32_t record);

/* That text, as long, wherever it stands in front of the captures' first packets (their
 * secrets). */
void qm_edit_secret(struct qm_edit *e, const char *was, const char *now);

/* A line becomes this text (which changes hands); NULL: it goes. */
void qm_edit_line(struct qm_edit *e, size_t line, char *text);
/* A line more behind it. */
void qm_edit_line_more(struct qm_edit *e, size_t line, char *text);
/* The line with the value of a member replaced; NULL if it has no such member. */
char *qm_line_with(const char *line, const char *member, const char *value);

/* manifest.json, to be changed. */
json_t *qm_edit_manifest(struct qm_edit *e);

/* Writes the run to `dir`, which must not exist; what is unchanged as links to the bed.
 * Returns 0, or -1 with a message. */
int qm_edit_write(struct qm_edit *e, const char *dir, char *err, size_t err_len);

#endif
