#include "pcap-tools/t/made_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct plan made_run(void) {
  return made_run_of(scene_new("chat", p_next_group(), p_none()));
}

struct plan made_run_of(struct scene scene) {
  struct plan p = {.scene = scene, .captured = -1};
  p.faults = "";
  p.datapath = "kernel";
  p.congestion = "newreno";
  p.sub_role = "subscriber";
  p.publisher = "\"objects_planned\":1,\"objects_published\":1,\"late_p99_ns\":1000";
  p.residue = "{\"examined\":[\"processes\",\"interfaces\"],\"left\":[]}";
  p.process = "\"exit\":0,\"signal\":0,\"expected\":true";
  p.protection = "none";
  p.pub_log =
      "{\"ev\":\"published\",\"t\":1000,\"track\":\"chat\",\"group\":0,\"subgroup\":null,"
      "\"object\":0,\"size\":1,\"hash\":\"d24ec4f1a98c6e5b\",\"priority\":1}\n";
  p.sub_log =
      "{\"ev\":\"connected\",\"t\":1,\"conn\":\"00\"}\n"
      "{\"ev\":\"subscribed\",\"t\":2,\"track\":\"chat\",\"alias\":7,\"largest\":null}\n"
      "{\"ev\":\"delivered\",\"t\":6000,\"track\":\"chat\",\"group\":0,\"subgroup\":null,"
      "\"object\":0,\"size\":1,\"hash\":\"d24ec4f1a98c6e5b\",\"priority\":1,"
      "\"as\":\"datagram\"}\n"
      "{\"ev\":\"closed\",\"t\":9000,\"conn\":\"00\",\"by\":\"self\"}\n";
  scene_up(&p.scene, 0, 0, "a");
  scene_down(&p.scene, 0, 0, "a");
  return p;
}

void made_run_file(const char *name, const char *text) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", tape_dir(), name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

/* The subscriber's link, captured at both ends. */
static void write_link(const struct plan *p) {
  char path[256];
  snprintf(path, sizeof path, "%s/capture/sub.0-relay.pcapng", tape_dir());
  tape_write(p->scene.t, path, 1, 0);
  snprintf(path, sizeof path, "%s/capture/relay-sub.0.pcapng", tape_dir());
  tape_write(p->scene.t, path, 2, 0);
}

void made_run_write(const struct plan *p) {
  static char text[8192];
  char path[256];
  snprintf(path, sizeof path, "%s/capture", tape_dir());
  mkdir(path, 0700);
  snprintf(path, sizeof path, "%s/capture/relay-all.pcapng", tape_dir());
  if (p->no_capture)
    remove(path);
  else
    tape_write(p->scene.t, path, 0, 0);
  if (p->at_sub)
    write_link(p);
  long packets = p->captured >= 0 ? p->captured : (long)p->scene.t->n;
  snprintf(
      text, sizeof text,
      "{\"format\":1,\"scenario\":\"made\",\"mode\":\"live\",\"seed\":7,\"commit\":\"abc\","
      "\"duration_ns\":1000000000,\"drain_ns\":1000000000,"
      "\"nodes\":["
      "{\"name\":\"pub\",\"file\":\"pub\",\"role\":\"publisher\",\"relay\":\"relay\","
      "\"address\":[\"10.0.0.2\"],\"port\":20000,\"route\":[%s]},"
      "{\"name\":\"relay\",\"file\":\"relay\",\"role\":\"relay\",\"protection\":\"%s\","
      "\"datapath\":\"%s\",\"congestion\":\"%s\","
      "\"address\":[\"10.0.0.1\"],\"port\":4433},"
      "{\"name\":\"sub[0]\",\"file\":\"sub.0\",\"role\":\"%s\",\"relay\":\"%s\","
      "\"address\":[\"10.0.0.3\"],\"port\":20000,\"route\":[%s]}%s],"
      "\"links\":[%s],"
      "\"captures\":[{\"file\":\"capture/relay-all.pcapng\",\"node\":\"relay\",\"peer\":\"pub\","
      "\"packets\":%ld,\"dropped\":%llu}%s],"
      "\"tracks\":[{\"name\":\"chat\",\"from\":\"pub\",\"as\":\"datagrams\",\"priority\":1,"
      "\"objects_planned\":1}],"
      "\"subscriptions\":[{\"who\":\"sub[0]\",\"tracks\":[\"chat\"],\"at_ns\":0,"
      "\"priority_limit\":null,\"delivery_timeout_ns\":0}],"
      "\"events\":[],\"defects\":[],\"latency_budget\":{%s},\"closes\":[%s],"
      "\"run\":{\"start_ns\":0,\"end_ns\":3000000000,\"timed_out\":%s,"
      "\"processes\":[{\"node\":\"relay\",%s}],"
      "\"publishers\":[{\"node\":\"pub\",%s,\"late_max_ns\":2000}],\"wires\":[%s],\"residue\":%s},"
      "\"machine\":{\"realtime_minus_monotonic_ns\":1700000000000000000}}",
      p->pub_way ? p->pub_way : "", p->protection, p->datapath, p->congestion, p->sub_role,
      p->sub_relay ? p->sub_relay : "relay", p->sub_way ? p->sub_way : "",
      p->more_nodes ? p->more_nodes : "",
      p->links ? p->links
               : "{\"a\":\"pub\",\"b\":\"relay\",\"plain\":true},"
                 "{\"a\":\"relay\",\"b\":\"sub[0]\",\"plain\":true}",
      packets, (unsigned long long)p->dropped,
      p->at_sub ? ",{\"file\":\"capture/sub.0-relay.pcapng\",\"node\":\"sub[0]\","
                  "\"peer\":\"relay\",\"packets\":1,\"dropped\":0},"
                  "{\"file\":\"capture/relay-sub.0.pcapng\",\"node\":\"relay\","
                  "\"peer\":\"sub[0]\",\"packets\":0,\"dropped\":0}"
                : "",
      p->budget ? p->budget : "", p->closes ? p->closes : "", p->timed_out ? "true" : "false",
      p->process, p->publisher, p->wires ? p->wires : "", p->residue);
  made_run_file("manifest.json", text);
  made_run_file("pub-objects.jsonl", p->pub_log);
  made_run_file("sub.0-objects.jsonl", p->sub_log);
  made_run_file("relay-copies.jsonl", p->copies ? p->copies : "");
  made_run_file("relay-ledger.jsonl", p->ledger ? p->ledger : "");
  made_run_file("faults.jsonl", p->faults);
}

struct judge_report *made_run_judge(const struct plan *p) {
  struct judge_report *r = NULL;
  char err[512] = "";
  made_run_write(p);
  if (judge_run_dir(tape_dir(), &r, err, sizeof err))
    fail_msg("%s", err);
  return r;
}

void made_run_expect(struct plan *p, const char *check, enum judge_result result) {
  struct judge_report *r = made_run_judge(p);
  const struct judge_check *c = tape_check(r, check);
  if (c->result != result && c->n_findings)
    print_error("%s: %s: expected %s, found %s\n", check, c->findings[0].field,
                c->findings[0].expected, c->findings[0].actual);
  assert_int_equal(c->result, result);
  judge_report_free(r);
  scene_free(&p->scene);
}

void made_run_expect_finding(struct plan *p, const char *check, const char *field,
                             const char *actual) {
  struct judge_report *r = made_run_judge(p);
  const struct judge_check *c = tape_check(r, check);
  assert_int_equal(c->result, JUDGE_FAIL);
  assert_string_equal(c->findings[0].field, field);
  assert_non_null(strstr(c->findings[0].actual, actual));
  judge_report_free(r);
  scene_free(&p->scene);
}
