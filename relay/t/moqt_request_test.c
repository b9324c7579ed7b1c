/* Requests of both sides, their answers, and what is refused. */
#include "relay/t/moqt_side.h"

static const struct moqt_events deaf;

/* ---- requests ---------------------------------------------------------------------------- */

static void unsupported_requests(void **state) {
  static const char *const requests[] = {
      "16 001a 00 02 0562656e6368 0463616d31 05766964656f 01 21 04 29 00 00 0c", /* FETCH */
      "0d 0007 00 01 01 61 01 62 00",                                            /* TRACK_STATUS */
      "50 0005 00 01 01 61 00",          /* SUBSCRIBE_NAMESPACE */
      "51 0005 00 01 01 61 00",          /* SUBSCRIBE_TRACKS */
      "1d 0008 00 01 01 61 01 62 05 00", /* PUBLISH */
  };
  (void)state;
  for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
    struct side side;
    server_ready(&side);
    side_feed(&side, 0, requests[i], false);
    assert_string_equal(side.sent, "0F:050003030000 ");
    assert_string_equal(side.told, "");
    assert_int_equal(side.close_code, UINT64_MAX);
    side_feed(&side, 0, "02 0002 02 00", true); /* thrown away */
    assert_int_equal(side.close_code, UINT64_MAX);
    moqt_session_free(side.s);
  }
}

static void refused_publish_is_stopped(void **state) {
  struct side side;
  (void)state;
  server_ready(&side);
  side_feed(&side, 0, "1d 0008 00 01 01 61 01 62 05 00", false);
  side_clear(&side);
  side_feed(&side, 6, "30 05 00 00 01 61", false);
  assert_string_equal(side.sent, "S6=1 ");
  side_feed(&side, 10, "30", false);
  side_feed(&side, 10, "05", false);
  assert_string_equal(side.sent, "S6=1 S10=1 ");
  uint8_t datagram[] = {0x0c, 5, 0, 'a'};
  moqt_datagram_in(side.s, datagram, sizeof(datagram));
  assert_string_equal(side.told, "");
  datagram[1] = 6; /* another alias passes */
  moqt_datagram_in(side.s, datagram, sizeof(datagram));
  side_feed(&side, 14, "30 06 00 00 01 61", true);
  assert_string_equal(side.told, "datagram(4) data(14@0F:300600000161) ");
  moqt_session_free(side.s);
}

static void nobody_listens(void **state) {
  struct side side;
  (void)state;
  side_new(&side, true, &deaf);
  assert_int_equal(moqt_session_start(side.s), 0);
  side_feed(&side, 2, CLIENT_SETUP, false);
  side_clear(&side);
  side_feed(&side, 0, "06 0005 00 01 01 61 00", false);
  side_feed(&side, 4, "03 0007 02 01 01 61 01 62 00", false);
  assert_int_equal(strncmp(side.sent, "0F:05", 5), 0);
  assert_non_null(strstr(side.sent, " 4F:05"));
  moqt_session_free(side.s);
}

static void subscribe_with_what_is_refused(void **state) {
  struct side side;
  (void)state;
  server_ready(&side);
  side_feed(&side, 0, "03 000c 00 01 01 61 01 62 01 25 03 00 00 02", false); /* SUBGROUP_FILTER */
  assert_int_equal(strncmp(side.sent, "0F:05", 5), 0);
  assert_int_equal(strncmp(side.sent + 9, "36", 2), 0);
  side_clear(&side);
  side_feed(&side, 4, "03 000c 02 01 01 61 01 62 01 23 03 01 0a 05", false); /* FILL_PARAMETERS */
  assert_int_equal(strncmp(side.sent, "4F:05", 5), 0);
  assert_int_equal(strncmp(side.sent + 9, "03", 2), 0);
  assert_string_equal(side.told, "");
  moqt_session_free(side.s);
  /* a client announced no filter ranges */
  client_ready(&side);
  side_feed(&side, 1, "03 000c 01 01 01 61 01 62 01 27 03 00 00 02", false);
  assert_int_equal(strncmp(side.sent, "1F:05", 5), 0);
  assert_int_equal(strncmp(side.sent + 9, "36", 2), 0);
  moqt_session_free(side.s);
}

static void request_ids(void **state) {
  static const struct {
    const char *ids[3]; /* of PUBLISH_NAMESPACE on streams 0, 4, 8 */
    bool good;
  } cases[] = {
      {{"00", "02", "04"}, true}, {{"04", "00", "02"}, true}, {{"00", "00", ""}, false},
      {{"01", "", ""}, false},    {{"04", "04", ""}, false},  {{"02", "00", "02"}, false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct side side;
    server_ready(&side);
    for (int64_t n = 0; n < 3 && cases[i].ids[n][0]; n++) {
      char text[64];
      snprintf(text, sizeof(text), "06 0005 %s 01 01 61 00", cases[i].ids[n]);
      side_feed(&side, 4 * n, text, false);
    }
    assert_int_equal(side.close_code, cases[i].good ? UINT64_MAX : MOQT_INVALID_REQUEST_ID);
    moqt_session_free(side.s);
  }
}

static void request_stream_refusals(void **state) {
  static const struct {
    const char *text;
    bool fin;
    uint64_t code;
  } cases[] = {
      {"02 0002 00 00", false, MOQT_PROTOCOL_VIOLATION}, /* begins with REQUEST_UPDATE */
      {"04 0002 07 00", false, MOQT_PROTOCOL_VIOLATION}, /* an answer to nothing */
      {"10 0002 00 00", false, MOQT_PROTOCOL_VIOLATION}, /* begins with GOAWAY */
      {"07 0001 00", false, MOQT_PROTOCOL_VIOLATION},
      {"3f 0000", false, MOQT_PROTOCOL_VIOLATION}, /* unknown type */
      {"06 0005 00 01 01 61 00 06 0005 02 01 01 61 00", false, MOQT_PROTOCOL_VIOLATION},
      {"06 0005 00 01 01 61 00 10 0002 00 00 10 0002 00 00", false, MOQT_PROTOCOL_VIOLATION},
      {"06 0005 00 01 01 61 00 22 0001 00", false, MOQT_PROTOCOL_VIOLATION}, /* not a publisher's */
      {"06 0005 00 01", true, MOQT_PROTOCOL_VIOLATION}, /* FIN inside a message */
      {"06 0006 00 01 01 61 00 00", false, MOQT_PROTOCOL_VIOLATION},
      {"06 0005 00 01 01 61 00 02 0004 02 01 10 00", false, MOQT_PROTOCOL_VIOLATION},
      {"06 0005 00 01 01 61 00 10 0002 00 00", false, UINT64_MAX},
      {"06 0005 00 01 01 61 00 02 0002 02 00", false, UINT64_MAX}, /* empty update */
      {"", true, UINT64_MAX},                                      /* nothing asked */
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct side side;
    server_ready(&side);
    side.accept_namespace = true;
    side_feed(&side, 0, cases[i].text, cases[i].fin);
    assert_int_equal(side.close_code, cases[i].code);
    moqt_session_free(side.s);
  }
}

static void late_answers(void **state) {
  struct side side;
  const struct moqt_params ok = {0};
  (void)state;
  server_ready(&side);
  /* SUBSCRIBE, and an update behind it: it waits for the answer */
  side_feed(&side, 0, "03 0007 00 01 01 61 01 62 00 02 0004 02 01 20 05", true);
  assert_string_equal(side.told, "subscribe(0,a--b) ");
  assert_string_equal(side.sent, "");
  side.accept_update = true;
  assert_int_equal(moqt_update_ok(side.s, 0, NULL), -1);
  assert_int_equal(moqt_subscribe_accept(side.s, 0, 9, &ok, (struct moqt_bytes){0}), 0);
  assert_string_equal(side.told, "subscribe(0,a--b) update(0,40) ");
  assert_string_equal(side.sent, "0:0400020900 0:07000100 ");
  assert_int_equal(moqt_subscribe_accept(side.s, 0, 9, &ok, (struct moqt_bytes){0}), -1);
  side_clear(&side);
  assert_int_equal(moqt_publish_done(side.s, 0, 2, 0, ""), 0);
  assert_string_equal(side.sent, "0F:0b0003020000 ");
  /* refused later */
  side_feed(&side, 4, "03 0007 04 01 01 61 01 62 00", false);
  side_clear(&side);
  assert_int_equal(moqt_refuse(side.s, 4, MOQT_REQ_DOES_NOT_EXIST, 1000, "no publisher"), 0);
  assert_string_equal(side.sent, "4F:0500101083e90c6e6f207075626c6973686572 ");
  assert_int_equal(moqt_refuse(side.s, 4, 0, 0, ""), -1);
  moqt_session_free(side.s);
}

static void updates(void **state) {
  struct side side;
  (void)state;
  server_ready(&side);
  side.accept_subscribe = true;
  side_feed(&side, 0, "03 0007 00 01 01 61 01 62 00", false);
  side_clear(&side);
  /* two wait for an answer, the third is one too many (MAX_REQUEST_UPDATES 2) */
  side_feed(&side, 0, "02 0004 02 01 20 05", false);
  side_feed(&side, 0, "02 0007 04 01 27 03 00 00 02", false);
  assert_string_equal(side.told, "update(0,40) update(0,200) ");
  assert_int_equal(moqt_update_ok(side.s, 0, &(struct moqt_location){1, 2}), 0);
  assert_string_equal(side.sent, "0:07000401090102 ");
  side_feed(&side, 0, "02 0002 06 00", false);
  assert_int_equal(side.close_code, UINT64_MAX);
  side_feed(&side, 0, "02 0002 08 00", false);
  assert_int_equal(side.close_code, MOQT_TOO_MANY_REQUEST_UPDATES);
  moqt_session_free(side.s);
}

static void failed_updates(void **state) {
  struct side side;
  (void)state;
  /* refused by the session: OBJECTID_FILTER */
  server_ready(&side);
  side.accept_subscribe = true;
  side_feed(&side, 0, "03 0007 00 01 01 61 01 62 00", false);
  side_clear(&side);
  side_feed(&side, 0, "02 0007 02 01 26 03 00 00 02 02 0002 04 00", false);
  assert_string_equal(side.told, "ended(0,1) ");
  assert_int_equal(strncmp(side.sent, "0:05", 4), 0);
  assert_non_null(strstr(side.sent, "0F:0b0009080306757064617465 "));
  moqt_session_free(side.s);
  /* ... but only behind the answer to the one before */
  server_ready(&side);
  side.accept_subscribe = true;
  side_feed(&side, 0, "03 0007 00 01 01 61 01 62 00", false);
  side_clear(&side);
  side_feed(&side, 0, "02 0004 02 01 20 05 02 0007 04 01 26 03 00 00 02", false);
  assert_string_equal(side.told, "update(0,40) ");
  assert_string_equal(side.sent, "");
  assert_int_equal(moqt_update_ok(side.s, 0, NULL), 0);
  assert_string_equal(side.told, "update(0,40) ended(0,1) ");
  assert_int_equal(strncmp(side.sent, "0:07000100 0:05", 15), 0);
  moqt_session_free(side.s);
  /* refused by the owner */
  server_ready(&side);
  side.accept_subscribe = side.refuse_update = true;
  side_feed(&side, 0, "03 0007 00 01 01 61 01 62 00", false);
  side_clear(&side);
  side_feed(&side, 0, "02 0004 02 01 20 05", false);
  assert_string_equal(side.told, "update(0,40) ended(0,1) ");
  moqt_session_free(side.s);
}

static void cancelled_by_the_peer(void **state) {
  struct side side;
  (void)state;
  server_ready(&side);
  side.accept_subscribe = side.accept_namespace = true;
  side_feed(&side, 0, "03 0007 00 01 01 61 01 62 00", false);
  side_feed(&side, 4, "06 0005 02 01 01 61 00", false);
  side_clear(&side);
  assert_true(moqt_stop_in(side.s, 0, 1));
  assert_string_equal(side.told, "ended(0,0) ");
  assert_string_equal(side.sent, "R0=1 S0=1 ");
  moqt_stream_reset_in(side.s, 0, 1);
  moqt_stream_reset_in(side.s, 4, 1);
  assert_string_equal(side.told, "ended(0,0) ended(4,0) ");
  assert_int_equal(moqt_publish_done(side.s, 0, 2, 0, ""), -1);
  moqt_session_free(side.s);
}

/* ---- own requests -------------------------------------------------------------------------- */

static void answers(void **state) {
  struct side side;
  (void)state;
  client_ready(&side);
  assert_int_equal(side_ask(&side, "a"), 0);
  side_feed(&side, 0, "04 000b 07 01 09 29 0c 02 87d0 0c 80c8", false);
  assert_string_equal(side.told, "subscribed(0,7,41/12,200) ");
  side_feed(&side, 0, "22 0001 00 10 0002 00 00", false); /* state, GOAWAY: no answer */
  side_clear(&side);
  side_feed(&side, 0, "0b 0003 02 05 00", true);
  assert_string_equal(side.told, "done(0,2,5,) ");
  assert_string_equal(side.sent, "0F: ");

  assert_int_equal(side_ask(&side, "b"), 4);
  side_feed(&side, 4, "05 0010 10 83e9 0c 6e6f207075626c6973686572", true);
  assert_string_equal(side.told, "refused(4,16,1000) ");
  assert_int_equal(side_ask(&side, "c"), 8);
  side_feed(&side, 8, "05 0004 80ff 00 00", true); /* unknown code: INTERNAL_ERROR */
  assert_string_equal(side.told, "refused(8,0,-1) ");
  assert_int_equal(side_ask(&side, "d"), 12);
  side_feed(&side, 12, "", true);
  assert_string_equal(side.told, "refused(12,0,-1) ");
  assert_int_equal(side_ask(&side, "e"), 16);
  moqt_stream_reset_in(side.s, 16, 0);
  assert_string_equal(side.told, "refused(16,0,-1) ");
  assert_int_equal(side_ask(&side, "f"), 20);
  side_feed(&side, 20, "04 0002 07 00", false);
  moqt_stream_reset_in(side.s, 20, 0);
  assert_string_equal(side.told,
                      "subscribed(20,7,0/0,128) done(20,0,-1,the responder reset the stream) ");
  assert_int_equal(side_ask(&side, "g"), 24);
  moqt_cancel(side.s, 24);
  assert_string_equal(side.sent, "R24=1 S24=1 ");
  side_feed(&side, 24, "04 0002 07 00", true); /* crossed it: thrown away */
  assert_string_equal(side.told, "");
  /* a mandatory property that nobody understands */
  assert_int_equal(side_ask(&side, "h"), 28);
  side_feed(&side, 28, "04 0006 07 00 c04000 00", false);
  assert_string_equal(side.told, "refused(28,51,-1) ");
  assert_string_equal(side.sent, "R28=1 S28=1 ");
  assert_int_equal(side.close_code, UINT64_MAX);
  moqt_session_free(side.s);
}

static void answers_refused(void **state) {
  static const struct {
    const char *text;
    uint64_t code;
  } cases[] = {
      {"07 0001 00", MOQT_PROTOCOL_VIOLATION},                  /* OK to a SUBSCRIBE */
      {"0b 0003 02 05 00", MOQT_PROTOCOL_VIOLATION},            /* DONE before OK */
      {"04 0002 07 00 04 0002 07 00", MOQT_PROTOCOL_VIOLATION}, /* OK twice */
      {"04 0002 07 00 07 0001 00", MOQT_PROTOCOL_VIOLATION},    /* update never sent */
      {"04 0002 07 00 05 0003 03 00 00", MOQT_PROTOCOL_VIOLATION},
      {"02 0002 01 00", MOQT_PROTOCOL_VIOLATION},       /* a requester's */
      {"04 0004 07 01 10 01", MOQT_PROTOCOL_VIOLATION}, /* FORWARD in SUBSCRIBE_OK */
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct side side;
    client_ready(&side);
    assert_int_equal(side_ask(&side, "a"), 0);
    side_feed(&side, 0, cases[i].text, false);
    assert_int_equal(side.close_code, cases[i].code);
    moqt_session_free(side.s);
  }
}

static void one_alias_for_two_tracks(void **state) {
  struct side side;
  (void)state;
  client_ready(&side);
  assert_int_equal(side_ask(&side, "a"), 0);
  assert_int_equal(side_ask(&side, "a"), 4);
  assert_int_equal(side_ask(&side, "b"), 8);
  side_feed(&side, 0, "04 0002 07 00", false);
  side_feed(&side, 4, "04 0002 07 00", false); /* the same track: fine */
  assert_int_equal(side.close_code, UINT64_MAX);
  side_feed(&side, 8, "04 0002 07 00", false);
  assert_int_equal(side.close_code, MOQT_DUPLICATE_TRACK_ALIAS);
  moqt_session_free(side.s);
}

static void refused_update_of_mine(void **state) {
  struct side side;
  struct moqt_params params = {.has = MOQT_HAS_FORWARD};
  (void)state;
  client_ready(&side);
  assert_int_equal(side_ask(&side, "a"), 0);
  assert_int_equal(moqt_update(side.s, 0, &params), -1); /* not accepted yet */
  side_feed(&side, 0, "04 0002 07 00", false);
  assert_int_equal(moqt_update(side.s, 0, &params), 0);
  assert_string_equal(side.sent, "0:02000402011000 ");
  side_clear(&side);
  side_feed(&side, 0, "05 0003 36 00 00 0b 0003 08 02 00", true);
  assert_string_equal(side.told, "done(0,8,2,) ");
  moqt_session_free(side.s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unsupported_requests),
      cmocka_unit_test(refused_publish_is_stopped),
      cmocka_unit_test(nobody_listens),
      cmocka_unit_test(subscribe_with_what_is_refused),
      cmocka_unit_test(request_ids),
      cmocka_unit_test(request_stream_refusals),
      cmocka_unit_test(late_answers),
      cmocka_unit_test(updates),
      cmocka_unit_test(failed_updates),
      cmocka_unit_test(cancelled_by_the_peer),
      cmocka_unit_test(answers),
      cmocka_unit_test(answers_refused),
      cmocka_unit_test(one_alias_for_two_tracks),
      cmocka_unit_test(refused_update_of_mine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
