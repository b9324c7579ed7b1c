/* A page for a person: titles, paragraphs, lines. 100 columns, or one JSON object:
 *
 *   struct page *page = page_new("defect", "racy-pn");
 *   page_title(page, "What a person saw");
 *   page_text(page, "...");          wrapped
 *   page_print(page, stdout); or page_json(page, stdout);
 *   page_free(page);
 *
 * Without memory a page is NULL or lacks its end: page_print() and page_json() say so. */
#ifndef FANBENCH_EXPLAIN_PAGE_H
#define FANBENCH_EXPLAIN_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#define PAGE_COLUMNS 100

struct page;

struct page *page_new(const char *kind, const char *name);
void page_free(struct page *page);

void page_title(struct page *page, const char *title);

/* A paragraph, which begins with a capital; an empty line in it begins another. */
void page_text(struct page *page, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line of its own; what is too long goes on below, `hang` columns further in. */
void page_line(struct page *page, int hang, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* False: no memory, or `to` takes no more. */
bool page_print(const struct page *page, FILE *to);
/* {"kind", "name", "sections": [{"title", "text": [paragraph or line, not wrapped]}]} */
bool page_json(const struct page *page, FILE *to);

#endif
