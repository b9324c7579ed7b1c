/* The page of a check: its own words from its file, and who it was tried on. */
#include <stdlib.h>
#include <string.h>

#include "bench/explain/explain.h"
#include "bench/explain/matrix_row.h"
#include "bench/explain/source.h"
#include "bench/run/defects.h"
#include "pcap-tools/judge.h"

static const char *const parts[] = {"Vantage:", "Excused:", "Source:", NULL};

static const char *name(size_t i) {
  size_t n;
  const struct judge_info *all = judge_catalogue(&n);
  return i < n ? all[i].name : NULL;
}

static void put_part(struct page *page, const char *title, struct source text, const char *word) {
  char *part = source_part(text, word, parts);
  page_title(page, title);
  page_text(page, "%s", part ? part : "not said");
  free(part);
}

/* The text begins with the check's name and a colon. */
static void put_words(struct page *page, struct source text) {
  char *part = source_part(text, "", parts);
  const char *colon = part ? strchr(part, ':') : NULL;
  page_title(page, "What it looks at");
  page_text(page, "%s", colon ? colon + 1 + strspn(colon + 1, " ") : "not said");
  free(part);
}

/* The defects that the kept matrix says it tells of. */
static void put_defects(struct page *page, size_t i) {
  char scenario[64];
  bool any = false;
  page_title(page, "Known bugs it convicts (scenarios/defects, matrix.txt)");
  for (int first = 1; first >= 0; first--)
    for (size_t d = 0; d < defects_n; d++) {
      snprintf(scenario, sizeof scenario, "%02zu-%s", d + 1, defects_all[d].name);
      const char sign = matrix_row_sign(scenario, i);
      if (first ? sign != 'X' : sign != 'x' && sign != '+')
        continue;
      page_line(page, 28, "%-4s  %-20s  %s", first ? "must" : "too", defects_all[d].name,
                defects_all[d].bug);
      any = true;
    }
  if (!any)
    page_text(page, "None; the mutations below show that it tells.");
}

static void put_mutations(struct page *page, const char *check) {
  size_t n;
  const struct judge_mutation *all = judge_mutations(&n);
  bool any = false;
  page_title(page, "Mutations of a passing run that it must tell (quicpcap mutate)");
  for (size_t i = 0; i < n; i++)
    if (strcmp(all[i].check, check) == 0) {
      page_line(page, 28, "%-26s  %s", all[i].name, all[i].does);
      any = true;
    }
  if (!any)
    page_text(page, "None.");
}

static void put_commands(struct page *page, size_t i) {
  char scenario[64];
  page_title(page, "See it at work");
  for (size_t d = 0; d < defects_n; d++) {
    snprintf(scenario, sizeof scenario, "%02zu-%s", d + 1, defects_all[d].name);
    if (matrix_row_sign(scenario, i) != 'X')
      continue;
    page_line(page, 4, "fanbench run scenarios/defects/%s.yaml --mode sim --out out", scenario);
    page_line(page, 4, "fanbench explain %s", defects_all[d].name);
    break;
  }
  page_line(page, 4, "fanbench run scenarios/first/quickstart.yaml --mode sim --json");
  page_line(page, 4, "quicpcap verify FILE...");
}

static struct page *make(size_t i, char *why, size_t why_len) {
  size_t n;
  const struct judge_info *info = &judge_catalogue(&n)[i];
  const struct source text = source_find("check", info->name);
  char title[128], file[64];
  struct page *page = page_new("check", info->name);
  snprintf(why, why_len, "no memory");
  snprintf(title, sizeof title, "Check %s (%s)", info->name, info->group);
  page_title(page, title);
  page_text(page, "%s", info->proves);
  put_words(page, text);
  put_part(page, "Where it looks from", text, "Vantage:");
  put_part(page, "What it excuses", text, "Excused:");
  put_part(page, "Where the rule comes from", text, "Source:");
  put_defects(page, i);
  put_mutations(page, info->name);
  put_commands(page, i);
  snprintf(file, sizeof file, "%s", info->name);
  for (char *c = file; *c; c++)
    if (*c == '-')
      *c = '_';
  page_title(page, "The code");
  page_line(page, 4, "pcap-tools/check/%s.c", file);
  return page;
}

const struct explain_subject explain_checks = {.kind = "check", .name = name, .page = make};
