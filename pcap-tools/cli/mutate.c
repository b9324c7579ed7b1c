/* quicpcap mutate: passing runs hurt in one place at a time; each time the check must
 * tell whose business it is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pcap-tools/cli/commands.h"
#include "pcap-tools/cli/rows.h"
#include "pcap-tools/mutate/trial.h"
#include "pcap-tools/read/memory.h"

enum { PLACES = 20 };

static const struct qp_column columns[] = {
    {"OPERATOR", "operator", -27}, {"CHECK", "check", -22},  {"PLACES", "places", 6},
    {"TRIED", "tried", 5},         {"TOLD", "convicted", 4}, {"ALSO", "also", -1},
};

/* What went wrong, place by place. */
static void told(void *arg, const struct qm_outcome *o) {
  const struct qp_options *opt = arg;
  bool bad = !o->convicted || o->surprising || *o->error;
  if (!bad && !opt->mutate.out)
    return;
  fprintf(opt->talk, "%s, %s: %s%s%s%s\n  %s\n", o->op->name, o->bed->dir, o->what,
          *o->error       ? ": cannot be judged: "
          : !o->convicted ? ": not convicted by "
          : o->surprising ? ": convicted, and besides by "
                          : ": convicted; also by ",
          *o->error       ? o->error
          : !o->convicted ? o->op->check
          : *o->others    ? o->others
                          : "none",
          !o->convicted && *o->others ? "; by others" : "", *o->first ? o->first : "no finding");
}

static void write_row(struct qp_rows *rows, const struct qm_row *row) {
  qp_rows_begin(rows);
  qp_rows_text(rows, row->op->name);
  qp_rows_text(rows, row->op->check);
  qp_rows_number(rows, row->places);
  qp_rows_number(rows, row->tried);
  qp_rows_number(rows, row->convicted);
  qp_rows_text(rows, row->others);
  qp_rows_extra_text(rows, "does", row->op->does);
  qp_rows_extra_text(rows, "why", row->op->why);
  qp_rows_extra_number(rows, "surprises", row->surprises);
  qp_rows_end(rows);
}

static bool refuse_failing(const struct qp_options *o, const struct qm_bed *bed) {
  for (size_t i = 0; i < bed->report->n_checks; i++)
    if (bed->report->checks[i].result == JUDGE_FAIL) {
      fprintf(o->talk, "quicpcap mutate: %s: expected a run that passes, %s fails\n", bed->dir,
              bed->report->checks[i].name);
      return true;
    }
  return false;
}

static int try_all(const struct qp_options *o, const struct qm_trial *trial) {
  size_t n, n_used = 0, tried = 0, convicted = 0, bad = 0;
  const struct qm_operator *const *ops = qm_operators(&n);
  struct qp_rows rows;
  char err[512];
  qp_rows_open(&rows, o->out, o->json, columns, sizeof columns / sizeof *columns);
  for (size_t i = 0; i < n; i++) {
    struct qm_row row = {0};
    if (o->mutate.name && strcmp(o->mutate.name, ops[i]->name) != 0)
      continue;
    if (qm_try(trial, ops[i], &row, err, sizeof err)) {
      fprintf(o->talk, "quicpcap mutate: %s\n", err);
      return 2;
    }
    write_row(&rows, &row);
    fflush(o->out);
    n_used++;
    tried += row.tried;
    convicted += row.convicted;
    bad += !row.tried || row.convicted < row.tried || row.surprises;
  }
  if (!n_used) {
    fprintf(o->talk, "quicpcap mutate: no operator \"%s\"; without --operator all are tried\n",
            o->mutate.name);
    return 2;
  }
  fprintf(o->talk, "%zu operators, %zu hurt runs, %zu convicted by the expected check%s\n", n_used,
          tried, convicted, bad ? "; see above" : "");
  return bad ? 1 : 0;
}

int qp_cmd_mutate(const struct qp_options *o) {
  struct qm_bed *beds = qp_alloc(o->n_files, sizeof *beds);
  size_t n = 0;
  int code = 0;
  char err[1024] = "";
  for (; !code && n < o->n_files; n++) {
    if (qm_bed_open(&beds[n], o->files[n], err, sizeof err)) {
      fprintf(o->talk, "quicpcap mutate: %s\n", err);
      code = 2;
    } else if (refuse_failing(o, &beds[n])) {
      code = 2;
    }
  }
  if (!code && o->mutate.out && mkdir(o->mutate.out, 0755)) {
    fprintf(o->talk, "quicpcap mutate: %s: %s\n", o->mutate.out, strerror(errno));
    code = 2;
  }
  struct qm_trial trial = {.beds = beds,
                           .n_beds = n,
                           .places = o->mutate.places ? o->mutate.places : (size_t)PLACES,
                           .seed = o->mutate.seed,
                           .keep = o->mutate.out,
                           .told = told,
                           .arg = (void *)(uintptr_t)o};
  if (!code)
    code = try_all(o, &trial);
  for (size_t i = 0; i < n; i++)
    qm_bed_close(&beds[i]);
  free(beds);
  return code;
}
