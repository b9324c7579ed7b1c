/* Sessions: their whole life, control streams, data. */
#include "relay/t/moqt_side.h"

/* ---- two sessions ---------------------------------------------------------------- */

static void whole_life(size_t piece) {
  struct side client, server;
  struct moqt_name name;
  struct moqt_params params;

  side_new(&client, false, &side_events);
  side_new(&server, true, &side_events);
  client.peer = &server;
  server.peer = &client;
  client.piece = server.piece = piece;
  server.accept_namespace = true;
  client.accept_subscribe = client.accept_update = true;
  assert_int_equal(moqt_session_start(client.s), 0);
  assert_int_equal(moqt_session_start(server.s), 0);
  assert_string_equal(client.told, "setup() ");
  assert_string_equal(server.told, "setup(/a) ");
  side_clear(&client);
  side_clear(&server);

  moqt_name_set(&name, "pub", NULL);
  assert_int_equal(moqt_publish_namespace(client.s, &name), 0);
  assert_string_equal(server.told, "namespace(0,fanbench/pub) ");
  assert_string_equal(client.told, "accepted(0) ");
  side_clear(&client);
  side_clear(&server);

  moqt_name_set(&name, "pub", "video");
  moqt_params_init(&params);
  params.has = MOQT_HAS_LOCATION_FILTER;
  params.location.n = 1;
  assert_int_equal(moqt_subscribe(server.s, &name, &params), 1);
  assert_string_equal(client.told, "subscribe(1,fanbench/pub--video) ");
  assert_string_equal(server.told, "subscribed(1,7,4/5,128) ");
  assert_int_equal(client.last_params.location.n, 1);
  side_clear(&client);
  side_clear(&server);

  params.has = MOQT_HAS_FORWARD;
  params.forward = false;
  assert_int_equal(moqt_update(server.s, 1, &params), 0);
  assert_string_equal(client.told, "update(1,20) ");
  assert_false(client.last_params.forward);
  assert_string_equal(server.told, "updated(1) ");
  side_clear(&server);

  assert_int_equal(moqt_publish_done(client.s, 1, MOQT_DONE_TRACK_ENDED, 12, "end"), 0);
  assert_string_equal(server.told, "done(1,2,12,end) ");
  assert_int_equal(moqt_publish_done(client.s, 1, MOQT_DONE_TRACK_ENDED, 12, "end"), -1);
  assert_int_equal(moqt_update(server.s, 1, &params), -1);
  side_clear(&server);

  side_feed(&client, 3, "10 0002 00 05", false);
  assert_non_null(strstr(client.told, "goaway(5) "));
  assert_int_equal(moqt_publish_namespace(client.s, &name), -1); /* no new requests */
  assert_int_equal(client.close_code, UINT64_MAX);
  assert_int_equal(server.close_code, UINT64_MAX);
  moqt_session_free(client.s);
  moqt_session_free(server.s);
}

static void life_whole(void **state) {
  (void)state;
  whole_life(0);
}
static void life_byte_by_byte(void **state) {
  (void)state;
  whole_life(1);
}

/* ---- SETUP and control streams ------------------------------------------------------- */

static void setup_bytes(void **state) {
  struct side side;
  (void)state;
  side_new(&side, false, &side_events);
  side.no_streams = true;
  assert_int_equal(moqt_session_start(side.s), -1);
  side.no_streams = false;
  assert_int_equal(moqt_session_start(side.s), 0);
  assert_string_equal(side.sent,
                      "2:af0000070102"
                      "2f61"
                      "040162 ");
  moqt_session_free(side.s);
  side_new(&side, true, &side_events);
  assert_int_equal(moqt_session_start(side.s), 0);
  assert_string_equal(side.sent,
                      "3:af000004"
                      "0601"
                      "0202 ");
  moqt_session_free(side.s);
}

struct bad {
  const char *first, *second; /* on the client's uni stream 2, then on stream 6 */
  bool fin;
  uint64_t code;
};

static void control_stream_refusals(void **state) {
  static const struct bad bads[] = {
      {CLIENT_SETUP, "", true, MOQT_PROTOCOL_VIOLATION},               /* FIN */
      {CLIENT_SETUP, CLIENT_SETUP, false, MOQT_PROTOCOL_VIOLATION},    /* two of them */
      {CLIENT_SETUP CLIENT_SETUP, "", false, MOQT_PROTOCOL_VIOLATION}, /* SETUP twice */
      {CLIENT_SETUP "10 0003 00 9388 10 0003 00 9388", "", false, MOQT_PROTOCOL_VIOLATION},
      {CLIENT_SETUP "03 0004 00 00 00 00", "", false, MOQT_PROTOCOL_VIOLATION},
      {"af00 0003 01 01 61", "", false, MOQT_MALFORMED_PATH},
      {"05 00", "", false, MOQT_PROTOCOL_VIOLATION}, /* fetch stream */
      {"16 01", "", false, MOQT_PROTOCOL_VIOLATION}, /* subgroup, mode 11 */
      {"80 81 01", "", false, MOQT_PROTOCOL_VIOLATION},
      {"02", "", false, MOQT_PROTOCOL_VIOLATION},
      {"10", "", true, MOQT_PROTOCOL_VIOLATION},                    /* ended inside the header */
      {CLIENT_SETUP "10 0003 00 9388", "", false, UINT64_MAX},      /* fine */
      {"f0 132b3e28 00000000", "f0 132b3e28 00", true, UINT64_MAX}, /* padding */
  };
  (void)state;
  for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
    struct side side;
    side_new(&side, true, &side_events);
    side_feed(&side, 2, bads[i].first, bads[i].fin);
    if (bads[i].second[0])
      side_feed(&side, 6, bads[i].second, false);
    assert_int_equal(side.close_code, bads[i].code);
    moqt_session_free(side.s);
  }
  struct side side;
  server_ready(&side);
  moqt_stream_reset_in(side.s, 2, 0);
  assert_int_equal(side.close_code, MOQT_PROTOCOL_VIOLATION);
  moqt_session_free(side.s);
  server_ready(&side);
  assert_false(moqt_stop_in(side.s, 7, 0)); /* a data stream: the owner's */
  assert_true(moqt_stop_in(side.s, 3, 0));
  assert_int_equal(side.close_code, MOQT_PROTOCOL_VIOLATION);
  moqt_session_free(side.s);
}

static void requests_wait_for_setup(void **state) {
  struct side side;
  (void)state;
  side_new(&side, true, &side_events);
  assert_int_equal(moqt_session_start(side.s), 0);
  side_feed(&side, 4, "06 0005 02 01 01 62 00", false);
  side_feed(&side, 0, "06 0005 00 01 01 61 00", false);
  assert_string_equal(side.told, "");
  side_feed(&side, 2, CLIENT_SETUP, false);
  assert_string_equal(side.told, "setup(/a) namespace(4,b) namespace(0,a) ");
  moqt_session_free(side.s);
}

/* ---- data ------------------------------------------------------------------------------------- */

static void data_streams(void **state) {
  struct side side;
  (void)state;
  server_ready(&side);
  side_feed(&side, 6, "78 07 2a 00 05 68656c6c6f", false);
  side_feed(&side, 6, "00 00 00", true);
  assert_string_equal(side.told, "data(6@0:78072a000568656c6c6f) data(6@10F:000000) ");
  side_clear(&side);
  /* the type in a wide form, byte by byte: passed on once the alias is known */
  side_feed(&side, 10, "80", false);
  side_feed(&side, 10, "78", false);
  assert_string_equal(side.told, "");
  side_feed(&side, 10, "07", false);
  side_feed(&side, 10, "2a", true);
  assert_string_equal(side.told, "data(10@0:807807) data(10@3F:2a) ");
  side_clear(&side);
  side_feed(&side, 14, "30 01", false);
  moqt_stream_reset_in(side.s, 14, 2);
  moqt_stream_reset_in(side.s, 18, 2); /* nothing is known of it */
  assert_string_equal(side.told, "data(14@0:3001) data_reset(14,2) ");
  moqt_session_free(side.s);
}

static void datagram_refusals(void **state) {
  static const struct {
    const char *text;
    uint64_t code;
  } cases[] = {
      {"10 07 2a 00 00", MOQT_PROTOCOL_VIOLATION},
      {"", MOQT_PROTOCOL_VIOLATION},
      {"28 07 2b 01 01", MOQT_PROTOCOL_VIOLATION},
      {"28 07 2b 01 04 00", MOQT_PROTOCOL_VIOLATION},
      {"f0 132b3e29 0000", UINT64_MAX},
      {"28 07 2b 01 04", UINT64_MAX},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct side side;
    uint8_t wire[64];
    server_ready(&side);
    const size_t len = hex(wire, cases[i].text);
    moqt_datagram_in(side.s, wire, len);
    assert_int_equal(side.close_code, cases[i].code);
    moqt_session_free(side.s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(life_whole),
      cmocka_unit_test(life_byte_by_byte),
      cmocka_unit_test(setup_bytes),
      cmocka_unit_test(control_stream_refusals),
      cmocka_unit_test(requests_wait_for_setup),
      cmocka_unit_test(data_streams),
      cmocka_unit_test(datagram_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
