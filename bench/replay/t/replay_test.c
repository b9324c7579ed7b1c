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
#include "bench/replay/t/planted.h"

static struct planted sim;

static int setup(void **state) {
  (void)state;
  return planted_open(&sim, "scenarios/first/one-subscriber.yaml --mode sim") ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  return planted_close(&sim) ? 0 : -1;
}

static struct journal_item *find(enum journal_kind kind, uint32_t array, size_t each, size_t n) {
  return planted_find(&sim, kind, array, each, n);
}

static int play(size_t len) {
  return planted_play(&sim, len);
}

static void says(const char *what) {
  planted_says(&sim, what);
}

static void nothing_differs(void **state) {
  (void)state;
  planted_plays(&sim);
  const struct replay_result *r = &sim.result;
  assert_true(r->packets > 500 && r->copies > 500 && r->records > 500);
  assert_true(r->words > r->packets && r->bytes > 500 * r->copies);
}

static void a_byte_of_a_copy(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_item *item = find(JOURNAL_COPY, 0, 0, 3);
  uint8_t *byte = (uint8_t *)(item + 1) + sizeof(struct journal_copy) + 42 + 20;
  *byte ^= 0x10;
  assert_int_equal(play(sim.len), 0);
  *byte ^= 0x10;
  says("packet ");
  says("copy for subscriber ");
  says("payload byte 20: run ");
  says(", native ");
  says(", TEST_RUN ");
  assert_int_equal(sim.result.differences, 2); /* each of the executors and the run */
}

static void a_joint_number_that_user_space_took(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_item *item = planted_taken(&sim);
  uint64_t *next_pn = (uint64_t *)(void *)(item + 1);
  *next_pn += 1;
  assert_int_equal(play(sim.len), 0);
  *next_pn -= 1;
  assert_true(sim.result.differences > 0);
  says("joint number: run ");
  says("next_pn");
}

static void a_word_that_the_run_changed(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_item *item = find(JOURNAL_SEEN, JOURNAL_COUNTERS, sizeof(struct fb_counters), 2);
  uint64_t *next_pn = (uint64_t *)(void *)(item + 1);
  *next_pn += 1;
  assert_int_equal(play(sim.len), 0);
  *next_pn -= 1;
  assert_int_equal(sim.result.differences, 2);
  says(".next_pn: run ");
}

static void a_byte_of_a_packet(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  uint32_t number = 1;
  struct journal_item *item = find(JOURNAL_FRAME, number, 0, 0);
  while (item->len < 1000)
    item = find(JOURNAL_FRAME, ++number, 0, 0);
  uint8_t *byte = (uint8_t *)(item + 1) + 500;
  *byte ^= 1;
  assert_int_equal(play(sim.len), 0);
  *byte ^= 1;
  says("reason: run "); /* its checksum is wrong */
  says("native checksum");
  says("TEST_RUN checksum");
}

static void no_whole_journal(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  assert_int_equal(play(sim.len - 3), 2);
  assert_non_null(strstr(sim.err, "cut short"));
  /* at the end of an item, as if it were whole */
  const struct journal_item *end = find(JOURNAL_END, 0, 0, 0);
  assert_int_equal(play((size_t)((const uint8_t *)end - sim.journal)), 2);
  assert_non_null(strstr(sim.err, "its end is missing"));
  assert_int_equal(play(100), 2);
  assert_non_null(strstr(sim.err, "expected the head of a journal"));
}

static void no_such_item_or_array(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_item *item = find(JOURNAL_SET, JOURNAL_CONFIG, 0, 0);
  item->kind = JOURNAL_KINDS;
  assert_int_equal(play(sim.len), 2);
  assert_non_null(strstr(sim.err, "an item of no known kind"));
  item->kind = JOURNAL_SET;
  item->array = JOURNAL_ARRAYS;
  assert_int_equal(play(sim.len), 2);
  assert_non_null(strstr(sim.err, "sets what is not there"));
  item->array = JOURNAL_CONFIG;
  item->offset = sizeof(struct fb_config);
  assert_int_equal(play(sim.len), 2);
  assert_non_null(strstr(sim.err, "sets what is not there"));
  item->offset = 0;
}

static void refused(const char *why) {
  assert_int_equal(play(sim.len), 2);
  if (strstr(sim.err, why) == NULL)
    fail_msg("expected \"%s\", found %s", why, sim.err);
}

static void what_cannot_be(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_item *item = find(JOURNAL_SET, JOURNAL_CONFIG, 0, 0);
  item->kind = JOURNAL_COPY;
  refused("an item is too short");
  item->kind = JOURNAL_SET;
  item = find(JOURNAL_SET, JOURNAL_SUBSCRIBERS, 0, 0);
  item->kind = JOURNAL_COPY;
  refused("a copy is of no run");
  item->kind = JOURNAL_GO;
  refused("goes on, that does not run");
  item->kind = JOURNAL_SET;
  item = find(JOURNAL_SEEN, JOURNAL_COUNTERS, 0, 0);
  item->array = JOURNAL_ARRAYS;
  refused("it saw what is not there");
  item->array = JOURNAL_COUNTERS;
  item->offset += 1u << 20;
  refused("it saw what is not there");
  item->offset -= 1u << 20;
  const uint64_t seen = item->offset;
  item->offset = -(uint64_t)item->len; /* together they are 0 */
  refused("it saw what is not there");
  item->kind = JOURNAL_SET;
  refused("it sets what is not there");
  item->kind = JOURNAL_SEEN;
  item->offset = seen;
  item = find(JOURNAL_REASON, FB_PKT_FANNED, 0, 0);
  item->array = FB_PACKET_REASON_COUNT;
  refused("a packet has no reason");
  item->array = FB_PKT_FANNED;
  item = find(JOURNAL_WHOLE, JOURNAL_DOWNS, 0, 0);
  const uint64_t at = item->offset;
  item->offset = 1u << 30;
  refused("an array is not whole");
  item->offset = at;
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
  PLANTED_NEEDED(&sim);
  struct journal_item *item = find(JOURNAL_FRAME, 7, 0, 0);
  item->array = 8;
  assert_int_equal(play(sim.len), 3);
  item->array = 7;
  assert_non_null(strstr(sim.err, "order is not known"));
  assert_int_equal(sim.result.differences, 0); /* none is invented */
}

/* A packet that went up unrun is tried: what it did is taken back, or the same packet that comes next
 * and is run would be a duplicate, with other numbers. */
static void a_packet_that_went_up_unrun(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  uint32_t number = 1;
  struct journal_item *item = find(JOURNAL_FRAME, number, 0, 0);
  while (item->len < 1000)
    item = find(JOURNAL_FRAME, ++number, 0, 0);
  const size_t at = (size_t)((uint8_t *)item - sim.journal),
               len = sizeof *item + journal_body_len(item);
  sim.journal = realloc(sim.journal, sim.len + len);
  assert_non_null(sim.journal);
  memmove(sim.journal + at + len, sim.journal + at, sim.len - at);
  item = (void *)(sim.journal + at);
  item->kind = JOURNAL_UNRUN;
  item->array = 0;
  const int rc = play(sim.len + len);
  memmove(sim.journal + at, sim.journal + at + len, sim.len - at);
  assert_int_equal(rc, 0);
  assert_int_equal(sim.result.tried, 1);
  assert_int_equal(sim.result.differences, 0);
}

static void an_end_that_counts_otherwise(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_end *end = (void *)(find(JOURNAL_END, 0, 0, 0) + 1);
  end->copies++;
  assert_int_equal(play(sim.len), 2);
  end->copies--;
  assert_non_null(strstr(sim.err, "counts other packets and copies"));
}

/* In no run, but in what was left. */
static void a_word_that_changed_at_no_time(void **state) {
  (void)state;
  PLANTED_NEEDED(&sim);
  struct journal_item *item = find(JOURNAL_WHOLE, JOURNAL_DOWNS, 0, 0);
  uint64_t *charged = (uint64_t *)(void *)(item + 1) + item->len / 8 - 3;
  *charged ^= 1;
  assert_int_equal(play(sim.len), 0);
  *charged ^= 1;
  assert_int_equal(sim.result.differences, 2);
  says("downs[");
}

static void write_faults(const char *text) {
  char file[96];
  snprintf(file, sizeof file, "%s/faults.jsonl", sim.dir);
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
  snprintf(name, sizeof name, "%s/relay-1.journal", sim.dir);
  write_faults(
      "{\"t\":1,\"node\":\"relay\",\"kind\":\"stall\",\"ok\":true}\n"
      "{\"t\":1,\"node\":\"other\",\"kind\":\"kill\",\"ok\":true}\n");
  assert_false(killed_by_fault(name));
  write_faults("{\"t\":1,\"node\":\"relay\",\"kind\":\"restart\",\"ok\":true}\n");
  assert_true(killed_by_fault(name));
  snprintf(name, sizeof name, "%s/relay-2.journal", sim.dir); /* ended in peace */
  assert_false(killed_by_fault(name));
  snprintf(name, sizeof name, "%s/relay.1-1.journal", sim.dir);
  assert_false(killed_by_fault(name));
  write_faults("{\"t\":1,\"node\":\"relay[1]\",\"kind\":\"kill\",\"ok\":true}\n");
  assert_true(killed_by_fault(name));
  snprintf(name, sizeof name, "%s/faultless", sim.dir);
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
      cmocka_unit_test(what_cannot_be),
      cmocka_unit_test(runs_that_do_not_follow_each_other),
      cmocka_unit_test(a_packet_that_went_up_unrun),
      cmocka_unit_test(an_end_that_counts_otherwise),
      cmocka_unit_test(a_word_that_changed_at_no_time),
      cmocka_unit_test(who_was_killed),
      cmocka_unit_test(fields_have_names),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
