/* The runner from end to end with fake programs (run_fake.h): order, captures,
 * artefacts; what dies, hangs or misbehaves; and that kill -9 leaves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bench/run/channel.h"
#include "bench/run/clock.h"
#include "bench/run/live.h"
#include "bench/run/residue.h"
#include "bench/t/run_fake.h"

#define BOUND_NS (60 * CLOCK_S)

static const char *bindir;
static char base[] = "/tmp/fanbench-live-XXXXXX";

/* pub - relay - sub[0], sub[1] */
struct scene {
  struct plan plan;
  struct plan_node nodes[4];
  struct plan_link links[3];
  struct plan_track track;
  struct plan_subscription subscriptions[2];
  struct plan_event events[2];
  int tracks[1];
  char dir[64];
  struct live_run run;
};

static struct plan_node node(const char *name, const char *file, enum plan_role role,
                             uint32_t host) {
  return (struct plan_node){.name = (char *)name,
                            .file_name = (char *)file,
                            .group = (char *)(role == PLAN_SUBSCRIBER ? "sub" : name),
                            .index = host > 1 ? host - 2 : 0,
                            .role = role,
                            .host = host,
                            .relay = role == PLAN_RELAY ? -1 : 1,
                            .policy = (char *)"none",
                            .cache_bytes = 16 << 20,
                            .window_bytes = 1 << 20,
                            .max_streams = 100,
                            .cid_len = 8,
                            .ack_delay_ns = 25 * CLOCK_MS};
}

static struct scene *scene_make(const char *name) {
  struct scene *s = calloc(1, sizeof *s);
  assert_non_null(s);
  s->nodes[0] = node("pub", "pub", PLAN_PUBLISHER, 0);
  s->nodes[1] = node("relay", "relay", PLAN_RELAY, 1);
  s->nodes[2] = node("sub[0]", "sub.0", PLAN_SUBSCRIBER, 2);
  s->nodes[3] = node("sub[1]", "sub.1", PLAN_SUBSCRIBER, 3);
  for (int i = 0; i < 3; i++)
    s->links[i] = (struct plan_link){
        .a = i == 0 ? 0 : 1, .b = i == 0 ? 1 : i + 1, .ip = 4, .mtu = 1500, .plain = true};
  s->track = (struct plan_track){.name = (char *)"chat",
                                 .as = PLAN_DATAGRAMS,
                                 .every_ns = 10 * CLOCK_MS,
                                 .size_min = 200,
                                 .size_max = 200,
                                 .group_objects = 25,
                                 .priority = 1,
                                 .layers = 1};
  for (int i = 0; i < 2; i++)
    s->subscriptions[i] = (struct plan_subscription){
        .who = i + 2, .tracks = s->tracks, .n_tracks = 1, .priority_limit = -1};
  s->plan = (struct plan){.path = (char *)"/dev/null",
                          .name = (char *)name,
                          .about = (char *)"",
                          .seed = 7,
                          .duration_ns = 300 * CLOCK_MS,
                          .drain_ns = 2 * CLOCK_S,
                          .mode_live = true,
                          .nodes = s->nodes,
                          .n_nodes = 4,
                          .n_hosts = 4,
                          .links = s->links,
                          .n_links = 3,
                          .tracks = &s->track,
                          .n_tracks = 1,
                          .subscriptions = s->subscriptions,
                          .n_subscriptions = 2};
  snprintf(s->dir, sizeof s->dir, "%s/%s", base, name);
  return s;
}

/* One more event, 50 ms after the last. */
static struct plan_event *scene_event(struct scene *s, enum plan_event_kind kind, int who) {
  struct plan_event *event = &s->events[s->plan.n_events++];
  *event = (struct plan_event){.at_ns = 50 * s->plan.n_events * CLOCK_MS + 50 * CLOCK_MS,
                               .kind = kind,
                               .node = who,
                               .link = -1,
                               .priority_limit = 2,
                               .line = 9};
  s->plan.events = s->events;
  return event;
}

static void scene_start(struct scene *s) {
  char err[512];
  const struct live_options options = {.dir = s->dir, .bindir = bindir};
  if (live_start(&s->run, &s->plan, &options, err, sizeof err) != 0)
    fail_msg("%s", err);
}

static void scene_finish(struct scene *s) {
  uint64_t until = clock_now() + BOUND_NS;
  while (!s->run.over) {
    struct pollfd fd = {.fd = s->run.cage.fd, .events = POLLIN};
    poll(&fd, 1, 1000);
    live_follow(&s->run);
    assert_true(clock_now() < until);
  }
  live_finish(&s->run);
}

static struct scene *scene_play(const char *name) {
  struct scene *s = scene_make(name);
  scene_start(s);
  scene_finish(s);
  return s;
}

static void scene_free(struct scene *s) {
  live_free(&s->run);
  free(s);
}

static json_t *manifest_of(const struct scene *s) {
  char path[128];
  json_error_t where;
  snprintf(path, sizeof path, "%s/manifest.json", s->dir);
  json_t *manifest = json_load_file(path, 0, &where);
  if (manifest == NULL)
    fail_msg("%s: %s", path, where.text);
  return manifest;
}

static long file_size(const struct scene *s, const char *name) {
  char path[160];
  struct stat st;
  snprintf(path, sizeof path, "%s/%s", s->dir, name);
  return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void need_root(void) {
  unsetenv("FAKE");
  if (geteuid() != 0) {
    print_message("needs root\n");
    skip();
  }
}

/* What the manifest says about one process. */
static const json_t *process_in(const json_t *manifest, const char *name) {
  size_t i;
  const json_t *entry;
  json_array_foreach(json_object_get(json_object_get(manifest, "run"), "processes"), i, entry) {
    if (strcmp(channel_text(entry, "node"), name) == 0)
      return entry;
  }
  fail_msg("process %s is not in the manifest", name);
  return NULL;
}

static void assert_nothing_left(const json_t *manifest) {
  const json_t *residue = json_object_get(json_object_get(manifest, "run"), "residue");
  assert_int_equal(json_array_size(json_object_get(residue, "examined")), 5);
  assert_int_equal(json_array_size(json_object_get(residue, "left")), 0);
}

static void a_run_goes_well(void **state) {
  (void)state;
  need_root();
  struct scene *s = scene_play("well");
  assert_string_equal(s->run.died, "");
  assert_int_equal(s->run.code, 0);
  json_t *m = manifest_of(s);
  assert_nothing_left(m);
  assert_true(json_is_true(json_object_get(process_in(m, "relay"), "expected")));
  /* every packet of the fake publisher, at the relay's interface */
  const json_t *captures = json_object_get(m, "captures");
  assert_int_equal(json_array_size(captures), 3);
  const json_t *first = json_array_get(captures, 0);
  assert_string_equal(channel_text(first, "file"), "capture/relay-pub.pcapng");
  assert_int_equal(channel_int(first, "packets", -1), FAKE_PACKETS);
  assert_int_equal(channel_int(first, "dropped", -1), 0);
  assert_true(file_size(s, "capture/relay-pub.pcapng") > FAKE_PACKETS * 1000);
  assert_true(file_size(s, "scenario.yaml") > 0);
  assert_true(file_size(s, "links.jsonl") > 0);
  assert_int_equal(file_size(s, "faults.jsonl"), 0);
  json_decref(m);
  scene_free(s);
}

static void an_event_is_recorded(void **state) {
  (void)state;
  need_root();
  struct scene *s = scene_make("event");
  scene_event(s, PLAN_EV_PRIORITY_LIMIT, 2);
  scene_start(s);
  scene_finish(s);
  assert_string_equal(s->run.died, "");
  char path[128];
  snprintf(path, sizeof path, "%s/faults.jsonl", s->dir);
  json_t *line = json_load_file(path, 0, NULL);
  assert_string_equal(channel_text(line, "kind"), "priority_limit");
  assert_string_equal(channel_text(line, "node"), "sub[0]");
  assert_int_equal(channel_int(line, "value", -1), 2);
  assert_true(json_is_true(json_object_get(line, "ok")));
  json_decref(line);
  scene_free(s);
}

static void a_refused_event_ends_the_run(void **state) {
  (void)state;
  need_root();
  setenv("FAKE", "pub-refuses", 1);
  struct scene *s = scene_make("refused");
  scene_event(s, PLAN_EV_RECONNECT, 0);
  scene_start(s);
  scene_finish(s);
  assert_non_null(strstr(s->run.died, "event reconnect of node pub at line 9"));
  scene_free(s);
}

static void a_killed_relay_that_restarts_is_no_finding(void **state) {
  (void)state;
  need_root();
  struct scene *s = scene_make("restart");
  scene_event(s, PLAN_EV_RESTART, 1);
  scene_start(s);
  scene_finish(s);
  assert_string_equal(s->run.died, "");
  json_t *m = manifest_of(s);
  const json_t *first = process_in(m, "relay");
  assert_int_equal(channel_int(first, "signal", 0), SIGKILL);
  assert_true(json_is_true(json_object_get(first, "expected")));
  json_decref(m);
  scene_free(s);
}

/* The nth line of faults.jsonl, whose kind and node it checks; the caller frees it. */
static json_t *fault_of(const struct scene *s, size_t nth, const char *kind, const char *node) {
  char path[128], line[512] = "";
  snprintf(path, sizeof path, "%s/faults.jsonl", s->dir);
  FILE *from = fopen(path, "r");
  assert_non_null(from);
  for (size_t i = 0; i <= nth; i++)
    assert_non_null(fgets(line, sizeof line, from));
  fclose(from);
  json_t *fault = json_loads(line, 0, NULL);
  assert_string_equal(channel_text(fault, "kind"), kind);
  assert_string_equal(channel_text(fault, "node"), node);
  assert_true(json_is_true(json_object_get(fault, "ok")));
  return fault;
}

/* It is told to change its filter while it stands still, and answers when it goes on. */
static void a_stalled_process_goes_on(void **state) {
  (void)state;
  need_root();
  struct scene *s = scene_make("stall");
  scene_event(s, PLAN_EV_STALL, 2)->for_ns = 400 * CLOCK_MS;
  scene_event(s, PLAN_EV_PRIORITY_LIMIT, 2);
  scene_start(s);
  scene_finish(s);
  assert_string_equal(s->run.died, "");
  json_t *stall = fault_of(s, 0, "stall", "sub[0]");
  json_t *resume = fault_of(s, 1, "resume", "sub[0]");
  json_decref(fault_of(s, 2, "priority_limit", "sub[0]"));
  assert_int_equal(channel_int(stall, "for_ns", 0), 400 * CLOCK_MS);
  assert_true(channel_int(resume, "t", 0) - channel_int(stall, "t", 0) >= 400 * (long)CLOCK_MS);
  json_decref(stall);
  json_decref(resume);
  scene_free(s);
}

/* Nobody waits for the end of a stall whose process is gone. */
static void a_stalled_process_can_be_killed(void **state) {
  (void)state;
  need_root();
  struct scene *s = scene_make("stall-kill");
  scene_event(s, PLAN_EV_STALL, 2)->for_ns = 600 * CLOCK_S;
  scene_event(s, PLAN_EV_KILL, 2);
  scene_start(s);
  scene_finish(s); /* within BOUND_NS */
  assert_string_equal(s->run.died, "");
  json_decref(fault_of(s, 0, "stall", "sub[0]"));
  json_decref(fault_of(s, 1, "kill", "sub[0]"));
  json_t *m = manifest_of(s);
  assert_int_equal(channel_int(process_in(m, "sub[0]"), "signal", 0), SIGKILL);
  json_decref(m);
  scene_free(s);
}

static void a_vanished_subscriber_is_no_finding(void **state) {
  (void)state;
  need_root();
  struct scene *s = scene_make("vanish");
  scene_event(s, PLAN_EV_VANISH, 3);
  scene_start(s);
  scene_finish(s);
  assert_string_equal(s->run.died, "");
  scene_free(s);
}

static void a_dying_relay_ends_the_run(void **state) {
  (void)state;
  need_root();
  setenv("FAKE", "relay-dies", 1);
  struct scene *s = scene_play("dies");
  assert_non_null(strstr(s->run.died, "relay ended during"));
  assert_non_null(strstr(s->run.died, "exit code 7: on purpose"));
  assert_int_equal(s->run.code, 0);
  json_t *m = manifest_of(s);
  assert_nothing_left(m);
  assert_int_equal(channel_int(process_in(m, "relay"), "exit", 0), 7);
  assert_true(json_is_false(json_object_get(process_in(m, "relay"), "expected")));
  assert_true(json_is_true(json_object_get(process_in(m, "sub[0]"), "expected")));
  json_decref(m);
  scene_free(s);
}

static void garbage_on_the_channel_ends_the_run(void **state) {
  (void)state;
  need_root();
  setenv("FAKE", "sub-garbage", 1);
  struct scene *s = scene_play("garbage");
  assert_non_null(strstr(s->run.died, "no JSON object"));
  scene_free(s);
}

static void a_long_log_is_cut(void **state) {
  (void)state;
  need_root();
  setenv("FAKE", "sub-chatty", 1);
  struct scene *s = scene_play("chatty");
  assert_string_equal(s->run.died, "");
  long size = file_size(s, "log/sub.0.txt");
  assert_true(size > 256 * 1024 && size < 257 * 1024);
  scene_free(s);
}

static void a_missing_program_is_named(void **state) {
  (void)state;
  need_root();
  const char *was = bindir;
  bindir = "/nonexistent";
  struct scene *s = scene_play("missing");
  bindir = was;
  assert_non_null(strstr(s->run.died, "relay ended during"));
  assert_non_null(strstr(s->run.died, "exit code 127"));
  scene_free(s);
}

static void a_foreign_directory_is_refused(void **state) {
  (void)state;
  need_root();
  struct scene *s = scene_make("foreign");
  char path[128], err[512];
  mkdir(s->dir, 0755);
  snprintf(path, sizeof path, "%s/precious", s->dir);
  fclose(fopen(path, "w"));
  const struct live_options options = {.dir = s->dir, .bindir = bindir};
  assert_int_equal(live_start(&s->run, &s->plan, &options, err, sizeof err), 2);
  assert_non_null(strstr(err, "precious"));
  assert_int_equal(access(path, F_OK), 0);
  free(s);
}

/* --- kill -9 ------------------------------------------------------------- */

/* What a run could leave, as far as it is known from outside when it is killed. */
struct trail {
  uint64_t pid_ns;             /* inode of the run's PID namespace */
  struct netns_name net_ns[4]; /* of its hosts; 0 = not made yet */
  uint32_t program;            /* id of its BPF program; 0 = not loaded yet */
};

static uint64_t ns_inode(pid_t pid, const char *kind) {
  char path[64];
  struct stat st;
  snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kind);
  return stat(path, &st) == 0 ? st.st_ino : 0;
}

static int processes_in(uint64_t pid_ns) {
  int n = 0;
  DIR *dir = opendir("/proc");
  struct dirent *entry;
  assert_non_null(dir);
  while ((entry = readdir(dir)) != NULL)
    n += atoi(entry->d_name) > 0 && ns_inode(atoi(entry->d_name), "pid") == pid_ns;
  closedir(dir);
  return n;
}

/* How many of these namespaces a process or mount holds. */
static int held_namespaces(const struct netns_name *names) {
  json_t *found = json_pack("{s:[], s:[]}", "examined", "left");
  residue_outside(found, names, 4);
  int count = (int)json_array_size(json_object_get(found, "left"));
  json_decref(found);
  return count;
}

static bool bpf_lives(uint32_t id) {
  int fd = id != 0 ? bpf_prog_get_fd_by_id(id) : -1;
  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

static bool anything_left(const struct trail *t) {
  return processes_in(t->pid_ns) > 0 || held_namespaces(t->net_ns) > 0 || bpf_lives(t->program);
}

static uint32_t bpf_id_of(const struct scene *s) {
  char path[128];
  uint32_t id = 0;
  snprintf(path, sizeof path, "%s/log/bpf-id", s->dir);
  FILE *f = fopen(path, "r");
  if (f == NULL)
    return 0;
  if (fscanf(f, "%u", &id) != 1)
    id = 0;
  fclose(f);
  return id;
}

struct news {
  pid_t cage;
  struct netns_name net_ns[4];
};

/* In a process of its own: a runner that tells what it knows and then follows its
 * run until it is killed. */
static _Noreturn void runner(struct scene *s, int tell) {
  struct news news = {0};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  scene_start(s);
  news.cage = s->run.cage.pid;
  if (write(tell, &news, sizeof news) < 0)
    _exit(1);
  for (;;) {
    struct pollfd fd = {.fd = s->run.cage.fd, .events = POLLIN};
    poll(&fd, 1, 1000);
    live_follow(&s->run);
    if (s->run.n_namespaces == 4 && news.net_ns[0].inode == 0) {
      memcpy(news.net_ns, s->run.namespaces, sizeof news.net_ns);
      if (write(tell, &news, sizeof news) < 0)
        _exit(1);
    }
    if (s->run.over) {
      live_finish(&s->run);
      pause();
    }
  }
}

static void assert_all_goes(const struct trail *t) {
  uint64_t until = clock_now() + BOUND_NS;
  while (anything_left(t) && clock_now() < until)
    poll(NULL, 0, 10);
  assert_int_equal(processes_in(t->pid_ns), 0);
  assert_int_equal(held_namespaces(t->net_ns), 0);
  assert_false(bpf_lives(t->program));
}

enum victim { RUNNER, CAGE };

/* Kills after delay_ms; returns what there was to leave. */
static struct trail kill_after(int delay_ms, enum victim victim) {
  setenv("FAKE", "relay-bpf", 1);
  struct scene *s = scene_make("killed");
  s->plan.duration_ns = 600 * CLOCK_S; /* it never gets to its end by itself */
  int fds[2];
  assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0)
    runner(s, fds[1]);
  close(fds[1]);
  struct pollfd wait = {.fd = fds[0], .events = POLLIN};
  assert_int_equal(poll(&wait, 1, 60000), 1);
  struct news news;
  assert_int_equal(read(fds[0], &news, sizeof news), sizeof news);
  struct trail trail = {.pid_ns = ns_inode(news.cage, "pid")};
  assert_int_not_equal(trail.pid_ns, 0);
  assert_true(processes_in(trail.pid_ns) > 0);
  poll(NULL, 0, delay_ms);
  while (read(fds[0], &news, sizeof news) == sizeof news)
    ;
  memcpy(trail.net_ns, news.net_ns, sizeof trail.net_ns);
  close(fds[0]);
  kill(victim == CAGE ? news.cage : pid, SIGKILL);
  trail.program = bpf_id_of(s);
  if (victim == RUNNER)
    waitpid(pid, NULL, 0);
  assert_all_goes(&trail);
  if (victim == CAGE) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  }
  free(s);
  return trail;
}

/* At moments from the first millisecond to the middle of publishing. */
static void killing_it_leaves_nothing(enum victim victim) {
  static const int delays_ms[] = {0, 1, 3, 8, 15, 30, 60, 120, 250, 500, 1000, 3000};
  need_root();
  struct trail last = {0};
  for (size_t i = 0; i < sizeof delays_ms / sizeof *delays_ms; i++)
    last = kill_after(delays_ms[i], victim);
  /* the test would be worthless if there had never been anything to leave */
  assert_int_not_equal(last.net_ns[0].inode, 0);
  assert_int_not_equal(last.program, 0);
}

static void killing_the_runner_leaves_nothing(void **state) {
  (void)state;
  killing_it_leaves_nothing(RUNNER);
}

static void killing_the_cage_leaves_nothing(void **state) {
  (void)state;
  killing_it_leaves_nothing(CAGE);
}

/* The eye of the test itself: it sees what is there. */
static void what_lives_is_seen(void **state) {
  (void)state;
  need_root();
  struct netns_name mine[4] = {{0}};
  assert_int_equal(netns_name_of("/proc/self/ns/net", &mine[0]), 0);
  assert_int_equal(mine[0].inode, ns_inode(getpid(), "net"));
  assert_true(processes_in(ns_inode(getpid(), "pid")) > 0);
  assert_true(held_namespaces(mine) > 0);
}

int main(int argc, char **argv) {
  fake_play(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_run_goes_well),
      cmocka_unit_test(an_event_is_recorded),
      cmocka_unit_test(a_refused_event_ends_the_run),
      cmocka_unit_test(a_killed_relay_that_restarts_is_no_finding),
      cmocka_unit_test(a_stalled_process_goes_on),
      cmocka_unit_test(a_stalled_process_can_be_killed),
      cmocka_unit_test(a_vanished_subscriber_is_no_finding),
      cmocka_unit_test(a_dying_relay_ends_the_run),
      cmocka_unit_test(garbage_on_the_channel_ends_the_run),
      cmocka_unit_test(a_long_log_is_cut),
      cmocka_unit_test(a_missing_program_is_named),
      cmocka_unit_test(a_foreign_directory_is_refused),
      cmocka_unit_test(what_lives_is_seen),
      cmocka_unit_test(killing_the_runner_leaves_nothing),
      cmocka_unit_test(killing_the_cage_leaves_nothing),
  };
  if (mkdtemp(base) == NULL)
    return 1;
  bindir = fake_bindir();
  int rc = cmocka_run_group_tests(tests, NULL, NULL);
  fake_bindir_remove();
  if (rc == 0) {
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", base);
    if (system(command) != 0)
      return 1;
  }
  return rc;
}
