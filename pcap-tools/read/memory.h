/* Memory that grows. A judge without memory can prove nothing: it says so and
 * ends with exit code 3 (this machine lacks something). */
#ifndef FANBENCH_PCAP_READ_MEMORY_H
#define FANBENCH_PCAP_READ_MEMORY_H

#include <stddef.h>

/* Makes room for `want` elements at least; doubles. */
void qp_grow(void **array, size_t *room, size_t want, size_t size);
/* Zeroed. */
__attribute__((returns_nonnull)) void *qp_alloc(size_t n, size_t size);
/* Not zeroed. */
__attribute__((returns_nonnull)) void *qp_alloc_plain(size_t bytes);
__attribute__((returns_nonnull)) char *qp_copy_text(const char *text);
/* As printf(); free() the result. */
__attribute__((returns_nonnull, format(printf, 1, 2))) char *qp_text(const char *format, ...);

#endif
