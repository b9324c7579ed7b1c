/* Any bytes as a capture file: the judge may refuse it, but never crash. */
#include "pcap-tools/fuzz/memory_file.h"
#include "pcap-tools/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct judge_report *report = NULL;
  const char *file = memory_file(data, size);
  char err[512];
  if (!judge_captures(&file, 1, NULL, &report, err, sizeof err))
    judge_report_free(report);
  return 0;
}
