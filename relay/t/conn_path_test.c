/* A client's address changes behind its back, and then by its will: plain ngtcp2 on both sides. */
#include "relay/t/conn_pair.h"

/* Stands in front of a node: the network knows it by another address than it knows itself. */
struct nat {
  struct memnet_node inner;
  struct qc_addr inside;
  struct memnet_node *outer;
};

static void nat_in(void *arg, const struct qc_path *path, const uint8_t *data, size_t len,
                   uint64_t now_ns) {
  const struct nat *nat = arg;
  const struct qc_path seen = {.local = nat->inside, .remote = path->remote};
  nat->inner.in(nat->inner.arg, &seen, data, len, now_ns);
}
static size_t nat_out(void *arg, struct qc_path *path, uint8_t *buf, size_t room, uint64_t now_ns) {
  const struct nat *nat = arg;
  const size_t len = nat->inner.out(nat->inner.arg, path, buf, room, now_ns);
  if (qc_addr_equal(&path->local, &nat->inside))
    path->local = nat->outer->addr;
  return len;
}
static uint64_t nat_deadline(void *arg) {
  const struct nat *nat = arg;
  return nat->inner.deadline(nat->inner.arg);
}
static void nat_expire(void *arg, uint64_t now_ns) {
  const struct nat *nat = arg;
  nat->inner.expire(nat->inner.arg, now_ns);
}

/* From now on the network knows the node of `side` as `outside`. */
static void rebind(struct memnet *net, struct nat *nat, const struct side *side,
                   struct qc_addr outside) {
  for (size_t i = 0; i < net->n_nodes; i++) {
    struct memnet_node *node = &net->nodes[i];
    if (node->arg != side)
      continue;
    *nat = (struct nat){.inner = *node, .inside = node->addr, .outer = node};
    *node = (struct memnet_node){.addr = outside,
                                 .arg = nat,
                                 .in = nat_in,
                                 .out = nat_out,
                                 .deadline = nat_deadline,
                                 .expire = nat_expire,
                                 .bottleneck = node->bottleneck};
    return;
  }
  fail_msg("the side is no node of the network");
}

static void migrate(struct pair *pair, struct qc_addr local) {
  const struct memnet_node node = side_node(&pair->client, local);
  struct qc_path path;

  qc_path_now(pair->client.conn, &path);
  path.local = local;
  memnet_add(&pair->net, &node);
  assert_int_equal(qc_migrate(pair->client.conn, &path, pair->net.now_ns), 0);
}

/* The server still validates what came of the rebinding when the client migrates. The ID of the
 * path before is what it falls back to: it must not be retired with the validation that ends. */
static void migration_after_rebinding(void **state) {
  struct pair pair;
  struct nat nat;
  struct qc_path path;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  memnet_run(&pair.net, SECOND, NULL, NULL);

  rebind(&pair.net, &nat, &pair.client, memnet_addr(3, 1003));
  send_stream(&pair.client, qc_open_uni(pair.client.conn), 3000);
  memnet_run(&pair.net, SECOND / 4, NULL, NULL);
  assert_true(pair.server.fin[2]);
  migrate(&pair, memnet_addr(3, 1004));
  send_stream(&pair.client, qc_open_uni(pair.client.conn), 3000);
  memnet_run(&pair.net, 10 * SECOND, NULL, NULL);

  assert_false(pair.server.closed);
  assert_false(pair.client.closed);
  assert_true(pair.server.fin[6]);
  qc_path_now(pair.server.conn, &path);
  assert_int_equal(ntohs(path.remote.in.sin_port), 1004);
  assert_int_equal(pair.client.wrong + pair.server.wrong, 0);
  pair_end(&pair);
}

/* From a client's first answer to a challenge on, nothing of it arrives; later nothing of either. */
struct silence {
  const struct pair *pair;
  bool answered, silent;
  uint64_t after; /* packets of the client while all is silent */
};

static bool keep_silent(void *arg, const struct qc_path *path, uint8_t *data, size_t len) {
  struct silence *silence = arg;
  const bool client = qc_addr_equal(&path->remote, &silence->pair->server.config.path.local);
  (void)data;
  /* RFC 9000 8.2.2: the answer is 1,200 bytes or more, and nothing else here is */
  if (client && silence->pair->server.paths && len >= 1200)
    silence->answered = true;
  silence->after += client && silence->silent;
  return !silence->silent && !(client && silence->answered);
}

/* RFC 9002 6.2.1: PATH_RESPONSE elicits an acknowledgement, so a probe timeout runs for it. */
static void lost_path_response_is_probed_for(void **state) {
  struct pair pair;
  struct nat nat;
  struct silence silence = {.pair = &pair};
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  memnet_run(&pair.net, SECOND, NULL, NULL);
  pair.net.tap = keep_silent;
  pair.net.tap_arg = &silence;

  rebind(&pair.net, &nat, &pair.client, memnet_addr(3, 1003));
  send_stream(&pair.client, qc_open_uni(pair.client.conn), 100);
  memnet_run(&pair.net, SECOND / 36, NULL, NULL); /* the server acknowledges after 25 ms */
  assert_int_equal(pair.server.paths, 1);
  assert_true(silence.answered);
  assert_int_equal(qc_unacked(pair.client.conn), 0);
  silence.silent = true;
  memnet_run(&pair.net, SECOND, NULL, NULL);
  assert_true(silence.after > 0);
  pair_end(&pair);
}

/* Lengthens the number to four bytes, so that bytes are counted by path. */
static int lengthen(void *arg, struct protect_out *pkt) {
  const size_t grow = 3u - (pkt->hdr[0] & 3u);
  (void)arg;
  memmove(pkt->payload + grow, pkt->payload, pkt->payload_len);
  pkt->payload += grow;
  pkt->hdr[0] |= 3;
  pkt->hdr_len += grow;
  for (size_t i = 0; i < 4; i++)
    pkt->hdr[pkt->hdr_len - 1 - i] = (uint8_t)(pkt->own_pn >> (8 * i));
  return 0;
}

/* RFC 9000 8.1: three times what came, until the path is validated; then as much as there is. */
static void a_validated_path_has_no_limit(void **state) {
  struct pair pair;
  (void)state;
  pair_start(&pair, &(struct setup){.protection = QC_PROTECT_TLS,
                                    .hooks = &(struct protect_hooks){.sealing = lengthen}});
  assert_true(memnet_run(&pair.net, 20 * SECOND, both_confirmed, &pair));
  memnet_run(&pair.net, SECOND, NULL, NULL);
  migrate(&pair, memnet_addr(3, 1004));
  memnet_run(&pair.net, SECOND, NULL, NULL);
  send_stream(&pair.server, qc_open_uni(pair.server.conn), 200000);
  memnet_run(&pair.net, 10 * SECOND, NULL, NULL);
  assert_true(pair.client.fin[3]);
  assert_int_equal(pair.client.got[3], 200000);
  assert_int_equal(pair.client.wrong, 0);
  pair_end(&pair);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(migration_after_rebinding),
      cmocka_unit_test(lost_path_response_is_probed_for),
      cmocka_unit_test(a_validated_path_has_no_limit),
  };
  return cmocka_run_group_tests_name("conn_path", tests, NULL, NULL);
}
