/* Any bytes as a capture file: the judge may refuse it, but never crash. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pcap-tools/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char path[64];
  if (!*path)
    snprintf(path, sizeof path, "/tmp/capture-fuzz-%d", (int)getpid());
  FILE *f = fopen(path, "wb");
  if (!f)
    abort();
  fwrite(data, 1, size, f);
  fclose(f);
  struct judge_report *report = NULL;
  const char *file = path;
  char err[512];
  if (!judge_captures(&file, 1, NULL, &report, err, sizeof err))
    judge_report_free(report);
  unlink(path);
  return 0;
}
