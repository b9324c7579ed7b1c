/* What the endpoints logged, and what the timeline did. */
#include <stdlib.h>

#include "pcap-tools/mutate/operators.h"
#include "pcap-tools/read/memory.h"

/* Does the same log say "connected" later? Then the session ended meanwhile. */
static bool is_last_session(const struct qm_bed *bed, size_t line) {
  for (size_t i = line + 1; i < bed->n_lines && bed->lines[i].text == bed->lines[line].text; i++)
    if (qm_is_line(bed, i, "objects", "connected"))
      return false;
  return true;
}

static bool is_delivered(const struct qm_bed *bed, size_t line) {
  return qm_is_line(bed, line, "objects", "delivered");
}

/* Nobody in whose log it is misses it by the plan: no event of that node, no loss. */
static bool is_owed(const struct qm_bed *bed, size_t line) {
  const char *name = bed->texts[bed->lines[line].text].name;
  if (!is_delivered(bed, line) || !is_last_session(bed, line))
    return false;
  for (size_t i = 0; i < bed->e.faults.n; i++) {
    const struct qp_node *node = qp_manifest_node(bed->e.manifest, bed->e.faults.items[i].node);
    if (!node || !strcmp(node->role, "relay") ||
        (!strncmp(name, node->file, strlen(node->file)) && name[strlen(node->file)] == '-'))
      return false;
  }
  for (size_t i = 0; i < bed->e.manifest->n_links; i++)
    if (!bed->e.manifest->links[i].plain)
      return false;
  return bed->e.manifest->n_subscriptions > 0;
}

static const struct qm_operator delivery_missing = {
    .name = "delivery-missing",
    .does = "a subscriber's application never got an object",
    .check = "payload-identical",
    .why = "",
    .places = QM_LINES,
    .fits = is_owed,
    .apply = qm_drop_line,
};

static const struct qm_operator delivery_doubled = {
    .name = "delivery-doubled",
    .does = "a subscriber's application got an object twice",
    .check = "payload-identical",
    .why = "",
    .places = QM_LINES,
    .fits = is_delivered,
    .apply = qm_repeat_line,
};

static bool alter_hash(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                       struct qm_random *r) {
  return qm_set(bed, e, line, "hash", "\"%016llx\"", (unsigned long long)qm_random(r));
}

static const struct qm_operator delivery_hash = {
    .name = "delivery-hash-altered",
    .does = "a subscriber's application got other bytes",
    .check = "payload-identical",
    .why = "",
    .places = QM_LINES,
    .fits = is_delivered,
    .apply = alter_hash,
};

static bool alter_size(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                       struct qm_random *r) {
  uint64_t size;
  return qm_member(bed, line, "size", &size) &&
         qm_set(bed, e, line, "size", "%llu", (unsigned long long)size + 1 + qm_below(r, 1000));
}

static const struct qm_operator delivery_size = {
    .name = "delivery-size-altered",
    .does = "a subscriber's application got more bytes",
    .check = "payload-identical",
    .why = "",
    .places = QM_LINES,
    .fits = is_delivered,
    .apply = alter_size,
};

static bool alter_logged_priority(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                                  struct qm_random *r) {
  uint64_t priority;
  return qm_member(bed, line, "priority", &priority) &&
         qm_set(bed, e, line, "priority", "%llu",
                (unsigned long long)(priority + 1 + qm_below(r, 254)) % 256);
}

static const struct qm_operator delivery_priority = {
    .name = "delivery-priority-altered",
    .does = "a subscriber's application got an object with another priority",
    .check = "payload-identical",
    .why = "",
    .places = QM_LINES,
    .fits = is_delivered,
    .apply = alter_logged_priority,
};

static bool invent_delivery(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                            struct qm_random *r) {
  uint64_t group;
  return qm_member(bed, line, "group", &group) &&
         qm_set(bed, e, line, "group", "%llu", (unsigned long long)group + 10000 + qm_below(r, 99));
}

static const struct qm_operator delivery_invented = {
    .name = "delivery-invented",
    .does = "a subscriber's application got an object that nobody published",
    .check = "payload-identical",
    .also = {"latency"},
    .why = "",
    .places = QM_LINES,
    .fits = is_delivered,
    .apply = invent_delivery,
};

/* Published, and got by somebody: nothing may be dropped. */
static bool is_published(const struct qm_bed *bed, size_t line) {
  for (size_t i = 0; i < bed->e.manifest->n_subscriptions; i++)
    if (bed->e.manifest->subscriptions[i].delivery_timeout_ns)
      return false;
  return qm_is_line(bed, line, "objects", "published");
}

static const struct qm_operator publication_missing = {
    .name = "publication-missing",
    .does = "the publisher's log lacks an object that was delivered",
    .check = "payload-identical",
    .also = {"latency"},
    .why = "",
    .places = QM_LINES,
    .fits = is_published,
    .apply = qm_drop_line,
};

/* ---- latency ----------------------------------------------------------------------------- */

static bool has_budget(const struct qm_bed *bed, size_t line) {
  return bed->e.manifest->budget_max_ns && is_delivered(bed, line);
}

static bool delay_delivery(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                           struct qm_random *r) {
  uint64_t t;
  return qm_member(bed, line, "t", &t) &&
         qm_set(bed, e, line, "t", "%llu",
                (unsigned long long)(t + bed->e.manifest->budget_max_ns + 500000000 +
                                     qm_below(r, 1000000000)));
}

static const struct qm_operator delivery_late = {
    .name = "delivery-late",
    .does = "an object is delivered later than the budget allows",
    .check = "latency",
    .why = "",
    .places = QM_LINES,
    .fits = has_budget,
    .apply = delay_delivery,
};

/* ---- qlog --------------------------------------------------------------------------------- */

/* A 1-RTT packet in an endpoint's qlog. */
static bool is_record(const struct qm_bed *bed, size_t line) {
  const char *text = qm_line_text(bed, line);
  return !strcmp(qm_line_kind(bed, line), "qlog") && strstr(text, "\"transport:packet_") &&
         strstr(text, "\"packet_type\":\"1RTT\"");
}

/* The number behind the last `key` becomes another one. */
static void alter_behind(const struct qm_bed *bed, struct qm_edit *e, size_t line, const char *at,
                         uint64_t more) {
  const char *text = qm_line_text(bed, line);
  unsigned long long value = strtoull(at, NULL, 10);
  qm_edit_line(e, line,
               qp_text("%.*s%llu%s", (int)(at - text), text, value + (unsigned long long)more,
                       at + strspn(at, "0123456789")));
}

static bool alter_qlog_number(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                              struct qm_random *r) {
  static const char key[] = "\"packet_number\":";
  const char *at = strstr(qm_line_text(bed, line), key);
  if (!at)
    return false;
  alter_behind(bed, e, line, at + strlen(key), 100000 + qm_below(r, 1000));
  return true;
}

static const struct qm_operator qlog_number = {
    .name = "qlog-number-altered",
    .does = "an endpoint's qlog names a packet that it never sent or got",
    .check = "trace-agrees",
    .why = "",
    .places = QM_LINES,
    .fits = is_record,
    .apply = alter_qlog_number,
};

static const char *content_at(const struct qm_bed *bed, size_t line) {
  const char *frame = strstr(qm_line_text(bed, line), "{\"frame_type\":\"stream\"");
  frame = frame ? frame : strstr(qm_line_text(bed, line), "{\"frame_type\":\"datagram\"");
  const char *len = frame ? strstr(frame, "\"length\":") : NULL;
  return len ? len + strlen("\"length\":") : NULL;
}

static bool has_content(const struct qm_bed *bed, size_t line) {
  return is_record(bed, line) && content_at(bed, line);
}

static bool alter_qlog_content(const struct qm_bed *bed, struct qm_edit *e, size_t line,
                               struct qm_random *r) {
  alter_behind(bed, e, line, content_at(bed, line), 1 + qm_below(r, 100));
  return true;
}

static const struct qm_operator qlog_content = {
    .name = "qlog-content-altered",
    .does = "an endpoint's qlog says that a packet carried more bytes",
    .check = "trace-agrees",
    .why = "",
    .places = QM_LINES,
    .fits = has_content,
    .apply = alter_qlog_content,
};

/* ---- the timeline ------------------------------------------------------------------------- */

/* An event that ended somebody's connection without a word. */
static bool is_death(const struct qm_bed *bed, size_t line) {
  static const char *const kinds[] = {"kill", "vanish", "die"};
  if (strcmp(qm_line_kind(bed, line), "faults") != 0)
    return false;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (qm_member_is(bed, line, "kind", kinds[i]))
      return true;
  return false;
}

static const struct qm_operator death_unplanned = {
    .name = "death-unplanned",
    .does = "a node dies that the timeline did not kill",
    .check = "payload-identical",
    .also = {"stream-complete", "copy-count", "close-clean", "subscribe-answered", "no-residue"},
    .why = "what the death left behind has no excuse",
    .places = QM_LINES,
    .fits = is_death,
    .apply = qm_drop_line,
};

const struct qm_operator *const qm_logs[] = {
    &delivery_missing,  &delivery_doubled,  &delivery_hash,       &delivery_size,
    &delivery_priority, &delivery_invented, &publication_missing, &delivery_late,
    &qlog_number,       &qlog_content,      &death_unplanned,     NULL};
