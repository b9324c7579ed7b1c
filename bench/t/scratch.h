/* A folder of a test program's own, for all of its cases:
 *
 *   return cmocka_run_group_tests(tests, scratch_make, scratch_remove); */
#ifndef FANBENCH_BENCH_T_SCRATCH_H
#define FANBENCH_BENCH_T_SCRATCH_H

extern char scratch[64]; /* its path; below $TMPDIR if that is set and short, else below /tmp */

int scratch_make(void **state);
int scratch_remove(void **state); /* with all that is in it */

#endif
