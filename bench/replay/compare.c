#include "bench/replay/compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "bench/replay/field.h"

void compare_differ(struct compare *c, const char *fmt, ...) {
  if (c->differences++ >= COMPARE_TOLD)
    return;
  va_list args;
  va_start(args, fmt);
  fprintf(c->tell, "  %spacket %" PRIu64 " at %" PRIu64 ".%06" PRIu64 " ms: ",
          c->unrun ? "an unrun one, after " : "", c->packet, c->ns / 1000000, c->ns % 1000000);
  vfprintf(c->tell, fmt, args);
  fputc('\n', c->tell);
  va_end(args);
}

/* Index of the first byte that differs, or the shorter length. */
static size_t first_difference(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len) {
  size_t i = 0;
  while (i < a_len && i < b_len && a[i] == b[i])
    i++;
  return i;
}

static void compare_copy(struct compare *c, const char *was_name, const struct outcome_copy *was,
                         const char *name, const struct outcome_copy *is) {
  char field[FIELD_ROOM];
  static const char *const heads[] = {"slot", "generation", "interface"};
  const uint32_t a[] = {was->head.slot, was->head.gen, was->head.ifindex};
  const uint32_t b[] = {is->head.slot, is->head.gen, is->head.ifindex};
  for (size_t i = 0; i < 3; i++)
    if (a[i] != b[i])
      compare_differ(c, "copy for subscriber %u: %s: %s %u, %s %u", was->head.slot, heads[i],
                     was_name, a[i], name, b[i]);
  if (was->head.pn != is->head.pn)
    compare_differ(c, "copy for subscriber %u: joint number: %s %" PRIu64 ", %s %" PRIu64,
                   was->head.slot, was_name, was->head.pn, name, is->head.pn);
  const size_t at = first_difference(was->frame, was->len, is->frame, is->len);
  if (was->len != is->len)
    compare_differ(c, "copy for subscriber %u: length: %s %u, %s %u", was->head.slot, was_name,
                   was->len, name, is->len);
  else if (at < was->len)
    compare_differ(c, "copy for subscriber %u: %s: %s %02x, %s %02x", was->head.slot,
                   field_of_frame(was->frame, was->len, at, field), was_name, was->frame[at], name,
                   is->frame[at]);
}

static const char *reason_name(uint32_t reason) {
  return reason < FB_PACKET_REASON_COUNT ? fb_packet_reason_name(reason) : "none";
}

void compare_outcome(struct compare *c, const char *was_name, const struct outcome *was,
                     const char *name, const struct outcome *is) {
  if (is->failed)
    compare_differ(c, "%s could not run it, or gave the packet back changed", name);
  if (was->reason != is->reason)
    compare_differ(c, "reason: %s %s, %s %s", was_name, reason_name(was->reason), name,
                   reason_name(is->reason));
  if (was->n_copies != is->n_copies)
    compare_differ(c, "copies: %s %zu, %s %zu", was_name, was->n_copies, name, is->n_copies);
  for (size_t i = 0; i < was->n_copies && i < is->n_copies; i++)
    compare_copy(c, was_name, &was->copies[i], name, &is->copies[i]);
}

void compare_records(struct compare *c, const char *a_name, const struct outcome *a,
                     const char *b_name, const struct outcome *b) {
  char field[FIELD_ROOM];
  size_t i = 0;
  while (i < a->records_len && i < b->records_len) {
    size_t a_len, b_len;
    memcpy(&a_len, a->records + i, sizeof a_len);
    memcpy(&b_len, b->records + i, sizeof b_len);
    i += sizeof a_len;
    const size_t at = first_difference(a->records + i, a_len, b->records + i, b_len);
    if (a_len != b_len) {
      compare_differ(c, "record: length: %s %zu, %s %zu", a_name, a_len, b_name, b_len);
      return;
    }
    if (at < a_len)
      compare_differ(c, "record: %s: %s %02x, %s %02x",
                     field_of_record(a->records + i, a_len, at, field), a_name, a->records[i + at],
                     b_name, b->records[i + at]);
    i += a_len;
  }
  if (a->records_len != b->records_len)
    compare_differ(c, "records: %s %zu bytes, %s %zu", a_name, a->records_len, b_name,
                   b->records_len);
}

static uint64_t word_at(const uint8_t *bytes, size_t at, size_t len) {
  uint64_t word = 0;
  memcpy(&word, bytes + at, len - at < sizeof word ? len - at : sizeof word);
  return word;
}

/* Words that a run of datapath `user` counts its own way. */
static bool own_count(const struct compare *c, uint32_t array, size_t offset) {
  const size_t at = offset % c->arrays[array].each;
  if (!c->own_counts)
    return false;
  if (array == JOURNAL_COUNTERS)
    return at >= offsetof(struct fb_counters, ks_ready) &&
           at <= offsetof(struct fb_counters, ks_raced);
  return array == JOURNAL_UPSTREAM_STATE && at >= offsetof(struct fb_upstream_state, ks_ready) &&
         at <= offsetof(struct fb_upstream_state, ks_raced);
}

/* Bytes of an array that the run has, or another executor. */
void compare_bytes(struct compare *c, uint32_t array, size_t offset, size_t len,
                   const char *was_name, const uint8_t *was, const char *is_name,
                   const uint8_t *is) {
  char field[FIELD_ROOM];
  const struct journal_array *a = &c->arrays[array];
  if (is == NULL) {
    compare_differ(c, "%s: %s cannot be read there", a->name, is_name);
    return;
  }
  for (size_t at = 0; at < len; at += 8) {
    const uint64_t x = word_at(was, at, len), y = word_at(is, at, len);
    if (x == y || own_count(c, array, offset + at))
      continue;
    size_t k = 0;
    while ((x >> (8 * k) & 0xff) == (y >> (8 * k) & 0xff))
      k++;
    compare_differ(c, "%s: %s %#" PRIx64 ", %s %#" PRIx64 " (8 bytes)",
                   field_of_array(array, a->name, a->each, offset + at + k, field), was_name, x,
                   is_name, y);
  }
}
