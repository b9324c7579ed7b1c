/* Sections `defects` and `expect`: which known bugs come back, and what the
 * judge is to find. */
#include "bench/scenario/limits.h"
#include "bench/scenario/memory.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/section.h"
#include "bench/scenario/unit.h"
#include "bench/scenario/words.h"

#include <stdlib.h>
#include <string.h>

static bool read_check_name(struct plan_build *b, const struct plan_tree *name) {
  if (plan_word_find(plan_words_check, name->text) >= 0)
    return true;
  struct plan_guess guess;
  plan_guess_start(&guess, name->text);
  for (size_t i = 0; plan_words_check[i]; i++)
    plan_guess_offer(&guess, plan_words_check[i]);
  return plan_refuse(b->err, name, "expected the name of a check, found %s%s",
                     *name->text ? plan_quote(name->text).text : "nothing",
                     plan_guess_text(&guess));
}

static bool read_defect(struct plan_build *b, const struct plan_tree *entry) {
  const struct plan_tree *name = entry, *value = NULL;
  const struct plan_defect_word *word = plan_words_defect;
  struct plan_guess guess;
  uint64_t number;
  if (entry->kind == PLAN_TREE_MAP) {
    if (entry->n != 1)
      return plan_refuse(b->err, entry, "expected NAME or one NAME: VALUE, found %zu keys",
                         entry->n);
    name = entry->keys[0];
    value = entry->items[0];
  }
  plan_guess_start(&guess, name->text);
  for (; word->name && strcmp(word->name, name->text) != 0; word++)
    plan_guess_offer(&guess, word->name);
  if (!word->name)
    return plan_refuse(b->err, name, "expected the name of a defect, found %s%s",
                       *name->text ? plan_quote(name->text).text : "nothing",
                       plan_guess_text(&guess));
  if (word->needs_time && (!value || plan_unit_time(value->text, &number)))
    return plan_refuse(b->err, value ? value : name, "expected %s: TIME, such as 200ms, found %s",
                       word->name, value ? plan_quote(value->text).text : "no value");
  if (value && plan_unit_time(value->text, &number) && plan_unit_count(value->text, &number))
    return plan_refuse(b->err, value, "expected a whole number or a time, found %s",
                       *value->text ? plan_quote(value->text).text : "nothing");
  struct plan *plan = b->plan;
  for (size_t i = 0; i < plan->n_defects; i++) {
    if (strcmp(plan->defects[i].name, name->text) == 0)
      return plan_refuse(b->err, name, "expected each defect once, found %s again",
                         plan_quote(name->text).text);
  }
  plan->defects = plan_grow(plan->defects, plan->n_defects, sizeof *plan->defects);
  plan->defects[plan->n_defects++] =
      (struct plan_defect){plan_copy_text(name->text), value ? plan_copy_text(value->text) : NULL};
  return true;
}

/* A list of check names, each once. */
static bool read_checks(struct plan_build *b, const struct plan_tree *list, char ***names,
                        size_t *n) {
  for (size_t i = 0; list && i < list->n; i++) {
    const struct plan_tree *name = list->items[i];
    if (!read_check_name(b, name))
      return false;
    for (size_t j = 0; j < *n; j++) {
      if (strcmp((*names)[j], name->text) == 0)
        return plan_refuse(b->err, name, "expected each check once, found %s again",
                           plan_quote(name->text).text);
    }
    *names = plan_grow(*names, *n, sizeof **names);
    (*names)[(*n)++] = plan_copy_text(name->text);
  }
  return true;
}

static bool add_close(struct plan_build *b, const struct plan_tree *name, int node,
                      const char *error) {
  struct plan *plan = b->plan;
  for (size_t i = 0; i < plan->n_closes; i++) {
    if (plan->closes[i].node == node)
      return plan_refuse(b->err, name, "expected each node once, found '%s' again",
                         plan->nodes[node].name);
  }
  plan->closes = plan_grow(plan->closes, plan->n_closes, sizeof *plan->closes);
  plan->closes[plan->n_closes++] = (struct plan_closes){node, plan_copy_text(error)};
  return true;
}

/* A name, or a number: decimal, or hexadecimal as the RFC prints codes. */
static bool read_error_name(struct plan_build *b, const struct plan_tree *at) {
  uint64_t number = 0;
  char *end = NULL;
  bool digits = plan_unit_count(at->text, &number) == NULL;
  if (!digits && strncmp(at->text, "0x", 2) == 0 && strlen(at->text) <= 18 &&
      strspn(at->text + 2, "0123456789abcdefABCDEF") == strlen(at->text + 2)) {
    number = strtoull(at->text, &end, 16);
    digits = at->text[2] != 0;
  }
  if (digits)
    return number <= PLAN_MAX_VARINT ||
           plan_refuse(b->err, at, "expected an error code below 2^62, found %s",
                       plan_quote(at->text).text);
  if (plan_word_find(plan_words_error, at->text) >= 0)
    return true;
  struct plan_guess guess;
  plan_guess_start(&guess, at->text);
  for (size_t i = 0; plan_words_error[i]; i++)
    plan_guess_offer(&guess, plan_words_error[i]);
  return plan_refuse(b->err, at, "expected the name or number of a QUIC or MoQT error, found %s%s",
                     *at->text ? plan_quote(at->text).text : "nothing", plan_guess_text(&guess));
}

static bool read_closes(struct plan_build *b, const struct plan_tree *map) {
  for (size_t i = 0; map && i < map->n; i++) {
    int first, n;
    if (!plan_resolve(b, map->keys[i], &first, &n))
      return false;
    enum plan_role role = b->plan->nodes[first].role;
    if (role == PLAN_ROUTER)
      return plan_refuse(b->err, map->keys[i], "expected a node with a connection, found a router");
    if (!read_error_name(b, map->items[i]))
      return false;
    for (int j = 0; j < n; j++) {
      if (!add_close(b, map->keys[i], first + j, map->items[i]->text))
        return false;
    }
  }
  return true;
}

static bool read_examined(struct plan_build *b, const struct plan_tree *map) {
  struct plan *plan = b->plan;
  for (size_t i = 0; map && i < map->n; i++) {
    uint64_t at_least;
    if (!read_check_name(b, map->keys[i]) ||
        !plan_count_of(b->err, map->items[i], 1, PLAN_MAX_VARINT, &at_least))
      return false;
    plan->examined = plan_grow(plan->examined, plan->n_examined, sizeof *plan->examined);
    plan->examined[plan->n_examined++] =
        (struct plan_examined){plan_copy_text(map->keys[i]->text), at_least};
  }
  return true;
}

/* A share as the 64-bit number that plan_unit_range() reads. */
static const char *share_of(const char *text, uint64_t *ppm) {
  uint32_t share = 0;
  const char *wrong = plan_unit_share(text, &share);
  *ppm = share;
  return wrong;
}

static bool read_figures_of(struct plan_build *b, const struct plan_tree *map,
                            struct plan_figures *figures) {
  struct plan_take from = {b->err, map};
  const struct plan_tree *share = plan_tree_get(map, "fast_path");
  uint64_t lo = 0, hi = 1000000;
  if (share && plan_unit_range(share->text, share_of, &lo, &hi))
    return plan_refuse(b->err, share, "expected shares such as 40%%..60%%, found %s",
                       *share->text ? plan_quote(share->text).text : "nothing");
  figures->fast_path_lo_ppm = (uint32_t)lo;
  figures->fast_path_hi_ppm = (uint32_t)hi;
  return plan_take_count(from, "sendings", 1, PLAN_MAX_SENDINGS, &figures->sendings);
}

static bool read_figures(struct plan_build *b, const struct plan_tree *map) {
  struct plan *plan = b->plan;
  for (size_t i = 0; map && i < map->n; i++) {
    int first, n;
    struct plan_figures figures = {0};
    if (!plan_resolve(b, map->keys[i], &first, &n))
      return false;
    if (plan->nodes[first].role != PLAN_SUBSCRIBER)
      return plan_refuse(b->err, map->keys[i], "expected a subscriber, found a %s",
                         plan_role_name(plan->nodes[first].role));
    if (!read_figures_of(b, map->items[i], &figures))
      return false;
    for (size_t k = 0; k < plan->n_figures; k++) {
      int node = plan->figures[k].node;
      if (node >= first && node < first + n)
        return plan_refuse(b->err, map->keys[i], "expected each node once, found '%s' again",
                           plan->nodes[node].name);
    }
    for (figures.node = first; figures.node < first + n; figures.node++) {
      plan->figures = plan_grow(plan->figures, plan->n_figures, sizeof *plan->figures);
      plan->figures[plan->n_figures++] = figures;
    }
  }
  return true;
}

static bool read_budgets(struct plan_build *b, const struct plan_tree *map,
                         struct plan_expect *expect) {
  struct plan_take from = {b->err, map};
  static const char *const budgets[] = {"p50", "p99", "max"};
  for (size_t i = 0; i < 3; i++) {
    if (strcmp(expect->check, "latency") != 0 &&
        !plan_take_not(from, budgets[i], "only 'latency' has budgets"))
      return false;
    if (expect->skip &&
        !plan_take_not(from, budgets[i], "the check is skipped and has no use for it"))
      return false;
  }
  return plan_take_time(from, "p50", 1, PLAN_MAX_DURATION_NS, &expect->p50_ns) &&
         plan_take_time(from, "p99", 1, PLAN_MAX_DURATION_NS, &expect->p99_ns) &&
         plan_take_time(from, "max", 1, PLAN_MAX_DURATION_NS, &expect->max_ns);
}

static bool read_expect(struct plan_build *b, const struct plan_tree *key,
                        const struct plan_tree *map) {
  struct plan *plan = b->plan;
  const struct plan_tree *skip = plan_tree_get(map, "skip");
  if (!read_check_name(b, key))
    return false;
  if (skip && !*skip->text)
    return plan_refuse(b->err, skip, "expected the reason why %s is skipped, found nothing",
                       plan_quote(key->text).text);
  plan->expects = plan_grow(plan->expects, plan->n_expects, sizeof *plan->expects);
  struct plan_expect *expect = &plan->expects[plan->n_expects++];
  expect->check = plan_copy_text(key->text);
  expect->skip = skip != NULL;
  expect->skip_reason = skip ? plan_copy_text(skip->text) : NULL;
  return read_budgets(b, map, expect);
}

/* A skipped check can't be convicted, and one check can't both have to fail
 * and be free to. */
static bool check_contradictions(struct plan_build *b, const struct plan_tree *expect) {
  const struct plan_tree *convict = plan_tree_get(expect, "convict");
  const struct plan_tree *also = plan_tree_get(expect, "also");
  for (size_t i = 0; convict && i < convict->n; i++) {
    const struct plan_tree *name = convict->items[i];
    const struct plan_tree *judged = plan_tree_get(expect, name->text);
    if (judged && plan_tree_get(judged, "skip"))
      return plan_refuse(b->err, name,
                         "expected a check that is judged, found %s, skipped at %u:%u",
                         plan_quote(name->text).text, judged->line, judged->column);
    for (size_t j = 0; also && j < also->n; j++) {
      if (strcmp(also->items[j]->text, name->text) == 0)
        return plan_refuse(b->err, also->items[j],
                           "expected a check that 'convict' does not name, found %s",
                           plan_quote(name->text).text);
    }
  }
  return true;
}

bool plan_read_expects(struct plan_build *b) {
  const struct plan_tree *defects = plan_tree_get(b->root, "defects");
  const struct plan_tree *expect = plan_tree_get(b->root, "expect");
  struct plan *plan = b->plan;
  for (size_t i = 0; defects && i < defects->n; i++) {
    if (!read_defect(b, defects->items[i]))
      return false;
  }
  if (!expect)
    return true;
  for (size_t i = 0; i < expect->n; i++) {
    const char *key = expect->keys[i]->text;
    bool own = !strcmp(key, "convict") || !strcmp(key, "also") || !strcmp(key, "closes") ||
               !strcmp(key, "examined") || !strcmp(key, "subscribers");
    if (!own && !read_expect(b, expect->keys[i], expect->items[i]))
      return false;
  }
  return read_checks(b, plan_tree_get(expect, "convict"), &plan->convict, &plan->n_convict) &&
         read_checks(b, plan_tree_get(expect, "also"), &plan->also, &plan->n_also) &&
         read_closes(b, plan_tree_get(expect, "closes")) &&
         read_examined(b, plan_tree_get(expect, "examined")) &&
         read_figures(b, plan_tree_get(expect, "subscribers")) && check_contradictions(b, expect);
}
