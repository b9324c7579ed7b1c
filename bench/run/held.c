#include "bench/run/held.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/run/channel.h"
#include "bench/run/rundir.h"

static char *folder(void) {
  char *path = NULL;
  const char *runtime = getenv("XDG_RUNTIME_DIR");
  int rc;
  if (geteuid() == 0)
    rc = asprintf(&path, "/run/fanbench");
  else if (runtime != NULL && *runtime == '/')
    rc = asprintf(&path, "%s/fanbench", runtime);
  else
    rc = asprintf(&path, "/tmp/fanbench-%u", geteuid());
  return rc < 0 ? NULL : path;
}

/* Clock ticks from boot to the process's start: with it a pid names one process. 0: gone. */
static json_int_t start_of(pid_t pid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *f = fopen(path, "re");
  if (f == NULL)
    return 0;
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = '\0';
  /* the name in field 2 may hold anything, ")" too; field 22 is the start */
  const char *at = strrchr(text, ')');
  for (int field = 2; at != NULL && field < 22; field++)
    at = strchr(at + 1, ' ');
  return at != NULL ? atoll(at) : 0;
}

int held_write(pid_t pid, const char *dir, const json_t *nodes, char **path, char *err,
               size_t err_len) {
  char *in = folder(), *real = realpath(dir, NULL);
  json_t *o = NULL;
  int rc = -1;
  *path = NULL;
  if (in == NULL || real == NULL || rundir_mkdirs(in) != 0 ||
      asprintf(path, "%s/%d.json", in, (int)pid) < 0)
    goto out;
  o = json_pack("{s:i, s:I, s:s, s:O}", "pid", (int)pid, "start", start_of(pid), "dir", real,
                "nodes", nodes);
  if (o != NULL && json_dump_file(o, *path, JSON_INDENT(1)) == 0)
    rc = 0;
out:
  if (rc != 0)
    snprintf(err, err_len, "cannot write into %s: %s", in != NULL ? in : "?", strerror(errno));
  json_decref(o);
  free(real);
  free(in);
  return rc;
}

static int load(struct held *run, const char *in, const char *name) {
  *run = (struct held){.stale = true};
  if (asprintf(&run->path, "%s/%s", in, name) < 0)
    return -1;
  json_t *o = json_load_file(run->path, 0, NULL);
  run->pid = (pid_t)channel_int(o, "pid", 0);
  run->dir = strdup(channel_text(o, "dir"));
  run->nodes = json_incref(json_object_get(o, "nodes"));
  json_int_t start = channel_int(o, "start", -1);
  run->stale = run->pid <= 0 || start_of(run->pid) != start;
  json_decref(o);
  return run->dir != NULL ? 0 : -1;
}

int held_list(struct held **list, size_t *n, char *err, size_t err_len) {
  struct dirent *entry;
  int rc = 0;
  *list = NULL;
  *n = 0;
  char *in = folder();
  DIR *dir = in != NULL ? opendir(in) : NULL;
  if (dir == NULL && errno != ENOENT) {
    snprintf(err, err_len, "cannot read %s: %s", in != NULL ? in : "?", strerror(errno));
    rc = -1;
  }
  while (rc == 0 && dir != NULL && (entry = readdir(dir)) != NULL) {
    if (strstr(entry->d_name, ".json") == NULL)
      continue;
    struct held *bigger = realloc(*list, (*n + 1) * sizeof **list);
    if (bigger != NULL)
      *list = bigger;
    if (bigger == NULL || load(&bigger[(*n)++], in, entry->d_name) != 0) {
      snprintf(err, err_len, "no memory for the list of held runs");
      rc = -1;
    }
  }
  if (dir != NULL)
    closedir(dir);
  free(in);
  if (rc != 0) {
    held_free(*list, *n);
    *list = NULL;
    *n = 0;
  }
  return rc;
}

void held_free(struct held *list, size_t n) {
  for (size_t i = 0; i < n; i++) {
    free(list[i].path);
    free(list[i].dir);
    json_decref(list[i].nodes);
  }
  free(list);
}

int held_node(const struct held *run, const char *node) {
  size_t i;
  const json_t *entry;
  json_array_foreach(run->nodes, i, entry) {
    if (strcmp(channel_text(entry, "name"), node) == 0)
      return (int)channel_int(entry, "fd", -1);
  }
  return -1;
}
