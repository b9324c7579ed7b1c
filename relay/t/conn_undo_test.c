/* ngtcp2's CUBIC takes a congestion event back when its losses turn out to be none (RFC 9438 4.9): that
 * event, not one before it whose loss was real. */
#include "relay/t/conn_pair.h"

/* Takes one full packet of the client off the network. */
struct thief {
  const struct pair *pair;
  bool steals;
  size_t len;
  uint8_t data[1500];
};

static bool steal(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  struct thief *thief = arg;
  if (!thief->steals || len < 1200 ||
      !qc_addr_equal(&path->remote, &thief->pair->server.config.path.local))
    return true;
  thief->steals = false;
  thief->len = len;
  memcpy(thief->data, data, len);
  return false;
}

/* Sends a stream of which one packet does not arrive; `late`: it does in the end. What is left is the
 * client's window: nothing is in flight. */
static uint64_t window_after_theft(struct pair *pair, struct thief *thief, bool late) {
  struct memnet_node *server = &pair->net.nodes[1];
  const int64_t sid = qc_open_uni(pair->client.conn);
  thief->steals = true;
  send_stream(&pair->client, sid, 100000);
  memnet_run(&pair->net, SECOND / 20, NULL, NULL);
  assert_false(thief->steals);
  if (late)
    server->in(server->arg,
               &(struct qc_path){.local = pair->server.config.path.local,
                                 .remote = pair->client.config.path.local},
               thief->data, thief->len, pair->net.now_ns);
  memnet_run(&pair->net, 3 * SECOND, NULL, NULL);
  assert_true(pair->server.fin[sid]);
  assert_int_equal(qc_unacked(pair->client.conn), 0);
  return qc_congestion_room(pair->client.conn);
}

static void a_real_loss_is_not_undone(void **state) {
  struct pair pair;
  struct thief thief = {.pair = &pair};
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS, .cubic = true});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  memnet_run(&pair.net, SECOND, NULL, NULL);
  pair.net.tap = steal;
  pair.net.tap_arg = &thief;
  send_stream(&pair.client, qc_open_uni(pair.client.conn), 200000);
  memnet_run(&pair.net, 3 * SECOND, NULL, NULL);
  const uint64_t grown = qc_congestion_room(pair.client.conn);
  const uint64_t reduced = window_after_theft(&pair, &thief, false);
  const uint64_t undone = window_after_theft(&pair, &thief, true);
  print_message("window %llu, after a loss %llu, after none %llu\n", (unsigned long long)grown,
                (unsigned long long)reduced, (unsigned long long)undone);
  assert_true(reduced < grown / 10 * 9);
  assert_in_range(undone, reduced, grown / 10 * 9); /* the second event is */
  pair_end(&pair);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_real_loss_is_not_undone),
  };
  return cmocka_run_group_tests_name("conn_undo", tests, NULL, NULL);
}
