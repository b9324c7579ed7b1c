/* The conviction matrix: what every check said of every defect, from the reports of runs.
 *
 *   struct matrix *m = matrix_new();
 *   matrix_add(m, report, ...); for each report.json of runs with defects, in any order
 *   matrix_print(m, stdout); or matrix_json()
 *   matrix_free(m);
 *
 * Several seeds of one scenario are one row. */
#ifndef FANBENCH_REPORT_MATRIX_H
#define FANBENCH_REPORT_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct matrix;

struct matrix *matrix_new(void); /* NULL: no memory */
void matrix_free(struct matrix *matrix);

/* Takes in a report. 1: taken; 0: it is of a run without defects; -1: not readable, or none of
 * fanbench's, with a sentence in err. */
int matrix_add(struct matrix *matrix, const char *path, char *err, size_t err_len);

/* One line a scenario, by name, one column a check, in the order of the catalogue:
 *   X  convicted by the check that must; x  convicted too, as the scenario allows
 *   +  in some seeds only, in others passed or skipped
 *   !  a conviction that nobody expected, or none where there must be one
 *   .  passed; -  skipped
 * and what the runs without the defect said: pass, or how many failed. */
void matrix_print(const struct matrix *matrix, FILE *to);
/* One object a line: {"scenario", "on": runs, "off": runs, "off_failed", "checks": {NAME:
 * {"convicted": n, "passed": n, "skipped": n, "must": bool, "unexpected": n}}}. */
void matrix_json(const struct matrix *matrix, FILE *to);

size_t matrix_rows(const struct matrix *matrix);
/* Is every row convicted by what must, by nothing unexpected, and passes without its defect? */
bool matrix_is_full(const struct matrix *matrix);

#endif
