#include "bench/report/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

unsigned report_text_decode(const char *s, uint32_t *cp) {
  const unsigned char *b = (const unsigned char *)s;
  static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned len;
  if (b[0] < 0x80) {
    *cp = b[0];
    return 1;
  }
  if ((b[0] & 0xe0) == 0xc0) {
    len = 2;
    *cp = b[0] & 0x1fu;
  } else if ((b[0] & 0xf0) == 0xe0) {
    len = 3;
    *cp = b[0] & 0x0fu;
  } else if ((b[0] & 0xf8) == 0xf0) {
    len = 4;
    *cp = b[0] & 0x07u;
  } else {
    return 0;
  }
  for (unsigned i = 1; i < len; i++) { /* a NUL is no continuation: never past the end */
    if ((b[i] & 0xc0) != 0x80)
      return 0;
    *cp = *cp << 6 | (b[i] & 0x3fu);
  }
  if (*cp < smallest[len] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
    return 0;
  return len;
}

/* Must not reach a reader as it is. */
static bool is_hidden(uint32_t cp) {
  return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x200e && cp <= 0x200f) ||
         (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff ||
         (cp & 0xfffe) == 0xfffe; /* the last two of each plane are no characters */
}

/* The visible form of a hidden code point. Returns its length. */
static int show_hidden(char buf[REPORT_TEXT_NUMBER], uint32_t cp) {
  switch (cp) {
  case '\n':
    return snprintf(buf, REPORT_TEXT_NUMBER, "\\n");
  case '\r':
    return snprintf(buf, REPORT_TEXT_NUMBER, "\\r");
  case '\t':
    return snprintf(buf, REPORT_TEXT_NUMBER, "\\t");
  default:
    return snprintf(buf, REPORT_TEXT_NUMBER, "\\u{%" PRIx32 "}", cp);
  }
}

/* What each format puts for one plain character, or NULL: the character itself. */
typedef const char *(*replace_fn)(uint32_t cp);

static int write_visible(FILE *to, const char *s, replace_fn replace) {
  int columns = 0;
  char buf[REPORT_TEXT_NUMBER];
  for (; s && *s;) {
    uint32_t cp = 0;
    unsigned len = report_text_decode(s, &cp);
    const char *instead = NULL;
    int width = 1;
    if (!len) {
      width = snprintf(buf, sizeof buf, "\\x%02x", (unsigned char)*s);
      instead = buf;
      len = 1;
    } else if (is_hidden(cp)) {
      width = show_hidden(buf, cp);
      instead = buf;
    } else if (replace) {
      instead = replace(cp);
    }
    if (to && instead)
      fputs(instead, to);
    else if (to)
      fwrite(s, 1, len, to);
    columns += width;
    s += len;
  }
  return columns;
}

static const char *replace_xml(uint32_t cp) {
  switch (cp) {
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '&':
    return "&amp;";
  case '"':
    return "&quot;";
  case '\'':
    return "&#39;";
  default:
    return NULL;
  }
}

static const char *replace_tap(uint32_t cp) {
  return cp == '\\' ? "\\\\" : cp == '#' ? "\\#" : NULL;
}

static const char *replace_csv(uint32_t cp) {
  return cp == '"' ? "\"\"" : NULL;
}

int report_text_terminal(FILE *to, const char *s) {
  return write_visible(to, s, NULL);
}

void report_text_xml(FILE *to, const char *s) {
  write_visible(to, s, replace_xml);
}

void report_text_tap(FILE *to, const char *s) {
  write_visible(to, s, replace_tap);
}

void report_text_csv(FILE *to, const char *s) {
  bool quote = s && strpbrk(s, ",\"; ");
  if (quote)
    fputc('"', to);
  write_visible(to, s, replace_csv);
  if (quote)
    fputc('"', to);
}

void report_text_json(FILE *to, const char *s) {
  fputc('"', to);
  for (; s && *s;) {
    uint32_t cp = 0;
    unsigned len = report_text_decode(s, &cp);
    if (!len) {
      fputs("\\ufffd", to);
      len = 1;
    } else if (cp == '"' || cp == '\\') {
      fprintf(to, "\\%c", (char)cp);
    } else if (cp == '\n') {
      fputs("\\n", to);
    } else if (cp < 0x10000 && is_hidden(cp)) {
      fprintf(to, "\\u%04" PRIx32, cp);
    } else {
      fwrite(s, 1, len, to);
    }
    s += len;
  }
  fputc('"', to);
}

char *report_text_count(char buf[REPORT_TEXT_NUMBER], uint64_t n) {
  char plain[24];
  int len = snprintf(plain, sizeof plain, "%" PRIu64, n);
  size_t out = 0;
  for (int i = 0; i < len; i++) {
    if (i && (len - i) % 3 == 0)
      buf[out++] = ',';
    buf[out++] = plain[i];
  }
  buf[out] = '\0';
  return buf;
}

char *report_text_duration(char buf[REPORT_TEXT_NUMBER], uint64_t ns) {
  static const struct {
    uint64_t ns;
    const char *name;
  } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
  size_t u = 0;
  while (u < 3 && ns < units[u].ns)
    u++;
  uint64_t whole = ns / units[u].ns;
  /* Three digits that count; the rest is cut, not rounded. */
  uint64_t hundredths = units[u].ns >= 100 ? ns % units[u].ns / (units[u].ns / 100) : 0;
  if (units[u].ns == 1 || whole >= 100)
    snprintf(buf, REPORT_TEXT_NUMBER, "%" PRIu64 " %s", whole, units[u].name);
  else if (whole >= 10)
    snprintf(buf, REPORT_TEXT_NUMBER, "%" PRIu64 ".%" PRIu64 " %s", whole, hundredths / 10,
             units[u].name);
  else
    snprintf(buf, REPORT_TEXT_NUMBER, "%" PRIu64 ".%02" PRIu64 " %s", whole, hundredths,
             units[u].name);
  return buf;
}

char *report_text_percent(char buf[REPORT_TEXT_NUMBER], uint32_t ppm) {
  /* Cut, not rounded: 99.999 % must not read as 100. */
  snprintf(buf, REPORT_TEXT_NUMBER, "%" PRIu32 ".%02" PRIu32 " %%", ppm / 10000, ppm / 100 % 100);
  return buf;
}

char *report_text_share(char buf[REPORT_TEXT_NUMBER], uint32_t ppm) {
  snprintf(buf, REPORT_TEXT_NUMBER, "%" PRIu32 ".%06" PRIu32, ppm / 1000000, ppm % 1000000);
  return buf;
}
