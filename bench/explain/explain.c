#include "bench/explain/explain.h"

#include <string.h>

const struct explain_subject *const explain_subjects[] = {&explain_checks, &explain_defects,
                                                          &explain_decisions, NULL};

const struct explain_subject *explain_find(const char *name, size_t *i) {
  for (const struct explain_subject *const *s = explain_subjects; *s; s++)
    for (*i = 0; (*s)->name(*i); (*i)++)
      if (strcmp((*s)->name(*i), name) == 0 || ((*s)->is && (*s)->is(*i, name)))
        return *s;
  return NULL;
}

/* ---- names that look like one ----------------------------------------------------------------- */

enum { LONGEST = 63, NEAR = 5, FAR = 100 };

/* Edit distance (Levenshtein); FAR if a name is too long to be one. */
static unsigned distance(const char *a, const char *b) {
  const size_t n = strlen(a), m = strlen(b);
  unsigned row[LONGEST + 1];
  if (n > LONGEST || m > LONGEST)
    return FAR;
  for (size_t k = 0; k <= m; k++)
    row[k] = (unsigned)k;
  for (size_t i = 1; i <= n; i++) {
    unsigned corner = row[0];
    row[0] = (unsigned)i;
    for (size_t k = 1; k <= m; k++) {
      const unsigned above = row[k];
      unsigned best = corner + (a[i - 1] != b[k - 1]);
      if (above + 1 < best)
        best = above + 1;
      if (row[k - 1] + 1 < best)
        best = row[k - 1] + 1;
      row[k] = best;
      corner = above;
    }
  }
  return row[m];
}

/* The smaller, the closer; a part of a name is close. FAR: not at all. */
static unsigned farness(const char *name, const char *of) {
  if (strlen(name) > 2 && strstr(of, name))
    return 1;
  const unsigned d = distance(name, of);
  return d <= 1 + strlen(of) / 3 ? d + 1 : FAR;
}

void explain_near(const char *name, char *names, size_t len) {
  const char *best[NEAR] = {0};
  unsigned far[NEAR];
  size_t n = 0;
  for (const struct explain_subject *const *s = explain_subjects; *s; s++)
    for (size_t i = 0; (*s)->name(i); i++) {
      const unsigned d = farness(name, (*s)->name(i));
      size_t at = n;
      while (at > 0 && far[at - 1] > d)
        at--;
      if (d == FAR || at == NEAR)
        continue;
      n += n < NEAR;
      for (size_t k = n - 1; k > at; k--) {
        best[k] = best[k - 1];
        far[k] = far[k - 1];
      }
      best[at] = (*s)->name(i);
      far[at] = d;
    }
  size_t used = 0;
  *names = '\0';
  for (size_t k = 0; k < n && used < len; k++)
    used += (size_t)snprintf(names + used, len - used, "%s%s", k ? " " : "", best[k]);
}
