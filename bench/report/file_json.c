/* report.json: the verdict for programs. Members and their order are the
 * contract of the run directory; what is added stands after them. */
#include "bench/report/files.h"
#include "bench/report/json.h"

static void put_finding(struct report_json *json, const struct judge_finding *finding) {
  report_json_object(json, NULL);
  report_json_text(json, "file", finding->file);
  report_json_count(json, "frame", finding->frame);
  report_json_count(json, "time_ns", finding->time_ns);
  report_json_text(json, "layer", finding->layer);
  report_json_text(json, "field", finding->field);
  report_json_text(json, "expected", finding->expected);
  report_json_text(json, "actual", finding->actual);
  report_json_text(json, "explain", finding->explain);
  report_json_object_end(json);
}

static void put_check(struct report_json *json, const struct report_view *view, size_t i) {
  const struct judge_check *from = &view->judged->checks[i];
  const struct report_check *check = &view->outcome->checks[i];
  size_t n = report_view_findings(view, i);
  report_json_object(json, NULL);
  report_json_text(json, "name", from->name);
  report_json_text(json, "result", report_result_name(check->result));
  if (check->reason)
    report_json_text(json, "reason", check->reason);
  report_json_text(json, "expected", report_expected_name(check->expected));
  report_json_bool(json, "as_expected", check->as_expected);
  if (check->why_not)
    report_json_text(json, "why_not", check->why_not);
  report_json_count(json, "examined", from->examined);
  if (check->examined_at_least)
    report_json_count(json, "examined_at_least", check->examined_at_least);
  report_json_count(json, "findings_total", n ? from->findings_total : 0);
  report_json_array(json, "findings");
  for (size_t f = 0; f < n; f++)
    put_finding(json, &from->findings[f]);
  report_json_array_end(json);
  report_json_object_end(json);
}

static void put_subscriber(struct report_json *json, const struct judge_subscriber *sub) {
  report_json_object(json, sub->node);
  if (sub->first_bytes_all)
    report_json_share(json, "fast_path_share", sub->fast_path_ppm);
  else
    report_json_null(json, "fast_path_share");
  report_json_count(json, "objects", sub->objects);
  report_json_count(json, "bytes", sub->bytes);
  report_json_count(json, "copies", sub->copies);
  report_json_count(json, "resent", sub->resent);
  report_json_count(json, "sendings", sub->sendings);
  report_json_object(json, "dropped");
  for (size_t i = 0; i < sub->n_drops; i++)
    report_json_count(json, sub->drops[i].reason, sub->drops[i].count);
  report_json_object_end(json);
  if (sub->has_latency) {
    report_json_object(json, "latency_ns");
    report_json_count(json, "p50", sub->latency_p50_ns);
    report_json_count(json, "p99", sub->latency_p99_ns);
    report_json_count(json, "max", sub->latency_max_ns);
    report_json_object_end(json);
  } else {
    report_json_null(json, "latency_ns");
  }
  report_json_object_end(json);
}

static void put_metrics(struct report_json *json, const struct report_view *view) {
  uint32_t ppm = 0;
  report_json_object(json, "metrics");
  if (report_view_share(view, &ppm))
    report_json_share(json, "fast_path_share", ppm);
  else
    report_json_null(json, "fast_path_share");
  report_json_object(json, "subscribers");
  for (size_t i = 0; i < view->judged->n_subscribers; i++)
    put_subscriber(json, &view->judged->subscribers[i]);
  report_json_object_end(json);
  report_json_count(json, "packets", view->judged->packets);
  report_json_count(json, "packets_opened", view->judged->packets_opened);
  report_json_object_end(json);
}

void report_file_json(FILE *to, const struct report_view *view) {
  struct report_json json = {.to = to};
  report_json_object(&json, NULL);
  report_json_text(&json, "scenario", view->plan->name);
  report_json_text(&json, "mode", report_view_mode(view));
  report_json_count(&json, "seed", report_view_seed(view));
  report_json_text(&json, "commit", report_view_commit(view));
  report_json_text(&json, "verdict", report_verdict_name(view->outcome->verdict));
  report_json_array(&json, "checks");
  for (size_t i = 0; i < view->outcome->n_checks; i++)
    put_check(&json, view, i);
  report_json_array_end(&json);
  put_metrics(&json, view);
  report_json_array(&json, "notes");
  for (size_t i = 0; i < view->outcome->n_notes; i++)
    report_json_text(&json, NULL, view->outcome->notes[i].text);
  report_json_array_end(&json);
  report_json_text(&json, "defects", report_twin_name(view->run->twin));
  report_json_count(&json, "tries", view->run->tries);
  report_json_text(&json, "died", view->run->died);
  report_json_text(&json, "replay", view->run->kept);
  report_json_text(&json, "remark", REPORT_VIEW_CAVEAT);
  report_json_object_end(&json);
}
