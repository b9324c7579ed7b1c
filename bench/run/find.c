#include "bench/run/find.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int add(struct find_list *list, const char *path) {
  if (list->n == list->room) {
    size_t room = list->room * 2 + 16;
    char **bigger = realloc(list->paths, room * sizeof *bigger);
    if (bigger == NULL)
      return -1;
    list->paths = bigger;
    list->room = room;
  }
  list->paths[list->n] = strdup(path);
  return list->paths[list->n] != NULL ? (int)(list->n++, 0) : -1;
}

static int by_name(const FTSENT **a, const FTSENT **b) {
  return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int is_scenario(const char *name) {
  size_t len = strlen(name);
  return len > 5 && name[0] != '.' && strcmp(name + len - 5, ".yaml") == 0;
}

static int walk(struct find_list *list, const char *path) {
  char *const roots[] = {(char *)path, NULL};
  FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
  if (tree == NULL)
    return -1;
  int rc = 0;
  FTSENT *entry;
  while (rc == 0 && (entry = fts_read(tree)) != NULL) {
    if (entry->fts_info == FTS_D && entry->fts_level > 0 &&
        (strcmp(entry->fts_name, "bad") == 0 || strcmp(entry->fts_name, "sweeps") == 0)) {
      fts_set(tree, entry, FTS_SKIP);
      continue;
    }
    if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR) {
      errno = entry->fts_errno;
      rc = -1;
    } else if (entry->fts_info == FTS_F && is_scenario(entry->fts_name))
      rc = add(list, entry->fts_path);
  }
  int saved = errno;
  fts_close(tree);
  errno = saved;
  return rc;
}

int find_scenarios(struct find_list *list, const char *path, char *err, size_t err_len) {
  struct stat st;
  size_t before = list->n;
  int rc = stat(path, &st);
  if (rc == 0)
    rc = S_ISDIR(st.st_mode) ? walk(list, path) : add(list, path);
  if (rc != 0)
    snprintf(err, err_len, "cannot read %s: %s", path, strerror(errno));
  else if (list->n == before) {
    snprintf(err, err_len, "%s holds no scenario: expected files named *.yaml", path);
    rc = -1;
  }
  return rc;
}

void find_free(struct find_list *list) {
  for (size_t i = 0; i < list->n; i++)
    free(list->paths[i]);
  free(list->paths);
  *list = (struct find_list){0};
}
