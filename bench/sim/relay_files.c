#include "bench/sim/relay_files.h"

#include <stdlib.h>

#include "relay/fanout/trace_qlog.h"

/* buffer: of RELAY_FILES_BUFFER bytes, or NULL. */
static FILE *create(const struct node *node, const char *folder, const char *end, const char *mode,
                    char *buffer) {
  char *path = NULL;
  FILE *file = NULL;
  if (asprintf(&path, "%s/%s%s%s", node->world->config->dir, folder, node->plan->file_name, end) >=
      0)
    file = fopen(path, mode);
  if (file != NULL && buffer != NULL)
    setvbuf(file, buffer, _IOFBF, RELAY_FILES_BUFFER);
  free(path);
  return file;
}

int relay_files_open(struct relay_files *files, const struct node *node) {
  const char *mode = node->life > 1 ? "ae" : "we";
  struct trace_lines *trace = &files->trace;
  files->log = create(node, "log/", ".txt", mode, NULL);
  trace->copies = create(node, "", "-copies.jsonl", mode, files->buffers[0]);
  trace->ledger = create(node, "", "-ledger.jsonl", mode, files->buffers[1]);
  if (files->log == NULL || trace->copies == NULL || trace->ledger == NULL)
    return -1;
  if (node->world->config->no_qlog)
    return 0;
  trace->qlog = create(node, "qlog/", ".sqlog", mode, files->buffers[2]);
  if (trace->qlog == NULL)
    return -1;
  if (node->life <= 1)
    trace_qlog_head(trace->qlog, node->plan->name);
  return 0;
}

int relay_files_close(struct relay_files *files) {
  FILE *all[] = {files->log, files->trace.copies, files->trace.ledger, files->trace.qlog};
  bool failed = false;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i] == NULL)
      continue;
    failed |= ferror(all[i]) != 0;
    failed |= fclose(all[i]) != 0;
  }
  return failed ? -1 : 0;
}

int relay_files_mute(struct relay_files *files) {
  FILE **all[] = {&files->log, &files->trace.copies, &files->trace.ledger, &files->trace.qlog};
  int failed = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (*all[i] != NULL && (*all[i] = freopen("/dev/null", "we", *all[i])) == NULL)
      failed = -1;
  return failed;
}
