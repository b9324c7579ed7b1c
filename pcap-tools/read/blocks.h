/* What libpcap hides of a capture file: TLS secrets, interfaces, comments, and at
 * which offset each record begins. Walks over the bytes as they go to libpcap, in
 * pieces of any size; keeps none but those of interest.
 *
 * libpcap refuses a pcapng file whose interfaces differ in link type or snapshot
 * length. The walker therefore shows it equal ones (Ethernet, no limit) by writing
 * into the bytes that pass, and tells itself what each record's link type is.
 *
 * Source: draft-ietf-opsawg-pcapng; section 6 of the reference on captures. A file
 * that is neither pcap nor pcapng passes untouched: libpcap says what is wrong. */
#ifndef FANBENCH_PCAP_READ_BLOCKS_H
#define FANBENCH_PCAP_READ_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called with the text of each TLS key log in the file (not NUL-terminated). */
typedef void qp_secrets_fn(void *arg, const char *text, size_t len);

struct qp_interface {
  int linktype; /* DLT_* of libpcap; -1 in a pcap file: libpcap knows */
  uint32_t snaplen;
  char name[64]; /* "" = none */
  bool has_dropped;
  uint64_t dropped; /* packets, by an Interface Statistics Block */
};

/* One captured packet's record. */
struct qp_record {
  uint64_t at;        /* offset in the file */
  uint32_t interface; /* among all of the file */
  char *comment;      /* NULL = none */
};

struct qp_blocks;

struct qp_blocks *qp_blocks_new(qp_secrets_fn *fn, void *arg); /* fn may be NULL */
void qp_blocks_free(struct qp_blocks *b);
/* The next bytes of the file. */
void qp_blocks_pass(struct qp_blocks *b, uint8_t *bytes, size_t len);
/* The next record that has not been taken; NULL: none has passed. */
const struct qp_record *qp_blocks_peek(const struct qp_blocks *b);
void qp_blocks_take(struct qp_blocks *b);

/* Where the block or record begins that is passing now. */
uint64_t qp_blocks_at(const struct qp_blocks *b);
/* Secrets that came behind the first packet. */
bool qp_blocks_late_secrets(const struct qp_blocks *b);
/* Interfaces seen so far. Valid until the next pass. */
const struct qp_interface *qp_blocks_interfaces(const struct qp_blocks *b, size_t *n);

/* All TLS key logs of a file, without its packets. Returns 0 (also for files that
 * have none), or -1 with a message if the file cannot be read. */
int qp_blocks_secrets(const char *path, qp_secrets_fn *fn, void *arg, char *err, size_t err_len);

#endif
