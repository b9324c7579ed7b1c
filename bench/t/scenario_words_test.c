/* The words of scenarios agree with what other parts know by the same names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "bench/run/defects.h"
#include "bench/scenario/words.h"
#include "bpf/dp/policy/policy.h"
#include "pcap-tools/judge.h"

static void checks_are_the_judges(void **state) {
  (void)state;
  size_t n, words = 0;
  const struct judge_info *info = judge_catalogue(&n);
  for (size_t i = 0; i < n; i++) {
    if (plan_word_find(plan_words_check, info[i].name) < 0)
      fail_msg("the judge's check '%s' is not known to scenarios", info[i].name);
  }
  for (; plan_words_check[words]; words++)
    ;
  assert_int_equal(words, n);
}

static void enums_have_their_words(void **state) {
  (void)state;
  assert_string_equal(plan_role_name(PLAN_PUBLISHER), "publisher");
  assert_string_equal(plan_role_name(PLAN_ROGUE), "rogue");
  assert_string_equal(plan_datapath_name(PLAN_DP_STOCK), "stock");
  assert_string_equal(plan_protection_name(PLAN_PROT_TLS), "tls");
  assert_string_equal(plan_cipher_name(PLAN_AES128GCM), "aes128gcm");
  assert_string_equal(plan_words_congestion[PLAN_CUBIC], "cubic");
  assert_string_equal(plan_words_as[PLAN_SUBGROUPS], "subgroups");
  assert_string_equal(plan_words_subgroup[PLAN_SUBGROUP_LAYER], "layer");
  assert_string_equal(plan_words_fault[PLAN_FAULT_DELAY], "delay");
  for (int kind = PLAN_EV_LINK_SET; kind <= PLAN_EV_UNSUBSCRIBE; kind++)
    assert_non_null(plan_event_name((enum plan_event_kind)kind));
}

static void defects_are_the_runners(void **state) {
  (void)state;
  size_t words = 0;
  for (; plan_words_defect[words].name; words++) {
    if (!defects_find(plan_words_defect[words].name))
      fail_msg("the runner does not know the defect '%s'", plan_words_defect[words].name);
  }
  assert_int_equal(words, defects_n);
}

static void policies_are_the_datapaths(void **state) {
  (void)state;
  for (unsigned i = 0; i < DP_POLICY_COUNT; i++) {
    assert_string_equal(plan_words_policy[i], dp_policy_name(i));
    assert_non_null(plan_words_policy_does[i]);
  }
  assert_null(plan_words_policy[DP_POLICY_COUNT]);
  assert_null(plan_words_policy_does[DP_POLICY_COUNT]);
}

static void deeds_are_told(void **state) {
  (void)state;
  int n = 0;
  for (; plan_words_deed[n]; n++)
    assert_non_null(plan_words_deed_does[n]);
  assert_null(plan_words_deed_does[n]);
  assert_int_equal(n, PLAN_DEED_BAD_LENGTH + 1);
  assert_string_equal(plan_words_deed[PLAN_DEED_OPTIMISTIC_ACK], "optimistic-ack");
  assert_string_equal(plan_words_deed[PLAN_DEED_BAD_LENGTH], "bad-length");
}

static void unknown_words(void **state) {
  (void)state;
  assert_int_equal(plan_word_find(plan_words_role, "relay"), PLAN_RELAY);
  assert_int_equal(plan_word_find(plan_words_role, "Relay"), -1);
  assert_int_equal(plan_word_find(plan_words_role, ""), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(checks_are_the_judges),   cmocka_unit_test(enums_have_their_words),
      cmocka_unit_test(defects_are_the_runners), cmocka_unit_test(policies_are_the_datapaths),
      cmocka_unit_test(deeds_are_told),          cmocka_unit_test(unknown_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
