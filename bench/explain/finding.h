/* A finding on a page: what was expected and found, and the packets around its place. */
#ifndef FANBENCH_EXPLAIN_FINDING_H
#define FANBENCH_EXPLAIN_FINDING_H

#include "bench/explain/page.h"
#include "bench/explain/trial.h"

/* A finding of the run with the switch on. */
void finding_put(struct page *page, const struct trial *trial, const struct judge_finding *finding);
/* What the run with the switch off has in that place. */
void finding_put_without(struct page *page, const struct trial *trial,
                         const struct judge_finding *finding);

#endif
