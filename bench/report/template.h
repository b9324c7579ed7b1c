/* A page with marks: each `<!--@name-->` stands for what somebody writes there. */
#ifndef FANBENCH_REPORT_TEMPLATE_H
#define FANBENCH_REPORT_TEMPLATE_H

#include <stdio.h>

/* put is called for each mark with its name, `len` bytes long, not ended by a NUL. */
void report_template(FILE *to, const char *text,
                     void (*put)(void *arg, FILE *to, const char *name, size_t len), void *arg);

#endif
