#include "pcap-tools/read/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap-tools/read/lines.h"
#include "pcap-tools/read/memory.h"

static void add(struct qp_faults *f, const struct qp_line *line) {
  char kind[64], node[256];
  const struct qp_line_field *ok = qp_line_get(line, "ok");
  uint64_t t;
  if (!ok || ok->value.len != 4 || memcmp(ok->value.p, "true", 4) != 0 ||
      !qp_line_u64(line, "t", &t))
    return;
  qp_grow((void **)&f->items, &f->room, f->n + 1, sizeof *f->items);
  f->items[f->n++] = (struct qp_fault){
      .t = t,
      .kind = qp_copy_text(qp_line_text(line, "kind", kind, sizeof kind)),
      .node = qp_copy_text(qp_line_text(line, "node", node, sizeof node)),
  };
}

int qp_faults_load(const char *dir, struct qp_faults *faults, char *err, size_t err_len) {
  char path[4096];
  struct qp_lines *lines;
  struct qp_line line;
  snprintf(path, sizeof path, "%s/faults.jsonl", dir);
  int got = qp_lines_open(path, &lines, err, err_len);
  if (got)
    return got < 0 ? -1 : 0;
  while ((got = qp_lines_next(lines, &line, err, err_len)) == 1)
    add(faults, &line);
  qp_lines_close(lines);
  return got;
}

void qp_faults_clear(struct qp_faults *f) {
  for (size_t i = 0; i < f->n; i++)
    free(f->items[i].kind), free(f->items[i].node);
  free(f->items);
  memset(f, 0, sizeof *f);
}
