/* The report files of one run directory, one writer each. All take the view
 * and an open FILE, write it whole and leave errors in the FILE (ferror).
 * Schemas: README "Run directory". */
#ifndef FANBENCH_REPORT_FILES_H
#define FANBENCH_REPORT_FILES_H

#include "bench/report/view.h"

typedef void report_file_fn(FILE *to, const struct report_view *view);

report_file_fn report_file_json;    /* report.json */
report_file_fn report_file_tap;     /* report.tap: a point a check, with its subtest */
report_file_fn report_file_junit;   /* junit.xml: a testsuite, a testcase a check */
report_file_fn report_file_metrics; /* metrics.csv: a row a subscriber */
report_file_fn report_file_samples; /* samples.csv: a row a delivered object */
report_file_fn report_file_html;    /* report.html */

/* The <testsuite> alone, for a file with many. name is its name. */
void report_junit_suite(FILE *to, const char *name, const struct report_view *view);

/* `  ---` block of a TAP point, indented by `indent` spaces: a list of the
 * findings of check i, at most `most`. */
void report_tap_findings(FILE *to, int indent, const struct report_view *view, size_t i,
                         size_t most);
/* The notes of a run, as a key of the outermost mapping; nothing if there are none. */
void report_tap_notes(FILE *to, const struct report_outcome *outcome);

/* Opens dir/name for writing under a temporary name; commit renames it, or
 * removes it if something could not be written. Both return 0 or -1 with errno. */
struct report_file {
  char *path, *temporary;
  FILE *to;
};
int report_file_open(struct report_file *file, const char *path);
int report_file_commit(struct report_file *file);

#endif
