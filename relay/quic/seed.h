/* Where the TLS library's random generators get their seeds.
 *
 * Without a call it is the operating system. A simulation puts its own source in its
 * place, for the whole process and for generators made from then on, so that keys,
 * signatures and randoms follow from one number. Never in anything that leaves the
 * laboratory.
 *
 * qc_seed_from(fill, arg): before any connection is made; fill may be called until
 * qc_seed_from_system(). Both return 0, or -1: the library was built without
 * WC_RNG_SEED_CB. */
#ifndef FANBENCH_RELAY_QUIC_SEED_H
#define FANBENCH_RELAY_QUIC_SEED_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

typedef void qc_seed_fill(void *arg, uint8_t *dest, size_t len);

int qc_seed_from(qc_seed_fill *fill, void *arg);
int qc_seed_from_system(void);

/* The wall clock as TLS sees it (dates of certificates); NULL: the system's again. */
int qc_time_from(time_t (*now)(time_t *out));

#endif
