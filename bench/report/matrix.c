#include "bench/report/matrix.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "pcap-tools/judge.h"

struct cell {
  unsigned convicted, passed, skipped;
  unsigned unexpected; /* of all: not what the scenario expects */
  bool must;
};

struct row {
  char *scenario;
  unsigned on, off, off_failed;
  struct cell *cells; /* one a check */
};

struct matrix {
  const struct judge_info *checks;
  size_t n_checks;
  struct row *rows; /* by name */
  size_t n;
};

struct matrix *matrix_new(void) {
  struct matrix *m = calloc(1, sizeof *m);
  if (m != NULL)
    m->checks = judge_catalogue(&m->n_checks);
  return m;
}

void matrix_free(struct matrix *m) {
  if (m == NULL)
    return;
  for (size_t i = 0; i < m->n; i++) {
    free(m->rows[i].scenario);
    free(m->rows[i].cells);
  }
  free(m->rows);
  free(m);
}

size_t matrix_rows(const struct matrix *m) {
  return m->n;
}

/* ---- taking in ------------------------------------------------------------------------------ */

/* The row of a scenario, made if it is new; NULL: no memory. */
static struct row *row_of(struct matrix *m, const char *scenario) {
  size_t at = 0;
  int order = -1;
  while (at < m->n && (order = strcmp(m->rows[at].scenario, scenario)) < 0)
    at++;
  if (at < m->n && order == 0)
    return &m->rows[at];
  struct row row = {.scenario = strdup(scenario), .cells = calloc(m->n_checks, sizeof *row.cells)};
  struct row *rows = realloc(m->rows, (m->n + 1) * sizeof *rows);
  if (rows != NULL)
    m->rows = rows;
  if (row.scenario == NULL || row.cells == NULL || rows == NULL) {
    free(row.scenario);
    free(row.cells);
    return NULL;
  }
  memmove(&rows[at + 1], &rows[at], (m->n - at) * sizeof *rows);
  rows[at] = row;
  m->n++;
  return &rows[at];
}

static struct cell *cell_of(struct matrix *m, struct row *row, const char *check) {
  for (size_t i = 0; i < m->n_checks; i++)
    if (strcmp(m->checks[i].name, check) == 0)
      return &row->cells[i];
  return NULL;
}

/* What a check said with the defect on. */
static bool add_check(struct matrix *m, struct row *row, const json_t *check) {
  const char *name = json_string_value(json_object_get(check, "name"));
  const char *result = json_string_value(json_object_get(check, "result"));
  const char *expected = json_string_value(json_object_get(check, "expected"));
  struct cell *cell = name != NULL ? cell_of(m, row, name) : NULL;
  if (cell == NULL || result == NULL || expected == NULL)
    return false;
  if (strcmp(result, "fail") == 0)
    cell->convicted++;
  else if (strcmp(result, "pass") == 0)
    cell->passed++;
  else
    cell->skipped++;
  cell->must |= strcmp(expected, "fail") == 0;
  cell->unexpected += !json_is_true(json_object_get(check, "as_expected"));
  return true;
}

static int add(struct matrix *m, const json_t *root) {
  const char *scenario = json_string_value(json_object_get(root, "scenario"));
  const char *verdict = json_string_value(json_object_get(root, "verdict"));
  const char *twin = json_string_value(json_object_get(root, "defects"));
  const json_t *checks = json_object_get(root, "checks");
  if (scenario == NULL || verdict == NULL || !json_is_array(checks))
    return -1;
  if (twin == NULL || strcmp(twin, "single") == 0)
    return 0;
  struct row *row = row_of(m, scenario);
  if (row == NULL)
    return -1;
  if (strcmp(twin, "off") == 0) {
    row->off++;
    row->off_failed += strcmp(verdict, "pass") != 0;
    return 1;
  }
  row->on++;
  size_t i;
  json_t *check;
  json_array_foreach(checks, i, check) if (!add_check(m, row, check)) return -1;
  return 1;
}

int matrix_add(struct matrix *m, const char *path, char *err, size_t err_len) {
  json_error_t why;
  json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
  if (root == NULL) {
    snprintf(err, err_len, "%s:%d:%d: %s", path, why.line, why.column, why.text);
    return -1;
  }
  int taken = add(m, root);
  if (taken < 0)
    snprintf(err, err_len, "%s: expected a report of fanbench with the checks of this version",
             path);
  json_decref(root);
  return taken;
}

/* ---- giving out ----------------------------------------------------------------------------- */

static char sign_of(const struct cell *cell) {
  if (cell->unexpected)
    return '!';
  if (cell->convicted && (cell->passed || cell->skipped))
    return '+';
  if (cell->convicted)
    return cell->must ? 'X' : 'x';
  return cell->passed ? '.' : '-';
}

static void print_head(const struct matrix *m, size_t width, FILE *to) {
  fprintf(to, "%-*s  ", (int)width, "");
  for (size_t i = 1; i <= m->n_checks / 10 * 10; i++)
    fputc(i % 10 ? ' ' : (char)('0' + i / 10 % 10), to);
  fprintf(to, "\n%-*s  ", (int)width, "defect on");
  for (size_t i = 1; i <= m->n_checks; i++)
    fputc((char)('0' + i % 10), to);
  fputs("  runs  off\n", to);
}

void matrix_print(const struct matrix *m, FILE *to) {
  size_t width = strlen("defect on");
  for (size_t i = 0; i < m->n; i++)
    if (strlen(m->rows[i].scenario) > width)
      width = strlen(m->rows[i].scenario);
  print_head(m, width, to);
  for (size_t i = 0; i < m->n; i++) {
    const struct row *row = &m->rows[i];
    fprintf(to, "%-*s  ", (int)width, row->scenario);
    for (size_t c = 0; c < m->n_checks; c++)
      fputc(row->on ? sign_of(&row->cells[c]) : ' ', to);
    fprintf(to, "  %4u  ", row->on);
    if (row->off == 0)
      fputs("none\n", to);
    else if (row->off_failed)
      fprintf(to, "%u of %u FAILED\n", row->off_failed, row->off);
    else
      fputs("pass\n", to);
  }
  fputs(
      "X convicted as it must  x convicted too  + in some seeds  ! not as expected  . passed  "
      "- skipped\n",
      to);
  for (size_t i = 0; i < m->n_checks; i++) {
    bool last = i % 4 == 3 || i + 1 == m->n_checks;
    fprintf(to, "%2zu %-*s%s", i + 1, last ? 0 : 23, m->checks[i].name, last ? "\n" : " ");
  }
}

static json_t *row_json(const struct matrix *m, const struct row *row) {
  json_t *checks = json_object();
  for (size_t c = 0; c < m->n_checks; c++) {
    const struct cell *cell = &row->cells[c];
    json_object_set_new(checks, m->checks[c].name,
                        json_pack("{s:i, s:i, s:i, s:b, s:i}", "convicted", (int)cell->convicted,
                                  "passed", (int)cell->passed, "skipped", (int)cell->skipped,
                                  "must", cell->must, "unexpected", (int)cell->unexpected));
  }
  return json_pack("{s:s, s:i, s:i, s:i, s:o}", "scenario", row->scenario, "on", (int)row->on,
                   "off", (int)row->off, "off_failed", (int)row->off_failed, "checks", checks);
}

void matrix_json(const struct matrix *m, FILE *to) {
  for (size_t i = 0; i < m->n; i++) {
    json_t *o = row_json(m, &m->rows[i]);
    json_dumpf(o, to, JSON_COMPACT);
    fputc('\n', to);
    json_decref(o);
  }
}

bool matrix_is_full(const struct matrix *m) {
  for (size_t i = 0; i < m->n; i++) {
    const struct row *row = &m->rows[i];
    bool convicted = false;
    for (size_t c = 0; c < m->n_checks; c++) {
      if (row->cells[c].unexpected)
        return false;
      convicted |= row->cells[c].must && row->cells[c].convicted == row->on;
    }
    if (!convicted || row->on == 0 || row->off == 0 || row->off_failed)
      return false;
  }
  return m->n > 0;
}
