/* A live run over impaired links, as root: it passes, and what `fanbench fate` foretells,
 * what links.jsonl tells and what both captures of a link show is the same, packet for packet.
 * timeout: 300 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>
#include <pcap/pcap.h>
#include <xxhash.h>

#include "bench/net/wire/datagram.h"
#include "bench/scenario/plan.h"
#include "bench/t/scratch.h"

#define MAX_PACKETS       8192
#define EXIT_INCONCLUSIVE 4

#define NODES                                                                                      \
  "seed: 21\n"                                                                                     \
  "nodes:\n"                                                                                       \
  "  pub:   { role: publisher }\n"                                                                 \
  "  relay: { role: relay, datapath: kernel, protection: none }\n"                                 \
  "  sub:   { role: subscriber, count: 2 }\n"

static const char by_chance[] =
    "scenario: hurt\n"
    "about: Everything a wire does by chance.\n"
    "duration: 2s\n" NODES
    "links:\n"
    "  - { between: [pub, relay], delay: 3ms, faults: [{ do: drop, index: 40..41 }] }\n"
    "  - { between: [relay, sub], delay: 10ms, jitter: 1ms, loss: 1%, duplicate: 2%,\n"
    "      corrupt: 1%, reorder: { share: 3%, by: 4ms }, rate: 20mbit, queue: 1MiB }\n"
    "tracks:\n"
    "  chat: { from: pub, as: subgroups, every: 10ms, size: 600, group: 25 }\n"
    "  big:  { from: pub, as: subgroups, subgroup: object, every: 50ms, size: 6000 }\n"
    "subscriptions:\n"
    "  - { who: sub, tracks: [chat, big] }\n"
    "expect:\n"
    "  examined: { stream-complete: 80, payload-identical: 400 }\n";

static const char by_timeline[] =
    "scenario: hurt\n"
    "about: A link goes down and comes back another one.\n"
    "duration: 1s\n" NODES
    "links:\n"
    "  - { between: [pub, relay] }\n"
    "  - { between: [relay, sub], ip: 6, delay: 2ms }\n"
    "tracks:\n"
    "  chat: { from: pub, as: subgroups, every: 10ms, size: 600, group: 25 }\n"
    "subscriptions:\n"
    "  - { who: sub, tracks: [chat] }\n"
    "timeline:\n"
    "  - { at: 300ms, link: [relay, \"sub[1]\"], do: down }\n"
    "  - { at: 400ms, link: [relay, \"sub[1]\"], do: up }\n"
    "  - { at: 400ms, link: [relay, \"sub[1]\"], set: { delay: 20ms } }\n";

/* --- what was captured ----------------------------------------------------------------------- */

struct hashes {
  size_t n;
  uint64_t all[MAX_PACKETS]; /* of UDP payloads */
};

static const struct plan_node *node_of(const struct plan *plan, int i) {
  return &plan->nodes[i];
}

/* Of frames that end `end` of the link sent, in the capture of `at` towards `to`. */
static void read_capture(const struct plan_node *at, const struct plan_node *to, uint8_t end,
                         struct hashes *out) {
  char path[512], why[PCAP_ERRBUF_SIZE];
  struct pcap_pkthdr *header;
  const u_char *data;
  struct datagram datagram;
  snprintf(path, sizeof path, "%s/run/capture/%s-%s.pcapng", scratch, at->file_name, to->file_name);
  pcap_t *pcap = pcap_open_offline(path, why);
  if (pcap == NULL)
    fail_msg("%s: %s", path, why);
  out->n = 0;
  while (pcap_next_ex(pcap, &header, &data) == 1) {
    if (header->caplen < 12 || data[8] != end || !datagram_find(data, header->caplen, &datagram))
      continue; /* byte 2 of the source MAC names the end */
    assert_true(out->n < MAX_PACKETS);
    out->all[out->n++] = XXH64(data + datagram.payload_at, datagram.payload_len, 0);
  }
  pcap_close(pcap);
}

static int compare(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void sort(struct hashes *h) {
  qsort(h->all, h->n, sizeof *h->all, compare);
}

static void take_away(struct hashes *h, uint64_t hash) {
  for (size_t i = 0; i < h->n; i++)
    if (h->all[i] == hash) {
      h->all[i] = h->all[--h->n];
      return;
    }
  fail_msg("links.jsonl names a packet that its sender never sent");
}

/* --- what is told --------------------------------------------------------------------------- */

/* Lines of one direction by index. */
struct told {
  json_t *packets[MAX_PACKETS]; /* NULL: nothing happened to it */
  json_t *total;
};

static const char *text_of(const json_t *o, const char *key) {
  const char *text = json_string_value(json_object_get(o, key));
  return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *o, const char *key, json_int_t otherwise) {
  const json_t *value = json_object_get(o, key);
  return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static void keep_line(json_t *line, const char *way, struct told *told) {
  const json_int_t index = number_of(line, "index", -1);
  if (strcmp(text_of(line, "link"), way) == 0 && strcmp(text_of(line, "ev"), "total") == 0)
    told->total = json_incref(line);
  else if (strcmp(text_of(line, "link"), way) == 0 && index >= 0) {
    assert_true(index < MAX_PACKETS);
    told->packets[index] = json_incref(line);
  }
  json_decref(line);
}

static void read_told(FILE *from, const char *way, struct told *told) {
  char line[1024];
  memset(told, 0, sizeof *told);
  while (fgets(line, sizeof line, from) != NULL) {
    json_t *o = json_loads(line, 0, NULL);
    assert_non_null(o);
    keep_line(o, way, told);
  }
}

static void free_told(struct told *told) {
  for (size_t i = 0; i < MAX_PACKETS; i++)
    json_decref(told->packets[i]);
  json_decref(told->total);
}

static void read_links(const char *way, struct told *told) {
  char path[128];
  snprintf(path, sizeof path, "%s/run/links.jsonl", scratch);
  FILE *from = fopen(path, "r");
  assert_non_null(from);
  read_told(from, way, told);
  fclose(from);
  assert_non_null(told->total);
}

static void ask_fate(const char *way, size_t packets, struct told *told) {
  char command[1024];
  snprintf(command, sizeof command, "'%s/fanbench' fate %s/hurt.yaml '%s' 0..%zu --json 2>%s/talk",
           getenv("BUILDDIR"), scratch, way, packets - 1, scratch);
  FILE *from = popen(command, "r");
  assert_non_null(from);
  read_told(from, way, told);
  assert_int_equal(pclose(from), 0);
}

static void same(const char *way, size_t i, const json_t *told, const json_t *foretold) {
  assert_non_null(foretold);
  if (strcmp(text_of(told, "drop"), text_of(foretold, "drop")) != 0 ||
      number_of(told, "copies", 1) != number_of(foretold, "copies", -1) ||
      json_is_true(json_object_get(told, "reordered")) !=
          json_is_true(json_object_get(foretold, "reordered")) ||
      json_is_integer(json_object_get(told, "corrupt_bit")) !=
          json_is_integer(json_object_get(foretold, "corrupt_bit")))
    fail_msg("%s %zu: fanbench fate says %s, links.jsonl %s", way, i, json_dumps(foretold, 0),
             told != NULL ? json_dumps(told, 0) : "nothing");
}

/* --- one direction ---------------------------------------------------------------------------- */

/* What must arrive whole: what was sent without what was dropped or corrupted, and the
 * second copies. Returns how many must arrive corrupted. */
static size_t expect_arrivals(const struct told *told, struct hashes *sent) {
  size_t corrupted = 0;
  for (size_t i = 0; i < MAX_PACKETS; i++) {
    const json_t *line = told->packets[i];
    if (line == NULL)
      continue;
    const json_int_t copies = number_of(line, "copies", 0);
    const uint64_t hash = strtoull(text_of(line, "hash"), NULL, 16);
    take_away(sent, hash);
    if (json_is_integer(json_object_get(line, "corrupt_bit")))
      corrupted += (size_t)copies;
    else
      for (json_int_t copy = 0; copy < copies; copy++)
        sent->all[sent->n++] = hash;
  }
  return corrupted;
}

/* Returns the number of packets that something happened to. */
static size_t check_way(const struct plan *plan, const struct plan_link *link, bool backward) {
  static struct hashes sent, received;
  static struct told told, foretold;
  const struct plan_node *from = node_of(plan, backward ? link->b : link->a);
  const struct plan_node *to = node_of(plan, backward ? link->a : link->b);
  char way[64];
  snprintf(way, sizeof way, "%s>%s", from->name, to->name);
  read_capture(from, to, backward, &sent);
  read_capture(to, from, backward, &received);
  read_links(way, &told);
  assert_true(sent.n > 0);
  assert_int_equal(number_of(told.total, "packets", -1), sent.n);
  ask_fate(way, sent.n, &foretold);
  size_t hurt = 0;
  for (size_t i = 0; i < sent.n; i++) {
    same(way, i, told.packets[i], foretold.packets[i]);
    hurt += told.packets[i] != NULL;
  }
  const size_t corrupted = expect_arrivals(&told, &sent);
  sort(&sent);
  sort(&received);
  size_t strangers = 0, at = 0;
  for (size_t i = 0; i < received.n; i++)
    if (at < sent.n && sent.all[at] == received.all[i])
      at++;
    else
      strangers++;
  if (at != sent.n)
    fail_msg("%s: %zu packets should have arrived whole, %zu of them did", way, sent.n, at);
  assert_int_equal(strangers, corrupted);
  free_told(&told);
  free_told(&foretold);
  return hurt;
}

/* Runs it, or skips the test. */
static void play(const char *scenario) {
  char command[1024], path[128];
  if (geteuid() != 0) {
    print_message("needs root\n");
    skip();
  }
  snprintf(path, sizeof path, "%s/hurt.yaml", scratch);
  FILE *to = fopen(path, "w");
  assert_non_null(to);
  fputs(scenario, to);
  fclose(to);
  snprintf(command, sizeof command,
           "'%s/fanbench' run %s --mode live --out %s/run >%s/talk 2>&1 || { rc=$?; sed 's/^/# /' "
           "%s/talk; "
           "exit $rc; }",
           getenv("BUILDDIR"), path, scratch, scratch, scratch);
  const int status = system(command);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == EXIT_INCONCLUSIVE) {
    print_message("the machine is too busy: inconclusive three times\n");
    skip();
  }
  assert_int_equal(WEXITSTATUS(status), 0);
}

static json_t *manifest(void) {
  char path[128];
  snprintf(path, sizeof path, "%s/run/manifest.json", scratch);
  json_t *o = json_load_file(path, 0, NULL);
  assert_non_null(o);
  return o;
}

static void captures_show_what_fate_foretells(void **state) {
  (void)state;
  char path[128];
  struct plan_error why = {0};
  play(by_chance);
  snprintf(path, sizeof path, "%s/run/scenario.yaml", scratch);
  struct plan *plan = plan_load(path, NULL, 0, &why);
  assert_non_null(plan);
  for (size_t k = 0; k < plan->n_links; k++) {
    const size_t there = check_way(plan, &plan->links[k], false);
    const size_t back = check_way(plan, &plan->links[k], true);
    assert_true(there > 0 && back > 0);
  }
  plan_free(plan);
}

/* What load-honest needs of every direction. */
static void the_manifest_tells_how_late_the_wire_was(void **state) {
  (void)state;
  size_t i;
  const json_t *way;
  play(by_chance);
  json_t *o = manifest();
  const json_t *wires = json_object_get(json_object_get(o, "run"), "wires");
  assert_int_equal(json_array_size(wires), 6);
  json_array_foreach(wires, i, way) {
    assert_true(strchr(text_of(way, "link"), '>') != NULL);
    assert_true(number_of(way, "packets", 0) > 0);
    assert_int_equal(number_of(way, "dropped_queue", -1), 0);
    assert_int_equal(number_of(way, "overflow", -1), 0);
    assert_true(number_of(way, "late_p99_ns", -1) >= 0);
    assert_true(number_of(way, "late_max_ns", -1) >= number_of(way, "late_p99_ns", -1));
  }
  json_decref(o);
}

static size_t lines_with(const char *file, const char *part) {
  char path[128], line[1024];
  size_t n = 0;
  snprintf(path, sizeof path, "%s/run/%s", scratch, file);
  FILE *from = fopen(path, "r");
  assert_non_null(from);
  while (fgets(line, sizeof line, from) != NULL)
    n += strstr(line, part) != NULL;
  fclose(from);
  return n;
}

static void the_timeline_is_kept_to_the_nanosecond(void **state) {
  (void)state;
  static const struct {
    json_int_t at_ns;
    const char *what;
  } events[] = {{300000000, "down"}, {400000000, "up"}, {400000000, "set"}};
  play(by_timeline);
  json_t *o = manifest();
  const json_int_t t0 = number_of(json_object_get(o, "run"), "start_ns", 0);
  json_decref(o);
  assert_int_equal(lines_with("faults.jsonl", "\"ok\":true"), 3);
  for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
    char part[128];
    snprintf(part, sizeof part,
             "\"t\":%" JSON_INTEGER_FORMAT ",\"link\":\"relay>sub[1]\",\"what\":\"%s\"",
             t0 + events[i].at_ns, events[i].what);
    assert_int_equal(lines_with("links.jsonl", part), 1);
  }
  assert_true(lines_with("links.jsonl", "\"drop\":\"down\"") > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(captures_show_what_fate_foretells),
      cmocka_unit_test(the_manifest_tells_how_late_the_wire_was),
      cmocka_unit_test(the_timeline_is_kept_to_the_nanosecond),
  };
  return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
