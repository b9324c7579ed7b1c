/* A way to hurt a run in one place, and the check that must tell.
 *
 * An operator names what its places are (packets, frames, lines, connections), says of
 * each whether the hurt would be unlawful there (fits), and does it (apply). A place
 * that fits must be convicted by `check`: nothing lawful may come of the change. */
#ifndef FANBENCH_PCAP_MUTATE_OPERATOR_H
#define FANBENCH_PCAP_MUTATE_OPERATOR_H

#include "pcap-tools/mutate/edit.h"

enum qm_places {
  QM_PACKETS, /* bed->packets */
  QM_FRAMES,  /* bed->frames */
  QM_LINES,   /* bed->lines */
  QM_CONNS,   /* connections of the tracker */
  QM_MANIFEST /* 0 .. QM_MANIFEST_PLACES - 1: the operator decides what they mean */
};
#define QM_MANIFEST_PLACES 64

struct qm_random {
  uint64_t state;
};
uint64_t qm_random(struct qm_random *r);
uint64_t qm_below(struct qm_random *r, uint64_t n); /* 0 .. n - 1 */

#define QM_ALSO 20

struct qm_operator {
  const char *name;
  const char *does;          /* one sentence: what is changed */
  const char *check;         /* must convict */
  const char *also[QM_ALSO]; /* may convict too */
  const char *why;           /* why they may; "" if none */
  enum qm_places places;
  bool (*fits)(const struct qm_bed *bed, size_t place);
  /* False: it cannot be done here after all. */
  bool (*apply)(const struct qm_bed *bed, struct qm_edit *e, size_t place, struct qm_random *r);
};

/* All operators, in the order of the table. */
const struct qm_operator *const *qm_operators(size_t *n);

size_t qm_places_of(const struct qm_bed *bed, enum qm_places places);
const struct qp_conn *qm_conn(const struct qm_bed *bed, size_t place);

/* ---- what operators ask of a place ---------------------------------------------------- */

/* A 1-RTT packet in the clear, as its sender sent it, not closing. */
bool qm_is_clear(const struct qm_packet *p);
/* The same, of a relay that keeps a ledger. */
bool qm_of_ledger(const struct qm_bed *bed, const struct qm_packet *p);
/* The same, sent by the node with that role. */
bool qm_sent_by(const struct qm_bed *bed, const struct qm_packet *p, const char *role);
/* Is it towards a subscriber? */
bool qm_downstream(const struct qm_bed *bed, const struct qm_packet *p);
/* A frame of that kind in such a packet. */
bool qm_is_frame(const struct qm_bed *bed, size_t frame, uint64_t kind);
/* Room for `len` bytes of other frames: PADDING in the clear, not in a copy. */
bool qm_has_room(const struct qm_bed *bed, size_t frame, size_t len);
/* Was it acknowledged? Then the receiver has it. */
bool qm_acked(const struct qm_bed *bed, const struct qm_packet *p);

/* ---- varints in place ------------------------------------------------------------------ */

/* Writes the value in exactly `len` bytes (1 2 4 8); false: it does not fit. */
bool qm_varint(uint8_t *to, size_t len, uint64_t value);
/* Length of the varint that begins there. */
size_t qm_varint_len(const uint8_t *p);

/* ---- lines -------------------------------------------------------------------------------- */

/* A line of that kind of file whose member "ev" is that. */
bool qm_is_line(const struct qm_bed *bed, size_t line, const char *kind, const char *ev);
/* Members of a line; false, or "", if absent. */
bool qm_member(const struct qm_bed *bed, size_t line, const char *name, uint64_t *value);
bool qm_member_is(const struct qm_bed *bed, size_t line, const char *name, const char *text);
/* Replaces a member; false: there is none. */
bool qm_set(const struct qm_bed *bed, struct qm_edit *e, size_t line, const char *name,
            const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Operators' apply: the line goes; or stands there twice. */
bool qm_drop_line(const struct qm_bed *bed, struct qm_edit *e, size_t line, struct qm_random *r);
bool qm_repeat_line(const struct qm_bed *bed, struct qm_edit *e, size_t line, struct qm_random *r);
/* The connection that the line names, or NULL. */
const struct qp_conn *qm_line_conn(const struct qm_bed *bed, size_t line);

#endif
