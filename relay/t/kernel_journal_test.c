/* Runs of the kernel's program and writes of user space stand in the journal in the order in which
 * they happened; what has no place in it is counted. */
#include "relay/host/kernel_journal.h"

#include <bpf/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpf/program.h"

#define CLIENTS 4

static const struct fb_defects no_defects;

struct rig {
  char path[64];
  struct relay *skel;
  struct plane plane;
  struct plane_ops ops;
  struct kernel_journal *journal;
  uint64_t most; /* bytes of it */
  uint8_t *file; /* once it is closed */
  size_t len, at;
};

static int put_config(void *ctx, const struct fb_config *config) {
  uint32_t zero = 0;
  return bpf_map_update_elem(bpf_map__fd(((struct rig *)ctx)->skel->maps.config), &zero, config, 0);
}

static void *map_array(const struct bpf_map *map) {
  const size_t len = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
  void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
  return at == MAP_FAILED ? NULL : at;
}

static void load(struct rig *rig, uint32_t ring_bytes) {
  rig->skel = program_open_journal(&no_defects);
  assert_non_null(rig->skel);
  struct relay *skel = rig->skel;
  skel->rodata->fb_constants.max_subscribers = CLIENTS;
  bpf_map__set_max_entries(skel->maps.subscribers, CLIENTS);
  bpf_map__set_max_entries(skel->maps.counters, CLIENTS);
  bpf_map__set_max_entries(skel->maps.subscriptions, CLIENTS * FB_MAX_TRACKS);
  bpf_map__set_max_entries(skel->maps.downs, CLIENTS * FB_STREAM_SLOTS);
  bpf_map__set_max_entries(skel->maps.journal, ring_bytes);
  if (relay__load(skel)) {
    relay__destroy(skel);
    print_message("skipped: this root may not load BPF programs\n");
    skip();
  }
}

static void open_rig_of(struct rig *rig, uint32_t ring_bytes, uint64_t most) {
  *rig = (struct rig){.path = "/tmp/kernel_journal_test.XXXXXX", .most = most};
  if (geteuid() != 0) {
    print_message("skipped: needs root to load BPF programs\n");
    skip();
  }
  load(rig, ring_bytes);
  close(mkstemp(rig->path));
  rig->ops = (struct plane_ops){.put_config = put_config};
  rig->plane = (struct plane){.ops = &rig->ops,
                              .ctx = rig,
                              .max_subscribers = CLIENTS,
                              .counters = map_array(rig->skel->maps.counters),
                              .upstream_state = map_array(rig->skel->maps.upstream_state),
                              .track_state = map_array(rig->skel->maps.track_state),
                              .downs = map_array(rig->skel->maps.downs),
                              .objects = map_array(rig->skel->maps.objects)};
  assert_true(rig->plane.counters && rig->plane.upstream_state && rig->plane.track_state &&
              rig->plane.downs && rig->plane.objects);
  const struct kernel_journal_of of = {.plane = &rig->plane,
                                       .constants = (const void *)&rig->skel->rodata->fb_constants,
                                       .shared = &rig->skel->bss->fb_words.journal,
                                       .ring_fd = bpf_map__fd(rig->skel->maps.journal),
                                       .streams_fd = bpf_map__fd(rig->skel->maps.streams)};
  rig->journal = kernel_journal_open(&(struct journal_place){rig->path, rig->most}, &of);
  assert_non_null(rig->journal);
}

static void open_rig(struct rig *rig, uint32_t ring_bytes) {
  open_rig_of(rig, ring_bytes, 0);
}

/* Closes the journal, and reads it. */
static void read_back(struct rig *rig) {
  assert_true(kernel_journal_close(rig->journal));
  FILE *from = fopen(rig->path, "re");
  assert_non_null(from);
  fseek(from, 0, SEEK_END);
  rig->len = (size_t)ftell(from);
  rewind(from);
  rig->file = malloc(rig->len);
  assert_non_null(rig->file);
  assert_int_equal(fread(rig->file, 1, rig->len, from), rig->len);
  fclose(from);
  rig->at = sizeof(struct journal_head);
}

static void close_rig(struct rig *rig) {
  free(rig->file);
  unlink(rig->path);
  relay__destroy(rig->skel); /* and with the process the mappings */
}

/* The next item, which has to be this one. */
static const void *next(struct rig *rig, enum journal_kind kind, uint32_t array) {
  const struct journal_item *item = (const void *)(rig->file + rig->at);
  assert_true(rig->at + sizeof *item <= rig->len);
  assert_int_equal(item->kind, kind);
  assert_int_equal(item->array, array);
  rig->at += sizeof *item + journal_body_len(item);
  return item + 1;
}

static const struct journal_end *the_end(struct rig *rig) {
  next(rig, JOURNAL_WHOLE, JOURNAL_STREAMS);
  for (uint32_t id = JOURNAL_COUNTERS; id <= JOURNAL_OBJECTS; id++)
    next(rig, JOURNAL_WHOLE, id);
  const struct journal_end *end = next(rig, JOURNAL_END, 0);
  assert_int_equal(rig->at, rig->len);
  return end;
}

/* A packet comes; it is an Ethernet frame of which only the first byte means something here. */
static void packet(struct rig *rig, uint8_t first) {
  uint8_t frame[64] = {first};
  struct bpf_test_run_opts opts = {
      .sz = sizeof opts, .data_in = frame, .data_size_in = sizeof frame, .repeat = 1};
  assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(rig->skel->progs.ingress), &opts), 0);
}

static void is_run(struct rig *rig, uint32_t number, uint8_t first) {
  const uint8_t *frame = next(rig, JOURNAL_FRAME, number);
  assert_int_equal(frame[0], first);
  next(rig, JOURNAL_REASON, FB_PKT_OFF);
  next(rig, JOURNAL_DONE, 0);
}

static void runs_and_writes_have_one_order(void **state) {
  struct rig rig;
  (void)state;
  open_rig(&rig, FB_JOURNAL_BYTES);
  struct fb_counters *counters = &rig.plane.counters[2];
  packet(&rig, 1);
  plane_store(&rig.plane, &counters->credit, 77);
  packet(&rig, 2);
  packet(&rig, 3);
  assert_int_equal(plane_add(&rig.plane, &counters->next_pn, 5), 0);
  assert_int_equal(rig.plane.ops->put_config(rig.plane.ctx, &(struct fb_config){.port = 9}), 0);
  read_back(&rig);
  is_run(&rig, 1, 1);
  assert_int_equal(*(const uint64_t *)next(&rig, JOURNAL_SET, JOURNAL_COUNTERS), 77);
  is_run(&rig, 2, 2);
  is_run(&rig, 3, 3);
  assert_int_equal(*(const uint64_t *)next(&rig, JOURNAL_SET, JOURNAL_COUNTERS), 5);
  next(&rig, JOURNAL_SET, JOURNAL_CONFIG);
  const struct journal_end *end = the_end(&rig);
  assert_int_equal(end->runs, 3);
  assert_int_equal(end->declined, 0);
  assert_int_equal(end->lost, 0);
  close_rig(&rig);
}

/* What user space finds changed, without having written it, was a run. */
static void a_word_is_looked_at_before_it_is_written(void **state) {
  struct rig rig;
  (void)state;
  open_rig(&rig, FB_JOURNAL_BYTES);
  struct fb_counters *counters = &rig.plane.counters[1];
  counters->next_pn = 40;
  plane_add(&rig.plane, &counters->next_pn, 1);
  counters->sent_bytes = 1200;
  kernel_journal_turn(rig.journal, 1000000000); /* looks at all */
  counters->sent_bytes = 2400;
  kernel_journal_turn(rig.journal, 1001000000); /* not yet again */
  read_back(&rig);
  assert_int_equal(*(const uint64_t *)next(&rig, JOURNAL_SEEN, JOURNAL_COUNTERS), 40);
  assert_int_equal(*(const uint64_t *)next(&rig, JOURNAL_SET, JOURNAL_COUNTERS), 41);
  assert_int_equal(*(const uint64_t *)next(&rig, JOURNAL_SEEN, JOURNAL_COUNTERS), 1200);
  the_end(&rig);
  close_rig(&rig);
}

/* While user space writes, packets go up unrun, and are kept; once the journal is over they are run again. */
static void who_finds_the_lock_taken_is_counted(void **state) {
  struct rig rig;
  (void)state;
  open_rig(&rig, FB_JOURNAL_BYTES);
  struct fb_counters *counters = &rig.plane.counters[0];
  packet(&rig, 1);
  plane_write_begin(&rig.plane, counters, sizeof *counters);
  packet(&rig, 2);
  plane_wrote(&rig.plane, counters, sizeof *counters);
  packet(&rig, 3);
  read_back(&rig);
  packet(&rig, 4);
  is_run(&rig, 1, 1);
  next(&rig, JOURNAL_SET, JOURNAL_COUNTERS);
  assert_int_equal(*(const uint8_t *)next(&rig, JOURNAL_UNRUN, 0), 2);
  is_run(&rig, 2, 3);
  const struct journal_end *end = the_end(&rig);
  assert_int_equal(end->runs, 2);
  assert_int_equal(end->declined, 1);
  assert_int_equal(rig.skel->bss->fb_words.journal.declined, 1);
  assert_int_equal(rig.skel->bss->fb_words.journal.runs, 3);
  close_rig(&rig);
}

/* A run begins only if all that it can say has room. */
static void a_full_ring_loses_nothing(void **state) {
  struct rig rig;
  (void)state;
  open_rig(&rig, 16384);
  for (uint8_t i = 1; i <= 20; i++)
    packet(&rig, i);
  const uint64_t declined = rig.skel->bss->fb_words.journal.declined;
  assert_in_range(declined, 1, 19);
  kernel_journal_turn(rig.journal, 1); /* now there is room again */
  packet(&rig, 21);
  read_back(&rig);
  for (uint32_t i = 1; i <= 20 - declined; i++)
    is_run(&rig, i, (uint8_t)i);
  is_run(&rig, 21 - (uint32_t)declined, 21);
  const struct journal_end *end = the_end(&rig);
  assert_int_equal(end->declined, declined);
  assert_int_equal(end->lost, 0);
  close_rig(&rig);
}

/* What it has when it is as large as it may be is whole; what comes then is counted. */
static void a_full_journal_ends(void **state) {
  struct rig rig;
  (void)state;
  open_rig_of(&rig, FB_JOURNAL_BYTES, sizeof(struct journal_head) + 1);
  packet(&rig, 1);
  rig.plane.counters[1].next_pn = 40;
  kernel_journal_turn(rig.journal, 1000000000);
  rig.plane.counters[1].next_pn = 41;
  packet(&rig, 2);
  plane_store(&rig.plane, &rig.plane.counters[2].credit, 77);
  packet(&rig, 3);
  kernel_journal_turn(rig.journal, 2000000000);
  read_back(&rig);
  is_run(&rig, 1, 1);
  assert_int_equal(*(const uint64_t *)next(&rig, JOURNAL_SEEN, JOURNAL_COUNTERS), 40);
  const struct journal_end *end = the_end(&rig);
  assert_int_equal(end->runs, 1);
  assert_int_equal(end->left_out, 2);
  close_rig(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(runs_and_writes_have_one_order),
      cmocka_unit_test(a_word_is_looked_at_before_it_is_written),
      cmocka_unit_test(who_finds_the_lock_taken_is_counted),
      cmocka_unit_test(a_full_ring_loses_nothing),
      cmocka_unit_test(a_full_journal_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
