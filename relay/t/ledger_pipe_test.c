/* The ledger as the memory of a sender over a pipe that loses and reorders:
 * virtual time, fixed seeds. Chunks go out, lost ones again, until all are
 * acknowledged. */
#include "relay/fanout/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/t/seeded.h"

#define MS      1000000ull
#define CHUNKS  3000
#define NUMBERS 40000
#define WINDOW  256 /* numbers in flight */
#define NONE    UINT64_MAX

struct road {
  unsigned loss, ack_loss; /* percent */
  uint64_t delay_ns, jitter_ns;
};

struct flying {
  uint64_t at_ns, pn, chunk;
  bool is_ack;
  size_t n;
  struct shim_range r[32];
};

struct world {
  struct road road;
  struct ledger *l;
  uint64_t seed, now, next_pn, next_chunk, due_ns;
  struct flying *air;
  size_t n_air, room_air;
  bool received[NUMBERS]; /* by the other end */
  uint64_t top;           /* one past the largest received */
  bool chunk_there[CHUNKS], chunk_acked[CHUNKS];
  uint64_t again[NUMBERS];
  size_t n_again;
  unsigned settled[NUMBERS], lost, spurious, probes;
  uint64_t unacked_chunks;
};

static void on_settled(void *arg, const struct ledger_number *n) {
  struct world *w = arg;

  assert_int_equal(w->settled[n->pn]++, 0);
  if (n->fate == LEDGER_ACKED)
    assert_true(w->received[n->pn]);
  for (size_t i = 0; i < n->n_pieces; i++) {
    uint64_t chunk = n->pieces[i].offset;
    if (n->fate != LEDGER_ACKED) {
      w->again[w->n_again++] = chunk;
    } else if (!w->chunk_acked[chunk]) {
      w->chunk_acked[chunk] = true;
      w->unacked_chunks--;
    }
  }
  w->lost += n->fate == LEDGER_LOST;
}

static void on_spurious(void *arg, const struct ledger_number *n) {
  struct world *w = arg;

  assert_true(w->received[n->pn]);
  w->spurious++;
  for (size_t i = 0; i < n->n_pieces; i++)
    if (!w->chunk_acked[n->pieces[i].offset]) {
      w->chunk_acked[n->pieces[i].offset] = true;
      w->unacked_chunks--;
    }
}

static void on_probe(void *arg, unsigned count) {
  ((struct world *)arg)->probes += count;
}

static const struct ledger_ops ops = {
    .settled = on_settled, .spurious = on_spurious, .probe = on_probe};

static struct flying *launch(struct world *w) {
  if (w->n_air == w->room_air) {
    w->room_air = w->room_air ? 2 * w->room_air : 64;
    w->air = realloc(w->air, w->room_air * sizeof(*w->air));
  }
  w->air[w->n_air].at_ns = w->now + w->road.delay_ns +
                           (w->road.jitter_ns ? seeded_below(&w->seed, w->road.jitter_ns) : 0);
  return &w->air[w->n_air++];
}

/* A number with a chunk, or without one (NONE). */
static void send_number(struct world *w, uint64_t chunk) {
  struct ledger_piece piece = {.kind = LEDGER_STREAM, .len = 1, .offset = chunk};
  struct ledger_number n = {.pn = w->next_pn++,
                            .origin = chunk == NONE ? LEDGER_PROBE : LEDGER_FAST,
                            .sent_ns = w->now,
                            .bytes = 1200,
                            .ack_eliciting = true,
                            .pieces = &piece,
                            .n_pieces = chunk != NONE};

  assert_true(n.pn < NUMBERS);
  assert_int_equal(ledger_enter(w->l, &n), 0);
  if (!seeded_chance(&w->seed, w->road.loss)) {
    struct flying *f = launch(w);
    f->is_ack = false;
    f->pn = n.pn;
    f->chunk = chunk;
  }
}

static void send_ack(struct world *w) {
  struct flying *f;

  if (seeded_chance(&w->seed, w->road.ack_loss))
    return;
  f = launch(w);
  f->is_ack = true;
  f->n = 0;
  for (uint64_t pn = w->top; pn > 0 && pn + 2000 > w->top; pn--) {
    if (!w->received[pn - 1])
      continue;
    if (f->n && f->r[f->n - 1].lo == pn)
      f->r[f->n - 1].lo = pn - 1;
    else if (f->n < 32)
      f->r[f->n++] = (struct shim_range){pn - 1, pn - 1};
    else
      break;
  }
}

static void land(struct world *w, size_t i) {
  struct flying f = w->air[i];

  w->air[i] = w->air[--w->n_air];
  if (f.is_ack) {
    ledger_ack(w->l, f.r, f.n, 0, w->now);
    return;
  }
  w->received[f.pn] = true;
  if (f.chunk != NONE)
    w->chunk_there[f.chunk] = true;
  if (f.pn >= w->top)
    w->top = f.pn + 1;
  send_ack(w);
}

/* Data worth sending in a probe (RFC 9002 6.2.4). NONE: all that was sent is acknowledged. */
static uint64_t oldest_chunk(const struct world *w) {
  uint64_t chunk = 0;

  while (chunk < w->next_chunk && w->chunk_acked[chunk])
    chunk++;
  return chunk < w->next_chunk ? chunk : NONE;
}

static void send_some(struct world *w) {
  for (; w->probes; w->probes--)
    send_number(w, oldest_chunk(w));
  while (ledger_inflight(w->l) < WINDOW) {
    if (w->n_again) {
      uint64_t chunk = w->again[--w->n_again];
      if (!w->chunk_acked[chunk])
        send_number(w, chunk);
    } else if (w->next_chunk < CHUNKS && w->due_ns <= w->now) {
      send_number(w, w->next_chunk++);
      w->due_ns += MS / 10;
    } else {
      break;
    }
  }
}

/* To the next event. False: nothing will ever happen. */
static bool advance(struct world *w) {
  uint64_t next = ledger_deadline(w->l);
  size_t first = SIZE_MAX;

  for (size_t i = 0; i < w->n_air; i++)
    if (first == SIZE_MAX || w->air[i].at_ns < w->air[first].at_ns)
      first = i;
  if (w->next_chunk < CHUNKS && ledger_inflight(w->l) < WINDOW && w->due_ns < next)
    next = w->due_ns;
  if (first != SIZE_MAX && w->air[first].at_ns <= next) {
    if (w->air[first].at_ns > w->now)
      w->now = w->air[first].at_ns;
    land(w, first);
    return true;
  }
  if (next == NONE)
    return false;
  if (next > w->now)
    w->now = next;
  if (ledger_deadline(w->l) <= w->now)
    ledger_expiry(w->l, w->now);
  return true;
}

static void check_end(const struct world *w) {
  assert_int_equal(w->unacked_chunks, 0);
  for (size_t i = 0; i < CHUNKS; i++)
    assert_true(w->chunk_there[i]);
  assert_int_equal(ledger_inflight(w->l), 0);
  assert_int_equal(ledger_inflight_bytes(w->l), 0);
  assert_int_equal(ledger_floor(w->l), w->next_pn);
  assert_int_equal(ledger_missing(w->l), 0);
  for (uint64_t pn = 0; pn < w->next_pn; pn++)
    assert_int_equal(w->settled[pn], 1);
}

/* Runs to the end and returns the numbers sent. */
static uint64_t transfer(const struct road *road, uint64_t seed, unsigned *lost,
                         unsigned *spurious) {
  struct world *w = calloc(1, sizeof(*w));
  const struct ledger_config config = {.ops = &ops,
                                       .arg = w,
                                       .initial_rtt_ns = 333 * MS,
                                       .max_ack_delay_ns = 25 * MS,
                                       .ack_delay_exponent = 3};
  uint64_t sent;

  w->road = *road;
  w->seed = seed;
  w->unacked_chunks = CHUNKS;
  w->now = w->due_ns = 1000 * MS;
  w->l = ledger_new(&config);
  send_some(w);
  while (w->unacked_chunks || ledger_inflight(w->l)) {
    assert_true(advance(w));
    send_some(w);
    assert_true(w->now < 3600ull * 1000 * MS);
  }
  check_end(w);
  sent = w->next_pn;
  *lost = w->lost;
  *spurious = w->spurious;
  ledger_free(w->l);
  free(w->air);
  free(w);
  return sent;
}

static void a_clean_pipe_loses_nothing(void **state) {
  const struct road road = {.delay_ns = 5 * MS};
  unsigned lost, spurious;

  (void)state;
  assert_int_equal(transfer(&road, 1, &lost, &spurious), CHUNKS);
  assert_int_equal(lost, 0);
  assert_int_equal(spurious, 0);
}

static void losses_are_found_and_nothing_else(void **state) {
  unsigned lost, spurious;

  (void)state;
  for (uint64_t seed = 1; seed <= 6; seed++) {
    const struct road road = {.delay_ns = 5 * MS, .loss = 5};
    uint64_t sent = transfer(&road, seed, &lost, &spurious);
    assert_int_equal(spurious, 0);
    assert_in_range(lost, CHUNKS * 3 / 100, CHUNKS * 8 / 100);
    assert_in_range(sent, CHUNKS + lost, CHUNKS + lost + 20);
  }
}

static void bad_roads_are_survived(void **state) {
  unsigned lost, spurious;

  (void)state;
  for (uint64_t seed = 1; seed <= 12; seed++) {
    const struct road road = {.delay_ns = (1 + seed % 4 * 30) * MS,
                              .jitter_ns = seed % 3 * 4 * MS,
                              .loss = (unsigned)(seed % 5 * 10),
                              .ack_loss = (unsigned)(seed % 4 * 15)};
    assert_true(transfer(&road, seed, &lost, &spurious) >= CHUNKS);
  }
}

/* Order on the wire differs a little from order of numbers: the threshold adapts, and spurious losses end. */
static void inverted_order_is_learned(void **state) {
  unsigned lost, spurious;

  (void)state;
  for (uint64_t seed = 1; seed <= 4; seed++) {
    /* ten numbers a millisecond: up to twelve are overtaken */
    const struct road road = {.delay_ns = 20 * MS, .jitter_ns = 12 * MS / 10};
    transfer(&road, seed, &lost, &spurious);
    assert_int_equal(lost, spurious);
    assert_in_range(spurious, 1, 40);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_clean_pipe_loses_nothing),
      cmocka_unit_test(losses_are_found_and_nothing_else),
      cmocka_unit_test(bad_roads_are_survived),
      cmocka_unit_test(inverted_order_is_learned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
