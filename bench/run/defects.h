/* The catalogue of defects: known bugs that a run-time switch puts back. */
#ifndef FANBENCH_RUN_DEFECTS_H
#define FANBENCH_RUN_DEFECTS_H

#include <stddef.h>

struct defect {
  const char *name;
  const char *bug;       /* what comes back */
  const char *convicted; /* by which check */
  const char *held;      /* "FILE: TEST", which fails when what prevents it is taken away */
};

extern const struct defect defects_all[];
extern const size_t defects_n;

/* NULL: no defect of that name. */
const struct defect *defects_find(const char *name);

#endif
