/* Text for people: paragraphs that fit the terminal, a label in front of them.
 * Without a terminal a paragraph is one line. */
#ifndef FANBENCH_PCAP_CLI_PROSE_H
#define FANBENCH_PCAP_CLI_PROSE_H

#include <stdbool.h>
#include <stdio.h>

struct qp_prose {
  FILE *to;
  unsigned width; /* 0: never wrapped */
  bool color;     /* a terminal, and NO_COLOR is not set */
};

enum qp_tone { QP_PLAIN, QP_STRONG, QP_WRONG, QP_RIGHT };

void qp_prose_open(struct qp_prose *p, FILE *to);
/* A line of its own. */
void qp_prose_title(const struct qp_prose *p, enum qp_tone tone, const char *text);
/* "  label      text", later lines of the text below its first. label is padded
 * to `column` - 2 characters; the tone colours it. */
void qp_prose_say(const struct qp_prose *p, unsigned column, enum qp_tone tone, const char *label,
                  const char *text);

#endif
