#include "relay/host/tracefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES (1u << 20)

static FILE *create(const char *dir, const char *name, const char *what) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/%s-%s.jsonl", dir, name, what) >= (int)sizeof path)
    return NULL;
  FILE *file = fopen(path, "we");
  if (file) setvbuf(file, NULL, _IOFBF, BUFFER_BYTES);
  return file;
}

struct trace_lines *tracefile_open(const char *dir, const char *name) {
  struct trace_lines *trace = calloc(1, sizeof *trace);
  if (!trace) return NULL;
  trace->copies = create(dir, name, "copies");
  trace->ledger = create(dir, name, "ledger");
  if (trace->copies && trace->ledger) return trace;
  tracefile_close(trace);
  return NULL;
}

int tracefile_close(struct trace_lines *trace) {
  if (!trace) return 0;
  int failed = 0;
  if (trace->copies) failed |= ferror(trace->copies) | fclose(trace->copies);
  if (trace->ledger) failed |= ferror(trace->ledger) | fclose(trace->ledger);
  free(trace);
  return failed ? -1 : 0;
}

void tracefile_flush(struct trace_lines *trace) {
  fflush(trace->copies);
  fflush(trace->ledger);
}
