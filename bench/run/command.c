#include "bench/run/command.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bench/run/process.h"
#include "bench/scenario/words.h"

__attribute__((format(printf, 2, 3))) static void add(struct command *cmd, const char *fmt, ...) {
  if (cmd->n + 2 > cmd->room) {
    size_t room = cmd->room * 2 + 32;
    char **bigger = realloc(cmd->argv, room * sizeof *bigger);
    if (bigger == NULL) {
      cmd->failed = true;
      return;
    }
    cmd->argv = bigger;
    cmd->room = room;
  }
  va_list ap;
  va_start(ap, fmt);
  char *text = NULL;
  if (vasprintf(&text, fmt, ap) < 0)
    cmd->failed = true;
  else
    cmd->argv[cmd->n++] = text;
  va_end(ap);
  cmd->argv[cmd->n] = NULL;
}

static void add_address(struct command *cmd, const char *option, int family,
                        const struct veth_end *end, unsigned port) {
  add(cmd, "%s", option);
  add(cmd, family == AF_INET6 ? "[%s]:%u" : "%s:%u", end->address, port);
}

static int finished(struct command *cmd, char *err, size_t err_len) {
  if (!cmd->failed)
    return 0;
  snprintf(err, err_len, "no memory for a command line");
  command_free(cmd);
  return -1;
}

unsigned command_port(const struct plan *plan, int node) {
  return plan->nodes[node].role == PLAN_RELAY ? COMMAND_RELAY_PORT
                                              : COMMAND_PEER_PORT + (unsigned)node;
}

/* The way from a node to the relay it dials. */
static int way_up(const struct plan *plan, const struct topology *net, int node,
                  struct topology_way *way, char *err, size_t err_len) {
  const struct plan_node *from = &plan->nodes[node];
  if (from->relay >= 0 && topology_way(net, plan, from->host, plan->nodes[from->relay].host, way))
    return 0;
  snprintf(err, err_len, "node %s has no way to %s, the relay it dials; add one under `links`",
           from->name, from->relay >= 0 ? plan->nodes[from->relay].name : "?");
  return -1;
}

int command_relay(struct command *cmd, const struct plan *plan, const struct topology *net,
                  int node, unsigned life, const struct command_places *at, char *err,
                  size_t err_len) {
  const struct plan_node *relay = &plan->nodes[node];
  struct topology_way way;
  *cmd = (struct command){0};
  if (relay->relay >= 0 && way_up(plan, net, node, &way, err, err_len) != 0)
    return -1;
  add(cmd, "%s/fanbench-relay", at->bindir);
  add(cmd, "--name");
  add(cmd, "%s", relay->file_name); /* of its files */
  add(cmd, "--port");               /* of all addresses and interfaces of its namespace */
  add(cmd, "%d", COMMAND_RELAY_PORT);
  if (relay->relay >= 0)
    add_address(cmd, "--upstream", way.family, way.there, COMMAND_RELAY_PORT);
  add(cmd, "--datapath");
  add(cmd, "%s", plan_datapath_name(relay->datapath));
  add(cmd, "--protection");
  add(cmd, "%s", plan_protection_name(relay->protection));
  add(cmd, "--cipher");
  add(cmd, "%s", plan_cipher_name(relay->cipher));
  add(cmd, "--congestion");
  add(cmd, "%s", plan_words_congestion[relay->congestion]);
  add(cmd, "--policy");
  add(cmd, "%s", relay->policy);
  add(cmd, "--cache");
  add(cmd, "%" PRIu64, relay->cache_bytes);
  add(cmd, "--seed");
  add(cmd, "%" PRIu64, plan->seed);
  add(cmd, "--clients");
  size_t clients = 2 * plan->n_nodes + 16; /* who reconnects overlaps with itself */
  add(cmd, "%zu", clients < COMMAND_RELAY_CLIENTS ? clients : COMMAND_RELAY_CLIENTS);
  for (size_t i = 0; i < plan->n_defects; i++) {
    const struct plan_defect *defect = &plan->defects[i];
    add(cmd, "--defect");
    if (defect->value != NULL)
      add(cmd, "%s=%" PRIu64, defect->name, plan_defect_number(defect));
    else
      add(cmd, "%s", defect->name);
  }
  add(cmd, "--out");
  add(cmd, "%s", at->dir);
  add(cmd, "--keylog");
  if (at->journal && relay->datapath != PLAN_DP_STOCK) {
    add(cmd, "--journal");
    add(cmd, "%s/%s-%u.journal", at->dir, relay->file_name, life);
    if (at->journal_size > 0) {
      add(cmd, "--journal-size");
      add(cmd, "%" PRIu64, at->journal_size);
    }
  }
  add(cmd, "--control");
  add(cmd, PROCESS_CONTROL_ARG);
  return finished(cmd, err, err_len);
}

int command_peer(struct command *cmd, const struct plan *plan, const struct topology *net, int node,
                 const struct command_places *at, char *err, size_t err_len) {
  const struct plan_node *peer = &plan->nodes[node];
  *cmd = (struct command){0};
  struct topology_way way;
  if (way_up(plan, net, node, &way, err, err_len) != 0)
    return -1;
  add(cmd, "%s/fanbench-peer", at->bindir);
  add(cmd, "--scenario");
  add(cmd, "%s/scenario.yaml", at->dir);
  add(cmd, "--node");
  add(cmd, "%s", peer->name);
  add_address(cmd, "--local", way.family, way.here, command_port(plan, node));
  add_address(cmd, "--remote", way.family, way.there, COMMAND_RELAY_PORT);
  add(cmd, "--out");
  add(cmd, "%s", at->dir);
  add(cmd, "--control");
  add(cmd, PROCESS_CONTROL_ARG);
  return finished(cmd, err, err_len);
}

int command_wire(struct command *cmd, const struct command_places *at, char *err, size_t err_len) {
  *cmd = (struct command){0};
  add(cmd, "%s/fanbench-wire", at->bindir);
  add(cmd, "--scenario");
  add(cmd, "%s/scenario.yaml", at->dir);
  add(cmd, "--out");
  add(cmd, "%s", at->dir);
  add(cmd, "--control");
  add(cmd, PROCESS_CONTROL_ARG);
  return finished(cmd, err, err_len);
}

void command_free(struct command *cmd) {
  for (size_t i = 0; i < cmd->n; i++)
    free(cmd->argv[i]);
  free(cmd->argv);
  *cmd = (struct command){0};
}
