/* The closed lists of words a scenario may use: enums, checks, defects, errors,
 * frames, policies. A new word is one line here. */
#ifndef FANBENCH_SCENARIO_WORDS_H
#define FANBENCH_SCENARIO_WORDS_H

#include "bench/scenario/plan.h"

/* Ends with a NULL. The index of an enum's word is its value. */
extern const char *const plan_words_role[];
extern const char *const plan_words_datapath[];
extern const char *const plan_words_protection[];
extern const char *const plan_words_cipher[];
extern const char *const plan_words_congestion[];
extern const char *const plan_words_policy[];
extern const char *const plan_words_policy_does[]; /* a sentence each, for people */
extern const char *const plan_words_deed[];        /* by enum plan_deed */
extern const char *const plan_words_deed_does[];   /* what each does, in their order */
extern const char *const plan_words_as[];
extern const char *const plan_words_subgroup[];
extern const char *const plan_words_start[];
extern const char *const plan_words_fault[];
extern const char *const plan_words_flag[];  /* false true */
extern const char *const plan_words_mode[];  /* live sim */
extern const char *const plan_words_check[]; /* DESIGN section 8, in its order */
extern const char *const plan_words_frame[]; /* RFC 9000 section 19, RFC 9221 */
extern const char *const plan_words_error[]; /* RFC 9000 section 20, MoQT sessions */

/* Index of a word, or -1. */
int plan_word_find(const char *const *words, const char *word);

struct plan_defect_word {
  const char *name;
  bool needs_time; /* its VALUE is a time and must be given */
};
/* DESIGN section 9, in its order; ends with a NULL name. */
extern const struct plan_defect_word plan_words_defect[];

#endif
