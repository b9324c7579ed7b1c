/* The publisher's core against a server in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xxhash.h>

#include "bench/t/peer_rig.h"

#define HEAD                                                                                       \
  "scenario: s\nduration: 1s\nseed: 7\nnodes:\n"                                                   \
  "  relay: { role: relay, protection: none }\n  pub: { role: publisher }\n"                       \
  "  sub: { role: subscriber }\nlinks:\n"                                                          \
  "  - { between: [pub, relay] }\n  - { between: [relay, sub] }\ntracks:\n"
#define CHAT                                                                                       \
  "  chat: { from: pub, as: datagrams, every: 20ms, size: 200, group: 10, priority: 1 }\n"
#define VIDEO                                                                                      \
  "  video: { from: pub, as: subgroups, subgroup: object, every: 40ms, size: 500..9000, group: "   \
  "5, "                                                                                            \
  "priority: 3 }\n"
#define LAYERS                                                                                     \
  "  layers: { from: pub, as: subgroups, subgroup: layer, layers: 3, every: 10ms, size: 700, "     \
  "group: 10, priority: 4 }\n"
#define TAIL "subscriptions:\n  - { who: sub, tracks: [chat] }\n"

static struct rig *open_rig(const char *yaml, uint32_t loss_ppm, uint64_t streams) {
  struct rig *rig = rig_open(
      &(struct rig_shape){.yaml = yaml, .node = "pub", .loss_ppm = loss_ppm, .streams = streams});
  rig_await(rig, PEER_ANNOUNCED, 1);
  return rig;
}

static void subscribe(struct rig *rig, const char *track) {
  assert_true(rig_subscribe(rig, track, NULL) >= 0);
  rig_run(rig, 100 * RIG_MS);
  assert_true(rig->subscribed_req >= 0);
  assert_false(rig->refused);
}

/* Every journal line "published" has its object at the server, and no other. */
static void check_all_arrived(const struct rig *rig) {
  json_t *lines = rig_all(rig, "published"), *line;
  size_t i;
  assert_int_equal(json_array_size(lines), rig->n_objects);
  json_array_foreach(lines, i, line) {
    const uint64_t hash = strtoull(json_string_value(json_object_get(line, "hash")), NULL, 16);
    const uint64_t group = (uint64_t)json_integer_value(json_object_get(line, "group"));
    const uint64_t object = (uint64_t)json_integer_value(json_object_get(line, "object"));
    const int track = plan_track_find(rig->plan, json_string_value(json_object_get(line, "track")));
    size_t found = 0;
    for (size_t k = 0; k < rig->n_objects; k++) {
      const struct rig_object *o = &rig->objects[k];
      if (o->alias != (uint64_t)track || o->group != group || o->object != object)
        continue;
      found++;
      assert_int_equal(o->hash, hash);
      assert_int_equal(o->size, json_integer_value(json_object_get(line, "size")));
      assert_int_equal(o->priority, json_integer_value(json_object_get(line, "priority")));
      assert_true(o->explicit_priority);
      assert_int_equal(json_is_null(json_object_get(line, "subgroup")), o->sid < 0);
      if (o->sid >= 0)
        assert_int_equal(o->subgroup, json_integer_value(json_object_get(line, "subgroup")));
    }
    assert_int_equal(found, 1);
  }
  json_decref(lines);
}

static void announces(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT TAIL, 0, 0);
  assert_string_equal(rig->name, "fanbench/pub");
  const struct moqt_setup *setup = moqt_peer_setup(rig->session);
  assert_int_equal(setup->authority.len, strlen("10.0.0.2:4433"));
  assert_memory_equal(setup->path.data, "/fanbench", setup->path.len);
  assert_int_equal(rig_lines(rig, "connected"), 1);
  rig_close(rig);
}

static void refused_announcement_is_fatal(void **state) {
  struct rig *rig;
  (void)state;
  rig = rig_open(&(struct rig_shape){.yaml = HEAD CHAT TAIL, .node = "pub"});
  rig->accept_names = false;
  rig_await(rig, PEER_FAILED, 1);
  assert_non_null(strstr(rig->failure, "refused"));
  assert_int_equal(peer_state(rig->peer), PEER_BROKEN);
  rig_close(rig);
}

static void unknown_track_does_not_exist(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT TAIL, 0, 0);
  assert_true(rig_subscribe(rig, "nosuch", NULL) >= 0);
  rig_run(rig, 100 * RIG_MS);
  assert_true(rig->refused);
  assert_int_equal(rig->refuse_code, MOQT_REQ_DOES_NOT_EXIST);
  rig_close(rig);
}

static void what_is_not_done_is_refused(void **state) {
  struct moqt_params params;
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT TAIL, 0, 0);
  moqt_params_init(&params);
  params.has = MOQT_HAS_OBJECT_TIMEOUT;
  params.object_timeout_ms = 100;
  assert_true(rig_subscribe(rig, "chat", &params) >= 0);
  rig_run(rig, 100 * RIG_MS);
  assert_true(rig->refused);
  assert_int_equal(rig->refuse_code, MOQT_REQ_NOT_SUPPORTED);
  rig->refused = false;
  subscribe(rig, "chat");
  assert_true(rig_subscribe(rig, "chat", NULL) >= 0); /* a second one */
  rig_run(rig, 100 * RIG_MS);
  assert_true(rig->refused);
  assert_int_equal(rig->refuse_code, MOQT_REQ_NOT_SUPPORTED);
  rig_close(rig);
}

static void publish_all(uint32_t loss_ppm) {
  struct rig *rig = open_rig(HEAD CHAT VIDEO LAYERS TAIL, loss_ppm, 0);
  subscribe(rig, "chat");
  subscribe(rig, "video");
  subscribe(rig, "layers");
  assert_false(rig->has_largest);
  rig_start(rig, 10 * RIG_MS);
  const struct peer_event *told = rig_await(rig, PEER_PUBLISHED, 1);
  assert_int_equal(told->objects, 50 + 25 + 100);
  assert_int_equal(told->planned, told->objects);
  rig_run(rig, RIG_S);
  if (loss_ppm == 0)
    check_all_arrived(rig); /* datagrams are not sent again */
  else
    assert_true(rig->net.lost > 0);
  size_t on_streams = 0;
  for (size_t i = 0; i < rig->n_objects; i++)
    on_streams += rig->objects[i].sid >= 0;
  assert_int_equal(on_streams, 125);
  for (size_t i = 0; i < rig->n_streams; i++)
    assert_true(rig->streams[i].fin && !rig->streams[i].reset);
  assert_int_equal(rig->n_streams, 25 + 30);
  assert_true(rig->done);
  assert_int_equal(rig->done_status, MOQT_DONE_TRACK_ENDED);
  rig_close(rig);
}

static void publishes_all(void **state) {
  (void)state;
  publish_all(0);
}
static void publishes_all_with_loss(void **state) {
  (void)state;
  publish_all(100000);
}

static void flags_are_true(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT VIDEO LAYERS TAIL, 0, 0);
  subscribe(rig, "layers");
  subscribe(rig, "chat");
  rig_start(rig, 10 * RIG_MS);
  rig_await(rig, PEER_PUBLISHED, 1);
  rig_run(rig, RIG_S);
  for (size_t i = 0; i < rig->n_objects; i++) {
    const struct rig_object *o = &rig->objects[i];
    if (o->sid < 0) {
      assert_int_equal(o->end_of_group, o->object == 9);
      continue;
    }
    assert_true(o->first_object);
    assert_int_equal(o->subgroup, o->object % 3);
    assert_int_equal(o->end_of_group, o->subgroup == 0); /* object 9 is of layer 0 */
    assert_int_equal(o->priority, 4 + o->subgroup);
  }
  assert_int_equal(rig->done_streams, 30); /* those of layers came last */
  rig_close(rig);
}

static void is_on_time(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT TAIL, 0, 0);
  subscribe(rig, "chat");
  const uint64_t t0 = rig->net.now_ns + 10 * RIG_MS;
  rig_start(rig, 10 * RIG_MS);
  const struct peer_event *told = rig_await(rig, PEER_PUBLISHED, 1);
  assert_int_equal(told->late_max_ns, 0); /* virtual time waits for nobody */
  for (size_t i = 0; i < 50; i++)
    assert_int_equal(rig_line_int(rig_line(rig, "published", i), "t"), t0 + i * 20 * RIG_MS);
  rig_close(rig);
}

/* Objects that are due together share packets. */
static void one_turn_makes_few_packets(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(
      HEAD
      "  chat: { from: pub, as: datagrams, every: 100ms, size: 100 }\n"
      "  b: { from: pub, as: datagrams, every: 100ms, size: 100 }\n"
      "  c: { from: pub, as: subgroups, subgroup: object, every: 100ms, size: 100 }\n"
      "  d: { from: pub, as: subgroups, subgroup: object, every: 100ms, size: 100 }\n" TAIL,
      0, 0);
  subscribe(rig, "chat");
  subscribe(rig, "b");
  subscribe(rig, "c");
  subscribe(rig, "d");
  rig_run(rig, RIG_S);
  rig_start(rig, 10 * RIG_MS);
  const uint64_t before = rig->packets_in;
  rig_run(rig, 50 * RIG_MS);
  assert_int_equal(rig->n_objects, 4);
  assert_int_equal(rig->packets_in - before, 1);
  rig_close(rig);
}

/* Object n was ready that long after the one before it, though it left later. */
static void check_waiting(const struct rig *rig, uint64_t every_ns) {
  json_t *lines = rig_all(rig, "published"), *line;
  json_int_t first = 0, longest = 0;
  size_t i;
  json_array_foreach(lines, i, line) {
    const json_int_t waited = json_integer_value(json_object_get(line, "waited"));
    const json_int_t t = json_integer_value(json_object_get(line, "t"));
    if (i == 0)
      first = t;
    assert_int_equal(t - waited, first + (json_int_t)(i * every_ns));
    longest = waited > longest ? waited : longest;
  }
  json_decref(lines);
  assert_true(longest > (json_int_t)RIG_MS);
}

static void waits_for_streams(void **state) {
  struct rig *rig;
  (void)state;
  /* The server allows 4 streams at a time: one is the control stream. */
  rig = open_rig(HEAD
                 "  chat: { from: pub, as: subgroups, subgroup: object, every: 200us, size: 300, "
                 "group: 50, objects: 1000 }\n" TAIL,
                 0, 4);
  subscribe(rig, "chat");
  rig_start(rig, 10 * RIG_MS);
  const struct peer_event *told = rig_await(rig, PEER_PUBLISHED, 1);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(told->objects, 1000);
  assert_int_equal(told->late_max_ns, 0); /* it was ready, its peer was not */
  check_waiting(rig, 200 * RIG_MS / 1000);
  assert_int_equal(rig->n_objects, 1000);
  check_all_arrived(rig);
  for (size_t i = 1; i < rig->n_objects; i++)
    assert_true(rig->objects[i].sid > rig->objects[i - 1].sid); /* in order */
  assert_int_equal(rig->done_streams, 1000);
  rig_close(rig);
}

/* A peer that never allows a stream: the end comes with the drain, and it is said
 * what was not published. */
static void drain_bounds_the_wait(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT VIDEO TAIL, 0, 1); /* the control stream takes it */
  subscribe(rig, "video");
  const uint64_t t0 = rig->net.now_ns;
  rig_start(rig, 0);
  const struct peer_event *told = rig_await(rig, PEER_PUBLISHED, 1);
  assert_int_equal(told->objects, 0);
  assert_int_equal(told->planned, 25);
  assert_true(rig->net.now_ns >= t0 + rig->plan->duration_ns + rig->plan->drain_ns);
  rig_close(rig);
}

static void important_objects_go_first(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD
                 "  chat: { from: pub, as: subgroups, every: 900ms, size: 200000, "
                 "priority: 9 }\n"
                 "  small: { from: pub, as: subgroups, every: 900ms, size: 100, "
                 "priority: 1 }\n" TAIL,
                 0, 0);
  subscribe(rig, "chat");
  subscribe(rig, "small");
  rig_start(rig, 10 * RIG_MS);
  rig_await(rig, PEER_PUBLISHED, 1);
  assert_int_equal(rig->n_objects, 4);
  /* Published behind the large one, and due at the same time. */
  assert_int_equal(rig->objects[0].alias, 1);
  assert_true(rig->objects[0].at_ns < rig->objects[1].at_ns);
  rig_close(rig);
}

/* The timeline brought this publisher back, or it is slow, and what that costs shows. */
static void late_start_goes_on_with_time(void **state) {
  static const uint64_t objects[] = {50, 40, 10}; /* 100 ms: object 5, group 1; 700: 35, group 4 */
  static const uint64_t late_ms[] = {100, 100, 700};
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    struct rig *rig = open_rig(HEAD CHAT TAIL, 0, 0);
    subscribe(rig, "chat");
    rig_run(rig, RIG_S);
    rig_do(rig, &(struct peer_command){.what = PEER_DO_START,
                                       .t0_ns = rig->net.now_ns - late_ms[i] * RIG_MS,
                                       .again = i > 0});
    const struct peer_event *told = rig_await(rig, PEER_PUBLISHED, 1);
    assert_int_equal(told->objects, objects[i]);
    assert_int_equal(told->late_max_ns, i == 0 ? 100 * RIG_MS : 0);
    rig_close(rig);
  }
}

/* A live track goes on without a subscription, which then starts at a group. */
static void late_subscription_starts_at_a_group(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT VIDEO TAIL, 0, 0);
  rig_start(rig, 0);
  rig_run(rig, 250 * RIG_MS);
  assert_int_equal(rig->n_objects, 0);
  subscribe(rig, "chat"); /* 250 ms: object 13, in the middle of group 1 */
  assert_false(rig->has_largest);
  const struct peer_event *told = rig_await(rig, PEER_PUBLISHED, 1);
  assert_int_equal(rig->objects[0].group, 2);
  assert_int_equal(rig->objects[0].object, 0);
  assert_int_equal(told->objects, 30);
  assert_int_equal(told->planned, 30);
  rig_close(rig);
}

static void cancelled_subscription_stops(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT LAYERS TAIL, 0, 0);
  subscribe(rig, "layers");
  rig_start(rig, 0);
  rig_run(rig, 150 * RIG_MS);
  const size_t before = rig->n_objects;
  assert_true(before > 0);
  moqt_cancel(rig->session, rig->subscribed_req);
  rig_run(rig, 100 * RIG_MS);
  const size_t after = rig->n_objects;
  size_t reset = 0;
  for (size_t i = 0; i < rig->n_streams; i++)
    reset += rig->streams[i].reset;
  assert_int_equal(reset, 3); /* those of the open group */
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig->n_objects, after);
  subscribe(rig, "layers");
  assert_true(rig->has_largest);
  rig_await(rig, PEER_PUBLISHED, 1);
  assert_int_equal(rig->objects[after].object, 0);
  assert_true(rig->objects[after].group > rig->largest.group);
  rig_close(rig);
}

static void location_filter_is_obeyed(void **state) {
  struct moqt_params params;
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT TAIL, 0, 0);
  moqt_params_init(&params);
  params.has = MOQT_HAS_LOCATION_FILTER;
  params.location = (struct moqt_location_filter){.n = 4, .v = {1, 3, 1, 4}};
  assert_true(rig_subscribe(rig, "chat", &params) >= 0);
  rig_run(rig, 100 * RIG_MS);
  rig_start(rig, 0);
  rig_await(rig, PEER_PUBLISHED, 1);
  rig_run(rig, RIG_S);
  assert_int_equal(rig->n_objects, 7 + 5); /* (1,3) to (2,4) */
  assert_int_equal(rig->objects[0].group, 1);
  assert_int_equal(rig->objects[0].object, 3);
  rig_close(rig);
}

/* A subscription may start inside a subgroup: its streams then say so. */
static void late_start_in_a_subgroup(void **state) {
  struct moqt_params params;
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT LAYERS TAIL, 0, 0);
  moqt_params_init(&params);
  params.has = MOQT_HAS_LOCATION_FILTER;
  params.location = (struct moqt_location_filter){.n = 3, .v = {0, 4, 1}};
  assert_true(rig_subscribe(rig, "layers", &params) >= 0);
  rig_run(rig, 100 * RIG_MS);
  rig_start(rig, 0);
  rig_await(rig, PEER_PUBLISHED, 1);
  rig_run(rig, RIG_S);
  assert_int_equal(rig->n_objects, 6 + 10);
  for (size_t i = 0; i < rig->n_objects; i++) {
    const struct rig_object *o = &rig->objects[i];
    assert_int_equal(o->first_object, o->group == 1);
    assert_int_equal(o->subgroup, o->object % 3);
  }
  rig_close(rig);
}

static void stopped_stream_is_left_out(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT
                 "  long: { from: pub, as: subgroups, every: 10ms, size: 300, group: 50 }\n" TAIL,
                 0, 0);
  subscribe(rig, "long");
  rig_start(rig, 0);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig->n_streams, 1);
  qc_stream_stop(rig->conn, rig->streams[0].sid, MOQT_RESET_CANCELLED);
  const struct peer_event *told = rig_await(rig, PEER_PUBLISHED, 1);
  assert_int_equal(rig->n_streams, 2); /* the next group is not affected */
  assert_int_equal(rig->streams[1].objects, 50);
  assert_true(told->objects < 70);
  assert_int_equal(told->planned, told->objects);
  rig_close(rig);
}

static void too_big_a_datagram_is_named(void **state) {
  struct rig *rig;
  (void)state;
  rig = rig_open(&(struct rig_shape){
      .yaml = "scenario: s\nduration: 1s\nnodes:\n  relay: { role: relay, protection: none }\n"
              "  pub: { role: publisher }\n  sub: { role: subscriber }\nlinks:\n"
              "  - { between: [pub, relay], mtu: 1280 }\n  - { between: [relay, sub] }\ntracks:\n"
              "  chat: { from: pub, as: datagrams, every: 100ms, size: 1100 }\n" TAIL,
      .node = "pub"});
  rig_await(rig, PEER_ANNOUNCED, 1);
  /* 1,100 bytes are what every path carries: make the connection's own limit smaller by hand. */
  rig->plan->tracks[0].size_min = rig->plan->tracks[0].size_max = 1200;
  subscribe(rig, "chat");
  rig_start(rig, 0);
  const struct peer_event *told = rig_await(rig, PEER_PUBLISHED, 1);
  assert_int_equal(told->objects, 0);
  assert_int_equal(told->planned, 10);
  assert_int_equal(rig_lines(rig, "unsent"), 10);
  assert_int_equal(rig_line_int(rig_line(rig, "unsent", 3), "object"), 3);
  rig_close(rig);
}

static void file_goes_whole(void **state) {
  struct rig *rig;
  char path[128];
  uint8_t bytes[4321] = {0};
  (void)state;
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i ^ i >> 8);
  snprintf(path, sizeof path, "/tmp/peer-test-file-%d.bin", (int)getpid());
  FILE *to = fopen(path, "w");
  assert_non_null(to);
  assert_int_equal(fwrite(bytes, 1, sizeof bytes, to), sizeof bytes);
  fclose(to);
  char yaml[1024];
  snprintf(
      yaml, sizeof yaml,
      "%s  chat: { from: pub, as: subgroups, every: 100ms, size: 200, group: 5, file: %s }\n%s",
      HEAD, path, TAIL);
  rig = open_rig(yaml, 20000, 0);
  rig_start(rig, 0);
  rig_run(rig, 500 * RIG_MS); /* a file waits for its subscription */
  subscribe(rig, "chat");
  const struct peer_event *told = rig_await(rig, PEER_PUBLISHED, 1);
  assert_int_equal(told->objects, 22); /* beyond the duration */
  assert_int_equal(told->planned, 22);
  check_all_arrived(rig);
  assert_int_equal(rig->objects[21].size, 121);
  assert_int_equal(rig->objects[21].hash, XXH64(bytes + 4200, 121, 0));
  assert_true(rig->objects[21].end_of_group);
  rig_close(rig);
}

static void lost_connection_is_fatal(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT TAIL, 0, 0);
  subscribe(rig, "chat");
  rig_start(rig, 0);
  rig_run(rig, 100 * RIG_MS);
  qc_close(rig->conn, MOQT_INTERNAL_ERROR, "enough");
  rig_await(rig, PEER_FAILED, 1);
  assert_non_null(strstr(rig->failure, "the relay"));
  assert_non_null(strstr(rig->failure, "0x1"));
  assert_int_equal(rig_line_int(rig_line(rig, "closed", 0), "code"), 1);
  rig_close(rig);
}

static void reconnected_publisher_goes_on(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT TAIL, 0, 0);
  subscribe(rig, "chat");
  rig_start(rig, 0);
  rig_run(rig, 300 * RIG_MS);
  rig_do(rig, &(struct peer_command){.what = PEER_DO_EVENT, .event = PLAN_EV_RECONNECT});
  rig_await(rig, PEER_ANNOUNCED, 2);
  assert_int_equal(rig->connections, 2);
  const size_t before = rig->n_objects;
  subscribe(rig, "chat");
  assert_true(rig->has_largest);
  rig_await(rig, PEER_PUBLISHED, 1);
  assert_true(rig->n_objects > before);
  assert_int_equal(rig->objects[before].object, 0);
  rig_close(rig);
}

static void stop_closes_well(void **state) {
  struct rig *rig;
  (void)state;
  rig = open_rig(HEAD CHAT TAIL, 0, 0);
  rig_do(rig, &(struct peer_command){.what = PEER_DO_STOP});
  rig_await(rig, PEER_BYE, 1);
  assert_int_equal(peer_state(rig->peer), PEER_STOPPED);
  assert_true(rig->closed);
  assert_true(rig->close.application);
  assert_int_equal(rig->close.code, MOQT_NO_ERROR);
  assert_int_equal(rig_count(rig, PEER_FAILED), 0);
  rig_close(rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(announces),
      cmocka_unit_test(refused_announcement_is_fatal),
      cmocka_unit_test(unknown_track_does_not_exist),
      cmocka_unit_test(what_is_not_done_is_refused),
      cmocka_unit_test(publishes_all),
      cmocka_unit_test(publishes_all_with_loss),
      cmocka_unit_test(flags_are_true),
      cmocka_unit_test(is_on_time),
      cmocka_unit_test(one_turn_makes_few_packets),
      cmocka_unit_test(waits_for_streams),
      cmocka_unit_test(drain_bounds_the_wait),
      cmocka_unit_test(important_objects_go_first),
      cmocka_unit_test(late_start_goes_on_with_time),
      cmocka_unit_test(late_subscription_starts_at_a_group),
      cmocka_unit_test(cancelled_subscription_stops),
      cmocka_unit_test(location_filter_is_obeyed),
      cmocka_unit_test(late_start_in_a_subgroup),
      cmocka_unit_test(stopped_stream_is_left_out),
      cmocka_unit_test(too_big_a_datagram_is_named),
      cmocka_unit_test(file_goes_whole),
      cmocka_unit_test(lost_connection_is_fatal),
      cmocka_unit_test(reconnected_publisher_goes_on),
      cmocka_unit_test(stop_closes_well),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
