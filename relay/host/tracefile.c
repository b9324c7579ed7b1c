#include "relay/host/tracefile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "relay/fanout/trace_qlog.h"

#define BUFFER_BYTES (1u << 20)

static FILE *create(const char *dir, const char *folder, const char *name, const char *end) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/%s%s%s", dir, folder, name, end) >= (int)sizeof path)
    return NULL;
  FILE *file = fopen(path, "we");
  if (file)
    setvbuf(file, NULL, _IOFBF, BUFFER_BYTES);
  return file;
}

static int make_folder(const char *dir, const char *name) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
    return -1;
  return mkdir(path, 0755) && errno != EEXIST ? -1 : 0;
}

struct trace_lines *tracefile_open(const char *dir, const char *name) {
  struct trace_lines *trace = calloc(1, sizeof *trace);
  if (!trace)
    return NULL;
  trace->copies = create(dir, "", name, "-copies.jsonl");
  trace->ledger = create(dir, "", name, "-ledger.jsonl");
  trace->qlog = make_folder(dir, "qlog") ? NULL : create(dir, "qlog/", name, ".sqlog");
  if (trace->copies && trace->ledger && trace->qlog) {
    trace_qlog_head(trace->qlog, name);
    return trace;
  }
  tracefile_close(trace);
  return NULL;
}

int tracefile_close(struct trace_lines *trace) {
  if (!trace)
    return 0;
  FILE *files[] = {trace->copies, trace->ledger, trace->qlog};
  bool failed = false;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    if (!files[i])
      continue;
    failed |= ferror(files[i]) != 0;
    failed |= fclose(files[i]) != 0;
  }
  free(trace);
  return failed ? -1 : 0;
}

void tracefile_flush(struct trace_lines *trace) {
  fflush(trace->copies);
  fflush(trace->ledger);
  fflush(trace->qlog);
}
