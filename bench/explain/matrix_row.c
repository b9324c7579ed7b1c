#include "bench/explain/matrix_row.h"

#include <string.h>

#include "bench/explain/source.h"

char matrix_row_sign(const char *scenario, size_t check) {
  struct source rest = source_find("matrix", ""), line;
  const size_t len = strlen(scenario);
  while (source_line(&rest, &line)) {
    if (line.len <= len || memcmp(line.text, scenario, len) != 0 || line.text[len] != ' ')
      continue;
    size_t at = len;
    while (at < line.len && line.text[at] == ' ')
      at++;
    return at + check < line.len ? line.text[at + check] : ' ';
  }
  return ' ';
}
