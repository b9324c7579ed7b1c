/* Two relays of one run, of which one dials the other: their records name the same
 * connection, slots and numbers, and mean different things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/made_run.h"
#include "pcap-tools/track/copies.h"
#include "pcap-tools/track/ledger.h"
#include "pcap-tools/track/tracker.h"

enum { UPPER = 1, LOWER = 2 };

/* The connection between the two, that of the publisher, that of the subscriber. */
static const struct qp_cid hop = {.len = 2, .data = {0xbb, 1}}, pub = {.len = 2, .data = {0xaa, 1}},
                           sub = {.len = 2, .data = {0xcc, 1}};

#define SLOT(conn)                                                                                 \
  "{\"ev\":\"connection\",\"t\":1,\"slot\":0,\"gen\":1,\"conn\":\"" conn                           \
  "\",\"remote\":\"10.0.0.2:4433\",\"local\":\"10.0.0.1:4433\"}\n"
#define COPY(up, up_pn, pn)                                                                        \
  "{\"ev\":\"copy\",\"t\":2,\"up\":\"" up "\",\"up_pn\":" up_pn                                    \
  ",\"frame\":0,\"kind\":\"datagram\",\"sid\":0,\"off\":0,\"len\":7,\"fin\":0,\"slot\":0,"         \
  "\"gen\":1,\"decision\":\"send\",\"pn\":" pn ",\"down_sid\":null}\n"
#define NUMBER(conn, pn, origin)                                                                   \
  "{\"ev\":\"number\",\"conn\":\"" conn "\",\"pn\":" pn ",\"origin\":\"" origin                    \
  "\",\"own\":null,\"t\":1,\"fate\":\"acked\",\"content\":[]}\n"

/* Number 7 of the hop is the upper one's copy of the publisher's 3, and what the lower one
 * copies as 9. */
static void copies_are_their_relays(void **state) {
  struct qp_copies c = {0};
  char err[256] = "";
  (void)state;
  made_run_file("upper-copies.jsonl", SLOT("bb01") COPY("aa01", "3", "7"));
  made_run_file("lower-copies.jsonl", SLOT("cc01") COPY("bb01", "7", "9"));
  assert_int_equal(qp_copies_load(&c, UPPER, tape_dir(), "upper-copies.jsonl", err, sizeof err), 0);
  assert_int_equal(qp_copies_load(&c, LOWER, tape_dir(), "lower-copies.jsonl", err, sizeof err), 0);
  const struct qp_copies_conn *down = qp_copies_find(&c, UPPER, &hop);
  const struct qp_copies_conn *up = qp_copies_find(&c, LOWER, &hop);
  assert_non_null(down);
  assert_non_null(up);
  assert_ptr_not_equal(down, up);
  assert_ptr_equal(qp_copies_downstream(&c, &hop), down);
  assert_null(qp_copies_downstream(&c, &pub)); /* nobody makes copies for the publisher */
  assert_null(qp_copies_find(&c, UPPER, &sub));
  /* the same slot is another connection's at the other relay */
  assert_non_null(qp_copies_number(&c, down, 7));
  assert_null(qp_copies_number(&c, up, 7));
  assert_non_null(qp_copies_number(&c, qp_copies_find(&c, LOWER, &sub), 9));
  assert_true(qp_copies_source(&c, up, 7));
  assert_false(qp_copies_source(&c, down, 7));
  qp_copies_clear(&c);
}

/* Both number what they send on the hop from 0. */
static void ledgers_are_their_relays(void **state) {
  struct qp_ledger l = {0};
  char err[256] = "";
  (void)state;
  made_run_file("upper-ledger.jsonl", NUMBER("bb01", "0", "fast"));
  made_run_file("lower-ledger.jsonl", NUMBER("bb01", "0", "own") NUMBER("bb01", "1", "own"));
  assert_int_equal(qp_ledger_load(&l, UPPER, &(struct qp_starts){0}, tape_dir(),
                                  "upper-ledger.jsonl", err, sizeof err),
                   0);
  assert_int_equal(qp_ledger_load(&l, LOWER, &(struct qp_starts){0}, tape_dir(),
                                  "lower-ledger.jsonl", err, sizeof err),
                   0);
  const struct qp_ledger_number *n = qp_ledger_number(qp_ledger_find(&l, UPPER, &hop), 0);
  assert_int_equal(n->origin, QP_ORIGIN_FAST);
  assert_false(n->again);
  n = qp_ledger_number(qp_ledger_find(&l, LOWER, &hop), 0);
  assert_int_equal(n->origin, QP_ORIGIN_OWN);
  assert_null(qp_ledger_number(qp_ledger_find(&l, UPPER, &hop), 1));
  assert_null(qp_ledger_find(&l, UPPER, &sub));
  qp_ledger_clear(&l);
}

#define SENT_AT(t, origin)                                                                         \
  "{\"ev\":\"number\",\"conn\":\"bb01\",\"pn\":0,\"t\":" t ",\"origin\":\"" origin                 \
  "\",\"fate\":\"acked\",\"content\":[]}\n"

/* A relay that was started again at 20 answers the same client: the ledger is the new one's. */
static void the_next_process_has_its_own_numbers(void **state) {
  static const uint64_t at[] = {20, 90};
  char err[256] = "";
  (void)state;
  made_run_file("upper-ledger.jsonl", SENT_AT("5", "own") SENT_AT("50", "slow"));
  for (size_t n = 0; n <= 2; n++) {
    struct qp_ledger l = {0};
    const struct qp_starts starts = {at, n};
    assert_int_equal(
        qp_ledger_load(&l, UPPER, &starts, tape_dir(), "upper-ledger.jsonl", err, sizeof err), 0);
    const struct qp_ledger_number *number = qp_ledger_number(qp_ledger_find(&l, UPPER, &hop), 0);
    assert_int_equal(number->origin, n ? QP_ORIGIN_SLOW : QP_ORIGIN_OWN);
    assert_int_equal(number->again, n == 0);
    qp_ledger_clear(&l);
  }
}

/* ---- objects between two relays ----------------------------------------------------------- */

enum { C = TAPE_CLIENT, S = TAPE_SERVER, UPPER_FILE = 0, LOWER_FILE = 1 };

static bool yes(void *arg, const struct qp_tuple *tuple) {
  (void)arg;
  (void)tuple;
  return true;
}

static int earlier(const void *a, const void *b) {
  const struct tape_frame *x = a, *y = b;
  return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

static struct qp_tracker *track(struct tape *t, bool relays) {
  static const struct qp_keylog no_keys;
  struct qp_tracker *tracker = qp_tracker_new(
      &(struct qp_tracker_config){.keylog = &no_keys, .relay_client = relays ? yes : NULL});
  uint64_t numbers[2] = {0};
  qsort(t->frames, t->n, sizeof *t->frames, earlier);
  for (size_t i = 0; i < t->n; i++)
    qp_tracker_frame(tracker, &(struct qp_frame){.file = t->frames[i].file,
                                                 .number = ++numbers[t->frames[i].file],
                                                 .time_ns = t->frames[i].time_ns,
                                                 .linktype = 1, /* Ethernet */
                                                 .data = t->frames[i].data,
                                                 .len = t->frames[i].len,
                                                 .wire_len = t->frames[i].len});
  qp_tracker_finish(tracker);
  return tracker;
}

/* A subgroup of two objects in three packets, of which the second gets lost and is sent again
 * at last; two datagrams, of which one is lost. */
static struct tape *between_relays(struct tape_conn *c) {
  struct tape *t = tape_new();
  struct word w = JOIN(o_header(1, 4, 0, 1), o_object(0, "first"), o_object(0, "second"));
  assert_true(w.len > 12);
  *c = tape_conn_split(t, LOWER_FILE, UPPER_FILE);
  struct word a = {.len = 6}, b = {.len = 6}, rest = {.len = w.len - 12};
  memcpy(a.b, w.b, 6);
  memcpy(b.b, w.b + 6, 6);
  memcpy(rest.b, w.b + 12, rest.len);
  pkt_1rtt(c, S, .frames = FRAMES(w_stream_of(7, 0, a, false)));
  pkt_1rtt(c, S, .frames = FRAMES(w_stream_of(7, 6, b, false)), .lost = true);
  pkt_1rtt(c, S, .frames = FRAMES(w_stream_of(7, 12, rest, true)));
  pkt_1rtt(c, S, .frames = FRAMES(w_datagram(o_datagram(2, 0, 0, 1, "lost"))), .lost = true);
  pkt_1rtt(c, S, .frames = FRAMES(w_datagram(o_datagram(2, 0, 1, 1, "here"))));
  t->now_ns += 1000000000u;
  pkt_1rtt(c, S, .frames = FRAMES(w_stream_of(7, 6, b, false)));
  return t;
}

/* What the upper one sent is one list, what reached the lower one another: that lacks what
 * was lost, and has the rest when it came. */
static void objects_at_both_ends(void **state) {
  struct tape_conn c;
  size_t n;
  (void)state;
  struct tape *t = between_relays(&c);
  struct qp_tracker *tracker = track(t, true);
  const struct qp_conn *conn = qp_tracker_conns(tracker, &n)[0];
  assert_int_equal(n, 1);
  assert_int_equal(conn->n_objects[S], 4);
  assert_int_equal(conn->n_objects[QP_FAR], 3);
  assert_int_equal(qp_conn_arrived(conn, S), QP_FAR);
  assert_int_equal(qp_conn_arrived(conn, C), C);
  for (size_t i = 0; i < 3; i++) {
    const struct qp_object *far = &conn->objects[QP_FAR][i];
    assert_true(far->whole);
    assert_int_equal(far->last.file, LOWER_FILE);
    if (far->datagram) {
      assert_int_equal(far->object, 1);
      continue;
    }
    const struct qp_object *sent = &conn->objects[S][far->object];
    assert_int_equal(far->group, 4);
    assert_int_equal(far->hash, sent->hash);
    assert_true(far->last.time_ns > sent->last.time_ns + 900000000u); /* the hole was filled late */
  }
  qp_tracker_free(tracker);
  tape_conn_free(&c);
  tape_free(t);
}

/* Whom nobody asks what reached it, of him nothing is kept. */
static void no_second_list_for_endpoints(void **state) {
  struct tape_conn c;
  size_t n;
  (void)state;
  struct tape *t = between_relays(&c);
  struct qp_tracker *tracker = track(t, false);
  const struct qp_conn *conn = qp_tracker_conns(tracker, &n)[0];
  assert_int_equal(conn->n_objects[S], 4);
  assert_int_equal(conn->n_objects[QP_FAR], 0);
  assert_int_equal(qp_conn_arrived(conn, S), S);
  qp_tracker_free(tracker);
  tape_conn_free(&c);
  tape_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies_are_their_relays),
      cmocka_unit_test(ledgers_are_their_relays),
      cmocka_unit_test(the_next_process_has_its_own_numbers),
      cmocka_unit_test(objects_at_both_ends),
      cmocka_unit_test(no_second_list_for_endpoints),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
