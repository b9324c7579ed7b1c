/* Any text as the JSON Lines of a run directory: copies, ledger, objects, faults, and as
 * its manifest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pcap-tools/fuzz/memory_file.h"
#include "pcap-tools/read/faults.h"
#include "pcap-tools/read/lines.h"
#include "pcap-tools/read/manifest.h"
#include "pcap-tools/read/objects_log.h"
#include "pcap-tools/track/copies.h"
#include "pcap-tools/track/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];

static void leave(void) {
  char path[128];
  static const char *const names[] = {"x.jsonl", "faults.jsonl", "manifest.json"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    unlink(path);
  }
  rmdir(dir);
}

/* A directory whose files are all the bytes at hand. */
static void enter(const uint8_t *data, size_t size) {
  static const char *const names[] = {"x.jsonl", "faults.jsonl", "manifest.json"};
  const char *bytes = memory_file(data, size);
  char path[128];
  if (*dir)
    return;
  snprintf(dir, sizeof dir, "/tmp/lines-fuzz-XXXXXX");
  if (!mkdtemp(dir))
    abort();
  atexit(leave);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    if (symlink(bytes, path))
      abort();
  }
}

static void walk_lines(void) {
  struct qp_lines *lines;
  struct qp_line line;
  char path[128], err[512], text[64];
  uint8_t hex[20];
  uint64_t value;
  snprintf(path, sizeof path, "%s/x.jsonl", dir);
  if (qp_lines_open(path, &lines, err, sizeof err))
    return;
  while (qp_lines_next(lines, &line, err, sizeof err) == 1)
    for (size_t i = 0; i < line.n; i++) {
      char key[64];
      snprintf(key, sizeof key, "%.*s", (int)(line.fields[i].key.len & 63), line.fields[i].key.p);
      qp_line_text(&line, key, text, sizeof text);
      qp_line_hex(&line, key, hex, sizeof hex);
      qp_line_u64(&line, key, &value);
    }
  qp_lines_close(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct qp_copies copies = {0};
  struct qp_ledger ledger = {0};
  struct qp_objects_log objects = {0};
  struct qp_names names = {0};
  struct qp_faults faults = {0};
  struct qp_manifest *manifest = NULL;
  char err[512];
  enter(data, size);
  walk_lines();
  qp_copies_load(&copies, 0, dir, "x.jsonl", err, sizeof err);
  qp_ledger_load(&ledger, 0, &(struct qp_starts){0}, dir, "x.jsonl", err, sizeof err);
  qp_objects_log_load(dir, "x.jsonl", &names, &objects, err, sizeof err);
  qp_faults_load(dir, &faults, err, sizeof err);
  if (!qp_manifest_load(dir, &manifest, err, sizeof err))
    qp_manifest_free(manifest);
  qp_copies_clear(&copies);
  qp_ledger_clear(&ledger);
  qp_objects_log_clear(&objects);
  qp_names_clear(&names);
  qp_faults_clear(&faults);
  return 0;
}
