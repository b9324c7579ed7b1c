#include "bench/report/page.h"

#include <inttypes.h>
#include <string.h>

#include "bench/report/text.h"

static void open_row(FILE *to, const char *name) {
  fprintf(to, "<dt>%s</dt><dd>", name);
}

static void put_nodes(FILE *to, const struct plan *plan) {
  open_row(to, "nodes");
  for (size_t i = 0; i < plan->n_nodes; i++) {
    const struct plan_node *node = &plan->nodes[i];
    size_t count = 0;
    if (i && !strcmp(plan->nodes[i - 1].group, node->group))
      continue; /* instances of one group stand together */
    while (i + count < plan->n_nodes && !strcmp(plan->nodes[i + count].group, node->group))
      count++;
    fputs(i ? ", " : "", to);
    report_text_xml(to, node->group);
    fputs(" (", to);
    if (count > 1)
      fprintf(to, "%zu x ", count);
    fputs(plan_role_name(node->role), to);
    if (node->role == PLAN_RELAY)
      fprintf(to, ", datapath %s, protection %s", plan_datapath_name(node->datapath),
              plan_protection_name(node->protection));
    fputc(')', to);
  }
  fputs("</dd>\n", to);
}

static void put_tracks(FILE *to, const struct plan *plan) {
  char size[REPORT_TEXT_NUMBER];
  open_row(to, "tracks");
  for (size_t i = 0; i < plan->n_tracks; i++) {
    const struct plan_track *track = &plan->tracks[i];
    fputs(i ? ", " : "", to);
    report_text_xml(to, track->name);
    fprintf(to, " (%s", track->as == PLAN_DATAGRAMS ? "datagrams" : "subgroups");
    if (track->trace)
      fprintf(to, ", trace of %zu frames", track->n_trace);
    else if (track->file)
      fputs(", a file", to);
    else
      fprintf(to, ", every %s", report_text_duration(size, track->every_ns));
    if (!track->trace && track->size_min == track->size_max)
      fprintf(to, ", %s B", report_text_count(size, track->size_max));
    fputc(')', to);
  }
  fputs(plan->n_tracks ? "</dd>\n" : "none</dd>\n", to);
}

static void put_links(FILE *to, const struct plan *plan) {
  size_t plain = 0;
  for (size_t i = 0; i < plan->n_links; i++)
    plain += plan->links[i].plain;
  open_row(to, "links");
  fprintf(to, "%zu, %zu of them plain wires; %zu timeline events</dd>\n", plan->n_links, plain,
          plan->n_events);
}

static void put_defects(FILE *to, const struct report_view *view) {
  open_row(to, "defects");
  if (view->run->twin == REPORT_OFF)
    fputs("off (this run must pass plain)", to);
  else if (!view->plan->n_defects)
    fputs("none", to);
  for (size_t i = 0; view->run->twin != REPORT_OFF && i < view->plan->n_defects; i++) {
    fputs(i ? ", " : "", to);
    report_text_xml(to, view->plan->defects[i].name);
    if (view->plan->defects[i].value) {
      fputc('=', to);
      report_text_xml(to, view->plan->defects[i].value);
    }
  }
  fputs("</dd>\n", to);
}

void report_page_facts(FILE *to, const struct report_view *view) {
  char a[REPORT_TEXT_NUMBER], b[REPORT_TEXT_NUMBER];
  fputs("<dl>\n", to);
  open_row(to, "mode");
  report_text_xml(to, report_view_mode(view));
  fprintf(to, ", seed %" PRIu64 ", %s of publishing", report_view_seed(view),
          report_text_duration(a, view->plan->duration_ns));
  if (view->run->tries > 1)
    fprintf(to, ", try %" PRIu32, view->run->tries);
  fputs("</dd>\n", to);
  put_nodes(to, view->plan);
  put_tracks(to, view->plan);
  put_links(to, view->plan);
  put_defects(to, view);
  open_row(to, "packets");
  fprintf(to, "%s QUIC packets read, %s of them opened</dd>\n",
          report_text_count(a, view->judged->packets),
          report_text_count(b, view->judged->packets_opened));
  open_row(to, "commit");
  report_text_xml(to, report_view_commit(view));
  fputs("</dd>\n</dl>\n", to);
}

static void put_number(FILE *to, uint64_t n) {
  char buf[REPORT_TEXT_NUMBER];
  fprintf(to, "<td class=\"n\">%s</td>", report_text_count(buf, n));
}

static void put_latency(FILE *to, bool known, uint64_t ns) {
  char buf[REPORT_TEXT_NUMBER];
  fprintf(to, "<td class=\"n\">%s</td>", known ? report_text_duration(buf, ns) : "&ndash;");
}

void report_page_subscribers(FILE *to, const struct report_view *view) {
  const struct judge_report *judged = view->judged;
  char buf[REPORT_TEXT_NUMBER];
  uint32_t ppm = 0;
  if (!judged->n_subscribers) {
    fputs("<p class=\"soft\">No subscriber was seen.</p>\n", to);
    return;
  }
  fputs(
      "<div class=\"wide\"><table><thead><tr><th>subscriber</th><th class=\"n\">objects</th>"
      "<th class=\"n\">bytes</th><th class=\"n\">fast path</th><th class=\"n\">copies</th>"
      "<th class=\"n\">bytes resent</th><th class=\"n\">p50</th><th class=\"n\">p99</th>"
      "<th class=\"n\">max</th></tr></thead><tbody>\n",
      to);
  for (size_t i = 0; i < judged->n_subscribers; i++) {
    const struct judge_subscriber *sub = &judged->subscribers[i];
    fputs("<tr><td>", to);
    report_text_xml(to, sub->node);
    fputs("</td>", to);
    put_number(to, sub->objects);
    put_number(to, sub->bytes);
    fprintf(to, "<td class=\"n\">%s</td>",
            sub->first_bytes_all ? report_text_percent(buf, sub->fast_path_ppm) : "&ndash;");
    put_number(to, sub->copies);
    put_number(to, sub->resent);
    put_latency(to, sub->has_latency, sub->latency_p50_ns);
    put_latency(to, sub->has_latency, sub->latency_p99_ns);
    put_latency(to, sub->has_latency, sub->latency_max_ns);
    fputs("</tr>\n", to);
  }
  fputs("</tbody></table></div>\n", to);
  if (report_view_share(view, &ppm))
    fprintf(to, "<p>The datapath sent %s of all bytes sent for the first time.</p>\n",
            report_text_percent(buf, ppm));
}

/* Where a reason was first seen, so that it gets one row. */
static bool seen_before(const struct judge_report *judged, size_t sub, size_t drop) {
  const char *reason = judged->subscribers[sub].drops[drop].reason;
  for (size_t i = 0; i <= sub; i++)
    for (size_t d = 0; d < (i == sub ? drop : judged->subscribers[i].n_drops); d++)
      if (!strcmp(judged->subscribers[i].drops[d].reason, reason))
        return true;
  return false;
}

static void put_reason(FILE *to, const struct judge_report *judged, const char *reason) {
  uint64_t sum = 0, most = 0, subscribers = 0;
  const char *who = "";
  for (size_t i = 0; i < judged->n_subscribers; i++) {
    const struct judge_subscriber *sub = &judged->subscribers[i];
    uint64_t own = 0;
    for (size_t d = 0; d < sub->n_drops; d++)
      own += strcmp(sub->drops[d].reason, reason) ? 0 : sub->drops[d].count;
    sum += own;
    subscribers += own > 0;
    if (own > most) {
      most = own;
      who = sub->node;
    }
  }
  fputs("<tr><td>", to);
  report_text_xml(to, reason);
  fputs("</td>", to);
  put_number(to, sum);
  put_number(to, subscribers);
  put_number(to, most);
  fputs("<td>", to);
  report_text_xml(to, who);
  fputs("</td></tr>\n", to);
}

void report_page_drops(FILE *to, const struct report_view *view) {
  const struct judge_report *judged = view->judged;
  size_t rows = 0;
  for (size_t i = 0; i < judged->n_subscribers; i++)
    rows += judged->subscribers[i].n_drops;
  if (!rows) {
    fputs("<p class=\"soft\">Nothing was dropped.</p>\n", to);
    return;
  }
  fputs(
      "<div class=\"wide\"><table><thead><tr><th>reason</th><th class=\"n\">dropped</th>"
      "<th class=\"n\">subscribers</th><th class=\"n\">most for one</th><th>which</th></tr>"
      "</thead><tbody>\n",
      to);
  for (size_t i = 0; i < judged->n_subscribers; i++)
    for (size_t d = 0; d < judged->subscribers[i].n_drops; d++)
      if (!seen_before(judged, i, d))
        put_reason(to, judged, judged->subscribers[i].drops[d].reason);
  fputs("</tbody></table></div>\n<p class=\"soft\">For each subscriber: metrics.csv.</p>\n", to);
}
