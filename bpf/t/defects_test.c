/* Each defect switch brings its bug back, in both worlds; without it the bug is not there. */
#include "bpf/t/world.h"
#include "bpf/wire/short_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct world *make_world(const struct fb_defects *defects);

static struct world *kernel(const struct fb_defects *defects) {
  const char *why = NULL;
  struct world *w = world_kernel(defects, &why);
  if (w)
    return w;
  print_message("skipped: %s\n", why);
  skip();
  return NULL;
}

/* Each shows one bug: what it returns differs with the switch. */
typedef uint64_t shows(struct world *w);

static struct piece dg(uint64_t group) {
  return datagram(cat(object(1, 0, group, 4), text("an object")));
}

static struct piece group_of(uint64_t id, uint64_t group) {
  return stream(id, 0, cat(subgroup_of(1, 1, group, 100), bytes(40, 'a')));
}

static void begin(struct world *w, uint32_t subscribers) {
  world_begin(w, 4);
  world_join(w, 0, subscribers);
}

/* The number of the second copy, if a slow path has taken one between the two. */
static uint64_t number_behind_slow_path(struct world *w) {
  begin(w, 1);
  counters_of(w, 0)->own_pn = 1000;
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(dg(3)))), FB_PKT_FANNED);
  assert_int_equal(recorded(w, 0)->pn, 1000);
  counters_of(w, 0)->next_pn++;
  assert_int_equal(send_packet(w, PACKET(.pn = 1, FRAMES(dg(3)))), FB_PKT_FANNED);
  assert_int_equal(copy_for(w, 0)->pn, recorded(w, 0)->pn);
  return recorded(w, 0)->pn;
}

/* Where the copy for slot 1 goes: its last address byte. */
static uint64_t address(struct world *w) {
  begin(w, 2);
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(dg(3)))), FB_PKT_FANNED);
  return copy_for(w, 1)->frame[14 + 18];
}

/* Where it comes from. */
static uint64_t source(struct world *w) {
  begin(w, 0);
  struct fb_subscriber v = world_subscriber(0, 4);
  v.src_addr[3] = 77;
  world_add(w, 0, &v);
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(dg(3)))), FB_PKT_FANNED);
  return copy_for(w, 0)->frame[14 + 15];
}

/* Whose connection ID the copy for slot 1 carries: 0, 1. */
static uint64_t connection_id(struct world *w) {
  begin(w, 2);
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(dg(3)))), FB_PKT_FANNED);
  size_t len;
  const uint8_t *payload = copy_payload(copy_for(w, 1), &len);
  struct fb_subscriber first = world_subscriber(0, 4), second = world_subscriber(1, 4);
  if (memcmp(payload + 1, second.dcid, second.dcid_len) == 0)
    return 1;
  assert_memory_equal(payload + 1, first.dcid, first.dcid_len);
  return 0;
}

/* How long the number in a copy of a packet with a 2-byte number is. */
static uint64_t number_length(struct world *w) {
  begin(w, 1);
  assert_int_equal(send_packet(w, PACKET(.pn = 0, .pn_len = 2, FRAMES(dg(3)))), FB_PKT_FANNED);
  size_t len;
  return wire_short_pn_len(copy_payload(copy_for(w, 0), &len)[0]);
}

/* Bytes of the copy that are not zero behind its DATAGRAM: of an ACK that is not to be there. */
static uint64_t foreign_bytes(struct world *w) {
  begin(w, 1);
  struct piece d = dg(3), a = ack(9, 2);
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(d, a))), FB_PKT_FANNED);
  size_t len;
  const uint8_t *payload = copy_payload(copy_for(w, 0), &len);
  uint64_t n = 0;
  for (size_t i = len - 16 - a.len; i < len - 16; i++)
    n += payload[i] != 0;
  return n;
}

/* Fan-out frames seen in a packet of three. */
static uint64_t frames_seen(struct world *w) {
  begin(w, 1);
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(group_of(2, 3), group_of(6, 4), dg(5)))),
                   FB_PKT_FANNED);
  return w->records[0].copy.n_frames;
}

/* What slot 0 is told of a frame of priority 100, if slot 1 filters to 0..50. */
static uint64_t filter_of_another(struct world *w) {
  begin(w, 2);
  struct fb_subscription v = world_subscription(1);
  v.priority_hi = 50;
  w->ops->set_subscription(w, 1, 0, &v);
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(group_of(2, 3)))), FB_PKT_FANNED);
  return decided(w, 0, 0);
}

/* What slot 1 is told of it, if it filters to 0..50 itself: its index is below. */
static uint64_t own_filter(struct world *w) {
  begin(w, 2);
  struct fb_subscription v = world_subscription(1);
  v.priority_hi = 50;
  w->ops->set_subscription(w, 1, 0, &v);
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(group_of(2, 3)))), FB_PKT_FANNED);
  return decided(w, 1, 0);
}

/* The priority of a frame inside a stream whose header said 100. */
static uint64_t priority_inside(struct world *w) {
  begin(w, 1);
  struct piece head = cat(subgroup_of(1, 1, 3, 100), bytes(40, 'a'));
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(stream(2, 0, head)))), FB_PKT_FANNED);
  assert_int_equal(send_packet(w, PACKET(.pn = 1, FRAMES(stream(2, head.len, text("xyz0123"))))),
                   FB_PKT_FANNED);
  return recorded_frame(w, 0)->priority;
}

/* Whether limits that are all used up stop a frame. */
static uint64_t beyond_limits(struct world *w) {
  begin(w, 1);
  counters_of(w, 0)->max_data = 0;
  counters_of(w, 0)->max_streams = 0;
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(group_of(2, 3)))), FB_PKT_FANNED);
  return decided(w, 0, 0);
}

/* Copies of a packet for two, if another CPU counts one meanwhile. */
static uint64_t copies_beside_another(struct world *w) {
  begin(w, 2);
  w->ops->count_copy(w);
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(dg(3)))), FB_PKT_FANNED);
  return w->n_copies;
}

/* What becomes of a stream's bytes that come a second time, under a new number. */
static uint64_t resend(struct world *w) {
  begin(w, 1);
  assert_int_equal(send_packet(w, PACKET(.pn = 0, FRAMES(group_of(2, 3)))), FB_PKT_FANNED);
  assert_int_equal(send_packet(w, PACKET(.pn = 1, FRAMES(group_of(2, 3)))), FB_PKT_FANNED);
  return decided(w, 0, 0);
}

static const struct {
  struct fb_defects defects;
  shows *shows;
  uint64_t without, with;
} cases[] = {
    {{.two_counters = 1}, number_behind_slow_path, 1002, 1001 /* which the slow path has used */},
    {{.slow_agent = 1}, resend, FB_DEC_BELOW_FRONTIER, FB_DEC_SEND},
    {{.one_address = 1}, address, 1, 0},
    {{.any_address = 1}, source, 77, 1},
    {{.shared_cid = 1}, connection_id, 1, 0},
    {{.short_pn = 1}, number_length, 4, 2},
    {{.pn_shrunk = 1}, number_length, 4, 1},
    {{.copy_all_frames = 1}, foreign_bytes, 0, 3},
    {{.first_frame_only = 1}, frames_seen, 3, 1},
    {{.one_stream_a_packet = 1}, frames_seen, 3, 2},
    {{.drop_by_index = 1}, filter_of_another, FB_DEC_SEND, FB_DEC_FILTERED},
    {{.index_in_priority = 1}, own_filter, FB_DEC_FILTERED, FB_DEC_SEND},
    {{.header_per_packet = 1}, priority_inside, 100, '0'},
    {{.ignore_limits = 1}, beyond_limits, FB_DEC_STREAM_LIMIT, FB_DEC_SEND},
    {{.global_counter = 1}, copies_beside_another, 2, 1},
};
#define CASES (sizeof cases / sizeof *cases)

static void every_switch(make_world *make) {
  struct world *w = make(NULL);
  bool native = w->ops->count_copy != NULL; /* the kernel cannot show global-counter */
  for (size_t i = 0; i < CASES; i++)
    if (native || !cases[i].defects.global_counter)
      assert_int_equal(cases[i].shows(w), cases[i].without);
  world_free(w);
  for (size_t i = 0; i < CASES; i++) {
    if (!native && cases[i].defects.global_counter)
      continue;
    w = make(&cases[i].defects);
    assert_int_equal(cases[i].shows(w), cases[i].with);
    world_free(w);
  }
}

static void natively(void **state) {
  (void)state;
  every_switch(world_native);
}

static void in_the_kernel(void **state) {
  (void)state;
  every_switch(kernel);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(natively), cmocka_unit_test(in_the_kernel)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
