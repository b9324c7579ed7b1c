/* quicpcap verify: every check on captures or a run directory. It knows no
 * expectations of a scenario: whatever fails counts (fanbench verify knows). */
#include <string.h>

#include "pcap-tools/cli/commands.h"
#include "pcap-tools/cli/rows.h"

static const struct qp_column columns[] = {
    {"CHECK", "name", -22},
    {"RESULT", "result", -6},
    {"EXAMINED", "examined", 9},
    {"", "note", -1},
};

static const char *result_name(enum judge_result result) {
  static const char *const names[] = {"pass", "fail", "skip"};
  return names[result];
}

static void finding_text(const struct qp_options *o, const struct judge_finding *f) {
  fprintf(o->out, "  %s", f->file);
  if (f->frame)
    fprintf(o->out, " frame %llu", (unsigned long long)f->frame);
  fprintf(o->out, ": %s: %s\n    %s: expected %s\n    %*s  found %s\n", f->layer, f->explain,
          f->field, f->expected, (int)strlen(f->field), "", f->actual);
}

static void finding_json(const struct qp_options *o, const char *check,
                         const struct judge_finding *f) {
  const char *const members[][2] = {
      {"finding", check},      {"file", f->file},         {"layer", f->layer},
      {"field", f->field},     {"expected", f->expected}, {"actual", f->actual},
      {"explain", f->explain},
  };
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    fputs(i ? "," : "{", o->out);
    qp_rows_json_string(o->out, members[i][0]);
    fputc(':', o->out);
    qp_rows_json_string(o->out, members[i][1]);
  }
  fprintf(o->out, ",\"frame\":%llu,\"time_ns\":%llu}\n", (unsigned long long)f->frame,
          (unsigned long long)f->time_ns);
}

static void check_row(const struct qp_options *o, struct qp_rows *rows,
                      const struct judge_check *c) {
  char note[64] = "";
  if (c->result == JUDGE_SKIP)
    snprintf(note, sizeof note, "%s", c->reason);
  else if (c->findings_total)
    snprintf(note, sizeof note, "%llu finding%s", (unsigned long long)c->findings_total,
             c->findings_total == 1 ? "" : "s");
  qp_rows_begin(rows);
  qp_rows_text(rows, c->name);
  qp_rows_text(rows, result_name(c->result));
  qp_rows_number(rows, c->examined);
  qp_rows_text(rows, note);
  qp_rows_end(rows);
  for (size_t i = 0; i < c->n_findings; i++) {
    if (o->json)
      finding_json(o, c->name, &c->findings[i]);
    else
      finding_text(o, &c->findings[i]);
  }
}

static int conclude(const struct qp_options *o, const struct judge_report *r) {
  size_t failed = 0, passed = 0, skipped = 0;
  bool honest = true;
  for (size_t i = 0; i < r->n_checks; i++) {
    const struct judge_check *c = &r->checks[i];
    failed += c->result == JUDGE_FAIL;
    passed += c->result == JUDGE_PASS;
    skipped += c->result == JUDGE_SKIP;
    if (!strcmp(c->name, "load-honest") && c->result == JUDGE_FAIL)
      honest = false;
  }
  const char *verdict = !honest ? "inconclusive" : failed ? "fail" : "pass";
  if (o->json)
    fprintf(o->out,
            "{\"verdict\":\"%s\",\"passed\":%zu,\"failed\":%zu,\"skipped\":%zu,"
            "\"packets\":%llu,\"opened\":%llu}\n",
            verdict, passed, failed, skipped, (unsigned long long)r->packets,
            (unsigned long long)r->packets_opened);
  else
    fprintf(o->out, "\n%s: %zu passed, %zu failed, %zu skipped; %llu QUIC packets, %llu opened\n",
            verdict, passed, failed, skipped, (unsigned long long)r->packets,
            (unsigned long long)r->packets_opened);
  return !honest ? 4 : failed ? 1 : 0;
}

/* Checks that are not built are left out of the table, not out of the count. */
int qp_cmd_verify(const struct qp_options *o) {
  struct judge_report *r = NULL;
  struct qp_rows rows;
  char err[1024] = "";
  int got = qp_cli_is_dir(o) ? judge_run_dir(o->files[0], &r, err, sizeof err)
                             : judge_captures(o->files, o->n_files, o->keys, &r, err, sizeof err);
  if (got) {
    fprintf(o->talk, "quicpcap: %s\n", err);
    return 2;
  }
  qp_rows_open(&rows, o->out, o->json, columns, sizeof columns / sizeof *columns);
  for (size_t i = 0; i < r->n_checks; i++) {
    const struct judge_check *c = &r->checks[i];
    bool planned = c->result == JUDGE_SKIP && !strcmp(c->reason, "not built");
    if (o->json || !planned)
      check_row(o, &rows, c);
  }
  int code = conclude(o, r);
  if (r->damage) {
    fprintf(o->talk, "quicpcap: %s\n", r->damage);
    code = 2;
  }
  judge_report_free(r);
  return code;
}
