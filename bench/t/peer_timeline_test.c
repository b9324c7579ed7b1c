/* What the timeline does to an endpoint: commands against its core in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/t/peer_served.h"

static bool do_event(struct rig *rig, enum plan_event_kind kind) {
  const size_t before = rig_count(rig, PEER_DID);
  rig_do(rig, &(struct peer_command){.what = PEER_DO_EVENT, .event = kind, .priority_limit = -1});
  return rig_await(rig, PEER_DID, before + 1)->done;
}

static void priority_limit_is_an_update(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  rig_do(rig, &(struct peer_command){
                  .what = PEER_DO_EVENT, .event = PLAN_EV_PRIORITY_LIMIT, .priority_limit = 3});
  assert_true(rig_await(rig, PEER_DID, 1)->done);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig->updates, 2);
  assert_int_equal(rig->updated.has, MOQT_HAS_PRIORITY_FILTER);
  assert_int_equal(rig->updated.priority_min, 0);
  assert_int_equal(rig->updated.priority_max, 3);
  assert_true(do_event(rig, PLAN_EV_PRIORITY_LIMIT)); /* none again */
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig->updates, 4);
  assert_int_equal(rig->updated.priority_max, 255);
  rig_close(rig);
}

static void reconnect_asks_again(void **state) {
  for (int same_port = 0; same_port < 2; same_port++) {
    struct rig *rig;
    (void)state;
    rig = served_answered(SERVED_BOTH, 0);
    rig_do(rig, &(struct peer_command){
                    .what = PEER_DO_EVENT, .event = PLAN_EV_RECONNECT, .same_port = same_port});
    assert_true(rig_await(rig, PEER_DID, 1)->done);
    rig_run(rig, 500 * RIG_MS);
    assert_int_equal(rig->connections, 2);
    assert_int_equal(rig->n_requests, 4);
    assert_false(rig->closed); /* the old one got no CONNECTION_CLOSE */
    const uint16_t port = ntohs(rig->net.nodes[rig->peer_node].addr.in.sin_port);
    assert_int_equal(port == 20000, same_port);
    served_accept(rig, 2);
    served_accept(rig, 3);
    rig_run(rig, 100 * RIG_MS);
    served_datagram(rig, SERVED_CHAT_ALIAS, 0, 1, 50);
    rig_run(rig, 100 * RIG_MS);
    assert_int_equal(rig_lines(rig, "connected"), 2);
    assert_int_equal(rig_lines(rig, "closed"), 1);
    assert_int_equal(rig_lines(rig, "subscribed"), 4);
    assert_int_equal(rig_lines(rig, "delivered"), 1);
    assert_int_equal(rig_count(rig, PEER_ANSWERED), 1);
    rig_close(rig);
  }
}

/* Its relay was started again and does not know it: it dials anew, from its port, and asks for
 * what it had. */
static void a_lost_relay_is_dialled_again(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  rig_run(rig, 100 * RIG_MS);
  rig_server_restart(rig);
  rig_run(rig, 2 * RIG_S); /* its keep-alive is answered by a stateless reset */
  assert_int_equal(rig->connections, 2);
  assert_int_equal(rig->n_requests, 4);
  assert_int_equal(ntohs(rig->net.nodes[rig->peer_node].addr.in.sin_port), 20000);
  json_t *line = rig_line(rig, "closed", 0);
  assert_string_equal(json_string_value(json_object_get(line, "by")), "reset");
  json_decref(line);
  served_accept(rig, 2);
  served_accept(rig, 3);
  rig_run(rig, 100 * RIG_MS);
  served_datagram(rig, SERVED_CHAT_ALIAS, 0, 1, 50);
  rig_run(rig, 100 * RIG_MS);
  assert_int_equal(rig_lines(rig, "delivered"), 1);
  assert_string_equal(rig->failure, "");
  rig_close(rig);
}

/* A first connection that hears nothing is given up for another one before its third Initial; three
 * dials and their farewells are nine packets. */
static void unheard_it_dials_anew(void **state) {
  struct rig *rig;
  (void)state;
  rig = rig_open(&(struct rig_shape){.yaml = SERVED_BOTH, .node = "sub", .swallow = 9});
  assert_int_equal(rig_lines(rig, "closed"), 3);
  assert_int_equal(rig_lines(rig, "connected"), 1);
  assert_int_equal(rig->connections, 1);
  assert_in_range(rig->net.now_ns, 8 * RIG_S, 9 * RIG_S); /* dialled at 1, 3.5, 6 and 8.5 s */
  assert_string_equal(rig->failure, "");
  rig_close(rig);
}

/* So does a later one, whatever comes for another connection of its port. */
static void unheard_again_it_dials_anew(void **state) {
  const uint8_t stray[50] = {0x40};
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  rig_run(rig, 100 * RIG_MS);
  rig->swallow = 6;
  assert_true(do_event(rig, PLAN_EV_RECONNECT));
  peer_in(rig->peer, &rig->path, stray, sizeof stray, rig->net.now_ns);
  rig_run(rig, 4 * RIG_S);
  assert_int_equal(rig->connections, 1);
  rig_run(rig, 2 * RIG_S); /* dialled at 0, 2.5 and 5 s */
  assert_int_equal(rig->connections, 2);
  assert_int_equal(rig_lines(rig, "closed"), 3);
  assert_string_equal(rig->failure, "");
  rig_close(rig);
}

/* Nobody answers any more: it tries a bounded number of times, later and later. */
static void a_dead_relay_is_given_up(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_asked(SERVED_BOTH, 0, 2);
  rig_server_restart(rig);
  rig->deaf = true;
  rig_run(rig, 60 * RIG_S);
  assert_string_equal(rig->failure, "");
  assert_true(rig_lines(rig, "closed") > 4);
  rig_run(rig, 120 * RIG_S);
  assert_int_equal(rig_lines(rig, "closed"), 1 + 10 + 8); /* ten after 2.5 s, as ever */
  assert_non_null(strstr(rig->failure, "before every subscription of at: 0s was answered"));
  rig_close(rig);
}

static void vanish_is_silent(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  assert_true(do_event(rig, PLAN_EV_VANISH));
  assert_false(peer_wants_input(rig->peer));
  rig_run(rig, 100 * RIG_MS);
  const uint64_t before = rig->packets_in;
  served_datagram(rig, SERVED_CHAT_ALIAS, 0, 1, 50);
  rig_run(rig, 5 * RIG_S);
  assert_int_equal(rig->packets_in, before);
  assert_int_equal(rig_lines(rig, "delivered"), 0);
  rig_do(rig, &(struct peer_command){.what = PEER_DO_POLL}); /* it still answers the runner */
  assert_int_equal(rig_await(rig, PEER_STATE, 1)->objects, 0);
  rig_do(rig, &(struct peer_command){.what = PEER_DO_STOP});
  assert_int_equal(peer_state(rig->peer), PEER_STOPPED);
  rig_run(rig, RIG_S);
  assert_int_equal(rig->packets_in, before);
  rig_close(rig);
}

static void die_leaves_no_word(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  rig_run(rig, RIG_MS * 300);
  assert_true(do_event(rig, PLAN_EV_DIE));
  assert_int_equal(peer_state(rig->peer), PEER_DIED);
  assert_int_equal(rig_count(rig, PEER_BYE), 0);
  assert_int_equal(rig_lines(rig, "closed"), 0);
  rig_close(rig);
}

/* The path changes under a running session; data goes on. */
static void path_events(void **state) {
  static const enum plan_event_kind kinds[] = {PLAN_EV_REBIND, PLAN_EV_MIGRATE, PLAN_EV_ROTATE_CID,
                                               PLAN_EV_UPDATE_KEY};
  (void)state;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    struct rig *rig = served_answered(SERVED_BOTH, 0);
    rig_run(rig, 500 * RIG_MS);
    assert_true(do_event(rig, kinds[i]));
    rig_run(rig, 3 * RIG_S); /* keep-alive shows the new address */
    const uint16_t port = ntohs(rig->net.nodes[rig->peer_node].addr.in.sin_port);
    assert_int_equal(port != 20000, kinds[i] == PLAN_EV_REBIND || kinds[i] == PLAN_EV_MIGRATE);
    struct qc_path path;
    qc_path_now(rig->conn, &path);
    assert_int_equal(ntohs(path.remote.in.sin_port), port);
    served_datagram(rig, SERVED_CHAT_ALIAS, 0, 1, 50);
    rig_run(rig, 100 * RIG_MS);
    assert_int_equal(rig_lines(rig, "delivered"), 1);
    assert_int_equal(rig->connections, 1);
    assert_false(rig->closed);
    rig_close(rig);
  }
}

/* What a connection cannot do yet waits until it can, and what was told later waits behind it. */
static void events_wait_for_their_turn(void **state) {
  static const enum plan_event_kind kinds[] = {PLAN_EV_RECONNECT,  PLAN_EV_UPDATE_KEY,
                                               PLAN_EV_MIGRATE,    PLAN_EV_UPDATE_KEY,
                                               PLAN_EV_ROTATE_CID, PLAN_EV_PRIORITY_LIMIT};
  const size_t n = sizeof kinds / sizeof *kinds;
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  for (size_t i = 0; i < n; i++)
    rig_do(rig,
           &(struct peer_command){
               .what = PEER_DO_EVENT, .event = kinds[i], .same_port = true, .priority_limit = 3});
  assert_int_equal(rig_count(rig, PEER_DID), 1); /* the new connection has not been answered */
  rig_run(rig, 3 * RIG_S);
  assert_int_equal(rig_count(rig, PEER_DID), n);
  size_t seen = 0;
  for (size_t i = 0; i < rig->n_events; i++)
    if (rig->events[i].kind == PEER_DID) {
      assert_int_equal(rig->events[i].command, kinds[seen++]);
      assert_true(rig->events[i].done);
    }
  assert_int_equal(rig->connections, 2);
  assert_false(rig->closed);
  rig_close(rig);
}

/* Not for ever: the peer never confirms the first update. */
static void patience_ends(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  rig_run(rig, 500 * RIG_MS);
  rig->net.loss_ppm = 1000000;
  assert_true(do_event(rig, PLAN_EV_UPDATE_KEY));
  rig_do(rig, &(struct peer_command){.what = PEER_DO_EVENT, .event = PLAN_EV_UPDATE_KEY});
  rig_run(rig, PEER_PATIENCE_NS - 100 * RIG_MS);
  assert_int_equal(rig_count(rig, PEER_DID), 1);
  rig_run(rig, 200 * RIG_MS);
  assert_int_equal(rig_count(rig, PEER_DID), 2);
  assert_false(rig_await(rig, PEER_DID, 2)->done);
  rig_close(rig);
}

/* A handshake may lose its first packets and take long: what waits for its end waits so long. */
static void a_handshake_takes_its_time(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  rig_run(rig, 500 * RIG_MS);
  assert_true(do_event(rig, PLAN_EV_RECONNECT));
  rig_do(rig, &(struct peer_command){.what = PEER_DO_EVENT, .event = PLAN_EV_MIGRATE});
  rig->net.loss_ppm = 1000000;
  rig_run(rig, PEER_PATIENCE_NS + 1500 * RIG_MS); /* Initials at 0, 1, 3 and 7 s */
  assert_int_equal(rig_count(rig, PEER_DID), 1);
  rig->net.loss_ppm = 0;
  rig_run(rig, 2 * RIG_S);
  assert_int_equal(rig_count(rig, PEER_DID), 2);
  assert_true(rig_await(rig, PEER_DID, 2)->done);
  rig_close(rig);
}

/* The address that only ngtcp2 believes in is not the next socket's. */
static void migration_after_rotation(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  rig_run(rig, 500 * RIG_MS);
  for (unsigned i = 0; i < 4; i++) {
    assert_true(do_event(rig, PLAN_EV_ROTATE_CID));
    rig_run(rig, 200 * RIG_MS);
    assert_true(do_event(rig, PLAN_EV_MIGRATE));
    rig_run(rig, 200 * RIG_MS);
  }
  rig_close(rig);
}

static void other_events_cannot_be_done(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  assert_false(do_event(rig, PLAN_EV_LINK_DOWN));
  assert_false(do_event(rig, PLAN_EV_KILL));
  rig_close(rig);
}

static void stop_closes_well(void **state) {
  struct rig *rig;
  (void)state;
  rig = served_answered(SERVED_BOTH, 0);
  rig_do(rig, &(struct peer_command){.what = PEER_DO_STOP});
  rig_await(rig, PEER_BYE, 1);
  assert_true(rig->closed);
  assert_int_equal(rig->close.code, MOQT_NO_ERROR);
  json_t *line = rig_line(rig, "closed", 0);
  assert_string_equal(json_string_value(json_object_get(line, "space")), "application");
  json_decref(line);
  rig_close(rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(priority_limit_is_an_update),
      cmocka_unit_test(reconnect_asks_again),
      cmocka_unit_test(a_lost_relay_is_dialled_again),
      cmocka_unit_test(unheard_it_dials_anew),
      cmocka_unit_test(unheard_again_it_dials_anew),
      cmocka_unit_test(a_dead_relay_is_given_up),
      cmocka_unit_test(vanish_is_silent),
      cmocka_unit_test(die_leaves_no_word),
      cmocka_unit_test(path_events),
      cmocka_unit_test(events_wait_for_their_turn),
      cmocka_unit_test(patience_ends),
      cmocka_unit_test(a_handshake_takes_its_time),
      cmocka_unit_test(migration_after_rotation),
      cmocka_unit_test(other_events_cannot_be_done),
      cmocka_unit_test(stop_closes_well),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
