#include "bench/explain/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int make_folder(struct trial *trial) {
  const char *tmp = getenv("TMPDIR");
  const int n = snprintf(trial->dir, sizeof trial->dir, "%s/fanbench-explain.XXXXXX",
                         tmp && *tmp ? tmp : "/tmp");
  if (n > 0 && (size_t)n < sizeof trial->dir && mkdtemp(trial->dir))
    return 0;
  trial->dir[0] = '\0';
  return -1;
}

static int write_scenario(const char *path, struct source scenario) {
  FILE *file = fopen(path, "w");
  if (!file)
    return -1;
  const bool whole = fwrite(scenario.text, 1, scenario.len, file) == scenario.len;
  return fclose(file) == 0 && whole ? 0 : -1;
}

/* fanbench run, with what it says kept in the folder. Its exit code, or -1. */
static int run(const struct trial *trial, const char *scenario) {
  char out[600], said[600];
  snprintf(out, sizeof out, "%s/run", trial->dir);
  snprintf(said, sizeof said, "%s/said", trial->dir);
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
      _exit(127);
    execl("/proc/self/exe", "fanbench", "run", scenario, "--mode", "sim", "--out", out,
          (char *)NULL);
    _exit(127);
  }
  int status;
  while (child > 0 && waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return -1;
  return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct judge_report *judge(const struct trial *trial, const char *half, char *why,
                                  size_t why_len) {
  char dir[600];
  struct judge_report *report = NULL;
  snprintf(dir, sizeof dir, "%s/run/%s", trial->dir, half);
  return judge_run_dir(dir, &report, why, why_len) == 0 ? report : NULL;
}

int trial_play(struct trial *trial, const char *name, struct source scenario, char *why,
               size_t why_len) {
  char path[600];
  *trial = (struct trial){0};
  if (make_folder(trial) == 0) {
    snprintf(path, sizeof path, "%s/%s.yaml", trial->dir, name);
    if (write_scenario(path, scenario) == 0) {
      const int code = run(trial, path);
      if (code != 0) {
        snprintf(why, why_len,
                 "expected the scenario of the defect to end as expected on virtual time, found "
                 "exit code %d; what to do: fanbench run scenarios/defects/%s.yaml --mode sim",
                 code, name);
        return -1;
      }
      trial->on = judge(trial, "on", why, why_len);
      trial->off = trial->on ? judge(trial, "off", why, why_len) : NULL;
      return trial->off ? 0 : -1;
    }
  }
  snprintf(why, why_len, "cannot write below %s: %s; what to do: set TMPDIR to a folder with room",
           trial->dir[0] ? trial->dir : "$TMPDIR", strerror(errno));
  return -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
  (void)st, (void)type, (void)at;
  return remove(path);
}

void trial_clear(struct trial *trial) {
  judge_report_free(trial->on);
  judge_report_free(trial->off);
  if (trial->dir[0])
    nftw(trial->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  *trial = (struct trial){0};
}

static char *path_of(const struct trial *trial, bool on, const char *file) {
  char *path = NULL;
  return asprintf(&path, "%s/run/%s/%s", trial->dir, on ? "on" : "off", file) < 0 ? NULL : path;
}

static void take_rows(json_t *rows, FILE *from, uint64_t first, uint64_t last) {
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, from) > 0) {
    json_t *row = json_loads(line, 0, NULL);
    const uint64_t frame = (uint64_t)json_integer_value(json_object_get(row, "frame"));
    if (row && frame >= first && frame <= last)
      json_array_append(rows, row);
    json_decref(row);
  }
  free(line);
}

json_t *trial_rows(const struct trial *trial, bool on, const char *capture, uint64_t first,
                   uint64_t last) {
  json_t *rows = json_array();
  char *path = path_of(trial, on, capture);
  FILE *out = tmpfile(), *talk = fopen("/dev/null", "w");
  if (path && out && talk) {
    char *args[] = {(char *)"quicpcap", (char *)"packets", (char *)"--json", path, NULL};
    judge_command(4, args, out, talk);
    rewind(out);
    take_rows(rows, out, first, last);
  }
  if (out)
    fclose(out);
  if (talk)
    fclose(talk);
  free(path);
  return rows;
}

char *trial_line(const struct trial *trial, bool on, const char *file, uint64_t number) {
  char *path = path_of(trial, on, file), *line = NULL;
  FILE *from = path ? fopen(path, "r") : NULL;
  size_t room = 0;
  ssize_t n = -1;
  for (uint64_t i = 0; from && i < number; i++)
    if ((n = getline(&line, &room, from)) < 0)
      break;
  if (from)
    fclose(from);
  free(path);
  if (n > 0 && line[n - 1] == '\n')
    line[n - 1] = '\0';
  if (n > 0)
    return line;
  free(line);
  return NULL;
}
