/* What keeps known bugs away (bpf/abi/defects.h), where no other test holds it. Each of these
 * fails when its switch is forced on. */
#include "relay/t/fanout_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/fanout/core.h"

static struct bench *opened(void) {
  return bench_open((struct shape){.native = true, .protection = QC_PROTECT_NONE});
}

/* The youngest client of that address. */
static const struct client *client_at(const struct bench *b, struct qc_addr address) {
  const struct client *found = NULL;
  for (uint32_t i = 0; i < b->relay->n_slots; i++) {
    const struct client *client = b->relay->clients[i];
    if (client && qc_addr_equal(&client->path.remote, &address) &&
        (!found || client->gen > found->gen))
      found = client;
  }
  return found;
}

/* stale-client: who dials again from its old port gets numbers and streams from the beginning. */
static void a_new_connection_begins_anew(void **state) {
  (void)state;
  struct bench *b = opened();
  bench_subscribe_all(b);
  bench_publish(b, 0, 40, 1500, true);
  struct endpoint *old = b->sub[1];
  for (size_t i = 0; i < b->net.n_nodes; i++) {
    if (b->net.nodes[i].arg != old)
      continue;
    b->net.nodes[i] = b->net.nodes[--b->net.n_nodes];
    break;
  }
  const struct client *client = client_at(b, memnet_addr(4, 200));
  assert_non_null(client);
  assert_true(b->dp->counters[client->slot].next_pn > 40);
  assert_true(b->dp->counters[client->slot].next_stream > 40);
  b->sub[1] =
      endpoint_new(&b->net, memnet_addr(4, 200), memnet_addr(1, 4433), QC_PROTECT_NONE, NULL);
  memnet_run(&b->net, 100 * MS, NULL, NULL);
  assert_true(b->sub[1]->established);
  client = client_at(b, memnet_addr(4, 200));
  assert_non_null(client);
  assert_true(b->dp->counters[client->slot].next_pn < 20);
  assert_int_equal(b->dp->counters[client->slot].next_stream, 1); /* 0 is MoQT's */
  endpoint_free(old);
  bench_close(b);
}

/* empty-cid: the trace names a connection by the same ID in its entry and in each number. */
static void the_trace_names_one_id(void **state) {
  (void)state;
  struct bench *b = opened();
  bench_subscribe_all(b);
  bench_publish(b, 0, 40, 1500, true);
  bench_finish(b);
  assert_int_equal(b->n_traced, SUBS);
  for (size_t i = 0; i < b->n_traced; i++)
    assert_true(b->traced[i].len >= 8); /* a client's first ID, RFC 9000 7.2 */
  assert_true(b->numbers_acked > 0);
  assert_int_equal(b->numbers_untraced, 0);
  bench_check_sound(b);
  bench_close(b);
}

/* join-mid-group: a group that is under way when somebody joins is not for them. */
static void the_group_under_way_is_not_for_who_joins(void **state) {
  (void)state;
  struct bench *b = opened();
  endpoint_subscribe(b->sub[0], 255);
  endpoint_subscribe(b->sub[2], 255);
  memnet_run(&b->net, 100 * MS, NULL, NULL);
  bench_publish(b, 0, 10, 2000, false);
  endpoint_publish_stream(b->pub, 10, 1, 600000);
  for (int i = 0; i < 100 && endpoint_open_streams(b->sub[0]) == 0; i++)
    memnet_run(&b->net, MS, NULL, NULL);
  assert_int_equal(endpoint_open_streams(b->sub[0]), 1); /* 10 is under way */
  endpoint_subscribe(b->sub[1], 255);
  memnet_run(&b->net, 2000 * MS, NULL, NULL);
  assert_int_equal(b->sub[0]->streams, 11);
  assert_true(b->sub[1]->answered && b->sub[1]->has_largest);
  assert_int_equal(b->sub[1]->largest, 10);
  assert_int_equal(b->sub[1]->streams, 0);
  bench_publish(b, 11, 20, 2000, false);
  bench_finish(b);
  assert_int_equal(b->sub[1]->first_group, 11);
  assert_int_equal(b->sub[1]->streams, 9);
  bench_check_sound(b);
  bench_close(b);
}

/* late-handler: a SUBSCRIBE that comes with the end of the handshake is answered. */
static void a_subscribe_with_the_handshake_is_answered(void **state) {
  (void)state;
  struct bench *b = opened();
  struct endpoint *early =
      endpoint_new(&b->net, memnet_addr(9, 200), memnet_addr(1, 4433), QC_PROTECT_NONE, NULL);
  for (int i = 0; i < 100 && !early->established; i++)
    memnet_run(&b->net, MS, NULL, NULL);
  assert_true(early->established);
  endpoint_subscribe(early, 255);
  memnet_run(&b->net, 1000 * MS, NULL, NULL);
  assert_true(early->answered);
  endpoint_free(early);
  bench_close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_connection_begins_anew),
      cmocka_unit_test(the_trace_names_one_id),
      cmocka_unit_test(the_group_under_way_is_not_for_who_joins),
      cmocka_unit_test(a_subscribe_with_the_handshake_is_answered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
