/* The parts of report.html that describe what ran; file_html.c has the verdict
 * and the checks. Each writes a piece of HTML. */
#ifndef FANBENCH_REPORT_PAGE_H
#define FANBENCH_REPORT_PAGE_H

#include "bench/report/view.h"

void report_page_facts(FILE *to, const struct report_view *view);
void report_page_subscribers(FILE *to, const struct report_view *view);
void report_page_drops(FILE *to, const struct report_view *view);

#endif
