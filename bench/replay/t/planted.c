#include "bench/replay/t/planted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int command(const char *text) {
  return system(text); /* NOLINT: the test's own words */
}

static bool read_all(struct planted *p, const char *path) {
  FILE *file = fopen(path, "re");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0)
    return false;
  p->len = (size_t)ftell(file);
  rewind(file);
  p->journal = malloc(p->len);
  const bool whole = p->journal != NULL && fread(p->journal, p->len, 1, file) == 1;
  fclose(file);
  return whole;
}

bool planted_open(struct planted *p, const char *words) {
  char text[512];
  const char *build = getenv("BUILDDIR");
  *p = (struct planted){.dir = "/tmp/planted.XXXXXX"};
  if (geteuid() != 0)
    return true;
  if (mkdtemp(p->dir) == NULL)
    return false;
  snprintf(text, sizeof text, "%s/fanbench run %s --journal --out %s/run >%s/out 2>&1",
           build != NULL ? build : "build", words, p->dir, p->dir);
  if (command(text) != 0)
    return false;
  snprintf(text, sizeof text, "%s/run/relay-1.journal", p->dir);
  return read_all(p, text);
}

bool planted_close(struct planted *p) {
  char text[64];
  free(p->journal);
  snprintf(text, sizeof text, "rm -rf %s", p->dir);
  return geteuid() != 0 || command(text) == 0;
}

struct journal_item *planted_find(const struct planted *p, enum journal_kind kind, uint32_t array,
                                  size_t each, size_t n) {
  for (size_t at = sizeof(struct journal_head); at < p->len;) {
    struct journal_item *item = (void *)(p->journal + at);
    if (item->kind == kind && item->array == array && (each == 0 || item->offset % each == 0) &&
        n-- == 0)
      return item;
    at += sizeof *item + journal_body_len(item);
  }
  fail_msg("there is no such item");
  return NULL;
}

struct journal_item *planted_taken(const struct planted *p) {
  struct journal_item *set = NULL;
  for (size_t at = sizeof(struct journal_head); at < p->len;) {
    struct journal_item *item = (void *)(p->journal + at);
    if (item->kind == JOURNAL_SET && item->array == JOURNAL_COUNTERS &&
        item->offset % sizeof(struct fb_counters) == 0)
      set = item;
    else if (item->kind == JOURNAL_COPY && set != NULL &&
             ((struct journal_copy *)(void *)(item + 1))->slot ==
                 set->offset / sizeof(struct fb_counters))
      return set;
    else if (item->kind == JOURNAL_DONE)
      set = NULL;
    at += sizeof *item + journal_body_len(item);
  }
  fail_msg("user space takes no number");
  return NULL;
}

int planted_play(struct planted *p, size_t len) {
  char path[64];
  snprintf(path, sizeof path, "%s/planted.journal", p->dir);
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_int_equal(fwrite(p->journal, len, 1, file), 1);
  assert_int_equal(fclose(file), 0);
  memset(p->told, 0, sizeof p->told);
  FILE *tell = fmemopen(p->told, sizeof p->told - 1, "w");
  assert_non_null(tell);
  const int rc = replay_journal(path, tell, &p->result, p->err, sizeof p->err);
  fclose(tell);
  return rc;
}

void planted_says(const struct planted *p, const char *what) {
  if (strstr(p->told, what) == NULL)
    fail_msg("expected \"%s\" in:\n%s", what, p->told);
}

void planted_plays(struct planted *p) {
  PLANTED_NEEDED(p);
  const int rc = planted_play(p, p->len);
  if (rc != 0) {
    if (rc != 3)
      fail_msg("%s", p->err); /* not of this machine */
    print_message("%s\n", p->err);
    free(p->journal);
    p->journal = NULL;
    skip();
  }
  if (p->result.differences != 0)
    fail_msg("%s", p->told);
}
