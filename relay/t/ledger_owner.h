/* The owner of a ledger, shared by the ledger's tests: enters numbers and keeps what it was told
 * of each. A path's initial round trip is 100 ms, its peer delays ACKs by at most 25. */
#ifndef FANBENCH_RELAY_T_LEDGER_OWNER_H
#define FANBENCH_RELAY_T_LEDGER_OWNER_H

#include "relay/fanout/ledger.h"

#define MS   1000000ull
#define MOST 20000

/* By number. */
struct owner {
  struct ledger *ledger;
  struct ledger_number settled[MOST];
  struct ledger_piece first_piece[MOST];
  unsigned n_settled[MOST], n_spurious[MOST];
  unsigned settled_calls, spurious_calls, probe_calls, probes;
  unsigned spurious_old; /* of spurious_calls, of another path */
  uint64_t next, probe_ns;
  bool enter_probes; /* a probe is entered at once, as `next`, at probe_ns */
};

/* For cmocka: *state is a struct owner with an empty ledger. */
int owner_setup(void **state);
int owner_teardown(void **state);
#define OWNER_TEST(name) cmocka_unit_test_setup_teardown(name, owner_setup, owner_teardown)

/* Of 1,000 bytes; all but LEDGER_BURNED ask for an ACK. */
struct ledger_number owner_number(uint64_t pn, enum ledger_origin origin, uint64_t sent_ns);
void owner_enter(struct owner *o, uint64_t pn, enum ledger_origin origin, uint64_t sent_ns);
/* lo to hi, both included. */
void owner_enter_all(struct owner *o, uint64_t lo, uint64_t hi, enum ledger_origin origin,
                     uint64_t sent_ns);
/* One of ngtcp2's that asks for no ACK, sent at 0. */
void owner_enter_unasked(struct owner *o, uint64_t pn);
/* An ACK of lo to hi, both included, without delay. */
void owner_ack(struct owner *o, uint64_t lo, uint64_t hi, uint64_t now_ns);
/* Each has this fate, and it was told once. */
void owner_fate(const struct owner *o, uint64_t lo, uint64_t hi, enum ledger_fate fate);

#endif
