#include "bench/report/template.h"

#include <string.h>

void report_template(FILE *to, const char *text,
                     void (*put)(void *arg, FILE *to, const char *name, size_t len), void *arg) {
  static const char opening[] = "<!--@", closing[] = "-->";
  const char *mark;
  while ((mark = strstr(text, opening))) {
    const char *name = mark + sizeof opening - 1;
    const char *end = strstr(name, closing);
    fwrite(text, 1, (size_t)(mark - text), to);
    if (!end)
      return;
    put(arg, to, name, (size_t)(end - name));
    text = end + sizeof closing - 1;
  }
  fputs(text, to);
}
