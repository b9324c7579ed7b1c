/* Around the core: journal lines, early data, control messages, files, sockets. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "bench/peer/early.h"
#include "bench/peer/peer_control.h"
#include "bench/peer/peer_files.h"
#include "bench/peer/peer_socket.h"
#include "bench/t/peer_rig.h"

#define PLAN                                                                                       \
  "scenario: s\nduration: 1s\nnodes:\n  relay: { role: relay }\n  pub: { role: publisher }\n"      \
  "  sub: { role: subscriber, count: 2 }\nlinks:\n  - { between: [pub, relay] }\n"                 \
  "  - { between: [relay, sub] }\ntracks:\n"                                                       \
  "  chat: { from: pub, as: datagrams, every: 20ms, size: 200 }\n"                                 \
  "  clip: { from: pub, as: subgroups, every: 20ms, size: 4, file: clip.bin }\n"                   \
  "subscriptions:\n  - { who: sub, tracks: [chat, clip] }\n"

/* ---- journal ------------------------------------------------------------------------- */

static json_t *last_line;

static void keep_line(void *arg, const char *line, size_t len) {
  (void)arg;
  json_decref(last_line);
  assert_int_equal(line[len - 1], '\n');
  assert_null(memchr(line, '\n', len - 1));
  last_line = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(last_line);
}

static void check_line(const char *expected) {
  json_t *wanted = json_loads(expected, 0, NULL);
  assert_non_null(wanted);
  if (!json_equal(wanted, last_line)) {
    char *text = json_dumps(last_line, 0);
    fail_msg("expected %s\nfound %s", expected, text);
  }
  json_decref(wanted);
  json_decref(last_line);
  last_line = NULL;
}

static void journal_lines(void **state) {
  const struct journal j = {.write = keep_line};
  struct journal_object o = {.track = "video",
                             .group = 9,
                             .object = 3,
                             .has_subgroup = true,
                             .subgroup = 2,
                             .size = 1000,
                             .hash = 0x0123456789abcdef,
                             .priority = 255};
  (void)state;
  journal_published(&j, 5, 0, &o);
  check_line(
      "{\"ev\":\"published\",\"t\":5,\"track\":\"video\",\"group\":9,\"subgroup\":2,"
      "\"object\":3,\"size\":1000,\"hash\":\"0123456789abcdef\",\"priority\":255}");
  journal_published(&j, 5, 3, &o);
  check_line(
      "{\"ev\":\"published\",\"t\":5,\"track\":\"video\",\"group\":9,\"subgroup\":2,"
      "\"object\":3,\"size\":1000,\"hash\":\"0123456789abcdef\",\"priority\":255,\"waited\":3}");
  journal_delivered(&j, UINT64_C(9223372036854775807), &o);
  check_line(
      "{\"ev\":\"delivered\",\"t\":9223372036854775807,\"track\":\"video\",\"group\":9,"
      "\"subgroup\":2,\"object\":3,\"size\":1000,\"hash\":\"0123456789abcdef\","
      "\"priority\":255,\"as\":\"subgroup\"}");
  journal_stream_done(&j, 5, &o);
  check_line("{\"ev\":\"stream_done\",\"t\":5,\"track\":\"video\",\"group\":9,\"subgroup\":2}");
  journal_reset(&j, 5, &o, 18);
  check_line(
      "{\"ev\":\"reset\",\"t\":5,\"track\":\"video\",\"group\":9,\"subgroup\":2,\"code\":18}");
  journal_status(&j, 5, &o, 3);
  check_line(
      "{\"ev\":\"status\",\"t\":5,\"track\":\"video\",\"group\":9,\"subgroup\":2,"
      "\"object\":3,\"status\":3}");
  o.has_subgroup = false;
  o.hash = 0;
  journal_delivered(&j, 0, &o);
  check_line(
      "{\"ev\":\"delivered\",\"t\":0,\"track\":\"video\",\"group\":9,\"subgroup\":null,"
      "\"object\":3,\"size\":1000,\"hash\":\"0000000000000000\",\"priority\":255,"
      "\"as\":\"datagram\"}");
  journal_unsent(&j, 5, &o, "too big");
  check_line(
      "{\"ev\":\"unsent\",\"t\":5,\"track\":\"video\",\"group\":9,\"subgroup\":null,"
      "\"object\":3,\"size\":1000,\"reason\":\"too big\"}");
  journal_reset(&j, 5, &(struct journal_object){0}, 1);
  check_line(
      "{\"ev\":\"reset\",\"t\":5,\"track\":null,\"group\":null,\"subgroup\":null,\"code\":1}");
}

static void journal_of_a_session(void **state) {
  const struct journal j = {.write = keep_line};
  const struct qc_cid odcid = {.len = 3, .data = {0, 0xab, 0xcd}};
  struct qc_path path = {.local = memnet_addr(1, 20001), .remote = memnet_addr(2, 4433)};
  (void)state;
  journal_subscribed(&j, 1, "chat", 7, (struct journal_location){0});
  check_line("{\"ev\":\"subscribed\",\"t\":1,\"track\":\"chat\",\"alias\":7,\"largest\":null}");
  journal_subscribed(&j, 1, "chat", 7, (struct journal_location){true, 4, 5});
  check_line("{\"ev\":\"subscribed\",\"t\":1,\"track\":\"chat\",\"alias\":7,\"largest\":[4,5]}");
  journal_unsubscribed(&j, 1, "chat");
  check_line("{\"ev\":\"unsubscribed\",\"t\":1,\"track\":\"chat\"}");
  journal_refused(&j, 1, "chat", 16, "\"\\\n\xff");
  check_line(
      "{\"ev\":\"refused\",\"t\":1,\"track\":\"chat\",\"code\":16,"
      "\"reason\":\"\\\"\\\\\\n\\u00ff\"}");
  journal_done(&j, 1, "chat", 2, 10);
  check_line("{\"ev\":\"done\",\"t\":1,\"track\":\"chat\",\"status\":2,\"streams\":10}");
  journal_done(&j, 1, "chat", 0, UINT64_MAX);
  check_line("{\"ev\":\"done\",\"t\":1,\"track\":\"chat\",\"status\":0,\"streams\":null}");
  journal_discarded(&j, 1, 77, 12);
  check_line("{\"ev\":\"discarded\",\"t\":1,\"alias\":77,\"bytes\":12}");
  journal_connected(&j, 1, &odcid, &path);
  check_line(
      "{\"ev\":\"connected\",\"t\":1,\"conn\":\"00abcd\",\"local\":\"10.0.0.1:20001\","
      "\"remote\":\"10.0.0.2:4433\"}");
  path.local.in6 = (struct sockaddr_in6){
      .sin6_family = AF_INET6, .sin6_port = htons(7), .sin6_addr = {.s6_addr = {0xfd, [15] = 1}}};
  journal_connected(&j, 1, &odcid, &path);
  check_line(
      "{\"ev\":\"connected\",\"t\":1,\"conn\":\"00abcd\",\"local\":\"[fd00::1]:7\","
      "\"remote\":\"10.0.0.2:4433\"}");
  journal_closed(&j, 1, &odcid,
                 &(struct qc_close_info){
                     .by = QC_CLOSED_PEER, .application = true, .code = 3, .reason = "bad"});
  check_line(
      "{\"ev\":\"closed\",\"t\":1,\"conn\":\"00abcd\",\"by\":\"peer\","
      "\"space\":\"application\",\"code\":3,\"reason\":\"bad\"}");
  journal_closed(&j, 1, &odcid, &(struct qc_close_info){.by = QC_CLOSED_IDLE});
  check_line(
      "{\"ev\":\"closed\",\"t\":1,\"conn\":\"00abcd\",\"by\":\"idle\","
      "\"space\":\"transport\",\"code\":0,\"reason\":\"\"}");
}

/* The longest text that a peer can cause still makes a whole line. */
static void journal_takes_long_text(void **state) {
  const struct journal j = {.write = keep_line};
  char reason[2000];
  (void)state;
  memset(reason, 1, sizeof reason);
  reason[sizeof reason - 1] = '\0';
  journal_refused(&j, UINT64_MAX / 2, "a-name-of-forty-eight-bytes-which-is-the-longest", 1,
                  reason);
  assert_int_equal(json_integer_value(json_object_get(last_line, "code")), 1);
  json_decref(last_line);
  last_line = NULL;
}

/* ---- early data --------------------------------------------------------------------------- */

static void early_keeps_order_and_bound(void **state) {
  struct early early;
  struct early_item *item;
  (void)state;
  early_init(&early, 100);
  assert_int_equal(early_add(&early, 3, 1, (const uint8_t *)"abc", 3, false), 0);
  assert_int_equal(early_add(&early, EARLY_DATAGRAM, 2, (const uint8_t *)"d", 1, true), 0);
  assert_int_equal(early_append(&early, 3, (const uint8_t *)"ef", 2, true), 0);
  assert_int_equal(early_append(&early, 9, (const uint8_t *)"x", 1, true), 0); /* not here */
  uint8_t big[95] = {0};
  assert_int_equal(early_add(&early, 7, 1, big, 95, true), -1); /* 6 of 100 are taken */
  assert_int_equal(early_add(&early, 7, 1, big, 90, false), 0);
  assert_int_equal(early_append(&early, 7, big, 5, false), -1); /* it goes, all of it */
  assert_int_equal(early.bytes, 6);
  item = early_take(&early);
  assert_int_equal(item->sid, 3);
  assert_int_equal(item->len, 5);
  assert_memory_equal(item->data, "abcef", 5);
  assert_true(item->fin);
  early_free(item);
  item = early_take(&early);
  assert_int_equal(item->sid, EARLY_DATAGRAM);
  early_free(item);
  assert_null(early_take(&early));
  assert_int_equal(early_add(&early, 11, 1, big, 90, false), 0);
  assert_false(early_reset(&early, 7, 5)); /* gone */
  assert_true(early_reset(&early, 11, 5));
  item = early_take(&early);
  assert_true(item->reset);
  assert_int_equal(item->code, 5);
  early_free(item);
  assert_int_equal(early.bytes, 0);
  early_clear(&early);
}

/* ---- control --------------------------------------------------------------------------------- */

static int parse(const struct plan *plan, const char *text, struct peer_control_message *out) {
  const char *why = NULL;
  const int result = peer_control_parse(plan, text, strlen(text), out, &why);
  assert_int_equal(result != 0, why != NULL);
  return result;
}

static void commands_are_read(void **state) {
  struct peer_control_message m;
  char dir[64];
  struct plan *plan = rig_plan(PLAN, "clip.bin", "0123456789", 10, dir);
  (void)state;
  assert_int_equal(parse(plan, "{\"do\":\"start\",\"t0\":123}", &m), 0);
  assert_int_equal(m.command.what, PEER_DO_START);
  assert_int_equal(m.command.t0_ns, 123);
  assert_false(m.command.again);
  assert_int_equal(parse(plan, "{\"do\":\"start\",\"t0\":123,\"again\":1}", &m), 0);
  assert_true(m.command.again);
  assert_int_equal(parse(plan, "{\"do\":\"poll\"}", &m), 0);
  assert_int_equal(m.command.what, PEER_DO_POLL);
  assert_int_equal(parse(plan, "{\"do\":\"stop\"}", &m), 0);
  assert_int_equal(m.command.what, PEER_DO_STOP);
  assert_int_equal(parse(plan, "{\"do\":\"event\",\"kind\":\"priority_limit\",\"value\":2}", &m),
                   0);
  assert_int_equal(m.command.event, PLAN_EV_PRIORITY_LIMIT);
  assert_int_equal(m.command.priority_limit, 2);
  assert_int_equal(parse(plan, "{\"do\":\"event\",\"kind\":\"priority_limit\",\"value\":null}", &m),
                   0);
  assert_int_equal(m.command.priority_limit, -1);
  assert_int_equal(parse(plan, "{\"do\":\"event\",\"kind\":\"reconnect\",\"same_port\":true}", &m),
                   0);
  assert_true(m.command.same_port);
  assert_int_equal(
      parse(plan, "{\"do\":\"event\",\"kind\":\"subscribe\",\"tracks\":[\"clip\",\"chat\"]}", &m),
      0);
  assert_int_equal(m.command.n_tracks, 2);
  assert_int_equal(m.command.tracks[0], 1);
  assert_int_equal(m.command.tracks[1], 0);
  rig_plan_free(plan, dir);
}

static void bad_commands_are_refused(void **state) {
  static const char *const bad[] = {
      "",
      "[]",
      "{\"do\":\"stop\"",
      "{\"do\":\"dance\"}",
      "{\"do\":\"start\"}",
      "{\"do\":\"start\",\"t0\":\"1\"}",
      "{\"do\":\"start\",\"t0\":-1}",
      "{\"do\":\"event\",\"kind\":\"dance\"}",
      "{\"do\":\"event\",\"kind\":\"priority_limit\",\"value\":256}",
      "{\"do\":\"event\",\"kind\":\"subscribe\",\"tracks\":[\"nosuch\"]}",
      "{\"do\":\"stop\",\"do\":\"poll\"}",
  };
  struct peer_control_message m;
  char dir[64];
  struct plan *plan = rig_plan(PLAN, "clip.bin", "0123456789", 10, dir);
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (parse(plan, bad[i], &m) == 0)
      fail_msg("accepted: %s", bad[i]);
  rig_plan_free(plan, dir);
}

static void check_event(int fds[2], const struct peer_event *event, const char *expected) {
  char text[1024];
  peer_control_tell(fds[0], event);
  const ssize_t n = recv(fds[1], text, sizeof text, MSG_DONTWAIT);
  assert_true(n > 0);
  last_line = json_loadb(text, (size_t)n, 0, NULL);
  check_line(expected);
}

static void events_are_messages(void **state) {
  int fds[2];
  (void)state;
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
  check_event(fds, &(struct peer_event){.kind = PEER_ANNOUNCED}, "{\"ev\":\"announced\"}");
  check_event(
      fds,
      &(struct peer_event){
          .kind = PEER_PUBLISHED, .objects = 1, .planned = 2, .late_p99_ns = 3, .late_max_ns = 4},
      "{\"ev\":\"published\",\"objects\":1,\"planned\":2,\"late_p99_ns\":3,"
      "\"late_max_ns\":4}");
  check_event(fds, &(struct peer_event){.kind = PEER_ANSWERED, .ok = 1, .refused = 2},
              "{\"ev\":\"answered\",\"ok\":1,\"refused\":2}");
  check_event(fds, &(struct peer_event){.kind = PEER_STATE, .objects = 1, .last_rx_ns = 2},
              "{\"ev\":\"state\",\"objects\":1,\"last_rx_ns\":2}");
  check_event(fds, &(struct peer_event){.kind = PEER_DID, .command = PLAN_EV_REBIND, .done = true},
              "{\"ev\":\"did\",\"kind\":\"rebind\",\"ok\":true}");
  check_event(fds, &(struct peer_event){.kind = PEER_FAILED, .text = "no"},
              "{\"ev\":\"error\",\"text\":\"no\"}");
  check_event(fds, &(struct peer_event){.kind = PEER_BYE}, "{\"ev\":\"bye\"}");
  close(fds[1]);
  peer_control_tell(fds[0], &(struct peer_event){.kind = PEER_BYE}); /* nobody there: no signal */
  close(fds[0]);
}

/* ---- files ------------------------------------------------------------------------------------- */

static void check_file(const char *dir, const char *name, const char *expected) {
  char path[256], text[256];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *from = fopen(path, "r");
  if (!from)
    fail_msg("expected a file %s", path);
  const size_t n = fread(text, 1, sizeof text - 1, from);
  text[n] = '\0';
  fclose(from);
  assert_string_equal(text, expected);
}

static void remove_all(const char *dir) {
  char path[512];
  DIR *list = opendir(dir);
  const struct dirent *entry;
  assert_non_null(list);
  while ((entry = readdir(list))) {
    snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
    if (entry->d_name[0] != '.' && unlink(path))
      remove_all(path);
  }
  closedir(list);
  rmdir(dir);
}

static size_t descriptors(void) {
  size_t n = 0;
  DIR *list = opendir("/proc/self/fd");
  assert_non_null(list);
  while (readdir(list))
    n++;
  closedir(list);
  return n;
}

/* held: descriptors that the files keep while nothing is written. */
static void check_files(size_t n_nodes, size_t held) {
  char dir[64], out[] = "/tmp/peer-test-out-XXXXXX", err[256];
  struct plan *plan = rig_plan(PLAN, "clip.bin", "0123456789", 10, dir);
  const int node = plan_node_find(plan, "sub[1]");
  const size_t n_planned = plan->n_nodes, before = descriptors();
  size_t len = 0;
  assert_non_null(mkdtemp(out));
  plan->n_nodes = n_nodes;
  struct peer_files *files = peer_files_open(plan, node, out, err, sizeof err);
  assert_non_null(files);
  peer_files_journal(files, "{1}\n", 4);
  check_file(out, "sub.1-objects.jsonl", ""); /* not yet */
  peer_files_flush(files);
  check_file(out, "sub.1-objects.jsonl", "{1}\n");
  peer_files_keylog(files, "CLIENT_RANDOM 00 11");
  check_file(out, "keys.log", "CLIENT_RANDOM 00 11\n"); /* at once */
  peer_files_qlog(files, 1, "a", 1);
  peer_files_qlog(files, 1, "b", 1);
  peer_files_qlog(files, 2, "c", 1);
  assert_int_equal(descriptors(), before + held);
  peer_files_received(files, &plan->tracks[1], 4, (const uint8_t *)"4567", 4);
  peer_files_received(files, &plan->tracks[1], 0, (const uint8_t *)"0123", 4);
  assert_memory_equal(peer_files_map(files, &plan->tracks[1], &len), "0123456789", 10);
  assert_int_equal(len, 10);
  assert_int_equal(peer_files_close(files, err, sizeof err), 0);
  assert_int_equal(descriptors(), before);
  check_file(out, "qlog/sub.1.sqlog", "ab");
  check_file(out, "qlog/sub.1-2.sqlog", "c");
  check_file(out, "received/sub.1-clip", "01234567");
  /* The node comes again: nothing of before is lost. */
  files = peer_files_open(plan, node, out, err, sizeof err);
  assert_non_null(files);
  peer_files_journal(files, "{2}\n", 4);
  peer_files_keylog(files, "more");
  peer_files_qlog(files, 1, "d", 1);
  assert_int_equal(peer_files_close(files, err, sizeof err), 0);
  check_file(out, "sub.1-objects.jsonl", "{1}\n{2}\n");
  check_file(out, "keys.log", "CLIENT_RANDOM 00 11\nmore\n");
  check_file(out, "qlog/sub.1-3.sqlog", "d");
  remove_all(out);
  plan->n_nodes = n_planned;
  rig_plan_free(plan, dir);
}

static void files_of_a_node(void **state) {
  (void)state;
  check_files(3, 3); /* journal, keys, qlog */
}

/* A simulation of 10,000 nodes has no descriptors for their files. */
static void files_of_one_of_many_nodes(void **state) {
  (void)state;
  check_files(10000, 0);
}

/* A buffer that is full leaves in whole lines. */
static void journal_is_never_torn(void **state) {
  char dir[64], out[] = "/tmp/peer-test-out-XXXXXX", err[256], path[256], line[1000];
  struct plan *plan = rig_plan(PLAN, "clip.bin", "0123456789", 10, dir);
  struct stat st;
  (void)state;
  assert_non_null(mkdtemp(out));
  struct peer_files *files =
      peer_files_open(plan, plan_node_find(plan, "sub[0]"), out, err, sizeof err);
  assert_non_null(files);
  memset(line, 'x', sizeof line);
  for (int i = 0; i < 1500; i++)
    peer_files_journal(files, line, sizeof line);
  snprintf(path, sizeof path, "%s/sub.0-objects.jsonl", out);
  assert_int_equal(stat(path, &st), 0);
  assert_true(st.st_size > 0);
  assert_int_equal(st.st_size % (off_t)sizeof line, 0);
  assert_int_equal(peer_files_close(files, err, sizeof err), 0);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_size, 1500 * (off_t)sizeof line);
  remove_all(out);
  rig_plan_free(plan, dir);
}

static void trouble_with_files_is_told(void **state) {
  char dir[64], out[] = "/tmp/peer-test-out-XXXXXX", err[256] = "";
  struct plan *plan = rig_plan(PLAN, "clip.bin", "0123456789", 10, dir);
  (void)state;
  assert_null(peer_files_open(plan, 1, "/nowhere/at/all", err, sizeof err));
  assert_non_null(strstr(err, "/nowhere/at/all"));
  assert_non_null(mkdtemp(out));
  struct peer_files *files = peer_files_open(plan, 1, out, err, sizeof err);
  assert_non_null(files);
  peer_files_received(files, &plan->tracks[1], UINT64_MAX, (const uint8_t *)"x", 1);
  assert_int_equal(peer_files_close(files, err, sizeof err), -1);
  assert_non_null(strstr(err, out));
  remove_all(out);
  rig_plan_free(plan, dir);
}

/* ---- sockets ------------------------------------------------------------------------------------- */

struct caught {
  size_t n;
  char text[64];
  struct qc_addr local;
};

static void catch_packet(void *arg, const struct qc_path *path, const uint8_t *data, size_t len) {
  struct caught *caught = arg;
  caught->n++;
  caught->local = path->local;
  snprintf(caught->text, sizeof caught->text, "%.*s", (int)len, (const char *)data);
}

static struct qc_addr loopback(void) {
  struct qc_addr addr = {.len = sizeof addr.in};
  addr.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return addr;
}

static void send_text(struct peer_sockets *from, const struct qc_path *path, const char *text) {
  memcpy(peer_sockets_room(from), text, strlen(text));
  peer_sockets_queue(from, path, strlen(text));
  peer_sockets_flush(from);
}

static void wait_packet(struct peer_sockets *at, const struct qc_addr *remote,
                        struct caught *caught) {
  *caught = (struct caught){0};
  for (int i = 0; i < 1000 && caught->n == 0; i++) {
    peer_sockets_receive(at, remote, catch_packet, caught);
    usleep(1000);
  }
}

static void sockets_move(void **state) {
  struct qc_addr a_addr = loopback(), b_addr = loopback(), moved;
  struct peer_sockets *a = peer_sockets_open(&a_addr), *b = peer_sockets_open(&b_addr);
  struct caught caught;
  int fds[PEER_SOCKETS];
  (void)state;
  assert_non_null(a);
  assert_non_null(b);
  assert_true(a_addr.in.sin_port != 0 && a_addr.in.sin_port != b_addr.in.sin_port);
  const struct qc_path to_a = {.local = b_addr, .remote = a_addr};
  send_text(b, &to_a, "one");
  wait_packet(a, &b_addr, &caught);
  assert_string_equal(caught.text, "one");
  /* Another sender is nobody to this endpoint. */
  send_text(b, &to_a, "two");
  caught = (struct caught){0};
  assert_int_equal(peer_sockets_receive(a, &a_addr, catch_packet, &caught), 1);
  assert_int_equal(caught.n, 0);
  /* The same port again. */
  assert_int_equal(peer_sockets_move(a, PEER_MOVE_SAME_PORT, &moved), 0);
  assert_int_equal(moved.in.sin_port, a_addr.in.sin_port);
  assert_int_equal(peer_sockets_fds(a, fds), 1);
  send_text(b, &to_a, "three");
  wait_packet(a, &b_addr, &caught);
  assert_string_equal(caught.text, "three");
  /* A second one beside it: both hear, each sends from its own port. */
  assert_int_equal(peer_sockets_move(a, PEER_MOVE_BESIDE, &moved), 0);
  assert_int_not_equal(moved.in.sin_port, a_addr.in.sin_port);
  assert_int_equal(peer_sockets_fds(a, fds), 2);
  send_text(b, &to_a, "old");
  wait_packet(a, &b_addr, &caught);
  assert_string_equal(caught.text, "old");
  assert_int_equal(caught.local.in.sin_port, a_addr.in.sin_port);
  send_text(a, &(struct qc_path){.local = a_addr, .remote = b_addr}, "from old");
  wait_packet(b, &a_addr, &caught);
  assert_string_equal(caught.text, "from old");
  send_text(a, &(struct qc_path){.local = moved, .remote = b_addr}, "from new");
  wait_packet(b, &moved, &caught);
  assert_string_equal(caught.text, "from new");
  /* Another port instead. */
  assert_int_equal(peer_sockets_move(a, PEER_MOVE_NEW_PORT, &moved), 0);
  assert_int_equal(peer_sockets_fds(a, fds), 1);
  peer_sockets_close(a);
  peer_sockets_close(b);
}

static void sockets_of_a_taken_port(void **state) {
  struct qc_addr addr = loopback();
  struct peer_sockets *a = peer_sockets_open(&addr);
  struct qc_addr again = addr;
  (void)state;
  assert_non_null(a);
  assert_null(peer_sockets_open(&again));
  peer_sockets_close(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(journal_lines),
      cmocka_unit_test(journal_of_a_session),
      cmocka_unit_test(journal_takes_long_text),
      cmocka_unit_test(early_keeps_order_and_bound),
      cmocka_unit_test(commands_are_read),
      cmocka_unit_test(bad_commands_are_refused),
      cmocka_unit_test(events_are_messages),
      cmocka_unit_test(files_of_a_node),
      cmocka_unit_test(files_of_one_of_many_nodes),
      cmocka_unit_test(journal_is_never_torn),
      cmocka_unit_test(trouble_with_files_is_told),
      cmocka_unit_test(sockets_move),
      cmocka_unit_test(sockets_of_a_taken_port),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
