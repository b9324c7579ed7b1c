/* Command lines of the processes, what live mode refuses, the catalogue of
 * defects, the control channel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/run/channel.h"
#include "bench/run/command.h"
#include "bench/run/defects.h"
#include "bench/run/manifest.h"
#include "bench/run/process.h"
#include "bench/scenario/words.h"

static struct plan_node nodes[3];
static struct plan_link link_to[2];
static struct plan_defect defects[] = {{.name = (char *)"two-counters"},
                                       {.name = (char *)"slow-agent", .value = (char *)"5ms"}};
static struct plan plan;
static char err[512];

static int reset(void **state) {
  (void)state;
  nodes[0] = (struct plan_node){.name = (char *)"pub", .file_name = (char *)"pub", .relay = 1};
  nodes[1] = (struct plan_node){.name = (char *)"relay",
                                .file_name = (char *)"relay",
                                .role = PLAN_RELAY,
                                .host = 1,
                                .relay = -1,
                                .protection = PLAN_PROT_TLS,
                                .datapath = PLAN_DP_STOCK,
                                .cache_bytes = 4096};
  nodes[2] = (struct plan_node){.name = (char *)"sub[0]",
                                .file_name = (char *)"sub.0",
                                .role = PLAN_SUBSCRIBER,
                                .host = 2,
                                .relay = 1};
  link_to[0] = (struct plan_link){.a = 0, .b = 1, .ip = 4, .mtu = 1500, .plain = true};
  link_to[1] = (struct plan_link){.a = 1, .b = 2, .ip = 6, .mtu = 1500, .plain = true};
  plan = (struct plan){.seed = 7,
                       .duration_ns = 1000000001,
                       .nodes = nodes,
                       .n_nodes = 3,
                       .n_hosts = 3,
                       .links = link_to,
                       .n_links = 2};
  return 0;
}

static const char *value_of(const struct command *cmd, const char *option) {
  for (size_t i = 0; i + 1 < cmd->n; i++)
    if (strcmp(cmd->argv[i], option) == 0)
      return cmd->argv[i + 1];
  fail_msg("no option %s", option);
  return NULL;
}

static const struct command_places places = {.bindir = "/bin", .dir = "runs/x"};

static void the_relay_is_told_its_settings(void **state) {
  (void)state;
  struct command cmd;
  plan.defects = defects;
  plan.n_defects = 2;
  assert_int_equal(command_relay(&cmd, &plan, NULL, 1, 1, &places, err, sizeof err), 0);
  assert_string_equal(cmd.argv[0], "/bin/fanbench-relay");
  assert_string_equal(value_of(&cmd, "--datapath"), "stock");
  assert_string_equal(value_of(&cmd, "--protection"), "tls");
  assert_string_equal(value_of(&cmd, "--port"), "4433");
  assert_string_equal(value_of(&cmd, "--cache"), "4096");
  assert_string_equal(value_of(&cmd, "--defect"), "two-counters");
  bool found = false;
  for (size_t i = 0; i < cmd.n; i++)
    found = found || strcmp(cmd.argv[i], "slow-agent=5000000") == 0;
  assert_true(found);
  assert_string_equal(value_of(&cmd, "--keylog"), "--control"); /* captures are to be opened */
  assert_string_equal(value_of(&cmd, "--control"), PROCESS_CONTROL_ARG);
  assert_null(cmd.argv[cmd.n]);
  command_free(&cmd);
}

static void a_relay_that_has_a_datapath_is_told_its_journal(void **state) {
  (void)state;
  const struct command_places kept = {.bindir = "/bin", .dir = "runs/x", .journal = true};
  const enum plan_datapath was = nodes[1].datapath;
  struct command cmd;
  nodes[1].datapath = PLAN_DP_USER;
  assert_int_equal(command_relay(&cmd, &plan, NULL, 1, 2, &kept, err, sizeof err), 0);
  assert_string_equal(value_of(&cmd, "--journal"), "runs/x/relay-2.journal");
  for (size_t i = 0; i < cmd.n; i++)
    assert_string_not_equal(cmd.argv[i], "--journal-size"); /* as much as is usual */
  command_free(&cmd);
  const struct command_places some = {
      .bindir = "/bin", .dir = "runs/x", .journal = true, .journal_size = 1234};
  assert_int_equal(command_relay(&cmd, &plan, NULL, 1, 2, &some, err, sizeof err), 0);
  assert_string_equal(value_of(&cmd, "--journal-size"), "1234");
  command_free(&cmd);
  nodes[1].datapath = PLAN_DP_STOCK;
  assert_int_equal(command_relay(&cmd, &plan, NULL, 1, 2, &kept, err, sizeof err), 0);
  for (size_t i = 0; i < cmd.n; i++)
    assert_string_not_equal(cmd.argv[i], "--journal");
  command_free(&cmd);
  nodes[1].datapath = was;
}

/* The subscriber's place is here a second relay's, below the first. */
static void a_relay_is_told_its_upstream(void **state) {
  (void)state;
  struct command cmd;
  struct topology net;
  nodes[2].role = PLAN_RELAY;
  assert_int_equal(topology_plan(&plan, &net, err, sizeof err), 0);
  assert_int_equal(command_relay(&cmd, &plan, &net, 2, 1, &places, err, sizeof err), 0);
  assert_string_equal(value_of(&cmd, "--upstream"), "[fd00:0:0:1::1]:4433");
  assert_string_equal(value_of(&cmd, "--name"), "sub.0"); /* as in the names of its files */
  command_free(&cmd);
  assert_int_equal(plan_relay_level(&plan, 1), 0);
  assert_int_equal(plan_relay_level(&plan, 2), 1);
  assert_int_equal(plan_relay_levels(&plan), 1);
  topology_free(&net);
}

static void a_peer_is_told_its_addresses(void **state) {
  (void)state;
  struct command cmd;
  struct topology net;
  assert_int_equal(topology_plan(&plan, &net, err, sizeof err), 0);
  assert_int_equal(command_peer(&cmd, &plan, &net, 0, &places, err, sizeof err), 0);
  assert_string_equal(value_of(&cmd, "--local"), "10.0.0.1:20000");
  assert_string_equal(value_of(&cmd, "--remote"), "10.0.0.2:4433");
  command_free(&cmd);
  assert_int_equal(command_peer(&cmd, &plan, &net, 2, &places, err, sizeof err), 0);
  assert_string_equal(value_of(&cmd, "--node"), "sub[0]");
  assert_string_equal(value_of(&cmd, "--local"), "[fd00:0:0:1::2]:20002");
  assert_string_equal(value_of(&cmd, "--remote"), "[fd00:0:0:1::1]:4433");
  command_free(&cmd);
  topology_free(&net);
}

static void the_wire_is_told_the_scenario(void **state) {
  (void)state;
  struct command cmd;
  assert_int_equal(command_wire(&cmd, &places, err, sizeof err), 0);
  assert_string_equal(cmd.argv[0], "/bin/fanbench-wire");
  assert_string_equal(value_of(&cmd, "--scenario"), "runs/x/scenario.yaml");
  assert_string_equal(value_of(&cmd, "--out"), "runs/x");
  assert_string_equal(value_of(&cmd, "--control"), PROCESS_CONTROL_ARG);
  command_free(&cmd);
}

static void a_peer_without_a_link_is_refused(void **state) {
  (void)state;
  struct command cmd;
  struct topology net;
  plan.n_links = 1;
  assert_int_equal(topology_plan(&plan, &net, err, sizeof err), 0);
  assert_int_equal(command_peer(&cmd, &plan, &net, 2, &places, err, sizeof err), -1);
  assert_non_null(strstr(err, "sub[0] has no way to relay"));
  topology_free(&net);
}

static void the_catalogue_names_what_scenarios_may_use(void **state) {
  (void)state;
  size_t n = 0;
  for (; plan_words_defect[n].name != NULL; n++)
    assert_non_null(defects_find(plan_words_defect[n].name));
  assert_int_equal(n, defects_n);
  assert_null(defects_find("nonsense"));
}

static void planned_objects_are_counted(void **state) {
  (void)state;
  struct plan_track track = {.every_ns = 20000000, .layers = 1};
  assert_int_equal(manifest_objects_planned(&plan, &track), 51); /* at 0 ms, ..., at 1,000 ms */
  track.objects = 10;
  assert_int_equal(manifest_objects_planned(&plan, &track), 10);
  track.layers = 2;
  assert_int_equal(manifest_objects_planned(&plan, &track), -1);
}

static void messages_pass_and_garbage_is_seen(void **state) {
  (void)state;
  int fds[2];
  json_t *message;
  assert_int_equal(channel_pair(fds), 0);
  assert_int_equal(channel_recv(fds[0], &message), CHANNEL_NOTHING);
  assert_int_equal(channel_send(fds[1], json_pack("{s:s, s:i}", "ev", "x", "n", 3)), 0);
  assert_int_equal(channel_recv(fds[0], &message), CHANNEL_MESSAGE);
  assert_string_equal(channel_text(message, "ev"), "x");
  assert_int_equal(channel_int(message, "n", 0), 3);
  assert_int_equal(channel_int(message, "ev", -1), -1);
  assert_string_equal(channel_text(message, "absent"), "");
  json_decref(message);
  static const char *const garbage[] = {"[1]", "{", "{\"a\":1,\"a\":2}", "text"};
  for (size_t i = 0; i < 4; i++) {
    assert_true(send(fds[1], garbage[i], strlen(garbage[i]), 0) > 0);
    assert_int_equal(channel_recv(fds[0], &message), CHANNEL_GARBAGE);
    assert_null(message);
  }
  close(fds[1]);
  assert_int_equal(channel_recv(fds[0], &message), CHANNEL_CLOSED);
  close(fds[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(the_relay_is_told_its_settings, reset),
      cmocka_unit_test_setup(a_relay_that_has_a_datapath_is_told_its_journal, reset),
      cmocka_unit_test_setup(a_relay_is_told_its_upstream, reset),
      cmocka_unit_test_setup(a_peer_is_told_its_addresses, reset),
      cmocka_unit_test(the_wire_is_told_the_scenario),
      cmocka_unit_test_setup(a_peer_without_a_link_is_refused, reset),
      cmocka_unit_test_setup(the_catalogue_names_what_scenarios_may_use, reset),
      cmocka_unit_test_setup(planned_objects_are_counted, reset),
      cmocka_unit_test(messages_pass_and_garbage_is_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
