#include "bench/run/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/run/inputs.h"

/* What a run writes: files by pattern, and folders whose files are all its own. */
static const char *const artefacts[] = {
    "scenario.yaml",   "manifest.json",       "keys.log",        "links.jsonl",    "faults.jsonl",
    "metrics.csv",     "samples.csv",         "report.json",     "report.tap",     "junit.xml",
    "report.html",     "interleavings.jsonl", "*-objects.jsonl", "*-copies.jsonl", "*-ledger.jsonl",
    "*-counters.json", "*.journal",
};
static const char *const folders[] = {"capture", "log", "qlog", "received", INPUTS_FOLDER};
/* Other runs below this one; each clears its own. */
static const char *const neighbours[] = {"on", "off", "seed-*"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool matches(const char *name, const char *const *patterns, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (fnmatch(patterns[i], name, 0) == 0)
      return true;
  return false;
}

static bool dots(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int rundir_mkdirs(const char *path) {
  char *copy = strdup(path);
  if (copy == NULL)
    return -1;
  int rc = 0;
  for (char *p = copy + 1; rc == 0; p++) {
    if (*p != '/' && *p != '\0')
      continue;
    char was = *p;
    *p = '\0';
    if (mkdir(copy, 0755) != 0 && errno != EEXIST)
      rc = -1;
    *p = was;
    if (was == '\0')
      break;
  }
  int saved = errno;
  free(copy);
  errno = saved;
  return rc;
}

/* "" if everything in dir may stay or go, else the name of a stranger. */
static int find_stranger(int dir_fd, bool *is_run, char *stranger, size_t len) {
  DIR *dir = fdopendir(dup(dir_fd));
  if (dir == NULL)
    return -1;
  *is_run = false;
  stranger[0] = '\0';
  struct dirent *entry;
  while ((entry = readdir(dir)) != NULL) {
    const char *name = entry->d_name;
    if (strcmp(name, "scenario.yaml") == 0 || strcmp(name, "manifest.json") == 0)
      *is_run = true;
    if (!dots(name) && !matches(name, artefacts, COUNT(artefacts)) &&
        !matches(name, folders, COUNT(folders)) && !matches(name, neighbours, COUNT(neighbours)))
      snprintf(stranger, len, "%s", name);
  }
  closedir(dir);
  return 0;
}

static int clear_files(int dir_fd, const char *const *patterns, size_t n) {
  DIR *dir = fdopendir(dup(dir_fd));
  if (dir == NULL)
    return -1;
  rewinddir(dir);
  struct dirent *entry;
  int rc = 0;
  while (rc == 0 && (entry = readdir(dir)) != NULL)
    if (!dots(entry->d_name) && matches(entry->d_name, patterns, n))
      rc = unlinkat(dir_fd, entry->d_name, 0);
  closedir(dir);
  return rc;
}

static int make_folders(int dir_fd) {
  static const char *const everything[] = {"*"};
  for (size_t i = 0; i < COUNT(folders); i++) {
    if (mkdirat(dir_fd, folders[i], 0755) != 0 && errno != EEXIST)
      return -1;
    if (strcmp(folders[i], INPUTS_FOLDER) == 0)
      continue; /* the plan may have come from there */
    int fd = openat(dir_fd, folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
      return -1;
    int rc = clear_files(fd, everything, COUNT(everything));
    close(fd);
    if (rc != 0)
      return -1;
  }
  return 0;
}

int rundir_make(const char *dir, char *err, size_t err_len) {
  char stranger[256];
  bool is_run;
  int rc = -1;
  int fd = rundir_mkdirs(dir) == 0 ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd < 0 || find_stranger(fd, &is_run, stranger, sizeof stranger) != 0)
    snprintf(err, err_len, "cannot make the run directory %s: %s", dir, strerror(errno));
  else if (stranger[0] != '\0' && !is_run)
    snprintf(err, err_len, "%s holds %s and is no run directory; choose another --out", dir,
             stranger);
  else if (clear_files(fd, artefacts, COUNT(artefacts)) != 0 || make_folders(fd) != 0)
    snprintf(err, err_len, "cannot clear the run directory %s: %s", dir, strerror(errno));
  else
    rc = 0;
  if (fd >= 0)
    close(fd);
  return rc;
}

void rundir_remove(const char *dir, const char *top) {
  static const char *const everything[] = {"*"};
  char *path = strdup(dir), *slash;
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    clear_files(fd, artefacts, COUNT(artefacts));
    for (size_t i = 0; i <= COUNT(folders); i++) {
      const char *name = i < COUNT(folders) ? folders[i] : "input";
      const int folder = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (folder < 0)
        continue;
      clear_files(folder, everything, COUNT(everything));
      close(folder);
      unlinkat(fd, name, AT_REMOVEDIR);
    }
    close(fd);
  }
  while (path != NULL && (top == NULL || strcmp(path, top) != 0) && rmdir(path) == 0 &&
         (slash = strrchr(path, '/')) != NULL)
    *slash = '\0';
  free(path);
}

static int save_plan(const char *dir, const struct plan *plan, char *err, size_t err_len) {
  char *path = NULL;
  if (asprintf(&path, "%s/scenario.yaml", dir) < 0) {
    snprintf(err, err_len, "no memory for a path");
    return -1;
  }
  FILE *to = fopen(path, "w");
  int rc = to != NULL ? plan_write(plan, to) : -1;
  if (to != NULL && fclose(to) != 0)
    rc = -1;
  if (rc != 0)
    snprintf(err, err_len, "cannot write %s: %s", path, strerror(errno));
  free(path);
  return rc;
}

int rundir_write_plan(const char *dir, const struct plan *plan, char *err, size_t err_len) {
  struct inputs inputs;
  struct plan view = *plan;
  int rc = -1;
  if (inputs_take(&inputs, dir, plan, err, err_len) != 0)
    return -1;
  view.tracks = calloc(plan->n_tracks + 1, sizeof *view.tracks);
  if (view.tracks == NULL)
    snprintf(err, err_len, "no memory for %zu tracks", plan->n_tracks);
  else {
    for (size_t k = 0; k < plan->n_tracks; k++) {
      view.tracks[k] = plan->tracks[k];
      view.tracks[k].trace_path = inputs.traces[k];
      view.tracks[k].file = inputs.files[k];
    }
    rc = save_plan(dir, &view, err, err_len);
  }
  free(view.tracks);
  inputs_free(&inputs);
  return rc;
}
