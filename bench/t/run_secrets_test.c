/* Each capture holds the secrets of its own connections, and never one too few: sealed
 * runs with a reconnect, a late subscriber and a shared host, judged without a key log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "bench/net/topology.h"
#include "bench/run/capture_file.h"
#include "bench/run/capture_secrets.h"
#include "bench/run/virtual_net.h"
#include "bench/sim/sim.h"
#include "bench/t/scenario_text.h"
#include "pcap-tools/judge.h"

#define LINES_EACH 4 /* of one connection; relay and endpoint both write them */

/* pub; sub[0], sub[1]; late; and seven on one host, so that their link has more connections
 * than the room in front of a capture takes. */
static const char *const text =
    "scenario: small\nduration: 1s\n"
    "nodes:\n  pub: { role: publisher }\n"
    "  relay: { role: relay, datapath: stock, protection: tls }\n"
    "  sub: { role: subscriber, count: 2 }\n  late: { role: subscriber }\n"
    "  crowd: { role: subscriber, count: 7, per_host: 7 }\n"
    "links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub] }\n"
    "  - { between: [relay, late] }\n  - { between: [relay, crowd] }\n"
    "tracks:\n  chat: { from: pub, as: datagrams, every: 20ms, size: 200 }\n"
    "subscriptions:\n  - { who: sub, tracks: [chat] }\n  - { who: crowd, tracks: [chat] }\n"
    "  - { who: late, tracks: [chat], at: 500ms }\n"
    "timeline:\n  - { at: 300ms, node: \"sub[0]\", do: reconnect, same_port: true }\n";
enum { LINK_PUB, LINK_SUB0, LINK_SUB1, LINK_LATE, LINK_CROWD, N_LINKS };

static const size_t connections[N_LINKS] = {1, 2, 1, 1, 7};

struct frame_seen {
  size_t link;
  uint64_t at_ns;
  uint32_t len;
  uint8_t *bytes;
};

/* All frames at the relay, of one run that all cases look at. */
static struct {
  struct frame_seen *frames;
  size_t n, room;
  struct keylog keys;
} run;

static void on_frame(void *arg, size_t link, int end, uint64_t now_ns, const uint8_t *frame,
                     size_t len) {
  (void)arg;
  (void)end; /* a plain link is seen at the relay only */
  if (run.n == run.room) {
    run.room = run.room * 2 + 1024;
    run.frames = realloc(run.frames, run.room * sizeof *run.frames);
    assert_non_null(run.frames);
  }
  struct frame_seen *seen = &run.frames[run.n++];
  *seen = (struct frame_seen){
      .link = link, .at_ns = now_ns, .len = (uint32_t)len, .bytes = malloc(len)};
  assert_non_null(seen->bytes);
  memcpy(seen->bytes, frame, len);
}

static void play(void) {
  char err[512], log[600];
  struct topology net;
  struct virtual_net ends;
  struct sim_outcome outcome;
  struct plan *plan = text_plan(text);
  snprintf(log, sizeof log, "%s/log", text_dir());
  mkdir(log, 0755);
  assert_int_equal(topology_plan(plan, &net, err, sizeof err), 0);
  assert_int_equal(virtual_net_open(&ends, plan, &net), 0);
  const struct sim_config config = {.plan = plan,
                                    .dir = text_dir(),
                                    .wires = ends.wires,
                                    .first_ifindex = ends.first_ifindex,
                                    .ports = ends.ports,
                                    .no_qlog = true,
                                    .tap = on_frame};
  if (sim_run(&config, &outcome, err, sizeof err) != 0)
    fail_msg("%s", err);
  assert_string_equal(outcome.ended, "");
  sim_outcome_free(&outcome);
  virtual_net_free(&ends);
  topology_free(&net);
  plan_free(plan);
  assert_int_equal(keylog_load(&run.keys, text_dir(), err, sizeof err), 0);
}

static int setup(void **state) {
  if (text_setup(state) != 0)
    return -1;
  play();
  return 0;
}

static int teardown(void **state) {
  for (size_t i = 0; i < run.n; i++)
    free(run.frames[i].bytes);
  free(run.frames);
  keylog_free(&run.keys);
  return text_teardown(state);
}

static size_t count_lines(const char *bytes, size_t len) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++)
    n += bytes[i] == '\n' && i > 0 && bytes[i - 1] != '\n';
  return n;
}

/* The lines for the frames of one link, or of all with N_LINKS. */
static size_t picked(struct capture_secrets *secrets, bool whole) {
  char *lines;
  size_t len;
  assert_int_equal(capture_secrets_pick(secrets, &run.keys, whole, &lines, &len), 0);
  const size_t n = lines != NULL ? count_lines(lines, len) : 0;
  free(lines);
  capture_secrets_free(secrets);
  return n;
}

static void see_link(struct capture_secrets *secrets, size_t link) {
  for (size_t i = 0; i < run.n; i++)
    if (link == N_LINKS || run.frames[i].link == link)
      capture_secrets_see(secrets, run.frames[i].bytes, run.frames[i].len);
}

static size_t all_lines(void) {
  return count_lines(run.keys.text, run.keys.len);
}

static size_t first_of(size_t link) {
  for (size_t i = 0; i < run.n; i++)
    if (run.frames[i].link == link)
      return i;
  fail_msg("link %zu: no frame", link);
  return 0;
}

/* ---- which secrets ------------------------------------------------------------------------- */

static void its_own_and_no_others(void **state) {
  (void)state;
  size_t sum = 0;
  for (size_t link = 0; link < N_LINKS; link++) {
    struct capture_secrets secrets = {0};
    see_link(&secrets, link);
    const size_t n = picked(&secrets, true);
    assert_int_equal(n, LINES_EACH * connections[link]);
    sum += n;
  }
  assert_int_equal(2 * sum, all_lines());
  struct capture_secrets every = {0};
  see_link(&every, N_LINKS);
  assert_int_equal(picked(&every, true), sum);
}

static void lost_packets_take_all(void **state) {
  (void)state;
  struct capture_secrets secrets = {0};
  see_link(&secrets, LINK_SUB1);
  assert_int_equal(picked(&secrets, false), all_lines());
}

/* As if the capture had begun behind the handshake: nothing in it names the connection. */
static void no_hello_takes_all(void **state) {
  (void)state;
  struct capture_secrets secrets = {0};
  size_t skipped = 0;
  for (size_t i = 0; i < run.n; i++)
    if (run.frames[i].link == LINK_SUB1 && skipped++ >= 10)
      capture_secrets_see(&secrets, run.frames[i].bytes, run.frames[i].len);
  assert_true(skipped > 20);
  assert_int_equal(picked(&secrets, true), all_lines());
}

/* A hello changed on the way cannot be read; the same sent again can. */
static void changed_hello_takes_all_until_it_is_sent_again(void **state) {
  (void)state;
  const struct frame_seen *hello = &run.frames[first_of(LINK_SUB1)];
  uint8_t *changed = malloc(hello->len);
  memcpy(changed, hello->bytes, hello->len);
  changed[hello->len - 30] ^= 4;
  for (int again = 0; again < 2; again++) {
    struct capture_secrets secrets = {0};
    see_link(&secrets, LINK_SUB0); /* another host's connection explains nothing */
    capture_secrets_see(&secrets, changed, hello->len);
    if (again)
      capture_secrets_see(&secrets, hello->bytes, hello->len);
    assert_int_equal(picked(&secrets, true), again ? LINES_EACH * 3 : all_lines());
  }
  free(changed);
}

/* The second hello between the same two hosts is the one that cannot be read. */
static void second_hello_of_a_host_counts_too(void **state) {
  (void)state;
  struct capture_secrets secrets = {0};
  size_t hellos = 0;
  for (size_t i = 0; i < run.n; i++) {
    const struct frame_seen *frame = &run.frames[i];
    struct hello hello;
    uint8_t random[HELLO_RANDOM];
    uint8_t copy[2048];
    if (frame->link != LINK_SUB0)
      continue;
    assert_true(frame->len <= sizeof copy);
    memcpy(copy, frame->bytes, frame->len);
    if (hello_parse(&hello, copy + 42, frame->len - 42) &&
        hello_random(&hello, copy + 42, random) && hellos++ == 1)
      copy[frame->len - 30] ^= 1;
    capture_secrets_see(&secrets, copy, frame->len);
  }
  assert_int_equal(hellos, 2);
  assert_int_equal(picked(&secrets, true), all_lines());
}

/* What is no UDP is nobody's connection. */
static void other_frames_ask_for_nothing(void **state) {
  (void)state;
  struct capture_secrets secrets = {0};
  uint8_t frame[60] = {0};
  frame[12] = 0x08;
  frame[13] = 0x06; /* ARP */
  capture_secrets_see(&secrets, frame, sizeof frame);
  frame[13] = 0x00;
  frame[14] = 0x45;
  frame[23] = 1; /* ICMP */
  capture_secrets_see(&secrets, frame, sizeof frame);
  capture_secrets_see(&secrets, frame, 20);
  assert_int_equal(picked(&secrets, true), 0);
  frame[23] = 17; /* UDP, whosever */
  capture_secrets_see(&secrets, frame, sizeof frame);
  assert_int_equal(picked(&secrets, true), all_lines());
}

/* ---- the log ---------------------------------------------------------------------------------- */

static void log_keeps_whole_lines_once(void **state) {
  (void)state;
  char err[256], dir[600], line[200], *lines;
  uint8_t random[1][HELLO_RANDOM];
  struct keylog log;
  size_t len;
  memset(random, 0xab, sizeof random);
  snprintf(line, sizeof line, "LABEL %064d 01\nLABEL ", 7);
  for (int i = 0; i < HELLO_RANDOM; i++)
    strcat(line, "aB");
  snprintf(dir, sizeof dir, "%s/log", text_dir());
  snprintf(err, sizeof err, "log/keys.log");
  char file[1200];
  const int n = snprintf(file, sizeof file, "# note\n%s 02\nLABEL short\n%s 02\n%s 03\n%s 0", line,
                         line, line, line);
  text_file(err, file, (size_t)n);
  assert_int_equal(keylog_load(&log, dir, err, sizeof err), 0);
  assert_int_equal(keylog_pick(&log, (const uint8_t(*)[HELLO_RANDOM])random, 1, &lines, &len), 0);
  assert_int_equal(count_lines(lines, len), 2);
  assert_non_null(strstr(lines, " 02\n"));
  assert_non_null(strstr(lines, " 03\n"));
  free(lines);
  keylog_free(&log);
}

static void no_log_is_an_empty_one(void **state) {
  (void)state;
  char err[256];
  struct keylog log;
  assert_int_equal(keylog_load(&log, "/nonexistent", err, sizeof err), 0);
  assert_int_equal(log.len, 0);
  keylog_free(&log);
}

/* ---- the file ------------------------------------------------------------------------------------ */

static uint32_t word_at(const uint8_t *at) {
  uint32_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

/* Lines of the block of secrets, which stands in front of the packets. */
static size_t lines_in_front(const char *path) {
  static uint8_t head[65536];
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  const size_t n = fread(head, 1, sizeof head, f);
  fclose(f);
  size_t at = word_at(head + 4);
  at += word_at(head + at + 4);
  assert_int_equal(word_at(head + at), 0x0A);
  const uint32_t len = word_at(head + at + 12);
  assert_true(at + 16 + len < n);
  const uint8_t *next = head + at + word_at(head + at + 4);
  assert_int_equal(word_at(next), 6);
  return count_lines((const char *)head + at + 16, len);
}

static void write_link(size_t link, const char *path, const struct keylog *keys) {
  struct capture_file *file = capture_file_open(path, "eth0");
  assert_non_null(file);
  for (size_t i = 0; i < run.n; i++) {
    const struct frame_seen *frame = &run.frames[i];
    if (frame->link == link)
      capture_file_packet(file, frame->at_ns, frame->bytes, frame->len, frame->len);
  }
  assert_int_equal(capture_file_close(file, keys, 0), 0);
}

static void assert_same_packets(size_t link, const char *path) {
  char why[PCAP_ERRBUF_SIZE];
  pcap_t *pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
  if (pcap == NULL)
    fail_msg("%s: %s", path, why);
  struct pcap_pkthdr *header;
  const u_char *data;
  for (size_t i = 0; i < run.n; i++) {
    const struct frame_seen *frame = &run.frames[i];
    if (frame->link != link)
      continue;
    assert_int_equal(pcap_next_ex(pcap, &header, &data), 1);
    assert_int_equal(header->caplen, frame->len);
    assert_int_equal((uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec,
                     frame->at_ns);
    assert_memory_equal(data, frame->bytes, frame->len);
  }
  assert_int_equal(pcap_next_ex(pcap, &header, &data), PCAP_ERROR_BREAK);
  pcap_close(pcap);
}

/* Two connections' secrets fit in front, seven's do not: both files are whole. */
static void secrets_stand_in_front(void **state) {
  (void)state;
  static const size_t links[] = {LINK_SUB0, LINK_CROWD};
  for (size_t i = 0; i < 2; i++) {
    char path[600];
    snprintf(path, sizeof path, "%s/a.pcapng", text_dir());
    write_link(links[i], path, &run.keys);
    assert_int_equal(lines_in_front(path), LINES_EACH * connections[links[i]]);
    assert_same_packets(links[i], path);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    unlink(path);
  }
}

/* Whoever dies before the end leaves a file that can be read, without secrets. */
static void unfinished_file_is_readable(void **state) {
  (void)state;
  char path[600], why[PCAP_ERRBUF_SIZE];
  snprintf(path, sizeof path, "%s/b.pcapng", text_dir());
  struct capture_file *file = capture_file_open(path, "eth0");
  capture_file_packet(file, 5, run.frames[0].bytes, run.frames[0].len, run.frames[0].len);
  assert_int_equal(capture_file_packets(file), 1);
  capture_file_discard(file);
  assert_int_equal(lines_in_front(path), 0);
  pcap_t *pcap = pcap_open_offline(path, why);
  assert_non_null(pcap);
  struct pcap_pkthdr *header;
  const u_char *data;
  assert_int_equal(pcap_next_ex(pcap, &header, &data), 1);
  pcap_close(pcap);
}

static void full_disk_is_an_error(void **state) {
  (void)state;
  struct capture_file *file = capture_file_open("/dev/full", "eth0");
  if (file == NULL) {
    print_message("needs /dev/full\n");
    skip();
  }
  capture_file_packet(file, 5, run.frames[0].bytes, run.frames[0].len, run.frames[0].len);
  assert_int_equal(capture_file_close(file, &run.keys, 0), -1);
}

/* ---- the judge, who has nothing but the capture ---------------------------------------------------- */

static void judge(size_t link, const struct keylog *keys, bool opens) {
  char path[600], err[512];
  struct judge_report *report;
  snprintf(path, sizeof path, "%s/c.pcapng", text_dir());
  write_link(link, path, keys);
  const char *const files[] = {path};
  if (judge_captures(files, 1, NULL, &report, err, sizeof err) != 0)
    fail_msg("%s", err);
  assert_true(report->packets > 10);
  if (opens)
    assert_int_equal(report->packets_opened, report->packets);
  else
    assert_true(report->packets_opened < report->packets);
  judge_report_free(report);
}

static void judge_opens_every_packet(void **state) {
  (void)state;
  for (size_t link = 0; link < N_LINKS; link++)
    judge(link, &run.keys, true);
}

/* So the case above can fail. */
static void judge_opens_nothing_without_secrets(void **state) {
  (void)state;
  const struct keylog none = {0};
  judge(LINK_SUB1, &none, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(its_own_and_no_others),
      cmocka_unit_test(lost_packets_take_all),
      cmocka_unit_test(no_hello_takes_all),
      cmocka_unit_test(changed_hello_takes_all_until_it_is_sent_again),
      cmocka_unit_test(second_hello_of_a_host_counts_too),
      cmocka_unit_test(other_frames_ask_for_nothing),
      cmocka_unit_test(log_keeps_whole_lines_once),
      cmocka_unit_test(no_log_is_an_empty_one),
      cmocka_unit_test(secrets_stand_in_front),
      cmocka_unit_test(unfinished_file_is_readable),
      cmocka_unit_test(full_disk_is_an_error),
      cmocka_unit_test(judge_opens_every_packet),
      cmocka_unit_test(judge_opens_nothing_without_secrets),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
