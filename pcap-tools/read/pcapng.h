/* What libpcap hides of a pcapng file: TLS secrets (Decryption Secrets Blocks),
 * and where a file breaks off.
 *
 * Source: draft-ietf-opsawg-pcapng; block layouts in section 6 of the reference
 * on captures. Files that are no pcapng have no secrets; that is no error. */
#ifndef FANBENCH_PCAP_READ_PCAPNG_H
#define FANBENCH_PCAP_READ_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

/* Called with the text of each TLS key log in the file (not NUL-terminated). */
typedef void qp_secrets_fn(void *arg, const char *text, size_t len);

/* Returns 0 at the end of the file or if it is no pcapng; -1 with a message and
 * the offset of the broken block, after all blocks in front of it. */
int qp_pcapng_secrets(const char *path, qp_secrets_fn *fn, void *arg, char *err, size_t err_len);

#endif
