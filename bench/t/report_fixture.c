#include "bench/t/report_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "bench/report/text.h"

static const struct report_fixture base = {
    .plan = {.path = "/nowhere/chat.yaml",
             .name = "chat",
             .about = "Three people talk.",
             .seed = 7,
             .duration_ns = 3000000000,
             .n_nodes = 4,
             .n_tracks = 2,
             .n_subscriptions = 1},
    .nodes = {{.name = "pub", .file_name = "pub", .group = "pub", .role = PLAN_PUBLISHER},
              {.name = "relay", .file_name = "relay", .group = "relay", .role = PLAN_RELAY},
              {.name = "sub[0]", .file_name = "sub.0", .group = "sub", .role = PLAN_SUBSCRIBER},
              {.name = "sub[1]",
               .file_name = "sub.1",
               .group = "sub",
               .index = 1,
               .role = PLAN_SUBSCRIBER}},
    .tracks = {{.name = "chat",
                .as = PLAN_DATAGRAMS,
                .every_ns = 20000000,
                .size_min = 200,
                .size_max = 200},
               {.name = "video", .as = PLAN_SUBGROUPS, .file = "/nowhere/film"}},
    .subscriptions = {{.who = 2, .priority_limit = -1}},
    .judged = {.scenario = "chat",
               .mode = "live",
               .commit = "abc1234",
               .seed = 7,
               .n_checks = FIXTURE_CHECKS,
               .first_bytes_fast = 976500,
               .first_bytes_all = 1000000,
               .n_subscribers = 2,
               .packets = 1234,
               .packets_opened = 1200},
    .checks = {{.name = "pn-unique", .examined = 10},
               {.name = "copy-count", .examined = 20},
               {.name = "close-clean", .result = JUDGE_SKIP, .reason = "not built"},
               {.name = "isolated", .examined = 5},
               {.name = "load-honest", .examined = 3}},
    .findings = {{.file = "capture/relay-sub.0.pcapng",
                  .frame = 482,
                  .time_ns = 1500000000,
                  .layer = "quic",
                  .field = "packet_number",
                  .expected = "a number never sent before",
                  .actual = "17, sent in frame 401",
                  .explain = "Fast and slow path took the same number."},
                 {.file = "relay-ledger.jsonl",
                  .frame = 9,
                  .layer = "run",
                  .field = "pn",
                  .expected = "18",
                  .actual = "17",
                  .explain = "The ledger has it twice."}},
    .drops = {{.reason = "credit", .count = 3}, {.reason = "filter", .count = 12}},
    .subscribers = {{.node = "sub[0]",
                     .objects = 150,
                     .bytes = 432100,
                     .copies = 400,
                     .resent = 1200,
                     .sendings = 2,
                     .fast_path_ppm = 981200,
                     .first_bytes_fast = 9812,
                     .first_bytes_all = 10000,
                     .has_latency = true,
                     .latency_p50_ns = 45100,
                     .latency_p99_ns = 151000,
                     .latency_max_ns = 2200000},
                    {.node = "sub[1]"}},
    .run = {.mode = "live",
            .out_dir = "runs/chat",
            .tries = 1,
            .replay = "fanbench run scenarios/chat.yaml --mode live --seed 7",
            .kept = "fanbench run scenario.yaml --mode live --seed 7"},
};

void report_fixture_make(struct report_fixture *fixture) {
  *fixture = base;
  fixture->plan.nodes = fixture->nodes;
  fixture->plan.tracks = fixture->tracks;
  fixture->plan.subscriptions = fixture->subscriptions;
  fixture->plan.expects = fixture->expects;
  fixture->plan.examined = fixture->examined;
  fixture->plan.convict = fixture->convict;
  fixture->plan.also = fixture->also;
  fixture->judged.checks = fixture->checks;
  fixture->judged.subscribers = fixture->subscribers;
  fixture->subscribers[0].drops = fixture->drops;
  fixture->subscribers[0].n_drops = 2;
}

struct judge_check *report_fixture_check(struct report_fixture *fixture, const char *check) {
  for (size_t i = 0; i < FIXTURE_CHECKS; i++)
    if (!strcmp(fixture->checks[i].name, check))
      return &fixture->checks[i];
  abort(); /* the test names a check the fixture does not have */
}

void report_fixture_fail(struct report_fixture *fixture, const char *check) {
  struct judge_check *to = report_fixture_check(fixture, check);
  to->result = JUDGE_FAIL;
  to->findings = fixture->findings;
  to->n_findings = 2;
  to->findings_total = 30;
}

void report_fixture_make_nasty(struct report_fixture *fixture) {
  static char nasty[] = REPORT_NASTY;
  report_fixture_fail(fixture, "pn-unique");
  fixture->plan.name = fixture->plan.about = nasty;
  fixture->judged.commit = nasty;
  for (size_t i = 0; i < 4; i++)
    fixture->nodes[i].group = fixture->nodes[i].name = nasty;
  fixture->tracks[0].name = nasty;
  for (size_t i = 0; i < 2; i++) {
    struct judge_finding *finding = &fixture->findings[i];
    finding->file = finding->layer = finding->field = nasty;
    finding->expected = finding->actual = finding->explain = nasty;
    fixture->subscribers[i].node = fixture->drops[i].reason = nasty;
  }
  fixture->checks[1].name = nasty;
  fixture->checks[2].reason = nasty;
  fixture->run.replay = fixture->run.kept = fixture->run.out_dir = fixture->run.died =
      fixture->run.mode = nasty;
}

char *report_fixture_write(struct report_fixture *fixture, report_file_fn *write) {
  struct report_outcome outcome;
  char *text = NULL;
  size_t len = 0;
  if (report_outcome_make(&fixture->plan, &fixture->judged, fixture->run.twin, fixture->run.died,
                          &outcome))
    abort();
  struct report_view view =
      report_view_make(&fixture->plan, &fixture->judged, &fixture->run, &outcome);
  FILE *to = open_memstream(&text, &len);
  if (!to)
    abort();
  write(to, &view);
  fclose(to);
  report_outcome_free(&outcome);
  return text;
}

/* --- TAP ---------------------------------------------------------------- */

struct tap {
  const char *at;
};

/* The next line if it is indented by `indent` spaces exactly, without them. */
static const char *peek(const struct tap *tap, size_t indent) {
  size_t have = strspn(tap->at, " ");
  return *tap->at && have == indent ? tap->at + indent : NULL;
}

static bool take(struct tap *tap) {
  const char *end = strchr(tap->at, '\n');
  tap->at = end ? end + 1 : "";
  return end; /* every line ends */
}

static bool starts(const char *line, const char *with) {
  return line && !strncmp(line, with, strlen(with));
}

/* A YAML block, already known to begin here. Its lines are plain text. */
static bool skip_yaml(struct tap *tap, size_t indent) {
  for (take(tap); *tap->at; take(tap)) {
    for (const char *c = tap->at; *c != '\n'; c++)
      if ((unsigned char)*c < 0x20)
        return false;
    if (strspn(tap->at, " ") < indent)
      return false;
    if (starts(peek(tap, indent), "...\n"))
      return take(tap);
  }
  return false;
}

static int read_points(struct tap *tap, size_t indent, int *not_ok);

static bool read_point(struct tap *tap, size_t indent, long number, int *not_ok) {
  const char *line = peek(tap, indent);
  char *end = NULL;
  bool subtest = starts(line, "# Subtest: ");
  int inner_bad = 0;
  if (subtest && (!take(tap) || read_points(tap, indent + 4, &inner_bad) < 0))
    return false;
  line = peek(tap, indent);
  bool bad = starts(line, "not ok ");
  if (!bad && !starts(line, "ok "))
    return false;
  if (subtest && bad != (inner_bad > 0))
    return false; /* a harness would call that a lie */
  *not_ok += bad;
  if (strtol(line + (bad ? 7 : 3), &end, 10) != number || !starts(end, " - ") || !take(tap))
    return false;
  return !starts(peek(tap, indent + 2), "---\n") || skip_yaml(tap, indent + 2);
}

/* "1..N" and N points after it, or points and then "1..N". */
static int read_points(struct tap *tap, size_t indent, int *not_ok) {
  long plan = -1;
  int n = 0;
  for (;;) {
    const char *line = peek(tap, indent);
    if (plan >= 0 && n >= plan)
      return plan == n ? n : -1;
    if (plan < 0 && starts(line, "1..")) {
      plan = strtol(line + 3, NULL, 10);
      if (!take(tap))
        return -1;
    } else if (line && read_point(tap, indent, n + 1, not_ok)) {
      n++;
    } else {
      return -1;
    }
  }
}

int report_fixture_read_tap(const char *text, int *not_ok) {
  struct tap tap = {.at = text};
  *not_ok = 0;
  if (!starts(tap.at, "TAP version 14\n") || !take(&tap))
    return -1;
  int n = read_points(&tap, 0, not_ok);
  return *tap.at ? -1 : n;
}

/* --- XML ---------------------------------------------------------------- */

enum { DEEPEST = 16, NAME = 40, ATTRIBUTES = 12 };

struct xml {
  const char *at;
  char open[DEEPEST][NAME];
  int depth, roots, counted;
  const char *count;
};

static bool read_name(struct xml *xml, char name[NAME]) {
  size_t len = strspn(xml->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
  if (!len || len >= NAME)
    return false;
  memcpy(name, xml->at, len);
  name[len] = '\0';
  xml->at += len;
  return true;
}

/* Characters up to `stop`. */
static bool read_text(struct xml *xml, char stop) {
  static const char *const entities[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;"};
  while (*xml->at && *xml->at != stop) {
    uint32_t cp = 0;
    unsigned len = report_text_decode(xml->at, &cp);
    if (!len || *xml->at == '<' || (cp < 0x20 && cp != '\n') || (cp & 0xfffe) == 0xfffe)
      return false;
    for (size_t i = 0; *xml->at == '&'; i++) {
      if (i == sizeof entities / sizeof entities[0])
        return false;
      if (starts(xml->at, entities[i])) {
        len = (unsigned)strlen(entities[i]);
        break;
      }
    }
    xml->at += len;
  }
  return true;
}

static bool read_attributes(struct xml *xml) {
  char names[ATTRIBUTES][NAME];
  for (int n = 0; *xml->at == ' '; n++) {
    xml->at++;
    if (n == ATTRIBUTES || !read_name(xml, names[n]) || !starts(xml->at, "=\""))
      return false;
    for (int i = 0; i < n; i++)
      if (!strcmp(names[i], names[n]))
        return false;
    xml->at += 2;
    if (!read_text(xml, '"') || *xml->at++ != '"')
      return false;
  }
  return true;
}

static bool read_tag(struct xml *xml) {
  char name[NAME];
  bool closing = xml->at[1] == '/';
  xml->at += closing ? 2 : 1;
  if (!read_name(xml, name))
    return false;
  if (closing)
    return *xml->at++ == '>' && xml->depth && !strcmp(xml->open[--xml->depth], name);
  xml->roots += !xml->depth;
  xml->counted += !strcmp(name, xml->count);
  if (!read_attributes(xml))
    return false;
  if (starts(xml->at, "/>")) {
    xml->at += 2;
    return true;
  }
  if (*xml->at++ != '>' || xml->depth == DEEPEST)
    return false;
  strcpy(xml->open[xml->depth++], name);
  return true;
}

int report_fixture_read_xml(const char *text, const char *count) {
  static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  struct xml xml = {.at = text, .count = count};
  if (starts(text, head))
    xml.at += sizeof head - 1;
  while (*xml.at) {
    const char *before = xml.at;
    if (*xml.at == '<' ? !read_tag(&xml) : !read_text(&xml, '<'))
      return -1;
    if (!xml.depth && *before != '<' && strspn(before, "\n") < (size_t)(xml.at - before))
      return -1; /* text outside the root */
  }
  return xml.depth == 0 && xml.roots == 1 ? xml.counted : -1;
}
