/* One run of many in two lines; see report_print_brief() in report.h. */
#include <stdlib.h>
#include <string.h>

#include "bench/report/report.h"
#include "bench/report/text.h"

char *report_unmet(const struct judge_report *judged, const struct report_run *run,
                   const struct report_outcome *outcome) {
  char *text = NULL;
  size_t len = 0;
  FILE *to = open_memstream(&text, &len);
  const char *blank = "";
  if (!to)
    return NULL;
  if (run->died) {
    fputs("died", to);
    blank = " ";
  }
  for (size_t i = 0; i < outcome->n_checks; i++)
    if (!outcome->checks[i].as_expected) {
      fprintf(to, "%s%s", blank, judged->checks[i].name);
      blank = " ";
    }
  const bool failed = ferror(to);
  if (fclose(to) || failed) {
    free(text);
    return NULL;
  }
  return text;
}

void report_print_brief(FILE *to, const char *name, const char *unmet, const struct report_run *run,
                        const struct report_outcome *outcome, bool colour) {
  const bool fails = outcome->verdict == REPORT_FAIL;
  const char *word = fails ? "FAIL" : "INCONCLUSIVE";
  fprintf(to, colour ? "\033[1;%sm%s\033[0m  " : "%.0s%s  ", fails ? "31" : "33", word);
  report_text_terminal(to, name);
  fputs("  ", to);
  report_text_terminal(to, unmet);
  if (run->replay) {
    fputs("\n  replay: ", to);
    report_text_terminal(to, run->replay);
  }
  fputc('\n', to);
}
