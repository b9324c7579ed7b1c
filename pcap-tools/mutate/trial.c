#include "pcap-tools/mutate/trial.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "pcap-tools/read/memory.h"

/* One place of one bed. */
struct place {
  uint32_t bed;
  size_t at;
};

static struct place *places_of(const struct qm_trial *t, const struct qm_operator *op, size_t *n) {
  struct place *all = NULL;
  size_t room = 0;
  *n = 0;
  for (uint32_t i = 0; i < t->n_beds; i++) {
    size_t of_bed = qm_places_of(&t->beds[i], op->places);
    for (size_t k = 0; k < of_bed; k++) {
      if (!op->fits(&t->beds[i], k))
        continue;
      qp_grow((void **)&all, &room, *n + 1, sizeof *all);
      all[(*n)++] = (struct place){i, k};
    }
  }
  return all;
}

static void shuffle(struct place *p, size_t n, struct qm_random *r) {
  for (size_t i = n; i > 1; i--) {
    size_t k = (size_t)qm_below(r, i);
    struct place other = p[i - 1];
    p[i - 1] = p[k];
    p[k] = other;
  }
}

static void name_place(const struct qm_bed *bed, const struct qm_operator *op, size_t at,
                       char *text, size_t len) {
  const struct qm_packet *p = op->places == QM_PACKETS  ? &bed->packets[at]
                              : op->places == QM_FRAMES ? &bed->packets[bed->frames[at].packet]
                                                        : NULL;
  if (p)
    snprintf(text, len, "%s frame %u", bed->captures[p->file].name, p->record + 1);
  else if (op->places == QM_LINES)
    snprintf(text, len, "%s line %u", bed->texts[bed->lines[at].text].name,
             bed->lines[at].line + 1);
  else if (op->places == QM_CONNS)
    snprintf(text, len, "connection %u", qm_conn(bed, at)->index);
  else
    snprintf(text, len, "manifest.json");
}

static bool may(const struct qm_operator *op, const char *check) {
  for (size_t i = 0; i < QM_ALSO && op->also[i]; i++)
    if (!strcmp(op->also[i], check))
      return true;
  return !strcmp(op->check, check);
}

static void first_finding(const struct judge_check *c, char *text, size_t len) {
  const struct judge_finding *f = c->n_findings ? &c->findings[0] : NULL;
  if (f)
    snprintf(text, len, "%s: %s frame %llu: %s: expected %s, found %s", c->name, f->file,
             (unsigned long long)f->frame, f->field, f->expected, f->actual);
}

static void weigh(const struct judge_report *r, struct qm_outcome *o) {
  for (size_t i = 0; i < r->n_checks; i++) {
    const struct judge_check *c = &r->checks[i], *was = qm_check(o->bed->report, c->name);
    if (c->result != JUDGE_FAIL || was->result == JUDGE_FAIL)
      continue;
    if (!strcmp(c->name, o->op->check)) {
      o->convicted = true;
      if (!o->surprising)
        first_finding(c, o->first, sizeof o->first);
      continue;
    }
    size_t n = strlen(o->others);
    snprintf(o->others + n, sizeof o->others - n, "%s%s", n ? " " : "", c->name);
    if (!may(o->op, c->name)) {
      o->surprising = true;
      first_finding(c, o->first, sizeof o->first);
    }
  }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

/* False: the operator could not be applied. */
static bool hurt(const struct qm_trial *t, struct qm_outcome *o, struct qm_random *r,
                 const char *dir) {
  struct qm_edit *e = qm_edit_new(o->bed);
  struct judge_report *report = NULL;
  bool done = o->op->apply(o->bed, e, o->place, r);
  if (done) {
    name_place(o->bed, o->op, o->place, o->what, sizeof o->what);
    if (!qm_edit_write(e, dir, o->error, sizeof o->error) &&
        !judge_run_dir(dir, &report, o->error, sizeof o->error))
      weigh(report, o);
    judge_report_free(report);
    if (!t->keep)
      nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  }
  qm_edit_free(e);
  return done;
}

/* Counts the words of `others` in the row: "copy-exact 3 trace-agrees 1". */
static void count_others(struct qm_row *row, const char *others) {
  char copy[256], *save = NULL;
  snprintf(copy, sizeof copy, "%s", others);
  for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
    char key[64], now[sizeof row->others];
    snprintf(key, sizeof key, "%s ", w);
    char *at = strstr(row->others, key);
    if (!at) {
      size_t n = strlen(row->others);
      snprintf(row->others + n, sizeof row->others - n, "%s%s 1", n ? ", " : "", w);
      continue;
    }
    char *digits = at + strlen(key), *end;
    unsigned long count = strtoul(digits, &end, 10);
    snprintf(now, sizeof now, "%.*s%lu%s", (int)(digits - row->others), row->others, count + 1,
             end);
    memcpy(row->others, now, sizeof now);
  }
}

int qm_try(const struct qm_trial *t, const struct qm_operator *op, struct qm_row *row, char *err,
           size_t err_len) {
  struct qm_random r = {t->seed ^ XXH3_64bits(op->name, strlen(op->name))};
  char base[] = "/tmp/quicpcap-mutate-XXXXXX";
  struct place *all = places_of(t, op, &row->places);
  row->op = op;
  shuffle(all, row->places, &r);
  if (!t->keep && !mkdtemp(base)) {
    snprintf(err, err_len, "%s: %s", base, strerror(errno));
    free(all);
    return -1;
  }
  for (size_t i = 0; i < row->places && row->tried < t->places; i++) {
    struct qm_outcome o = {.op = op, .bed = &t->beds[all[i].bed], .place = all[i].at};
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/%s-%zu", t->keep ? t->keep : base, op->name, row->tried + 1);
    if (!hurt(t, &o, &r, dir))
      continue;
    row->tried++;
    row->convicted += o.convicted;
    row->surprises += o.surprising;
    count_others(row, o.others);
    t->told(t->arg, &o);
  }
  if (!t->keep)
    rmdir(base);
  free(all);
  return 0;
}
