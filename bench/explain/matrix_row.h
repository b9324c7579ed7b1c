/* The conviction matrix that is linked in, read again: which check tells of which defect. */
#ifndef FANBENCH_EXPLAIN_MATRIX_ROW_H
#define FANBENCH_EXPLAIN_MATRIX_ROW_H

#include <stddef.h>

/* The sign of a check (its place in the catalogue) in the row of a defect's scenario: 'X' it
 * must convict, 'x' or '+' it does, '.' it passes, '-' it is skipped; ' ' no such row. */
char matrix_row_sign(const char *scenario, size_t check);

#endif
