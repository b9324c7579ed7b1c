/* Text from anywhere, made safe for one output format.
 *
 * Input is a NUL-terminated string that should be UTF-8 and may be anything;
 * NULL counts as "". What a format cannot hold becomes visible: a control
 * character `\n` or `\u{1b}`, a broken byte `\xff`. JSON alone can carry
 * control characters as such (\u001b) and takes U+FFFD for a broken byte.
 *
 * Visible also: C1 controls and the bidirectional overrides, with which a text
 * could move the cursor or turn the line a person reads. */
#ifndef FANBENCH_REPORT_TEXT_H
#define FANBENCH_REPORT_TEXT_H

#include <stdint.h>
#include <stdio.h>

/* One code point from s into *cp. Returns its bytes (1 to 4), or 0 if s does
 * not start with a well-formed one (RFC 3629: shortest form, no surrogates, at
 * most U+10FFFF). s must not be at its NUL. */
unsigned report_text_decode(const char *s, uint32_t *cp);

/* Terminal. Returns the columns taken (one a code point); to may be NULL. */
int report_text_terminal(FILE *to, const char *s);
/* JSON and YAML, with its double quotes. */
void report_text_json(FILE *to, const char *s);
/* XML 1.0 and HTML, in attributes (double quoted) and between tags. */
void report_text_xml(FILE *to, const char *s);
/* One CSV field, quoted if it must be (RFC 4180); never more than one line. */
void report_text_csv(FILE *to, const char *s);
/* Description of a TAP 14 line: `\` and `#` are escaped. */
void report_text_tap(FILE *to, const char *s);

/* Numbers for people. Each returns its buffer. */
#define REPORT_TEXT_NUMBER 40
char *report_text_count(char buf[REPORT_TEXT_NUMBER], uint64_t n);     /* "1,234,567" */
char *report_text_duration(char buf[REPORT_TEXT_NUMBER], uint64_t ns); /* "1.23 ms" */
char *report_text_percent(char buf[REPORT_TEXT_NUMBER], uint32_t ppm); /* "97.65 %" */
char *report_text_share(char buf[REPORT_TEXT_NUMBER], uint32_t ppm);   /* "0.976500" */

#endif
