/* metrics.csv and samples.csv. The header line is always there; an unknown
 * value is an empty field. */
#include <inttypes.h>
#include <stdlib.h>

#include "bench/report/files.h"
#include "bench/report/text.h"

/* "credit=3;filter=12": reasons differ from run to run, columns must not. */
static void put_drops(FILE *to, const struct judge_subscriber *sub) {
  char *text = NULL;
  size_t len = 0;
  FILE *into = open_memstream(&text, &len);
  if (!into)
    return;
  for (size_t i = 0; i < sub->n_drops; i++)
    fprintf(into, "%s%s=%" PRIu64, i ? ";" : "", sub->drops[i].reason, sub->drops[i].count);
  fclose(into);
  report_text_csv(to, text);
  free(text);
}

void report_file_metrics(FILE *to, const struct report_view *view) {
  char share[REPORT_TEXT_NUMBER];
  fputs(
      "scenario,mode,seed,subscriber,fast_path_share,objects,bytes,copies,resent,dropped,"
      "dropped_by_reason,latency_p50_ns,latency_p99_ns,latency_max_ns\n",
      to);
  for (size_t i = 0; i < view->judged->n_subscribers; i++) {
    const struct judge_subscriber *sub = &view->judged->subscribers[i];
    report_text_csv(to, view->plan->name);
    fputc(',', to);
    report_text_csv(to, report_view_mode(view));
    fprintf(to, ",%" PRIu64 ",", report_view_seed(view));
    report_text_csv(to, sub->node);
    fprintf(to, ",%s", sub->first_bytes_all ? report_text_share(share, sub->fast_path_ppm) : "");
    fprintf(to, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", sub->objects,
            sub->bytes, sub->copies, sub->resent, report_view_dropped(sub));
    put_drops(to, sub);
    if (sub->has_latency)
      fprintf(to, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", sub->latency_p50_ns,
              sub->latency_p99_ns, sub->latency_max_ns);
    else
      fputs(",,,\n", to);
  }
}

void report_file_samples(FILE *to, const struct report_view *view) {
  fputs("node,track,group,object,published_ns,latency_ns\n", to);
  for (size_t i = 0; view->samples && i < view->samples->n; i++) {
    const struct report_sample *sample = &view->samples->list[i];
    report_text_csv(to, view->plan->nodes[sample->node].name);
    fputc(',', to);
    report_text_csv(to, view->plan->tracks[sample->track].name);
    fprintf(to, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", sample->group, sample->object,
            sample->published_ns, sample->latency_ns);
  }
}
