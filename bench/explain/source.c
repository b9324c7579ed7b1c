#include "bench/explain/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/explain_txt.h"

bool source_line(struct source *rest, struct source *line) {
  if (rest->len == 0)
    return false;
  const char *end = memchr(rest->text, '\n', rest->len);
  const size_t len = end ? (size_t)(end - rest->text) : rest->len;
  const size_t taken = end ? len + 1 : len;
  *line = (struct source){rest->text, len};
  rest->text += taken;
  rest->len -= taken;
  return true;
}

static bool is(struct source line, const char *text) {
  return strlen(text) == line.len && memcmp(line.text, text, line.len) == 0;
}

struct source source_find(const char *kind, const char *name) {
  char head[128];
  struct source rest = {(const char *)embed_explain_txt, embed_explain_txt_len}, line;
  struct source found = {0};
  snprintf(head, sizeof head, "@%s%s%s", kind, *name ? " " : "", name);
  while (!found.text && source_line(&rest, &line))
    if (is(line, head))
      found.text = rest.text;
  if (!found.text)
    return found;
  while (rest.len && *rest.text != '@')
    source_line(&rest, &line);
  found.len = (size_t)(rest.text - found.text);
  return found;
}

/* Does one of the words stand here, at the beginning of a sentence? */
static bool begins(const char *at, const char *const *words) {
  for (; *words; words++)
    if (strncmp(at, *words, strlen(*words)) == 0)
      return true;
  return false;
}

char *source_part(struct source text, const char *word, const char *const *words) {
  char *all = strndup(text.text, text.len);
  if (!all)
    return NULL;
  char *from = all;
  if (*word) {
    from = strstr(all, word);
    if (!from) {
      free(all);
      return NULL;
    }
    from += strlen(word);
    from += strspn(from, " \n");
  }
  char *end = from;
  while (*end && !begins(end, words))
    end++;
  *end = '\0';
  for (char *c = from; *c; c++) /* an empty line stays one: two line ends */
    if (*c == '\n' && c[1] != '\n' && (c == from || c[-1] != '\n'))
      *c = ' ';
  while (end > from && (end[-1] == ' ' || end[-1] == '\n'))
    *--end = '\0';
  char *part = strdup(from);
  free(all);
  return part;
}
