#include "bench/explain/page.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { PARAGRAPH = -1 };

/* A title, or a piece of text below one. */
struct item {
  char *text;
  bool is_title;
  int hang; /* PARAGRAPH, or columns that the rest of a line is further in */
};

struct page {
  const char *kind;
  char *name;
  struct item *items;
  size_t n;
  bool failed;
};

struct page *page_new(const char *kind, const char *name) {
  struct page *page = calloc(1, sizeof *page);
  if (page) {
    page->kind = kind;
    page->name = strdup(name);
    page->failed = page->name == NULL;
  }
  return page;
}

void page_free(struct page *page) {
  if (!page)
    return;
  for (size_t i = 0; i < page->n; i++)
    free(page->items[i].text);
  free(page->items);
  free(page->name);
  free(page);
}

/* Takes the text. */
static void add(struct page *page, char *text, bool is_title, int hang) {
  struct item *items = page && text ? realloc(page->items, (page->n + 1) * sizeof *items) : NULL;
  if (!items) {
    free(text);
    if (page)
      page->failed = true;
    return;
  }
  page->items = items;
  items[page->n++] = (struct item){text, is_title, hang};
}

void page_title(struct page *page, const char *title) {
  add(page, strdup(title), true, PARAGRAPH);
}

void page_text(struct page *page, const char *fmt, ...) {
  char *text = NULL;
  va_list ap;
  va_start(ap, fmt);
  if (vasprintf(&text, fmt, ap) < 0)
    text = NULL;
  va_end(ap);
  if (text && *text >= 'a' && *text <= 'z')
    *text = (char)(*text - 'a' + 'A');
  add(page, text, false, PARAGRAPH);
}

void page_line(struct page *page, int hang, const char *fmt, ...) {
  char *text = NULL;
  va_list ap;
  va_start(ap, fmt);
  if (vasprintf(&text, fmt, ap) < 0)
    text = NULL;
  va_end(ap);
  add(page, text, false, hang);
}

/* How many bytes of the text go into `columns`: up to a blank, if there is one. UTF-8 counts a
 * column a code point. */
static size_t fits(const char *text, int columns) {
  size_t blank = 0, at = 0;
  for (int used = 0; text[at] && text[at] != '\n' && used < columns; used++) {
    if (text[at] == ' ')
      blank = at;
    at++;
    while (((unsigned char)text[at] & 0xc0) == 0x80)
      at++;
  }
  if (!text[at] || text[at] == '\n' || text[at] == ' ')
    return at;
  return blank ? blank : at;
}

static void put_wrapped(const char *text, int hang, FILE *to) {
  int indent = 2;
  while (*text) {
    const size_t n = fits(text, PAGE_COLUMNS - indent);
    if (n)
      fprintf(to, "%*s%.*s", indent, "", (int)n, text);
    fputc('\n', to);
    text += n;
    if (*text == ' ' || *text == '\n')
      text++;
    if (hang >= 0)
      text += strspn(text, " ");
    indent = hang == PARAGRAPH ? 2 : 2 + hang;
  }
}

bool page_print(const struct page *page, FILE *to) {
  if (!page || page->failed)
    return false;
  for (size_t i = 0; i < page->n; i++) {
    const struct item *item = &page->items[i];
    if (item->is_title)
      fprintf(to, "%s%s\n", i ? "\n" : "", item->text);
    else
      put_wrapped(item->text, item->hang, to);
  }
  return !ferror(to);
}

bool page_json(const struct page *page, FILE *to) {
  if (!page || page->failed)
    return false;
  json_t *sections = json_array(), *text = NULL;
  for (size_t i = 0; i < page->n; i++) {
    const struct item *item = &page->items[i];
    if (item->is_title) {
      text = json_array();
      json_array_append_new(sections, json_pack("{s:s, s:o}", "title", item->text, "text", text));
    } else if (text)
      json_array_append_new(text, json_string(item->text));
  }
  json_t *root =
      json_pack("{s:s, s:s, s:o}", "kind", page->kind, "name", page->name, "sections", sections);
  const bool done = root && json_dumpf(root, to, JSON_COMPACT) == 0 && fputc('\n', to) != EOF;
  json_decref(root);
  return done;
}
