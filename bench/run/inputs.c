#include "bench/run/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNNAMED ".new-" /* a copy, until everything is copied */

struct source {
  const char *path; /* the plan's */
  char *name;       /* in the folder */
};

struct sources {
  struct source *all;
  size_t n;
};

static bool is_taken(const struct sources *sources, const char *name) {
  for (size_t i = 0; i < sources->n; i++)
    if (strcmp(sources->all[i].name, name) == 0)
      return true;
  return false;
}

/* Its own name, or that with a number in front if another source is called so. */
static char *choose_name(const struct sources *sources, const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
  char *name = strdup(base);
  for (unsigned k = 2; name != NULL && is_taken(sources, name); k++) {
    free(name);
    if (asprintf(&name, "%u-%s", k, base) < 0)
      name = NULL;
  }
  return name;
}

/* The name of a copy of path as new memory; NULL: no memory. */
static char *add(struct sources *sources, const char *path) {
  size_t i = 0;
  char *relative;
  while (i < sources->n && strcmp(sources->all[i].path, path) != 0)
    i++;
  if (i == sources->n) {
    char *name = choose_name(sources, path);
    if (name == NULL)
      return NULL;
    sources->all[sources->n++] = (struct source){path, name};
  }
  return asprintf(&relative, INPUTS_FOLDER "/%s", sources->all[i].name) >= 0 ? relative : NULL;
}

static int collect(struct sources *sources, struct inputs *inputs, const struct plan *plan) {
  sources->all = calloc(2 * plan->n_tracks + 1, sizeof *sources->all);
  inputs->traces = calloc(plan->n_tracks + 1, sizeof *inputs->traces);
  inputs->files = calloc(plan->n_tracks + 1, sizeof *inputs->files);
  inputs->n = plan->n_tracks;
  if (sources->all == NULL || inputs->traces == NULL || inputs->files == NULL)
    return -1;
  for (size_t k = 0; k < plan->n_tracks; k++) {
    const struct plan_track *track = &plan->tracks[k];
    if ((track->trace_path != NULL &&
         (inputs->traces[k] = add(sources, track->trace_path)) == NULL) ||
        (track->file != NULL && (inputs->files[k] = add(sources, track->file)) == NULL))
      return -1;
  }
  return 0;
}

/* ---- copying ---------------------------------------------------------------------------------- */

static int copy_bytes(int from, int to) {
  char buf[65536];
  ssize_t n;
  while ((n = read(from, buf, sizeof buf)) != 0) {
    if (n < 0 && errno == EINTR)
      continue;
    for (ssize_t done = 0, wrote; n > 0 && done < n; done += wrote)
      if ((wrote = write(to, buf + done, (size_t)(n - done))) < 0)
        return -1;
    if (n < 0)
      return -1;
  }
  return 0;
}

static void name_copy(char name[32], size_t i) {
  snprintf(name, 32, UNNAMED "%zu", i);
}

static int copy(int folder, const struct source *source, size_t i) {
  char name[32];
  name_copy(name, i);
  const int from = open(source->path, O_RDONLY | O_CLOEXEC);
  const int to =
      from >= 0 ? openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
  int rc = to >= 0 ? copy_bytes(from, to) : -1;
  if (to >= 0 && close(to) != 0)
    rc = -1;
  const int saved = errno;
  if (from >= 0)
    close(from);
  errno = saved;
  return rc;
}

/* Everything but copies. */
static int clear(int folder) {
  DIR *dir = fdopendir(dup(folder));
  struct dirent *entry;
  int rc = dir != NULL ? 0 : -1;
  if (dir != NULL)
    rewinddir(dir);
  while (rc == 0 && (entry = readdir(dir)) != NULL)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
        strncmp(entry->d_name, UNNAMED, strlen(UNNAMED)) != 0)
      rc = unlinkat(folder, entry->d_name, 0);
  if (dir != NULL)
    closedir(dir);
  return rc;
}

static int put_all(const char *dir, const struct sources *sources, char *err, size_t err_len) {
  char *path = NULL, name[32];
  size_t i;
  int folder = -1, rc = -1;
  if (asprintf(&path, "%s/" INPUTS_FOLDER, dir) >= 0 && (mkdir(path, 0755) == 0 || errno == EEXIST))
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (i = 0; folder >= 0 && i < sources->n && copy(folder, &sources->all[i], i) == 0; i++)
    ;
  if (folder >= 0 && i < sources->n)
    snprintf(err, err_len, "cannot copy %s into %s: %s", sources->all[i].path, path,
             strerror(errno));
  else {
    rc = folder >= 0 ? clear(folder) : -1;
    for (i = 0; rc == 0 && i < sources->n; i++) {
      name_copy(name, i);
      rc = renameat(folder, name, folder, sources->all[i].name);
    }
    if (rc != 0)
      snprintf(err, err_len, "cannot fill %s/" INPUTS_FOLDER ": %s", dir, strerror(errno));
  }
  if (folder >= 0)
    close(folder);
  free(path);
  return rc;
}

int inputs_take(struct inputs *inputs, const char *dir, const struct plan *plan, char *err,
                size_t err_len) {
  struct sources sources = {0};
  *inputs = (struct inputs){0};
  int rc = collect(&sources, inputs, plan);
  if (rc != 0)
    snprintf(err, err_len, "no memory for the names of inputs");
  else
    rc = put_all(dir, &sources, err, err_len);
  for (size_t i = 0; i < sources.n; i++)
    free(sources.all[i].name);
  free(sources.all);
  if (rc != 0)
    inputs_free(inputs);
  return rc;
}

void inputs_free(struct inputs *inputs) {
  for (size_t k = 0; k < inputs->n; k++) {
    if (inputs->traces != NULL)
      free(inputs->traces[k]);
    if (inputs->files != NULL)
      free(inputs->files[k]);
  }
  free(inputs->traces);
  free(inputs->files);
  *inputs = (struct inputs){0};
}
