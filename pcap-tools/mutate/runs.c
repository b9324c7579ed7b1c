/* The run itself: its load, its captures, what it left behind. */
#include <stdio.h>

#include "pcap-tools/mutate/operators.h"

/* Places are elements of an array of manifest.json, several times over. */
static json_t *element(struct qm_edit *e, const char *section, const char *array, size_t place) {
  json_t *m = qm_edit_manifest(e);
  json_t *list = json_object_get(section ? json_object_get(m, section) : m, array);
  size_t n = json_array_size(list);
  return n ? json_array_get(list, place % n) : NULL;
}

static bool has_publishers(const struct qm_bed *bed, size_t place) {
  (void)place;
  return bed->e.manifest->n_publishers && bed->e.manifest->publishers[0].has_planned;
}

static bool publish_less(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                         struct qm_random *r) {
  json_t *p = element(e, "run", "publishers", place);
  json_t *n = json_object_get(p, "objects_published");
  (void)bed;
  return n && !json_integer_set(n, json_integer_value(n) - 1 - (json_int_t)qm_below(r, 10));
}

static const struct qm_operator load_not_offered = {
    .name = "load-not-offered",
    .does = "a publisher published fewer objects than planned",
    .check = "load-honest",
    .why = "",
    .places = QM_MANIFEST,
    .fits = has_publishers,
    .apply = publish_less,
};

static bool publish_late(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                         struct qm_random *r) {
  json_t *n = json_object_get(element(e, "run", "publishers", place), "late_p99_ns");
  (void)bed;
  return n && !json_integer_set(n, 2000000000 + (json_int_t)qm_below(r, 1000000000));
}

static const struct qm_operator publisher_late = {
    .name = "publisher-late",
    .does = "a publisher was late by seconds",
    .check = "load-honest",
    .why = "",
    .places = QM_MANIFEST,
    .fits = has_publishers,
    .apply = publish_late,
};

static bool any(const struct qm_bed *bed, size_t place) {
  (void)bed, (void)place;
  return true;
}

static bool lose_packets(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                         struct qm_random *r) {
  json_t *n = json_object_get(element(e, NULL, "captures", place), "dropped");
  (void)bed;
  return n && !json_integer_set(n, 1 + (json_int_t)qm_below(r, 100));
}

static const struct qm_operator capture_dropped = {
    .name = "capture-dropped",
    .does = "a capture lost packets",
    .check = "load-honest",
    .why = "",
    .places = QM_MANIFEST,
    .fits = any,
    .apply = lose_packets,
};

static bool count_more(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                       struct qm_random *r) {
  json_t *n = json_object_get(element(e, NULL, "captures", place), "packets");
  (void)bed;
  return n && !json_integer_set(n, json_integer_value(n) + 1 + (json_int_t)qm_below(r, 9));
}

static const struct qm_operator capture_short = {
    .name = "capture-too-short",
    .does = "a capture holds fewer packets than were captured",
    .check = "load-honest",
    .why = "",
    .places = QM_MANIFEST,
    .fits = any,
    .apply = count_more,
};

static bool near_end(const struct qm_bed *bed, size_t place) {
  const struct qm_packet *p = &bed->packets[place];
  return p->record + 2 >= bed->captures[p->file].n;
}

static bool break_off(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                      struct qm_random *r) {
  const struct qm_packet *p = &bed->packets[place];
  (void)r;
  qm_edit_cut(e, p->file, p->record);
  return true;
}

static const struct qm_operator capture_cut = {
    .name = "capture-cut",
    .does = "a capture breaks off in the middle of a packet",
    .check = "load-honest",
    .also = {"close-clean", "trace-agrees", "stream-complete", "copy-count", "ack-only-sent",
             "payload-identical"},
    .why = "the last packets are missing",
    .places = QM_PACKETS,
    .fits = near_end,
    .apply = break_off,
};

static bool stop_run(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                     struct qm_random *r) {
  json_t *run = json_object_get(qm_edit_manifest(e), "run");
  (void)bed, (void)place, (void)r;
  return !json_object_set_new(run, "timed_out", json_true());
}

static const struct qm_operator run_stopped = {
    .name = "run-stopped",
    .does = "the runner had to stop the run",
    .check = "load-honest",
    .why = "",
    .places = QM_MANIFEST,
    .fits = any,
    .apply = stop_run,
};

static bool add_wire(const struct qm_bed *bed, struct qm_edit *e, size_t place, struct qm_random *r,
                     json_int_t late, json_int_t overflow) {
  const struct qp_manifest *m = bed->e.manifest;
  json_t *run = json_object_get(qm_edit_manifest(e), "run");
  const struct qp_link *link = &m->links[place % m->n_links];
  char name[128];
  (void)r;
  snprintf(name, sizeof name, "%.50s>%.50s", link->a, link->b);
  json_t *wire = json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "link", name, "packets", (json_int_t)100,
                           "dropped_queue", (json_int_t)0, "overflow", overflow, "late_p99_ns",
                           late, "late_max_ns", late);
  json_t *wires = json_pack("[o]", wire);
  return !json_object_set_new(run, "wires", wires);
}

static bool late_wire(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                      struct qm_random *r) {
  return add_wire(bed, e, place, r, 1000001 + (json_int_t)qm_below(r, 100000000), 0);
}

static const struct qm_operator wire_late = {
    .name = "wire-late",
    .does = "a link's wire delivered late",
    .check = "load-honest",
    .why = "",
    .places = QM_MANIFEST,
    .fits = any,
    .apply = late_wire,
};

static bool full_wire(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                      struct qm_random *r) {
  return add_wire(bed, e, place, r, 0, 1 + (json_int_t)qm_below(r, 1000));
}

static const struct qm_operator wire_overflow = {
    .name = "wire-overflow",
    .does = "a link's wire lost packets that the link does not lose",
    .check = "load-honest",
    .why = "",
    .places = QM_MANIFEST,
    .fits = any,
    .apply = full_wire,
};

static bool leave_something(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                            struct qm_random *r) {
  static const char *const kinds[] = {"process", "interface", "namespace", "bpf_program",
                                      "bpf_link"};
  json_t *residue = json_object_get(json_object_get(qm_edit_manifest(e), "run"), "residue");
  char text[64];
  (void)bed;
  snprintf(text, sizeof text, "%s %u", kinds[place % 5], (unsigned)qm_below(r, 1000));
  return !json_array_append_new(json_object_get(residue, "left"), json_string(text));
}

static const struct qm_operator residue_left = {
    .name = "residue-left",
    .does = "something of the run is still there",
    .check = "no-residue",
    .why = "",
    .places = QM_MANIFEST,
    .fits = any,
    .apply = leave_something,
};

static bool end_badly(const struct qm_bed *bed, struct qm_edit *e, size_t place,
                      struct qm_random *r) {
  json_t *p = element(e, "run", "processes", place);
  (void)bed;
  return p && !json_object_set_new(p, "expected", json_false()) &&
         !json_object_set_new(p, "signal", json_integer(1 + (json_int_t)qm_below(r, 15)));
}

static const struct qm_operator process_failed = {
    .name = "process-failed",
    .does = "a process ended by a signal that nobody planned",
    .check = "no-residue",
    .why = "",
    .places = QM_MANIFEST,
    .fits = any,
    .apply = end_badly,
};

const struct qm_operator *const qm_runs[] = {&load_not_offered,
                                             &publisher_late,
                                             &capture_dropped,
                                             &capture_short,
                                             &capture_cut,
                                             &run_stopped,
                                             &wire_late,
                                             &wire_overflow,
                                             &residue_left,
                                             &process_failed,
                                             NULL};
