#include "bench/scenario/take.h"

#include "bench/scenario/limits.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/unit.h"
#include "bench/scenario/words.h"

#include <string.h>

typedef struct plan_unit_text spell_fn(uint64_t value);

static struct plan_unit_text spell_count(uint64_t value) {
  struct plan_unit_text out;
  snprintf(out.text, sizeof out.text, "%llu", (unsigned long long)value);
  return out;
}

static bool refuse_value(struct plan_error *err, const struct plan_tree *at, const char *expected) {
  return plan_refuse(err, at, "expected %s, found %s", expected,
                     *at->text ? plan_quote(at->text).text : "nothing");
}

static bool in_bounds(struct plan_error *err, const struct plan_tree *at, uint64_t value,
                      uint64_t min, uint64_t max, spell_fn *spell) {
  if (value < min)
    return plan_refuse(err, at, "expected at least %s, found %s", spell(min).text,
                       plan_quote(at->text).text);
  if (value > max)
    return plan_refuse(err, at, "expected at most %s, found %s", spell(max).text,
                       plan_quote(at->text).text);
  return true;
}

/* Reads `at` with a parser of unit.h, then bounds it. */
static bool read(struct plan_error *err, const struct plan_tree *at,
                 const char *(*unit)(const char *, uint64_t *), spell_fn *spell, uint64_t min,
                 uint64_t max, uint64_t *out) {
  uint64_t value;
  /* A minus sign is the usual impossible value: say so. */
  if (at->text[0] == '-' && at->text[1] >= '0' && at->text[1] <= '9')
    return plan_refuse(err, at, "expected at least %s, found %s", spell(min).text,
                       plan_quote(at->text).text);
  const char *expected = unit(at->text, &value);
  if (expected)
    return refuse_value(err, at, expected);
  if (!in_bounds(err, at, value, min, max, spell))
    return false;
  *out = value;
  return true;
}

bool plan_take_time(struct plan_take from, const char *key, uint64_t min, uint64_t max,
                    uint64_t *ns) {
  const struct plan_tree *at = plan_tree_get(from.map, key);
  return !at || read(from.err, at, plan_unit_time, plan_unit_time_text, min, max, ns);
}

bool plan_take_rate(struct plan_take from, const char *key, uint64_t *bps) {
  const struct plan_tree *at = plan_tree_get(from.map, key);
  return !at || read(from.err, at, plan_unit_rate, plan_unit_rate_text, 0, PLAN_MAX_RATE_BPS, bps);
}

bool plan_take_size(struct plan_take from, const char *key, uint64_t min, uint64_t max,
                    uint64_t *bytes) {
  const struct plan_tree *at = plan_tree_get(from.map, key);
  return !at || read(from.err, at, plan_unit_size, plan_unit_size_text, min, max, bytes);
}

bool plan_take_share(struct plan_take from, const char *key, uint32_t *ppm) {
  const struct plan_tree *at = plan_tree_get(from.map, key);
  const char *expected = at ? plan_unit_share(at->text, ppm) : NULL;
  return !expected || refuse_value(from.err, at, expected);
}

bool plan_count_of(struct plan_error *err, const struct plan_tree *scalar, uint64_t min,
                   uint64_t max, uint64_t *count) {
  return read(err, scalar, plan_unit_count, spell_count, min, max, count);
}

bool plan_take_count(struct plan_take from, const char *key, uint64_t min, uint64_t max,
                     uint64_t *count) {
  const struct plan_tree *at = plan_tree_get(from.map, key);
  return !at || plan_count_of(from.err, at, min, max, count);
}

bool plan_take_count32(struct plan_take from, const char *key, uint32_t min, uint32_t max,
                       uint32_t *count) {
  uint64_t wide = *count;
  if (!plan_take_count(from, key, min, max, &wide))
    return false;
  *count = (uint32_t)wide;
  return true;
}

bool plan_word_of(struct plan_error *err, const struct plan_tree *scalar, const char *const *words,
                  int *index) {
  int found = plan_word_find(words, scalar->text);
  if (found >= 0) {
    *index = found;
    return true;
  }
  char list[200] = "";
  size_t used = 0;
  bool room = true;
  struct plan_guess guess;
  plan_guess_start(&guess, scalar->text);
  for (size_t i = 0; words[i]; i++) {
    plan_guess_offer(&guess, words[i]);
    if (!room)
      continue;
    room = used + strlen(words[i]) + sizeof ", , ..." < sizeof list;
    used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                             room ? words[i] : "...");
  }
  struct plan_quoted quoted = plan_quote(scalar->text);
  const char *value = *scalar->text ? quoted.text : "nothing";
  if (!words[1])
    return plan_refuse(err, scalar, "expected '%s', found %s", words[0], value);
  return plan_refuse(err, scalar, "expected one of %s, found %s%s", list, value,
                     plan_guess_text(&guess));
}

bool plan_take_word(struct plan_take from, const char *key, const char *const *words, int *index) {
  const struct plan_tree *at = plan_tree_get(from.map, key);
  return !at || plan_word_of(from.err, at, words, index);
}

bool plan_take_must(struct plan_take from, const char *key, const char *what) {
  if (plan_tree_get(from.map, key))
    return true;
  return plan_refuse(from.err, from.map, "expected the key '%s' (%s), found none", key, what);
}

bool plan_take_not(struct plan_take from, const char *key, const char *why) {
  const struct plan_tree *at = plan_tree_key(from.map, key);
  return !at || plan_refuse(from.err, at, "expected no key '%s': %s", key, why);
}
