/* Control messages, byte for byte (vectors of the reference's section 8). */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "relay/moqt/message.h"
#include "relay/t/hex.h"

static const struct moqt_context from_client = {.from_client = true, .place = MOQT_IN_UPDATE};
static const struct moqt_context from_server = {.from_client = false, .place = MOQT_IN_OK_UPDATE};

/* Reads one frame that must be whole. Every cut of it must ask for more. */
static uint64_t read_hex(const char *text, const struct moqt_context *context,
                         struct moqt_message *m) {
  static uint8_t wire[80000]; /* the message points into it */
  const size_t len = hex(wire, text);
  uint64_t type;
  struct moqt_bytes body;
  const char *why = NULL;
  uint64_t code;

  for (size_t cut = 0; cut < len; cut++)
    assert_int_equal(moqt_frame_read(wire, cut, &type, &body), 0);
  assert_int_equal(moqt_frame_read(wire, len, &type, &body), len);
  code = moqt_message_read(type, body, context, m, &why);
  if (code)
    assert_non_null(why);
  return code;
}

/* A body that is cut anywhere must be refused, never read beyond. */
static void cut_everywhere(const char *text, const struct moqt_context *context) {
  uint8_t wire[1000];
  const size_t len = hex(wire, text);
  uint64_t type;
  struct moqt_bytes body;
  struct moqt_message m;
  const char *why;

  assert_int_equal(moqt_frame_read(wire, len, &type, &body), len);
  for (size_t cut = 0; cut < body.len; cut++) {
    uint8_t exact[1000];
    struct moqt_bytes part = {.data = exact + sizeof(exact) - cut, .len = cut};
    memcpy(exact + sizeof(exact) - cut, body.data, cut);
    assert_int_equal(moqt_message_read(type, part, context, &m, &why), MOQT_PROTOCOL_VIOLATION);
  }
}

static void writes(const struct moqt_message *m, const char *text) {
  uint8_t want[1000], got[1000];
  const size_t len = hex(want, text);
  assert_int_equal(moqt_message_write(got, sizeof(got), m), len);
  assert_memory_equal(got, want, len);
  for (size_t room = 0; room < len; room++)
    assert_int_equal(moqt_message_write(got, room, m), 0);
}

static bool is(struct moqt_bytes bytes, const char *text) {
  return bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

static struct moqt_bytes text_of(const char *text) {
  return (struct moqt_bytes){.data = (const uint8_t *)text, .len = strlen(text)};
}

/* ---- vectors ---------------------------------------------------------------------- */

static void setup(void **state) {
  struct moqt_message m;
  (void)state;
  const char *client =
      "af00 001e 01 06 2f62656e6368 04 0e 3139322e302e322e313a34343333 02 04 74622f31";
  assert_int_equal(read_hex(client, &from_client, &m), 0);
  assert_int_equal(m.type, MOQT_SETUP);
  assert_true(is(m.setup.path, "/bench"));
  assert_true(is(m.setup.authority, "192.0.2.1:4433"));
  assert_true(is(m.setup.implementation, "tb/1"));
  writes(&m, client);
  const char *server = "af00 0008 07 04 74622f31 01 04";
  assert_int_equal(read_hex(server, &from_server, &m), 0);
  assert_int_equal(m.setup.max_request_updates, 4);
  writes(&m, server);
  /* MAX_FILTER_RANGES = 1 */
  m.setup = (struct moqt_setup){.max_filter_ranges = 1};
  writes(&m, "af00 0002 06 01");
  /* grease, an unknown option twice, another unknown one: ignored */
  assert_int_equal(read_hex("af00 000a 809d 01 aa 00 01 bb 807f 05", &from_client, &m), 0);
}

static void setup_refused(void **state) {
  struct moqt_message m;
  (void)state;
  /* PATH and AUTHORITY from a server */
  assert_int_equal(read_hex("af00 0004 01 02 2f61", &from_server, &m), MOQT_INVALID_PATH);
  assert_int_equal(read_hex("af00 0003 05 01 61", &from_server, &m), MOQT_INVALID_AUTHORITY);
  /* no slash; empty */
  assert_int_equal(read_hex("af00 0003 01 01 61", &from_client, &m), MOQT_MALFORMED_PATH);
  assert_int_equal(read_hex("af00 0002 05 00", &from_client, &m), MOQT_MALFORMED_AUTHORITY);
  assert_int_equal(read_hex("af00 0004 05 02 2061", &from_client, &m), MOQT_MALFORMED_AUTHORITY);
  /* PATH twice */
  assert_int_equal(read_hex("af00 0008 01 02 2f61 00 02 2f61", &from_client, &m),
                   MOQT_PROTOCOL_VIOLATION);
  /* token aliases: DELETE, USE_ALIAS refused; REGISTER and USE_VALUE pass */
  assert_int_equal(read_hex("af00 0004 03 02 00 05", &from_client, &m), MOQT_PROTOCOL_VIOLATION);
  assert_int_equal(read_hex("af00 0004 03 02 02 05", &from_client, &m), MOQT_PROTOCOL_VIOLATION);
  assert_int_equal(read_hex("af00 0005 03 03 01 05 00", &from_client, &m), 0);
  assert_int_equal(read_hex("af00 0008 03 02 03 00 00 02 03 01", &from_client, &m), 0);
  assert_int_equal(read_hex("af00 0003 03 01 04", &from_client, &m),
                   MOQT_KEY_VALUE_FORMATTING_ERROR);
}

static void cut_setup_ends_at_pairs(void **state) {
  struct moqt_message m;
  (void)state;
  /* A list of pairs may end after any pair; here only between the two. */
  uint8_t body[8];
  const char *why;
  hex(body, "07 04 74622f31 01 04");
  for (size_t cut = 0; cut <= 8; cut++)
    assert_int_equal(
        moqt_message_read(MOQT_SETUP, (struct moqt_bytes){body, cut}, &from_server, &m, &why),
        cut == 0 || cut == 6 || cut == 8 ? 0 : MOQT_PROTOCOL_VIOLATION);
}

static void publish_namespace(void **state) {
  struct moqt_message m;
  (void)state;
  const char *text = "06 000e 00 02 05 62656e6368 04 63616d31 00";
  assert_int_equal(read_hex(text, &from_client, &m), 0);
  assert_int_equal(m.request_id, 0);
  assert_int_equal(m.name.n_fields, 2);
  assert_true(is(m.name.field[0], "bench"));
  assert_true(is(m.name.field[1], "cam1"));
  writes(&m, text);
  cut_everywhere(text, &from_client);
  assert_int_equal(read_hex("07 0001 00", &from_server, &m), 0);
  writes(&m, "07 0001 00");
}

static void subscribe(void **state) {
  struct moqt_message m;
  (void)state;
  const char *text =
      "03 0020 00 02 05 62656e6368 04 63616d31 05 766964656f 05 02 81f4 0e 01 10 40 "
      "01 01 00 01 02";
  assert_int_equal(read_hex(text, &from_client, &m), 0);
  assert_true(is(m.name.track, "video"));
  assert_int_equal(m.params.has, MOQT_HAS_OBJECT_TIMEOUT | MOQT_HAS_FORWARD | MOQT_HAS_PRIORITY |
                                     MOQT_HAS_LOCATION_FILTER | MOQT_HAS_GROUP_ORDER);
  assert_int_equal(m.params.object_timeout_ms, 500);
  assert_true(m.params.forward);
  assert_int_equal(m.params.subscriber_priority, 64);
  assert_int_equal(m.params.location.n, 1);
  assert_int_equal(m.params.location.v[0], 0);
  assert_int_equal(m.params.group_order, 2);
  writes(&m, text);
  cut_everywhere(text, &from_client);
}

static void subscribe_ok(void **state) {
  struct moqt_message m;
  (void)state;
  const char *text = "04 000b 07 01 09 29 0c 02 87d0 0c 80c8";
  assert_int_equal(read_hex(text, &from_server, &m), 0);
  assert_int_equal(m.alias, 7);
  assert_int_equal(m.params.largest.group, 41);
  assert_int_equal(m.params.largest.object, 12);
  assert_true(m.properties.has_object_timeout);
  assert_int_equal(m.properties.object_timeout_ms, 2000);
  assert_int_equal(m.properties.priority, 200);
  assert_int_equal(m.properties.raw.len, 6);
  writes(&m, text);
}

static void request_error(void **state) {
  struct moqt_message m;
  (void)state;
  const char *text = "05 0010 10 83e9 0c 6e6f207075626c6973686572";
  assert_int_equal(read_hex(text, &from_server, &m), 0);
  assert_int_equal(m.code, MOQT_REQ_DOES_NOT_EXIST);
  assert_int_equal(m.retry, 1001);
  assert_true(is(m.reason, "no publisher"));
  writes(&m, text);
  cut_everywhere(text, &from_server);
  m = (struct moqt_message){.type = MOQT_REQUEST_ERROR, .code = MOQT_REQ_NOT_SUPPORTED};
  writes(&m, "05 0003 03 00 00");
  /* redirect: URI, namespace, name */
  assert_int_equal(read_hex("05 0009 34 00 00 01 61 01 01 62 00", &from_server, &m), 0);
  assert_int_equal(read_hex("05 0009 34 00 00 01 61 01 01 62 00", &from_client, &m),
                   MOQT_PROTOCOL_VIOLATION);
}

static void short_ones(void **state) {
  struct moqt_message m;
  (void)state;
  assert_int_equal(read_hex("0b 0003 02 05 00", &from_server, &m), 0);
  assert_int_equal(m.code, MOQT_DONE_TRACK_ENDED);
  assert_int_equal(m.streams, 5);
  writes(&m, "0b 0003 02 05 00");
  assert_int_equal(read_hex("02 0004 02 01 10 00", &from_client, &m), 0);
  assert_int_equal(m.request_id, 2);
  assert_int_equal(m.params.has, MOQT_HAS_FORWARD);
  assert_false(m.params.forward);
  writes(&m, "02 0004 02 01 10 00");
  assert_int_equal(read_hex("10 0003 00 9388", &from_server, &m), 0);
  assert_int_equal(m.timeout_ms, 5000);
  writes(&m, "10 0003 00 9388");
  assert_int_equal(read_hex("10 0004 01 61 00 00", &from_server, &m), MOQT_PROTOCOL_VIOLATION);
  assert_int_equal(read_hex("10 0003 01 61 00", &from_server, &m), 0);
  assert_int_equal(read_hex("10 0003 01 61 00", &from_client, &m), MOQT_PROTOCOL_VIOLATION);
  /* FETCH is read, though it will be refused */
  const char *fetch = "16 001a 04 02 0562656e6368 0463616d31 05766964656f 01 21 04 29 00 00 0c";
  assert_int_equal(read_hex(fetch, &from_client, &m), 0);
  assert_int_equal(m.request_id, 4);
  assert_true(is(m.name.track, "video"));
}

static void priority_filter(void **state) {
  struct moqt_message m;
  (void)state;
  /* {0..2} in REQUEST_UPDATE */
  const char *text = "02 0007 02 01 27 03 00 00 02";
  assert_int_equal(read_hex(text, &from_client, &m), 0);
  assert_int_equal(m.params.has, MOQT_HAS_PRIORITY_FILTER);
  assert_int_equal(m.params.priority_min, 0);
  assert_int_equal(m.params.priority_max, 2);
  assert_null(m.params.refuse_reason);
  writes(&m, text);
  /* open end */
  assert_int_equal(read_hex("02 0006 02 01 27 02 00 05", &from_client, &m), 0);
  assert_int_equal(m.params.priority_min, 5);
  assert_int_equal(m.params.priority_max, 255);
}

/* Well-formed, but answered with REQUEST_ERROR. */
static void filters_refused(void **state) {
  struct moqt_message m;
  (void)state;
  static const char *const invalid[] = {
      "02 0007 02 01 27 03 01 00 02",                /* SetID 1 */
      "02 0005 02 01 27 01 00",                      /* no range */
      "02 0009 02 01 27 05 00 00 02 01 01",          /* two ranges */
      "02 0008 02 01 27 04 00 8100 00",              /* 256 */
      "02 0008 02 01 27 04 00 05 80fb",              /* 5..256 */
      "02 000c 02 02 27 03 00 00 02 00 03 00 00 02", /* twice */
      "02 0007 02 01 25 03 00 00 02",                /* SUBGROUP_FILTER */
      "02 0007 02 01 26 03 00 00 02",                /* OBJECTID_FILTER */
      "02 0008 02 01 28 04 00 02 00 02",             /* OBJECT_PROPERTY_FILTER */
  };
  for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
    assert_int_equal(read_hex(invalid[i], &from_client, &m), 0);
    assert_int_equal(m.params.refuse_code, MOQT_REQ_INVALID_FILTER);
    assert_non_null(m.params.refuse_reason);
  }
  assert_int_equal(read_hex("02 0007 02 01 23 03 01 0a 05", &from_client, &m), 0);
  assert_int_equal(m.params.refuse_code, MOQT_REQ_NOT_SUPPORTED);
}

static void params_refused(void **state) {
  struct moqt_message m;
  (void)state;
  static const char *const bad[] = {
      "02 0004 02 01 05 00",                              /* unknown parameter */
      "02 0004 02 01 22 01",                              /* GROUP_ORDER cannot be updated */
      "02 0004 02 01 08 00",                              /* EXPIRES in an update */
      "02 0004 02 01 10 02",                              /* FORWARD 2 */
      "02 0006 02 02 10 00 00 01",                        /* FORWARD twice */
      "02 0005 02 01 10 01 00",                           /* a byte left over */
      "02 0002 02 01",                                    /* parameter missing */
      "02 0009 02 01 21 05 00 00 00 00 00",               /* 5 numbers */
      "02 0005 02 01 21 01 80",                           /* number cut inside its length */
      "02 0004 02 01 27 00",                              /* no SetID */
      "02 000e 02 01 21 0b 01 00 ff ffffffffffffffff 00", /* end group overflows: length is wrong */
      "02 0004 02 01 29 00",                              /* TRACK_PROPERTY_FILTER in an update */
      "03 000b 00 01 01 61 01 62 01 35 02 00 00",
      "02 000e 02 02 10 01 ffffffffffffffffff 00", /* type overflows */
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    uint8_t wire[100];
    uint64_t type;
    struct moqt_bytes body;
    const char *why;
    /* lengths in the table may be generous: take what is there */
    const size_t len = hex(wire, bad[i]);
    wire[1] = 0;
    wire[2] = (uint8_t)(len - 3);
    assert_int_equal(moqt_frame_read(wire, len, &type, &body), len);
    assert_int_equal(moqt_message_read(type, body, &from_client, &m, &why),
                     MOQT_PROTOCOL_VIOLATION);
  }
  /* end group overflows */
  assert_int_equal(read_hex("02 000f 02 01 21 0b 01 00 ffffffffffffffffff", &from_client, &m),
                   MOQT_PROTOCOL_VIOLATION);
  /* tokens */
  assert_int_equal(read_hex("02 0006 02 01 03 02 03 00", &from_client, &m), 0);
  assert_int_equal(read_hex("02 0007 02 01 03 03 01 00 00", &from_client, &m),
                   MOQT_AUTH_TOKEN_CACHE_OVERFLOW);
  assert_int_equal(read_hex("02 0006 02 01 03 02 02 00", &from_client, &m),
                   MOQT_UNKNOWN_AUTH_TOKEN_ALIAS);
  assert_int_equal(read_hex("02 0006 02 01 03 02 00 00", &from_client, &m),
                   MOQT_UNKNOWN_AUTH_TOKEN_ALIAS);
}

static void names_refused(void **state) {
  struct moqt_message m = {.type = MOQT_SUBSCRIBE};
  struct moqt_message out;
  static uint8_t wire[10000];
  static uint8_t letters[5000];
  uint64_t type;
  struct moqt_bytes body;
  const char *why;
  (void)state;

  /* an empty field, 33 fields */
  assert_int_equal(read_hex("06 0004 00 01 00 00", &from_client, &out), MOQT_PROTOCOL_VIOLATION);
  assert_int_equal(read_hex("06 0005 00 21 01 61 00", &from_client, &out), MOQT_PROTOCOL_VIOLATION);
  /* no fields are allowed, the name may be empty */
  assert_int_equal(read_hex("03 0004 00 00 00 00", &from_client, &out), 0);
  memset(letters, 'x', sizeof(letters));
  for (size_t total = 4096; total <= 4097; total++) {
    m.name.n_fields = 2;
    m.name.field[0] = (struct moqt_bytes){letters, 1000};
    m.name.field[1] = (struct moqt_bytes){letters, 2000};
    m.name.track = (struct moqt_bytes){letters, total - 3000};
    const size_t len = moqt_message_write(wire, sizeof(wire), &m);
    assert_true(len > total);
    assert_int_equal(moqt_frame_read(wire, len, &type, &body), len);
    assert_int_equal(moqt_message_read(type, body, &from_client, &out, &why),
                     total == 4096 ? 0 : MOQT_PROTOCOL_VIOLATION);
  }
}

static void reasons_and_types(void **state) {
  struct moqt_message m = {.type = MOQT_REQUEST_ERROR}, out;
  static uint8_t wire[3000];
  static uint8_t letters[1100];
  uint64_t type;
  struct moqt_bytes body;
  const char *why;
  (void)state;

  for (size_t n = 1024; n <= 1025; n++) {
    m.reason = (struct moqt_bytes){letters, n};
    const size_t len = moqt_message_write(wire, sizeof(wire), &m);
    assert_int_equal(moqt_frame_read(wire, len, &type, &body), len);
    assert_int_equal(moqt_message_read(type, body, &from_server, &out, &why),
                     n == 1024 ? 0 : MOQT_PROTOCOL_VIOLATION);
  }
  static const char *const unknown[] = {"01 0000", "1e 0000", "20 0000",   "21 0000",
                                        "40 0000", "41 0000", "af01 0000", "08 0000"};
  for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
    assert_int_equal(read_hex(unknown[i], &from_client, &out), MOQT_PROTOCOL_VIOLATION);
  /* REQUEST_OK with properties */
  assert_int_equal(read_hex("07 0003 00 02 01", &from_server, &out), MOQT_PROTOCOL_VIOLATION);
  /* properties: priority 256, group order 3, dynamic groups 2, cut */
  assert_int_equal(read_hex("04 0005 07 00 0e 8100", &from_server, &out), MOQT_PROTOCOL_VIOLATION);
  assert_int_equal(read_hex("04 0004 07 00 22 03", &from_server, &out), MOQT_PROTOCOL_VIOLATION);
  assert_int_equal(read_hex("04 0004 07 00 30 02", &from_server, &out), MOQT_PROTOCOL_VIOLATION);
  assert_int_equal(read_hex("04 0004 07 00 0b 02", &from_server, &out), MOQT_PROTOCOL_VIOLATION);
  /* mandatory track property 0x4000 */
  assert_int_equal(read_hex("04 0006 07 00 c04000 00", &from_server, &out), 0);
  assert_true(out.properties.mandatory_unknown);
}

static void locations(void **state) {
  const struct moqt_location l = {41, 12};
  struct moqt_location_range r;
  (void)state;
#define FILTER(count, ...)                                                                         \
  &(struct moqt_location_filter) {                                                                 \
    .n = count, .v = { __VA_ARGS__ }                                                               \
  }
  assert_true(moqt_location_resolve(FILTER(0, 0), &l, &r));
  assert_true(moqt_location_in(&r, (struct moqt_location){0, 0}));
  assert_true(moqt_location_resolve(FILTER(1, 0), &l, &r)); /* next group */
  assert_int_equal(r.start.group, 42);
  assert_int_equal(r.start.object, 0);
  assert_false(moqt_location_in(&r, (struct moqt_location){41, 13}));
  assert_true(moqt_location_resolve(FILTER(1, 0), NULL, &r)); /* empty track: group 0 */
  assert_int_equal(r.start.group, 0);
  assert_true(moqt_location_resolve(FILTER(1, 1), &l, &r));
  assert_int_equal(r.start.group, 41);
  assert_true(moqt_location_resolve(FILTER(1, 50), &l, &r));
  assert_int_equal(r.start.group, 0);
  assert_true(moqt_location_resolve(FILTER(2, 0, 0), &l, &r)); /* next object */
  assert_int_equal(r.start.group, 41);
  assert_int_equal(r.start.object, 13);
  assert_true(moqt_location_resolve(FILTER(2, 10, 3), &l, &r));
  assert_int_equal(moqt_location_cmp(r.start, (struct moqt_location){10, 3}), 0);
  assert_true(moqt_location_resolve(FILTER(3, 10, 3, 10), &l, &r));
  assert_true(moqt_location_in(&r, (struct moqt_location){20, 99999}));
  assert_false(moqt_location_in(&r, (struct moqt_location){21, 0}));
  assert_true(moqt_location_resolve(FILTER(4, 10, 3, 10, 7), &l, &r));
  assert_true(moqt_location_in(&r, (struct moqt_location){20, 7}));
  assert_false(moqt_location_in(&r, (struct moqt_location){20, 8}));
  assert_false(moqt_location_resolve(FILTER(3, 10, 3, UINT64_MAX), &l, &r));
#undef FILTER
}

static void names(void **state) {
  struct moqt_name a, b;
  char buf[64];
  (void)state;
  moqt_name_set(&a, "pub", "video");
  moqt_name_set(&b, "pub", NULL);
  assert_true(moqt_name_within(&a, &b));
  assert_false(moqt_name_equal(&a, &b));
  b.n_fields = 1;
  assert_true(moqt_name_within(&a, &b));
  b.field[0] = text_of("fanbenc"); /* a prefix by letters is none by fields */
  assert_false(moqt_name_within(&a, &b));
  assert_string_equal(moqt_name_print(&a, buf, sizeof(buf)), "fanbench/pub--video");
  moqt_name_set(&b, "sub[1]", "x");
  assert_string_equal(moqt_name_print(&b, buf, sizeof(buf)), "fanbench/sub.5b1.5d--x");
  assert_string_equal(moqt_name_print(&b, buf, 5), "fanb");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(setup),
      cmocka_unit_test(setup_refused),
      cmocka_unit_test(cut_setup_ends_at_pairs),
      cmocka_unit_test(publish_namespace),
      cmocka_unit_test(subscribe),
      cmocka_unit_test(subscribe_ok),
      cmocka_unit_test(request_error),
      cmocka_unit_test(short_ones),
      cmocka_unit_test(priority_filter),
      cmocka_unit_test(filters_refused),
      cmocka_unit_test(params_refused),
      cmocka_unit_test(names_refused),
      cmocka_unit_test(reasons_and_types),
      cmocka_unit_test(locations),
      cmocka_unit_test(names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
