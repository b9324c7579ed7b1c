/* The checks under test themselves: a run that passes is hurt in one place, and
 * some check must refuse it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/scene.h"

enum { UDP_PAYLOAD = 42, NUMBER = UDP_PAYLOAD + 1 + 8 };

struct cut {
  struct scene s;
  size_t first, end; /* frames that carry copies to the subscriber */
};

static struct cut passing(void) {
  struct cut c = {.s = scene_new("chat", p_next_group(), p_none())};
  scene_up(&c.s, 0, 0, "one");
  scene_up(&c.s, 0, 1, "two");
  scene_up_stream(&c.s, 6, 1, "three");
  scene_up_stream(&c.s, 10, 2, "four and more");
  c.first = c.s.t->n;
  scene_down(&c.s, 0, 0, "one");
  scene_down(&c.s, 0, 1, "two");
  scene_down_stream(&c.s, 7, 1, "three");
  scene_down_stream(&c.s, 11, 2, "four and more");
  c.end = c.s.t->n;
  scene_close(&c.s);
  return c;
}

static size_t failed(const struct tape *t) {
  struct judge_report *r = tape_judge(t, 1);
  size_t n = 0;
  for (size_t i = 0; i < r->n_checks; i++)
    n += r->checks[i].result == JUDGE_FAIL;
  judge_report_free(r);
  return n;
}

static void remove_frame(struct tape *t, size_t at) {
  free(t->frames[at].data);
  memmove(&t->frames[at], &t->frames[at + 1], (t->n - at - 1) * sizeof *t->frames);
  t->n--;
}

static void unhurt_it_passes(void **state) {
  (void)state;
  struct cut c = passing();
  assert_int_equal(failed(c.s.t), 0);
  scene_free(&c.s);
}

static void every_lost_copy_is_refused(void **state) {
  (void)state;
  struct cut probe = passing();
  for (size_t at = probe.first; at < probe.end; at++) {
    struct cut c = passing();
    remove_frame(c.s.t, at);
    assert_true(failed(c.s.t) > 0);
    scene_free(&c.s);
  }
  scene_free(&probe.s);
}

static void every_doubled_packet_is_refused(void **state) {
  (void)state;
  struct cut probe = passing();
  size_t n = probe.s.t->n - 2; /* closing packets may repeat */
  scene_free(&probe.s);
  for (size_t at = 0; at < n; at++) {
    struct cut c = passing();
    struct tape *t = c.s.t;
    tape_also_in(t, 0, 0); /* makes room for one more */
    free(t->frames[t->n - 1].data);
    memmove(&t->frames[at + 2], &t->frames[at + 1], (t->n - at - 2) * sizeof *t->frames);
    struct tape_frame *copy = &t->frames[at + 1];
    *copy = t->frames[at];
    copy->time_ns += 1000;
    copy->data = malloc(copy->len);
    memcpy(copy->data, t->frames[at].data, copy->len);
    assert_true(failed(t) > 0);
    scene_free(&c.s);
  }
}

/* Any byte of a copy, with its checksum made right again. Not the number: a sender
 * may skip numbers, so that a free one is as good as any. */
static void every_changed_byte_is_refused(void **state) {
  (void)state;
  struct cut c = passing();
  struct tape *t = c.s.t;
  for (size_t at = c.first; at < c.end; at++) {
    struct tape_frame *f = &t->frames[at];
    for (size_t i = UDP_PAYLOAD; i < f->len; i++) {
      if (i >= NUMBER && i < NUMBER + 4)
        continue;
      f->data[i] ^= 0xff;
      tape_fix_checksum(f);
      if (!failed(t))
        fail_msg("frame %zu, byte %zu changed: no check fails", at + 1, i - UDP_PAYLOAD);
      f->data[i] ^= 0xff;
      tape_fix_checksum(f);
    }
  }
  assert_int_equal(failed(t), 0);
  scene_free(&c.s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unhurt_it_passes),
      cmocka_unit_test(every_lost_copy_is_refused),
      cmocka_unit_test(every_doubled_packet_is_refused),
      cmocka_unit_test(every_changed_byte_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
