/* The page of a defect: the scenario's own words, and its packets from a run that is made now. */
#include <stdlib.h>
#include <string.h>

#include "bench/explain/explain.h"
#include "bench/explain/finding.h"
#include "bench/explain/matrix_row.h"
#include "bench/explain/source.h"
#include "bench/explain/trial.h"
#include "bench/run/defects.h"
#include "version.h"

static const char *const parts[] = {"Seen:", "Wrong:", "Caught:", "Prevented:", "seed:", NULL};

struct about {
  size_t i;
  const struct defect *defect;
  char scenario[64];
  struct source text; /* the scenario file */
};

static const char *name(size_t i) {
  return i < defects_n ? defects_all[i].name : NULL;
}

static void scenario_of(size_t i, char *scenario, size_t len) {
  snprintf(scenario, len, "%02zu-%s", i + 1, defects_all[i].name);
}

/* Its number, or the name of its scenario. */
static bool is(size_t i, const char *text) {
  char scenario[64], number[24];
  scenario_of(i, scenario, sizeof scenario);
  snprintf(number, sizeof number, "%zu", i + 1);
  return strcmp(text, scenario) == 0 || strcmp(text, number) == 0;
}

static void put_words(struct page *page, const struct about *a, const char *title,
                      const char *word) {
  char *part = source_part(a->text, word, parts), *rest = part, *line;
  page_title(page, title);
  char *joined = part ? calloc(strlen(part) + 1, 1) : NULL;
  while (joined && (line = strtok_r(rest, " \n", &rest))) { /* a folded scalar is indented */
    if (*joined)
      strcat(joined, " ");
    strcat(joined, line);
  }
  page_text(page, "%s", joined ? joined : "not said");
  free(joined);
  free(part);
}

static void put_places(struct page *page, const struct about *a) {
  struct source rest = source_find("switch", a->defect->name), line;
  page_line(page, 0, "The switch stands here (%s):", FANBENCH_COMMIT);
  while (source_line(&rest, &line))
    page_line(page, 4, "  %.*s", (int)line.len, line.text);
}

/* Why other checks tell too: the scenario's comment in front of `also`, its only one. */
static void put_why(struct page *page, const struct about *a) {
  static const char head[] = "  # ", first[] = "Told too: ";
  struct source rest = a->text, line;
  char why[1024] = "";
  size_t used = 0;
  while (source_line(&rest, &line) && used < sizeof why) {
    if (line.len < strlen(head) || memcmp(line.text, head, strlen(head)) != 0)
      continue;
    line.text += strlen(head);
    line.len -= strlen(head);
    if (used == 0 && line.len > strlen(first) && memcmp(line.text, first, strlen(first)) == 0) {
      line.text += strlen(first);
      line.len -= strlen(first);
    }
    used += (size_t)snprintf(why + used, sizeof why - used, "%s%.*s", used ? " " : "",
                             (int)line.len, line.text);
  }
  page_text(page, "%s", *why ? why : "not said");
}

static void put_convictions(struct page *page, const struct about *a) {
  char others[512] = "";
  size_t n, used = 0;
  const struct judge_info *checks = judge_catalogue(&n);
  for (size_t c = 0; c < n && used < sizeof others; c++) {
    const char sign = matrix_row_sign(a->scenario, c);
    if (sign == 'x' || sign == '+')
      used += (size_t)snprintf(others + used, sizeof others - used, "%s%s", used ? ", " : "",
                               checks[c].name);
  }
  page_line(page, 10, "must tell: %s (fanbench explain %s)", a->defect->convicted,
            a->defect->convicted);
  if (!*others)
    return;
  page_line(page, 10, "tell too:  %s", others);
  put_why(page, a);
}

static const struct judge_check *check_of(const struct judge_report *report, const char *check) {
  for (size_t i = 0; i < report->n_checks; i++)
    if (strcmp(report->checks[i].name, check) == 0)
      return &report->checks[i];
  return NULL;
}

enum { SHOWN = 2 };

static void put_run(struct page *page, const struct about *a, const struct trial *trial) {
  const struct judge_check *on = check_of(trial->on, a->defect->convicted);
  const struct judge_check *off = check_of(trial->off, a->defect->convicted);
  char title[160];
  snprintf(title, sizeof title, "The packets, with the bug (on virtual time, seed %llu)",
           (unsigned long long)trial->on->seed);
  page_title(page, title);
  page_line(page, 0, "%s: fails, %llu findings%s", on->name, (unsigned long long)on->findings_total,
            on->n_findings > SHOWN ? "; the first:" : "");
  for (size_t i = 0; i < on->n_findings && i < SHOWN; i++)
    finding_put(page, trial, &on->findings[i]);
  page_title(page, "The same place without it");
  page_line(page, 0, "%s: %s, %llu items examined", off->name,
            off->result == JUDGE_PASS   ? "passes"
            : off->result == JUDGE_SKIP ? "skipped"
                                        : "FAILS",
            (unsigned long long)off->examined);
  if (on->n_findings)
    finding_put_without(page, trial, &on->findings[0]);
}

static void put_commands(struct page *page, const struct about *a) {
  page_title(page, "See it yourself");
  page_line(page, 4, "fanbench run scenarios/defects/%s.yaml --mode sim --out out", a->scenario);
  page_line(page, 4, "sudo fanbench run scenarios/defects/%s.yaml --mode live --out out",
            a->scenario);
  page_line(page, 4,
            "fanbench verify out/on; quicpcap explain out/on; quicpcap packets "
            "out/on/capture/*.pcapng");
  page_line(page, 4, "fanbench run scenarios/first/quickstart.yaml --mode sim --defect %s",
            a->defect->name);
}

static struct page *make(size_t i, char *why, size_t why_len) {
  struct about a = {.i = i, .defect = &defects_all[i]};
  struct trial trial;
  struct page *page = NULL;
  char title[128];
  scenario_of(i, a.scenario, sizeof a.scenario);
  a.text = source_find("scenario", a.scenario);
  if (trial_play(&trial, a.scenario, a.text, why, why_len) == 0) {
    snprintf(why, why_len, "no memory");
    page = page_new("defect", a.defect->name);
    snprintf(title, sizeof title, "Defect %zu: %s", i + 1, a.defect->name);
    page_title(page, title);
    page_text(page, "%s", a.defect->bug);
    put_words(page, &a, "What a person saw", "Seen:");
    put_words(page, &a, "What is wrong", "Wrong:");
    put_places(page, &a);
    put_words(page, &a, "How it is caught", "Caught:");
    put_convictions(page, &a);
    put_run(page, &a, &trial);
    put_words(page, &a, "What prevents it now", "Prevented:");
    page_line(page, 10, "held by:   %s", a.defect->held);
    put_commands(page, &a);
  }
  trial_clear(&trial);
  return page;
}

const struct explain_subject explain_defects = {
    .kind = "defect", .name = name, .is = is, .page = make};
