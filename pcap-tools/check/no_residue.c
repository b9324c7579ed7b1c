/* no-residue: nothing of the run is left on the machine, and every process ended as
 * planned. An empty list of examined kinds proves nothing.
 *
 * Vantage: manifest.json: what the runner found behind the run.
 *
 * Excused: a process that the timeline ends.
 *
 * Source: DESIGN 10. */
#include "pcap-tools/check/check.h"

static void report(struct qp_judged *self, const char *field, char *expected, char *actual,
                   char *explain) {
  qp_describe_line(self, "manifest.json", 0, 0,
                   (struct qp_words){.layer = "run",
                                     .field = field,
                                     .expected = expected,
                                     .actual = actual,
                                     .explain = explain});
}

static void finish(struct qp_judged *self) {
  const struct qp_manifest *m = self->evidence->manifest;
  self->out->examined = m->n_examined;
  for (size_t i = 0; m->n_examined && i < m->n_processes; i++) {
    const struct qp_process_info *p = &m->processes[i];
    self->out->examined++;
    if (p->expected || !qp_found(self))
      continue;
    report(self, "process", qp_text("%s ends as planned", p->node),
           p->signal ? qp_text("signal %lld", p->signal) : qp_text("exit code %lld", p->exit),
           qp_text("a process of the run died, or failed"));
  }
  for (size_t i = 0; i < m->n_left; i++)
    if (qp_found(self))
      report(self, "residue", qp_text("nothing left behind"), qp_text("%s", m->left[i]),
             qp_text("the run leaves something on the machine"));
}

const struct qp_check qp_check_no_residue = {
    .info = {"no-residue", "run", "The run leaves nothing behind and no process failed.", true},
    .needs_run = true,
    .finish = finish,
};
