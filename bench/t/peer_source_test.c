/* What tracks publish, and when: synthetic, layers, frame trace, file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/peer/lateness.h"
#include "bench/peer/path_mtu.h"
#include "bench/peer/source.h"
#include "bench/t/peer_rig.h"

#define HEAD                                                                                       \
  "scenario: s\nduration: 1s\nseed: 7\nnodes:\n  pub: { role: publisher }\n"                       \
  "  relay: { role: relay }\n  sub: { role: subscriber }\nlinks:\n"                                \
  "  - { between: [pub, relay], mtu: 1400 }\n  - { between: [relay, sub] }\ntracks:\n"
#define TAIL "subscriptions:\n  - { who: sub, tracks: [t] }\n"

struct fixture {
  struct plan *plan;
  char dir[64];
  struct source source;
};

static void open_file(struct fixture *f, const char *track, const char *name, const char *bytes,
                      const uint8_t *file, size_t file_len) {
  char yaml[2048];
  snprintf(yaml, sizeof yaml, "%s%s%s", HEAD, track, TAIL);
  f->plan = rig_plan(yaml, name, bytes, bytes ? strlen(bytes) : 0, f->dir);
  assert_int_equal(source_init(&f->source, f->plan, &f->plan->tracks[0], file, file_len), 0);
}

static void open_track(struct fixture *f, const char *track) {
  open_file(f, track, NULL, NULL, NULL, 0);
}

static void close_track(struct fixture *f) {
  source_free(&f->source);
  rig_plan_free(f->plan, f->dir);
}

static struct source_object get(const struct fixture *f, uint64_t n) {
  struct source_object object;
  assert_true(n < f->source.count);
  source_get(&f->source, n, &object);
  return object;
}

/* Every source keeps these, whatever it is: times and places only grow, a group
 * begins at object 0, each subgroup has one first, one last and one priority,
 * and exactly one subgroup of a group holds its end. */
static void check_sound(const struct fixture *f) {
  const struct source *s = &f->source;
  const bool subgroups = s->track->as == PLAN_SUBGROUPS;
  struct source_object before = {0};
  for (uint64_t n = 0; n < s->count; n++) {
    const struct source_object o = get(f, n);
    const bool next_group = n == 0 || o.group != before.group;
    assert_true(o.due_ns >= before.due_ns);
    assert_int_equal(o.group, n == 0 ? 0 : before.group + next_group);
    assert_int_equal(o.object, next_group ? 0 : before.object + 1);
    assert_int_equal(n > 0 && before.group_last, n > 0 && next_group);
    before = o;
    if (!subgroups)
      continue;
    unsigned firsts = 0, lasts = 0;
    for (uint64_t m = 0; m < s->count; m++) {
      const struct source_object p = get(f, m);
      if (p.group != o.group)
        continue;
      if (p.group_last)
        assert_int_equal(o.subgroup_has_end, p.subgroup == o.subgroup);
      if (p.subgroup != o.subgroup)
        continue;
      assert_int_equal(p.priority, o.priority);
      firsts += p.subgroup_first;
      lasts += p.subgroup_last;
      assert_false(p.subgroup_first && m > n && o.subgroup_first);
      assert_false(p.subgroup_last && m < n);
    }
    assert_int_equal(firsts, 1);
    assert_int_equal(lasts, 1);
  }
  assert_true(before.group_last);
}

static void synthetic_is_due_before_the_end(void **state) {
  struct fixture f;
  (void)state;
  open_track(&f,
             "  t: { from: pub, as: datagrams, every: 300ms, size: 100, group: 3, priority: 9 }\n");
  assert_int_equal(f.source.count, 4); /* 0, 300, 600, 900 ms */
  assert_int_equal(get(&f, 3).due_ns, 900 * RIG_MS);
  assert_int_equal(get(&f, 3).group, 1);
  assert_int_equal(get(&f, 3).object, 0);
  assert_int_equal(get(&f, 3).priority, 9);
  assert_true(get(&f, 3).group_last); /* cut short by the end */
  assert_false(get(&f, 1).group_last);
  check_sound(&f);
  close_track(&f);
}

static void synthetic_stops_at_objects(void **state) {
  struct fixture f;
  (void)state;
  open_track(&f,
             "  t: { from: pub, as: datagrams, every: 10ms, size: 100, group: 3, objects: 7 }\n");
  assert_int_equal(f.source.count, 7);
  check_sound(&f);
  close_track(&f);
}

static void sizes_are_seeded(void **state) {
  struct fixture f;
  uint64_t smallest = UINT64_MAX, largest = 0, sum = 0;
  (void)state;
  open_track(&f, "  t: { from: pub, as: datagrams, every: 1ms, size: 100..300, group: 10 }\n");
  assert_int_equal(f.source.count, 1000);
  for (uint64_t n = 0; n < 1000; n++) {
    const uint64_t size = get(&f, n).size;
    assert_int_equal(size, get(&f, n).size);
    smallest = size < smallest ? size : smallest;
    largest = size > largest ? size : largest;
    sum += size;
  }
  /* 1,000 draws out of 201 values */
  assert_in_range(smallest, 100, 105);
  assert_in_range(largest, 295, 300);
  assert_in_range(sum / 1000, 190, 210);
  close_track(&f);
}

static void layers_are_subgroups(void **state) {
  struct fixture f;
  (void)state;
  open_track(&f,
             "  t: { from: pub, as: subgroups, subgroup: layer, layers: 3, every: 10ms, "
             "size: 10, group: 8, priority: 254 }\n");
  assert_int_equal(get(&f, 4).subgroup, 1);
  assert_int_equal(get(&f, 3).priority, 254);
  assert_int_equal(get(&f, 4).priority, 255);
  assert_int_equal(get(&f, 5).priority, 255); /* 256 is none */
  assert_true(get(&f, 7).subgroup_has_end);   /* 7 modulo 3 = 1 */
  assert_true(get(&f, 4).subgroup_has_end);
  assert_false(get(&f, 6).subgroup_has_end);
  assert_true(get(&f, 6).subgroup_last);
  check_sound(&f);
  close_track(&f);
}

static void group_and_object_subgroups(void **state) {
  struct fixture f;
  (void)state;
  open_track(&f, "  t: { from: pub, as: subgroups, every: 10ms, size: 10, group: 7 }\n");
  assert_int_equal(get(&f, 6).subgroup, 0);
  assert_true(get(&f, 6).subgroup_last);
  check_sound(&f);
  close_track(&f);
  open_track(&f,
             "  t: { from: pub, as: subgroups, subgroup: object, every: 10ms, size: 10, "
             "group: 7 }\n");
  assert_int_equal(get(&f, 6).subgroup, 6);
  assert_true(get(&f, 5).subgroup_last);
  assert_false(get(&f, 5).subgroup_has_end);
  assert_true(get(&f, 6).subgroup_has_end);
  check_sound(&f);
  close_track(&f);
}

static const char trace[] =
    "time_us,size,type,group,priority\n"
    "0,9000,I,0,0\n40000,100,B,0,4\n80000,200,P,0,2\n"
    "120000,8000,I,1,0\n160000,110,B,1,4\n"
    "1000000,7000,I,2,0\n";

static void trace_gives_everything(void **state) {
  struct fixture f;
  (void)state;
  open_file(&f, "  t: { from: pub, as: subgroups, subgroup: object, trace: t.csv }\n", "t.csv",
            trace, NULL, 0);
  assert_int_equal(f.source.count, 5); /* the last row is due with the end */
  assert_int_equal(get(&f, 1).due_ns, 40 * RIG_MS);
  assert_int_equal(get(&f, 1).size, 100);
  assert_int_equal(get(&f, 1).priority, 4);
  assert_int_equal(get(&f, 4).group, 1);
  assert_int_equal(get(&f, 4).object, 1);
  check_sound(&f);
  close_track(&f);
}

static void trace_layers_are_priorities(void **state) {
  struct fixture f;
  (void)state;
  open_file(&f, "  t: { from: pub, as: subgroups, subgroup: layer, trace: t.csv }\n", "t.csv",
            trace, NULL, 0);
  assert_int_equal(get(&f, 2).subgroup, 2);
  assert_true(get(&f, 2).subgroup_has_end);
  assert_false(get(&f, 1).subgroup_has_end);
  check_sound(&f);
  close_track(&f);
  open_file(&f, "  t: { from: pub, as: subgroups, trace: t.csv }\n", "t.csv", trace, NULL, 0);
  assert_int_equal(get(&f, 1).priority, 0); /* that of the group's first */
  check_sound(&f);
  close_track(&f);
}

static void file_is_cut(void **state) {
  struct fixture f;
  uint8_t bytes[1050], got[100];
  (void)state;
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i * 7);
  open_file(&f,
            "  t: { from: pub, as: subgroups, every: 500ms, size: 100, group: 4, file: f.bin }\n",
            "f.bin", "x", bytes, sizeof bytes);
  assert_int_equal(f.source.count, 11); /* the duration does not end it */
  assert_int_equal(get(&f, 9).size, 100);
  assert_int_equal(get(&f, 10).size, 50); /* the short last one */
  for (uint64_t n = 0; n < f.source.count; n++) {
    const struct source_object o = get(&f, n);
    source_fill(&f.source, &o, got);
    assert_memory_equal(got, bytes + 100 * n, o.size);
  }
  check_sound(&f);
  close_track(&f);
  open_file(&f, "  t: { from: pub, as: subgroups, every: 500ms, size: 100, file: f.bin }\n",
            "f.bin", "x", bytes, 1000);
  assert_int_equal(f.source.count, 10); /* no empty object behind */
  close_track(&f);
}

static void late_starts_find_their_group(void **state) {
  struct fixture f;
  (void)state;
  open_track(&f, "  t: { from: pub, as: datagrams, every: 10ms, size: 10, group: 7 }\n");
  assert_int_equal(source_due_from(&f.source, 0), 0);
  assert_int_equal(source_due_from(&f.source, 10 * RIG_MS), 1);
  assert_int_equal(source_due_from(&f.source, 10 * RIG_MS + 1), 2);
  assert_int_equal(source_due_from(&f.source, 5 * RIG_S), f.source.count);
  assert_int_equal(source_group_start(&f.source, 0), 0);
  assert_int_equal(source_group_start(&f.source, 1), 7);
  assert_int_equal(source_group_start(&f.source, 99), f.source.count);
  close_track(&f);
  open_file(&f, "  t: { from: pub, as: subgroups, trace: t.csv }\n", "t.csv", trace, NULL, 0);
  assert_int_equal(source_due_from(&f.source, 0), 0);
  assert_int_equal(source_due_from(&f.source, 41 * RIG_MS), 2);
  assert_int_equal(source_group_start(&f.source, 2), 3);
  assert_int_equal(source_group_start(&f.source, 4), 5);
  close_track(&f);
}

static void content_is_the_plans(void **state) {
  struct fixture f;
  uint8_t expected[64], got[64];
  (void)state;
  open_track(&f, "  t: { from: pub, as: datagrams, every: 10ms, size: 64, group: 7 }\n");
  const struct source_object o = get(&f, 9);
  plan_object_fill(f.plan, &f.plan->tracks[0], 1, 2, expected, sizeof expected);
  source_fill(&f.source, &o, got);
  assert_memory_equal(got, expected, sizeof got);
  close_track(&f);
}

static void lateness_keeps_quantiles(void **state) {
  struct lateness *l = calloc(1, sizeof *l);
  (void)state;
  assert_non_null(l);
  assert_int_equal(lateness_quantile(l, 990), 0);
  for (uint64_t i = 1; i <= 1000; i++)
    lateness_add(l, i * 1000);
  assert_int_equal(l->max_ns, 1000000);
  assert_in_range(lateness_quantile(l, 990), 990000, 990000 + 990000 / 64);
  assert_in_range(lateness_quantile(l, 500), 500000, 500000 + 500000 / 64);
  assert_int_equal(lateness_quantile(l, 1000), 1000000);
  lateness_add(l, UINT64_MAX);
  assert_int_equal(lateness_quantile(l, 1000), UINT64_MAX);
  memset(l, 0, sizeof *l);
  lateness_add(l, 5);
  assert_int_equal(lateness_quantile(l, 990), 5);
  free(l);
}

static void mtu_is_that_of_the_way(void **state) {
  struct fixture f;
  (void)state;
  open_track(&f, "  t: { from: pub, as: datagrams, every: 10ms, size: 64 }\n");
  assert_int_equal(path_mtu(f.plan, plan_node_find(f.plan, "pub")), 1400);
  assert_int_equal(path_mtu(f.plan, plan_node_find(f.plan, "sub")), 1500);
  close_track(&f);
  char dir[64];
  struct plan *plan = rig_plan(
      "scenario: s\nduration: 1s\nnodes:\n  pub: { role: publisher }\n"
      "  relay: { role: relay }\n  r: { role: router }\n"
      "  sub: { role: subscriber }\nlinks:\n"
      "  - { between: [pub, relay] }\n"
      "  - { between: [sub, r], mtu: 9000 }\n"
      "  - { between: [r, relay], mtu: 1300 }\ntracks:\n"
      "  t: { from: pub, as: datagrams, every: 10ms, size: 64 }\n" TAIL,
      NULL, NULL, 0, dir);
  assert_int_equal(path_mtu(plan, plan_node_find(plan, "sub")), 1300);
  assert_int_equal(path_mtu(plan, plan_node_find(plan, "pub")), 1500);
  rig_plan_free(plan, dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(synthetic_is_due_before_the_end),
      cmocka_unit_test(synthetic_stops_at_objects),
      cmocka_unit_test(sizes_are_seeded),
      cmocka_unit_test(layers_are_subgroups),
      cmocka_unit_test(group_and_object_subgroups),
      cmocka_unit_test(trace_gives_everything),
      cmocka_unit_test(trace_layers_are_priorities),
      cmocka_unit_test(file_is_cut),
      cmocka_unit_test(late_starts_find_their_group),
      cmocka_unit_test(content_is_the_plans),
      cmocka_unit_test(lateness_keeps_quantiles),
      cmocka_unit_test(mtu_is_that_of_the_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
