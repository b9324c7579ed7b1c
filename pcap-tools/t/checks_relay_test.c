/* Copies and ledger of a relay against the capture: copy-exact, copy-explained,
 * trace-agrees, ack-split, no-needless-retransmit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pcap-tools/t/made_run.h"

enum { C = TAPE_CLIENT, S = TAPE_SERVER };

/* A packet of three frames (number 3) and its copy (number 3): an ACK of this hop, a
 * whole subgroup on stream 6, one datagram. The shorter ID leaves 12 bytes. */
enum { SHIFT = 12, ACK_LEN = 5 };

static struct word subgroup(unsigned alias, const char *text) {
  return JOIN(o_header(alias, 0, 0, 1), o_object(0, text));
}

static struct word in_frames(void) {
  return FRAMES(w_ack(1, 1), w_stream_of(6, 0, subgroup(UP_ALIAS, "hello"), true),
                w_datagram(o_datagram(UP_ALIAS, 0, 1, 1, "dg")));
}

static struct word out_frames(void) {
  return FRAMES(w_padding(SHIFT + ACK_LEN), w_stream_of(7, 0, subgroup(DOWN_ALIAS, "hello"), true),
                w_datagram(o_datagram(DOWN_ALIAS, 0, 1, 1, "dg")));
}

#define UP   "\"up\":\"c101101010101010\",\"up_pn\":3"
#define DOWN "\"slot\":4,\"gen\":9"
#define ENTRY                                                                                      \
  "{\"ev\":\"connection\",\"t\":1," DOWN                                                           \
  ",\"conn\":\"c102101010101010\","                                                                \
  "\"remote\":\"10.0.0.3:20000\",\"local\":\"10.0.0.1:4433\"}\n"
#define STREAM_COPY(pn, down)                                                                      \
  "{\"ev\":\"copy\",\"t\":2," UP                                                                   \
  ",\"frame\":0,\"kind\":\"stream\",\"sid\":6,\"off\":0,"                                          \
  "\"len\":12,\"fin\":1,\"track\":\"chat\",\"group\":0," DOWN ",\"decision\":\"send\",\"pn\":" pn  \
  ",\"down_sid\":" down ",\"cpu\":0}\n"
#define DATAGRAM_COPY(decision, pn)                                                                \
  "{\"ev\":\"copy\",\"t\":2," UP                                                                   \
  ",\"frame\":1,\"kind\":\"datagram\",\"sid\":0,\"off\":0,"                                        \
  "\"len\":7,\"fin\":0,\"track\":\"chat\",\"group\":0," DOWN ",\"decision\":\"" decision           \
  "\",\"pn\":" pn ",\"down_sid\":null,\"cpu\":0}\n"
#define COPIES ENTRY STREAM_COPY("3", "7") DATAGRAM_COPY("send", "3")

#define NUMBER(conn, pn, origin, own, fate, content)                                               \
  "{\"ev\":\"number\",\"conn\":\"" conn "\",\"pn\":" pn ",\"origin\":\"" origin "\",\"own\":" own  \
  ",\"t\":1,\"fate\":\"" fate "\",\"fate_t\":1,\"content\":[" content "]}\n"
#define SUB "c102101010101010"
#define LEDGER_HEAD                                                                                \
  NUMBER("c101101010101010", "1", "own", "0", "acked", "")                                         \
  NUMBER(SUB, "1", "own", "0", "acked", "")                                                        \
  NUMBER(SUB, "2", "slow", "null", "acked", "{\"kind\":\"datagram\",\"len\":6}")
#define STREAM_PIECE "{\"kind\":\"stream\",\"sid\":7,\"off\":0,\"len\":12,\"fin\":1,\"again\":0}"
#define FAST(pieces) NUMBER(SUB, "3", "fast", "null", "acked", pieces)
#define LEDGER       LEDGER_HEAD FAST(STREAM_PIECE ",{\"kind\":\"datagram\",\"len\":7}")

static struct plan copied(struct word in, struct word out) {
  struct plan p = made_run();
  p.copies = COPIES;
  p.ledger = LEDGER;
  pkt_1rtt(&p.scene.pub, C, .frames = in);
  pkt_1rtt(&p.scene.sub, S, .frames = out);
  return p;
}

static struct plan honest(void) {
  return copied(in_frames(), out_frames());
}

/* ---- copy-exact ---------------------------------------------------------- */

static void an_exact_copy_passes(void **state) {
  (void)state;
  struct plan p = honest();
  made_run_expect(&p, "copy-exact", JUDGE_PASS);
}

static void spoilt(size_t at, uint8_t flip, const char *field, const char *actual) {
  struct word out = out_frames();
  out.b[at] ^= flip;
  struct plan p = copied(in_frames(), out);
  made_run_expect_finding(&p, "copy-exact", field, actual);
}

enum { STREAM_AT = SHIFT + ACK_LEN };

static void another_byte_in_front_fails(void **state) {
  (void)state;
  spoilt(0, 1, "payload", "01");
}

static void a_frame_of_this_hop_fails(void **state) {
  (void)state;
  spoilt(SHIFT, 2, "removed frame", "02 at payload offset 12");
}

static void another_frame_type_fails(void **state) {
  (void)state;
  spoilt(STREAM_AT, 1, "frame header", "payload offset 17");
}

static void another_stream_fails(void **state) {
  (void)state;
  spoilt(STREAM_AT + 1, 0x0c, "stream ID", "11");
}

static void another_payload_byte_fails(void **state) {
  (void)state;
  struct word out = out_frames();
  spoilt(STREAM_AT + 4 + 11, 0x20, "frame data", "4f"); /* "hellO" */
  assert_int_equal(out.b[STREAM_AT + 4 + 11], 'o');
}

static void another_priority_byte_fails(void **state) {
  (void)state;
  spoilt(STREAM_AT + 4 + 4, 0x08, "publisher priority", "09");
}

static void every_field_of_the_front_has_its_name(void **state) {
  (void)state;
  spoilt(STREAM_AT + 4, 0x08, "type flags", "");
  spoilt(STREAM_AT + 4 + 2, 0x01, "group ID", "01");
  spoilt(STREAM_AT + 4 + 3, 0x01, "subgroup ID", "01");
  spoilt(STREAM_AT + 4 + 5, 0x01, "frame data", "01");
  size_t datagram = out_frames().len - 7;
  spoilt(datagram + 2, 0x01, "group ID", "01");
  spoilt(datagram + 3, 0x02, "object ID", "03");
  spoilt(datagram + 4, 0x02, "publisher priority", "03");
}

static void an_alias_in_other_bytes_fails(void **state) {
  (void)state;
  struct word w = JOIN(w_hex("14 80 07 00 00"), o_object(0, "hello"));
  struct word out = FRAMES(w_padding(SHIFT + ACK_LEN), w_stream_of(7, 0, w, true),
                           w_datagram(o_datagram(DOWN_ALIAS, 0, 1, 1, "dg")));
  w = JOIN(w_hex("14 01 00 00 01"), o_object(0, "hello"));
  struct word in = FRAMES(w_ack(1, 1), w_stream_of(6, 0, w, true),
                          w_datagram(o_datagram(UP_ALIAS, 0, 1, 1, "dg")));
  struct plan p = copied(in, out);
  made_run_expect_finding(&p, "copy-exact", "track alias", "in 2");
}

static void no_stream_in_the_record_fails(void **state) {
  (void)state;
  struct plan p = honest();
  p.copies = ENTRY STREAM_COPY("3", "null") DATAGRAM_COPY("send", "3");
  made_run_expect_finding(&p, "copy-exact", "stream ID", "none");
}

/* A longer ID pushes the payload out of the packet. */
static void a_shorter_payload_fails(void **state) {
  (void)state;
  struct plan p = made_run();
  struct qp_cid longer = {.len = 20, .data = {1, 2, 3}};
  p.copies = COPIES;
  p.ledger = LEDGER;
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_new_cid(1, 0, longer.data, longer.len)));
  pkt_1rtt(&p.scene.pub, C, .frames = in_frames(), .pn_len = 1);
  struct word out = JOIN(w_padding(2), w_stream_of(7, 0, subgroup(DOWN_ALIAS, "hello"), true),
                         w_datagram(o_datagram(DOWN_ALIAS, 0, 1, 1, "dg")));
  pkt_1rtt(&p.scene.sub, S, .frames = out, .dcid = &longer);
  made_run_expect_finding(&p, "copy-exact", "payload length", "behind a longer header");
}

static void another_tracks_alias_fails(void **state) {
  (void)state;
  spoilt(STREAM_AT + 4 + 1, 0x08, "track alias", "15");
}

static void another_length_fails(void **state) {
  (void)state;
  struct plan p = copied(in_frames(), JOIN(w_padding(1), out_frames()));
  made_run_expect_finding(&p, "copy-exact", "UDP length", "72");
}

static void a_frame_sent_although_dropped_fails(void **state) {
  (void)state;
  struct plan p = honest();
  p.copies = ENTRY STREAM_COPY("3", "7") DATAGRAM_COPY("filtered", "null");
  made_run_expect_finding(&p, "copy-exact", "removed frame", "at payload offset");
}

static void a_dropped_frame_as_padding_passes(void **state) {
  (void)state;
  struct word out = out_frames();
  memset(out.b + out.len - 9, 0, 9);
  struct plan p = copied(in_frames(), out);
  p.copies = ENTRY STREAM_COPY("3", "7") DATAGRAM_COPY("filtered", "null");
  made_run_expect(&p, "copy-exact", JUDGE_PASS);
}

/* Only the first frame of the packet was looked at. */
static void a_frame_without_decision_fails(void **state) {
  (void)state;
  struct word out = out_frames();
  memset(out.b + out.len - 9, 0, 9);
  struct plan p = copied(in_frames(), out);
  p.copies = ENTRY STREAM_COPY("3", "7");
  made_run_expect_finding(&p, "copy-exact", "frame", "none about DATAGRAM");
}

/* ---- copy-explained ------------------------------------------------------- */

static void copies_and_named_sends_pass(void **state) {
  (void)state;
  struct plan p = honest();
  made_run_expect(&p, "copy-explained", JUDGE_PASS);
}

static void a_packet_nobody_sent_fails(void **state) {
  (void)state;
  struct plan p = honest();
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_ping()));
  made_run_expect_finding(&p, "copy-explained", "packet number", "4, in neither");
}

static void a_fast_number_without_a_copy_fails(void **state) {
  (void)state;
  struct plan p = honest();
  p.copies = ENTRY;
  made_run_expect_finding(&p, "copy-explained", "packet number", "3, in the ledger as fast");
}

static void a_copy_without_a_packet_fails(void **state) {
  (void)state;
  struct plan p = made_run();
  p.copies = COPIES;
  p.ledger = LEDGER;
  pkt_1rtt(&p.scene.sub, S, .frames = out_frames());
  made_run_expect_finding(&p, "copy-explained", "up_pn", "3");
}

static void a_stock_relay_has_nothing_to_explain(void **state) {
  (void)state;
  struct plan p = honest();
  p.datapath = "stock";
  p.copies = p.ledger = "";
  made_run_expect(&p, "copy-explained", JUDGE_SKIP);
}

static void what_a_killed_relay_had_not_written_is_excused(void **state) {
  (void)state;
  struct plan p = honest();
  p.scene.t->now_ns += 1000000000u;
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_ping()));
  p.faults = "{\"t\":1200000000,\"kind\":\"kill\",\"node\":\"relay\",\"ok\":true}\n";
  made_run_expect(&p, "copy-explained", JUDGE_PASS);
  p = honest();
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_ping()));
  p.faults = "{\"t\":1200000000,\"kind\":\"kill\",\"node\":\"relay\",\"ok\":true}\n";
  made_run_expect(&p, "copy-explained", JUDGE_FAIL);
}

/* ---- trace-agrees --------------------------------------------------------- */

static void trace(const char *copies, const char *ledger, const char *field, const char *actual) {
  struct plan p = honest();
  p.copies = copies;
  p.ledger = ledger;
  made_run_expect_finding(&p, "trace-agrees", field, actual);
}

static void an_agreeing_trace_passes(void **state) {
  (void)state;
  struct plan p = honest();
  made_run_expect(&p, "trace-agrees", JUDGE_PASS);
}

static void a_number_the_ledger_lacks_fails(void **state) {
  (void)state;
  trace(COPIES, LEDGER_HEAD, "packet number", "none");
}

static void a_number_that_never_left_fails(void **state) {
  (void)state;
  trace(COPIES, LEDGER NUMBER(SUB, "9", "slow", "null", "lost", ""), "pn", "9, slow, lost");
}

static void a_number_that_was_burned_passes(void **state) {
  (void)state;
  struct plan p = honest();
  p.ledger = LEDGER NUMBER(SUB, "9", "burned", "5", "never-sent", "");
  made_run_expect(&p, "trace-agrees", JUDGE_PASS);
}

static void other_content_fails(void **state) {
  (void)state;
  trace(COPIES, LEDGER_HEAD FAST(STREAM_PIECE), "content", "others");
}

static void another_origin_fails(void **state) {
  (void)state;
  trace(ENTRY, LEDGER, "origin", "fast in the ledger");
}

static void a_copy_recorded_and_not_sent_fails(void **state) {
  (void)state;
  trace(ENTRY STREAM_COPY("8", "7") COPIES, LEDGER, "pn", "8, recorded as sent");
}

static void a_copy_that_could_not_be_emitted_passes(void **state) {
  (void)state;
  struct plan p = honest();
  p.copies = COPIES STREAM_COPY("8", "7") "{\"ev\":\"emit_failed\",\"t\":3," DOWN ",\"pn\":8}\n";
  made_run_expect(&p, "trace-agrees", JUDGE_PASS);
}

static void one_number_for_two_packets_fails(void **state) {
  (void)state;
  trace(COPIES
        "{\"ev\":\"copy\",\"t\":2,\"up\":\"c101101010101010\",\"up_pn\":2,\"frame\":0,"
        "\"kind\":\"datagram\",\"sid\":0,\"off\":0,\"len\":6,\"fin\":0," DOWN
        ",\"decision\":\"send\",\"pn\":3,\"down_sid\":null}\n",
        LEDGER, "pn", "of packet 2 and");
}

static void an_empty_id_fails(void **state) {
  (void)state;
  trace(
      "{\"ev\":\"connection\",\"t\":1,\"slot\":1,\"gen\":1,\"conn\":\"\",\"remote\":\"\","
      "\"local\":\"\"}\n" COPIES,
      LEDGER, "conn", "(empty)");
}

static void another_address_fails(void **state) {
  (void)state;
  trace("{\"ev\":\"connection\",\"t\":1,\"slot\":1,\"gen\":1,\"conn\":\"" SUB
        "\",\"remote\":\"10.0.0.4:20000\",\"local\":\"10.0.0.1:4433\"}\n" COPIES,
        LEDGER, "remote", "10.0.0.4");
}

/* A client that moves and then subscribes enters the datapath where it is. */
static void the_address_moved_to_passes(void **state) {
  (void)state;
  struct plan p = honest();
  pkt_1rtt(&p.scene.sub, C, .port = 40000, .frames = w_ping());
  p.copies = "{\"ev\":\"connection\",\"t\":1," DOWN ",\"conn\":\"" SUB
             "\",\"remote\":\"10.0.0.3:40000\",\"local\":\"10.0.0.1:4433\"}\n" STREAM_COPY("3", "7")
                 DATAGRAM_COPY("send", "3");
  made_run_expect(&p, "trace-agrees", JUDGE_PASS);
}

static void a_slot_nobody_is_in_fails(void **state) {
  (void)state;
  trace(COPIES "{\"ev\":\"copy\",\"t\":2,\"slot\":8,\"gen\":1,\"decision\":\"send\",\"pn\":3}\n",
        LEDGER, "slot", "another");
}

/* ---- ack-split ------------------------------------------------------------ */

#define ACK(joint, own)                                                                            \
  "{\"ev\":\"ack\",\"conn\":\"" SUB "\",\"t\":1,\"joint\":[" joint "],\"own\":[" own "]}\n"

static struct plan acked(const char *ledger) {
  struct plan p = honest();
  pkt_1rtt(&p.scene.sub, C, .frames = FRAMES(w_ack(1, 3)));
  p.ledger = ledger;
  return p;
}

static void split(const char *ledger, const char *field, const char *actual) {
  struct plan p = acked(ledger);
  made_run_expect_finding(&p, "ack-split", field, actual);
}

static void a_split_ack_passes(void **state) {
  (void)state;
  struct plan p = acked(LEDGER ACK("[1,3]", "[0,0]"));
  made_run_expect(&p, "ack-split", JUDGE_PASS);
}

static void told_again_or_not_passes(void **state) {
  (void)state;
  struct plan p = acked(LEDGER ACK("[1,1]", "[0,0]") ACK("[1,3]", ""));
  made_run_expect(&p, "ack-split", JUDGE_PASS);
}

/* ngtcp2 hears that a number which it left out was acknowledged, and ends the connection. */
static void a_burned_number_is_told_too(void **state) {
  (void)state;
  struct plan p =
      acked(LEDGER NUMBER(SUB, "4", "burned", "1", "never-sent", "") ACK("[1,4]", "[0,1]"));
  made_run_expect(&p, "ack-split", JUDGE_PASS);
  split(LEDGER NUMBER(SUB, "4", "burned", "null", "never-sent", "") ACK("[1,4]", "[0,1]"), "own",
        "1, which no packet has");
}

static void an_untranslated_ack_fails(void **state) {
  (void)state;
  split(LEDGER ACK("[1,3]", "[1,3]"), "own", "1, which no packet has");
}

static void an_own_number_not_covered_fails(void **state) {
  (void)state;
  split(LEDGER ACK("[2,3]", "[0,0]"), "own", "0, which left as 1");
}

static void an_own_packet_not_told_fails(void **state) {
  (void)state;
  split(LEDGER ACK("[1,3]", ""), "own", "not there");
}

static void an_acked_number_left_outstanding_fails(void **state) {
  (void)state;
  split(LEDGER_HEAD NUMBER(SUB, "3", "fast", "null", "outstanding", "") ACK("[1,3]", "[0,0]"),
        "fate", "3 is outstanding");
}

static void an_acked_number_without_a_line_fails(void **state) {
  (void)state;
  split(LEDGER_HEAD, "ACK range", "3, which is not there");
}

static void an_acked_number_with_two_lines_fails(void **state) {
  (void)state;
  split(LEDGER FAST(""), "ACK range", "3, which stands there twice");
}

/* ---- no-needless-retransmit ----------------------------------------------- */

static void a_copied_resend_fails(void **state) {
  (void)state;
  struct plan p = honest();
  p.copies = COPIES STREAM_COPY("4", "7");
  pkt_1rtt(&p.scene.sub, S, .frames = out_frames());
  made_run_expect_finding(&p, "no-needless-retransmit", "STREAM", "12 of 12 bytes");
}

static void new_copies_pass(void **state) {
  (void)state;
  struct plan p = honest();
  made_run_expect(&p, "no-needless-retransmit", JUDGE_PASS);
}

/* A resend on the slow path is lawful. */
static void a_slow_resend_passes(void **state) {
  (void)state;
  struct plan p = honest();
  pkt_1rtt(&p.scene.sub, S, .frames = out_frames());
  made_run_expect(&p, "no-needless-retransmit", JUDGE_PASS);
}

/* Number 3 brought stream 6; for so many packets of 1 ms the relay is alive, on its
 * other connection, then the bytes come again. */
static struct plan resent(unsigned packets, bool acknowledged) {
  struct plan p = honest();
  if (acknowledged)
    pkt_1rtt(&p.scene.pub, S, .frames = FRAMES(w_ack(1, 3)));
  for (unsigned i = 0; i < packets; i++)
    pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&p.scene.pub, C, .frames = in_frames());
  return p;
}

static void a_resend_for_want_of_an_ack_fails(void **state) {
  (void)state;
  struct plan p = resent(52, false);
  made_run_expect_finding(&p, "no-needless-retransmit", "STREAM", "offset 0 of stream 6");
}

/* A relay that stands still by the plan cannot acknowledge; one that stood still before can. */
static void a_resend_although_acknowledged_passes(void **state) {
  (void)state;
  struct plan p = resent(52, true);
  made_run_expect(&p, "no-needless-retransmit", JUDGE_PASS);
}

static void a_quick_resend_passes(void **state) {
  (void)state;
  struct plan p = resent(49, false);
  made_run_expect(&p, "no-needless-retransmit", JUDGE_PASS);
}

/* A process that had no turn, or that the timeline stalled, could not acknowledge. */
static void a_relay_without_a_turn_is_not_accused(void **state) {
  (void)state;
  struct plan p = honest();
  p.scene.t->now_ns += 3000000000u;
  pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_ping()));
  pkt_1rtt(&p.scene.pub, C, .frames = in_frames());
  made_run_expect(&p, "no-needless-retransmit", JUDGE_PASS);
}

/* Another process, started later, knows nothing of what the dead one got. */
static void a_relay_that_is_gone_is_not_accused(void **state) {
  (void)state;
  struct plan p = resent(80, false);
  p.faults = "{\"t\":15000000,\"kind\":\"kill\",\"node\":\"relay\",\"ok\":true}\n";
  made_run_expect(&p, "no-needless-retransmit", JUDGE_PASS);
  p = resent(80, false);
  p.faults = "{\"t\":85000000,\"kind\":\"kill\",\"node\":\"relay\",\"ok\":true}\n";
  made_run_expect(&p, "no-needless-retransmit", JUDGE_FAIL);
}

/* Copies are the kernel's: they say nothing about the process. The same packets
 * count if the ledger calls them the relay's own. */
static struct plan resent_after_copies(bool fast) {
  static char copies[16384];
  struct plan p = honest();
  size_t n = (size_t)snprintf(copies, sizeof copies, "%s", COPIES);
  for (unsigned pn = 4; pn < 64; pn++) {
    pkt_1rtt(&p.scene.sub, S, .frames = FRAMES(w_ping()));
    if (fast)
      n += (size_t)snprintf(copies + n, sizeof copies - n,
                            "{\"ev\":\"copy\",\"t\":2," UP ",\"frame\":0,\"kind\":\"stream\"," DOWN
                            ",\"decision\":\"send\",\"pn\":%u}\n",
                            pn);
  }
  p.copies = copies;
  pkt_1rtt(&p.scene.pub, C, .frames = in_frames());
  return p;
}

static void copies_are_no_sign_of_life(void **state) {
  (void)state;
  struct plan p = resent_after_copies(true);
  made_run_expect(&p, "no-needless-retransmit", JUDGE_PASS);
  p = resent_after_copies(false);
  made_run_expect(&p, "no-needless-retransmit", JUDGE_FAIL);
}

static void acks_in_the_ledger_are_signs_of_life(void **state) {
  (void)state;
  static char ledger[16384];
  struct plan p = honest();
  size_t n = (size_t)snprintf(ledger, sizeof ledger, "%s", LEDGER);
  for (unsigned ms = 20; ms < 80; ms++)
    n += (size_t)snprintf(
        ledger + n, sizeof ledger - n,
        "{\"ev\":\"ack\",\"conn\":\"" SUB "\",\"t\":%u000000,\"joint\":[[1,1]],\"own\":[]}\n", ms);
  p.ledger = ledger;
  p.scene.t->now_ns += 100000000;
  pkt_1rtt(&p.scene.pub, C, .frames = in_frames());
  made_run_expect(&p, "no-needless-retransmit", JUDGE_FAIL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_exact_copy_passes),
      cmocka_unit_test(another_byte_in_front_fails),
      cmocka_unit_test(a_frame_of_this_hop_fails),
      cmocka_unit_test(another_frame_type_fails),
      cmocka_unit_test(another_stream_fails),
      cmocka_unit_test(another_payload_byte_fails),
      cmocka_unit_test(another_priority_byte_fails),
      cmocka_unit_test(every_field_of_the_front_has_its_name),
      cmocka_unit_test(an_alias_in_other_bytes_fails),
      cmocka_unit_test(no_stream_in_the_record_fails),
      cmocka_unit_test(a_shorter_payload_fails),
      cmocka_unit_test(another_tracks_alias_fails),
      cmocka_unit_test(another_length_fails),
      cmocka_unit_test(a_frame_sent_although_dropped_fails),
      cmocka_unit_test(a_dropped_frame_as_padding_passes),
      cmocka_unit_test(a_frame_without_decision_fails),
      cmocka_unit_test(copies_and_named_sends_pass),
      cmocka_unit_test(a_packet_nobody_sent_fails),
      cmocka_unit_test(a_fast_number_without_a_copy_fails),
      cmocka_unit_test(a_copy_without_a_packet_fails),
      cmocka_unit_test(a_stock_relay_has_nothing_to_explain),
      cmocka_unit_test(what_a_killed_relay_had_not_written_is_excused),
      cmocka_unit_test(an_agreeing_trace_passes),
      cmocka_unit_test(a_number_the_ledger_lacks_fails),
      cmocka_unit_test(a_number_that_never_left_fails),
      cmocka_unit_test(a_number_that_was_burned_passes),
      cmocka_unit_test(other_content_fails),
      cmocka_unit_test(another_origin_fails),
      cmocka_unit_test(a_copy_recorded_and_not_sent_fails),
      cmocka_unit_test(a_copy_that_could_not_be_emitted_passes),
      cmocka_unit_test(one_number_for_two_packets_fails),
      cmocka_unit_test(an_empty_id_fails),
      cmocka_unit_test(another_address_fails),
      cmocka_unit_test(the_address_moved_to_passes),
      cmocka_unit_test(a_slot_nobody_is_in_fails),
      cmocka_unit_test(a_split_ack_passes),
      cmocka_unit_test(told_again_or_not_passes),
      cmocka_unit_test(a_burned_number_is_told_too),
      cmocka_unit_test(an_untranslated_ack_fails),
      cmocka_unit_test(an_own_number_not_covered_fails),
      cmocka_unit_test(an_own_packet_not_told_fails),
      cmocka_unit_test(an_acked_number_left_outstanding_fails),
      cmocka_unit_test(an_acked_number_without_a_line_fails),
      cmocka_unit_test(an_acked_number_with_two_lines_fails),
      cmocka_unit_test(a_copied_resend_fails),
      cmocka_unit_test(new_copies_pass),
      cmocka_unit_test(a_slow_resend_passes),
      cmocka_unit_test(a_resend_for_want_of_an_ack_fails),
      cmocka_unit_test(a_resend_although_acknowledged_passes),
      cmocka_unit_test(a_quick_resend_passes),
      cmocka_unit_test(a_relay_without_a_turn_is_not_accused),
      cmocka_unit_test(a_relay_that_is_gone_is_not_accused),
      cmocka_unit_test(copies_are_no_sign_of_life),
      cmocka_unit_test(acks_in_the_ledger_are_signs_of_life),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
