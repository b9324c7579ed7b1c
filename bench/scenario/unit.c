#include "bench/scenario/unit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct unit {
  const char *name;
  uint64_t factor;
};

static const struct unit times[] = {
    {"h", 3600000000000},
    {"min", 60000000000},
    {"s", 1000000000},
    {"ms", 1000000},
    {"us", 1000},
    {"ns", 1},
    {NULL, 0},
};
static const struct unit rates[] = {
    {"gbit", 1000000000}, {"mbit", 1000000}, {"kbit", 1000}, {"bit", 1}, {NULL, 0},
};
/* The powers of 1,024 first: plan_unit_size_text() takes the first that divides. */
static const struct unit sizes[] = {
    {"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"GB", 1000000000},
    {"MB", 1000000},   {"kB", 1000},      {"B", 1},          {NULL, 0},
};
static const struct unit shares[] = {{"%", 10000}, {NULL, 0}};

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool append_digit(uint64_t *value, char c) {
  return !__builtin_mul_overflow(*value, 10u, value) &&
         !__builtin_add_overflow(*value, (uint64_t)(c - '0'), value);
}

/* Digits, perhaps a point and more digits, then a unit. bare: the factor of a
 * number without a unit, 0 = only "0" may stand alone. */
static bool parse(const char *text, const struct unit *units, uint64_t bare, uint64_t *out) {
  const char *c = text;
  uint64_t digits = 0, decimals = 1, factor = 0;
  if (!is_digit(*c))
    return false;
  for (; is_digit(*c); c++) {
    if (!append_digit(&digits, *c))
      return false;
  }
  if (*c == '.') {
    if (!is_digit(*++c))
      return false;
    for (; is_digit(*c); c++) {
      if (!append_digit(&digits, *c) || __builtin_mul_overflow(decimals, 10u, &decimals))
        return false;
    }
  }
  if (!*c) {
    if (!bare && strcmp(text, "0") != 0)
      return false;
    factor = bare ? bare : 1;
  }
  for (const struct unit *u = units; u->name && !factor; u++) {
    if (strcmp(c, u->name) == 0)
      factor = u->factor;
  }
  unsigned __int128 scaled = (unsigned __int128)digits * factor;
  if (!factor || scaled % decimals != 0 || scaled / decimals > UINT64_MAX)
    return false;
  *out = (uint64_t)(scaled / decimals);
  return true;
}

const char *plan_unit_time(const char *text, uint64_t *ns) {
  return parse(text, times, 0, ns) ? NULL : "a time such as 250ms (ns us ms s min h)";
}

const char *plan_unit_rate(const char *text, uint64_t *bps) {
  return parse(text, rates, 0, bps) ? NULL : "a rate such as 20mbit (bit kbit mbit gbit)";
}

const char *plan_unit_size(const char *text, uint64_t *bytes) {
  return parse(text, sizes, 1, bytes) ? NULL : "a size such as 64KiB (B kB MB GB KiB MiB GiB)";
}

const char *plan_unit_share(const char *text, uint32_t *ppm) {
  uint64_t value;
  if (!parse(text, shares, 0, &value) || value > 1000000)
    return "a share from 0% to 100% with at most four decimals";
  *ppm = (uint32_t)value;
  return NULL;
}

const char *plan_unit_count(const char *text, uint64_t *count) {
  uint64_t value = 0;
  const char *c = text;
  for (; is_digit(*c); c++) {
    if (!append_digit(&value, *c))
      return "a whole number";
  }
  if (c == text || *c)
    return "a whole number";
  *count = value;
  return NULL;
}

const char *plan_unit_range(const char *text, const char *(*one)(const char *, uint64_t *),
                            uint64_t *lo, uint64_t *hi) {
  const char *dots = strstr(text, "..");
  uint64_t first, last;
  if (!dots) {
    const char *expected = one(text, lo);
    if (!expected)
      *hi = *lo;
    return expected;
  }
  char head[64];
  size_t len = (size_t)(dots - text);
  if (len >= sizeof head)
    return "a range such as 40..60";
  memcpy(head, text, len);
  head[len] = 0;
  if (one(head, &first) || one(dots + 2, &last))
    return "a range such as 40..60";
  if (first > last)
    return "a range that begins with its smaller end";
  *lo = first;
  *hi = last;
  return NULL;
}

static struct plan_unit_text spell(uint64_t value, const struct unit *units) {
  struct plan_unit_text out = {"0"};
  for (const struct unit *u = units; u->name && value; u++) {
    if (value % u->factor == 0) {
      snprintf(out.text, sizeof out.text, "%llu%s", (unsigned long long)(value / u->factor),
               u->name);
      break;
    }
  }
  return out;
}

struct plan_unit_text plan_unit_time_text(uint64_t ns) {
  return spell(ns, times);
}

struct plan_unit_text plan_unit_rate_text(uint64_t bps) {
  return spell(bps, rates);
}

struct plan_unit_text plan_unit_size_text(uint64_t bytes) {
  return spell(bytes, sizes);
}

struct plan_unit_text plan_unit_share_text(uint32_t ppm) {
  struct plan_unit_text out;
  if (ppm % 10000 == 0)
    snprintf(out.text, sizeof out.text, "%u%%", ppm / 10000);
  else
    snprintf(out.text, sizeof out.text, "%u.%04u%%", ppm / 10000, ppm % 10000);
  return out;
}
