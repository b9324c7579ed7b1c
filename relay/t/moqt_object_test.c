/* Subgroup streams and datagrams, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "relay/moqt/codes.h"
#include "relay/moqt/object.h"
#include "relay/t/hex.h"

/* What a stream came to, as one line. */
struct story {
  char text[1000];
};

static void add(struct story *story, const char *text) {
  assert_true(strlen(story->text) + strlen(text) < sizeof(story->text));
  strcat(story->text, text);
}

static void on_header(void *arg, const struct moqt_reader *reader) {
  const struct moqt_subgroup *h = &reader->header;
  char t[200];
  snprintf(t, sizeof(t), "H%lu,%lu,%lu%s%s%s%s ", h->alias, h->group, h->subgroup,
           h->first_object ? " first" : "", h->end_of_group ? " end" : "",
           h->properties ? " props" : "", h->subgroup_by_object ? " byobj" : "");
  add(arg, t);
  if (h->has_priority) {
    snprintf(t, sizeof(t), "p%d ", h->priority);
    add(arg, t);
  }
}
static void on_object(void *arg, const struct moqt_reader *reader, uint64_t object, uint64_t size,
                      uint64_t status, struct moqt_bytes properties) {
  char t[200];
  snprintf(t, sizeof(t), "O%lu/%lu:%lu s%lu k%zu [", reader->header.subgroup, object, size, status,
           properties.len);
  add(arg, t);
}
static void on_payload(void *arg, const uint8_t *data, size_t len) {
  char t[200];
  snprintf(t, sizeof(t), "%.*s", (int)len, (const char *)data);
  add(arg, t);
}
static void on_end(void *arg, const struct moqt_reader *reader) {
  (void)reader;
  add(arg, "] ");
}
static const struct moqt_reader_events events = {on_header, on_object, on_payload, on_end};

/* The same story in one piece, byte by byte, and cut at every place. */
static void reads(const char *text, const char *want) {
  uint8_t wire[200];
  const size_t len = hex(wire, text);

  for (size_t cut = 0; cut <= len; cut++) {
    struct moqt_reader reader = {0};
    struct story story = {""};
    const char *why = "";
    assert_int_equal(moqt_reader_in(&reader, wire, cut, false, &events, &story, &why), 0);
    assert_int_equal(moqt_reader_in(&reader, wire + cut, len - cut, true, &events, &story, &why),
                     0);
    assert_string_equal(story.text, want);
    moqt_reader_free(&reader);
  }
  struct moqt_reader reader = {0};
  struct story story = {""};
  const char *why = "";
  for (size_t i = 0; i < len; i++)
    assert_int_equal(moqt_reader_in(&reader, wire + i, 1, i + 1 == len, &events, &story, &why), 0);
  assert_string_equal(story.text, want);
  moqt_reader_free(&reader);
}

static void refuses(const char *text) {
  uint8_t wire[200];
  const size_t len = hex(wire, text);
  struct moqt_reader reader = {0};
  struct story story = {""};
  const char *why = NULL;

  assert_int_equal(moqt_reader_in(&reader, wire, len, true, &events, &story, &why),
                   MOQT_PROTOCOL_VIOLATION);
  assert_non_null(why);
  moqt_reader_free(&reader);
}

static void subgroup_streams(void **state) {
  (void)state;
  reads("78 07 2a 00 05 68656c6c6f 00 05 776f726c64",
        "H7,42,0 first end O0/0:5 s0 k0 [hello] O0/1:5 s0 k0 [world] ");
  reads("55 07 812c 03 80 05 02 3e 02 03 616263 01 00 00 03",
        "H7,300,3 first props p128 O3/5:3 s0 k2 [abc] O3/7:0 s3 k0 [] ");
  /* the subgroup is named by its first object; an empty object */
  reads("32 01 02 09 01 61 00 00 00", "H1,2,0 byobj O9/9:1 s0 k0 [a] O9/10:0 s0 k0 [] ");
  /* a header alone, ended */
  reads("30 01 02", "H1,2,0 ");
}

static void subgroup_streams_refused(void **state) {
  (void)state;
  refuses("16 01 02");                                   /* mode 11 */
  refuses("80 90 01 02");                                /* a type of 0x90 */
  refuses("30 01");                                      /* ended inside the header */
  refuses("30 01 02 00 05 6865");                        /* ended inside an object */
  refuses("30 01 02 00");                                /* ended behind the delta */
  refuses("30 01 02 80");                                /* ended inside a number */
  refuses("30 01 02 00 00 01");                          /* unknown status */
  refuses("31 01 02 00 02 3e 02 00 03");                 /* status with properties */
  refuses("30 01 02 ffffffffffffffffff 01 61 00 01 61"); /* object ID overflows */
  refuses("31 01 02 00 c10000 00");                      /* properties of 65,536 bytes */
}

static void fin_must_close_objects(void **state) {
  uint8_t wire[50];
  const size_t len = hex(wire, "78 07 2a 00 05 68656c6c6f 00 05 776f726c64");
  (void)state;
  for (size_t cut = 1; cut < len; cut++) {
    struct moqt_reader reader = {0};
    struct story story = {""};
    const char *why;
    const bool whole = cut == 3 || cut == 10;
    assert_int_equal(moqt_reader_in(&reader, wire, cut, true, &events, &story, &why),
                     whole ? 0 : MOQT_PROTOCOL_VIOLATION);
    moqt_reader_free(&reader);
  }
}

static void writing(void **state) {
  uint8_t got[128] = {0}, want[64] = {0};
  size_t len;
  uint64_t previous = 5;
  (void)state;

  len = hex(want, "78 07 2a");
  assert_int_equal(moqt_subgroup_write(got, &(struct moqt_subgroup){.alias = 7,
                                                                    .group = 42,
                                                                    .first_object = true,
                                                                    .end_of_group = true}),
                   len);
  assert_memory_equal(got, want, len);
  len = hex(want, "54 07 812c 03 80");
  assert_int_equal(moqt_subgroup_write(got, &(struct moqt_subgroup){.alias = 7,
                                                                    .group = 300,
                                                                    .subgroup = 3,
                                                                    .first_object = true,
                                                                    .has_priority = true,
                                                                    .priority = 128}),
                   len);
  assert_memory_equal(got, want, len);
  len = hex(want, "05 03");
  assert_int_equal(moqt_object_write(got, 5, NULL, 3), len);
  assert_memory_equal(got, want, len);
  len = hex(want, "01 80c8");
  assert_int_equal(moqt_object_write(got, 7, &previous, 200), len);
  assert_memory_equal(got, want, len);
  len = hex(want, "00 00 00");
  assert_int_equal(moqt_object_write(got, 6, &previous, 0), len);
  assert_memory_equal(got, want, len);
}

static void datagrams(void **state) {
  uint8_t wire[64] = {0}, got[64] = {0};
  struct moqt_datagram d;
  const char *why;
  size_t len;
  (void)state;

  len = hex(wire, "00 07 2a 812c c8 dead");
  assert_int_equal(moqt_datagram_read(wire, len, &d, &why), 0);
  assert_int_equal(d.alias, 7);
  assert_int_equal(d.group, 42);
  assert_int_equal(d.object, 300);
  assert_true(d.has_priority);
  assert_int_equal(d.priority, 200);
  assert_int_equal(d.payload.len, 2);
  assert_int_equal(moqt_datagram_write(got, &d), len - 2);
  assert_memory_equal(got, wire, len - 2);
  for (size_t cut = 0; cut < len - 2; cut++)
    assert_int_equal(moqt_datagram_read(wire, cut, &d, &why), MOQT_PROTOCOL_VIOLATION);

  len = hex(wire, "0e 07 2b beef");
  assert_int_equal(moqt_datagram_read(wire, len, &d, &why), 0);
  assert_int_equal(d.object, 0);
  assert_true(d.end_of_group);
  assert_false(d.has_priority);
  assert_int_equal(moqt_datagram_write(got, &d), 3);
  assert_memory_equal(got, wire, 3);

  len = hex(wire, "28 07 2b 01 04");
  assert_int_equal(moqt_datagram_read(wire, len, &d, &why), 0);
  assert_true(d.has_status);
  assert_int_equal(d.status, MOQT_OBJECT_END_OF_TRACK);

  static const char *const bad[] = {
      "10 07 2a 00 00", /* a subgroup's type */
      "40 07 2a 00 00",
      "22 07 2a 00 00 00",          /* STATUS and END_OF_GROUP */
      "28 07 2b 01 01",             /* unknown status */
      "28 07 2b 01 04 00",          /* and a payload */
      "01 07 2a 05 80 00 61",       /* no properties */
      "21 07 2a 05 80 02 3e 02 03", /* status with properties */
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    len = hex(wire, bad[i]);
    assert_int_equal(moqt_datagram_read(wire, len, &d, &why), MOQT_PROTOCOL_VIOLATION);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(subgroup_streams),
      cmocka_unit_test(subgroup_streams_refused),
      cmocka_unit_test(fin_must_close_objects),
      cmocka_unit_test(writing),
      cmocka_unit_test(datagrams),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
