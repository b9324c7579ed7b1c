/* load-honest: the run tells something. The publishers offered what was planned, on
 * time; no capture lost a packet; the wire process carried every packet, when its link
 * was to deliver it; the runner did not have to stop the run. A failure makes the
 * verdict inconclusive. Of bare captures only their damage is known.
 *
 * Vantage: manifest.json, against the captures.
 *
 * Excused: a publisher that the timeline stalled.
 *
 * Source: DESIGN 7. */
#include "pcap-tools/check/excuse.h"

/* Late by more than this at the 99th percentile, or by more than an object's own
 * interval, is another load than the planned one. */
#define LATE_NS 20000000u

/* A wire later than this at its 99th percentile is another link than the planned
 * one. On a machine that is not overloaded it is late by less than a tenth of it. */
#define WIRE_LATE_NS 1000000u

static void report(struct qp_judged *self, const char *file, const char *field, char *expected,
                   char *actual, char *explain) {
  qp_describe_line(self, file, 0, 0,
                   (struct qp_words){.layer = "run",
                                     .field = field,
                                     .expected = expected,
                                     .actual = actual,
                                     .explain = explain});
}

/* The shortest planned time between two objects of one track of this node. */
static uint64_t interval(const struct qp_manifest *m, const char *node) {
  uint64_t shortest = UINT64_MAX;
  for (size_t i = 0; i < m->n_tracks; i++) {
    const struct qp_track_info *t = &m->tracks[i];
    if (strcmp(t->from, node) != 0 || !t->has_planned || !t->objects_planned)
      continue;
    uint64_t each = m->duration_ns / t->objects_planned;
    shortest = each < shortest ? each : shortest;
  }
  return shortest == UINT64_MAX ? 0 : shortest;
}

static void judge_publisher(struct qp_judged *self, const struct qp_publisher_info *p) {
  uint64_t late = interval(self->evidence->manifest, p->node);
  late = late > LATE_NS ? late : LATE_NS;
  self->out->examined++;
  if (p->has_planned && p->published != p->planned && qp_found(self))
    report(self, "manifest.json", "objects_published",
           qp_text("%llu", (unsigned long long)p->planned),
           qp_text("%llu", (unsigned long long)p->published),
           qp_text("%s did not offer the planned load", p->node));
  bool stalled = qp_stalled(self->evidence, p->node, 0, UINT64_MAX);
  if (p->late_p99_ns > late && !stalled && qp_found(self))
    report(self, "manifest.json", "late_p99_ns", qp_text("at most %llu", (unsigned long long)late),
           qp_text("%llu", (unsigned long long)p->late_p99_ns),
           qp_text("%s published late: the machine is too busy for this load", p->node));
}

/* Every impaired link of a live run is the wire process's. */
static void judge_wires(struct qp_judged *self) {
  const struct qp_manifest *m = self->evidence->manifest;
  if (!m->n_wires && m->has_run && !strcmp(m->mode, "live") && !qp_lossless(m) && qp_found(self))
    report(self, "manifest.json", "run.wires", qp_text("a line for each impaired link"),
           qp_text("none"), qp_text("the wire process did not say how late it was"));
  for (size_t i = 0; i < m->n_wires; i++) {
    const struct qp_wire_info *w = &m->wires[i];
    self->out->examined++;
    if (w->overflow && qp_found(self))
      report(self, "manifest.json", "overflow", qp_text("0"),
             qp_text("%llu", (unsigned long long)w->overflow),
             qp_text("the wire %s lost packets that its link does not lose", w->link));
    if (w->late_p99_ns > WIRE_LATE_NS && qp_found(self))
      report(self, "manifest.json", "late_p99_ns",
             qp_text("at most %llu", (unsigned long long)WIRE_LATE_NS),
             qp_text("%llu", (unsigned long long)w->late_p99_ns),
             qp_text("the wire %s delivered late: the machine is too busy for this load", w->link));
  }
}

static void judge_files(struct qp_judged *self) {
  const struct qp_evidence *e = self->evidence;
  for (size_t i = 0; i < e->n_files; i++) {
    self->out->examined++;
    if (e->damage[i] && qp_found(self))
      report(self, e->files[i], "capture", qp_text("a whole file"), qp_text("%s", e->damage[i]),
             qp_text("the capture breaks off; everything in front of it was judged"));
  }
}

static void judge_captures_of_run(struct qp_judged *self) {
  const struct qp_evidence *e = self->evidence;
  const struct qp_manifest *m = e->manifest;
  for (size_t i = 0; i < m->n_captures; i++) {
    const struct qp_capture_info *c = &m->captures[i];
    if (c->dropped && qp_found(self))
      report(self, c->file, "dropped", qp_text("0"),
             qp_text("%llu", (unsigned long long)c->dropped),
             qp_text("the capture at %s towards %s lost packets", c->node, c->peer));
    if (!e->damage[i] && c->packets != e->frames[i] && qp_found(self))
      report(self, c->file, "packets", qp_text("%llu", (unsigned long long)c->packets),
             qp_text("%llu", (unsigned long long)e->frames[i]),
             qp_text("the file does not hold what was captured"));
  }
}

static void finish(struct qp_judged *self) {
  const struct qp_manifest *m = self->evidence->manifest;
  judge_files(self);
  if (!m)
    return;
  for (size_t i = 0; i < m->n_publishers; i++)
    judge_publisher(self, &m->publishers[i]);
  judge_captures_of_run(self);
  judge_wires(self);
  if (!m->has_run && qp_found(self))
    report(self, "manifest.json", "run", qp_text("written at the end of the run"),
           qp_text("absent"), qp_text("the runner did not get to the end"));
  if (m->timed_out && qp_found(self))
    report(self, "manifest.json", "run.timed_out", qp_text("false"), qp_text("true"),
           qp_text("the runner had to stop the run before it was quiet"));
}

const struct qp_check qp_check_load_honest = {
    .info = {"load-honest", "run",
             "The planned load was offered on time, wires kept theirs, the captures are complete.",
             true},
    .finish = finish,
};
