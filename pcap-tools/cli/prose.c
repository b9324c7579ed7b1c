#include "pcap-tools/cli/prose.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pcap-tools/cli/rows.h"

void qp_prose_open(struct qp_prose *p, FILE *to) {
  const char *no_color = getenv("NO_COLOR");
  int fd = fileno(to);
  *p = (struct qp_prose){.to = to, .width = qp_rows_width(to)};
  p->color = fd >= 0 && isatty(fd) && !(no_color && *no_color);
}

static const char *paint(const struct qp_prose *p, enum qp_tone tone) {
  static const char *const codes[] = {"", "\033[1m", "\033[31m", "\033[32m"};
  return p->color ? codes[tone] : "";
}

static const char *unpaint(const struct qp_prose *p, enum qp_tone tone) {
  return p->color && tone != QP_PLAIN ? "\033[0m" : "";
}

void qp_prose_title(const struct qp_prose *p, enum qp_tone tone, const char *text) {
  fprintf(p->to, "%s%s%s\n", paint(p, tone), text, unpaint(p, tone));
}

/* Characters of `text` that fit into `room`: up to a blank if there is one. */
static size_t fitting(const char *text, size_t room) {
  size_t n = strlen(text), cut = room;
  if (n <= room)
    return n;
  while (cut > 0 && text[cut] != ' ')
    cut--;
  return cut ? cut : room;
}

void qp_prose_say(const struct qp_prose *p, unsigned column, enum qp_tone tone, const char *label,
                  const char *text) {
  size_t room = p->width > column + 20 ? p->width - column : p->width ? 20 : strlen(text);
  size_t n = fitting(text, room);
  fprintf(p->to, "  %s%-*s%s%.*s\n", paint(p, tone), (int)column - 2, label, unpaint(p, tone),
          (int)n, text);
  for (text += n; *text; text += n) {
    while (*text == ' ')
      text++;
    n = fitting(text, room);
    fprintf(p->to, "%*s%.*s\n", (int)column, "", (int)n, text);
  }
}
