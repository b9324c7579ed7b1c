/* A journal of a simulation plays without a difference; what is changed in it is told, with packet
 * and field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/replay/field.h"
#include "bench/replay/killed.h"
#include "bench/replay/replay.h"
#include "relay/fanout/journal.h"

static char dir[] = "/tmp/replay_test.XXXXXX", path[64], planted[64];
static uint8_t *journal; /* NULL: this machine cannot run the kernel's program */
static size_t journal_len;
static char told[8192], err[512];
static struct replay_result result;

static int command(const char *text) {
  return system(text); /* NOLINT: the test's own words */
}

static int setup(void **state) {
  char text[512];
  (void)state;
  if (geteuid() != 0)
    return 0;
  const char *build = getenv("BUILDDIR");
  if (mkdtemp(dir) == NULL)
    return -1;
  snprintf(text, sizeof text,
           "%s/fanbench run scenarios/first/one-subscriber.yaml --mode sim --journal --out %s/run "
           ">%s/out 2>&1",
           build != NULL ? build : "build", dir, dir);
  snprintf(path, sizeof path, "%s/run/relay-1.journal", dir);
  snprintf(planted, sizeof planted, "%s/planted.journal", dir);
  if (command(text) != 0)
    return -1;
  FILE *file = fopen(path, "re");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0)
    return -1;
  journal_len = (size_t)ftell(file);
  rewind(file);
  journal = malloc(journal_len);
  const bool whole = journal != NULL && fread(journal, journal_len, 1, file) == 1;
  fclose(file);
  return whole ? 0 : -1;
}

static int teardown(void **state) {
  char text[64];
  (void)state;
  free(journal);
  snprintf(text, sizeof text, "rm -rf %s", dir);
  return geteuid() != 0 || command(text) == 0 ? 0 : -1;
}

/* The n-th item (from 0) of a kind, and of an array whose element begins with what it holds. */
static struct journal_item *find(enum journal_kind kind, uint32_t array, size_t each, size_t n) {
  for (size_t at = sizeof(struct journal_head); at < journal_len;) {
    struct journal_item *item = (void *)(journal + at);
    if (item->kind == kind && item->array == array && (each == 0 || item->offset % each == 0) &&
        n-- == 0)
      return item;
    at += sizeof *item + item->len;
  }
  fail_msg("there is no such item");
  return NULL;
}

/* User space took joint numbers, and the next packet has a copy for that subscriber. */
static struct journal_item *find_taken(void) {
  struct journal_item *set = NULL;
  for (size_t at = sizeof(struct journal_head); at < journal_len;) {
    struct journal_item *item = (void *)(journal + at);
    if (item->kind == JOURNAL_SET && item->array == JOURNAL_COUNTERS &&
        item->offset % sizeof(struct fb_counters) == 0)
      set = item;
    else if (item->kind == JOURNAL_COPY && set != NULL &&
             ((struct journal_copy *)(void *)(item + 1))->slot ==
                 set->offset / sizeof(struct fb_counters))
      return set;
    else if (item->kind == JOURNAL_DONE)
      set = NULL;
    at += sizeof *item + item->len;
  }
  fail_msg("user space takes no number");
  return NULL;
}

static int play(size_t len) {
  FILE *file = fopen(planted, "we");
  assert_non_null(file);
  assert_int_equal(fwrite(journal, len, 1, file), 1);
  assert_int_equal(fclose(file), 0);
  memset(told, 0, sizeof told);
  FILE *tell = fmemopen(told, sizeof told - 1, "w");
  assert_non_null(tell);
  const int rc = replay_journal(planted, tell, &result, err, sizeof err);
  fclose(tell);
  return rc;
}

#define NEEDS_KERNEL()                                                                             \
  if (journal == NULL)                                                                             \
  skip()

static void says(const char *what) {
  if (strstr(told, what) == NULL)
    fail_msg("expected \"%s\" in:\n%s", what, told);
}

static void nothing_differs(void **state) {
  (void)state;
  NEEDS_KERNEL();
  if (play(journal_len) == 3) {
    print_message("%s\n", err);
    free(journal);
    journal = NULL;
    skip();
  }
  if (result.differences != 0)
    fail_msg("%s", told);
  assert_true(result.packets > 500 && result.copies > 500 && result.records > 500);
  assert_true(result.words > result.packets && result.bytes > 500 * result.copies);
}

static void a_byte_of_a_copy(void **state) {
  (void)state;
  NEEDS_KERNEL();
  struct journal_item *item = find(JOURNAL_COPY, 0, 0, 3);
  uint8_t *byte = (uint8_t *)(item + 1) + sizeof(struct journal_copy) + 42 + 20;
  *byte ^= 0x10;
  assert_int_equal(play(journal_len), 0);
  *byte ^= 0x10;
  says("packet ");
  says("copy for subscriber ");
  says("payload byte 20: run ");
  says(", native ");
  says(", TEST_RUN ");
  assert_int_equal(result.differences, 2); /* each of the executors and the run */
}

static void a_joint_number_that_user_space_took(void **state) {
  (void)state;
  NEEDS_KERNEL();
  struct journal_item *item = find_taken();
  uint64_t *next_pn = (uint64_t *)(void *)(item + 1);
  *next_pn += 1;
  assert_int_equal(play(journal_len), 0);
  *next_pn -= 1;
  assert_true(result.differences > 0);
  says("joint number: run ");
  says("next_pn");
}

static void a_word_that_the_run_changed(void **state) {
  (void)state;
  NEEDS_KERNEL();
  struct journal_item *item = find(JOURNAL_SEEN, JOURNAL_COUNTERS, sizeof(struct fb_counters), 2);
  uint64_t *next_pn = (uint64_t *)(void *)(item + 1);
  *next_pn += 1;
  assert_int_equal(play(journal_len), 0);
  *next_pn -= 1;
  assert_int_equal(result.differences, 2);
  says(".next_pn: run ");
}

static void a_byte_of_a_packet(void **state) {
  (void)state;
  NEEDS_KERNEL();
  uint32_t number = 1;
  struct journal_item *item = find(JOURNAL_FRAME, number, 0, 0);
  while (item->len < 1000)
    item = find(JOURNAL_FRAME, ++number, 0, 0);
  uint8_t *byte = (uint8_t *)(item + 1) + 500;
  *byte ^= 1;
  assert_int_equal(play(journal_len), 0);
  *byte ^= 1;
  says("reason: run "); /* its checksum is wrong */
  says("native checksum");
  says("TEST_RUN checksum");
}

static void no_whole_journal(void **state) {
  (void)state;
  NEEDS_KERNEL();
  assert_int_equal(play(journal_len - 3), 2);
  assert_non_null(strstr(err, "cut short"));
  /* at the end of an item, as if it were whole */
  const struct journal_item *end = find(JOURNAL_END, 0, 0, 0);
  assert_int_equal(play((size_t)((const uint8_t *)end - journal)), 2);
  assert_non_null(strstr(err, "its end is missing"));
  assert_int_equal(play(100), 2);
  assert_non_null(strstr(err, "expected the head of a journal"));
}

static void no_such_item_or_array(void **state) {
  (void)state;
  NEEDS_KERNEL();
  struct journal_item *item = find(JOURNAL_SET, JOURNAL_CONFIG, 0, 0);
  item->kind = JOURNAL_KINDS;
  assert_int_equal(play(journal_len), 2);
  assert_non_null(strstr(err, "an item of no known kind"));
  item->kind = JOURNAL_SET;
  item->array = JOURNAL_ARRAYS;
  assert_int_equal(play(journal_len), 2);
  assert_non_null(strstr(err, "sets what is not there"));
  item->array = JOURNAL_CONFIG;
  item->offset = sizeof(struct fb_config);
  assert_int_equal(play(journal_len), 2);
  assert_non_null(strstr(err, "sets what is not there"));
  item->offset = 0;
}

static void fields_have_names(void **state) {
  char out[FIELD_ROOM];
  uint8_t frame[100] = {[12] = 8}, record[1000] = {0};
  const uint32_t magic = FB_RECORD_COPY;
  (void)state;
  memcpy(record, &magic, sizeof magic);
  assert_string_equal(field_of_frame(frame, 100, 40, out), "UDP checksum");
  assert_string_equal(field_of_frame(frame, 100, 43, out), "payload byte 1");
  frame[12] = 0x86;
  assert_string_equal(field_of_frame(frame, 100, 43, out), "IPv6 byte 29");
  const size_t subs = offsetof(struct fb_record, subs);
  assert_string_equal(
      field_of_record(record, 1000, subs + 64 + offsetof(struct fb_record_sub, decision) + 2, out),
      "subs[1].decision[2]");
  assert_string_equal(field_of_record(record, 1000, offsetof(struct fb_record, pn) + 1, out), "pn");
  assert_string_equal(
      field_of_record(record, 1000, offsetof(struct fb_record, frames) + 56 + 8, out),
      "frames[1].track");
  assert_string_equal(field_of_array(JOURNAL_DOWNS, "downs", 32, 40, out), "downs[1].charged");
  assert_string_equal(field_of_array(JOURNAL_COUNTERS, "counters", 448, 128, out),
                      "counters[0].decisions[send]");
}

static void runs_that_do_not_follow_each_other(void **state) {
  (void)state;
  NEEDS_KERNEL();
  struct journal_item *item = find(JOURNAL_FRAME, 7, 0, 0);
  item->array = 8;
  assert_int_equal(play(journal_len), 3);
  item->array = 7;
  assert_non_null(strstr(err, "order is not known"));
  assert_int_equal(result.differences, 0); /* none is invented */
}

static void an_end_that_counts_otherwise(void **state) {
  (void)state;
  NEEDS_KERNEL();
  struct journal_end *end = (void *)(find(JOURNAL_END, 0, 0, 0) + 1);
  end->copies++;
  assert_int_equal(play(journal_len), 2);
  end->copies--;
  assert_non_null(strstr(err, "counts other packets and copies"));
}

/* In no run, but in what was left. */
static void a_word_that_changed_at_no_time(void **state) {
  (void)state;
  NEEDS_KERNEL();
  struct journal_item *item = find(JOURNAL_WHOLE, JOURNAL_DOWNS, 0, 0);
  uint64_t *charged = (uint64_t *)(void *)(item + 1) + item->len / 8 - 3;
  *charged ^= 1;
  assert_int_equal(play(journal_len), 0);
  *charged ^= 1;
  assert_int_equal(result.differences, 2);
  says("downs[");
}

static void write_faults(const char *text) {
  char file[96];
  snprintf(file, sizeof file, "%s/faults.jsonl", dir);
  FILE *to = fopen(file, "we");
  assert_non_null(to);
  fputs(text, to);
  assert_int_equal(fclose(to), 0);
}

static void who_was_killed(void **state) {
  char name[96];
  (void)state;
  if (geteuid() != 0)
    skip();
  snprintf(name, sizeof name, "%s/relay-1.journal", dir);
  write_faults(
      "{\"t\":1,\"node\":\"relay\",\"kind\":\"stall\",\"ok\":true}\n"
      "{\"t\":1,\"node\":\"other\",\"kind\":\"kill\",\"ok\":true}\n");
  assert_false(killed_by_fault(name));
  write_faults("{\"t\":1,\"node\":\"relay\",\"kind\":\"restart\",\"ok\":true}\n");
  assert_true(killed_by_fault(name));
  snprintf(name, sizeof name, "%s/relay-2.journal", dir); /* ended in peace */
  assert_false(killed_by_fault(name));
  snprintf(name, sizeof name, "%s/relay.1-1.journal", dir);
  assert_false(killed_by_fault(name));
  write_faults("{\"t\":1,\"node\":\"relay[1]\",\"kind\":\"kill\",\"ok\":true}\n");
  assert_true(killed_by_fault(name));
  snprintf(name, sizeof name, "%s/faultless", dir);
  assert_false(killed_by_fault(name));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_differs),
      cmocka_unit_test(a_byte_of_a_copy),
      cmocka_unit_test(a_joint_number_that_user_space_took),
      cmocka_unit_test(a_word_that_the_run_changed),
      cmocka_unit_test(a_byte_of_a_packet),
      cmocka_unit_test(no_whole_journal),
      cmocka_unit_test(no_such_item_or_array),
      cmocka_unit_test(runs_that_do_not_follow_each_other),
      cmocka_unit_test(an_end_that_counts_otherwise),
      cmocka_unit_test(a_word_that_changed_at_no_time),
      cmocka_unit_test(who_was_killed),
      cmocka_unit_test(fields_have_names),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
