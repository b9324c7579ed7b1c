#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/wire/frame.h"
#include "relay/t/seeded.h"
#include "relay/t/shim_owner.h"

#define HDR 9 /* first byte and an 8-byte connection ID */

static int seal(struct owner *o, uint64_t own, const uint8_t *payload, size_t len, uint8_t *packet,
                struct protect_out *out) {
  size_t own_len = 1 + own % 4;

  packet[0] = (uint8_t)(0x64 | (own_len - 1));
  memset(packet + 1, 0xcc, HDR - 1);
  wire_store_be(packet + HDR, own_len, own);
  memcpy(packet + HDR + own_len, payload, len);
  *out = (struct protect_out){packet, HDR + own_len, packet + HDR + own_len, len, own, UINT64_MAX};
  return shim_protect_hooks.sealing(o->shim, out);
}

/* ngtcp2 sends its number `own`. */
static uint64_t send_own(struct owner *o, uint64_t own) {
  uint8_t packet[64];
  struct protect_out out;

  assert_int_equal(seal(o, own, (const uint8_t *)"\x01", 1, packet, &out), 0);
  return out.joint_pn;
}

static int open_payload(struct owner *o, uint8_t *payload, size_t len, uint64_t *error) {
  *error = 0;
  return shim_protect_hooks.opened(o->shim, 1, payload, len, error);
}

/* Writes an ACK frame; all its numbers in `width` bytes, 0 = shortest. */
static size_t put_ack(uint8_t *p, const struct shim_range *r, size_t n, uint64_t delay,
                      size_t width) {
  uint64_t field[4 + 2 * SHIM_MAX_RANGES] = {r[0].hi, delay, n - 1, r[0].hi - r[0].lo};
  size_t len = 1;

  p[0] = WIRE_ACK;
  for (size_t i = 1; i < n; i++) {
    field[2 + 2 * i] = r[i - 1].lo - r[i].hi - 2;
    field[3 + 2 * i] = r[i].hi - r[i].lo;
  }
  for (size_t i = 0; i < 2 + 2 * n; i++)
    len += wire_varint_put_width(p + len, width ? width : wire_varint_len(field[i]), field[i]);
  return len;
}

/* Reads the first frame of a payload, an ACK, into r; what follows is PADDING. Returns the ranges. */
static size_t get_ack(const uint8_t *payload, size_t len, struct shim_range *r, uint64_t *delay) {
  struct wire_cursor c = wire_cursor(payload, 0, len);
  struct wire_ack_iter it;
  struct wire_frame f;
  size_t n = 0;

  assert_int_equal(wire_frame_next(&c, &f), WIRE_FRAME_OK);
  if (f.type == WIRE_PADDING) {
    assert_int_equal(f.end, len);
    return 0;
  }
  assert_int_equal(f.type, WIRE_ACK);
  *delay = f.delay.v;
  it = wire_ack_iter(payload, &f);
  while (wire_ack_next(&it, &r[n].lo, &r[n].hi))
    n++;
  for (size_t i = f.end; i < len; i++)
    assert_int_equal(payload[i], 0);
  return n;
}

/* ---- sending ---- */

static void sealing_writes_four_bytes(void **state) {
  struct owner *o = *state;

  o->next = 0x01020304;
  for (uint64_t own = 0; own < 8; own++) {
    static const uint8_t payload[] = {0x02, 9, 0, 0, 0, 0x01, 'z'};
    uint8_t packet[64], want[4];
    struct protect_out out;

    o->next = own * 100;
    wire_store_be(want, 4, o->next);
    assert_int_equal(seal(o, own, payload, sizeof(payload), packet, &out), 0);
    assert_int_equal(out.joint_pn, own * 100);
    assert_int_equal(out.hdr_len, HDR + 4);
    assert_ptr_equal(out.payload, packet + HDR + 4);
    assert_int_equal(out.payload_len, sizeof(payload));
    assert_int_equal(packet[0], 0x67); /* the other bits stay */
    assert_memory_equal(packet + HDR, want, 4);
    assert_memory_equal(out.payload, payload, sizeof(payload));
    assert_int_equal(o->bytes, HDR + 4 + sizeof(payload) + 16);
  }
}

static void eliciting_is_seen(void **state) {
  static const struct {
    uint8_t payload[8];
    size_t len;
    bool eliciting;
  } cases[] = {
      {{0x02, 9, 0, 0, 0}, 5, false},
      {{0x00, 0x00}, 2, false},
      {{0x1d, 0, 0}, 3, false},
      {{0x1c, 0, 0, 0}, 4, false},
      {{0x00, 0x01}, 2, true},
      {{0x02, 9, 0, 0, 0, 0x0a, 0, 0}, 8, true},
      {{0x03, 9, 0, 0, 0, 1, 1, 1}, 8, false},
      {{0x1e}, 1, true},
      {{0x31, 1, 'x'}, 3, true},
  };
  struct owner *o = *state;

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    uint8_t packet[64];
    struct protect_out out;

    assert_int_equal(seal(o, i, cases[i].payload, cases[i].len, packet, &out), 0);
    assert_int_equal(o->ack_eliciting, cases[i].eliciting);
  }
}

/* Without room a PING waits: always beside an ACK, alone if others have just probed. Nothing else does. */
static void pings_wait_for_room(void **state) {
  static const struct {
    uint8_t payload[8], left[8];
    size_t len;
    bool probe, waits, eliciting;
  } cases[] = {
      {{0x02, 9, 0, 0, 0, 0x01, 0}, {0x02, 9, 0, 0, 0, 0, 0}, 7, false, true, true},
      {{0x01, 0x02, 9, 0, 0, 0, 0x01}, {0x00, 0x02, 9, 0, 0, 0, 0}, 7, false, true, true},
      {{0x01, 0x00}, {0x00, 0x00}, 2, true, true, true},
      {{0x02, 9, 0, 0, 0, 0x01, 0x10, 5}, {0}, 8, false, false, true},
      {{0x02, 9, 0, 0, 0}, {0}, 5, false, false, false},
  };
  struct owner *o = *state;

  for (int round = 0; round < 3; round++)
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      uint8_t packet[64];
      struct protect_out out;

      o->full = round > 0;
      o->may_probe = round == 2;
      bool waits = cases[i].waits && o->full && !(cases[i].probe && o->may_probe);
      assert_int_equal(seal(o, o->sent, cases[i].payload, cases[i].len, packet, &out), 0);
      assert_memory_equal(out.payload, waits ? cases[i].left : cases[i].payload, cases[i].len);
      assert_int_equal(o->ack_eliciting, cases[i].eliciting && !waits);
    }
}

static void acks_are_owed_until_one_leaves(void **state) {
  struct owner *o = *state;
  open_payload(o, (uint8_t[]){0x00}, 1, &(uint64_t){0}); /* PADDING asks for none */
  assert_int_equal(shim_owed_acks(o->shim), 0);
  open_payload(o, (uint8_t[]){0x00, 0x01}, 2, &(uint64_t){0});
  send_own(o, 0); /* a PING */
  assert_int_equal(shim_owed_acks(o->shim), 1);
  seal(o, 1, (const uint8_t *)"\x01\x02\0\0\0", 6, (uint8_t[64]){0}, &(struct protect_out){0});
  assert_int_equal(shim_owed_acks(o->shim), 0);
}

static void skipped_number_burns_a_joint_one(void **state) {
  static const struct shim_range all = {0, 5};
  struct owner *o = *state;
  struct shim_range r[8];
  uint8_t payload[64];
  uint64_t own, error, delay;
  size_t len;

  send_own(o, 0);                      /* joint 0 */
  send_own(o, 1);                      /* 1 */
  o->next++;                           /* 2 goes to the fast path */
  assert_int_equal(send_own(o, 3), 4); /* own 2 is burned as 3 */
  send_own(o, 4);                      /* 5 */
  assert_int_equal(o->n_burned, 1);
  assert_int_equal(o->burned[0], 3);
  assert_true(shim_own(o->shim, 3, &own));
  assert_int_equal(own, 2);
  assert_false(shim_own(o->shim, 2, &own));

  /* A peer that acknowledges what was never sent: ngtcp2 sees its skipped number. */
  len = put_ack(payload, &all, 1, 0, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  assert_int_equal(get_ack(payload, len, r, &delay), 1);
  assert_int_equal(r[0].lo, 0);
  assert_int_equal(r[0].hi, 4);

  /* An honest one leaves it out. */
  len = put_ack(payload, (struct shim_range[]){{4, 5}, {0, 2}}, 2, 0, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  assert_int_equal(get_ack(payload, len, r, &delay), 2);
  assert_int_equal(r[0].lo, 3);
  assert_int_equal(r[1].hi, 1);
}

static void impossible_own_numbers_are_refused(void **state) {
  struct owner *o = *state;
  uint8_t packet[64];
  struct protect_out out;

  send_own(o, 0);
  send_own(o, 1);
  assert_int_equal(seal(o, 1, (const uint8_t *)"\x01", 1, packet, &out), -1);
  assert_int_equal(seal(o, 1000, (const uint8_t *)"\x01", 1, packet, &out), -1);
  assert_int_equal(o->next, 2); /* no joint number is lost */
}

/* ---- ACKs ---- */

static void ack_beyond_the_counter_is_refused(void **state) {
  struct owner *o = *state;
  uint8_t payload[64];
  uint64_t error;
  size_t len;

  for (uint64_t own = 0; own < 10; own++)
    send_own(o, own);
  len = put_ack(payload, &(struct shim_range){9, 9}, 1, 0, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  len = put_ack(payload, &(struct shim_range){10, 10}, 1, 0, 0);
  assert_int_equal(open_payload(o, payload, len, &error), -1);
  assert_int_equal(error, 0x0a);
  assert_int_equal(o->acks, 1);
}

static void ack_that_the_owner_refuses_ends_the_connection(void **state) {
  struct owner *o = *state;
  uint8_t payload[64];
  uint64_t error;
  size_t len;

  send_own(o, 0);
  o->caught = true;
  len = put_ack(payload, &(struct shim_range){0, 0}, 1, 0, 0);
  assert_int_equal(open_payload(o, payload, len, &error), -1);
  assert_int_equal(error, 0x0a);
}

static void ack_of_the_fast_path_is_padding(void **state) {
  struct owner *o = *state;
  uint8_t payload[64];
  uint64_t error;
  size_t len;

  send_own(o, 0);
  o->next = 50;
  len = put_ack(payload, (struct shim_range[]){{40, 49}, {10, 20}}, 2, 77, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  for (size_t i = 0; i < len; i++)
    assert_int_equal(payload[i], 0);
  assert_int_equal(o->n_joint, 2);
  assert_int_equal(o->joint[1].lo, 10);
  assert_int_equal(o->n_own, 0);
  assert_int_equal(o->delay, 77);
  assert_int_equal(shim_truncated(o->shim), 0);
}

/* What carries no news for ngtcp2 still says that the peer is there: an ACK, not a probe. */
static void ack_of_the_fast_path_repeats(void **state) {
  struct owner *o = *state;
  struct shim_range r[4];
  uint8_t payload[64];
  uint64_t error, delay;
  size_t len;

  for (uint64_t own = 0; own < 3; own++)
    send_own(o, own);
  o->next = 50;
  len = put_ack(payload, &(struct shim_range){0, 1}, 1, 9, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  len = put_ack(payload, (struct shim_range[]){{40, 49}, {10, 20}}, 2, 77, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  assert_int_equal(get_ack(payload, len, r, &delay), 1);
  assert_int_equal(r[0].lo, 1);
  assert_int_equal(r[0].hi, 1);
  assert_int_equal(o->n_own, 0); /* no news in the owner's ears */
}

static void ecn_counts_go(void **state) {
  struct owner *o = *state;
  uint8_t payload[64];
  uint64_t error, delay;
  struct shim_range r[4];
  size_t len;

  for (uint64_t own = 0; own < 4; own++)
    send_own(o, own);
  len = put_ack(payload, &(struct shim_range){1, 3}, 1, 300, 0);
  payload[0] = WIRE_ACK_ECN;
  memcpy(payload + len, "\x40\x41\x02\x03", 4);
  assert_int_equal(open_payload(o, payload, len + 4, &error), 0);
  assert_int_equal(get_ack(payload, len + 4, r, &delay), 1);
  assert_int_equal(r[0].lo, 1);
  assert_int_equal(r[0].hi, 3);
  assert_int_equal(delay, 300);
}

static void many_ranges(void **state) {
  struct owner *o = *state;
  struct shim_range joint[300], r[300];
  uint8_t payload[1400];
  uint64_t error, delay;
  size_t len;

  /* own, own, fast, fast, ... ; the peer misses each second own number */
  for (uint64_t i = 0; i < 300; i++) {
    send_own(o, 2 * i);
    send_own(o, 2 * i + 1);
    o->next += 2;
  }
  for (size_t i = 0; i < 300; i++)
    joint[i] = (struct shim_range){(299 - i) * 4 + 1, (299 - i) * 4 + 3};
  len = put_ack(payload, joint, 300, 5, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  assert_int_equal(o->n_joint, 300);
  assert_int_equal(get_ack(payload, len, r, &delay), 300);
  for (size_t i = 0; i < 300; i++) {
    assert_int_equal(r[i].lo, (299 - i) * 2 + 1);
    assert_int_equal(r[i].hi, r[i].lo);
  }
}

static void neighbours_are_merged(void **state) {
  struct owner *o = *state;
  struct shim_range r[4];
  uint8_t payload[64];
  uint64_t error, delay;
  size_t len;

  for (uint64_t own = 0; own < 3; own++) {
    send_own(o, own);
    o->next += 3;
  }
  len = put_ack(payload, (struct shim_range[]){{8, 9}, {4, 6}, {0, 2}}, 3, 0, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  assert_int_equal(get_ack(payload, len, r, &delay), 1);
  assert_int_equal(r[0].lo, 0);
  assert_int_equal(r[0].hi, 2);
  assert_int_equal(o->n_own, 1);
}

/* Own numbers above joint ones make the translated frame longer than the
 * original: the oldest ranges go first, then the whole frame. */
static void growth_drops_the_oldest(void **state) {
  struct owner *o = *state;
  struct shim_range joint[10], r[10];
  uint8_t payload[64];
  uint64_t error, delay;
  size_t len, n;

  for (uint64_t own = 0; own < 200; own++)
    send_own(o, own);
  o->next = 0; /* a counter that runs behind; no honest owner has one */
  shim_forget(o->shim, 1000);
  for (uint64_t own = 200; own < 220; own++)
    send_own(o, own);
  for (size_t i = 0; i < 10; i++)
    joint[i] = (struct shim_range){(9 - i) * 2 + 1, (9 - i) * 2 + 1};
  len = put_ack(payload, joint, 10, 0, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  n = get_ack(payload, len, r, &delay);
  assert_int_equal(n, 9);
  assert_int_equal(r[0].hi, 219);
  assert_int_equal(r[8].lo, 203);
  assert_int_equal(o->n_own, 9);
  assert_int_equal(shim_truncated(o->shim), 1);

  len = put_ack(payload, joint, 1, 0, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  assert_int_equal(get_ack(payload, len, r, &delay), 0);
  assert_int_equal(o->n_own, 0);
  assert_int_equal(shim_truncated(o->shim), 2);
}

static void forgotten_numbers_are_left_out(void **state) {
  struct owner *o = *state;
  struct shim_range r[4];
  uint8_t payload[64];
  uint64_t error, delay, own;
  size_t len;

  for (uint64_t i = 0; i < 100; i++) {
    send_own(o, i);
    o->next++;
  }
  shim_forget(o->shim, 101); /* joint 100 = own 50 goes, too */
  assert_false(shim_own(o->shim, 100, &own));
  assert_true(shim_own(o->shim, 102, &own));
  assert_int_equal(own, 51);
  len = put_ack(payload, &(struct shim_range){0, 199}, 1, 0, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  assert_int_equal(get_ack(payload, len, r, &delay), 1);
  assert_int_equal(r[0].lo, 51);
  assert_int_equal(r[0].hi, 99);
  len = put_ack(payload, &(struct shim_range){0, 100}, 1, 0, 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  assert_int_equal(get_ack(payload, len, r, &delay), 1); /* what was told before, again */
  assert_int_equal(r[0].lo, 99);
  assert_int_equal(o->n_own, 0);
}

/* A packet cut anywhere: what is whole is translated, what is not stays as it came. */
static void cut_frames_stay_untouched(void **state) {
  struct owner *o = *state;
  uint8_t whole[400], payload[400], translated[400];
  struct shim_range joint[20];
  uint64_t error;
  size_t len;

  for (uint64_t i = 0; i < 40; i++) {
    send_own(o, i);
    o->next++;
  }
  for (size_t i = 0; i < 20; i++)
    joint[i] = (struct shim_range){76 - 4 * i, 77 - 4 * i};
  len = put_ack(whole, joint, 20, 0, 8);
  memcpy(translated, whole, len);
  assert_int_equal(open_payload(o, translated, len, &error), 0);
  assert_memory_not_equal(translated, whole, len);
  memcpy(payload, whole, len);
  for (size_t cut = 1; cut < len; cut++) {
    assert_int_equal(open_payload(o, payload, cut, &error), 0);
    assert_memory_equal(payload, whole, len);
  }
  /* Behind a frame of no known type nothing is touched either. */
  memcpy(payload, "\x01\x40\x02", 3);
  memcpy(payload + 3, whole, 40);
  assert_int_equal(open_payload(o, payload, 43, &error), 0);
  assert_memory_equal(payload + 3, whole, 40);
  assert_int_equal(o->acks, 1);
}

/* ---- other frames ---- */

static void fanout_stream_frames_are_hidden(void **state) {
  static const uint8_t hidden[] = {0x01, 0, 0, 0, 0};
  uint8_t payload[] = {0x11, 0x40, 0x47, 0x41, 0x00, /* MAX_STREAM_DATA 71 to 256 */
                       0x05, 0x0b, 0x2a,             /* STOP_SENDING 11 with 42 */
                       0x11, 0x03, 0x05,             /* stream 3 is ngtcp2's */
                       0x05, 0x00, 0x01};
  uint8_t before[sizeof(payload)];
  struct owner *o = *state;
  uint64_t error;

  memcpy(before, payload, sizeof(payload));
  assert_int_equal(open_payload(o, payload, sizeof(payload), &error), 0);
  assert_memory_equal(payload, hidden, 5);
  assert_memory_equal(payload + 5, hidden, 3);
  assert_memory_equal(payload + 8, before + 8, sizeof(payload) - 8);
  assert_int_equal(o->max_stream_data_calls, 1);
  assert_int_equal(o->limit, 256);
  assert_int_equal(o->stop_calls, 1);
  assert_int_equal(o->sid, 11);
  assert_int_equal(o->code, 42);
}

static void connection_limits_are_told_and_kept(void **state) {
  uint8_t payload[] = {0x10, 0x7f, 0xff, 0x13, 0x14, 0x12, 0x07, 0x0a, 0x03, 0x01, 0x10};
  uint8_t before[sizeof(payload)];
  struct owner *o = *state;
  uint64_t error;

  memcpy(before, payload, sizeof(payload));
  assert_int_equal(open_payload(o, payload, sizeof(payload), &error), 0);
  assert_memory_equal(payload, before, sizeof(payload));
  assert_int_equal(o->max_data, 0x3fff); /* not the 0x10 in stream data */
  assert_int_equal(o->max_streams_uni, 0x14);
}

/* ---- against a model that looks at one number at a time ---- */

static void check_translation(struct owner *o, uint64_t *seed, uint64_t floor) {
  static bool acked[NUMBERS], want[NUMBERS], got[NUMBERS];
  static struct shim_range joint[SHIM_MAX_RANGES], r[SHIM_MAX_RANGES];
  static uint8_t payload[16384];
  unsigned keep = 30 + (unsigned)seeded_below(seed, 70);
  uint64_t error, delay = 0, raw = seeded_below(seed, 5000);
  size_t n = 0, n_own, len;

  memset(want, 0, sizeof(want));
  memset(got, 0, sizeof(got));
  for (uint64_t pn = 0; pn < o->next; pn++) {
    acked[pn] = seeded_chance(seed, keep);
    if (acked[pn] && pn >= floor && o->own_of[pn] != UINT64_MAX)
      want[o->own_of[pn]] = true;
  }
  for (uint64_t pn = o->next; pn-- > 0;) {
    if (!acked[pn])
      continue;
    if (n && joint[n - 1].lo == pn + 1)
      joint[n - 1].lo = pn;
    else if (n < SHIM_MAX_RANGES)
      joint[n++] = (struct shim_range){pn, pn};
    else
      break;
  }
  if (n == 0)
    return;
  /* What did not get into the frame is not acknowledged. */
  for (uint64_t pn = 0; pn < joint[n - 1].lo; pn++)
    if (o->own_of[pn] != UINT64_MAX)
      want[o->own_of[pn]] = false;
  len = put_ack(payload, joint, n, raw, seeded_chance(seed, 20) ? 8 : 0);
  assert_int_equal(open_payload(o, payload, len, &error), 0);
  assert_int_equal(o->n_joint, n);
  assert_memory_equal(o->joint, joint, n * sizeof(joint[0]));
  n_own = get_ack(payload, len, r, &delay);
  assert_int_equal(o->n_own, n_own);
  assert_memory_equal(o->own, r, n_own * sizeof(r[0]));
  assert_true(n_own == 0 || delay == raw);
  for (size_t i = 0; i < n_own; i++)
    for (uint64_t own = r[i].lo; own <= r[i].hi; own++)
      got[own] = true;
  assert_memory_equal(got, want, sizeof(got));
}

static void random_translation_matches_a_model(void **state) {
  uint64_t seed = 3;

  for (int round = 0; round < 300; round++) {
    unsigned fast = (unsigned)seeded_below(&seed, 95);
    uint64_t own = 0, floor = 0;
    struct owner *o;

    shim_owner_teardown(state);
    shim_owner_setup(state);
    o = *state;
    for (uint64_t step = seeded_below(&seed, 1500); step > 0; step--) {
      if (seeded_chance(&seed, fast)) {
        o->next++;
        continue;
      }
      own += seeded_chance(&seed, 2);
      send_own(o, own++);
    }
    if (seeded_chance(&seed, 30) && o->next) {
      uint64_t x;
      floor = seeded_below(&seed, o->next);
      shim_forget(o->shim, floor);
      while (floor && shim_own(o->shim, floor - 1, &x)) /* whole runs go */
        floor--;
    }
    check_translation(o, &seed, floor);
    assert_int_equal(shim_truncated(o->shim), 0);
  }
}

static void random_bytes_do_no_harm(void **state) {
  struct owner *o = *state;
  uint64_t seed = 17, error;
  uint8_t payload[200];

  for (uint64_t i = 0; i < 60; i++)
    send_own(o, i);
  for (int round = 0; round < 20000; round++) {
    size_t len = 1 + seeded_below(&seed, sizeof(payload));
    uint8_t *exact = malloc(len);
    for (size_t i = 0; i < len; i++)
      exact[i] = (uint8_t)(seeded_chance(&seed, 60) ? seeded_below(&seed, 8) : seeded_next(&seed));
    if (open_payload(o, exact, len, &error))
      assert_int_equal(error, 0x0a);
    free(exact);
  }
  assert_true(o->acks > 100);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, shim_owner_setup, shim_owner_teardown)
  const struct CMUnitTest tests[] = {
      TEST(sealing_writes_four_bytes),
      TEST(eliciting_is_seen),
      TEST(pings_wait_for_room),
      TEST(acks_are_owed_until_one_leaves),
      TEST(skipped_number_burns_a_joint_one),
      TEST(impossible_own_numbers_are_refused),
      TEST(ack_beyond_the_counter_is_refused),
      TEST(ack_that_the_owner_refuses_ends_the_connection),
      TEST(ack_of_the_fast_path_is_padding),
      TEST(ack_of_the_fast_path_repeats),
      TEST(ecn_counts_go),
      TEST(many_ranges),
      TEST(neighbours_are_merged),
      TEST(growth_drops_the_oldest),
      TEST(forgotten_numbers_are_left_out),
      TEST(cut_frames_stay_untouched),
      TEST(fanout_stream_frames_are_hidden),
      TEST(connection_limits_are_told_and_kept),
      TEST(random_translation_matches_a_model),
      TEST(random_bytes_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
